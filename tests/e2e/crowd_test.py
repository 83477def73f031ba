"""Sixteen clients at once make, attach, image, detach and delete the same four volumes. Whatever
they are told, the rules hold at every moment, and in the end all is at rest and nothing left."""
import collections
import random
import sqlite3
import threading
import time
import unittest

from stack import MIB, Stack

CLIENTS = 16
SECONDS = 20.0
NAMES = ("a", "b", "c", "d")
VMS = ("vm1", "vm2")
QUOTA = {"volumes": 3, "snapshots": 6, "bytes": "64M"}
ALLOWED = {200, 202, 404, 409, 429, 503, 507}
QUOTA_EXCEEDED = (403, "quota-exceeded")


class Visitor(threading.Thread):
    """One client, that does what chance has it do; a seed of its own makes a run repeatable."""

    def __init__(self, stack: Stack, seed: int, end: float):
        super().__init__(daemon=True)
        self.answers: collections.Counter = collections.Counter()
        self.wrong: list[str] = []
        self._client = stack.client
        self._chance = random.Random(seed)
        self._end = end

    def run(self) -> None:
        acts = (self.create, self.create, self.attach, self.attach, self.detach, self.detach,
                self.snapshot, self.delete_snapshot, self.delete)
        while time.monotonic() < self._end:
            try:
                self._chance.choice(acts)()
            except Exception as problem:  # a thread's own would be lost
                self.wrong.append(repr(problem))
                return

    def ask(self, method: str, path: str, body=None) -> None:
        headers = {"Prefer": "wait=2"} if self._chance.random() < 0.3 else {}
        status, answer = self._client.api(method, path, body, headers)
        code = answer.get("code", "")
        self.answers[(method, status, code)] += 1
        wrong = status not in ALLOWED and (status, code) != QUOTA_EXCEEDED
        if wrong or (code == "node-unavailable" and not answer.get("node")):
            self.wrong.append(f"{method} {path}: {status} {answer}")

    def volume(self) -> dict | None:
        """One of those that are there, by a name that they all know."""
        name = self._chance.choice(NAMES)
        found = self._client.get(f"/v1/volumes?name={name}")["volumes"]
        return found[0] if found else None

    def create(self) -> None:
        name = self._chance.choice(NAMES)
        self.ask("POST", "/v1/volumes", {"size_bytes": 4 * MIB, "name": name})

    def attach(self) -> None:
        if volume := self.volume():
            self.ask("POST", f"/v1/volumes/{volume['id']}/attachments",
                     {"vm": self._chance.choice(VMS), "read_only": self._chance.random() < 0.3})

    def detach(self) -> None:
        volume = self.volume()
        if volume and volume["attachments"]:
            attachment = self._chance.choice(volume["attachments"])["id"]
            self.ask("DELETE", f"/v1/volumes/{volume['id']}/attachments/{attachment}")

    def snapshot(self) -> None:
        if volume := self.volume():
            self.ask("POST", "/v1/snapshots", {"volume_id": volume["id"]})

    def delete_snapshot(self) -> None:
        if found := self._client.get("/v1/snapshots")["snapshots"]:
            self.ask("DELETE", f"/v1/snapshots/{self._chance.choice(found)['id']}")

    def delete(self) -> None:
        if volume := self.volume():
            self.ask("DELETE", f"/v1/volumes/{volume['id']}")


class Guard(threading.Thread):
    """Looks at the rows and at tgtd all the time; `broken` says which rules were."""

    def __init__(self, stack: Stack, end: float):
        super().__init__(daemon=True)
        self.broken: list[str] = []
        self.looks = 0
        self._stack = stack
        self._end = end

    def run(self) -> None:
        rows = sqlite3.connect(f"file:{self._stack.database}?mode=ro", uri=True, timeout=20)
        try:
            while time.monotonic() < self._end:
                self.look(rows)
                self.looks += 1
                time.sleep(0.05)
        finally:
            rows.close()

    def look(self, rows: sqlite3.Connection) -> None:
        for volume, writers, all_open in rows.execute(
                "SELECT volume_uid, sum(read_only = 0), count(*) FROM attachments "
                "WHERE state <> 'closed' GROUP BY volume_uid"):
            if writers > 1 or (writers == 1 and all_open > 1):
                self.broken.append(f"{volume} has {writers} writers of {all_open} attachments")
        for table in ("volumes", "snapshots"):
            query = f"SELECT count(*) FROM {table} WHERE state <> 'deleted'"
            count = rows.execute(query).fetchone()[0]
            if count > QUOTA[table]:
                self.broken.append(f"{count} {table}")
        query = "SELECT uid FROM attachments WHERE read_only = 0"
        writing = {row[0] for row in rows.execute(query)}
        paths = collections.Counter(target.path for target in self._stack.targets() or []
                                    if target.attachment in writing and target.rules)
        self.broken += [f"{path} is served {count} times for writing"
                        for path, count in paths.items() if path and count > 1]


class CrowdTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack({"vbsd": {"quota": QUOTA}}))
        self.client = self.stack.client

    def settle(self) -> None:
        self.stack.wait_for(lambda: not self.client.get("/v1/operations?live=true")["operations"],
                            90, "operations are still in flight")
        self.stack.assert_consistent()

    def test_sixteen_clients(self):
        self.stack.boot(*VMS)
        end = time.monotonic() + SECONDS
        guard = Guard(self.stack, end)
        visitors = [Visitor(self.stack, seed, end) for seed in range(CLIENTS)]
        for thread in (guard, *visitors):
            thread.start()
        for thread in (guard, *visitors):
            thread.join(SECONDS + 60)
            self.assertFalse(thread.is_alive(), "a request has no answer")
        answers = sum((visitor.answers for visitor in visitors), collections.Counter())
        print("\n".join(f"{count:5} {answer}" for answer, count in sorted(answers.items())))
        self.assertEqual([wrong for visitor in visitors for wrong in visitor.wrong], [])
        self.assertEqual(guard.broken, [])
        self.assertGreater(guard.looks, 20)
        self.settle()
        self.expect_something_happened(answers)
        self.clear()

    def expect_something_happened(self, answers: collections.Counter) -> None:
        statuses = {(method, status) for method, status, _ in answers}
        for wanted in (("POST", 202), ("DELETE", 202), ("POST", 409)):
            self.assertIn(wanted, statuses)
        self.assertIn(("POST", *QUOTA_EXCEEDED), answers)
        ended = self.client.get("/v1/operations?limit=1000&state=succeeded")["operations"]
        for kind in ("create-volume", "attach-volume", "detach-volume", "create-snapshot",
                     "delete-snapshot", "delete-volume"):
            self.assertIn(kind, {operation["kind"] for operation in ended})
        internal = [operation for operation in
                    self.client.get("/v1/operations?limit=1000&state=failed")["operations"]
                    if operation["error"]["code"] in ("internal", "timeout")]
        self.assertEqual(internal, [])

    def clear(self) -> None:
        for volume in self.client.get("/v1/volumes")["volumes"]:
            for attachment in volume["attachments"]:
                self.client.change("DELETE", f"/v1/volumes/{volume['id']}/attachments/"
                                             f"{attachment['id']}")
        for snapshot in self.client.get("/v1/snapshots")["snapshots"]:
            self.client.delete_snapshot(snapshot["id"])
        for volume in self.client.get("/v1/volumes")["volumes"]:
            self.client.delete_volume(volume["id"])
        self.stack.assert_consistent()
        usage = self.client.get("/v1/usage")
        self.assertEqual((usage["volumes"], usage["snapshots"], usage["bytes"]), (0, 0, 0))


if __name__ == "__main__":
    unittest.main()
