"""Images that an operator offers as files beside the volumes, and volumes made from them, through the
real daemons and `vbs`."""
import hashlib
import os
import unittest
import uuid

from stack import MIB, Stack

_TAIL = 4096  # an image need not be whole MiB


class ImagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())
        cls.client = cls.stack.client

    def setUp(self):
        self.image = str(uuid.uuid4())
        self.file = os.path.join(self.stack.store, "images", self.image + ".img")
        self.name = self.file.removesuffix(".img") + ".name"

    def tearDown(self):
        self.client.delete_everything()
        self.stack.assert_consistent()

    def offer(self, name: str) -> bytes:
        """A file with a hole, that can still be written to; its bytes."""
        with open(self.file, "wb") as file:
            file.write(os.urandom(MIB))
            file.seek(4 * MIB)
            file.write(os.urandom(_TAIL))
        with open(self.name, "w", encoding="utf-8") as file:
            file.write(name + "\n")
        self.addCleanup(os.unlink, self.file)
        self.addCleanup(os.unlink, self.name)
        self.stack.wait_for(lambda: self.image in self.client.vbs("describe-images", "-q").stdout, 30,
                            "the image is not shown")
        with open(self.file, "rb") as file:
            return file.read()

    def content(self, volume: str) -> bytes:
        with open(os.path.join(self.stack.store, "volumes", volume + ".img"), "rb") as file:
            return file.read()

    def test_a_volume_starts_with_its_bytes(self):
        offered = self.offer("debian 12")
        os.chmod(self.file, 0o400)
        (shown,) = self.client.vbs_json("describe-images")["images"]
        self.assertEqual(shown, {"id": self.image, "name": "debian 12", "size_bytes": len(offered),
                                 "volume_servers": ["vs1"]})
        self.assertEqual(self.client.get(f"/v1/images/{self.image}"), shown)
        volume = self.client.vbs_json("create-volume", "--image", "debian 12", "--name", "root")
        self.assertEqual((volume["size_bytes"], volume["source"]),
                         (5 * MIB, {"type": "image", "id": self.image}))
        self.assertEqual(self.content(volume["id"]), offered.ljust(5 * MIB, b"\0"))
        self.stack.assert_consistent()
        larger = self.client.vbs_json("create-volume", "--image", self.image, "--size", "8M")
        self.assertEqual(self.content(larger["id"]), offered.ljust(8 * MIB, b"\0"))
        self.assertIn(f"image {self.image}", self.client.vbs("describe-volume", "root").stdout)
        done = self.client.vbs("create-volume", "--image", self.image, "--size", "4M")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("field: size_bytes", done.stderr)
        with open(self.file, "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).digest(), hashlib.sha256(offered).digest())
        self.assertEqual(self.client.get("/v1/audit")["findings"], [])

    def test_one_that_can_be_written_to_is_refused_and_nothing_is_left(self):
        self.offer("unfinished")
        done = self.client.vbs("create-volume", "--image", "unfinished")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("chmod a-w", done.stderr)
        self.assertEqual(self.client.get("/v1/volumes")["volumes"], [])

    def test_a_front_that_starts_again_knows_them(self):
        self.offer("golden")
        os.chmod(self.file, 0o400)
        self.stack.restart("vbsd")
        self.stack.wait_ready()
        self.stack.wait_for(lambda: self.client.api("GET", f"/v1/images/{self.image}")[0] == 200, 30,
                            "the image is not known")
        volume = self.client.create_volume(image="golden")
        self.stack.restart("vbs-volumed")
        self.stack.assert_consistent()
        self.assertEqual(self.client.get(f"/v1/volumes/{volume['id']}")["source"]["id"], self.image)


if __name__ == "__main__":
    unittest.main()
