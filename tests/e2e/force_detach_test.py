"""detach-volume by force while the VMM delegate is down and the guest writes: the volume is free at
once, the VM goes on, and once the delegate is back nothing is left, neither in the VM nor at the
target."""
import unittest

from stack import MIB, Stack

VM = "vm1"
WRITE = "(while dd if=/dev/zero of={} bs=64k count=900 conv=fsync; do :; done) >/tmp/dd 2>&1 &"


class ForceDetachTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack())
        self.client = self.stack.client
        self.stack.boot(VM)

    def detach_by_force(self, volume: str, attachment: str) -> dict:
        path = f"/v1/volumes/{volume}/attachments/{attachment}?force=true"
        return self.client.change("DELETE", path)["operation"]

    def test_with_writes_in_flight(self):
        stack = self.stack
        volume = self.client.create_volume(size_bytes=64 * MIB)["id"]
        attachment = self.client.attach(volume, VM)
        stack.guest(VM, WRITE.format(attachment["guest_device"]))
        stack.kill9("vbs-vmmd")

        operation = self.detach_by_force(volume, attachment["id"])
        self.assertIn("not proven", " ".join(operation["notes"]))
        targets = stack.targets()
        self.assertEqual([target.path for target in targets], [""], "an empty target answers the VM")
        self.assertEqual(self.client.get(f"/v1/volumes/{volume}")["state"], "available")
        self.client.delete_volume(volume)
        self.assertEqual(stack.guest(VM, "echo alive"), "alive\n")

        stack.start("vbs-vmmd")
        stack.wait_ready()
        stack.assert_consistent(90)
        self.assertEqual(stack.targets(), [])
        self.assertEqual(stack.guest(VM, "ls /sys/block | grep -c ^sd || true"), "0\n")
        self.assertIn("error", stack.guest(VM, "cat /tmp/dd"))

    def test_of_an_idle_disk_that_comes_back(self):
        stack = self.stack
        volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        attachment = self.client.attach(volume, VM)
        stack.kill9("vbs-vmmd")
        self.detach_by_force(volume, attachment["id"])
        stack.start("vbs-vmmd")
        stack.wait_ready()
        again = self.client.attach(volume, VM)
        self.assertNotEqual(again["id"], attachment["id"])
        stack.guest(VM, f"dd if={again['guest_device']} of=/dev/null bs=1M count=4 2>/dev/null")
        stack.assert_consistent(90)


if __name__ == "__main__":
    unittest.main()
