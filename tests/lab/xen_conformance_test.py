"""The conformance suite of the hypervisors on a real Xen, in dom0."""
import unittest

from conformance_test import SuiteCase
from service import Drivers


class XenConformanceTest(SuiteCase):
    guests = ("vs", "xen")

    def test_hypervisor_xen(self):
        self.service.drivers = Drivers(hypervisor="xen")
        self.passes(self.service.node, "hypervisor", "xen", "xen")


if __name__ == "__main__":
    unittest.main()
