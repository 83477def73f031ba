"""Spoils requests: one or two things that a client could get wrong, or a hostile one make up."""
import copy
import json
import random
import urllib.parse

from request_maker import Made

LONG = "x" * 5000
ODD_STRINGS = ("", " ", "\0", "a\0b", "a\nb", "..", ".", "a/b", "-rf", "--", LONG, "\u202e\u200b", "\ufeff", "é" * 128,
               "💾" * 129, "\ud800", "%00", "%n%s", "'; --", "null", "0", "\u2028", "ÿ", "A" * 64, "é",
               "0190b1a2-0000-7000-8000-000000000000", "0190B1A2-0000-7000-8000-000000000000")
ODD_NUMBERS = (0, -1, 1, 1048575, 1048577, 2 ** 31, 2 ** 32, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, 2 ** 64,
               -2 ** 63, 10 ** 30, 0.5, 1e300, -0.0, 17592186044416, 17592186044416 + 1048576)
ODD_VALUES = (None, True, False, [], {}, [[]], {"a": {"b": []}}, [1, "2"])
RAW_BODIES = (b"", b"{", b"[]", b"7", b"null", b"\"\"", b"{}x", b"[" * 20_000, b'{"a":' * 5_000, b"\xff\xfe{}",
              b'{"size_bytes":1048576,"size_bytes":1048576}', b'{"size_bytes":1e400}', b'{"size_bytes":0e-40}',
              b'{"size_bytes":01}', b'{"size_bytes":NaN}', b'{"name":"\\ud800","size_bytes":1048576}',
              b'{"name":"a\xff","size_bytes":1048576}', b'{"size_bytes":1048576.0}', b"\0" * 100,
              b" " * 200_000 + b"{}", b'{"size_bytes":' + b"1" * 5_000 + b"}", b"\xef\xbb\xbf{}")
ODD_IDS = ("x", "%00", "..%2f..", "%ff", "a" * 300, "0190b1a2-0000-7000-8000-00000000000",
           "0190b1a2-0000-7000-8000-000000000000", "0190B1A2-0000-7000-8000-000000000000",
           "0190b1a2000070008000000000000000", "-1", "*", "0190b1a2-0000-7000-8000-000000000000%20")
ODD_QUERIES = ("limit=0", "limit=1001", "limit=-1", "limit=1e3", "limit=99999999999999999999", "limit=", "limit",
               "marker=x", "marker=0190b1a2-0000-7000-8000-000000000000", "id=x", "id=", "id_prefix=%00", "name=",
               "name=%ff", "name=%00", "tag=x", "tag==", "tag=a=%0a", "state=blue", "colour=red", "force=maybe",
               "force=TRUE", "live=1", "all_projects=yes", "project=nobody", "project=%2e%2e", "node=-", "vm=%F0%9F",
               "kind=", "&&&", "=", "a=b&a=b", "%zz=1", "name=a&name=b", "limit=1&limit=2",
               "id=" + "&id=".join(["0190b1a2-0000-7000-8000-000000000000"] * 101), "name=" + LONG)
ODD_HEADERS = (("Idempotency-Key", ""), ("Idempotency-Key", "a b"), ("Idempotency-Key", "k" * 129),
               ("Idempotency-Key", "\u00e9"), ("Idempotency-Key", "same"), ("If-None-Match", "*"),
               ("If-None-Match", '"x"'), ("If-Match", "*"), ("Prefer", "wait=-1"), ("Prefer", "wait=x"),
               ("Prefer", "wait=99999999999999999999"), ("Prefer", "wait"), ("Prefer", ",;=\"" * 50),
               ("Prefer", "respond-async, wait=1; a=\"b\""), ("Authorization", ""), ("Authorization", "Bearer x"),
               ("Authorization", "Bearer " + LONG), ("Authorization", "Basic eDp5"), ("Content-Type", "text/plain"),
               ("Content-Type", ""), ("Accept", "image/png"), ("X-Request-Id", "\u00e9 \u00ff"), ("Range", "bytes=0-0"),
               ("X-HTTP-Method-Override", "DELETE"), ("Cookie", "a=" + LONG), ("Content-Encoding", "gzip"))


class Spoiler:
    def __init__(self, seed: str):
        self.chance = random.Random(seed)

    def spoil(self, made: Made) -> str:
        """Changes the request; its target as it goes over the wire."""
        query = None
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            ways = ["path", "query", "header", "method"]
            ways += ["body"] * 6 if made.body is not None else []
            way = self.chance.choice(ways)
            made.spoiled.append(way)
            if way == "body":
                self._body(made)
            elif way == "header":
                name, value = self.chance.choice(ODD_HEADERS)
                made.headers[name] = value
            elif way == "path":
                self._path(made)
            elif way == "query":
                query = self.chance.choice(ODD_QUERIES)
            elif way == "method":
                made.method = self.chance.choice(("GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"))
        if query is None:
            return made.target()
        made.query += urllib.parse.parse_qsl(query, keep_blank_values=True)
        return made.path + "?" + query

    def _path(self, made: Made) -> None:
        parts = made.path.split("/")
        at = self.chance.randrange(1, len(parts))
        if self.chance.random() < 0.8 and len(parts) > 3:
            at = 3
        parts[at] = self.chance.choice(ODD_IDS)
        made.path = "/".join(parts)

    def _body(self, made: Made) -> None:
        if self.chance.random() < 0.25 or not isinstance(made.value, dict):
            made.value, made.body = None, self.chance.choice(RAW_BODIES)
            return
        value = copy.deepcopy(made.value)
        inner = [member for member in value.values() if isinstance(member, dict)]
        target = self.chance.choice(inner) if inner and self.chance.random() < 0.4 else value
        act = self.chance.random()
        if act < 0.15 and target:
            del target[self.chance.choice(list(target))]
        elif act < 0.3 or not target:
            target[self.chance.choice(("colour", "", "id", "state", "project", "é", "\0", LONG))] = self._odd()
        else:
            target[self.chance.choice(list(target))] = self._odd()
        made.value = value
        made.body = json.dumps(value).encode()

    def _odd(self):
        return self.chance.choice(self.chance.choice((ODD_STRINGS, ODD_NUMBERS, ODD_VALUES)))
