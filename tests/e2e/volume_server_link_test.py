"""The line between the front and a volume server that is down, slow, cut, or answers nonsense: what
was asked for is carried out in the end or undone without a trace, the error names the node, and
everything else goes on meanwhile."""
import signal
import time
import unittest

import hostile_proxy as proxies
from hostile_proxy import HostileProxy
from stack import MIB, Stack, free_ports

NODE = "vs1"
CALL_LIMIT = 10.0  # seconds that the front gives a call
QUICK = 3.0  # seconds; with sanitizers, beside other tests
NONSENSE = (proxies.not_http, proxies.broken_json, proxies.web_page, proxies.bad_gateway,
            proxies.of_another_resource, proxies.half_answer)


class Link(unittest.TestCase):
    """Shared: a stack with a proxy before its volume server, and one volume."""
    DEADLINES: dict[str, str] = {}

    @classmethod
    def setUpClass(cls):
        cls.proxy = cls.enterClassContext(HostileProxy(free_ports(1)[0]))
        cls.stack = cls.enterClassContext(cls.make_stack(cls.proxy))
        cls.client = cls.stack.client

    @classmethod
    def make_stack(cls, proxy: HostileProxy) -> Stack:
        stack = Stack({"vbsd": {"deadlines": cls.DEADLINES,
                                "volume_server": [{"name": NODE, "url": proxy.url}]}})
        proxy.upstream = stack.ports["vbs-volumed"]
        return stack

    def setUp(self):
        self.stack.wait_ready()
        self.volume = self.client.create_volume(size_bytes=4 * MIB)["id"]

    def tearDown(self):
        self.client.delete_everything()
        self.stack.assert_consistent()

    def begin(self, method: str, path: str, body=None) -> str:
        """The operation's id; the answer must come whatever the node does."""
        began = time.monotonic()
        status, answer = self.client.api(method, path, body)
        self.assertEqual(status, 202, answer)
        self.assertLess(time.monotonic() - began, QUICK)
        return answer["operation"]["id"]

    def begin_each(self) -> dict[str, str]:
        """One operation of each kind that a volume server takes part in, begun at once."""
        doomed = self.client.create_volume(size_bytes=MIB)["id"]
        copied = self.client.create_volume(size_bytes=MIB)["id"]
        source = {"type": "volume", "id": copied}
        return {"create": self.begin("POST", "/v1/volumes", {"size_bytes": MIB}),
                "clone": self.begin("POST", "/v1/volumes", {"source": source}),
                "snapshot": self.begin("POST", "/v1/snapshots", {"volume_id": self.volume}),
                "delete": self.begin("DELETE", f"/v1/volumes/{doomed}")}

    def expect_success(self, operations: dict[str, str]) -> None:
        for kind, operation in operations.items():
            ended = self.client.wait_operation(operation, 60)
            self.assertEqual(ended["state"], "succeeded", f"{kind}: {ended}")

    def expect_others_go_on(self) -> None:
        for path in ("/healthz/live", "/healthz/ready", "/v1/volumes", "/v1/vms", "/v1/nodes"):
            began = time.monotonic()
            self.client.get(path)
            self.assertLess(time.monotonic() - began, QUICK, path)

    def node(self) -> dict:
        nodes = {node["name"]: node for node in self.client.get("/v1/nodes")["nodes"]}
        self.assertEqual(nodes["hv1"]["state"], "up")
        return nodes[NODE]

    def wait_down(self) -> None:
        self.stack.wait_for(lambda: self.node()["state"] != "up", 20, "the node still seems up")
        self.assertTrue(self.node()["problem"])

    def expect_refused_while_down(self) -> None:
        status, problem = self.client.api("POST", "/v1/volumes", {"size_bytes": MIB})
        self.assertEqual((status, problem["code"]), (503, "node-unavailable"), problem)
        self.assertIn(NODE, problem["detail"])


class RecoveryTest(Link):
    """The node comes to its senses before the deadline."""

    def test_nonsense_for_a_while(self):
        for action in NONSENSE:
            with self.subTest(action.__name__):
                with self.proxy.rule(action, "PUT", times=3) as puts, \
                        self.proxy.rule(action, "DELETE", "/v1/volumes", times=1) as deletes:
                    operations = self.begin_each()
                    self.expect_others_go_on()
                    self.expect_success(operations)
                self.assertEqual((puts.hits, deletes.hits), (3, 1))
                self.stack.assert_consistent()

    def test_delete_answered_with_nonsense_is_not_done(self):
        """A word that nobody asked for is no proof that the bytes are gone."""
        with self.proxy.rule(proxies.web_page, "DELETE", "/v1/volumes"):
            operation = self.begin("DELETE", f"/v1/volumes/{self.volume}")
            time.sleep(1)
            ended = self.client.get(f"/v1/operations/{operation}")
            self.assertIsNone(ended["ended_at"], "nothing was deleted")
            self.assertIn(NODE, ended["waiting"]["for"])
        self.expect_success({"delete": operation})

    def test_nonsense_about_itself(self):
        """What a node says it holds is no reason to touch anything, when it is another's."""
        with self.proxy.rule(proxies.of_another_resource, "GET", "/v1/inventory") as rule:
            seen = rule.hits + 4
            self.stack.wait_for(lambda: rule.hits >= seen, 30, "nobody asks the node")
            findings = self.client.get("/v1/audit")["findings"]
            self.assertIn(self.volume, [finding["resource"] for finding in findings])
            self.assertEqual({finding["action"] for finding in findings}, {"none"}, findings)
        with self.proxy.rule(proxies.web_page, "GET"):
            self.wait_down()
            self.expect_refused_while_down()
            self.expect_others_go_on()
        self.stack.wait_ready()
        self.stack.wait_for(lambda: not self.client.get("/v1/audit")["findings"], 20,
                            "findings stay")
        operations = self.client.get("/v1/operations?kind=remove-leftover")["operations"]
        self.assertEqual(operations, [])
        self.client.create_snapshot(self.volume)

    def test_cut_after_the_act(self):
        with self.proxy.rule(proxies.lose_answer, "PUT", times=4) as puts, \
                self.proxy.rule(proxies.lose_answer, "DELETE", times=2) as deletes:
            self.expect_success(self.begin_each())
        self.assertEqual((puts.hits, deletes.hits), (4, 2))

    def test_port_closed(self):
        doomed = self.client.create_volume(size_bytes=MIB)["id"]
        self.proxy.refuse()
        try:
            self.wait_down()
            self.expect_refused_while_down()
            snapshot = self.begin("POST", "/v1/snapshots", {"volume_id": self.volume})
            delete = self.begin("DELETE", f"/v1/volumes/{doomed}")
            self.expect_others_go_on()
            time.sleep(1)
            waiting = self.client.get(f"/v1/operations/{delete}")
            self.assertIn(NODE, waiting["waiting"]["for"])
        finally:
            self.proxy.accept()
        self.expect_success({"snapshot": snapshot, "delete": delete})

    def test_daemon_stopped_for_a_while(self):
        doomed = self.client.create_volume(size_bytes=MIB)["id"]
        daemon = self.stack.daemons["vbs-volumed"]
        daemon.send(signal.SIGSTOP)
        try:
            delete = self.begin("DELETE", f"/v1/volumes/{doomed}")
            self.expect_others_go_on()
            self.wait_down()
            self.expect_refused_while_down()
        finally:
            daemon.send(signal.SIGCONT)
        self.expect_success({"delete": delete})

    def test_daemon_killed(self):
        doomed = self.client.create_volume(size_bytes=MIB)["id"]
        self.stack.kill9("vbs-volumed")
        delete = self.begin("DELETE", f"/v1/volumes/{doomed}")
        snapshot = self.begin("POST", "/v1/snapshots", {"volume_id": self.volume})
        self.expect_others_go_on()
        self.wait_down()
        self.expect_refused_while_down()
        self.stack.start("vbs-volumed")
        self.expect_success({"delete": delete, "snapshot": snapshot})


class DeadlineTest(Link):
    """The node does not, and what was begun is undone."""
    DEADLINES = {"create": "3s", "copy": "3s"}

    def expect_undone(self, *operations: str) -> None:
        for ended in [self.client.wait_operation(operation, 60) for operation in operations]:
            self.assertEqual(ended["state"], "failed", ended)
            self.assertEqual(ended["error"]["code"], "timeout", ended)
            self.assertIn(NODE, ended["error"]["message"])
            self.assertEqual(ended["error"].get("node"), NODE, ended["error"])

    def test_nonsense_until_the_deadline(self):
        for action in (proxies.broken_json, proxies.of_another_resource):
            with self.subTest(action.__name__):
                with self.proxy.rule(action, "PUT"):
                    create = self.begin("POST", "/v1/volumes", {"size_bytes": MIB})
                    snapshot = self.begin("POST", "/v1/snapshots", {"volume_id": self.volume})
                    self.expect_undone(create, snapshot)
                self.stack.assert_consistent()
        self.assertEqual(len(self.client.get("/v1/volumes")["volumes"]), 1)
        self.assertEqual(self.client.get("/v1/snapshots")["snapshots"], [])

    def test_cut_after_the_act(self):
        with self.proxy.rule(proxies.lose_answer, "PUT"):
            self.expect_undone(self.begin("POST", "/v1/volumes", {"size_bytes": MIB}))
        self.stack.assert_consistent()

    def test_acts_after_it_was_told_to_undo(self):
        """The order to make comes after the order to remove: it must do nothing any more."""
        with self.proxy.rule(proxies.overtaken(5.0), "PUT") as rule:
            create = self.begin("POST", "/v1/volumes", {"size_bytes": MIB})
            snapshot = self.begin("POST", "/v1/snapshots", {"volume_id": self.volume})
            self.expect_undone(create, snapshot)
            self.assertLess(rule.done, rule.hits, "nothing was overtaken")
            self.stack.wait_for(lambda: rule.done == rule.hits, 20, "requests are still under way")
        self.stack.assert_consistent()

    def test_answers_after_the_deadline(self):
        seconds = CALL_LIMIT + 2
        with self.proxy.rule(proxies.late_answer(seconds), "PUT", "/v1/volumes", 1) as made, \
                self.proxy.rule(proxies.late_request(seconds), "PUT", "/v1/snapshots", 1) as late:
            create = self.begin("POST", "/v1/volumes", {"size_bytes": MIB})
            snapshot = self.begin("POST", "/v1/snapshots", {"volume_id": self.volume})
            self.expect_others_go_on()
            self.expect_undone(create, snapshot)
            self.stack.wait_for(lambda: made.done == late.done == 1, 20, "still under way")
        self.stack.assert_consistent()


if __name__ == "__main__":
    unittest.main()
