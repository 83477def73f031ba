"""No bytes of another in a hundred cycles of LVM's stores: of the store suite, the one test, at length."""
import re
import unittest

from conformance_test import SuiteCase
from service import Service

_GROUP = "vbsconformance"
_CYCLES = 100
# For one store. Beside two other labs, on two processors, a cycle takes 40 s.
_SECONDS = 10800


class OldBytesTest(SuiteCase):
    def looks_at_every_sector(self, driver: str) -> None:
        server = self.service.server
        self._install(server, "store_conformance")
        words = f"VBS_CONFORMANCE_DRIVER={driver} VBS_CONFORMANCE_GROUP={_GROUP} VBS_CONFORMANCE_CYCLES={_CYCLES}"
        # Its output is seen as it comes.
        code = server.shell.talk([f"set -o pipefail; cd /root && {words} timeout {_SECONDS} bin/store_conformance "
                                  "--gtest_filter='OldBytesTest.*' 2>&1 | tee found.log"])
        said = Service.must(server, "tail -c 20000 /root/found.log")
        self.assertEqual(code, 0, said)
        found = re.search(rf"{_CYCLES} cycles, \d+ deaths, (\d+) sectors, 0 of them foreign", said)
        self.assertIsNotNone(found, said)
        print(f"{driver}: {found[0]}")

    def test_lvm(self):
        self.looks_at_every_sector("lvm")

    def test_lvm_thin(self):
        self.looks_at_every_sector("lvm-thin")


if __name__ == "__main__":
    unittest.main()
