"""The file system of a volume server fills up: what does not fit is refused before anything is
made, and what another program leaves no room for fails cleanly, and works again afterwards."""
import os
import time
import unittest

from small_disk import make_or_skip
from stack import MIB, Stack

NODE = "vs1"
VM = "vm1"
DISK = 64  # MiB
STATE_DISK = 8
REST_MS = 1500  # that vbs-volumed rests at a fault point


class DiskFullTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.disk = cls.enterClassContext(make_or_skip(DISK))
        stack = Stack({"vbs-volumed": {"store": {"folder": cls.disk.path, "reflink": "never"}}})
        stack.store = cls.disk.path
        cls.stack = cls.enterClassContext(stack)
        cls.client = stack.client

    def tearDown(self):
        self.client.delete_everything()
        self.stack.assert_consistent()

    def volume_with_data(self, mebibytes: int) -> str:
        volume = self.client.create_volume(size_bytes=mebibytes * MIB)["id"]
        with open(os.path.join(self.disk.path, "volumes", f"{volume}.img"), "r+b") as image:
            image.write(os.urandom(mebibytes * MIB))
            os.fsync(image.fileno())
        return volume

    def refused(self, size: int) -> dict:
        status, problem = self.client.api("POST", "/v1/volumes", {"size_bytes": size})
        self.assertEqual((status, problem["code"]), (507, "insufficient-space"), problem)
        self.assertEqual(problem["node"], NODE)
        self.assertNotIn("operation", problem)
        return problem

    def fail_when_filled(self, point: str, path: str, body: dict) -> None:
        """Another program takes the last block while vbs-volumed is at the point."""
        stack = self.stack
        passed = stack.path(point)
        stack.restart("vbs-volumed", env={"VBS_FAULT": f"{point}=sleep:{REST_MS}",
                                          "VBS_FAULT_LOG": passed})
        stack.wait_ready()
        before = self.files()
        operation = self.client.api("POST", path, body)[1]["operation"]["id"]
        try:
            stack.wait_for(lambda: stack.has_passed(passed, point), 30,
                           f"vbs-volumed does not come to {point}")
            self.disk.fill()
            self.assertEqual(self.disk.free(), 0)
            ended = self.client.wait_operation(operation, 30)
        finally:
            self.disk.empty()
        self.assertEqual(ended["state"], "failed", ended)
        self.assertEqual(ended["error"]["code"], "insufficient-space", ended)
        self.assertEqual(ended["error"]["node"], NODE, ended)
        self.assertEqual(self.files(), before)
        stack.assert_consistent()

    def files(self) -> set[str]:
        return {name for kind in ("volumes", "snapshots")
                for name in os.listdir(os.path.join(self.disk.path, kind))}

    def test_what_does_not_fit_is_refused_at_once(self):
        self.refused(2 * DISK * MIB)
        first = self.client.create_volume(size_bytes=DISK // 2 * MIB)
        self.refused(DISK // 2 * MIB)
        status, problem = self.client.api("POST", "/v1/snapshots", {"volume_id": first["id"]})
        self.assertEqual((status, problem["code"]), (507, "insufficient-space"), problem)
        self.assertEqual(len(self.client.get("/v1/volumes")["volumes"]), 1)
        self.client.delete_volume(first["id"])
        self.client.create_volume(size_bytes=DISK // 2 * MIB)

    def test_filled_by_another_program(self):
        """The sum of the volumes would fit; the file system has no room left for them."""
        kept = self.client.create_volume(size_bytes=MIB)["id"]
        self.disk.fill()
        try:
            status, answer = self.client.api("POST", "/v1/volumes", {"size_bytes": 8 * MIB},
                                             {"Prefer": "wait=30"})
            self.assertEqual((status, answer["code"]), (507, "insufficient-space"), answer)
            self.assertEqual(answer["node"], NODE)
            self.assertIn("other users", answer["detail"])
            self.client.delete_volume(kept)  # what frees room works without room
        finally:
            self.disk.empty()
        self.client.create_volume(size_bytes=8 * MIB)

    def test_filled_during_create(self):
        body = {"size_bytes": 8 * MIB}
        self.fail_when_filled("volumed.put_volume.before_act", "/v1/volumes", body)
        self.client.change("POST", "/v1/volumes", body)

    def test_filled_during_the_copy_of_a_snapshot(self):
        body = {"volume_id": self.volume_with_data(16)}
        self.fail_when_filled("volumed.copy.before_act", "/v1/snapshots", body)
        self.client.change("POST", "/v1/snapshots", body)

    def test_filled_during_the_copy_of_a_volume(self):
        """When some of it is copied already."""
        volume = self.volume_with_data(20)
        body = {"source": {"type": "volume", "id": volume}}
        self.fail_when_filled("volumed.copy.during", "/v1/volumes", body)
        copy = self.client.change("POST", "/v1/volumes", body)["volume"]["id"]
        contents = []
        for one in (volume, copy):
            with open(os.path.join(self.disk.path, "volumes", f"{one}.img"), "rb") as image:
                contents.append(image.read())
        self.assertEqual(len(contents[0]), 20 * MIB)
        self.assertTrue(contents[0] == contents[1], "the copy differs from its source")


class StateFullTest(unittest.TestCase):
    """The volume server's own records are on the full file system, and nothing else is."""

    @classmethod
    def setUpClass(cls):
        cls.disk = cls.enterClassContext(make_or_skip(STATE_DISK))
        stack = Stack()
        os.symlink(cls.disk.path, stack.path("volumed"))
        cls.stack = cls.enterClassContext(stack)
        cls.client = stack.client
        cls.stack.boot(VM)

    def begin(self, method: str, path: str, body: dict | None = None) -> str:
        status, answer = self.client.api(method, path, body)
        self.assertEqual(status, 202, answer)
        return answer["operation"]["id"]

    def error_of(self, operation: str) -> dict | None:
        return self.client.get(f"/v1/operations/{operation}")["error"]

    def test_attach_and_detach(self):
        """It says at once what is wrong, and what must be written down waits for room."""
        kept = self.client.create_volume(size_bytes=4 * MIB)["id"]
        other = self.client.create_volume(size_bytes=4 * MIB)["id"]
        attachment = self.client.attach(kept, VM)
        self.disk.fill()
        try:
            attach = self.begin("POST", f"/v1/volumes/{other}/attachments", {"vm": VM})
            error = self.stack.wait_for(lambda: self.error_of(attach), 20, "there is no error")
            self.assertEqual((error["code"], error["node"]), ("insufficient-space", NODE), error)
            # Who has a disk keeps it.
            device = attachment["guest_device"]
            self.stack.guest(VM, f"dd if=/dev/urandom of={device} bs=4k count=4 conv=fsync")
            path = f"/v1/volumes/{kept}/attachments/{attachment['id']}"
            detach = self.begin("DELETE", path)
            time.sleep(1)
        finally:
            self.disk.empty()
        self.assertEqual(self.client.wait_operation(attach, 60)["state"], "failed")
        self.assertEqual(self.client.wait_operation(detach, 60)["state"], "succeeded")
        self.stack.assert_consistent()
        self.client.attach(other, VM)
        self.client.detach(other)
        for volume in (kept, other):
            self.client.delete_volume(volume)
        self.stack.assert_consistent()


if __name__ == "__main__":
    unittest.main()
