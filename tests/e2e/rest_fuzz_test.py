"""Requests that are made from the OpenAPI document, right ones and spoiled ones, with ids out of earlier
answers, from several clients at once. Whatever is asked, the answer is one that the document describes and no
failure of the service, and in the end rows and world agree.

A run that fails prints its seed. VBS_REST_FUZZ_SEED repeats it, as far as the clients meet alike;
VBS_REST_FUZZ_SECONDS makes it longer.
"""
import collections
import http.client
import json
import os
import socket
import sys
import threading
import time
import traceback
import unittest
import uuid

from stack import MIB, SOURCE, Stack

sys.path.insert(0, os.path.join(SOURCE, "tests/fakes"))
import openapi_schema  # noqa: E402
from request_maker import Known, Made, Maker, operations  # noqa: E402
from request_spoiler import Spoiler  # noqa: E402

SEED = os.environ.get("VBS_REST_FUZZ_SEED", "1")
SECONDS = float(os.environ.get("VBS_REST_FUZZ_SECONDS", "20"))
CLIENTS = 3
ROLES = ("reader", "member", "admin")
QUOTA = {"volumes": 30, "snapshots": 30, "bytes": "400M"}
# The only answers above 499: there is no room, too many ask at once, or a busy machine lets a VM's node take longer
# than the few seconds in which it must have found the VM.
MAY_FAIL = {(507, "insufficient-space"), (503, "overloaded"), (503, "node-unavailable")}


def without_null(value):
    """A null member counts as left out."""
    if not isinstance(value, dict):
        return value
    return {name: without_null(member) for name, member in value.items() if member is not None}


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.type = response.getheader("Content-Type", "")
        self.retry_after = response.getheader("Retry-After")
        text = response.read()
        self.text = text[:2000].decode(errors="replace")
        self.body = json.loads(text) if "json" in self.type else self.text

    @property
    def code(self) -> str:
        return self.body.get("code", "") if isinstance(self.body, dict) else ""


class Fuzzer(threading.Thread):
    """One client with a connection of its own. `wrong` says what must not have happened."""

    def __init__(self, stack: Stack, known: Known, number: int, end: float):
        super().__init__(daemon=True)
        self.wrong: list[str] = []
        self.counts: collections.Counter = collections.Counter()  # of (operation, status)
        self._stack = stack
        self._known = known
        self._maker = Maker(known, f"{SEED}-{number}")
        self._spoiler = Spoiler(f"{SEED}-{number}")
        self._chance = self._maker.chance
        self._end = end
        self._socket: socket.socket | None = None
        self._keyed: list[tuple[Made, str, str]] = []  # what was accepted under a key: its operation

    def run(self) -> None:
        try:
            while time.monotonic() < self._end and len(self.wrong) < 20:
                if self._keyed and self._chance.random() < 0.05:
                    self._repeat()
                else:
                    self._new_one()
        except Exception:  # a thread's own would be lost
            self.wrong.append(traceback.format_exc())
        finally:
            if self._socket is not None:
                self._socket.close()

    def _new_one(self) -> None:
        made = self._maker.make()
        target = made.target()
        if self._chance.random() < 0.5:
            target = self._spoiler.spoil(made)
        answer = self._ask(made, target)
        self.counts[made.operation, answer.status] += 1
        self.wrong += [f"{fault}\n    {self._describe(made, target)}\n    {answer.text}"
                       for fault in self._faults(made, answer)]
        if answer.status < 300:
            self._known.learn(made.operation, answer.body)
            if not made.spoiled and "Idempotency-Key" in made.headers:
                self._keyed.append((made, target, answer.body["operation"]["id"]))

    def _repeat(self) -> None:
        """The same request under the same key is the same operation; another is refused."""
        made, target, operation = self._chance.choice(self._keyed[-10:])
        answer = self._ask(made, target)
        if answer.status < 300 and answer.body["operation"]["id"] != operation:
            self.wrong.append(f"a repeat made another operation\n    {self._describe(made, target)}")
        if answer.status == 404 or answer.code == "idempotency-mismatch":
            self.wrong.append(f"a repeat is not known: {answer.text}\n    {self._describe(made, target)}")

    def _faults(self, made: Made, answer: Answer) -> list[str]:
        described = operations()[made.operation]
        found = []
        if answer.status not in (400, 413) or not set(made.spoiled) & {"path", "method"}:
            found += openapi_schema.faults_of_answer(made.method, made.path, answer.status, answer.type,
                                                     answer.body)
        if answer.status >= 500 and (answer.status, answer.code) not in MAY_FAIL:
            found.append(f"a failure of the service: {answer.status}")
        if answer.status == 503 and not answer.retry_after:
            found.append("503 without Retry-After")
        if not made.spoiled and answer.status in (400, 401, 405, 413):
            found.append("a right request is refused")
        if answer.status < 300 and made.method == described[0]:
            if ROLES.index(made.role) < ROLES.index(described[2]["x-least-role"].replace("anyone", "reader")):
                found.append(f"the role {made.role} may not do that")
            if made.spoiled and described[2].get("security") != []:
                found += [f"accepted though {fault}" for fault in openapi_schema.faults_of_request(
                    made.method, made.path, made.query, without_null(made.value))]
        return found

    def _describe(self, made: Made, target: str) -> str:
        return f"{made.method} {target[:500]} {made.headers} {(made.body or b'')[:700]!r} {made.role} {made.spoiled}"

    def _ask(self, made: Made, target: str) -> Answer:
        headers = {"Host": "x", "Authorization": f"Bearer {self._stack.tokens[made.role]}"} | made.headers
        if made.body is not None:
            headers["Content-Length"] = str(len(made.body))
        head = f"{made.method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._stack.ports["vbsd"]), 80)
        self._socket.sendall(head.encode() + b"\r\n" + (made.body or b""))
        response = http.client.HTTPResponse(self._socket, method=made.method)
        response.begin()
        answer = Answer(response)
        if response.will_close:
            self._socket.close()
            self._socket = None
        return answer


class RestFuzzTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack({"vbsd": {"quota": QUOTA}}))
        self.client = self.stack.client

    def offer_image(self) -> None:
        path = os.path.join(self.stack.store, "images", str(uuid.uuid4()))
        with open(path + ".img", "wb") as file:
            file.truncate(MIB)
        with open(path + ".name", "w", encoding="utf-8") as file:
            file.write("debian\n")
        self.stack.wait_for(lambda: self.client.get("/v1/images")["images"], 30, "the image is not shown")

    def test_requests_made_from_the_document(self):
        print("seed", SEED)
        self.stack.boot("vm1")
        self.offer_image()
        known = Known()
        end = time.monotonic() + SECONDS
        fuzzers = [Fuzzer(self.stack, known, number, end) for number in range(CLIENTS)]
        for fuzzer in fuzzers:
            fuzzer.start()
        for fuzzer in fuzzers:
            fuzzer.join(SECONDS + 90)
            self.assertFalse(fuzzer.is_alive(), "a request has no answer")
        counts = sum((fuzzer.counts for fuzzer in fuzzers), collections.Counter())
        self.print_counts(counts)
        wrong = [wrong for fuzzer in fuzzers for wrong in fuzzer.wrong]
        self.assertEqual(wrong, [], f"seed {SEED}:\n" + "\n".join(wrong))
        answered = {operation for operation, status in counts if status < 300}
        self.assertEqual(set(operations()) - answered, set(), "never answered 2xx")
        self.clear()

    @staticmethod
    def print_counts(counts: collections.Counter) -> None:
        for name in operations():
            of_one = {status: count for (operation, status), count in sorted(counts.items()) if operation == name}
            print(f"{name:22} {sum(of_one.values()):6}", *(f"{s}:{n}" for s, n in of_one.items()))
        print("requests", sum(counts.values()))

    def clear(self) -> None:
        """Everything ends, agrees, and can be taken away again."""
        self.stack.wait_for(lambda: not self.client.get("/v1/operations?live=true")["operations"], 90,
                            "operations are still in flight")
        self.stack.assert_consistent()
        for volume in self.client.get("/v1/volumes?limit=1000")["volumes"]:
            for attachment in volume["attachments"]:
                self.client.change("DELETE", f"/v1/volumes/{volume['id']}/attachments/{attachment['id']}?force=true")
        self.client.delete_everything()
        self.stack.assert_consistent()


if __name__ == "__main__":
    unittest.main()
