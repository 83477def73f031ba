"""One guest of the lab: its QEMU process, its disks, its cable and its power switch."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

from shell import PARCEL_BYTES, LabError, Shell

__all__ = ["KINDS", "Guest", "LabError", "free_port"]


@dataclass(frozen=True)
class Kind:
    """What a guest of one name is."""
    number: int        # 10.9.0.NUMBER is its address on the lab's network
    memory: int        # MiB
    disk: int = 0      # MiB of an empty disk, /dev/disk/by-id/virtio-data
    xen: bool = False  # starts Xen, and Linux as its dom0

    @property
    def address(self) -> str:
        return f"10.9.0.{self.number}"


KINDS = {
    "vs": Kind(number=1, memory=768, disk=2048),
    "hv": Kind(number=2, memory=1024),
    "xen": Kind(number=3, memory=1280, xen=True),
}
# Ports of every guest that this machine's loopback leads to.
FORWARDED = {"ssh": 22, "volumed": 7710, "vmmd": 7720}
_BOOT_SECONDS = 600.0
_LAST_WORDS = 2000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guest:
    """`folder` is the lab's; the guest's files there begin with its name."""

    def __init__(self, name: str, folder: str, image: str):
        if name not in KINDS:
            raise LabError(f"there is no guest '{name}'; there are {', '.join(KINDS)}")
        self.name = name
        self.kind = KINDS[name]
        self._folder = folder
        self._image = os.path.join(image, "xen") if self.kind.xen else image
        self.key = os.path.join(folder, "key")
        self.shell = Shell(self)

    def path(self, suffix: str) -> str:
        return os.path.join(self._folder, f"{self.name}.{suffix}")

    # Power

    def running(self) -> bool:
        try:
            with open(self.path("pid"), encoding="ascii") as file:
                with open(f"/proc/{int(file.read())}/cmdline", encoding="utf-8") as command:
                    return self.path("qmp") in command.read()
        except (OSError, ValueError):
            return False

    def is_stale(self) -> bool:
        """Its root disk rests on an image that has been replaced since."""
        return os.path.exists(self.path("root.qcow2")) and _text(self.path("stamp")) != self._image_stamp()

    def forget_root(self) -> None:
        os.unlink(self.path("root.qcow2"))

    def _image_stamp(self) -> str:
        return _text(os.path.join(self._image, "stamp"))

    def start(self) -> None:
        """Begins to boot; `wait_ready` waits. Its disks are made where they are missing."""
        if self.running():
            return
        if not os.path.exists(self.path("root.qcow2")):
            with open(self.path("stamp"), "w", encoding="utf-8") as file:
                file.write(self._image_stamp())
            _run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                  os.path.join(self._image, "root.img"), self.path("root.qcow2")])
        if self.kind.disk and not os.path.exists(self.path("data.img")):
            with open(self.path("data.img"), "wb") as disk:
                disk.truncate(self.kind.disk << 20)
        with open(self.path("parcel"), "wb") as parcel:
            parcel.truncate(PARCEL_BYTES)
        ports = {name: free_port() for name in FORWARDED}
        with open(self.path("ports"), "w", encoding="utf-8") as file:
            json.dump(ports, file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("console"))
        _run(self._command(ports))

    def _command(self, ports: dict[str, int]) -> list[str]:
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{ports[name]}-:{port}" for name, port in FORWARDED.items())
        words = f"rw quiet systemd.show_status=0 lab.name={self.name}"
        # One processor: with two of them each, on two real ones, a volume's life took a fifth longer (159 s, not 132).
        command = ["qemu-system-x86_64", "-name", self.name, "-machine", "q35", "-accel", "tcg,thread=multi",
                   "-m", str(self.kind.memory), "-display", "none", "-nodefaults",
                   "-serial", f"file:{self.path('console')}",
                   "-qmp", f"unix:{self.path('qmp')},server=on,wait=off",
                   "-drive", f"if=none,id=root,file={self.path('root.qcow2')},cache=unsafe",
                   "-netdev", f"user,id=host,restrict=on{forwards}",
                   "-device", "virtio-net-pci,netdev=host,mac=52:54:00:00:00:01,romfile="]
        if self.kind.disk:
            command += ["-drive", f"if=none,id=data,file={self.path('data.img')},format=raw,cache=unsafe,discard=unmap",
                        "-device", "virtio-blk-pci,drive=data,serial=data"]
        for card, own, peer, netdev in self._links():
            command += ["-netdev", netdev, "-device", f"virtio-net-pci,netdev={card},mac={_mac(own, peer)},romfile="]
            words += f" lab.link={_mac(own, peer)},{own.address},{peer.address}"
        command += self._boot_xen(words) if self.kind.xen else self._boot_linux(words)
        # The last one: the Xen guest's root is the first of its kind.
        return command + [
            "-drive", f"if=none,id=parcel,file={self.path('parcel')},format=raw,cache=unsafe",
            "-device", "virtio-blk-pci,drive=parcel,serial=parcel", "-daemonize", "-pidfile", self.path("pid")]

    def _boot_linux(self, words: str) -> list[str]:
        return ["-cpu", "max", "-device", "nvme,drive=root,serial=root",
                "-kernel", os.path.join(self._image, "vmlinuz"),
                "-append", f"console=ttyS0 root=/dev/nvme0n1 {words}"]

    def _boot_xen(self, words: str) -> list[str]:
        """QEMU loads Xen as a multiboot image, whose modules are dom0's kernel and RAM disk. Of emulated
        processors with SMAP dom0 dies, and with XSAVE programs in paravirtual guests do: Nehalem has
        neither. A comma in a module's words is doubled."""
        dom0 = self.kind.memory - 384
        linux = f"{os.path.join(self._image, 'vmlinux')} console=hvc0 mitigations=off {words.replace(',', ',,')}"
        return ["-cpu", "Nehalem", "-device", "virtio-blk-pci,drive=root,serial=root",
                "-kernel", os.path.join(self._image, "xen"),
                "-append", f"console=com1 com1=115200,8n1 dom0_mem={dom0}M,max:{dom0}M spec-ctrl=no xpti=0 "
                           "loglvl=error guest_loglvl=error",
                "-initrd", f"{linux},{os.path.join(self._image, 'initrd')}"]

    def _links(self):
        """Every VMM node has a cable to the volume server, whose end is the listening one."""
        server = KINDS["vs"]
        ends = [name for name in KINDS if name != "vs"] if self.name == "vs" else [self.name]
        for name in ends:
            own, peer = (server, KINDS[name]) if self.name == "vs" else (KINDS[name], server)
            side = "on" if self.name == "vs" else "off"
            path = os.path.join(self._folder, f"link-{name}.sock")
            yield (f"link-{name}", own, peer,
                   f"stream,id=link-{name},server={side},addr.type=unix,addr.path={path}")

    def wait_ready(self) -> None:
        end = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError):
                with open(self.path("console"), encoding="utf-8", errors="replace") as console:
                    if "LAB-READY" in console.read():
                        return
            if not self.running():
                raise LabError(f"the guest {self.name} died; see {self.path('console')}")
            time.sleep(0.1)
        raise LabError(f"the guest {self.name} did not start within {_BOOT_SECONDS:.0f} s; see {self.path('console')}")

    def last_words(self) -> str:
        """The end of what it has printed on its console."""
        return _text(self.path("console"))[-_LAST_WORDS:].strip()

    def reset(self) -> None:
        """Power off and on at once. What its disks' owners had not flushed may be lost, as ever."""
        self.shell.hang_up()
        with open(self.path("console"), "w", encoding="utf-8"):
            pass
        self._qmp("system_reset")
        self.wait_ready()

    def stop(self) -> None:
        self.shell.hang_up()
        if not self.running():
            return
        with open(self.path("pid"), encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGKILL)
        while self.running():
            time.sleep(0.01)

    # Cable

    def set_link(self, up: bool) -> None:
        for card, *_ in self._links():
            self._qmp("set_link", name=card, up=up)

    def _qmp(self, command: str, **arguments) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10.0)
            try:
                connection.connect(self.path("qmp"))
            except OSError as problem:
                raise LabError(f"the guest {self.name} does not run; start it with: deploy/lab up") from problem
            with connection.makefile("rwb") as lines:
                lines.readline()
                for message in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                    lines.write(json.dumps(message).encode() + b"\n")
                    lines.flush()
                    answer = json.loads(lines.readline())
                    while "event" in answer:
                        answer = json.loads(lines.readline())
                    if "error" in answer:
                        raise LabError(f"{self.name}: {answer['error']['desc']}")

    # Way in

    def port(self, name: str) -> int:
        """The port of this machine's loopback that leads to one of FORWARDED."""
        try:
            with open(self.path("ports"), encoding="utf-8") as file:
                return json.load(file)[name]
        except FileNotFoundError as problem:
            raise LabError(f"the guest {self.name} was never started; start it with: deploy/lab up") from problem


def _text(path: str) -> str:
    """What is in a file; nothing where it is missing."""
    with contextlib.suppress(FileNotFoundError):
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    return ""


def _mac(own: Kind, peer: Kind) -> str:
    return f"52:54:00:00:{own.number:02x}:{peer.number:02x}"


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as problem:
        raise LabError(f"{command[0]} is missing; run: deploy/install-packages run lab") from problem
    if done.returncode != 0:
        raise LabError(f"{command[0]} failed: {done.stderr.strip()}")
