"""The lines from the front to its delegates, above all the hypervisor's, that are down, slow, cut,
or carry nonsense, while a volume is attached to a running VM, imaged and detached."""
import signal
import time
import unittest

import hostile_proxy as proxies
from hostile_proxy import HostileProxy
from stack import MIB, Stack, free_ports

NODE = "hv1"
VM = "vm1"
QUICK = 3.0  # seconds; with sanitizers, beside other tests


class Link(unittest.TestCase):
    """Shared: a stack with a proxy before each delegate, a guest and one volume."""
    DEADLINES: dict[str, str] = {}

    @classmethod
    def setUpClass(cls):
        first, second = free_ports(2)
        cls.proxy = cls.enterClassContext(HostileProxy(first))
        cls.volume_proxy = cls.enterClassContext(HostileProxy(second))
        stack = Stack({"vbsd": {"vmm": [{"name": NODE, "url": cls.proxy.url}],
                                "volume_server": [{"name": "vs1", "url": cls.volume_proxy.url}],
                                "deadlines": cls.DEADLINES}})
        cls.proxy.upstream = stack.ports["vbs-vmmd"]
        cls.volume_proxy.upstream = stack.ports["vbs-volumed"]
        cls.stack = cls.enterClassContext(stack)
        cls.client = stack.client
        stack.boot(VM)

    def setUp(self):
        self.stack.wait_ready()
        self.volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        self.path = f"/v1/volumes/{self.volume}/attachments"

    def tearDown(self):
        for attachment in self.client.get(self.path)["attachments"]:
            self.client.change("DELETE", f"{self.path}/{attachment['id']}?force=true")
        for snapshot in self.client.get("/v1/snapshots")["snapshots"]:
            self.client.delete_snapshot(snapshot["id"])
        self.client.delete_volume(self.volume)
        self.stack.assert_consistent()

    def begin(self, method: str, path: str, body=None) -> str:
        status, answer = self.client.api(method, path, body)
        self.assertEqual(status, 202, answer)
        return answer["operation"]["id"]

    def begin_attach(self) -> str:
        return self.begin("POST", self.path, {"vm": VM})

    def begin_detach(self) -> str:
        attachment = self.client.get(self.path)["attachments"][0]
        return self.begin("DELETE", f"{self.path}/{attachment['id']}")

    def succeed(self, operation: str) -> None:
        ended = self.client.wait_operation(operation, 60)
        self.assertEqual(ended["state"], "succeeded", ended)

    def expect_others_go_on(self) -> None:
        """Also work on the volume server, which has nothing to do with it."""
        for path in ("/healthz/live", "/healthz/ready", "/v1/volumes", "/v1/nodes"):
            began = time.monotonic()
            self.client.get(path)
            self.assertLess(time.monotonic() - began, QUICK, path)
        other = self.client.create_volume(size_bytes=MIB)["id"]
        self.client.delete_volume(other)

    def wait_down(self) -> None:
        def state() -> str:
            return next(node["state"] for node in self.client.get("/v1/nodes")["nodes"]
                        if node["name"] == NODE)
        self.stack.wait_for(lambda: state() != "up", 20, "the node still seems up")


class RecoveryTest(Link):
    """The node comes to its senses before the deadline."""

    def test_nonsense_for_a_while(self):
        for action in (proxies.not_http, proxies.broken_json, proxies.of_another_resource,
                       proxies.half_answer, proxies.lose_answer):
            with self.subTest(action.__name__):
                with self.volume_proxy.rule(action, "PUT", "/v1/exports", times=1) as export, \
                        self.proxy.rule(action, "PUT", "/v1/sessions", times=1) as log_in, \
                        self.proxy.rule(action, "PUT", "/v1/devices", times=1) as plug:
                    self.succeed(self.begin_attach())
                with self.proxy.rule(action, "PUT", "/v1/freezes", times=1) as freeze, \
                        self.proxy.rule(action, "DELETE", "/v1/freezes", times=1) as thaw:
                    self.succeed(self.begin("POST", "/v1/snapshots", {"volume_id": self.volume}))
                with self.proxy.rule(action, "DELETE", "/v1/devices", times=1) as unplug, \
                        self.proxy.rule(action, "DELETE", "/v1/sessions", times=1) as log_out, \
                        self.volume_proxy.rule(action, "DELETE", "/v1/exports", times=1) as hide:
                    self.succeed(self.begin_detach())
                hits = [rule.hits for rule in
                        (export, log_in, plug, freeze, thaw, unplug, log_out, hide)]
                self.assertEqual(hits, [1] * len(hits))
                self.stack.assert_consistent()

    def test_detach_answered_with_nonsense_is_not_done(self):
        """Only the hypervisor's own word proves that the guest has let go."""
        self.succeed(self.begin_attach())
        with self.proxy.rule(proxies.web_page, "DELETE", "/v1/devices") as rule:
            detach = self.begin_detach()
            self.stack.wait_for(lambda: rule.hits > 0, 10, "nobody asked the node")
            time.sleep(1)
            waiting = self.client.get(f"/v1/operations/{detach}")
            self.assertIsNone(waiting["ended_at"], waiting)
            self.assertIn(NODE, waiting["waiting"]["for"])
            self.assertEqual(len(self.stack.targets()[0].rules), 1, "the VM was shut out")
        self.succeed(detach)

    def test_answers_after_the_call_is_given_up(self):
        self.succeed(self.begin_attach())
        with self.proxy.rule(proxies.late_answer(12.0), "DELETE", "/v1/sessions", 1) as rule:
            detach = self.begin_detach()
            self.expect_others_go_on()
            self.succeed(detach)
            self.stack.wait_for(lambda: rule.done == 1, 20, "still under way")

    def test_port_closed(self):
        self.succeed(self.begin_attach())
        self.proxy.refuse()
        try:
            detach = self.begin_detach()
            self.wait_down()
            self.expect_others_go_on()
            other = self.client.create_volume(size_bytes=MIB)["id"]
            path = f"/v1/volumes/{other}/attachments"
            status, problem = self.client.api("POST", path, {"vm": VM})
            self.assertEqual((status, problem["code"]), (503, "node-unavailable"), problem)
            self.assertEqual(problem["node"], NODE)
            self.client.delete_volume(other)
        finally:
            self.proxy.accept()
        self.succeed(detach)

    def test_daemon_stopped_for_a_while(self):
        daemon = self.stack.daemons["vbs-vmmd"]
        with self.proxy.rule(proxies.late_request(1.0), "PUT", "/v1/devices", 1) as rule:
            attach = self.begin_attach()
            self.stack.wait_for(lambda: rule.hits == 1, 10, "the device was not asked for")
            daemon.send(signal.SIGSTOP)
        try:
            self.expect_others_go_on()
            time.sleep(2)
            self.assertIsNone(self.client.get(f"/v1/operations/{attach}")["ended_at"])
        finally:
            daemon.send(signal.SIGCONT)
        self.succeed(attach)

    def test_daemon_killed(self):
        self.succeed(self.begin_attach())
        self.stack.kill9("vbs-vmmd")
        detach = self.begin_detach()
        self.wait_down()
        self.expect_others_go_on()
        self.stack.start("vbs-vmmd")
        self.succeed(detach)


class DeadlineTest(Link):
    """The node does not, and what was begun is undone."""
    DEADLINES = {"attach": "3s"}

    def expect_undone(self, operation: str, node: str = NODE) -> None:
        ended = self.client.wait_operation(operation, 60)
        self.assertEqual(ended["state"], "failed", ended)
        self.assertIn(node, ended["error"]["message"])
        self.assertEqual(ended["error"].get("node"), node, ended["error"])
        self.assertEqual(self.client.get(self.path)["attachments"], [])

    def test_nonsense_until_the_deadline(self):
        for action, path in ((proxies.broken_json, "/v1/sessions"),
                             (proxies.of_another_resource, "/v1/devices"),
                             (proxies.lose_answer, "/v1/devices")):
            with self.subTest(action.__name__):
                with self.proxy.rule(action, "PUT", path):
                    attach = self.begin_attach()
                    self.expect_others_go_on()
                    self.expect_undone(attach)
                self.stack.assert_consistent()

    def test_export_nobody_hears_of(self):
        with self.volume_proxy.rule(proxies.lose_answer, "PUT", "/v1/exports"):
            self.expect_undone(self.begin_attach(), "vs1")
        self.assertEqual(self.stack.targets(), [])
        self.stack.assert_consistent()

    def test_plugs_after_it_was_told_to_undo(self):
        with self.proxy.rule(proxies.overtaken(6.0), "PUT", "/v1/devices") as rule:
            self.expect_undone(self.begin_attach())
            self.assertLess(rule.done, rule.hits, "nothing was overtaken")
            self.stack.wait_for(lambda: rule.done == rule.hits, 20, "requests are still under way")
        self.stack.assert_consistent()


if __name__ == "__main__":
    unittest.main()
