#!/usr/bin/python3
"""Holds docs/api/openapi.yaml against the routes of vbsd, both ways, and against itself.

    vbsd --routes | check_openapi.py -
    check_openapi.py ROUTES_FILE
    check_openapi.py --vbsd PROGRAM

ROUTES_FILE has one "METHOD /path/{pattern} ROLE" a line. Prints what is wrong, one finding a line, and
exits 1 if there is any.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "cmake"))
import embed_openapi  # noqa: E402

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
ROLES = ("anyone", "reader", "member", "admin")
ROUTE = re.compile(rf"^(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS) (/\S*) ({'|'.join(ROLES)})$")


def read_routes(lines):
    """-> ({(method, path): role}, findings)"""
    routes, findings = {}, []
    for number, line in enumerate(lines, 1):
        match = ROUTE.match(line.rstrip("\n"))
        if not match:
            findings.append(f"routes, line {number}: not 'METHOD /path ROLE': {line.rstrip()!r}")
            continue
        routes[match[1].lower(), match[2]] = match[3]
    return routes, findings


def operations_of(document):
    """-> [((method, path), operation, parameters of operation and path)]"""
    found = []
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                found.append(((method, path), item[method], parameters))
    return found


def compare(document, routes):
    described = {route: operation for route, operation, _ in operations_of(document)}
    findings = [f"route without description: {m.upper()} {p}"
                for m, p in sorted(routes.keys() - described.keys())]
    findings += [f"description without route: {m.upper()} {p}"
                 for m, p in sorted(described.keys() - routes.keys())]
    for (method, path), operation in described.items():
        role, said = routes.get((method, path)), operation.get("x-least-role")
        if role and said != role:
            findings.append(f"{method.upper()} {path}: takes the role {role}, described as {said}")
        if role and (operation.get("security") == []) != (role == "anyone"):
            findings.append(f"{method.upper()} {path}: takes the role {role}, but its `security` "
                            "says otherwise")
    return findings


def resolve(document, reference):
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def references_in(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from references_in(value)


def check_references(document):
    findings, used = [], set()
    for reference in references_in(document):
        used.add(reference)
        try:
            resolve(document, reference)
        except (KeyError, TypeError):
            findings.append(f"reference to nothing: {reference}")
    for group in ("parameters", "headers", "responses", "schemas"):
        for name in document["components"][group]:
            if f"#/components/{group}/{name}" not in used:
                findings.append(f"component that nobody refers to: {group}/{name}")
    return findings


def check_schemas(document):
    findings = []
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("required", []):
            if field not in schema.get("properties", {}):
                findings.append(f"schema {name} requires {field}, which it does not describe")
    return findings


def check_parameters(document, route, parameters):
    method, path = route
    full = [resolve(document, p["$ref"]) if "$ref" in p else p for p in parameters]
    in_path = {p["name"] for p in full if p["in"] == "path"}
    in_pattern = set(re.findall(r"{(\w+)}", path))
    findings = []
    if in_path != in_pattern:
        findings.append(f"{method.upper()} {path}: path parameters {sorted(in_path)} described, "
                        f"{sorted(in_pattern)} in the pattern")
    names = [(p["in"], p["name"]) for p in full]
    findings += [f"{method.upper()} {path}: parameter {n} twice" for n in names if names.count(n) > 1]
    return findings


def check_responses(document, route, operation):
    """Every route says what it answers when it goes wrong, and a protected one 401."""
    label = f"{route[0].upper()} {route[1]}"
    responses = operation["responses"]
    findings = []
    if not any(status.startswith("2") for status in responses):
        findings.append(f"{label}: no good answer")
    if operation.get("security") != [] and "401" not in responses:
        findings.append(f"{label}: needs a token but has no 401")
    if route[0] != "get" and "409" not in responses:
        findings.append(f"{label}: changes something but has no 409")
    for status, response in responses.items():
        full = resolve(document, response["$ref"]) if "$ref" in response else response
        if int(status) >= 400 and list(full.get("content", {})) != ["application/problem+json"]:
            findings.append(f"{label}: {status} is no problem document")
    return findings


def check_itself(document):
    findings = check_references(document) + check_schemas(document)
    names = [operation["operationId"] for _, operation, _ in operations_of(document)]
    findings += [f"operationId {name} twice" for name in sorted(set(names)) if names.count(name) > 1]
    for route, operation, parameters in operations_of(document):
        if operation.get("x-least-role") not in ROLES:
            findings.append(f"{route[0].upper()} {route[1]}: x-least-role is missing or unknown")
        findings += check_parameters(document, route, parameters)
        findings += check_responses(document, route, operation)
    return findings


def main():
    from_program = len(sys.argv) == 3 and sys.argv[1] == "--vbsd"
    if len(sys.argv) != 2 and not from_program:
        sys.exit(__doc__)
    document = embed_openapi.load(ROOT / "docs" / "api" / "openapi.yaml")
    if from_program:
        listed = subprocess.run([sys.argv[2], "--routes"], capture_output=True, text=True, check=True)
        routes, findings = read_routes(listed.stdout.splitlines())
    elif sys.argv[1] == "-":
        routes, findings = read_routes(sys.stdin)
    else:
        with open(sys.argv[1], encoding="utf-8") as file:
            routes, findings = read_routes(file)
    if not routes:
        findings.append("no routes were given")
    findings += compare(document, routes) + check_itself(document)
    for finding in findings:
        print(f"openapi: {finding}")
    if not findings:
        print(f"openapi: {len(routes)} routes, all described")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
