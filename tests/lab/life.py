"""The life of a volume through `vbs`, whatever the drivers; after each step rows and reality agree."""
from lab_case import MIB, LabCase
from service import Drivers

_SIZE = 32 * MIB
_GROWN = 48 * MIB


class LifeCase(LabCase):
    """Create, attach, use, grow, detach, snapshot, copy, delete."""

    def life_of_a_volume(self, drivers: Drivers) -> None:
        vm, volume = self._begins(drivers)
        self._is_used(vm, volume)
        self._grows(vm, volume)
        self._is_detached(vm)
        self._is_copied(vm, volume)
        self._ends(vm)

    def _begins(self, drivers: Drivers):
        """The machine and the volume's id."""
        self.start(drivers)
        vm = self.boot("vm1")
        volume = self.vbs("create-volume", "--size", "32M", "--name", "data")["id"]
        self.assertEqual(int(self.reality.volumes()[f"vbs-{volume}"]["lv_size"]), _SIZE)
        self.assert_consistent(vm)
        return vm, volume

    def _ends(self, vm) -> None:
        for verb, name in (("delete-volume", "copy"), ("delete-snapshot", "point"), ("delete-volume", "data")):
            self.vbs(verb, name)
        self.assert_consistent(vm)
        self.assertEqual((self.reality.volumes(), self.reality.targets(), self.reality.sessions()), ({}, {}, []))

    def _is_used(self, vm, volume: str) -> None:
        self.vbs("attach-volume", "data", "--vm", "vm1", "--device", "/dev/sdb")
        self.assertEqual(list(vm.disks().values()), [volume])
        self.assert_consistent(vm)
        again = self.ask("attach-volume", "data", "--vm", "vm1")
        self.assertEqual(again.returncode, 4, again.stderr)

        self.assertTrue(vm.reads(0, 0, _SIZE), "a new volume reads as zeros")
        vm.write(0x5A, 8192, 65536)
        self.assertEqual(self.sector(volume, 8192), b"\x5a" * 512)

    def _grows(self, vm, volume: str) -> None:
        """The VM has the volume, and what it shows afterwards is as large as the volume."""
        if self.service.drivers.target == "tgt":
            refused = self.ask("modify-volume", "data", "--size", "48M")
            self.assertEqual(refused.returncode, 4, refused.stderr)
            self.assertEqual(vm.size_bytes(), _SIZE)
            self.vbs("detach-volume", "data", "--force")
        self.vbs("modify-volume", "data", "--size", "48M")
        if self.service.drivers.target == "tgt":
            self.vbs("attach-volume", "data", "--vm", "vm1", "--device", "/dev/sdb")
        self.assertEqual(int(self.reality.volumes()[f"vbs-{volume}"]["lv_size"]), _GROWN)
        self.assertEqual(vm.size_bytes(), _GROWN)
        self.assertTrue(vm.reads(0, _SIZE, _GROWN - _SIZE), "what is new reads as zeros")
        self.assertTrue(vm.reads(0x5A, 8192, 65536), "what was there is there")

    def _is_detached(self, vm) -> None:
        self.vbs("detach-volume", "data", "--force")
        self.assertEqual(vm.disks(), {})
        self.assert_consistent(vm)

    def _is_copied(self, vm, volume: str) -> None:
        snapshot = self.vbs("create-snapshot", "data", "--name", "point")["id"]
        self.vbs("attach-volume", "data", "--vm", "vm1")
        vm.write(0xA5, 8192, 65536)
        self.assertEqual(self.sector(volume, 8192), b"\xa5" * 512)
        self.assertEqual(self.sector(snapshot, 8192), b"\x5a" * 512)
        self.vbs("detach-volume", "data", "--force")

        self.vbs("create-volume", "--from-snapshot", "point", "--name", "copy")
        self.vbs("attach-volume", "copy", "--vm", "vm1")
        self.assertTrue(vm.reads(0x5A, 8192, 65536), "the copy holds what the snapshot held")
        self.assert_consistent(vm)
        self.vbs("detach-volume", "copy", "--force")


def add_lives(case: type[LifeCase], stores, targets, hypervisors) -> None:
    """A test for each combination, named after it."""
    for drivers in (Drivers(store, target, hypervisor)
                    for store in stores for target in targets for hypervisor in hypervisors):
        name = "test_" + str(drivers).replace("+", "_").replace("-", "_")
        setattr(case, name, lambda self, drivers=drivers: self.life_of_a_volume(drivers))
