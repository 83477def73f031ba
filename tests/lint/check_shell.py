"""Runs shellcheck over every bash file."""
import shutil
import subprocess
import sys

import tree

_SKIPPED = 77


def check(root: str) -> list[str]:
    if shutil.which("shellcheck") is None:
        print("skipped: shellcheck is missing; install the package shellcheck")
        sys.exit(_SKIPPED)
    paths = sorted(set(tree.scripts(root, "bash")) | set(tree.files(root, ".sh")))
    result = subprocess.run(["shellcheck", "--format=gcc", "--external-sources", *paths], cwd=root,
                            capture_output=True, text=True, check=False)
    if result.returncode > 1:
        return result.stderr.splitlines() or ["shellcheck failed"]
    return result.stdout.splitlines()


if __name__ == "__main__":
    tree.run(check)
