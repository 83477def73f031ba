"""Holds every #include against the layers: a folder may include only what lies below it, and each
outside library is seen by one place only."""
import os
import re

import tree

# Folder -> what it may include. The longest folder that is a prefix of the file's path counts.
LAYERS = {
    "common": ["common"],
    "common/http": ["common"],
    "db": ["db", "common"],
    "api": ["api", "db", "common"],
    "volume_delegate": ["volume_delegate", "common"],
    "vmm_delegate": ["vmm_delegate", "common"],
    "cli": ["cli", "common"],
}
# Within `common`, only its HTTP part may use its HTTP part.
HTTP = "common/http"

# Outside library (beginning of an <include>) -> the only folders or files of the product that may
# see it.
LIBRARIES = {
    "boost/beast": ["common/http/"],
    "cpprest": ["cli/"],
    "sqlite3.h": ["db/"],
    "iscsi/": ["vmm_delegate/initiator/"],
    "libvirt/": ["vmm_delegate/hypervisor/libvirt/libvirt_library.h"],
    "pugixml": ["vmm_delegate/hypervisor/libvirt/libvirt_xml.cc"],
    "rapidjson/": ["common/json"],
    "spdlog/": ["common/log"],
    "toml++": ["common/config"],
    "openssl/": ["common/"],
    "CLI/": ["cli/", "api/main.cc", "volume_delegate/main.cc", "vmm_delegate/main.cc"],
}

_INCLUDE = re.compile(r'^[ \t]*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(path: str) -> str | None:
    found = [folder for folder in LAYERS if path.startswith(folder + "/")]
    return max(found, key=len) if found else None


def allowed_in(path: str, include: str) -> bool:
    if path.startswith("bench/"):
        return True
    if path.startswith("tests/"):
        tested = re.match(r"tests/unit/([a-z_]+)/", path)
        if not tested or include.startswith("tests/"):
            return True
        part = "common/http" if tested.group(1) == "http" else tested.group(1)
        return any(include.startswith(folder + "/") for folder in LAYERS[part])
    layer = layer_of(path)
    if layer is None:
        return False
    if layer == "common" and include.startswith(HTTP + "/"):
        return False
    return any(include.startswith(folder + "/") for folder in LAYERS[layer])


def library_problem(path: str, include: str) -> str | None:
    if path.startswith(("tests/", "bench/")):
        return None
    for library, places in LIBRARIES.items():
        if include.startswith(library) and not path.startswith(tuple(places)):
            return f"<{include}> belongs to {' and '.join(places)} alone"
    return None


def beside(root: str, path: str, include: str) -> bool:
    """A test's helper in the test's own folder."""
    return "/" not in include and os.path.exists(os.path.join(root, os.path.dirname(path), include))


def check(root: str) -> list[str]:
    findings = []
    for path in tree.files(root, ".h", ".cc"):
        text = tree.read(root, path)
        for match in _INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            kind, include = match.groups()
            if kind == "<":
                problem = library_problem(path, include)
            elif path.startswith("tests/") and beside(root, path, include):
                problem = None
            elif not os.path.exists(os.path.join(root, include)):
                problem = f'"{include}" is no file of the tree (paths begin at the root)'
            elif not allowed_in(path, include):
                problem = f'"{include}" lies in a layer that this folder may not use'
            else:
                problem = None
            if problem:
                findings.append(f"{path}:{line}: {problem}")
    return findings


if __name__ == "__main__":
    tree.run(check)
