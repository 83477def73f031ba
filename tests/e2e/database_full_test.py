"""The metadata's file system is full, or its database cannot be had: changes are refused in words
that help, what is known can still be read, and nothing needs care once the cause is gone."""
import os
import sqlite3
import subprocess
import time
import unittest

from small_disk import make_or_skip
from stack import BIN, MIB, Stack

DISK = 8  # MiB; the database, its log and its lock


class DatabaseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.disk = cls.enterClassContext(make_or_skip(DISK))
        database = os.path.join(cls.disk.path, "vbs.db")
        stack = Stack({"vbsd": {"database": database}})
        stack.database = database
        cls.stack = cls.enterClassContext(stack)
        cls.client = stack.client

    def setUp(self):
        self.stack.wait_ready()
        self.volume = self.client.create_volume(size_bytes=MIB)["id"]

    def tearDown(self):
        for volume in self.client.get("/v1/volumes?limit=1000")["volumes"]:
            self.client.delete_volume(volume["id"])
        self.stack.assert_consistent()

    def expect_refused_changes(self, status: int, code: str, text: str) -> None:
        for method, path, body in (("POST", "/v1/volumes", {"size_bytes": MIB}),
                                   ("POST", "/v1/snapshots", {"volume_id": self.volume}),
                                   ("DELETE", f"/v1/volumes/{self.volume}", None)):
            got, problem = self.client.api(method, path, body)
            self.assertEqual((got, problem["code"]), (status, code), problem)
            self.assertRegex(problem["detail"], text)

    def expect_reads(self) -> None:
        self.assertEqual(self.client.get(f"/v1/volumes/{self.volume}")["id"], self.volume)
        for path in ("/v1/volumes", "/v1/snapshots", "/v1/operations", "/v1/usage", "/v1/nodes",
                     "/healthz/live", "/metrics"):
            began = time.monotonic()
            self.client.get(path)
            self.assertLess(time.monotonic() - began, 3, path)

    def start_again(self) -> tuple[int, str]:
        """What the front says and ends with, when it cannot start."""
        done = subprocess.run([os.path.join(BIN, "vbsd"), "--config",
                               self.stack.path("vbsd.toml")], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def fill_until_refused(self) -> None:
        """The log may have room inside that it still uses up."""
        self.disk.fill()
        for _ in range(2000):
            if self.client.api("POST", "/v1/volumes", {"size_bytes": MIB})[0] != 202:
                return
        self.fail("a full disk does not matter")

    def expect_changes(self) -> None:
        snapshot = self.client.create_snapshot(self.volume)["id"]
        self.client.delete_snapshot(snapshot)

    def test_full(self):
        front = self.stack.daemons["vbsd"].pid
        self.fill_until_refused()
        try:
            self.expect_refused_changes(507, "insufficient-space", "free some")
            self.expect_reads()
            self.disk.empty()
            self.expect_changes()
            self.fill_until_refused()
            self.expect_refused_changes(507, "insufficient-space", "free some")
            self.assertEqual(self.stack.daemons["vbsd"].pid, front, "it was started again")
            self.stack.kill9("vbsd")
            code, text = self.start_again_full()
        finally:
            self.disk.empty()
        self.assertTrue(code == 0 or "space" in text, text)
        if not self.stack.daemons["vbsd"].is_running():
            self.stack.start("vbsd")
        self.stack.wait_ready()
        self.stack.wait_for(lambda: not self.client.get("/v1/operations?live=true")["operations"],
                            60, "operations are still in flight")
        self.assertEqual(self.client.get(f"/v1/volumes/{self.volume}")["state"], "available")
        self.client.create_snapshot(self.volume)
        for snapshot in self.client.get("/v1/snapshots")["snapshots"]:
            self.client.delete_snapshot(snapshot["id"])

    def start_again_full(self) -> tuple[int, str]:
        """With a full disk the front starts and serves reads, or says why it does not."""
        daemon = self.stack.daemons["vbsd"]
        self.stack.start("vbsd")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if (code := daemon.exit_code()) is not None:
                return code, daemon.log_text()
            try:
                self.expect_reads()
                return 0, ""
            except OSError:
                time.sleep(0.1)
        raise AssertionError("it neither serves nor ends")

    def test_locked_by_another_program(self):
        other = sqlite3.connect(self.stack.database, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            self.expect_refused_changes(503, "database-unavailable", "close that program")
            self.expect_reads()
        finally:
            other.close()
        self.client.create_snapshot(self.volume)
        for snapshot in self.client.get("/v1/snapshots")["snapshots"]:
            self.client.delete_snapshot(snapshot["id"])

    def test_locked_at_start(self):
        self.stack.stop("vbsd")
        other = sqlite3.connect(self.stack.database, isolation_level=None)
        try:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE project_usage SET volumes = volumes")
            code, text = self.start_again()
            self.assertEqual(code, 1, text)
            self.assertIn("another program holds a lock on it; close that program", text)
        finally:
            other.close()
        self.stack.start("vbsd")
        self.stack.wait_ready()

    def test_two_fronts_with_one_database(self):
        code, text = self.start_again()
        self.assertEqual(code, 1, text)
        self.assertIn(self.stack.database, text)
        self.assertIn(f"in use by another process (pid {self.stack.daemons['vbsd'].pid})", text)
        self.assertIn("stop it first", text)
        self.expect_reads()

    def test_read_only_at_start(self):
        self.stack.stop("vbsd")
        self.disk.remount("ro")
        try:
            code, text = self.start_again()
            self.assertEqual(code, 1, text)
            self.assertIn(self.stack.database, text)
            self.assertRegex(text, "[Rr]ead-only|must be able to write")
        finally:
            self.disk.remount("rw")
        self.stack.start("vbsd")
        self.stack.wait_ready()


if __name__ == "__main__":
    unittest.main()
