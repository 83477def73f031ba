"""The life of a volume through `vbs` on every pair of store and target, shown to machines of libvirt
and of plain QEMU, on the real programs; after each step rows and reality agree."""
import unittest

from lab_case import MIB, LabCase
from service import STORES, TARGETS, Drivers


class DriversTest(LabCase):
    def life_of_a_volume(self, drivers: Drivers) -> None:
        self.start(drivers)
        vm = self.boot("vm1")
        volume = self.vbs("create-volume", "--size", "32M", "--name", "data")["id"]
        self.assertEqual(int(self.reality.volumes()[f"vbs-{volume}"]["lv_size"]), 32 * MIB)
        self.assert_consistent(vm)

        self.vbs("attach-volume", "data", "--vm", "vm1", "--device", "/dev/sdb")
        self.assertEqual(list(vm.disks().values()), [volume])
        self.assert_consistent(vm)
        again = self.service.vbs("attach-volume", "data", "--vm", "vm1")
        self.assertEqual(again.returncode, 4, again.stderr)

        self.assertTrue(vm.reads(0, 0, 32 * MIB), "a new volume reads as zeros")
        vm.write(0x5A, 8192, 65536)
        self.assertEqual(self.sector(volume, 8192), b"\x5a" * 512)

        self.vbs("detach-volume", "data", "--force")
        self.assertEqual(vm.disks(), {})
        self.assert_consistent(vm)

        snapshot = self.vbs("create-snapshot", "data", "--name", "point")["id"]
        self.vbs("attach-volume", "data", "--vm", "vm1")
        vm.write(0xA5, 8192, 65536)
        self.assertEqual(self.sector(snapshot, 8192), b"\x5a" * 512)
        self.vbs("detach-volume", "data", "--force")

        self.vbs("create-volume", "--from-snapshot", "point", "--name", "copy")
        self.vbs("attach-volume", "copy", "--vm", "vm1")
        self.assertTrue(vm.reads(0x5A, 8192, 65536), "the copy holds what the snapshot held")
        self.assert_consistent(vm)
        self.vbs("detach-volume", "copy", "--force")

        for verb, name in (("delete-volume", "copy"), ("delete-snapshot", "point"), ("delete-volume", "data")):
            self.vbs(verb, name)
        self.assert_consistent(vm)
        self.assertEqual((self.reality.volumes(), self.reality.targets(), self.reality.sessions()), ({}, {}, []))


def _add(drivers: Drivers) -> None:
    name = "test_" + str(drivers).replace("+", "_").replace("-", "_")
    setattr(DriversTest, name, lambda self: self.life_of_a_volume(drivers))


for _store in STORES:
    for _target in TARGETS:
        for _hypervisor in ("libvirt", "qemu"):
            _add(Drivers(_store, _target, _hypervisor))

if __name__ == "__main__":
    unittest.main()
