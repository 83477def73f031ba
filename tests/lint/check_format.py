"""Asks clang-format 14 whether it would change a C++ file."""
import shutil
import subprocess
import sys

import tree

_SKIPPED = 77


def check(root: str) -> list[str]:
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if program is None:
        print("skipped: clang-format is missing; install the package clang-format")
        sys.exit(_SKIPPED)
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if " 14." not in version.stdout:
        print(f"skipped: clang-format 14 is needed, found {version.stdout.strip()}")
        sys.exit(_SKIPPED)
    paths = tree.files(root, ".h", ".cc")
    result = subprocess.run([program, "--dry-run", "--Werror", *paths], cwd=root,
                            capture_output=True, text=True, check=False)
    changed = {line.split(":")[0] for line in result.stderr.splitlines() if ": error:" in line}
    if result.returncode != 0 and not changed:
        return result.stderr.splitlines()
    return [f"{path}: run clang-format -i {path}" for path in sorted(changed)]


if __name__ == "__main__":
    tree.run(check)
