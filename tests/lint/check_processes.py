"""Outside programs are started in one place, common/process, and never through a shell; nor by the scripts
and units that belong to the product."""
import ast
import os
import re

import tree

_PRODUCT = ("common/", "db/", "api/", "volume_delegate/", "vmm_delegate/", "cli/")
_STARTER = "common/process"  # process.cc, process_spawn.cc and what they share
# After a word, '.' or '>' it is a declaration or a method of another class.
_NOT_A_METHOD = r"(?<![\w.>])"
_SHELL_CALL = re.compile(_NOT_A_METHOD + r"(?:system|popen|wordexp)\s*\(")
_START_CALL = re.compile(_NOT_A_METHOD + r"(?:exec[lv]p?e?|execvpe|fexecve|execveat|posix_spawnp?|v?fork)\s*\(")
_START_HEADER = re.compile(r"#\s*include\s*<(spawn\.h|wordexp\.h|boost/process[^>]*)>")
_SHELL = re.compile(r'"(?:(?:/usr)?/bin/)?(?:ba|da|z|k|c|tc)?sh"|"(?:/usr)?/bin/(?:env|busybox)"')
# What a user's shell gets to complete the names of verbs is printed, not run.
_PRINTED_SHELLS = "cli/"

_PYTHON_SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn"}
_UNIT = re.compile(r"^\s*Exec\w+=[-@:+!]*\S*\b(?:ba|da)?sh\s|\b(?:RUN|PROGRAM|IMPORT)\S*=\s*\"\S*\b(?:ba|da)?sh\s",
                   re.MULTILINE)


def _in_cpp(path: str, text: str) -> list[tuple[int, str, str]]:
    code = tree.cpp_code(text)
    searches = [(_SHELL_CALL, code, "starts a shell")]
    if not path.startswith(_STARTER):
        searches += [(_START_CALL, code, "only common/process starts programs"),
                     (_START_HEADER, text, "only common/process starts programs")]
    if not path.startswith(_PRINTED_SHELLS):
        searches.append((_SHELL, text, "names a shell"))
    return [(where.count("\n", 0, match.start()) + 1, match.group(0), why)
            for pattern, where, why in searches for match in pattern.finditer(where)]


def _is_shell(call: ast.Call) -> bool:
    if ast.unparse(call.func) in _PYTHON_SHELLS:
        return True
    return any(keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
               for keyword in call.keywords)


def _in_python(text: str) -> list[tuple[int, str, str]]:
    return [(node.lineno, ast.unparse(node.func), "starts a shell") for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call) and _is_shell(node)]


def _in_unit(text: str) -> list[tuple[int, str, str]]:
    return [(text.count("\n", 0, match.end()) + 1, match.group(0).strip(), "starts a shell")
            for match in _UNIT.finditer(text)]


def check(root: str) -> list[str]:
    python = set(tree.scripts(root, "python"))
    findings = []
    for path in tree.files(root):
        found = []
        if path.startswith(_PRODUCT) and path.endswith((".cc", ".h")):
            found = _in_cpp(path, tree.read(root, path))
        elif path.endswith(".py") or path in python:
            found = _in_python(tree.read(root, path))
        elif path.startswith((os.path.join("deploy", "systemd"), os.path.join("deploy", "udev"))):
            found = _in_unit(tree.read(root, path))
        findings += [f"{path}:{number}: '{text}': {why}" for number, text, why in found]
    return findings


if __name__ == "__main__":
    tree.run(check)
