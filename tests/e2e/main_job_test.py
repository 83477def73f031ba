"""The main job on two real guests, through the command line: a volume is made, shown to a VM,
formatted and written in there, imaged while it is in use, and its image read in another VM."""
import unittest

from stack import MIB, Stack

MOUNT = "mkdir -p /mnt/d && mount {} /mnt/d"
UNMOUNT = "umount /mnt/d"
CHECKSUM = "sha256sum /mnt/d/file | cut -c 1-64"


class MainJobTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack())
        self.vbs = self.stack.client.vbs_json

    def attach(self, volume: str, vm: str) -> str:
        """The name that the guest gives the disk, which must be the one with this serial."""
        self.vbs("attach-volume", volume, "--vm", vm, "--device", "/dev/sdb")
        attachment = self.vbs("describe-volume", volume)["attachments"][0]
        self.assertEqual(attachment["state"], "attached")
        self.assertEqual(attachment["device"], "/dev/sdb")
        self.assertEqual(attachment["serial"], attachment["volume_id"])
        device = attachment["guest_device"]
        self.assertRegex(device, "^/dev/sd[a-z]$")
        seen = self.stack.guest(
            vm, f"tail -c +5 /sys/block/{device.removeprefix('/dev/')}/device/vpd_pg80")
        self.assertEqual(seen.strip(), attachment["volume_id"])
        return device

    def test_main_job(self):
        stack = self.stack
        stack.boot("vm1", "vm2")
        self.assertEqual({vm["name"] for vm in self.vbs("describe-vms")["vms"]}, {"vm1", "vm2"})

        self.vbs("create-volume", "--size", "64M", "--name", "data")
        self.assertEqual(self.vbs("describe-volume", "data")["size_bytes"], 64 * MIB)
        first = self.attach("data", "vm1")
        stack.guest("vm1", f"mkfs.ext4 -q {first} && {MOUNT.format(first)}")
        stack.guest("vm1", "dd if=/dev/urandom of=/mnt/d/file bs=64k count=64 2>/dev/null && sync")
        written = stack.guest("vm1", CHECKSUM)

        # Attached, mounted, and after the last sync: what only the freeze can bring to the disk.
        stack.guest("vm1", "echo late >/mnt/d/late")
        self.vbs("create-snapshot", "data", "--name", "point")
        snapshot = self.vbs("describe-snapshot", "point")
        self.assertEqual(snapshot["consistency"], "file-system")
        stack.guest("vm1", "echo after >/mnt/d/file && sync")
        stack.assert_consistent()

        refused = stack.client.vbs("detach-volume", "data")
        self.assertNotEqual(refused.returncode, 0, "detach of a mounted disk must be refused")
        self.assertIn("mounted", refused.stderr)
        stack.guest("vm1", UNMOUNT)
        self.vbs("detach-volume", "data")
        stack.guest("vm1", f"test ! -e {first}")

        self.vbs("create-volume", "--from-snapshot", "point", "--name", "copy")
        second = self.attach("copy", "vm2")
        stack.guest("vm2", MOUNT.format(second))
        self.assertEqual(stack.guest("vm2", CHECKSUM), written)
        self.assertEqual(stack.guest("vm2", "cat /mnt/d/late"), "late\n")
        stack.assert_consistent()

        self.clean_up()

    def clean_up(self):
        in_use = self.stack.client.vbs("delete-volume", "copy")
        self.assertEqual(in_use.returncode, 4, in_use.stderr)
        self.assertIn("vm2", in_use.stderr)
        self.stack.guest("vm2", UNMOUNT)
        self.vbs("detach-volume", "copy")
        for verb, name in (("delete-volume", "copy"), ("delete-snapshot", "point"),
                           ("delete-volume", "data")):
            self.vbs(verb, name)
        self.stack.assert_consistent()
        self.assertEqual(self.vbs("describe-volumes")["volumes"], [])
        self.assertEqual(self.vbs("describe-snapshots")["snapshots"], [])
        self.assertEqual(self.stack.targets(), [])
        usage = self.vbs("usage")
        self.assertEqual((usage["volumes"], usage["snapshots"], usage["bytes"]), (0, 0, 0))


if __name__ == "__main__":
    unittest.main()
