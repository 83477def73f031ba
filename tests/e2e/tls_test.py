"""Mutual TLS between front, delegates and the command line: the main job over it, and who is refused
with which words."""
import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl
import unittest

from client import connect
from good_client import start_good_clients
from links import Ca
from stack import MIB, Stack

WORD = "over-mutual-tls"
RENEWALS = 4


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack(tls=True))
        self.ca = self.stack.links.ca

    def refused(self, code: int, *arguments: str) -> str:
        done = self.stack.client.vbs("describe-volumes", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    @staticmethod
    def options(files: dict[str, str]) -> list[str]:
        return [text for key, path in files.items() for text in (f"--{key}", path)]

    def ask(self, program: str, context: ssl.SSLContext, token: str | None,
            path: str = "/v1/inventory") -> tuple[int, dict]:
        """A request straight to one of the programs."""
        connection = connect(self.stack.links.host(program), self.stack.ports[program], context, 20)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def service_token(self) -> str:
        with open(self.stack.path("service-token"), encoding="utf-8") as file:
            return file.read().strip()

    def test_main_job(self):
        stack, vbs = self.stack, self.stack.client.vbs_json
        stack.boot("vm1")
        self.assertEqual({node["state"] for node in vbs("describe-nodes")["nodes"]}, {"up"})
        vbs("create-volume", "--size", "32M", "--name", "data")
        self.assertEqual(vbs("describe-volume", "data")["size_bytes"], 32 * MIB)
        vbs("attach-volume", "data", "--vm", "vm1", "--device", "/dev/sdb")
        device = vbs("describe-volume", "data")["attachments"][0]["guest_device"]
        stack.guest("vm1", f"echo {WORD} | dd of={device} conv=fsync 2>/dev/null")
        stack.assert_consistent()
        vbs("detach-volume", "data")
        volume = vbs("describe-volume", "data")
        self.assertEqual(volume["state"], "available")
        with open(f"{stack.store}/volumes/{volume['id']}.img", "rb") as image:
            self.assertEqual(image.read(len(WORD)).decode(), WORD)
        vbs("delete-volume", "data")
        self.assertEqual(vbs("describe-volumes")["volumes"], [])
        stack.assert_consistent()

    def test_who_is_refused_is_told_why(self):
        cli = self.ca.files("cli")
        other = Ca(self.stack.path("other-ca"))
        stranger = other.issue("cli")
        self.assertIn("its certificate is not of our CA", self.refused(5, *self.options(stranger)))
        self.assertIn("it refused our certificate, which is not of its CA",
                      self.refused(5, *self.options(stranger | {"ca": cli["ca"]})))
        self.assertIn("it refused our certificate, which has expired",
                      self.refused(5, *self.options(self.ca.issue_expired("late"))))
        self.assertIn(f"certificate {cli['key']} is no certificate",
                      self.refused(2, *self.options(cli | {"certificate": cli["key"]})))
        # It listens on every address, and its certificate is for one.
        port = self.stack.ports["vbsd"]
        for host in ("127.0.2.2", "localhost"):
            self.assertIn(f"its certificate is not for {host}",
                          self.refused(5, "--url", f"https://{host}:{port}"))
        self.assertIn("the connection was lost", self.refused(7, "--url", f"http://127.0.2.1:{port}"))
        self.assertIn("would carry the token in clear",
                      self.refused(2, "--url", "http://192.0.2.1:7700"))

    def test_certificate_without_token_and_token_without_certificate(self):
        front = self.ca.context("vbsd")
        token = self.service_token()
        for program in ("vbs-volumed", "vbs-vmmd"):
            self.assertEqual(self.ask(program, front, token)[0], 200)
            self.assertEqual(self.ask(program, front, None)[0], 401)
            status, body = self.ask(program, self.ca.context("cli"), token)
            self.assertEqual(status, 403)
            self.assertIn("of vbsd only, and was shown that of cli", body["detail"])
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.ask(program, self.ca.context(None), token)
            with self.assertRaises((http.client.HTTPException, ConnectionError)):
                self.ask(program, None, token)
        admin = self.stack.tokens["admin"]
        cli = self.ca.context("cli")
        self.assertEqual(self.ask("vbsd", cli, admin, "/v1/volumes")[0], 200)
        self.assertEqual(self.ask("vbsd", cli, None, "/v1/volumes")[0], 401)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.ask("vbsd", self.ca.context(None), admin, "/v1/volumes")

    def certificate_of(self, program: str) -> bytes:
        address = (self.stack.links.host(program), self.stack.ports[program])
        with socket.create_connection(address, 20) as plain:
            with self.ca.context("vbsd").wrap_socket(plain, server_hostname=address[0]) as secure:
                return secure.getpeercert(binary_form=True)

    def renew_certificates(self) -> None:
        for program, name in (("vbs-volumed", "vs1"), ("vbs-vmmd", "hv1"), ("vbsd", "vbsd")):
            before = self.certificate_of(program)
            self.ca.issue(name, "--ip", self.stack.links.host(program), "--renew")
            self.assertEqual(self.certificate_of(program), before)
            os.kill(self.stack.daemons[program].pid, signal.SIGHUP)
            self.stack.wait_for(lambda: self.certificate_of(program) != before, 20,
                                f"{program} shows its old certificate")

    def test_certificates_are_renewed_without_a_restart(self):
        self.renew_certificates()
        self.stack.wait_ready()
        self.stack.client.delete_volume(self.stack.client.create_volume(size_bytes=MIB)["id"])

    def test_no_request_is_lost_while_certificates_are_renewed(self):
        stack = self.stack
        clients = start_good_clients(stack)
        for _ in range(RENEWALS):
            self.renew_certificates()
        for client in clients:
            client.end()
        self.assertEqual([failure for client in clients for failure in client.failures], [])
        for client in clients:
            self.assertGreater(len(client.took), 5 * RENEWALS)
        stack.wait_for(lambda: not stack.client.get("/v1/operations?live=true")["operations"], 60,
                       "operations are still in flight")
        with sqlite3.connect(f"file:{stack.database}?mode=ro", uri=True) as rows:
            self.assertEqual(rows.execute("SELECT message FROM operation_events WHERE what = 'retry'").fetchall(),
                             [], "a request to a delegate was lost")
            self.assertEqual(rows.execute("SELECT DISTINCT state FROM operations").fetchall(), [("succeeded",)])
        stack.assert_consistent()


if __name__ == "__main__":
    unittest.main()
