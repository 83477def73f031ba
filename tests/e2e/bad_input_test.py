"""What the service says to wrong requests: the status, the code of the problem, and the name of the
field or node at fault; and that nothing was made of them."""
import os
import signal
import unittest

from stack import MIB, Stack

UNKNOWN = "0190b1a2-0000-7000-8000-000000000000"


class Requests(unittest.TestCase):
    """Shared: a stack, and a wrong request that must be refused in so many words."""

    def refused(self, method: str, path: str, body, status: int, code: str, field: str | None = None,
                says: str = "") -> dict:
        got, problem = self.stack.client.api(method, path, body)
        self.assertEqual((got, problem.get("code")), (status, code), problem)
        self.assertEqual(problem.get("field"), field, problem)
        self.assertEqual(problem["status"], status)
        self.assertIn(says, problem["detail"])
        return problem


class BadRequestTest(Requests):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack())

    def tearDown(self):
        self.assertEqual(self.stack.client.get("/v1/volumes")["volumes"], [])
        self.stack.assert_consistent()

    def refuse_volume(self, body, field: str | None, code: str = "invalid-field"):
        return self.refused("POST", "/v1/volumes", body, 400, code, field)

    def test_sizes(self):
        for size in (0, -1, 1 << 63, 1 << 64, MIB + 1, 17 << 40, 1.5, "32M", None, True, [32]):
            with self.subTest(size=size):
                self.refuse_volume({"size_bytes": size}, "size_bytes")
        self.refuse_volume({"name": "x"}, "size_bytes")

    def test_sizes_on_the_command_line(self):
        for size in ("32X", "0", "-1", "9223372036854775808", "9999999999999T", "", "M", "1.5"):
            with self.subTest(size=size):
                done = self.stack.client.vbs("create-volume", "--size=" + size)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("size", done.stderr)

    def test_names(self):
        for name in ("a/b", "..", ".", "a\nb", "n" * 300, "", " a", "a\u0000b", UNKNOWN, 7):
            with self.subTest(name=name):
                self.refuse_volume({"size_bytes": MIB, "name": name}, "name")

    def test_name_that_is_no_utf8(self):
        body = b'{"size_bytes":1048576,"name":"a\xff"}'
        self.refuse_volume(body, None, "invalid-request")

    def test_good_utf8_names_are_kept(self):
        client = self.stack.client
        for name in ("Größe", "データ", "a b", "💾"):
            volume = client.create_volume(size_bytes=MIB, name=name)
            self.assertEqual(volume["name"], name)
            taken = self.refused("POST", "/v1/volumes", {"size_bytes": MIB, "name": name}, 409,
                                 "already-exists", "name")
            self.assertNotIn("operation", taken)
            client.delete_volume(volume["id"])

    def test_unknown_fields_and_wrong_types(self):
        self.refuse_volume({"size_bytes": MIB, "colour": "red"}, "colour")
        self.refuse_volume({"size_bytes": MIB, "tags": ["a"]}, "tags")
        self.refuse_volume({"size_bytes": MIB, "tags": {"a": 1}}, "tags.a")
        self.refuse_volume({"source": {"type": "tape", "id": UNKNOWN}}, "source.type")
        self.refuse_volume({"source": {"type": "snapshot", "id": "x"}}, "source.id")
        self.refuse_volume({"source": {"type": "snapshot"}}, "source.id")
        self.refuse_volume({"source": {"type": "snapshot", "id": UNKNOWN, "x": 1}}, "source.x")
        self.refused("POST", "/v1/snapshots", {"volume_id": 5}, 400, "invalid-field", "volume_id")
        self.refused("POST", f"/v1/volumes/{UNKNOWN}/attachments", {"vm": "a", "read_only": "no"},
                     400, "invalid-field", "read_only")

    def test_bodies_that_are_no_object(self):
        deep = b"[" * 100_000
        for body in (b"", b"{", b"[]", b"7", b'{"size_bytes":1048576}x', deep,
                     b'{"size_bytes":1048576,"size_bytes":2097152}'):
            with self.subTest(body=body[:40]):
                got, problem = self.stack.client.api("POST", "/v1/volumes", body)
                self.assertEqual(got, 400, problem)
                self.assertIn(problem["code"], ("invalid-request", "invalid-field"))

    def test_unknown_ids_and_paths(self):
        for method, path, body in (
                ("GET", "/v1/volumes/{}", None), ("DELETE", "/v1/volumes/{}", None),
                ("GET", "/v1/snapshots/{}", None), ("DELETE", "/v1/snapshots/{}", None),
                ("GET", "/v1/operations/{}", None), ("POST", "/v1/operations/{}/cancel", None),
                ("GET", "/v1/volumes/{}/attachments", None),
                ("DELETE", "/v1/volumes/{0}/attachments/{0}", None),
                ("POST", "/v1/snapshots", {"volume_id": UNKNOWN})):
            with self.subTest(path=path):
                got, problem = self.stack.client.api(method, path.format(UNKNOWN), body)
                self.assertEqual((got, problem["code"]), (404, "not-found"), problem)
        self.refused("GET", "/v1/volumes/nonsense", None, 400, "invalid-field", "id")
        self.refused("GET", "/v1/nothing", None, 404, "not-found")
        self.refused("PATCH", "/v1/volumes", {}, 405, "method-not-allowed")

    def test_queries(self):
        for query, field in (("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"),
                             ("marker=x", "marker"), ("state=blue", "state"), ("tag=x", "tag")):
            with self.subTest(query=query):
                self.refused("GET", f"/v1/volumes?{query}", None, 400, "invalid-field", field)
        got, problem = self.stack.client.api("GET", "/v1/volumes?colour=red")
        self.assertEqual(got, 400)
        self.assertIn("colour", problem["detail"] + problem.get("field", ""))

    def test_tokens(self):
        api = self.stack.client.api
        for header in ("Bearer nonsense", "Basic eDp5", "Bearer ", ""):
            got, problem = api("GET", "/v1/volumes", headers={"Authorization": header})
            self.assertEqual((got, problem["code"]), (401, "unauthenticated"), header)
        reader = {"Authorization": "Bearer " + self.stack.tokens["reader"]}
        got, problem = api("POST", "/v1/volumes", {"size_bytes": MIB}, reader)
        self.assertEqual((got, problem["code"]), (403, "forbidden"), problem)
        self.assertEqual(api("GET", "/v1/volumes", headers=reader)[0], 200)

    def test_more_than_there_is(self):
        problem = self.refused("POST", "/v1/volumes", {"size_bytes": 16 << 40}, 507,
                               "insufficient-space")
        self.assertEqual(problem["node"], "vs1")
        self.refused("POST", "/v1/volumes", {"size_bytes": MIB, "volume_server": "vs9"}, 400,
                     "invalid-field", "volume_server")

    def test_idempotency_keys(self):
        api = self.stack.client.api
        for key in ("", "k" * 129, "a b"):
            got, problem = api("POST", "/v1/volumes", {"size_bytes": MIB}, {"Idempotency-Key": key})
            self.assertEqual(got, 400, problem)
        key = {"Idempotency-Key": "once"}
        first = api("POST", "/v1/volumes", {"size_bytes": MIB}, key)[1]
        self.stack.client.wait_operation(first["operation"]["id"])
        again = api("POST", "/v1/volumes", {"size_bytes": MIB}, key)[1]
        self.assertEqual(again["operation"]["id"], first["operation"]["id"])
        got, problem = api("POST", "/v1/volumes", {"size_bytes": 2 * MIB}, key)
        self.assertEqual((got, problem["code"]), (409, "idempotency-mismatch"))
        self.stack.client.delete_volume(first["volume"]["id"])


class BadAttachmentTest(Requests):
    @classmethod
    def setUpClass(cls):
        cls.stack = cls.enterClassContext(Stack({"vbsd": {"deadlines": {"attach": "8s"}}}))
        cls.stack.boot("vm1", "vm2")

    def setUp(self):
        self.volume = self.stack.client.create_volume(size_bytes=4 * MIB)["id"]
        self.path = f"/v1/volumes/{self.volume}/attachments"

    def tearDown(self):
        self.stack.client.delete_volume(self.volume)
        self.stack.assert_consistent()

    def test_wrong_devices_and_vms(self):
        for device in ("/dev/sda", "sdb1", "/dev/../sdb", "b", "", "/dev/sd", 5):
            with self.subTest(device=device):
                self.refused("POST", self.path, {"vm": "vm1", "device": device}, 400,
                             "invalid-field", "device")
        for vm in ("../vm1", "a/b", "", "v" * 64, 1):
            with self.subTest(vm=vm):
                self.refused("POST", self.path, {"vm": vm}, 400, "invalid-field", "vm")
        self.refused("POST", self.path, {"vm": "nobody"}, 404, "not-found", "vm", "nobody")
        self.refused("POST", self.path, {"vm": "vm1", "node": "hv9"}, 404, "not-found", "node")
        self.refused("POST", self.path, {}, 400, "invalid-field", "vm")

    def test_device_and_volume_that_are_taken(self):
        client = self.stack.client
        client.attach(self.volume, "vm1", device="/dev/sdb")
        self.refused("POST", self.path, {"vm": "vm1", "device": "/dev/sdc"}, 409, "conflict",
                     says="vm1")
        self.refused("DELETE", f"/v1/volumes/{self.volume}", None, 409, "conflict", says="vm1")
        other = client.create_volume(size_bytes=4 * MIB)["id"]
        self.refused("POST", f"/v1/volumes/{other}/attachments", {"vm": "vm1", "device": "/dev/sdb"},
                     409, "already-exists", "device", "/dev/sdb")
        client.delete_volume(other)
        client.detach(self.volume)
        self.refused("DELETE", f"{self.path}/{UNKNOWN}", None, 404, "not-found")

    def test_vm_that_is_off(self):
        self.stack.cut_power("vm2")
        self.refused("POST", self.path, {"vm": "vm2"}, 409, "conflict", "vm", "off")

    def test_vm_that_goes_in_mid_attach(self):
        stack = self.stack
        stack.boot("vm3")
        stack.restart("vbs-vmmd", env={"VBS_FAULT": "vmmd.attach.before-device=stop"})
        stack.wait_ready()
        operation = stack.client.api("POST", self.path, {"vm": "vm3"})[1]["operation"]["id"]
        vmmd = stack.daemons["vbs-vmmd"]
        stack.wait_for(vmmd.is_stopped, 30, "vbs-vmmd does not come to the fault point")
        os.kill(stack.vm_pid("vm3"), signal.SIGKILL)
        vmmd.send(signal.SIGCONT)
        ended = stack.client.wait_operation(operation)
        self.assertEqual(ended["state"], "failed", ended)
        self.assertIn("vm3", ended["error"]["message"])
        self.assertEqual(ended["error"]["node"], "hv1")
        stack.restart("vbs-vmmd")
        stack.wait_ready()


if __name__ == "__main__":
    unittest.main()
