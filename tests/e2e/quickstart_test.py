"""The command of the README's first screen, as a user runs it: up, the main job, once more, what
runs, and down without a trace. Of the sanitized build, so that CI builds once."""
import os
import shutil
import subprocess
import tempfile
import unittest

from processes import SANITIZER_MARKS, end_processes, processes_of
from stack import SOURCE, free_ports


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="vbs-quick-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(end_processes, self.folder)
        os.rmdir(self.folder)  # it makes its own
        self.port = self.free_block()

    @staticmethod
    def free_block() -> int:
        """The first of four ports, ten apart, that nobody listens on."""
        free = set(free_ports(200))
        return next(port for port in sorted(free) if {port + 10, port + 20, port + 30} <= free)

    def quickstart(self, *arguments: str, code: int = 0) -> str:
        environment = os.environ | {"VBS_QUICKSTART_DIR": self.folder, "VBS_QUICKSTART_BUILD": "debug",
                                    "VBS_QUICKSTART_PORT": str(self.port)}
        done = subprocess.run([os.path.join(SOURCE, "deploy/quickstart"), *arguments],
                              env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=600, check=False)
        self.assertEqual(done.returncode, code, done.stdout[-8000:] + done.stderr)
        return done.stdout + done.stderr

    def test_as_a_user_runs_it(self):
        said = self.quickstart()
        for line in ("$ vbs create-volume", "$ vbs attach-volume", "$ vbs create-snapshot",
                     "The file that vm1 wrote is what vm2 reads", "The main job is done.",
                     "The stack stays up."):
            self.assertIn(line, said)
        running = processes_of(self.folder)

        again = self.quickstart()
        self.assertIn("vbsd runs already", again)
        self.assertIn("The main job is done.", again)
        self.assertEqual(processes_of(self.folder).keys(), running.keys())

        status = self.quickstart("status")
        for program in ("vbs-volumed", "vbs-vmmd", "vbsd", "tgtd"):
            self.assertRegex(status, rf"(?m)^{program}: runs, process \d+$")
        logs = self.quickstart("logs")
        self.assertIn('"program":"vbsd"', logs)
        self.assertFalse([mark for mark in SANITIZER_MARKS if mark in logs])

        self.quickstart("down", "--purge")
        self.assertEqual(processes_of(self.folder), {})
        self.assertFalse(os.path.exists(self.folder))
        self.assertIn("there is no quickstart", self.quickstart("status", code=1))

    def test_wrong_words_start_nothing(self):
        for arguments in (("dwon",), ("up", "now"), ("down", "--purg")):
            said = self.quickstart(*arguments, code=2)
            self.assertIn("deploy/quickstart down", said)
        self.assertFalse(os.path.exists(self.folder))


if __name__ == "__main__":
    unittest.main()
