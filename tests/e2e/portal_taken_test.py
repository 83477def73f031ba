"""The target port belongs to another program when vbs-volumed starts: it says so and what to do, no
tgtd opens a port of its own choice, and all is well as soon as the port is free."""
import socket
import time
import unittest

from stack import MIB, Stack

DEFAULT_PORT = 3260  # where tgtd goes when its portal is busy, on every address
VM = "vm1"


def listening_ports() -> set[int]:
    """Of TCP, on any address."""
    ports = set()
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(name, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                words = line.split()
                if words[3] == "0A":
                    ports.add(int(words[1].rpartition(":")[2], 16))
    return ports


class PortalTakenTest(unittest.TestCase):
    def setUp(self):
        self.assertNotIn(DEFAULT_PORT, listening_ports(), "end what listens there")
        self.stack = self.enterContext(Stack({"vbsd": {"deadlines": {"attach": "3s"}}}))
        self.client = self.stack.client
        self.port = self.stack.ports["portal"]

    def node(self) -> dict:
        return next(node for node in self.client.get("/v1/nodes")["nodes"]
                    if node["name"] == "vs1")

    def take_port(self) -> socket.socket:
        """Before vbs-volumed is back, another program has the port."""
        self.stack.stop("vbs-volumed")
        self.stack.kill_tgtd()
        taker = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(taker.close)
        return taker

    def expect_complaint(self, text: str) -> None:
        self.assertIn(str(self.port), text)
        self.assertIn("taken by another program", text)
        self.assertRegex(text, r"ss -ltnp")
        self.assertRegex(text, r"[Ss]top it or configure another portal")

    def test_port_is_taken_at_start(self):
        stack = self.stack
        stack.boot(VM)
        volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        taker = self.take_port()
        daemon = stack.daemons["vbs-volumed"]
        stack.start("vbs-volumed")
        stack.wait_for(lambda: str(self.port) in (self.node()["problem"] or ""), 20,
                       "the node's state does not tell of the port")
        self.assertNotEqual(self.node()["state"], "up", self.node())
        self.expect_complaint(self.node()["problem"])
        time.sleep(1.5)  # it looks twice a second whether the port is free
        self.expect_complaint(daemon.log_text())
        self.assertIsNone(stack.tgtd())
        self.assertNotIn(DEFAULT_PORT, listening_ports())
        shown = self.client.vbs("describe-nodes")
        self.assertIn(str(self.port), shown.stdout)

        path = f"/v1/volumes/{volume}/attachments"
        status, answer = self.client.api("POST", path, {"vm": VM})
        self.assertEqual(status, 202, answer)
        ended = self.client.wait_operation(answer["operation"]["id"])
        self.assertEqual(ended["state"], "failed", ended)
        self.expect_complaint(ended["error"]["message"])
        self.assertIn("vs1", ended["error"]["message"])
        self.assertEqual(self.client.get(path)["attachments"], [])

        taker.close()
        stack.wait_ready()
        self.client.attach(volume, VM)
        self.assertNotIn(DEFAULT_PORT, listening_ports())
        stack.assert_consistent()
        self.client.detach(volume)
        self.client.delete_volume(volume)
        stack.assert_consistent()


if __name__ == "__main__":
    unittest.main()
