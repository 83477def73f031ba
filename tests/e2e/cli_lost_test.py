#!/usr/bin/python3
"""A service that dies at each of vbs's tries: whether it took the change is unknown where it had been
sent all of it, and not where it had not."""
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import traceback
import unittest

from cli_case import LIMIT, VBS
from links import Ca

HOST = "127.0.0.1"
TRIES = 4


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def die(_connection: socket.socket) -> None:
    """Without a word: the kernel closes the connection, and TLS has no end."""
    os.kill(os.getpid(), signal.SIGKILL)


class MortalServer:
    """One process for each connection, which reads a request, notes its key, and ends as it is told."""

    def __init__(self, notes: str, end, context: ssl.SSLContext | None, in_handshake: bool = False):
        self._notes = notes
        self._end = end
        self._context = context
        self._in_handshake = in_handshake
        self._listening = socket.create_server((HOST, 0))
        self.port = self._listening.getsockname()[1]

    def __enter__(self) -> "MortalServer":
        self._group = os.fork()
        if self._group == 0:
            try:
                os.setpgid(0, 0)
                self._serve()
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.setpgid(self._group, self._group)
        return self

    def __exit__(self, *_) -> None:
        os.killpg(self._group, signal.SIGKILL)
        os.waitpid(self._group, 0)
        self._listening.close()

    def _serve(self) -> None:
        signal.alarm(LIMIT)  # should the test be killed
        while True:
            if (pid := os.fork()) == 0:
                self._serve_one()
                os._exit(0)
            os.waitpid(pid, 0)

    def _serve_one(self) -> None:
        signal.alarm(LIMIT)
        connection, _ = self._listening.accept()
        if self._in_handshake:
            connection.recv(1)
            self._note("none")
            self._end(connection)
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        got = b""
        while not got.endswith(b"}"):
            got += connection.recv(65536) or os._exit(1)
        self._note(re.search(r"\nIdempotency-Key: ?(\S+)\r\n", got.decode())[1])
        self._end(connection)

    def _note(self, key: str) -> None:
        with open(self._notes, "a", encoding="utf-8") as file:
            file.write(key + "\n")


class LostTest(unittest.TestCase):
    def setUp(self):
        self.home = self.enterContext(tempfile.TemporaryDirectory())
        self.ca = Ca(os.path.join(self.home, "ca"))
        self.ca.issue("vbsd", "--ip", HOST)
        self.ca.issue("cli")

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        files = self.ca.files("vbsd")
        context.load_cert_chain(files["certificate"], files["key"])
        context.load_verify_locations(files["ca"])
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def create_volume(self, end, scheme: str = "https", **more) -> tuple[list[str], str]:
        """The keys that arrived, and what vbs says."""
        notes = os.path.join(self.home, f"keys-{len(os.listdir(self.home))}")
        files = [text for key, path in self.ca.files("cli").items() for text in (f"--{key}", path)]
        context = self.server_context() if scheme == "https" else None
        with MortalServer(notes, end, context, **more) as server:
            done = subprocess.run(
                [VBS, "create-volume", "--size", "32M", "--url", f"{scheme}://{HOST}:{server.port}",
                 *(files if context else [])],
                env={"HOME": self.home, "PATH": "/usr/bin:/bin"}, text=True, capture_output=True,
                stdin=subprocess.DEVNULL, timeout=LIMIT, check=False)
        self.assertEqual((done.returncode, done.stdout), (7, ""), done.stderr)
        with open(notes, encoding="utf-8") as file:
            return file.read().split(), done.stderr

    def expect_doubt(self, end, scheme: str = "https") -> None:
        keys, said = self.create_volume(end, scheme)
        self.assertEqual((len(keys), len(set(keys))), (TRIES, 1))
        self.assertRegex(said, f"^vbs: the service at {scheme}://{HOST}:[0-9]+: the connection was lost; "
                               "whether it took the request is unknown: see vbs describe-operations --live\n$")

    def test_killed_when_it_had_read_the_request(self):
        for scheme in ("https", "http"):
            with self.subTest(scheme=scheme):
                self.expect_doubt(die, scheme)

    def test_the_connection_is_reset(self):
        for scheme in ("https", "http"):
            with self.subTest(scheme=scheme):
                self.expect_doubt(reset, scheme)

    def test_killed_before_anything_could_be_sent(self):
        keys, said = self.create_volume(die, in_handshake=True)
        self.assertEqual(keys, TRIES * ["none"])
        self.assertRegex(said, "^vbs: no connection to the service at https://")
        self.assertNotIn("unknown", said)


if __name__ == "__main__":
    unittest.main()
