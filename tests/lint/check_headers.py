"""Every header of the product has `#pragma once`, lies in a vbs namespace, and says what its
classes are for: a class stands below a comment, unless it derives from one that does."""
import re

import tree

_PRODUCT = ("common/", "db/", "api/", "volume_delegate/", "vmm_delegate/", "cli/")
_CLASS = re.compile(r"^class (\w+)(?: final)?\s*\{", re.MULTILINE)


def explained(text: str, position: int) -> bool:
    """Whether the line before, template parameters aside, is a comment."""
    before = text[:position].rstrip("\n").split("\n")
    while before and before[-1].startswith(("template", "[[")):
        before.pop()
    return bool(before) and before[-1].lstrip().startswith("//")


def check(root: str) -> list[str]:
    findings = []
    for path in tree.files(root, ".h"):
        if not path.startswith(_PRODUCT):
            continue
        text = tree.read(root, path)
        if "#pragma once" not in text:
            findings.append(f"{path}: #pragma once is missing")
        if not re.search(r"^namespace vbs\b", text, re.MULTILINE):
            findings.append(f"{path}: nothing lies in namespace vbs")
        for match in _CLASS.finditer(text):
            if not explained(text, match.start()):
                line = text.count("\n", 0, match.start()) + 1
                findings.append(f"{path}:{line}: class {match.group(1)} says not what it is for")
    return findings


if __name__ == "__main__":
    tree.run(check)
