"""One volume on two real guests: read-only on both, and never beside somebody who writes."""
import hashlib
import os
import unittest

from stack import MIB, Stack


class SharingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())
        cls.client = cls.stack.client
        cls.stack.boot("vm1", "vm2")

    def setUp(self):
        self.volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        self.path = f"/v1/volumes/{self.volume}/attachments"
        self.image = os.path.join(self.stack.store, "volumes", f"{self.volume}.img")

    def tearDown(self):
        for attachment in self.client.get(self.path)["attachments"]:
            self.client.change("DELETE", f"{self.path}/{attachment['id']}")
        self.client.delete_volume(self.volume)
        self.stack.assert_consistent()

    def refused(self, vm: str, **wanted) -> None:
        status, problem = self.client.api("POST", self.path, {"vm": vm, **wanted})
        self.assertEqual((status, problem["code"]), (409, "conflict"), problem)
        self.assertRegex(problem["detail"], "vm[12]")
        self.assertNotIn("operation", problem)

    def content(self) -> str:
        with open(self.image, "rb") as image:
            return hashlib.sha256(image.read()).hexdigest()

    def test_readers_share(self):
        with open(self.image, "r+b") as image:
            image.write(os.urandom(4 * MIB))
        written = self.content()
        devices = {vm: self.client.attach(self.volume, vm, read_only=True)["guest_device"]
                   for vm in ("vm1", "vm2")}
        self.assertEqual(len(self.stack.targets()), 2)
        self.stack.assert_consistent()
        for vm, device in devices.items():
            self.assertEqual(self.stack.guest(vm, f"sha256sum <{device}").split()[0], written)
            name = device.removeprefix("/dev/")
            self.assertEqual(self.stack.guest(vm, f"cat /sys/block/{name}/ro").strip(), "1")
            code, output = self.stack.guest_result(
                vm, f"dd if=/dev/zero of={device} bs=4k count=1 conv=fsync")
            self.assertNotEqual(code, 0, output)
            # Also when the guest's own system is talked into it.
            code, output = self.stack.guest_result(
                vm, f"blockdev --setrw {device}; dd if=/dev/zero of={device} bs=4k count=1 "
                    "oflag=direct conv=fsync")
            self.assertNotEqual(code, 0, output)
        self.assertEqual(self.content(), written)
        self.refused("vm1", read_only=True)
        self.refused("vm2")

        first = self.client.get(self.path)["attachments"][0]
        self.client.change("DELETE", f"{self.path}/{first['id']}")
        other = next(vm for vm in devices if vm != first["vm"])
        seen = self.stack.guest(other, f"sha256sum <{devices[other]}").split()[0]
        self.assertEqual(seen, written)
        self.refused(first["vm"])  # one reader is enough

    def test_a_writer_stands_alone(self):
        device = self.client.attach(self.volume, "vm1")["guest_device"]
        self.refused("vm2")
        self.refused("vm2", read_only=True)
        self.refused("vm1")
        self.assertEqual(len(self.stack.targets()), 1)
        self.stack.guest("vm1", f"dd if=/dev/urandom of={device} bs=64k count=4 conv=fsync")
        self.client.detach(self.volume)
        written = self.content()
        reader = self.client.attach(self.volume, "vm2", read_only=True)["guest_device"]
        self.assertEqual(self.stack.guest("vm2", f"sha256sum <{reader}").split()[0], written)


if __name__ == "__main__":
    unittest.main()
