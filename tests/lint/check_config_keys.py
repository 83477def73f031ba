"""Every configuration key that a program reads stands in the operator guide and in the program's
example, and neither of them knows a key that no program reads."""
import re
import tomllib

import tree

GUIDE = "docs/operator-guide.md"
# Program -> folder whose sources read the keys.
PROGRAMS = {
    "vbsd": "api/",
    "vbs-volumed": "volume_delegate/",
    "vbs-vmmd": "vmm_delegate/",
    "vbs": "cli/",
}
# table.string_or("key", ...), and helpers of the program's own: duration(table, "key", ...).
_READER = re.compile(
    r"\b(?:string|string_or|integer_or|boolean_or|size_or|duration_or|strings|table|tables)"
    r'\(\s*"([a-z0-9_]+)"'
    r'|\b\w+\(\s*(?:root|table|hypervisor|store|target),\s*"([a-z0-9_]+)"')


# What several programs read is read by common/; it counts for those whose sources include it.
_SHARED = re.compile(r'#include "(common/[a-z_/]+)\.h"')


def keys_in_code(root: str, folder: str) -> set[str]:
    every = set(tree.files(root, ".cc")) | set(tree.files(root, ".h"))
    waiting = [path for path in every if path.startswith(folder)]
    seen, keys = set(waiting), set()
    while waiting:
        path = waiting.pop()
        text = tree.read(root, path)
        if '"common/config.h"' in text or "config::Table" in text:
            keys |= {first or second for first, second in _READER.findall(text)}
        for name in _SHARED.findall(text):
            more = {f"{name}.h", f"{name}.cc"} & every - seen
            seen |= more
            waiting += more
    return keys


def keys_in_guide(root: str, program: str) -> set[str]:
    """First column of the tables below the heading `### program's configuration`."""
    text = tree.read(root, GUIDE)
    section = re.search(rf"^### Configuration of {re.escape(program)}\n(.*?)(?=^##|\Z)", text,
                        re.MULTILINE | re.DOTALL)
    if section is None:
        return set()
    cells = re.findall(r"^\| (`[^|]+`) \|", section.group(1), re.MULTILINE)
    return {part for cell in cells for part in re.findall(r"[a-z0-9_]+", cell)}


def keys_of_table(table: dict) -> set[str]:
    keys = set(table)
    for value in table.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                keys |= keys_of_table(inner)
    return keys


def check(root: str) -> list[str]:
    findings = []
    for program, folder in PROGRAMS.items():
        read = keys_in_code(root, folder)
        documented = keys_in_guide(root, program)
        example = f"deploy/config/{program}.toml"
        text = tree.read(root, example)
        shown = keys_of_table(tomllib.loads(text)) | set(re.findall(r"^# ([a-z_]+) = ", text, re.MULTILINE))
        findings += [f"{GUIDE}: {program} reads '{key}', which is not described"
                     for key in sorted(read - documented)]
        findings += [f"{GUIDE}: {program} reads no '{key}'" for key in sorted(documented - read)]
        findings += [f"{example}: {program} reads no '{key}'" for key in sorted(shown - read)]
        findings += [f"{example}: {program} reads '{key}', which is not shown"
                     for key in sorted(read - shown)]
    return findings


if __name__ == "__main__":
    tree.run(check)
