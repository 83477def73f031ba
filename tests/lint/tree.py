"""What the checks of this folder share: the files of the tree and the way to report."""
import os
import re
import sys

# The last two are inputs of fuzz targets, which are no text that anybody reads.
_LEFT_OUT = {"build", "__pycache__", "corpus", "regressions"}


def files(root: str, *suffixes: str) -> list[str]:
    """Paths below root, relative to it and sorted; of all kinds when no suffix is given."""
    found = []
    for folder, names, entries in os.walk(root):
        names[:] = [name for name in names
                    if name not in _LEFT_OUT and (not name.startswith(".") or name == ".ci")]
        for entry in entries:
            if entry == ".git":  # a file in a work tree beside its repository
                continue
            if not suffixes or entry.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, entry), root))
    return sorted(found)


def read(root: str, path: str) -> str:
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def is_text(root: str, path: str) -> bool:
    with open(os.path.join(root, path), "rb") as file:
        head = file.read(4096)
    return b"\0" not in head


def scripts(root: str, interpreter: str) -> list[str]:
    """Files whose first line names the interpreter, whatever their suffix."""
    found = []
    for path in files(root):
        with open(os.path.join(root, path), "rb") as file:
            first = file.readline(200)
        if first.startswith(b"#!") and interpreter.encode() in first:
            found.append(path)
    return found


def _blank(match: re.Match) -> str:
    """As many lines as before, and a string stays a string."""
    text = match.group(0)
    return ('""' if text[0] in "\"R'" else "") + "\n" * text.count("\n")


_CPP_TEXT = re.compile(
    r'R"(?P<mark>[^(\s]{0,16})\(.*?\)(?P=mark)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # a character; not the separator in 1'000
    r"|//[^\n]*|/\*.*?\*/",
    re.DOTALL)


def cpp_code(text: str) -> str:
    """C++ without its comments, strings and characters; lines keep their numbers."""
    return _CPP_TEXT.sub(_blank, text)


def run(check) -> None:
    """Runs check(root) on the folder named on the command line; it returns findings as lines."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} SOURCE_DIR")
    findings = check(sys.argv[1])
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    sys.exit(1 if findings else 0)
