"""What the tests of the program vbs share: a fake front, a home of its own, and a way to run it.

The program is $VBS_BIN, or vbs in $VBS_BIN_DIR.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fakes"))
from fake_front import FakeFront, Problem  # noqa: E402, F401

VBS = os.environ.get("VBS_BIN") or os.path.join(os.environ.get("VBS_BIN_DIR", "build/bin"), "vbs")
LIMIT = 120  # seconds; only a hang takes so long
FIRST = "019a1b2c-3d4e-7f60-8182-93a4b5c6d7e8"
SECOND = "019a1b2c-3d4e-7f60-8182-93a4b5c6d7e9"


class CliTest(unittest.TestCase):
    def setUp(self):
        self.front = self.enterContext(FakeFront())
        self.home = self.enterContext(tempfile.TemporaryDirectory())
        self.environment = {"HOME": self.home, "PATH": "/usr/bin:/bin", "VBS_URL": self.front.url}

    def tearDown(self):
        self.assertEqual(self.front.faults, [], "not as docs/api/openapi.yaml has it")

    def start(self, *arguments):
        return subprocess.Popen([VBS, *arguments], env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def vbs(self, *arguments, code=0):
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
        self.assertEqual(process.returncode, code, f"vbs {arguments}\n{out}\n{err}")
        self.err = err
        return out

    def vbs_json(self, *arguments):
        return json.loads(self.vbs(*arguments, "--output", "json"))

    def changes(self):
        return [r for r in self.front.requests if r["method"] != "GET"]

    def write(self, name, text, mode=0o600):
        path = Path(self.home, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return str(path)
