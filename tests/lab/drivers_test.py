"""A volume's life on every pair of store and target, shown to machines of libvirt and of plain QEMU."""
import unittest

from life import LifeCase, add_lives
from service import STORES, TARGETS


class DriversTest(LifeCase):
    pass


add_lives(DriversTest, STORES, TARGETS, ("libvirt", "qemu"))

if __name__ == "__main__":
    unittest.main()
