#!/usr/bin/python3
"""The verbs of vbs against a fake front: what they send, what they show, how things are named."""
import json
import subprocess
import unittest

from cli_case import FIRST, LIMIT, SECOND, VBS, CliTest, Problem


class Verbs(CliTest):
    def test_create_volume_sends_what_was_said_and_shows_the_volume(self):
        out = self.vbs("create-volume", "--size", "10G", "--name", "db", "--tag", "a=1", "--tag",
                       "b=x=y", "--volume-server", "vs2")
        self.assertEqual(self.changes()[0]["body"],
                         {"size_bytes": 10 << 30, "name": "db", "tags": {"a": "1", "b": "x=y"},
                          "volume_server": "vs2"})
        volume = next(iter(self.front.volumes.values()))
        self.assertRegex(out, rf"(?m)^id: +{volume['id']}$")
        self.assertRegex(out, r"(?m)^size: +10G \(10737418240 bytes\)$")

    def test_create_volume_from_a_source(self):
        volume = self.front.add_volume("db")
        snapshot = self.front.add_snapshot(volume, "monday")
        self.vbs("create-volume", "--from-snapshot", "monday")
        self.vbs("create-volume", "--from-volume", "db", "--size", "64M")
        self.assertEqual([r["body"] for r in self.changes()],
                         [{"source": {"type": "snapshot", "id": snapshot["id"]}},
                          {"size_bytes": 64 << 20,
                           "source": {"type": "volume", "id": volume["id"]}}])

    def test_create_volume_from_an_image(self):
        self.front.images = [{"id": FIRST, "name": "debian-12", "size_bytes": 3 << 30,
                              "volume_servers": ["vs1", "vs2"]},
                             {"id": SECOND, "name": None, "size_bytes": 1, "volume_servers": ["vs1"]}]
        out = self.vbs("describe-images")
        self.assertRegex(out, rf"(?m)^{FIRST} +debian-12 +3G +vs1, vs2$")
        self.assertEqual(self.vbs("describe-images", "-q").split(), [FIRST, SECOND])
        self.vbs("create-volume", "--image", "debian-12", "--name", "root")
        self.vbs("create-volume", "--image", FIRST, "--size", "8G")
        self.assertEqual([r["body"] for r in self.changes()],
                         [{"name": "root", "image": "debian-12"},
                          {"size_bytes": 8 << 30, "image": FIRST}])
        self.vbs("create-volume", "--image", "debian-12", "--from-volume", "db", code=2)
        self.assertIn("exclude each other", self.err)
        self.vbs("create-volume", "--image", "", code=2)
        self.assertEqual(len(self.changes()), 2)

    def test_modify_volume_takes_a_size_or_how_much_more(self):
        volume = self.front.add_volume("db", size=1 << 30)
        path = f"/v1/volumes/{volume['id']}"
        out = self.vbs("modify-volume", "db", "--size", "2G")
        self.assertRegex(out, r"(?m)^size: +2G \(2147483648 bytes\)$")
        self.vbs("modify-volume", "db", "--size", "+512M")
        self.assertEqual([(r["method"], r["path"], r["body"]) for r in self.changes()],
                         [("PATCH", path, {"size_bytes": 2 << 30}),
                          ("PATCH", path, {"size_bytes": (2 << 30) + (512 << 20)})])
        self.vbs("modify-volume", "db", "--size", "1G", code=2)
        self.assertIn("volumes do not shrink\n  field: size_bytes", self.err)

    def test_modify_volume_sends_nothing_that_is_no_size(self):
        self.front.add_volume("db")
        for size in ("", "+", "++1G", "-1G", "1X", "+1X", "18446744073709551615T"):
            self.vbs("modify-volume", "db", f"--size={size}", code=2)
        self.vbs("modify-volume", "db", code=2)
        self.vbs("modify-volume", "--size", "1G", code=2)
        self.vbs("modify-volume", "db", "--size", "+15999999T", code=2)
        self.assertEqual(self.changes(), [])

    def test_create_volume_needs_a_size_or_one_source(self):
        self.vbs("create-volume", code=2)
        self.assertIn("--size is required", self.err)
        self.vbs("create-volume", "--from-volume", "a", "--from-snapshot", "b", code=2)
        self.vbs("create-volume", "--size", "1G", "--tag", "a=1", "--tag", "a=2", code=2)
        self.assertEqual(self.changes(), [])

    def test_snapshots(self):
        volume = self.front.add_volume("db")
        self.vbs("create-snapshot", "db", "--name", "monday", "--tag", "k=v")
        self.assertEqual(self.changes()[0]["body"],
                         {"volume_id": volume["id"], "name": "monday", "tags": {"k": "v"}})
        self.assertIn("monday", self.vbs("describe-snapshots", "--volume", "db"))
        self.assertIn(("volume", volume["id"]), self.front.requests[-1]["query"])
        self.assertIn("consistency:", self.vbs("describe-snapshot", "monday"))
        self.assertIn("is deleted", self.vbs("delete-snapshot", "monday"))

    def test_attach_and_detach(self):
        volume = self.front.add_volume("db")
        path = f"/v1/volumes/{volume['id']}/attachments"
        out = self.vbs("attach-volume", "db", "--vm", "web1", "--node", "h1", "--device",
                       "/dev/sdc", "--read-only")
        self.assertEqual(self.changes()[0]["path"], path)
        self.assertEqual(self.changes()[0]["body"],
                         {"vm": "web1", "node": "h1", "device": "/dev/sdc", "read_only": True})
        attachment = volume["attachments"][0]["id"]
        self.assertIn(attachment, out)
        self.assertIn("detached from web1 on h1", self.vbs("detach-volume", "db", "--force"))
        self.assertEqual(self.changes()[1]["path"], f"{path}/{attachment}")
        self.assertEqual(self.changes()[1]["query"], [("force", "true")])

    def test_detach_wants_to_know_which(self):
        volume = self.front.add_volume("db")
        self.vbs("detach-volume", "db", code=4)
        self.assertIn("not attached to any VM", self.err)
        self.front.add_attachment(volume, "web1", read_only=True)
        second = self.front.add_attachment(volume, "web2", read_only=True)
        self.vbs("detach-volume", "db", code=2)
        self.assertIn("web1 on vmm1 (/dev/sdb), web2", self.err)
        self.vbs("detach-volume", "db", "--vm", "web3", code=4)
        self.assertEqual(self.changes(), [])
        self.vbs("detach-volume", "db", "--vm", "web2")
        self.assertTrue(self.changes()[0]["path"].endswith(second["id"]))

    def test_operations(self):
        self.vbs("create-volume", "--size", "32M")
        operation = next(iter(self.front.operations))
        self.assertIn(operation, self.vbs("describe-operations", "--kind", "create-volume"))
        self.assertIn("reserve", self.vbs("describe-operation", operation))
        self.vbs("describe-operations", "--live")
        self.assertIn(("live", "true"), self.front.requests[-1]["query"])

    def test_the_audit_trail(self):
        self.front.audit_records = [
            {"sequence": number, "at": "2026-03-01T12:00:00.000Z", "principal": "max",
             "role": "member", "project": "web", "action": "detach-volume", "force": number == 2,
             "volume_id": FIRST, "snapshot_id": None, "attachment_id": SECOND, "vm": "web1",
             "node": "h1", "operation_id": SECOND, "request_id": "r1"}
            for number in range(1, 1202)]
        out = self.vbs("describe-audit-records", "--limit", "2")
        self.assertRegex(out, rf"(?m)^ +1 .* max +member +web +detach-volume +{FIRST} +web1 +h1 ")
        self.assertRegex(out, r"(?m)^ +2 .* detach-volume --force ")
        self.assertEqual(self.vbs("describe-audit-records", "-q").split(),
                         [str(number) for number in range(1, 1202)])
        self.assertEqual(self.vbs("describe-audit-records", "-q", "--after", "3").split(),
                         [str(number) for number in range(4, 1202)])
        self.assertEqual([dict(r["query"]).get("marker") for r in self.front.requests[-3:]],
                         ["3", "503", "1003"])
        self.assertEqual(self.vbs_json("describe-audit-records", "--after", "1200"),
                         {"audit_records": self.front.audit_records[1200:]})

    def test_the_service_itself(self):
        self.front.nodes = [{"name": "vs1", "role": "volume-server", "url": "http://127.0.0.1:1",
                             "state": "up", "problem": None, "driver": "file+tgt",
                             "version": "1", "last_seen_at": None}]
        self.front.vms = [{"name": "web1", "node": "h1", "state": "running", "agent": True,
                           "attachments": []}]
        self.assertIn("vs1", self.vbs("describe-nodes"))
        self.assertIn("web1", self.vbs("describe-vms"))
        self.assertIn("2 of 10", self.vbs("usage"))
        out = self.vbs("audit")
        self.assertIn("findings:             0", out)
        self.assertNotIn("KIND", out)
        self.assertRegex(self.vbs("version"), r"(?s)^vbs \d.*service 9\.9\.9 \(API v1\)")

    def test_what_the_audit_has_found(self):
        found = [{"kind": "foreign-export", "node": "vs1", "resource": FIRST,
                  "detail": "an export of another program", "since": "2026-03-01T11:58:00.000Z",
                  "action": "reported"},
                 {"kind": "missing-volume", "node": None, "resource": SECOND,
                  "detail": "the store has lost it", "since": "2026-03-01T11:59:00.000Z",
                  "action": "state error"}]
        self.front.findings = found
        out = self.vbs("audit")
        self.assertIn("findings:             2", out)
        self.assertRegex(out, rf"(?m)^foreign-export +vs1 +{FIRST} +2026-03-01T11:58:00.000Z +reported "
                              r"+an export of another program$")
        self.assertRegex(out, rf"(?m)^missing-volume +- +{SECOND} +2026-03-01T11:59:00.000Z +state error "
                              r"+the store has lost it$")
        self.assertEqual(self.vbs_json("audit")["findings"], found)


class Output(CliTest):
    def test_a_list_is_read_to_its_end(self):
        for number in range(1201):
            self.front.add_volume(f"v{number}")
        out = self.vbs("describe-volumes", "--quiet")
        self.assertEqual(out.split(), list(self.front.volumes))
        self.assertEqual(len(self.front.requests), 3)
        self.assertEqual(len(self.vbs("describe-volumes", "--quiet", "--limit", "7").split()), 7)

    def test_json_is_one_document_of_the_services_own(self):
        volume = self.front.add_volume("db", tags={"a": "1"})
        self.assertEqual(self.vbs_json("describe-volume", "db"), volume)
        self.assertEqual(self.vbs_json("describe-volumes"), {"volumes": [volume]})
        created = self.vbs_json("create-volume", "--size", "32M")
        self.assertEqual(created, self.front.volumes[created["id"]])
        self.assertEqual(self.vbs_json("delete-volume", "db")["kind"], "delete-volume")
        self.assertEqual(self.vbs_json("delete-volume", "db", "--no-wait")["state"], "running")

    def test_quiet_prints_ids_alone(self):
        out = self.vbs("create-volume", "--size", "32M", "-q")
        self.assertEqual(out.strip(), next(iter(self.front.volumes)))
        self.assertEqual(self.err, "")
        self.assertEqual(self.vbs("delete-volume", out.strip(), "-q"), "")

    def test_filters_are_passed_on(self):
        self.vbs("describe-volumes", "--name", "a b&c", "--state", "in-use", "--tag", "k=v=w",
                 "--node", "vs1", "--vm", "web1", "--project", "p")
        self.assertEqual(self.front.requests[-1]["query"][:-1],
                         [("name", "a b&c"), ("state", "in-use"), ("tag", "k=v=w"),
                          ("node", "vs1"), ("vm", "web1"), ("project", "p")])
        self.assertIn("PROJECT", self.vbs("describe-volumes", "--all-projects"))
        self.assertIn(("all_projects", "true"), self.front.requests[-1]["query"])

    def test_what_the_service_says_cannot_drive_the_terminal(self):
        hostile = "x\x1b]0;owned\x07\u009b2J\u202e"
        self.front.add_volume(hostile, state="error", reason=hostile)
        self.front.problems = [Problem(503, "overloaded", hostile)]
        self.vbs("describe-nodes", code=7)
        shown = self.err + self.vbs("describe-volumes")
        shown += self.vbs("describe-volume", next(iter(self.front.volumes)))
        as_json = self.vbs("describe-volumes", "--output", "json")
        for character in "\x1b\x07\u009b\u202e":
            self.assertNotIn(character, shown + as_json)
        self.assertIn("x\\x1b]0;owned\\x07\\x9b2J\\u202e", shown)
        self.assertEqual(json.loads(as_json)["volumes"][0]["name"], hostile)

    def test_a_full_disk_is_reported(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([VBS, "usage"], env=self.environment, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be written", done.stderr)


class Names(CliTest):
    def test_id_then_name_then_prefix(self):
        self.front.add_volume("019a1b2c", volume_id="119a1b2c-3d4e-7f60-8182-93a4b5c6d7e8")
        self.front.add_volume("db", volume_id=FIRST)
        self.assertIn("119a", self.vbs("describe-volume", "019a1b2c", "-q"))
        self.assertIn(FIRST, self.vbs("describe-volume", "019A1B2C3", "-q"))
        self.assertIn(FIRST, self.vbs("describe-volume", FIRST.upper(), "-q"))
        self.vbs("describe-volume", "019", code=3)

    def test_an_ambiguous_prefix_lists_the_candidates(self):
        self.front.add_volume("db", volume_id=FIRST)
        self.front.add_volume("web", volume_id=SECOND)
        self.vbs("delete-volume", "019a", code=2)
        self.assertIn(f"{FIRST} (db)", self.err)
        self.assertIn(f"{SECOND} (web)", self.err)
        self.assertEqual(self.changes(), [])

    def test_a_resource_of_operations_is_a_volume_or_a_snapshot(self):
        snapshot = self.front.add_snapshot(self.front.add_volume("db"), "monday")
        self.vbs("describe-operations", "--resource", "monday")
        self.assertIn(("resource", snapshot["id"]), self.front.requests[-1]["query"])
        self.vbs("describe-operations", "--resource", "tuesday", code=3)


if __name__ == "__main__":
    unittest.main()
