"""A volume's life on every pair of store and target, shown to machines of libvirt and of plain QEMU."""
import unittest

from life import LifeCase, add_lives
from service import STORES, TARGETS, Drivers


class DriversTest(LifeCase):
    pass


class QuickTest(LifeCase):
    """Every driver once."""

    def test_lvm_lio_libvirt(self):
        self.life_of_a_volume(Drivers("lvm", "lio", "libvirt"))

    def test_lvm_thin_tgt_qemu_in_short(self):
        self.short_life_of_a_volume(Drivers("lvm-thin", "tgt", "qemu"))


add_lives(DriversTest, STORES, TARGETS, ("libvirt", "qemu"))

if __name__ == "__main__":
    unittest.main()
