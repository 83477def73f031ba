"""The conformance suites, for the drivers whose other side is the kernel: run inside the guests."""
import os
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from lab_case import BUILD, LabCase
from service import Service

_SECONDS = 3600.0
_GROUP = "vbsconformance"
# Slow enough for the cases that look whether wiping keeps to a rate.
_WIPE_RATE = 64 << 20


class SuiteCase(LabCase):
    """What a suite found stays in the build folder, for docs/conformance.md."""

    guests = ("vs",)

    def setUp(self):
        self.service.stop()
        self.service.empty_storage(_GROUP, extent="1M")

    def passes(self, guest, interface: str, name: str, driver: str, **settings) -> None:
        program = f"{interface}_conformance"
        self._install(guest, program)
        words = " ".join(f"VBS_CONFORMANCE_{key}={value}" for key, value in {"DRIVER": driver, **settings}.items())
        done = guest.shell.run(f"cd /root && rm -f found.xml && {words} bin/{program} --gtest_output=xml:found.xml "
                         ">found.log 2>&1", seconds=_SECONDS)
        said = Service.must(guest, "tail -c 20000 /root/found.log")
        self.assertIn(done.returncode, (0, 1), said)
        found = Service.must(guest, "cat /root/found.xml")
        os.makedirs(os.path.join(BUILD, "conformance"), exist_ok=True)
        with open(os.path.join(BUILD, "conformance", f"{interface}.{name}.xml"), "w", encoding="utf-8") as file:
            file.write(found)
        cases = list(ElementTree.fromstring(found).iter("testcase"))
        failed = [case.get("name") for case in cases if case.find("failure") is not None]
        self.assertEqual((done.returncode, failed), (0, []), said)
        skipped = sum(case.find("skipped") is not None for case in cases)
        self.assertLess(skipped, len(cases) / 3, "a driver that skips most of its suite has not passed it")

    @staticmethod
    def _install(guest, program: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, program)
            subprocess.run(["strip", "-o", stripped, os.path.join(BUILD, "bin", program)], check=True)
            guest.shell.copy([stripped], "/root/bin")


class ConformanceTest(SuiteCase):
    def test_store_lvm(self):
        self.passes(self.service.server, "store", "lvm", "lvm", GROUP=_GROUP, WIPE_RATE=_WIPE_RATE)

    def test_store_lvm_thin(self):
        self.passes(self.service.server, "store", "lvm-thin", "lvm-thin", GROUP=_GROUP, WIPE_RATE=_WIPE_RATE)

    def test_target_lio_over_volumes(self):
        self.passes(self.service.server, "target", "lio-lv", "lio", GROUP=_GROUP)

    def test_target_lio_over_files(self):
        self.passes(self.service.server, "target", "lio-file", "lio")

    def test_target_tgt_over_volumes(self):
        self.passes(self.service.server, "target", "tgt-lv", "tgt", GROUP=_GROUP)

    def test_initiator_open_iscsi(self):
        self.passes(self.service.server, "initiator", "open_iscsi", "open_iscsi")


if __name__ == "__main__":
    unittest.main()
