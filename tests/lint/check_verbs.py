"""What the documents show as a command of `vbs` is one: words behind `vbs` in code are verbs of the
command line's table."""
import os
import re

import tree

_TABLE = "cli/command_table.cc"
_VERB = re.compile(r'^ {6}\{"([a-z-]+)",', re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_CALL = re.compile(r"(?:^|[\s/=(])vbs ([a-z][a-z-]*)(?![\w/.])")


def _code(path: str, text: str):
    """(line number, code) of what is to be typed."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if path.endswith(".1"):
            if line.startswith("vbs "):
                yield number, line
        elif line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield number, line.split("#")[0]
        else:
            yield from ((number, span) for span in _SPAN.findall(line))


def check(root: str) -> list[str]:
    if not os.path.exists(os.path.join(root, _TABLE)):
        return [f"{_TABLE} is missing"]
    verbs = set(_VERB.findall(tree.read(root, _TABLE)))
    return [f"{path}:{number}: vbs has no verb '{word}'"
            for path in tree.files(root, ".md", ".1")
            for number, code in _code(path, tree.read(root, path))
            for word in _CALL.findall(code) if word not in verbs]


if __name__ == "__main__":
    tree.run(check)
