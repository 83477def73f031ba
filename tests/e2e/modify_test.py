"""modify-volume on the real daemons, tgtd and a guest: what grows, what is refused before anything is
touched, and what a kill in the middle leaves."""
import http.client
import json
import os
import sqlite3
import threading
import unittest

from client import Client
from stack import MIB, Stack

VM = "vm1"
QUOTA = {"bytes": "64M"}


class ModifyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack({"vbsd": {"quota": QUOTA}}))
        cls.stack.expect_death("vbsd")
        cls.stack.expect_death("vbs-volumed")
        cls.client: Client = cls.stack.client
        cls.stack.boot(VM)

    def setUp(self):
        self.volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        self.path = f"/v1/volumes/{self.volume}"
        self.image = os.path.join(self.stack.store, "volumes", f"{self.volume}.img")
        self.stack.stamp(self.volume)

    def tearDown(self):
        for attachment in self.client.get(self.path)["attachments"]:
            self.client.change("DELETE", f"{self.path}/attachments/{attachment['id']}?force=true")
        self.client.delete_everything()
        self.stack.assert_consistent()
        self.assertEqual(self.client.get("/v1/usage")["bytes"], 0)

    def grow(self, mib: int) -> dict:
        return self.client.change("PATCH", self.path, {"size_bytes": mib * MIB})

    def refused(self, body, status: int, code: str, field: str | None = None) -> dict:
        before = len(self.client.get("/v1/operations?limit=1000")["operations"])
        got, problem = self.client.api("PATCH", self.path, body)
        self.assertEqual((got, problem["code"], problem.get("field")), (status, code, field))
        self.assertEqual(len(self.client.get("/v1/operations?limit=1000")["operations"]), before)
        return problem

    def assert_size(self, mib: int):
        self.assertEqual(self.client.get(self.path)["size_bytes"], mib * MIB)
        self.assertEqual(os.path.getsize(self.image), mib * MIB)

    def size_in_guest(self, device: str) -> int:
        name = device.removeprefix("/dev/")
        return int(self.stack.guest(VM, f"cat /sys/block/{name}/size")) * 512

    def test_grows_with_zeros_and_the_guest_sees_it(self):
        with open(self.image, "r+b") as image:
            image.seek(4 * MIB - 512)
            image.write(b"x" * 512)
        self.grow(12)
        self.assert_size(12)
        self.assertEqual(self.client.get("/v1/usage")["bytes"], 12 * MIB)
        self.stack.assert_consistent()
        device = self.client.attach(self.volume, VM)["guest_device"]
        self.assertEqual(self.size_in_guest(device), 12 * MIB)
        tail = f"dd if={device} bs=512 skip=8191 count=1 2>/dev/null | tr -d x | wc -c"
        self.assertEqual(self.stack.guest(VM, tail).strip(), "0", "the last old bytes are there")
        new = f"dd if={device} bs=1M skip=4 2>/dev/null | tr -d '\\0' | wc -c"
        self.assertEqual(self.stack.guest(VM, new).strip(), "0", "what is new is zeros")
        self.stack.guest(VM, f"dd if=/dev/urandom of={device} bs=1M seek=11 count=1 conv=fsync")

    def test_what_is_attached_is_refused_and_goes_on(self):
        device = self.client.attach(self.volume, VM)["guest_device"]
        problem = self.refused({"size_bytes": 8 * MIB}, 409, "conflict")
        self.assertIn("detach first", problem["detail"])
        self.assertIn(VM, problem["detail"])
        self.assert_size(4)
        self.assertEqual(self.size_in_guest(device), 4 * MIB)
        self.stack.guest(VM, f"dd if=/dev/zero of={device} bs=1M seek=1 count=1 conv=fsync")
        self.grow(4)  # the size it has
        self.stack.assert_consistent()
        self.client.detach(self.volume)
        self.grow(8)
        device = self.client.attach(self.volume, VM)["guest_device"]
        self.assertEqual(self.size_in_guest(device), 8 * MIB)

    def test_a_running_guest_sees_what_its_target_shows(self):
        """The way from the target to the guest by itself, which targets that grow live take: tgtd
        is told by hand, while the guest is quiet, and then the guest writes on."""
        attachment = self.client.attach(self.volume, VM)
        device = attachment["guest_device"]
        kept = self.stack.guest(VM, f"sha256sum <{device}")
        os.truncate(self.image, 24 * MIB)
        self.stack.tgtadm("--op", "update", "--mode", "logicalunit", "--tid",
                          self.target_number(), "--lun", "1", "--params",
                          f"online=0,path={self.image},online=1")
        status, shown = self.order_of_vmm(attachment["id"], 24 * MIB)
        self.assertEqual((status, shown["size_bytes"]), (200, 24 * MIB), shown)
        self.stack.wait_for(lambda: self.size_in_guest(device) == 24 * MIB, 20,
                            "the guest does not see the size")
        self.assertEqual(self.stack.guest(VM, f"head -c {4 * MIB} {device} | sha256sum"), kept)
        self.stack.guest(VM, f"dd if=/dev/urandom of={device} bs=1M seek=20 count=4 conv=fsync")
        self.assertEqual(self.order_of_vmm(attachment["id"], 24 * MIB)[0], 200)
        self.client.detach(self.volume)
        self.grow(24)  # takes over what was done by hand
        self.assert_size(24)

    def target_number(self) -> str:
        report = self.stack.tgtadm("--mode", "target", "--op", "show")
        return next(line.split()[1].rstrip(":") for line in report.splitlines()
                    if line.startswith("Target "))

    def order_of_vmm(self, attachment: str, size: int) -> tuple[int, dict]:
        with open(self.stack.path("service-token"), encoding="utf-8") as file:
            token = file.read().strip()
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.ports["vbs-vmmd"],
                                                timeout=60)
        # Orders carry the number of their operation twice; that of the attach is the newest.
        database = sqlite3.connect(f"file:{self.stack.database}?mode=ro", uri=True)
        newest = database.execute("SELECT max(seq) FROM operations").fetchone()[0]
        database.close()
        body = {"size_bytes": size, "vm": VM, "generation": newest * 2}
        try:
            connection.request("PUT", f"/v1/devices/{attachment}/size", json.dumps(body),
                               {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def test_nothing_shrinks(self):
        self.grow(8)
        problem = self.refused({"size_bytes": 4 * MIB}, 400, "invalid-field", "size_bytes")
        self.assertIn("do not shrink", problem["detail"])
        self.assert_size(8)

    def test_bad_sizes(self):
        for size in (0, -1, 1 << 63, MIB + 1, 17 << 40, 1.5, "32M", None, True, [32]):
            with self.subTest(size=size):
                self.refused({"size_bytes": size}, 400, "invalid-field", "size_bytes")
        self.refused({}, 400, "invalid-field", "size_bytes")
        self.refused({"size_bytes": 8 * MIB, "name": "x"}, 400, "invalid-field", "name")
        self.refused([], 400, "invalid-request")
        self.assert_size(4)

    def test_the_quota_holds(self):
        self.refused({"size_bytes": 65 * MIB}, 403, "quota-exceeded")
        self.refused({"size_bytes": 8 << 40}, 507, "insufficient-space")
        self.grow(64)
        self.assert_size(64)
        self.refused({"size_bytes": 65 * MIB}, 403, "quota-exceeded")

    def test_a_snapshot_stays_as_it_was(self):
        snapshot = self.client.create_snapshot(self.volume)
        self.grow(8)
        self.assertEqual(self.client.get(f"/v1/snapshots/{snapshot['id']}")["size_bytes"], 4 * MIB)
        source = {"type": "snapshot", "id": snapshot["id"]}
        copy = self.client.create_volume(source=source)
        self.assertEqual(copy["size_bytes"], 4 * MIB)
        self.stack.assert_consistent()

    def test_the_command_line(self):
        done = self.client.vbs("modify-volume", self.volume, "--size", "8M")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("8M (8388608 bytes)", done.stdout)
        done = self.client.vbs("modify-volume", self.volume, "--size", "+2M", "-q")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, self.volume))
        self.assert_size(10)
        for size, code, says in (("9M", 2, "shrink"), ("9X", 2, "size"), ("+60M", 6, "quota")):
            done = self.client.vbs("modify-volume", self.volume, "--size", size)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(says, done.stderr)

    def test_killed_in_the_middle(self):
        for name, point in (("vbsd", "modify-volume.extend.before-act"),
                            ("vbsd", "modify-volume.extend.after-act"),
                            ("vbs-volumed", "volumed.grow.before_act"),
                            ("vbs-volumed", "volumed.grow.after_act")):
            with self.subTest(point=point):
                before = self.client.get(self.path)["size_bytes"]
                self.stack.kill9(name)
                self.stack.start(name, env={"VBS_FAULT": f"{point}=kill"})
                self.stack.wait_ready()
                asked = threading.Thread(target=self.ask_once, args=(before + 4 * MIB,))
                asked.start()
                daemon = self.stack.daemons[name]
                self.stack.wait_for(lambda: daemon.exit_code() is not None, 30, "not passed")
                asked.join()
                self.stack.start(name)
                self.stack.wait_ready()
                self.stack.wait_for(
                    lambda: not self.client.get("/v1/operations?live=true")["operations"], 60,
                    "it has not ended")
                self.stack.assert_consistent()
                self.assert_size((before + 4 * MIB) // MIB)

    def ask_once(self, size: int) -> None:
        try:
            self.client.api("PATCH", self.path, {"size_bytes": size}, seconds=20)
        except (OSError, http.client.HTTPException):
            pass


if __name__ == "__main__":
    unittest.main()
