"""The example configurations are right, and wrong ones are refused in words that help."""
import os
import socket
import subprocess
import tempfile
import unittest

from links import Ca
from stack import BIN, DAEMONS, SOURCE, toml


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


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

    def serve(self, folder: str, **settings) -> tuple[int, str]:
        """Starts vbsd, which must not come to serve; its exit code and what it said."""
        token = os.path.join(folder, "token")
        with open(token, "w", encoding="utf-8", opener=private) as file:
            file.write("0123456789abcdef")
        config = os.path.join(folder, "config.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(toml({"database": os.path.join(folder, "vbs.db"),
                             "service_token_file": token, **settings}))
        done = subprocess.run([os.path.join(BIN, "vbsd"), "--config", config], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertNotIn("Sanitizer", done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def test_vbsd_without_certificates_or_tokens_refuses_to_leave_loopback(self):
        for listen in ("0.0.0.0:7000", "[::]:7000"):
            with tempfile.TemporaryDirectory() as folder:
                code, output = self.serve(folder, listen=listen)
                self.assertEqual(code, 1, output)
                self.assertIn("must be a loopback address where there is no [tls]", output)
                files = Ca(os.path.join(folder, "ca")).issue("vbsd")
                code, output = self.serve(folder, listen=listen, tls=files)
                self.assertEqual(code, 1, output)
                self.assertIn("needs tokens_file", output)
                os.chmod(files["key"], 0o644)
                code, output = self.serve(folder, tls=files)
                self.assertEqual(code, 1, output)
                self.assertIn(f"key {files['key']} can be used by others", output)

    def test_vbsd_says_that_its_port_is_taken(self):
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            code, output = self.serve(folder, listen=f"127.0.0.1:{port}")
            self.assertEqual(code, 1, output)
            self.assertIn(f"vbsd: cannot listen on 127.0.0.1 port {port}", output)

    def test_no_file_and_no_toml(self):
        for program in DAEMONS:
            for text in (None, "= = ="):
                code, output = self.check(program, text)
                self.assertEqual(code, 1, output)
                self.assertIn("config.toml", output)


if __name__ == "__main__":
    unittest.main()
