"""The whole of VBS on loopback, for tests: the three real daemons, tgtd, and small guests.

    with Stack() as stack:
        stack.boot("vm1")
        volume = stack.client.create_volume(size_bytes=32 << 20)
        ...
        stack.assert_consistent()

`Stack(tls=True)` lets all parts speak mutual TLS.

Leaving the block ends every process, however it is left, and fails the test when a sanitizer spoke
up or a daemon did not end well. VBS_KEEP=1 keeps the folder with logs and data, and its path is
printed.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from client import Client
from links import PlainLinks, TlsLinks
from oracle import Oracle, tgtd_targets
from processes import Daemon, end_processes, is_alive, processes_of, read_proc

SOURCE = os.environ.get("VBS_SOURCE_DIR") or os.path.realpath(f"{__file__}/../../..")
BIN = os.environ.get("VBS_BIN_DIR") or os.path.join(SOURCE, "build/debug/bin")
GUEST = os.environ.get("VBS_GUEST_DIR") or os.path.join(SOURCE, "build/debug/guest")
MIB = 1 << 20
DAEMONS = ("vbs-volumed", "vbs-vmmd", "vbsd")  # in the order of their start
_FIRST_PORT, _LAST_PORT = 20000, 32000  # below those that outgoing connections get
_TGT_PORT = 1


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; tests that run beside each other begin at different places."""
    ports: list[int] = []
    port = _FIRST_PORT + os.getpid() * 37 % (_LAST_PORT - _FIRST_PORT)
    while len(ports) < count:
        port = port + 1 if port < _LAST_PORT else _FIRST_PORT
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    return ports


def toml(settings: dict, prefix: str = "") -> str:
    """Settings as TOML: plain values, tables (dict) and arrays of tables (list of dict)."""
    plain, tables = [], []
    for key, value in settings.items():
        name = prefix + key
        if isinstance(value, dict):
            tables.append(f"[{name}]\n{toml(value, name + '.')}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f"[[{name}]]\n{toml(entry, name + '.')}" for entry in value]
        else:
            plain.append(f"{key} = {json.dumps(value)}\n")
    return "".join(plain + tables)


def merged(base: dict, other: dict) -> dict:
    """`base` with the entries of `other`, table by table."""
    result = dict(base)
    for key, value in other.items():
        inner = result.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        result[key] = merged(inner, value) if both else value
    return result


class Stack:
    """See above. `config` changes or adds settings: {"vbsd": {"quota": {"volumes": 2}}, ...}."""

    def __init__(self, config: dict[str, dict] | None = None, tls: bool = False):
        config = config or {}
        self.folder = tempfile.mkdtemp(prefix="vbs-", dir="/tmp")  # short: sockets live in it
        self.ports = dict(zip([*DAEMONS, "portal"], free_ports(4)))
        self.store = self.path("store")
        self.vm_folder = self.path("vms")
        self.database = self.path("db/vbs.db")
        for folder in (self.store, self.vm_folder, self.path("db"), self.path("log")):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        self.daemons = {
            name: Daemon(name, [os.path.join(BIN, name), "--config", self.path(f"{name}.toml")],
                         self.path(f"log/{name}.log")) for name in DAEMONS}
        self.tokens: dict[str, str] = {}
        try:
            self.links = TlsLinks(self.path("ca")) if tls else PlainLinks()
            token = self._make_tokens()
            for name, settings in self._base_config().items():
                self._write(f"{name}.toml", toml(merged(settings, config.get(name, {}))))
        except BaseException:
            self._clean_up()
            raise
        self.client = Client(self.ports["vbsd"], token, os.path.join(BIN, "vbs"),
                             self.path("vbs.toml"), self.links.host("vbsd"), self.links.context)
        self._killed: set[str] = set()
        self._stamps: dict[str, bytes] = {}

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    # Configuration -------------------------------------------------------------------------

    def _write(self, name: str, text: str) -> None:
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(text)

    def _make_tokens(self) -> str:
        """Tokens of an administrator (returned), and of a member and a reader (self.tokens)."""
        lines = []
        for role in ("admin", "member", "reader"):
            made = subprocess.run([os.path.join(BIN, "vbsd"), "new-token", role, role, "default"],
                                  capture_output=True, text=True, check=True)
            lines.append(made.stdout)
            self.tokens[role] = made.stderr.split("token (shown once): ")[1].split()[0]
        self._write("tokens", "".join(lines))
        self._write("service-token", os.urandom(20).hex() + "\n")
        return self.tokens["admin"]

    def _base_config(self) -> dict[str, dict]:
        links = self.links
        listen = {name: f"{links.listen_host(name)}:{port}" for name, port in self.ports.items()}
        url = {name: f"{links.scheme}://{links.host(name)}:{port}"
               for name, port in self.ports.items()}
        tls = links.settings
        service_token = self.path("service-token")
        return {
            "vbsd": {"listen": listen["vbsd"], "database": self.database,
                     "tokens_file": self.path("tokens"), "service_token_file": service_token,
                     "sweep_interval": "1s", "node_poll_interval": "500ms",
                     "volume_server": [{"name": "vs1", "url": url["vbs-volumed"]}],
                     "vmm": [{"name": "hv1", "url": url["vbs-vmmd"]}], **tls("vbsd")},
            "vbs-volumed": {"name": "vs1", "listen": listen["vbs-volumed"],
                            "token_file": service_token, "state_dir": self.path("volumed"),
                            "store": {"folder": self.store},
                            "target": {"portal": listen["portal"], "control_port": _TGT_PORT},
                            **tls("vbs-volumed")},
            "vbs-vmmd": {"name": "hv1", "listen": listen["vbs-vmmd"], "token_file": service_token,
                         "state_dir": self.path("vmmd"), "hypervisor": {"folder": self.vm_folder},
                         **tls("vbs-vmmd")},
            "vbs": {"url": url["vbsd"], "token": self.tokens["admin"], **tls("vbs")},
        }

    # Life ----------------------------------------------------------------------------------

    def __enter__(self) -> "Stack":
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self._print_logs()
            self._clean_up()
            raise
        return self

    def __exit__(self, kind, *_: object) -> None:
        try:
            problems = self._stop_daemons()
            self._print_logs()  # ctest shows them when the test fails
            if kind is None and problems:
                raise AssertionError("\n".join(problems))
        finally:
            self._clean_up()

    def start(self, *names: str, env: dict[str, str] | None = None) -> None:
        for name in names or DAEMONS:
            self.daemons[name].start(env)
            self._killed.discard(name)

    def stop(self, name: str) -> None:
        code = self.daemons[name].stop()
        assert code == 0, f"{name} ended with {code}\n{self.daemons[name].log_text()[-4000:]}"

    def kill9(self, name: str) -> None:
        self._killed.add(name)
        self.daemons[name].kill9()

    def restart(self, name: str, env: dict[str, str] | None = None) -> None:
        self.stop(name)
        self.start(name, env=env)

    def revive_dead(self, env: dict[str, str] | None = None) -> list[str]:
        """Starts again what died, as a fault point's SIGKILL does it; the names of those."""
        dead = [name for name, daemon in self.daemons.items() if not daemon.is_running()]
        for name in dead:
            self._killed.add(name)
            self.daemons[name].start(env)
        return dead

    @staticmethod
    def has_passed(log: str, point: str) -> bool:
        """Whether the daemon started with VBS_FAULT_LOG=log has come to the fault point."""
        if not os.path.exists(log):
            return False
        with open(log, encoding="utf-8") as file:
            return point in file.read().split()

    def expect_death(self, name: str) -> None:
        """From now on this daemon may end by a signal."""
        self._killed.add(name)

    def tgtd(self) -> int | None:
        """Process id of this stack's tgtd."""
        for process, command in processes_of(self.folder).items():
            if os.path.basename(command.split()[0]) == "tgtd":
                return process
        return None

    def tgtadm(self, *arguments: str) -> str:
        """Behind the back of the delegate; what it printed."""
        done = subprocess.run(
            ["tgtadm", "-C", str(_TGT_PORT), "--lld", "iscsi", *arguments],
            env={"TGT_IPC_SOCKET": self.path("volumed/tgt/control"),
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"tgtadm {arguments}: {done.stderr}"
        return done.stdout

    def kill_tgtd(self) -> int:
        """SIGKILL; the process id it had."""
        process = self.tgtd()
        assert process is not None, "tgtd does not run"
        os.kill(process, signal.SIGKILL)
        self.wait_for(lambda: not is_alive(process), 10, "tgtd does not end")
        return process

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Until the front is ready and both nodes are up."""
        self.wait_for(self._is_ready, seconds, "the service is not ready")

    def _is_ready(self) -> bool:
        for name, daemon in self.daemons.items():
            code = daemon.exit_code()
            assert code is None, f"{name} ended with {code}\n{daemon.log_text()[-4000:]}"
        try:
            for name in DAEMONS:  # the front may not have noticed yet that one is not back
                socket.create_connection((self.links.host(name), self.ports[name]), 5).close()
            status, _ = self.client.api("GET", "/healthz/ready", seconds=5)
            return status == 200 and all(node["state"] == "up"
                                         for node in self.client.get("/v1/nodes")["nodes"])
        except OSError:
            return False

    @staticmethod
    def wait_for(condition, seconds: float, message: str):
        """The first true answer of `condition`."""
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{message} after {seconds} s")
            time.sleep(0.05)
        return answer

    def _stop_daemons(self) -> list[str]:
        problems = []
        for name in reversed(DAEMONS):
            daemon = self.daemons[name]
            try:
                code = daemon.stop()
            except AssertionError as problem:
                problems.append(str(problem))
                continue
            if code != 0 and name not in self._killed:
                problems.append(f"{name} ended with {code}")
            if report := daemon.sanitizer_report():
                problems.append(f"{name}:\n{report}")
        return problems

    def _print_logs(self) -> None:
        for daemon in self.daemons.values():
            print(f"--- {daemon.log}", daemon.log_text()[-6000:], sep="\n", file=sys.stderr)
        for name in sorted(os.listdir(self.vm_folder)):
            if name.endswith(".console"):
                console = self.console(name.removesuffix(".console"))
                print(f"--- {name}", console[-2000:], sep="\n", file=sys.stderr)

    def _clean_up(self) -> None:
        end_processes(self.folder)
        if os.environ.get("VBS_KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Virtual machines ----------------------------------------------------------------------

    def boot(self, *names: str, seconds: float = 240.0) -> None:
        """Starts small guests beside each other and waits until their agents answer."""
        for name in names:
            self.run_vm(name)
        for name in names:
            self.wait_for(lambda: "guest: ready" in self.console(name), seconds,
                          f"{name} has not booted")
        self.wait_for(lambda: set(names) <= self.vms_with_agent(), seconds,
                      f"the agents of {names} do not answer")

    def run_vm(self, name: str, *options: str) -> None:
        subprocess.run([os.path.join(SOURCE, "deploy/guest/run-vm"), "--name", name, "--dir", self.vm_folder,
                        "--image", GUEST, *options], stdin=subprocess.DEVNULL, check=True)

    def console(self, vm: str) -> str:
        try:
            with open(os.path.join(self.vm_folder, vm + ".console"), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def vms_with_agent(self) -> set[str]:
        return {vm["name"] for vm in self.client.get("/v1/vms")["vms"] if vm["agent"]}

    def guest(self, vm: str, command: str, seconds: float = 60.0) -> str:
        """Runs shell text in the guest; its output. Fails the test when the command does."""
        code, output = self.guest_result(vm, command, seconds)
        assert code == 0, f"in {vm}: {command}: exit code {code}\n{output}"
        return output

    def guest_result(self, vm: str, command: str, seconds: float = 60.0) -> tuple[int, str]:
        done = subprocess.run([os.path.join(SOURCE, "deploy/guest/guest-run"), "--dir",
                               self.vm_folder, "--name", vm, "--timeout", str(seconds), command],
                              capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, check=False)
        return done.returncode, done.stdout + done.stderr

    def vm_pid(self, vm: str) -> int | None:
        path = os.path.join(self.vm_folder, vm + ".pid")
        text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        process = int(text) if text.strip().isdigit() else 0
        ours = self.folder.encode() in read_proc(process, "cmdline") if process else False
        return process if ours and is_alive(process) else None

    def cut_power(self, vm: str) -> None:
        os.kill(self.vm_pid(vm), signal.SIGKILL)
        self.wait_for(lambda: self.vm_pid(vm) is None, 10, f"{vm} does not end")
        os.unlink(os.path.join(self.vm_folder, vm + ".pid"))

    # Truth ---------------------------------------------------------------------------------

    def targets(self):
        """What tgtd itself serves; None when it does not run."""
        return tgtd_targets(self.path("volumed/tgt/control"), _TGT_PORT)

    def stamp(self, volume: str) -> None:
        """Writes the volume's id all over its first page, which the oracle then looks for: there, in
        its snapshots and in their copies. While nobody has it attached."""
        self._stamps[volume] = (volume.encode() * 114)[:4096]
        with open(os.path.join(self.store, "volumes", volume + ".img"), "r+b") as image:
            image.write(self._stamps[volume])
            os.fsync(image.fileno())

    def oracle(self) -> list[str]:
        """Every disagreement between the rows and what is there, of one look."""
        vbsd = self.daemons["vbsd"]
        return Oracle(database=self.database,
                      check_database=[os.path.join(BIN, vbsd.name), "--config",
                                      self.path("vbsd.toml"), "check-database"],
                      store=self.store, exports=self.path("volumed/exports"),
                      freezes=self.path("vmmd/freezes"),
                      tgt_control=self.path("volumed/tgt/control"), tgt_port=_TGT_PORT,
                      vm_folder=self.vm_folder, stamps=self._stamps).findings()

    def assert_consistent(self, seconds: float = 60.0) -> None:
        """Waits until the oracle finds nothing; what it still finds then fails the test."""
        deadline = time.monotonic() + seconds
        while findings := self.oracle():
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds} s:\n" + "\n".join(findings))
            time.sleep(0.2)
