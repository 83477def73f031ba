"""A volume moves to another node while the node that had it is dead for the front, and its guest is not: it
goes on writing, or stands still in the middle of it and wakes up later. None of that reaches the volume."""
import os
import signal
import subprocess
import time
import unittest

from processes import Daemon
from stack import BIN, GUEST, MIB, SOURCE, Stack, free_ports

SIZE = 8 * MIB
WRITES = f"(while dd if=/dev/zero of={{}} bs=64k count={SIZE >> 16} oflag=direct; do :; done) >/tmp/dd 2>&1 &"
LONG_ENOUGH = 5.0  # for the old guest to write many times more


class SecondNode:
    """A VMM node "hv2" beside the stack's own, with a guest "vm2"."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.vm_folder = stack.path("vms2")
        os.makedirs(self.vm_folder, mode=0o700)
        port = free_ports(len(stack.ports) + 1)[-1]  # the first ones are the stack's, which has yet to start
        with open(stack.path("vbsd.toml"), "a", encoding="utf-8") as file:
            file.write(f'[[vmm]]\nname = "hv2"\nurl = "http://127.0.0.1:{port}"\n')
        with open(stack.path("vbs-vmmd.toml"), encoding="utf-8") as file:
            text = file.read()
        for old, new in (("hv1", "hv2"), (f":{stack.ports['vbs-vmmd']}", f":{port}"),
                         (stack.path("vmmd"), stack.path("vmmd2")), (stack.vm_folder, self.vm_folder)):
            text = text.replace(f'{old}"', f'{new}"')
        config = stack.path("vbs-vmmd2.toml")
        with open(os.open(config, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        self.daemon = Daemon("vbs-vmmd", [os.path.join(BIN, "vbs-vmmd"), "--config", config],
                             stack.path("log/vbs-vmmd2.log"))

    def run_vm(self) -> None:
        subprocess.run([os.path.join(SOURCE, "deploy/guest/run-vm"), "--name", "vm2", "--dir",
                        self.vm_folder, "--image", GUEST], stdin=subprocess.DEVNULL, check=True)

    def guest(self, command: str) -> str:
        done = subprocess.run([os.path.join(SOURCE, "deploy/guest/guest-run"), "--dir", self.vm_folder,
                               "--name", "vm2", "--timeout", "60", command],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class FencingTest(unittest.TestCase):
    def setUp(self):
        self.stack = Stack()
        self.other = SecondNode(self.stack)
        self.other.daemon.start()
        self.addCleanup(self.other.daemon.stop)
        self.enterContext(self.stack)
        self.client = self.stack.client
        self.other.run_vm()
        self.stack.boot("vm1")
        self.stack.wait_for(lambda: "vm2" in self.stack.vms_with_agent(), 240, "vm2 does not answer")

    def moved(self, volume: str, old: dict) -> str:
        """The device in vm2 once the volume has been taken from vm1, whose node says nothing."""
        path = f"/v1/volumes/{volume}/attachments"
        self.stack.kill9("vbs-vmmd")
        status, problem = self.client.api("POST", path, {"vm": "vm2"})
        self.assertEqual((status, problem["node"]), (503, "hv1"), "which may have a vm2, too")
        status, problem = self.client.api("POST", path, {"vm": "vm2", "node": "hv2"})
        self.assertEqual((status, problem["code"]), (409, "conflict"), "not before vm1 has lost it")
        operation = self.client.change("DELETE", f"{path}/{old['id']}?force=true")["operation"]
        self.assertIn("not proven", " ".join(operation["notes"]))
        return self.client.attach(volume, "vm2", node="hv2")["guest_device"]

    def fill(self, device: str) -> bytes:
        """What vm2 has written all over the device."""
        self.other.guest(f"yes 'written by vm2' | dd of={device} bs=64k count={SIZE >> 16} iflag=fullblock "
                         "oflag=direct 2>&1")
        line = b"written by vm2\n"
        return (line * (SIZE // len(line) + 1))[:SIZE]

    def content(self, volume: str) -> bytes:
        with open(os.path.join(self.stack.store, "volumes", f"{volume}.img"), "rb") as image:
            return image.read()

    def attached_and_written(self) -> tuple[str, dict]:
        volume = self.client.create_volume(size_bytes=SIZE)["id"]
        old = self.client.attach(volume, "vm1")
        self.stack.guest("vm1", WRITES.format(old["guest_device"]))
        return volume, old

    def nothing_is_left(self, volume: str) -> None:
        self.stack.start("vbs-vmmd")
        self.stack.wait_ready()
        self.client.detach(volume)
        self.client.delete_volume(volume)
        self.stack.assert_consistent(90)
        self.assertEqual(self.stack.guest("vm1", "ls /sys/block | grep -c ^sd || true"), "0\n")

    def test_the_old_guest_goes_on_writing(self):
        volume, old = self.attached_and_written()
        written = self.fill(self.moved(volume, old))
        time.sleep(LONG_ENOUGH)
        self.assertTrue(self.content(volume) == written, "somebody else has written")
        self.assertIn("Input/output error", self.stack.guest("vm1", "cat /tmp/dd"))
        self.nothing_is_left(volume)

    def test_the_old_guest_wakes_up_in_mid_write(self):
        volume, old = self.attached_and_written()
        process = self.stack.vm_pid("vm1")
        os.kill(process, signal.SIGSTOP)
        self.addCleanup(os.kill, process, signal.SIGCONT)
        written = self.fill(self.moved(volume, old))
        os.kill(process, signal.SIGCONT)
        time.sleep(LONG_ENOUGH)
        self.assertTrue(self.content(volume) == written, "somebody else has written")
        self.assertIn("Input/output error", self.stack.guest("vm1", "cat /tmp/dd"))
        self.nothing_is_left(volume)


if __name__ == "__main__":
    unittest.main()
