"""VBS on the lab's guests, installed as on real machines: packages' programs, systemd units,
certificates. The delegates run in the guests; the front service runs on this machine."""
import contextlib
import hashlib
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Sequence

import configuration
from configuration import HYPERVISORS, PORTAL, STORES, TARGETS, VOLUME_GROUP, Drivers
from guest import Guest, LabError, free_port
from lab import Lab

__all__ = ["HYPERVISORS", "PORTAL", "STORES", "TARGETS", "VOLUME_GROUP", "Drivers", "Service"]
_START_SECONDS = 300.0
_INSTALLED = "/etc/vbs/installed"  # in a guest: the digest of what it was given last
# What looks for leaks when a program with sanitizers ends, the filters of the delegates' units refuse.
_DROP_IN = "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n"


class Service:
    """`build` is a CMake build folder; what it makes is installed in the guests once a start."""

    def __init__(self, lab: Lab, build: str):
        self._lab = lab
        self._build = build
        self._source = os.path.realpath(f"{__file__}/../../..")
        self.folder = os.path.join(lab.folder, "service")
        self.drivers = Drivers()
        self._port = 0

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    @property
    def database(self) -> str:
        return self.path("db/vbs.db")

    @property
    def server(self) -> Guest:
        return self._lab.guest("vs")

    @property
    def node(self) -> Guest:
        return self._lab.guest(self.drivers.vmm_guest)

    # Setting up

    def install(self, guest: Guest) -> None:
        """Programs, units and certificates into a guest, unless it has just these."""
        self._make_certificates()
        self._write("drop-in.conf", _DROP_IN)
        stage = self.path("stage")
        shutil.rmtree(stage, ignore_errors=True)
        self._run(["cmake", "--install", self._build, "--strip"], DESTDIR=stage)
        archive, digest = _packed(self._files_of(guest, stage))
        shutil.rmtree(stage)
        self.must(guest, "systemctl stop vbs-volumed vbs-vmmd 2>/dev/null; true")
        if guest.shell.run(f"grep -qx {digest} {_INSTALLED}").returncode == 0:
            return
        # Who is killed in the middle leaves files of two builds, which have no digest.
        self.must(guest, f"rm -f {_INSTALLED}")
        guest.shell.unpack(archive)
        self.must(guest, f"systemctl daemon-reload && udevadm control --reload && echo {digest} >{_INSTALLED}")

    def _files_of(self, guest: Guest, stage: str) -> dict[str, str]:
        """What a guest gets: where it goes -> the file."""
        name = "vs1" if guest.name == "vs" else "hv1"
        programs = ["vbs-volumed"] if name == "vs1" else ["vbs-vmmd", "vbs-thaw"]
        files = {"etc/vbs/service-token": self.path("service-token"), "etc/vbs/ca.crt": self.path("ca/ca.crt"),
                 "etc/vbs/node.crt": self.path(f"ca/{name}.crt"), "etc/vbs/node.key": self.path(f"ca/{name}.key"),
                 "etc/systemd/system/vbs-.service.d/lab.conf": self.path("drop-in.conf")}
        found = [os.path.join(stage, "usr/local/bin", program) for program in programs]
        for part in ("systemd", "udev"):
            found += [os.path.join(folder, file) for folder, _, names in os.walk(f"{stage}/usr/local/lib/{part}")
                      for file in names]
        return files | {os.path.relpath(path, stage): path for path in found}

    def _make_certificates(self) -> None:
        """All or nothing: what an earlier try left unfinished is made anew."""
        if os.path.exists(self.path("token")):
            return
        shutil.rmtree(self.path("ca"), ignore_errors=True)
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        ca = os.path.join(self._source, "deploy/ca")
        self._run([ca, "init", self.path("ca")])
        # The guests' ports are forwarded from loopback, so that is where they are addressed.
        for name in ("vbsd", "vs1", "hv1", "operator"):
            self._run([ca, "issue", self.path("ca"), name, "--ip", "127.0.0.1"])
        self._write("service-token", os.urandom(20).hex() + "\n")
        made = subprocess.run([self._program("vbsd"), "new-token", "operator", "admin", "default"],
                              capture_output=True, text=True, check=True)
        self._write("tokens", made.stdout)
        # The last thing that is made shows that all is.
        self._write("token", made.stderr.split("token (shown once): ")[1].split()[0] + "\n")

    def start(self, drivers: Drivers) -> None:
        """From nothing: an empty volume group, an empty database, the chosen drivers."""
        self.stop()
        self.drivers = drivers
        self._port = free_port()
        os.makedirs(self.path("db"), mode=0o700, exist_ok=True)
        self._write_config()
        self.empty_storage()
        self.must(self.node, "iscsiadm -m node --logoutall=all >/dev/null 2>&1; rm -rf /etc/iscsi/nodes/* "
                  "/var/lib/vbs/vmmd; mkdir -p /run/lab-vms")
        if drivers.hypervisor.startswith("libvirt"):
            self.must(self.node, "systemctl start virtlogd.socket libvirtd.socket")
        self.must(self.server, "systemctl start vbs-volumed")
        self.must(self.node, "systemctl start vbs-vmmd")
        self.start_front()
        self.wait_ready()

    def stop(self) -> None:
        """Ends the front and the delegates, and forgets what they knew."""
        self.stop_front()
        shutil.rmtree(self.path("db"), ignore_errors=True)
        for guest in self._lab.guests():
            if guest.running():
                self.must(guest, "systemctl stop vbs-volumed vbs-vmmd 2>/dev/null; true")

    def empty_storage(self, group: str = VOLUME_GROUP, extent: str = "4M") -> None:
        """A new volume group on the server's data disk; whatever served the old one has ended."""
        self.must(self.server, "pkill -KILL -x tgtd; lab-clear-lio; rm -rf /var/lib/vbs/volumed; "
                  "vgs --noheadings -o vg_name | xargs -r vgremove -q -y -ff 2>/dev/null; "
                  "wipefs -q -a /dev/disk/by-id/virtio-data && "
                  f"vgcreate -q -s {extent} {group} /dev/disk/by-id/virtio-data >/dev/null")

    def _write_config(self) -> None:
        urls = [f"https://127.0.0.1:{self.server.port('volumed')}", f"https://127.0.0.1:{self.node.port('vmmd')}"]
        self._write("vbsd.toml", configuration.front(self.folder, self._port, *urls))
        self._write("vbs.toml", configuration.command_line(self.folder, self._port))
        self._put(self.server, "/etc/vbs/vbs-volumed.toml", configuration.volumed(self.drivers))
        self._put(self.node, "/etc/vbs/vbs-vmmd.toml", configuration.vmmd(self.drivers))

    # Life

    def _program(self, name: str) -> str:
        return os.path.join(self._build, "bin", name)

    def start_front(self) -> None:
        with open(self.path("vbsd.out"), "ab") as output:
            process = subprocess.Popen([self._program("vbsd"), "--config", self.path("vbsd.toml")],
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       start_new_session=True)
        self._write("vbsd.pid", str(process.pid))

    def front_pid(self) -> int | None:
        with contextlib.suppress(OSError, ValueError):
            with open(self.path("vbsd.pid"), encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as command:
                return pid if self.path("vbsd.toml") in command.read() else None
        return None

    def stop_front(self) -> None:
        pid = self.front_pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 20
        while self.front_pid() is not None:
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.02)

    def wait_ready(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            done = self.vbs("describe-nodes", "--output", "json")
            if done.returncode == 0 and done.stdout.count('"up"') == 2:
                return
            if self.front_pid() is None:
                raise LabError(f"vbsd has ended; see {self.path('vbsd.out')} and {self.path('vbsd.log')}")
            time.sleep(0.2)
        nodes = self.vbs("describe-nodes")
        raise LabError(f"the nodes are not up after {_START_SECONDS:.0f} s:\n{nodes.stdout}{nodes.stderr}")

    def command_line(self, arguments: Sequence[str]) -> dict:
        """How subprocess runs `vbs` with these arguments."""
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": self.folder, "VBS_CONFIG": self.path("vbs.toml")}
        environment |= {key: value for key, value in os.environ.items() if "SAN_OPTIONS" in key}
        return {"args": [self._program("vbs"), *arguments], "env": environment, "text": True,
                "stdin": subprocess.DEVNULL}

    def vbs(self, *arguments: str, seconds: float = 900.0) -> subprocess.CompletedProcess:
        """The command line; look at returncode, stdout and stderr."""
        return subprocess.run(**self.command_line(arguments), capture_output=True, timeout=seconds, check=False)

    def check_database(self) -> subprocess.CompletedProcess:
        """`vbsd check-database`, beside the front or without it."""
        return subprocess.run([self._program("vbsd"), "--config", self.path("vbsd.toml"), "check-database"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def begin(self, *arguments: str) -> subprocess.Popen:
        """The command line, not waited for."""
        return subprocess.Popen(**self.command_line(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    # Helpers

    @staticmethod
    def must(guest: Guest, command: str, stdin: bytes = b"") -> str:
        """Shell text in a guest that has to succeed; its output."""
        done = guest.shell.run(command, stdin=stdin)
        if done.returncode != 0:
            raise LabError(f"{guest.name}: {command}: exit code {done.returncode}: "
                           f"{done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode(errors="replace")

    def _put(self, guest: Guest, path: str, text: str) -> None:
        self.must(guest, f"umask 077; mkdir -p {os.path.dirname(path)} && cat >{path} && sync {path}",
                  stdin=text.encode())

    def _write(self, name: str, text: str) -> None:
        new = self.path(name) + ".new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(new, self.path(name))

    @staticmethod
    def _run(command: list[str], **environment: str) -> None:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env={**os.environ, **environment})
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def _packed(files: dict[str, str]) -> tuple[bytes, str]:
    """A tar archive of files, named by where they go, and the digest of what is in it."""
    archive, digest = io.BytesIO(), hashlib.sha256()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for place, path in sorted(files.items()):
            tar.add(path, place)
            with open(path, "rb") as file:
                digest.update(f"{place} {os.path.getsize(path)}\n".encode() + file.read())
    return archive.getvalue(), digest.hexdigest()
