"""A volume's life on every pair of store and target, shown to guests of Xen."""
import unittest

from life import LifeCase, add_lives
from service import STORES, TARGETS


class XenDriversTest(LifeCase):
    guests = ("vs", "xen")


add_lives(XenDriversTest, STORES, TARGETS, ("xen",))
add_lives(XenDriversTest, ("lvm",), ("lio",), ("libvirt-xen",))

if __name__ == "__main__":
    unittest.main()
