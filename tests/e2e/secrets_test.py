"""Secrets stay in their places: every workflow, ends that go wrong too, then a search of all that
the parts wrote, answered and showed of themselves meanwhile for every secret that lived."""
import fnmatch
import glob
import http.client
import json
import os
import signal
import sqlite3
import ssl
import subprocess
import unittest
import unittest.mock
import urllib.parse

from client import connect
from secret_hunt import ExportsWatch, Texts, misplaced, standing_secrets
from stack import BIN, DAEMONS, MIB, Stack

VM, LOST_VM = "vm1", "vm2"
# Kind of secret, place, and why it may stand there. One that is never met is one too many.
ALLOWED = [
    ("chap", "volumed/exports/*.json", "rebuilds exports while the front is away; mode 0600"),
    ("token of admin", "vbs.toml", "the configuration of a person, who keeps the token there"),
    ("service token", "service-token", "the file that names it to front and delegates; mode 0600"),
    ("database key", "db/*.key", "the key's own file, and the lost one; mode 0600"),
    ("key of *", "ca/*.key", "the keys' own files; mode 0600"),
    ("token of *", "answer about a wrong name", "tells whoever sent it as a name what is wrong"),
]


class SecretsTest(unittest.TestCase):
    def setUp(self):
        config = {name: {"log_level": "debug"} for name in DAEMONS}
        config["vbsd"]["deadlines"] = {"attach": "20s"}
        self.stack = Stack(config, tls=True)
        self.client = self.stack.client
        self.texts = Texts()
        self.misnaming = False
        self.record_answers()
        os.mkdir(self.stack.path("tmp"))
        self.enterContext(unittest.mock.patch.dict(os.environ, TMPDIR=self.stack.path("tmp")))
        self.enterContext(self.stack)
        self.stack.boot(VM, LOST_VM)
        self.watch = ExportsWatch(self.stack.path("volumed/exports"))
        self.watch.start()
        self.addCleanup(self.watch.stop)

    def record_answers(self) -> None:
        """Of the service, to whoever asks, and of the command line."""
        api, vbs = self.client.api, self.client.vbs

        def recorded_api(method, path, *arguments, **options):
            status, answer = api(method, path, *arguments, **options)
            place = "answer about a wrong name" if self.misnaming else f"answer to {method} {path}"
            self.texts.add(place, json.dumps(answer).encode())
            return status, answer

        def recorded_vbs(*arguments, **options):
            done = vbs(*arguments, **options)
            self.texts.add(f"vbs {' '.join(arguments)}", (done.stdout + done.stderr).encode())
            return done

        self.client.api, self.client.vbs = recorded_api, recorded_vbs

    # Workflows ---------------------------------------------------------------------------------

    def test_no_secret_leaves_its_place(self):
        for work in (self.live, self.lose_tgtd, self.lose_vm, self.kill_front, self.part_by_force,
                     self.ask_wrongly, self.ask_delegates, self.begin_again):
            work()
            self.look(work.__name__)
        self.client.delete_everything()
        self.stack.assert_consistent()
        for name in reversed(DAEMONS):
            self.stack.stop(name)
        self.watch.stop()
        self.look("end")
        self.search()

    def live(self) -> None:
        """create, attach, snapshot, copy, detach, grow, attach again."""
        client = self.client
        self.volume = client.create_volume(size_bytes=4 * MIB, name="data", tags={"a": "b"})["id"]
        client.attach(self.volume, VM)
        snapshot = client.create_snapshot(self.volume)["id"]
        client.create_volume(source={"type": "snapshot", "id": snapshot})
        self.look("attached")
        client.vbs("detach-volume", "data")
        client.create_volume(source={"type": "volume", "id": self.volume})
        client.change("PATCH", f"/v1/volumes/{self.volume}", {"size_bytes": 8 * MIB})
        client.vbs("attach-volume", "data", "--vm", VM)
        for verb in (("describe-volumes",), ("describe-volume", "data"), ("describe-operations",),
                     ("describe-vms",), ("audit",), ("describe-audit-records",), ("usage",)):
            client.vbs(*verb)
            client.vbs(*verb, "--output", "json")

    def lose_tgtd(self) -> None:
        killed = self.stack.kill_tgtd()
        self.stack.wait_for(lambda: self.stack.tgtd() not in (None, killed), 30, "no new tgtd")
        self.stack.assert_consistent()

    def lose_vm(self) -> None:
        """In mid-attach, so that the attachment is undone."""
        stack = self.stack
        stack.restart("vbs-vmmd", env={"VBS_FAULT": "vmmd.attach.before-device=stop"})
        stack.wait_ready()
        volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        answer = self.client.api("POST", f"/v1/volumes/{volume}/attachments", {"vm": LOST_VM})[1]
        vmmd = stack.daemons["vbs-vmmd"]
        stack.wait_for(vmmd.is_stopped, 30, "vbs-vmmd does not come to the fault point")
        self.look("while the VM shows a secret")
        os.kill(stack.vm_pid(LOST_VM), signal.SIGKILL)
        vmmd.send(signal.SIGCONT)
        self.assertEqual(self.client.wait_operation(answer["operation"]["id"])["state"], "failed")
        stack.restart("vbs-vmmd")
        stack.wait_ready()

    def kill_front(self) -> None:
        """In mid-attach, so that another one carries it to its end."""
        stack = self.stack
        stack.expect_death("vbsd")
        stack.restart("vbsd", env={"VBS_FAULT": "attach-volume.export.after-commit=kill"})
        stack.wait_ready()
        volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        answer = self.client.api("POST", f"/v1/volumes/{volume}/attachments", {"vm": VM})[1]
        stack.wait_for(lambda: not stack.daemons["vbsd"].is_running(), 30, "vbsd does not die")
        self.look("after a kill")
        stack.start("vbsd")
        stack.wait_ready()
        self.assertEqual(self.client.wait_operation(answer["operation"]["id"])["state"], "succeeded")
        self.client.detach(volume)

    def part_by_force(self) -> None:
        stack = self.stack
        stack.kill9("vbs-vmmd")
        self.client.detach(self.volume, force=True)
        self.look("buried")
        stack.start("vbs-vmmd")
        stack.wait_ready()
        stack.assert_consistent(90)

    def ask_wrongly(self) -> None:
        """Tokens where none belongs."""
        api, volumes = self.client.api, "/v1/volumes"
        for token in self.stack.tokens.values():
            bearer = f"Bearer {token}"
            for path in (f"{volumes}?token={token}", f"{volumes}/{token}",
                         f"/{token}", f"{volumes}?marker={token}", f"{volumes}?state={token}",
                         f"{volumes}?{urllib.parse.urlencode({'access_token': bearer})}"):
                api("GET", path)
                api("GET", path, headers={"Authorization": ""})
            for headers in ({"Authorization": token}, {"Authorization": f"Basic {token}"},
                            {"Authorization": f"{bearer}x"}, {"Authorization": f"{bearer} {token}"},
                            {token: "x"}, {"X-Auth-Token": token, "Authorization": ""},
                            {"Idempotency-Key": f"{token} {token}"}, {"Prefer": bearer},
                            {"Content-Type": token}, {"Expect": token}):
                api("POST", volumes, {"size_bytes": 1}, headers)
            for body in ({"size_bytes": token}, {"size_bytes": MIB, "name": f"/{token}"},
                         {"token": token}, token.encode(), b'{"size_bytes":' + token.encode(), [token]):
                api("POST", volumes, body)
            api(token, volumes)
            api("PATCH", f"{volumes}/{self.volume}", {"size_bytes": 1, "token": token})
            self.misnaming = True
            api("GET", f"{volumes}?{token}=1")
            api("POST", volumes, {"size_bytes": MIB, token: 1})
            api("POST", f"{volumes}/{self.volume}/attachments", {"vm": f"{token}/"})
            self.misnaming = False

    def ask_delegates(self) -> None:
        """Their own answers, with the service token in its place and elsewhere."""
        token = self.secret_files()["service token"][0].decode()
        context = self.stack.links.ca.context("vbsd")
        bearer = {"Authorization": f"Bearer {token}"}
        for program in ("vbs-volumed", "vbs-vmmd"):
            for path, headers in (("/v1/inventory", bearer), ("/metrics", bearer), ("/healthz", {}),
                                  (f"/v1/inventory?token={token}", {}), (f"/{token}", bearer),
                                  (f"/v1/exports/{token}", bearer), ("/v1/inventory", {token: "x"}),
                                  ("/v1/inventory", {"Authorization": f"Basic {token}"})):
                self.ask(program, context, path, headers)

    def ask(self, program: str, context: ssl.SSLContext, path: str, headers: dict) -> None:
        connection = connect(self.stack.links.host(program), self.stack.ports[program], context, 20)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            self.texts.add(f"answer of {program} to {path}", answer.read())
        except (http.client.HTTPException, ConnectionError):
            pass  # refused without an answer
        finally:
            connection.close()

    def begin_again(self) -> None:
        """Backups, a reload, a start of everything, and one without the key."""
        stack = self.stack
        self.client.attach(self.volume, VM)
        self.vbsd("backup", stack.path("backup.db"))
        self.vbsd("check-database")
        for daemon in stack.daemons.values():
            daemon.send(signal.SIGHUP)
        for name in DAEMONS:
            stack.restart(name)
        stack.wait_ready()
        stack.assert_consistent()
        self.lose_key()
        self.client.detach(self.volume)

    def lose_key(self) -> None:
        """As the operator guide has it."""
        stack = self.stack
        stack.stop("vbsd")
        os.rename(stack.database + ".key", stack.path("db/lost.key"))
        refused = self.vbsd()
        self.assertEqual(refused.returncode, 1)
        self.assertIn(stack.database + ".key", refused.stderr)
        database = sqlite3.connect(stack.database, timeout=10)
        database.execute("UPDATE attachments SET sealed_secret = ''")
        database.commit()
        database.close()
        stack.start("vbsd")
        stack.wait_ready()
        stack.assert_consistent()

    def vbsd(self, *arguments: str) -> subprocess.CompletedProcess:
        done = subprocess.run([os.path.join(BIN, "vbsd"), "--config", self.stack.path("vbsd.toml"),
                               *arguments], capture_output=True, text=True, timeout=60, check=False)
        self.texts.add(f"vbsd {' '.join(arguments)}", (done.stdout + done.stderr).encode())
        return done

    # The search --------------------------------------------------------------------------------

    def look(self, moment: str) -> None:
        """Keeps all files as they are now, and the database's rows."""
        self.texts.add_folder(self.stack.folder)
        self.texts.add_dump(f"rows: {moment}", self.stack.database)
        if self.stack.daemons["vbsd"].is_running():
            for path in ("/metrics", "/openapi.json", "/v1/operations?limit=1000", "/v1/audit",
                         "/v1/audit-records?limit=1000", "/v1/nodes", "/v1/vms", "/v1/volumes",
                         "/v1/snapshots", "/v1/usage"):
                self.client.api("GET", path)
        for path in glob.glob(self.stack.path("volumed/exports/*")):
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def secret_files(self) -> dict[str, list[bytes]]:
        """Secrets by their kind."""
        tokens = {f"token of {role}": [token.encode()] for role, token in self.stack.tokens.items()}
        return tokens | standing_secrets(self.stack.folder)

    def search(self) -> None:
        for text, place in self.watch.shown.items():
            self.texts.add(place, text)
        secrets = self.secret_files()
        secrets["chap"] = [secret.encode() for secret in self.watch.chap.values()]
        self.assertGreaterEqual(len(secrets["chap"]), 5, "an attachment was not seen")
        self.assertGreaterEqual(len([kind for kind in secrets if kind.startswith("key of")]), 5)
        self.assert_places_were_looked_at()
        found = misplaced(self.texts, secrets, ALLOWED)
        self.assertFalse(found, "\n".join(found))

    def assert_places_were_looked_at(self) -> None:
        places = self.texts.places()
        for pattern in ("log/vbsd.log", "log/vbs-volumed.log", "log/vbs-vmmd.log", "db/vbs.db",
                        "db/vbs.db-wal", "rows: end", "backup.db", "volumed/tgt/*.log", "vmmd/*",
                        f"vms/{VM}.console", "answer to GET /metrics", "answer to POST *",
                        "answer of vbs-volumed *", "answer of vbs-vmmd *", "vbs describe-*",
                        "vbsd backup *", "/proc/*/cmdline", "/proc/*/environ"):
            self.assertTrue(fnmatch.filter(places, pattern), pattern)


if __name__ == "__main__":
    unittest.main()
