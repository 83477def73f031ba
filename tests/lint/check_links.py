"""Relative links in Markdown files lead to files that exist."""
import os
import re

import tree

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def check(root: str) -> list[str]:
    findings = []
    for path in tree.files(root, ".md"):
        for number, line in enumerate(tree.read(root, path).splitlines(), 1):
            for target in _LINK.findall(line):
                if re.match(r"[a-z]+:|#", target):
                    continue
                place = os.path.join(root, os.path.dirname(path), target.split("#")[0])
                if not os.path.exists(place):
                    findings.append(f"{path}:{number}: {target} does not exist")
    return findings


if __name__ == "__main__":
    tree.run(check)
