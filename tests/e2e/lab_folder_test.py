"""The folder of a lab: no other one is ever used or removed, and disks follow their image. No guest is
started."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

SOURCE = os.environ.get("VBS_SOURCE_DIR") or os.path.realpath(f"{__file__}/../../..")
sys.path.insert(0, os.path.join(SOURCE, "deploy/lab-guests"))
from guest import Guest, LabError  # noqa: E402  (the path comes first)
from lab import Lab  # noqa: E402
from shell import Shell  # noqa: E402


_START = Guest.start


def make_disk(guest: Guest) -> None:
    """Start, but for the machine."""
    with mock.patch("guest._run", lambda command: None):
        _START(guest)
    with open(guest.path("root.qcow2"), "a", encoding="ascii"):
        pass


class LabFolderTest(unittest.TestCase):
    def setUp(self):
        self.root = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = os.path.join(self.root, "lab")
        self.image = os.path.join(self.root, "image")
        os.mkdir(self.image)
        self.write("image/key", "key 1")
        self.write("image/stamp", "image 1")
        self.lab = Lab(self.folder, self.image)

    def write(self, path: str, text: str) -> None:
        with open(os.path.join(self.root, path), "w", encoding="ascii") as file:
            file.write(text)

    def read(self, path: str) -> str:
        with open(os.path.join(self.root, path), encoding="ascii") as file:
            return file.read()

    def up(self) -> list[str]:
        """The guests that were started."""
        started = []
        with mock.patch.multiple(Guest, wait_ready=lambda guest: None,
                                 start=lambda guest: started.append(guest.name) or make_disk(guest)), \
                mock.patch.object(Shell, "connect"), mock.patch.object(Lab, "build_image"):
            self.lab.up(["hv"])
        return started

    def test_up_and_down(self):
        self.assertEqual(self.up(), ["vs", "hv"])
        self.assertEqual(self.read("lab/key"), "key 1")
        self.lab.down()
        self.assertFalse(os.path.exists(self.folder))
        self.lab.down()

    def test_what_is_no_lab_stays(self):
        os.mkdir(self.folder)
        self.write("lab/thesis", "words")
        for verb in (self.up, self.lab.down):
            with self.assertRaisesRegex(LabError, "holds"):
                verb()
        self.assertEqual(self.read("lab/thesis"), "words")

    def test_an_empty_folder_becomes_a_lab(self):
        os.mkdir(self.folder)
        self.up()
        self.lab.down()
        self.assertFalse(os.path.exists(self.folder))

    def test_disks_follow_their_image(self):
        self.up()
        vs, hv = self.lab.guest("vs"), self.lab.guest("hv")
        self.assertEqual((vs.is_stale(), hv.is_stale()), (False, False))
        self.write("lab/vs.root.qcow2", "what was done meanwhile")
        self.up()
        self.assertNotEqual(self.read("lab/vs.root.qcow2"), "")

        self.write("image/stamp", "image 2")
        self.write("image/key", "key 2")
        self.assertTrue(vs.is_stale())
        with mock.patch.object(Guest, "running", lambda guest: guest.name == "hv"), \
                self.assertRaisesRegex(LabError, "the image is newer than this lab"):
            self.up()
        self.assertEqual(self.read("lab/key"), "key 1", "the guests that run have it")
        self.up()
        self.assertEqual((self.read("lab/vs.root.qcow2"), self.read("lab/key")), ("", "key 2"))
        self.assertFalse(vs.is_stale())

    def test_a_second_lab_with_vbs_is_refused(self):
        self.up()
        os.makedirs(os.path.join(self.folder, "service/db"))
        self.write("lab/service/db/vbs.db", "rows")
        done = subprocess.run([shutil.which("python3") or "python3", os.path.join(SOURCE, "deploy/lab"), "--dir",
                               self.folder, "--image", self.image, "up"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("deploy/lab down first", done.stderr)
        self.assertEqual(self.read("lab/service/db/vbs.db"), "rows")


if __name__ == "__main__":
    unittest.main()
