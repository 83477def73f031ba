"""The example configurations are right, and wrong ones are refused in words that help."""
import os
import subprocess
import tempfile
import unittest

from stack import BIN, DAEMONS, SOURCE


class ConfigTest(unittest.TestCase):
    def example(self, program: str) -> str:
        with open(os.path.join(SOURCE, "deploy/config", program + ".toml"), encoding="utf-8") as file:
            return file.read()

    def check(self, program: str, text: str | None) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "config.toml")
            if text is not None:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run([os.path.join(BIN, program), "--config", path, "--check-config"],
                                  capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stdout + done.stderr

    def test_examples_are_right(self):
        for program in DAEMONS:
            with self.subTest(program=program):
                code, output = self.check(program, self.example(program))
                self.assertEqual(code, 0, output)

    def test_unknown_key(self):
        for program in DAEMONS:
            with self.subTest(program=program):
                code, output = self.check(program, "colour = 1\n" + self.example(program))
                self.assertNotEqual(code, 0)
                self.assertIn("colour", output)

    def test_missing_key(self):
        for program, key in (("vbsd", "database"), ("vbs-volumed", "state_dir"),
                             ("vbs-vmmd", "token_file")):
            with self.subTest(program=program):
                lines = [line for line in self.example(program).splitlines()
                         if not line.startswith(key)]
                code, output = self.check(program, "\n".join(lines))
                self.assertNotEqual(code, 0)
                self.assertIn(key, output)

    def test_delegates_refuse_to_leave_loopback(self):
        for program in ("vbs-volumed", "vbs-vmmd"):
            code, output = self.check(program, 'listen = "0.0.0.0:7000"\n' + self.example(program))
            self.assertNotEqual(code, 0)
            self.assertIn("listen", output)

    def test_no_file_and_no_toml(self):
        for program in DAEMONS:
            for text in (None, "= = ="):
                code, output = self.check(program, text)
                self.assertEqual(code, 1, output)
                self.assertIn("config.toml", output)


if __name__ == "__main__":
    unittest.main()
