"""The conformance suites, for the drivers whose other side is the kernel: run inside the guests."""
import os
import subprocess
import tempfile
import unittest

from lab_case import BUILD, open_lab
from service import Service

_SECONDS = 1800.0
_GROUP = "conform"


class ConformanceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = open_lab("vs")
        cls.guest = cls.service.server

    def setUp(self):
        self.service.stop()
        Service.must(self.guest, "systemctl stop tgt; pkill -KILL -x tgtd; lab-clear-lio; "
                     f"vgremove -q -y -ff vbs {_GROUP} 2>/dev/null; wipefs -q -a /dev/disk/by-id/virtio-data && "
                     f"vgcreate -q -s 1M {_GROUP} /dev/disk/by-id/virtio-data >/dev/null")

    def passes(self, interface: str, driver: str, **settings: str) -> None:
        program = f"{interface}_conformance"
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, program)
            subprocess.run(["strip", "-o", stripped, os.path.join(BUILD, "bin", program)], check=True)
            self.guest.copy([stripped], "/root/bin")
        environment = {"VBS_CONFORMANCE_DRIVER": driver,
                       **{f"VBS_CONFORMANCE_{key}": value for key, value in settings.items()}}
        words = " ".join(f"{key}={value}" for key, value in environment.items())
        done = self.guest.run(f"cd /root && {words} bin/{program} --gtest_brief=0 2>&1", seconds=_SECONDS)
        said = done.stdout.decode(errors="replace")
        print(said[-20000:])
        self.assertEqual(done.returncode, 0, f"{interface} {driver}")

    def test_store_lvm(self):
        self.passes("store", "lvm", GROUP=_GROUP)

    def test_store_lvm_thin(self):
        self.passes("store", "lvm-thin", GROUP=_GROUP)

    def test_target_lio_over_volumes(self):
        self.passes("target", "lio", VG=_GROUP)

    def test_target_lio_over_files(self):
        self.passes("target", "lio")

    def test_target_tgt_over_volumes(self):
        self.passes("target", "tgt", VG=_GROUP)

    def test_initiator_open_iscsi(self):
        self.passes("initiator", "open_iscsi")


if __name__ == "__main__":
    unittest.main()
