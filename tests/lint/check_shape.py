"""Keeps files and functions small: files up to 400 lines, functions up to 70, control structures
nested at most 4 deep, lines up to 120 characters in Python and bash (clang-format sees to C++)."""
import ast
import re

import tree

MAX_FILE = 400
MAX_FUNCTION = 70
MAX_NESTING = 4
MAX_LINE = 120

_TRANSPARENT = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_CONTROL = re.compile(r"^\s*(?:\}\s*)?(?:if|else|for|while|do|switch|try|catch)\b")


class CppFunctions:
    """Finds function bodies by counting braces in code without comments and strings."""

    def __init__(self, code: str):
        self.lengths: list[tuple[int, int]] = []  # first line, number of lines
        self.nestings: list[tuple[int, int]] = []  # line, depth
        self._kinds: list[str] = []  # of every open brace
        self._starts: list[int] = []
        self._scan(re.sub(r"(?m)^#.*", "", code))  # what the preprocessor takes ends without a semicolon

    def _scan(self, code: str) -> None:
        head, head_line, line, parentheses = "", 1, 1, 0
        for character in code:
            if character == "\n":
                line += 1
            if character == "{":
                self._open(head, head_line if head.strip() else line, line)
            elif character == "}":
                self._close(line)
            parentheses += {"(": 1, ")": -1}.get(character, 0)
            if character in "{}" or (character == ";" and parentheses <= 0):
                head, parentheses = "", 0
                continue
            if not head.strip():
                head_line = line
            head += character

    def _open(self, head: str, head_line: int, line: int) -> None:
        inside = "function" in self._kinds
        if inside:
            kind = "control" if _CONTROL.match(head) else "other"
        elif _TRANSPARENT.search(head.split("(")[0]) and not head.rstrip().endswith(")"):
            kind = "scope"
        elif head.rstrip().endswith("="):
            kind = "other"
        else:
            kind = "function"
        self._kinds.append(kind)
        self._starts.append(head_line)
        depth = self._kinds.count("control")
        if kind == "control" and depth > MAX_NESTING:
            self.nestings.append((line, depth))

    def _close(self, line: int) -> None:
        if not self._kinds:
            return
        start = self._starts.pop()
        if self._kinds.pop() == "function":
            self.lengths.append((start, line - start + 1))


def check_cpp(path: str, text: str) -> list[str]:
    functions = CppFunctions(tree.cpp_code(text))
    findings = [f"{path}:{line}: function of {length} lines, at most {MAX_FUNCTION}"
                for line, length in functions.lengths if length > MAX_FUNCTION]
    findings += [f"{path}:{line}: nested {depth} deep, at most {MAX_NESTING}"
                 for line, depth in functions.nestings]
    return findings


def check_python(path: str, text: str) -> list[str]:
    findings = []
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION:
                findings.append(f"{path}:{node.lineno}: function of {length} lines, at most "
                                f"{MAX_FUNCTION}")
    return findings


def check_shell(path: str, text: str) -> list[str]:
    findings, start = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"^[A-Za-z_][A-Za-z0-9_-]*\(\) [{(]", line):
            start = number
        if start and re.match(r"^[})]", line):
            if number - start + 1 > MAX_FUNCTION:
                findings.append(f"{path}:{start}: function of {number - start + 1} lines, at most "
                                f"{MAX_FUNCTION}")
            start = None
    return findings


def check(root: str) -> list[str]:
    findings = []
    python = set(tree.files(root, ".py")) | set(tree.scripts(root, "python3"))
    shell = set(tree.files(root, ".sh")) | set(tree.scripts(root, "sh"))
    cpp = set(tree.files(root, ".h", ".cc"))
    for path in sorted(python | shell | cpp):
        text = tree.read(root, path)
        lines = text.splitlines()
        if len(lines) > MAX_FILE:
            findings.append(f"{path}: {len(lines)} lines, at most {MAX_FILE}")
        if path in cpp:
            findings += check_cpp(path, text)
            continue
        findings += check_python(path, text) if path in python else check_shell(path, text)
        findings += [f"{path}:{number}: {len(line)} characters, at most {MAX_LINE}"
                     for number, line in enumerate(lines, 1) if len(line) > MAX_LINE]
    return findings


if __name__ == "__main__":
    tree.run(check)
