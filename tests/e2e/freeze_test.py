"""create-snapshot of an attached volume, when the VM is paused by an operator, and when the
delegate that holds the guest still is killed and stays away."""
import os
import time
import unittest

from qmp import Qmp, agent_freeze_state
from stack import MIB, Stack

VM = "vm1"
LEASE = 4.0  # seconds, beside twice the estimate


class FreezeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack({
            "vbsd": {"deadlines": {"lease_margin": f"{LEASE:.0f}s"}},
            "vbs-volumed": {"store": {"reflink": "never"}}}))
        cls.client = cls.stack.client
        cls.stack.boot(VM)

    def setUp(self):
        self.stack.wait_ready()
        self.volume = self.client.create_volume(size_bytes=16 * MIB)["id"]
        self.device = self.client.attach(self.volume, VM)["guest_device"]
        self.guest(f"mkfs.ext4 -q {self.device} && mkdir -p /mnt/d && mount {self.device} /mnt/d")

    def tearDown(self):
        self.guest("umount /mnt/d")
        for snapshot in self.client.get("/v1/snapshots")["snapshots"]:
            self.client.delete_snapshot(snapshot["id"])
        self.client.detach(self.volume)
        self.client.delete_volume(self.volume)
        self.stack.assert_consistent()

    def guest(self, command: str) -> str:
        return self.stack.guest(VM, command)

    def qmp(self) -> Qmp:
        return Qmp(os.path.join(self.stack.vm_folder, f"{VM}.qmp"))

    def status(self) -> str:
        with self.qmp() as qmp:
            return qmp.status()

    def is_free(self) -> bool:
        """The VM runs, and its file systems take writes."""
        if self.status() != "running":
            return False
        return agent_freeze_state(os.path.join(self.stack.vm_folder, f"{VM}.qga")) == "thawed"

    def begin_snapshot(self) -> str:
        status, answer = self.client.api("POST", "/v1/snapshots", {"volume_id": self.volume})
        self.assertEqual(status, 202, answer)
        return answer["operation"]["id"]

    def expect_discarded(self, operation: str) -> None:
        ended = self.client.wait_operation(operation, 60)
        self.assertEqual(ended["state"], "failed", ended)
        self.assertIn("could not be held still", ended["error"]["message"])
        self.assertEqual(ended["error"]["node"], "hv1")
        self.assertEqual(self.client.get("/v1/snapshots")["snapshots"], [])
        self.assertEqual(os.listdir(os.path.join(self.stack.store, "snapshots")), [])
        self.stack.assert_consistent()

    def expect_thawed_within_the_lease(self, since: float) -> None:
        """While nobody but the helper can do it."""
        vmmd = self.stack.daemons["vbs-vmmd"]
        self.stack.wait_for(self.is_free, 3 * LEASE, "the guest is still frozen")
        self.assertIsNotNone(vmmd.exit_code(), "vbs-vmmd is back")
        self.assertLess(time.monotonic() - since, LEASE + 5)
        self.guest("echo more >/mnt/d/more && sync")

    def test_a_vm_that_an_operator_paused_stays_paused(self):
        self.guest("echo kept >/mnt/d/file && sync")
        with self.qmp() as qmp:
            qmp.run("stop")
        try:
            ended = self.client.wait_operation(self.begin_snapshot(), 60)
            self.assertEqual(ended["state"], "succeeded", ended)
            self.assertEqual(self.status(), "paused")
            time.sleep(LEASE + 1)  # nor does a helper let it go
            self.assertEqual(self.status(), "paused")
        finally:
            with self.qmp() as qmp:
                qmp.run("cont")
        self.assertEqual(self.client.get("/v1/snapshots")["snapshots"][0]["consistency"], "crash")
        self.stack.assert_consistent()

    def test_killed_before_it_said_that_the_guest_is_held(self):
        self.stack.restart("vbs-vmmd", env={"VBS_FAULT": "vmmd.freeze.before-reply=kill"})
        self.stack.expect_death("vbs-vmmd")
        self.stack.wait_ready()
        operation = self.begin_snapshot()
        vmmd = self.stack.daemons["vbs-vmmd"]
        self.stack.wait_for(lambda: vmmd.exit_code() is not None, 30, "nothing was frozen")
        began = time.monotonic()
        self.assertFalse(self.is_free(), "the guest was not frozen")
        self.expect_thawed_within_the_lease(began)
        self.stack.start("vbs-vmmd")
        self.expect_discarded(operation)

    def test_killed_during_the_copy(self):
        """The copy outlasts the lease, and is whole; it is not kept all the same."""
        self.stack.restart("vbs-volumed", env={
            "VBS_FAULT": f"volumed.copy.before_act=sleep:{int(LEASE * 1000) + 3000}"})
        self.stack.wait_ready()
        operation = self.begin_snapshot()
        self.stack.wait_for(lambda: not self.is_free(), 30, "nothing was frozen")
        began = time.monotonic()
        snapshots = os.path.join(self.stack.store, "snapshots")
        self.stack.wait_for(lambda: os.listdir(snapshots), 10, "no copy has begun")
        self.stack.kill9("vbs-vmmd")
        self.expect_thawed_within_the_lease(began)
        self.stack.wait_for(
            lambda: any(name.endswith(".img") for name in os.listdir(snapshots)), 30,
            "the copy does not end")
        self.assertIsNone(self.client.get(f"/v1/operations/{operation}")["ended_at"])
        self.stack.start("vbs-vmmd")
        self.expect_discarded(operation)


if __name__ == "__main__":
    unittest.main()
