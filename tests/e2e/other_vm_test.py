"""A VM is destroyed without detaching its volumes, and another gets its name: the other is shown none of them.
The same VM, started again, gets them back."""
import unittest

from stack import MIB, Stack

FIRST = "5b0c9e0e-6a5e-4a52-9a3e-0f7c1d2e3f40"
SECOND = "5b0c9e0e-6a5e-4a52-9a3e-0f7c1d2e3f41"


class OtherVmTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack())
        self.client = self.stack.client

    def start(self, uuid: str) -> None:
        if self.stack.vm_pid("vm1"):
            self.stack.cut_power("vm1")
        self.stack.run_vm("vm1", "--uuid", uuid)
        self.stack.wait_for(lambda: "vm1" in self.stack.vms_with_agent(), 240, "vm1 does not answer")

    def disks(self) -> int:
        return int(self.stack.guest("vm1", "ls /sys/block | grep -c ^sd || true"))

    def findings(self) -> set[str]:
        return {finding["kind"] for finding in self.client.get("/v1/audit")["findings"]}

    def test_a_name_is_no_proof(self):
        self.start(FIRST)
        volume = self.client.create_volume(size_bytes=MIB)["id"]
        self.client.attach(volume, "vm1")
        self.start(SECOND)
        self.stack.wait_for(lambda: "other-vm" in self.findings(), 60, "the audit does not say so")
        self.start(FIRST)
        self.stack.wait_for(lambda: self.disks() == 1, 60, "the VM does not get its volume back")
        self.start(SECOND)
        self.stack.wait_for(lambda: "other-vm" in self.findings(), 60, "the audit does not say so")
        self.assertEqual(self.disks(), 0)
        self.client.detach(volume)
        self.client.attach(volume, "vm1")
        self.assertEqual(self.disks(), 1, "it is asked for, now")
        self.client.detach(volume)
        self.client.delete_volume(volume)
        self.stack.assert_consistent(90)


if __name__ == "__main__":
    unittest.main()
