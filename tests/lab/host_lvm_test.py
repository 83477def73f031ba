"""What a guest writes to its disk does not concern the VMM node: neither does the node's own LVM activate a
volume group that it finds there, nor does the disk stay when it is taken away."""
import time
import unittest

from lab_case import PATIENCE_SECONDS, LabCase
from service import VOLUME_GROUP, Drivers, Service

_RULES = "/usr/local/lib/udev/rules.d/61-vbs.rules"
_GROUP = "guestgroup"


class HostLvmTest(LabCase):
    def setUp(self):
        self.start(Drivers("lvm", "lio", "qemu"))
        self.vm = self.boot("vm1")
        self.volume = self.vbs("create-volume", "--size", "64M", "--name", "data")["id"]
        self.make_group(f"/dev/{VOLUME_GROUP}/vbs-{self.volume}")

    def make_group(self, device: str) -> None:
        """As a guest would: a volume group on the whole disk, with a volume that is not active here."""
        look_into = "--config 'devices { scan_lvs=1 }'"
        Service.must(self.service.server,
                     f"pvcreate -q -y {look_into} {device} >/dev/null && vgcreate -q {look_into} {_GROUP} {device} "
                     f">/dev/null && lvcreate -q -y {look_into} -an -Zn -Wn -L 16M -n files {_GROUP} >/dev/null")

    def node(self, command: str) -> str:
        return Service.must(self.service.node, command)

    def disk(self) -> str:
        """The volume's device on the node."""
        (disk,) = self.node("readlink -f /dev/disk/by-path/*-iscsi-*-lun-*").split()
        return disk

    def is_active(self) -> bool:
        return _GROUP in self.node("dmsetup ls")

    def take_away(self) -> None:
        self.vbs("detach-volume", "data", "--force")
        self.vbs("delete-volume", "data")
        self.assert_consistent(self.vm)
        self.assertEqual((self.reality.sessions(), self.reality.scsi_disks()), ([], 0))

    def test_a_group_of_a_guest_is_left_alone(self):
        self.vbs("attach-volume", "data", "--vm", "vm1")
        self.node("udevadm settle")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.assertFalse(self.is_active(), "the node has activated the guest's volume group")
            time.sleep(1)
        shown = self.node(f"udevadm info {self.disk()}")
        self.assertIn("E: ID_FS_TYPE=vbs\n", shown)
        self.assertIn("L: -100\n", shown, "a disk of the node with the same label or UUID keeps its link")
        self.assertIn("SYSTEMD_READY=0", shown)
        self.assertIn("ID_PATH=", shown)
        self.take_away()

    def test_lvm_itself_can_be_told(self):
        """By the filter in the operator guide."""
        self.vbs("attach-volume", "data", "--vm", "vm1")
        self.node("udevadm settle")
        self.assertIn(_GROUP, self.node("vgs --noheadings -o vg_name"))
        told = 'devices { global_filter = [ "r|^/dev/disk/by-path/ip-.*-iscsi-iqn[.]2026-01[.]vbs:|" ] }'
        for command in ("vgs --noheadings -o vg_name", "pvs --noheadings -o pv_name,vg_name"):
            self.assertNotIn(_GROUP, self.node(f"{command} --config '{told}'"))
        self.take_away()

    def test_without_the_rule_the_node_takes_it(self):
        """Otherwise the other tests would show nothing."""
        self.node(f"mv {_RULES} /root/ && udevadm control --reload")
        self.addCleanup(self.node, f"mv /root/61-vbs.rules {_RULES} && udevadm control --reload")
        self.vbs("attach-volume", "data", "--vm", "vm1")
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.is_active():
            self.assertLess(time.monotonic(), end, "this machine's LVM activates nothing by itself")
            time.sleep(1)
        self.node(f"vgchange -q -an {_GROUP}")
        self.take_away()


if __name__ == "__main__":
    unittest.main()
