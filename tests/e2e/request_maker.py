"""Requests made from the OpenAPI document and from what earlier answers told of: right ones, of schemas and
of ids that exist, and spoiled ones (request_spoiler.py)."""
import dataclasses
import json
import random
import re
import re._constants as sre
import re._parser as sre_parse
import string
import urllib.parse
import uuid

from openapi_schema import document, resolve

MIB = 1 << 20
METHODS = ("get", "post", "patch", "delete")
# How often an operation is chosen; those that change something or follow up on a change more often.
WEIGHTS = {"createVolume": 6, "attachVolume": 6, "detachVolume": 5, "createSnapshot": 4, "cancelOperation": 6,
           "deleteVolume": 4, "deleteSnapshot": 3, "modifyVolume": 4, "describeOperation": 2}
# Which earlier answers a member or parameter can be taken from.
KINDS = {"volume_id": "volume", "volume": "volume", "vm": "vm", "node": "vmm", "image": "image",
         "volume_server": "volume-server", "resource": "volume", "project": "project",
         "name": "name"}
_PATH_KINDS = {"VolumeId": "volume", "SnapshotId": "snapshot", "ImageId": "image",
               "OperationId": "operation", "AttachmentId": "attachment"}


@dataclasses.dataclass
class Made:
    """A request, with what is known of it."""
    operation: str
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    value: object = None  # the body, as far as it is JSON
    body: bytes | None = None
    role: str = "admin"
    spoiled: list[str] = dataclasses.field(default_factory=list)

    def target(self) -> str:
        return self.path + ("?" + urllib.parse.urlencode(self.query) if self.query else "")

    def set_value(self, value: object) -> None:
        self.value = value
        self.body = json.dumps(value).encode()


class Known:
    """What answers told of, the newest last. Threads may share it."""

    def __init__(self) -> None:
        self._ids: dict[str, list] = {"project": ["default"]}

    def add(self, kind: str, value) -> None:
        known = self._ids.setdefault(kind, [])
        if value in known:
            known.remove(value)
        known.append(value)
        del known[:-40]

    def pick(self, kind: str, chance: random.Random):
        """One of them, those of late more often; None if there is none."""
        known = list(self._ids.get(kind, ()))
        newest = chance.random() < 0.5
        return known[-1] if known and newest else chance.choice(known) if known else None

    def learn(self, operation: str, body) -> None:
        if not isinstance(body, dict):
            return
        if "id" in body:  # one thing by itself
            self._see(operation.removeprefix("describe").lower(), body)
        for key, value in body.items():
            for one in value if isinstance(value, list) else [value]:
                self._see(key.removesuffix("s") if isinstance(value, list) else key, one)
        if body.get("next"):
            self.add("marker of " + operation, body["next"])

    def _see(self, kind: str, thing) -> None:
        if not isinstance(thing, dict):
            return
        if kind == "vm":
            self.add("vm", thing["name"])
        elif kind == "node":
            self.add(thing["role"], thing["name"])
        elif kind == "attachment":
            self.add("attachment", (thing["volume_id"], thing["id"]))
        elif kind in ("volume", "snapshot", "image", "operation"):
            self.add(kind, thing["id"])
            if thing.get("name"):
                self.add("name", thing["name"])
            for attachment in thing.get("attachments", []):
                self._see("attachment", attachment)


def operations() -> dict[str, tuple[str, str, dict, list]]:
    """By operationId: method, path pattern, description, and parameters of operation and path."""
    return {item[method]["operationId"]:
            (method.upper(), path, item[method], item.get("parameters", []) + item[method].get("parameters", []))
            for path, item in document()["paths"].items() for method in METHODS if method in item}


def text_of_pattern(pattern: str, chance: random.Random) -> str:
    return "".join(_text_of(node, chance) for node in sre_parse.parse(pattern))


def _text_of(node, chance: random.Random) -> str:
    kind, value = node
    if kind is sre.LITERAL:
        return chr(value)
    if kind is sre.IN:
        return _text_of(chance.choice(value), chance)
    if kind is sre.RANGE:
        return chr(chance.randint(*value))
    if kind is sre.ANY:
        return chance.choice(string.ascii_letters)
    if kind is sre.MAX_REPEAT:
        low, high, inner = value
        count = chance.randint(low, min(high, low + chance.choice((1, 8, 70))))
        return "".join(_text_of(part, chance) for _ in range(count) for part in inner)
    if kind is sre.SUBPATTERN:
        return "".join(_text_of(part, chance) for part in value[3])
    if kind is sre.BRANCH:
        return "".join(_text_of(part, chance) for part in chance.choice(value[1]))
    return ""  # anchors


class Maker:
    def __init__(self, known: Known, seed: str):
        self.known = known
        self.chance = random.Random(seed)
        self._operations = operations()
        self._weights = [WEIGHTS.get(name, 1) for name in self._operations]

    def make(self) -> Made:
        """A request as the document wants it."""
        name = self.chance.choices(list(self._operations), self._weights)[0]
        method, path, described, parameters = self._operations[name]
        made = Made(name, method, self._path(path, parameters), [], {})
        for reference in parameters:
            parameter = resolve(reference)
            if parameter["in"] == "query" and self.chance.random() < 0.2:
                value = self._query_value(name, parameter, path)
                made.query += [(parameter["name"], value)] if value is not None else []
            elif parameter["in"] == "header" and self.chance.random() < 0.4:
                made.headers[parameter["name"]] = self._header(parameter)
        if made.query and "marker" in dict(made.query):  # is of the caller's project
            made.query = [(name, value) for name, value in made.query if name != "project"]
        if "requestBody" in described:
            schema = described["requestBody"]["content"]["application/json"]["schema"]
            made.set_value(self._completed(name, self.value(schema)))
            made.headers["Content-Type"] = "application/json"
        made.role = self.chance.choices(("admin", "member", "reader"), (8, 3, 1))[0]
        return made

    def _path(self, pattern: str, parameters: list) -> str:
        kinds = {resolve(p)["name"]: _PATH_KINDS[p["$ref"].rpartition("/")[2]]
                 for p in parameters if resolve(p)["in"] == "path"}
        values = {name: self._known_or(kind, self.uuid) for name, kind in kinds.items()}
        if isinstance(pair := values.get("attachment_id"), tuple):
            values["id"], values["attachment_id"] = pair
        return re.sub(r"{(\w+)}", lambda match: values[match[1]], pattern)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def _known_or(self, kind: str, other):
        found = self.known.pick(kind, self.chance) if self.chance.random() < 0.9 else None
        return other() if found is None else found

    def _query_value(self, operation: str, parameter: dict, path: str) -> str | None:
        name, schema = parameter["name"], resolve(parameter["schema"])
        if name == "marker":
            return self.known.pick("marker of " + operation, self.chance)
        kind = path.rpartition("/")[2].removesuffix("s") if name in ("id", "id_prefix") else KINDS.get(name)
        if name == "node":
            kind = "volume-server"
        value = self._known_or(kind, lambda: None) if kind else None
        if value is None:
            value = self.value(schema["items"] if schema["type"] == "array" else schema, name)
        elif name == "id_prefix":
            value = value[:self.chance.randint(4, 36)]
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _header(self, parameter: dict) -> str:
        if parameter["name"] == "Prefer":
            return f"wait={self.chance.choice((0, 1, 2, 5))}"
        return self.value(parameter["schema"])

    def value(self, schema: dict, name: str = ""):
        """Of the schema; where earlier answers have one of that name, mostly theirs."""
        schema = resolve(schema)
        for part in schema.get("allOf", []):
            schema = resolve(part) | schema
        chance = self.chance
        if "enum" in schema:
            return chance.choice(schema["enum"])
        kind = schema["type"]
        if kind == "object":
            return self._object(schema)
        if kind == "boolean":
            return chance.random() < 0.5
        if kind == "integer":
            step = schema.get("multipleOf", 1)
            small = schema.get("minimum", 0) + step * chance.choice((0, 0, 1, 3, 7))
            return schema.get("maximum", small) if chance.random() < 0.03 else small
        if name in KINDS and (known := self._known_or(KINDS[name], lambda: None)) is not None:
            return known
        if "pattern" in schema:
            return text_of_pattern(schema["pattern"], chance)
        longest = schema.get("maxLength", 20)
        length = max(schema.get("minLength", 0), chance.choice((1, 2, 3, 8, longest)))
        # The document's lengths are characters, and of these the service takes so many bytes.
        letters = "abcdefghij0123-._" + ("äß漢💾" if length < longest / 4 else "")
        return "".join(chance.choices(letters, k=length - 1)) + "z"

    def _object(self, schema: dict) -> dict:
        made = {}
        for name, member in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or self.chance.random() < 0.3:
                made[name] = self.value(member, name)
        if isinstance(others := schema.get("additionalProperties"), dict):
            for _ in range(self.chance.choice((0, 1, 2, schema.get("maxProperties", 3)))):
                key = text_of_pattern("[A-Za-z0-9._:/-]{1,64}", self.chance)
                made[key] = self.value(others)
        return made

    def _completed(self, operation: str, value: dict) -> dict:
        """What the document says of a body in words only."""
        if operation == "createVolume":
            if "source" in value:
                value.pop("image", None)
                value.pop("size_bytes", None)  # its source's, which may be the larger one
                value["source"]["id"] = self._known_or(value["source"]["type"], self.uuid)
            elif "image" not in value:
                value.setdefault("size_bytes", MIB * self.chance.choice((1, 1, 2, 4)))
            if value.get("volume_server") != self.known.pick("volume-server", self.chance):
                value.pop("volume_server", None)  # it must be one that there is
        if operation == "modifyVolume" and value["size_bytes"] < 64 * MIB:
            value["size_bytes"] = 9 * MIB  # nothing shrinks, and others are made smaller
        if operation == "attachVolume" and value.get("device", "").endswith("da"):
            value["device"] = "/dev/sdq"  # what ends in "a" may be what the VM boots from
        return value
