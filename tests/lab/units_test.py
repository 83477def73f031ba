"""The three services on one machine, as their units start them: each keeps what is its own, in whatever
order they are started, and the units have no mistakes."""
import glob
import json
import os
import subprocess
import tempfile
import time
import unittest

from lab_case import BUILD, PATIENCE_SECONDS, LabCase
from service import Service

_UNITS = ("vbsd", "vbs-volumed", "vbs-vmmd")
_CONFIG = {
    "vbsd": '''database = "/var/lib/vbs/front/vbs.db"
log_file = "/var/log/vbs/front/vbsd.log"
service_token_file = "/etc/vbs/front-token"

[[volume_server]]
name = "vs1"
url = "http://127.0.0.1:7710"

[[vmm]]
name = "hv1"
url = "http://127.0.0.1:7720"
''',
    "vbs-volumed": '''name = "vs1"
token_file = "/etc/vbs/service-token"
state_dir = "/var/lib/vbs/volumed"
log_file = "/var/log/vbs/volumed/vbs-volumed.log"

[store]
folder = "/var/lib/vbs/store"

[target]
portal = "127.0.0.1:3260"
''',
    "vbs-vmmd": '''name = "hv1"
token_file = "/etc/vbs/service-token"
state_dir = "/var/lib/vbs/vmmd"
log_file = "/var/log/vbs/vmmd/vbs-vmmd.log"

[hypervisor]
folder = "/run/lab-vms"
''',
}
_FOLDERS = """root 755 /var/lib/vbs
vbs 700 /var/lib/vbs/front
root 700 /var/lib/vbs/store
root 700 /var/lib/vbs/vmmd
root 700 /var/lib/vbs/volumed
root 755 /var/log/vbs
vbs 750 /var/log/vbs/front
root 750 /var/log/vbs/vmmd
root 750 /var/log/vbs/volumed
"""


class UnitsTest(LabCase):
    guests = ("vs",)

    def setUp(self):
        self.service.stop()
        self.service.empty_storage()
        self.addCleanup(self.run_there, f"systemctl stop {' '.join(_UNITS)}; pkill -KILL -x tgtd; true")
        self.install_all()
        self.configure()

    def run_there(self, command: str) -> str:
        return Service.must(self.service.server, command)

    def install_all(self) -> None:
        """What `cmake --install` puts on a machine."""
        with tempfile.TemporaryDirectory() as stage:
            subprocess.run(["cmake", "--install", BUILD, "--strip"], check=True, capture_output=True,
                           env={**os.environ, "DESTDIR": stage})
            for folder in ("bin", "lib/systemd/system", "lib/sysusers.d"):
                self.service.server.shell.copy(glob.glob(f"{stage}/usr/local/{folder}/*"), f"/usr/local/{folder}")

    def configure(self) -> None:
        server = self.service.server
        self.run_there("rm -rf /var/lib/vbs /var/log/vbs; systemd-sysusers; mkdir -p /etc/vbs; chmod 0755 /etc/vbs")
        for name, text in _CONFIG.items():
            Service.must(server, f"cat >/etc/vbs/{name}.toml", stdin=text.encode())
        self.run_there("install -m 0600 -o vbs /etc/vbs/service-token /etc/vbs/front-token; chmod 0644 /etc/vbs/*.toml")
        # The filter of vbsd's unit kills what looks for leaks when a program with sanitizers ends.
        drop_in = "/run/systemd/system/vbsd.service.d"
        Service.must(server, f"mkdir -p {drop_in} && cat >{drop_in}/lab.conf && systemctl daemon-reload",
                     stdin=b"[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n")
        self.addCleanup(self.run_there, f"rm -r {drop_in}; systemctl daemon-reload")

    def vbs(self, *arguments: str) -> dict:
        return json.loads(self.run_there(f"vbs {' '.join(arguments)} --output json"))

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = self.service.server.shell.run("vbs describe-nodes --output json")
            if done.returncode == 0 and done.stdout.count(b'"up"') == 2:
                return
            if time.monotonic() > deadline:
                said = self.run_there("journalctl -q -o cat -n 40 -u vbsd -u vbs-volumed -u vbs-vmmd; "
                                      "tail -n 20 /var/log/vbs/*/*.log 2>&1; true")
                self.fail(f"{(done.stdout + done.stderr).decode(errors='replace')}\n{said}")
            time.sleep(0.5)

    def assert_owners(self) -> None:
        """Everything that is there belongs to the service that it is for."""
        folders = self.run_there("stat -c '%U %a %n' /var/lib/vbs /var/lib/vbs/* /var/log/vbs /var/log/vbs/*")
        self.assertEqual(folders, _FOLDERS)
        self.assertEqual(self.run_there("find /var/lib/vbs/front /var/log/vbs/front ! -user vbs"), "")
        # vbs-volumed makes and removes files of its own meanwhile.
        self.assertEqual(self.run_there("find /var/lib/vbs /var/log/vbs -ignore_readdir_race "
                                        "-name front -prune -o ! -user root -print"), "")
        self.assertIn("vbs.db", self.run_there("ls /var/lib/vbs/front"))

    def test_every_order_of_starting(self):
        self.run_there(f"systemctl start {' '.join(_UNITS)}")
        self.wait_until_up()
        self.assert_owners()
        volume = self.vbs("create-volume", "--size", "8M", "--name", "data")["id"]
        for order in (_UNITS, _UNITS[::-1]):
            for unit in order:
                self.run_there(f"systemctl restart {unit}")
                self.assert_owners()
            self.wait_until_up()
            self.assert_owners()
            self.assertEqual([row["id"] for row in self.vbs("describe-volumes")["volumes"]], [volume])
            self.vbs("create-snapshot", "data", "--name", order[0])
        for unit in _UNITS:
            state = self.run_there(f"systemctl show -p ActiveState -p NRestarts {unit}").split()
            self.assertEqual(sorted(state), ["ActiveState=active", "NRestarts=0"])

    def test_logs_are_written_where_the_examples_say(self):
        self.run_there(f"systemctl start {' '.join(_UNITS)}")
        self.wait_until_up()
        for name in ("front/vbsd", "volumed/vbs-volumed", "vmmd/vbs-vmmd"):
            self.assertIn("{", self.run_there(f"head -n 1 /var/log/vbs/{name}.log"))

    def test_nothing_is_wrong_with_the_units(self):
        done = self.service.server.shell.run("systemd-analyze verify --man=no --recursive-errors=no "
                                       f"{' '.join(f'{unit}.service' for unit in _UNITS)} 2>&1")
        said = done.stdout.decode(errors="replace")
        self.assertEqual((done.returncode, [line for line in said.splitlines() if "vbs" in line]), (0, []), said)


if __name__ == "__main__":
    unittest.main()
