"""An image that an operator offers in the volume group, and volumes made from it: at once over it with
lvm-thin, as copies with lvm. What is written to a volume never reaches the image."""
import time
import unittest
import uuid

from lab_case import MIB, PATIENCE_SECONDS, LabCase
from service import VOLUME_GROUP, Drivers, Service

_LV = f"{VOLUME_GROUP}/golden"
_SIZE = 16 * MIB
_PATTERN, _AT, _LENGTH = 0x5A, 8 * MIB, MIB  # what the image holds; the rest is zeros


class ImagesTest(LabCase):
    def server(self, command: str) -> str:
        return Service.must(self.service.server, command)

    def make_image(self) -> str:
        """A tagged LV that can still be written to; its id."""
        image = str(uuid.uuid4())
        self.server(f"lvcreate -q -y -Wn -Zn -L {_SIZE}b -n golden {VOLUME_GROUP} >/dev/null && "
                    f"dd if=/dev/zero of=/dev/{_LV} bs=1M count={_SIZE // MIB} oflag=direct 2>/dev/null && "
                    f"head -c {_LENGTH} /dev/zero | tr '\\0' '\\{_PATTERN:03o}' | "
                    f"dd of=/dev/{_LV} bs=1M seek={_AT // MIB} iflag=fullblock oflag=direct 2>/dev/null")
        self.server(f"lvchange -q --addtag vbs.image={image} --addtag vbs.image_name=golden {_LV} >/dev/null")
        return image

    def digest(self) -> str:
        """Of the image's bytes. It is left inactive, as lvm-thin wants it."""
        said = self.server(f"lvchange -q --activate y {_LV} >/dev/null && blockdev --flushbufs /dev/{_LV} && "
                           f"md5sum </dev/{_LV} && lvchange -q --activate n {_LV} >/dev/null")
        return said.split()[0]

    def wait_for_image(self, image: str) -> dict:
        """It is shown after the next sweep."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            shown = [one for one in self.vbs("describe-images")["images"] if one["id"] == image]
            if shown:
                return shown[0]
            if time.monotonic() > deadline:
                self.fail(f"{self.logs()}\nthe image is not shown after {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.5)

    def refused(self, words: str, *arguments: str) -> None:
        done = self.service.vbs("create-volume", *arguments)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(words, done.stderr)

    def volumes_from_an_image(self, drivers: Drivers) -> None:
        self.start(drivers)
        vm = self.boot("vm1")
        image = self.make_image()
        self.assertEqual(self.wait_for_image(image),
                         {"id": image, "name": "golden", "size_bytes": _SIZE, "volume_servers": ["vs1"]})
        self.refused("can be written to", "--image", "golden")
        self.assertEqual(self.reality.volumes(), {})
        before = self.digest()
        self.server(f"lvchange -q --permission r --setautoactivation n {_LV} >/dev/null")
        self.refused("size_bytes", "--image", "golden", "--size", "8M")
        self.refused("there is no image", "--image", "silver")

        volume = self.vbs("create-volume", "--image", "golden", "--name", "root")
        self.assertEqual((volume["size_bytes"], volume["source"]), (_SIZE, {"type": "image", "id": image}))
        thin = drivers.store == "lvm-thin"
        self.assertEqual(self.reality.volumes()[f"vbs-{volume['id']}"]["origin"], "golden" if thin else "")
        self.assert_consistent(vm)

        self.vbs("attach-volume", "root", "--vm", "vm1")
        self.assertTrue(vm.reads(_PATTERN, _AT, _LENGTH), "the volume holds what the image holds")
        self.assertTrue(vm.reads(0, 0, _AT))
        vm.write(0xA5, _AT, 65536)
        self.assertTrue(vm.reads(0xA5, _AT, 65536))
        self.assertTrue(vm.reads(_PATTERN, _AT + 65536, _LENGTH - 65536), "the rest is as it was")
        self.assertEqual(self.sector(volume["id"], _AT), b"\xa5" * 512)
        self.vbs("detach-volume", "root", "--force")

        # The copy of a thick volume has left the image active, which is no harm to another copy.
        self.vbs("create-volume", "--image", image, "--size", "32M", "--name", "larger")
        self.vbs("attach-volume", "larger", "--vm", "vm1")
        self.assertEqual(vm.size_bytes(), 32 * MIB)
        self.assertTrue(vm.reads(_PATTERN, _AT, _LENGTH), "what was written to the first is the first's own")
        self.assertTrue(vm.reads(0, _SIZE, 32 * MIB - _SIZE), "what is beyond the image is zeros")
        self.assert_consistent(vm)
        self.vbs("detach-volume", "larger", "--force")

        for name in ("root", "larger"):
            self.vbs("delete-volume", name)
        self.assert_consistent(vm)
        self.assertEqual((self.reality.volumes(), self.reality.targets(), self.reality.sessions()), ({}, {}, []))
        self.assertEqual(self.digest(), before, "the image is as it was")
        self.assertEqual([finding for finding in self.vbs("audit")["findings"] if "golden" in str(finding)], [])

    def test_over_it_with_lvm_thin(self):
        self.volumes_from_an_image(Drivers("lvm-thin", "lio", "qemu"))

    def test_copied_with_lvm(self):
        self.volumes_from_an_image(Drivers("lvm", "lio", "qemu"))

    def test_an_image_that_is_active_is_not_put_under_thin_volumes(self):
        self.start(Drivers("lvm-thin", "lio", "qemu"))
        image = self.make_image()
        self.server(f"lvchange -q --permission r {_LV} >/dev/null")
        self.wait_for_image(image)
        self.refused("lvchange --activate n", "--image", "golden")
        self.server(f"lvchange -q --activate n {_LV} >/dev/null")
        self.vbs("create-volume", "--image", "golden", "--name", "root")
        self.vbs("delete-volume", "root")
        self.assert_consistent()


if __name__ == "__main__":
    unittest.main()
