"""Secrets stay in their places on real LVM, LIO, open-iscsi and libvirt: a volume's life, and what goes wrong in it,
then a search of all that both machines and the front hold and show. At each moment the secret of the attachment
stands in its places and nowhere else, and after it nowhere."""
import fnmatch
import os
import ssl
import tomllib
import unittest
import unittest.mock
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from client import connect
from guest_hunt import GuestWatch, files_of, readable_for_anybody
from lab_case import MIB, LabCase
from secret_hunt import Texts, Watch, chap_secret_in, misplaced, standing_secrets
from service import PORTAL, Drivers, Service

_FAULTS = "/run/systemd/system/vbs-vmmd.service.d/fault.conf"
_EXPORTS = "/var/lib/vbs/volumed/exports"
_FEW = 0.02  # of all programs that are started in a guest, those that may end unseen
# A place of a guest ends with the owner's number and the mode. {} is the attachment.
EXPORT, CONFIGFS, RECORD, SYSFS = CHAP = (
    f"vs:{_EXPORTS}/{{}}.json 0 600",
    "vs:/sys/kernel/config/target/iscsi/iqn.*{}/tpgt_1/acls/iqn.*/auth/password 0 644",
    "hv:/etc/iscsi/nodes/iqn.*{}/10.9.0.1,3260,1/vbs-hv1 0 600",
    # The kernel itself refuses it to all but root.
    "hv:/sys/devices/platform/host*/session*/iscsi_session/session*/password 0 444",
)
# Kind of secret and place, in which the search has to meet it. The canary shows that it meets what is there.
ALLOWED = [
    *(("chap", place.format("*")) for place in CHAP),
    ("token of operator", "token"),
    ("service token", "service-token"),
    ("service token", "??:/etc/vbs/service-token 0 600"),
    ("database key", "db/vbs.db.key"),
    ("key of *", "ca/*.key"),
    ("key of vs1.key", "vs:/etc/vbs/node.key 0 600"),
    ("key of hv1.key", "hv:/etc/vbs/node.key 0 600"),
    *(("canary", f"{guest}:{place}") for guest in ("vs", "hv")
      for place in ("/proc/*/cmdline", "/proc/*/environ", "/said/journal *", "/run/log/journal/*/*")),
]

# What must have been seen on the way.
COMMANDS = ("*iscsiadm *--login*", "*iscsiadm *--logout*", "*lvcreate *", "*lvremove *", "*/qemu-system-x86_64 *",
            "*/vbs-volumed *", "*/vbs-vmmd *", "*/vbsd *", "*/libvirtd *", "*/iscsid*")
PLACES = ("hv:/said/domain-vm1 *", "hv:/var/log/libvirt/qemu/vm1.log *", "hv:/etc/iscsi/ifaces/* 0 600",
          "vs:/etc/lvm/backup/*", "??:/said/dmesg *", "??:/run/udev/data/*", "vbsd.log", "db/vbs.db", "rows: *",
          "vbs describe-operations*", "answer to vbsd: /v1/inventory", "answer to operator: /metrics",
          "front:/proc/*/cmdline", "front:/proc/*/environ")


class SecretsTest(LabCase):
    def setUp(self):
        self.start(Drivers("lvm", "lio", "libvirt"))
        self.texts = Texts()
        self.chap: dict[str, str] = {}  # attachment -> its secret, in the order in which they were seen
        self.log_everything()
        self.record_answers()
        self.machines = (self.service.server, self.service.node)
        self.watches = {machine.name: GuestWatch(machine) for machine in self.machines} | {"front": Watch()}
        for watch in self.watches.values():
            watch.start()
            self.addCleanup(watch.stop)
        self.plant_canary()
        self.vm = self.boot("vm1")

    def log_everything(self) -> None:
        more = 'log_level = "debug"'
        for guest, unit in ((self.service.server, "vbs-volumed"), (self.service.node, "vbs-vmmd")):
            Service.must(guest, f"sed -i '1i {more}' /etc/vbs/{unit}.toml && systemctl restart {unit}")
        with open(self.service.path("vbsd.toml"), "r+", encoding="utf-8") as file:
            # The machines are looked at while an attach is under way.
            text = file.read().replace('attach = "300s"', 'attach = "900s"')
            file.seek(0)
            file.write(f"{more}\n{text}")
        self.service.stop_front()
        self.service.start_front()
        self.service.wait_ready()

    def record_answers(self) -> None:
        """Of the command line."""
        vbs = self.service.vbs

        def recorded_vbs(*arguments, **options):
            done = vbs(*arguments, **options)
            self.texts.add(f"vbs {' '.join(arguments)}", (done.stdout + done.stderr).encode())
            return done

        self.enterContext(unittest.mock.patch.object(self.service, "vbs", recorded_vbs))

    def plant_canary(self) -> None:
        self.canary = os.urandom(20).hex()
        for machine in self.machines:
            Service.must(machine, "read -r canary; CANARY=$canary sleep 0.1 $canary; logger <<<$canary",
                         self.canary.encode() + b"\n")

    # A volume's life -------------------------------------------------------------------------------

    def test_no_secret_leaves_its_place(self):
        self.vbs("create-volume", "--size", "8M", "--name", "data")
        for work in (self.is_used, self.loses_vmmd, self.is_refused, self.reaches_nobody, self.parts_by_force):
            work()
            self.assert_consistent(self.vm)
            self.look(f"after {work.__name__}")
        self.ask_all()
        for watch in self.watches.values():
            watch.stop()
        self.search()

    def is_used(self) -> None:
        self.vbs("attach-volume", "data", "--vm", "vm1", "--device", "/dev/sdb")
        self.look("attached", *CHAP)
        self.vm.write(0x5A, 0, MIB)
        self.vbs("create-snapshot", "data", "--name", "point")
        self.assertTrue(self.vm.reads(0x5A, 0, MIB))
        self.ask_all()
        self.vbs("detach-volume", "data", "--force")

    def loses_vmmd(self) -> None:
        """In mid-attach, which the next one carries to its end."""
        operation = self.begin_attach_until("vmmd.log-in.after-session")
        self.look("logged in", *CHAP)
        self.on_node("systemctl kill --kill-who=main --signal=KILL vbs-vmmd")
        self.assertEqual(self.end_of(operation)["state"], "succeeded")
        self.vbs("detach-volume", "data", "--force")

    def is_refused(self) -> None:
        """By its target, which has another secret by now."""
        operation = self.begin_attach_until("vmmd.log-in.after-record")
        self.look("before the login", EXPORT, CONFIGFS, RECORD)
        Service.must(self.service.server, "echo -n another-secret-of-this-length | "
                     "tee /sys/kernel/config/target/iscsi/iqn.*/tpgt_1/acls/*/auth/password >/dev/null")
        self.let_go_on()
        self.assertIn("refuses the CHAP user or secret", self.end_of(operation)["error"])

    def reaches_nobody(self) -> None:
        """Its target cannot be reached, and its user gives it up."""
        operation = self.begin_attach_until("vmmd.log-in.after-record")
        self.addCleanup(self.service.node.set_link, True)
        self.service.node.set_link(False)
        self.look("cut off", EXPORT, CONFIGFS, RECORD)
        self.let_go_on()
        unreached = f"SELECT 1 FROM operation_events WHERE message LIKE '%portal {PORTAL} cannot be %'"
        self.wait_for(lambda: self.reality.rows(unreached), "the target is reached")
        self.vbs("cancel-operation", operation)
        self.service.node.set_link(True)

    def parts_by_force(self) -> None:
        """While its node says nothing."""
        self.vbs("attach-volume", "data", "--vm", "vm1")
        self.look("attached for the last time", *CHAP)
        self.on_node("systemctl stop vbs-vmmd")
        self.vbs("detach-volume", "data", "--force")
        self.look("buried", *CHAP)  # its empty target takes whoever could not be told
        self.on_node("systemctl start vbs-vmmd")
        self.service.wait_ready()
        for verb, name in (("delete-snapshot", "point"), ("delete-volume", "data")):
            self.vbs(verb, name)

    def on_node(self, command: str) -> str:
        return Service.must(self.service.node, command)

    def begin_attach_until(self, point: str) -> str:
        """The operation; vbs-vmmd stands still at this fault point."""
        Service.must(self.service.node, f"mkdir -p {os.path.dirname(_FAULTS)} && cat >{_FAULTS} && "
                     "systemctl daemon-reload && systemctl restart vbs-vmmd",
                     f"[Service]\nEnvironment=VBS_FAULT={point}=stop\n".encode())
        self.addCleanup(self.on_node, f"rm -f {_FAULTS}; systemctl daemon-reload")
        self.service.wait_ready()
        operation = self.vbs("attach-volume", "data", "--vm", "vm1", "--no-wait")["id"]
        stands = "grep -q '^State:.T' /proc/$(systemctl show -P MainPID vbs-vmmd)/status"
        self.wait_for(lambda: self.service.node.shell.run(stands).returncode == 0, f"{point} is not passed")
        self.on_node(f"rm {_FAULTS} && systemctl daemon-reload")
        return operation

    def let_go_on(self) -> None:
        self.on_node("systemctl kill --kill-who=main --signal=CONT vbs-vmmd")

    def row_of(self, operation: str):
        (row,) = self.reality.rows(f"SELECT * FROM operations WHERE uid = '{operation}'")
        return row

    def end_of(self, operation: str):
        """Its row."""
        self.wait_for(lambda: self.row_of(operation)["ended_at"], "the operation does not end")
        return self.row_of(operation)

    # What is asked ---------------------------------------------------------------------------------

    def ask_all(self) -> None:
        """The command line for all that it shows, and each part for what it tells others."""
        for verb in (("describe-volumes",), ("describe-operations",), ("describe-vms",), ("describe-nodes",),
                     ("audit",), ("describe-audit-records",), ("usage",)):
            self.vbs(*verb)
        with open(self.service.path("vbs.toml"), "rb") as file:
            front = urllib.parse.urlsplit(tomllib.load(file)["url"]).port
        server, node = self.service.server.port("volumed"), self.service.node.port("vmmd")
        attachment = list(self.chap)[-1]
        for port, certificate, token, paths in (
                (front, "operator", "token", ("/metrics", "/v1/operations?limit=1000", "/v1/volumes")),
                (server, "vbsd", "service-token", ("/v1/node", "/v1/inventory", f"/v1/exports/{attachment}")),
                (node, "vbsd", "service-token", ("/v1/node", "/v1/inventory", f"/v1/sessions/{attachment}",
                                                 f"/v1/devices/{attachment}?vm=vm1"))):
            for path in paths:
                self.get(port, certificate, token, path)

    def get(self, port: int, certificate: str, token: str, path: str) -> None:
        folder = self.service.path("ca")
        context = ssl.create_default_context(cafile=f"{folder}/ca.crt")
        context.load_cert_chain(f"{folder}/{certificate}.crt", f"{folder}/{certificate}.key")
        with open(self.service.path(token), encoding="ascii") as file:
            bearer = {"Authorization": f"Bearer {file.read().strip()}"}
        connection = connect("127.0.0.1", port, context, 60)
        try:
            connection.request("GET", path, headers=bearer)
            self.texts.add(f"answer to {certificate}: {path}", connection.getresponse().read())
        finally:
            connection.close()

    # The search ------------------------------------------------------------------------------------

    def look(self, moment: str, *places: str) -> None:
        """Keeps what is there now. The secret of the newest attachment stands in these places and in no other,
        and where it stands only root can read it; those of earlier ones are nowhere."""
        now = Texts()
        with ThreadPoolExecutor() as pool:
            for machine, files in zip(self.machines, pool.map(files_of, self.machines)):
                for file in files:
                    place = f"{machine.name}:{file.path} {file.owner} {file.mode:o}"
                    now.add(place, file.text)
                    self.texts.add(place, file.text)
                    self.learn(machine.name, file)
        self.texts.add_folder(self.service.folder)
        self.texts.add_dump(f"rows: {moment}", self.service.database)
        attachment = list(self.chap)[-1]
        secrets = {f"chap of {name}": [secret.encode()] for name, secret in self.chap.items()}
        found = misplaced(now, secrets, [(f"chap of {attachment}", place.format(attachment)) for place in places])
        self.assertFalse(found, f"{moment}:\n" + "\n".join(found))
        self.assert_for_root_alone(now, secrets)

    def learn(self, machine: str, file) -> None:
        if machine == "vs" and os.path.dirname(file.path) == _EXPORTS:
            if secret := chap_secret_in(file.text):
                self.chap[os.path.basename(file.path).removesuffix(".json")] = secret

    def assert_for_root_alone(self, texts: Texts, secrets: dict[str, list[bytes]]) -> None:
        """Whatever their modes: no other user comes to the files that hold them."""
        places = [place for values in secrets.values() for value in values for place in texts.places_of(value)]
        for machine in self.machines:
            mark = f"{machine.name}:"
            paths = [place.removeprefix(mark).rsplit(" ", 2)[0] for place in places if place.startswith(mark)]
            self.assertEqual(readable_for_anybody(machine, ["/etc/passwd", *paths]), ["/etc/passwd"])

    def search(self) -> None:
        for name, watch in self.watches.items():
            for text, place in watch.shown.items():
                self.texts.add(f"{name}:{place}", text)
        attachments = {row["uid"] for row in self.reality.rows("SELECT uid FROM attachments")}
        self.assertEqual((set(self.chap), len(set(self.chap.values()))), (attachments, 5))
        secrets = standing_secrets(self.service.folder)
        with open(self.service.path("token"), "rb") as file:
            secrets["token of operator"] = [file.read().strip()]
        secrets["chap"] = [secret.encode() for secret in self.chap.values()]
        secrets["canary"] = [self.canary.encode()]
        found = misplaced(self.texts, secrets, ALLOWED) + self.unseen()
        self.assertFalse(found, "\n".join(found))

    def unseen(self) -> list[str]:
        """What the search would be worth little without."""
        commands = [text.replace(b"\0", b" ").decode(errors="replace")
                    for watch in self.watches.values() for text in watch.shown]
        found = [f"nobody ran {pattern}" for pattern in COMMANDS if not fnmatch.filter(commands, pattern)]
        places = self.texts.places()
        found += [f"{pattern} was not searched" for pattern in PLACES if not fnmatch.filter(places, pattern)]
        for machine in self.machines:
            watch = self.watches[machine.name]
            if watch.missed > _FEW * watch.started:
                found.append(f"{machine.name}: {watch.missed} of {watch.started} programs ended before they were seen")
        return found


if __name__ == "__main__":
    unittest.main()
