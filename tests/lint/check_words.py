"""Looks for what must not be in the tree: notes to oneself, paths and hosts of one machine."""
import os
import re

import tree

# Pattern, why not, where it is looked for (prefixes of paths; () is everywhere).
RULES = [
    (r"\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b", "unfinished work", ()),
    (r"(?<![\w.])/(?:wor[k]|home/\w+)/", "a path of one machine", ()),
    (r"\b(?:pypi|deb\.debian|proxy\.golang)\.org|\bregistry\.np[m]js", "a registry's host", ()),
    (r"\b[Tt]he seed's\b|\bseed (?:job|paper|system|commands?)\b|[a-z]_seed_test\b|\w+SeedTest\b",
     "a word that no reader knows: say what is meant", ()),
    (r"\bDISABLED_\w+|\bEXPECT_TRUE\(true\)|\bASSERT_TRUE\(true\)", "a test that cannot fail",
     ("tests/",)),
]
_OWN_FOLDER = os.path.join("tests", "lint", "")


def check(root: str) -> list[str]:
    rules = [(re.compile(pattern), why, places) for pattern, why, places in RULES]
    findings = []
    for path in tree.files(root):
        if path.startswith(_OWN_FOLDER) or not tree.is_text(root, path):
            continue
        for number, line in enumerate(tree.read(root, path).splitlines(), 1):
            for pattern, why, places in rules:
                match = pattern.search(line)
                if match and (not places or path.startswith(places)):
                    findings.append(f"{path}:{number}: '{match.group(0)}': {why}")
    return findings


if __name__ == "__main__":
    tree.run(check)
