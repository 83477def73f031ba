"""Judges an answer by docs/api/openapi.yaml: is its status described, does its body fit the schema?
Covers what that document uses of JSON Schema, and refuses keywords it does not know."""
import functools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "cmake"))
import embed_openapi  # noqa: E402

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
ANNOTATIONS = {"description", "example", "default", "format"}
KNOWN = {"type", "nullable", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum",
         "multipleOf", "items", "maxItems", "properties", "required", "additionalProperties",
         "maxProperties", "allOf", "$ref"}


@functools.cache
def document():
    return embed_openapi.load(ROOT / "docs" / "api" / "openapi.yaml")


def resolve(node):
    while "$ref" in node:
        target = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def faults(schema, value, where="body"):
    """-> what is wrong with the value, one sentence each"""
    schema = resolve(schema)
    unknown = set(schema) - KNOWN - ANNOTATIONS
    if unknown:
        raise ValueError(f"{where}: keywords that nobody checks: {sorted(unknown)}")
    if value is None and schema.get("nullable"):
        return []
    found = []
    for part in schema.get("allOf", []):
        found += faults(part, value, where)
    if "type" in schema:
        right = isinstance(value, TYPES[schema["type"]])
        if not right or (schema["type"] == "integer" and isinstance(value, bool)):
            return found + [f"{where}: {value!r} is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if isinstance(value, str):
        found += _faults_of_string(schema, value, where)
    elif isinstance(value, dict):
        found += _faults_of_object(schema, value, where)
    elif isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            found.append(f"{where}: more than {schema['maxItems']} elements")
        for number, element in enumerate(value):
            found += faults(schema.get("items", {}), element, f"{where}[{number}]")
    elif isinstance(value, int):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high or value % schema.get("multipleOf", 1):
            found.append(f"{where}: {value} is out of its range")
    return found


def _faults_of_string(schema, value, where):
    found = []
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{where}: {value!r} does not match {schema['pattern']}")
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        found.append(f"{where}: {value!r} is too short or too long")
    return found


def _faults_of_object(schema, value, where):
    found = [f"{where}: {name} is missing" for name in schema.get("required", [])
             if name not in value]
    described = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    if len(value) > schema.get("maxProperties", len(value)):
        found.append(f"{where}: more than {schema['maxProperties']} members")
    for name, member in value.items():
        if name in described:
            found += faults(described[name], member, f"{where}.{name}")
        elif others is False:
            found.append(f"{where}: {name} is not described")
        elif isinstance(others, dict):
            found += faults(others, member, f"{where}.{name}")
    return found


def _pattern_of(path):
    for pattern in sorted(document()["paths"], key=lambda p: p.count("{")):
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path):
            return pattern
    return None


def faults_of_answer(method, path, status, content_type, body):
    """The same for a whole answer; `body` is JSON as Python has it."""
    label = f"{method} {path} -> {status}"
    pattern = _pattern_of(path)
    operation = document()["paths"].get(pattern, {}).get(method.lower())
    if operation is None:
        return [] if status in (404, 405) else [f"{label}: the route is not described"]
    if str(status) not in operation["responses"]:
        return [f"{label}: the status is not described"]
    content = resolve(operation["responses"][str(status)]).get("content", {})
    if content_type.split(";")[0] not in content:
        return [f"{label}: {content_type} is not described"]
    return [f"{label}: {fault}"
            for fault in faults(content[content_type.split(";")[0]]["schema"], body)]


def faults_of_request(method, path, query, body):
    """Parameters that are not described, or a body that does not fit."""
    item = document()["paths"].get(_pattern_of(path), {})
    operation = item.get(method.lower())
    if operation is None:
        return [f"{method} {path}: the route is not described"]
    parameters = [resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
    names = {p["name"] for p in parameters if p["in"] == "query"}
    found = [f"{method} {path}: parameter {name} is not described"
             for name, _ in query if name not in names]
    if "requestBody" in operation:
        found += faults(operation["requestBody"]["content"]["application/json"]["schema"], body,
                        f"{method} {path}: body")
    elif body is not None:
        found.append(f"{method} {path}: a body where none is described")
    return found
