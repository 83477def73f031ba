"""The job that VBS was made for, step for step, through `vbs` alone: a logical volume is made, shown to
a Xen guest as /dev/sdb, written there, taken away, imaged, copied and deleted. After each step, what
an administrator's own commands show is compared."""
import unittest

from lab_case import MIB, LabCase
from reality import attachment_of
from service import PORTAL, Drivers

_PATTERN = 0x5A


class XenJobTest(LabCase):
    guests = ("vs", "xen")

    def state(self, vm) -> tuple[int, int, int, int, int]:
        """How many there are: lvs, targets, iscsiadm -m session, /dev/disk/by-path, xl block-list."""
        look = self.reality
        return (len(look.volumes()), len(look.targets()), len(look.sessions()), len(look.devices()),
                len(vm.block_list()))

    def play(self, drivers: Drivers) -> None:
        self.start(drivers)
        vm = self.boot("ttylinux")
        self.assertEqual(self.state(vm), (0, 0, 0, 0, 0))

        volume = self.vbs("create-volume", "--size", "32M", "--name", "gxmVol01")["id"]
        self.assertEqual(self.state(vm), (1, 0, 0, 0, 0))
        self.assertEqual(int(self.reality.volumes()[f"vbs-{volume}"]["lv_size"]), 32 * MIB)

        self.vbs("attach-volume", "gxmVol01", "--vm", "ttylinux", "--device", "/dev/sdb")
        self.assertEqual(self.state(vm), (1, 1, 1, 1, 1))
        (iqn,) = self.reality.targets()
        link = f"ip-{PORTAL}-iscsi-{iqn}-lun-1"
        self.assertEqual(self.reality.sessions(), [iqn])
        self.assertEqual(self.reality.devices(), {link: volume})
        self.assertEqual(vm.block_list(), {"2064": f"/dev/disk/by-path/{link}"})
        attachment = self.vbs("describe-volume", "gxmVol01")["attachments"][0]
        self.assertEqual((attachment["id"], attachment["serial"]), (attachment_of(iqn), volume))
        self.assert_consistent(vm)

        self.assertTrue(vm.reads(0, 0, 4 * MIB))
        vm.write(_PATTERN, 8192, 65536)
        self.assertEqual(self.sector(volume, 8192), bytes([_PATTERN]) * 512)
        twice = self.ask("attach-volume", "gxmVol01", "--vm", "ttylinux", "--device", "/dev/sdc")
        self.assertEqual(twice.returncode, 4, twice.stderr)

        self.vbs("detach-volume", "gxmVol01")
        self.assertEqual(self.state(vm), (1, 0, 0, 0, 0))
        self.assertEqual(vm.run("ls /sys/block | grep -c xvd || true").strip(), "0")

        snapshot = self.vbs("create-snapshot", "gxmVol01", "--name", "gxmSnap01")["id"]
        self.assertEqual(self.state(vm), (2, 0, 0, 0, 0))
        self.assertEqual(self.sector(snapshot, 8192), bytes([_PATTERN]) * 512)

        copy = self.vbs("create-volume", "--from-snapshot", "gxmSnap01", "--name", "copy")["id"]
        self.assertEqual(self.sector(copy, 8192), bytes([_PATTERN]) * 512)
        self.assertEqual(self.state(vm), (3, 0, 0, 0, 0))

        for verb, name in (("delete-volume", "copy"), ("delete-snapshot", "gxmSnap01"), ("delete-volume", "gxmVol01")):
            self.vbs(verb, name)
        self.assertEqual(self.state(vm), (0, 0, 0, 0, 0))
        self.assert_consistent(vm)

    def test_lvm_and_tgt(self):
        self.play(Drivers("lvm", "tgt", "xen"))


if __name__ == "__main__":
    unittest.main()
