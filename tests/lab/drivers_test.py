"""A volume's life on every pair of store and target, shown to machines of libvirt and of plain QEMU."""
import unittest

from life import LifeCase, add_lives
from service import STORES, TARGETS


class LibvirtTest(LifeCase):
    pass


class QemuTest(LifeCase):
    pass


add_lives(LibvirtTest, STORES, TARGETS, ("libvirt",))
add_lives(QemuTest, STORES, TARGETS, ("qemu",))

if __name__ == "__main__":
    unittest.main()
