"""The virtual machines of the lab's VMM nodes, as tests use them: what they show, and reading and
writing through them."""
import json
import shlex
import subprocess

from reality import attachment_of
from service import Service


class Vm:
    """What lab-vm starts, on whatever hypervisor."""

    hypervisor = ""

    def __init__(self, service: Service, name: str):
        self.name = name
        self._service = service
        self._node(f"lab-vm start {self.hypervisor} {name}")

    def stop(self) -> None:
        self._node(f"lab-vm stop {self.hypervisor} {self.name}")

    def _node(self, command: str) -> str:
        return Service.must(self._service.node, command)


class EmulatedVm(Vm):
    """A QEMU whose processors stand still: its disks are read and written through QEMU itself. How to
    speak with it depends on who has started it."""

    def _ask(self, message: dict) -> dict:
        """The answer to a QMP command."""
        raise NotImplementedError

    def _last_words(self) -> str:
        """The last lines that QEMU has printed."""
        raise NotImplementedError

    def _qmp(self, command: str, **arguments):
        answer = self._ask({"execute": command, "arguments": arguments})
        if "error" in answer:
            raise AssertionError(f"{command} {arguments}: {answer['error']['desc']}")
        return answer["return"]

    def _devices(self) -> list[str]:
        """QEMU's names of the disks of VBS, which end with "vbs-ATTACHMENT"."""
        return [child["name"] for child in self._qmp("qom-list", path="/machine/peripheral")
                if "vbs-" in child["name"]]

    def disks(self) -> dict[str, str]:
        """Attachment -> serial number."""
        return {name.partition("vbs-")[2]: self._qmp("qom-get", path=f"/machine/peripheral/{name}", property="serial")
                for name in self._devices()}

    def _io(self, command: str) -> str:
        """One of qemu-io's commands on the only disk, and its outcome."""
        (name,) = self._devices()
        self._qmp("human-monitor-command",
                  **{"command-line": f'qemu-io -d /machine/peripheral/{name} "{command}"'})
        return self._last_words()

    def write(self, pattern: int, offset: int, length: int) -> None:
        assert self.try_to_write(pattern, offset, length), "the write failed"

    def try_to_write(self, pattern: int, offset: int, length: int) -> bool:
        """Whether it was acknowledged."""
        said = self._io(f"write -f -P {pattern} {offset} {length}")
        return f"wrote {length}/{length} bytes at offset {offset}" in said.rpartition("failed")[2]

    def reads(self, pattern: int, offset: int, length: int) -> bool:
        said = self._io(f"read -P {pattern} {offset} {length}")
        assert f"read {length}/{length} bytes at offset {offset}" in said.rpartition("failed:")[2], said
        return "verification failed" not in said

    def size_bytes(self) -> int:
        (disk,) = [block for block in self._qmp("query-block") if "vbs-" in block.get("qdev", "")]
        return disk["inserted"]["image"]["virtual-size"]


class QemuVm(EmulatedVm):
    """Its second QMP socket belongs to the tests."""

    hypervisor = "qemu"

    def _ask(self, message: dict) -> dict:
        guest = self._service.node
        guest.shell.connect()
        with subprocess.Popen(guest.shell.command() + [f"socat - UNIX-CONNECT:/run/lab-vms/{self.name}.lab"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as talk:
            assert talk.stdin is not None and talk.stdout is not None
            talk.stdout.readline()
            for request in ({"execute": "qmp_capabilities"}, message):
                talk.stdin.write(json.dumps(request) + "\n")
                answer = json.loads(talk.stdout.readline())
                while "event" in answer:
                    answer = json.loads(talk.stdout.readline())
            talk.stdin.close()
        return answer

    def _last_words(self) -> str:
        return self._node(f"journalctl -q -o cat -n 4 -u lab-vm-{self.name}")


class LibvirtVm(EmulatedVm):
    hypervisor = "libvirt"

    def _ask(self, message: dict) -> dict:
        return json.loads(self._node(f"virsh -q qemu-monitor-command {self.name} {shlex.quote(json.dumps(message))}"))

    def _last_words(self) -> str:
        return self._node(f"tail -n 4 /var/log/libvirt/qemu/{self.name}.log")


class XenVm(Vm):
    """A paravirtual domain that runs. Commands are given to the shell on its console."""

    hypervisor = "xen"

    def run(self, command: str) -> str:
        """In the guest."""
        return self._node(f"lab-vm run xen {self.name} {shlex.quote(command)}")

    def block_list(self) -> dict[str, str]:
        """Device number -> its device in dom0, as `xl block-list` and the XenStore show them."""
        listing = self._node(f"xl block-list {self.name} | tail -n +2 | while read -r vdev _ _ _ _ _ path; do "
                             'echo "$vdev $(xenstore-read "$path/params")"; done')
        return dict(line.split(" ", 1) for line in listing.splitlines())

    def _vbds(self) -> dict[str, str]:
        """Attachment -> Xen's number of the disk."""
        listing = self._node(
            f"back=/local/domain/0/backend/vbd/$(xl domid {self.name}); "
            "for n in $(xenstore-list $back 2>/dev/null); do echo $n $(xenstore-read $back/$n/params); done")
        rows = (line.split(" ", 1) for line in listing.splitlines())
        return {attachment_of(path): number for number, path in rows if "-iscsi-" in path}

    def disks(self) -> dict[str, str]:
        """Attachment -> serial number, which only the host's disk behind it has."""
        return {attachment: self._node(
            f"d=$(xenstore-read /local/domain/0/backend/vbd/$(xl domid {self.name})/{number}/physical-device); "
            "tail -c +5 /sys/dev/block/$((0x${d%:*})):$((0x${d#*:}))/device/vpd_pg80 | tr -d '\\0'").strip()
            for attachment, number in self._vbds().items()}

    def _device(self) -> str:
        """The name of its only disk. A guest that shares a processor is shown the disk before it has a name for it."""
        (name,) = self.run("while [ -z \"$(ls /sys/block)\" ]; do sleep 1; done; ls /sys/block").split()
        return name

    def write(self, pattern: int, offset: int, length: int) -> None:
        self.run(f"head -c {length} /dev/zero | tr '\\0' '\\{pattern:03o}' | "
                 f"dd of=/dev/{self._device()} bs=4096 seek={offset // 4096} conv=fsync 2>&1")

    def reads(self, pattern: int, offset: int, length: int) -> bool:
        other = self.run(f"echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/{self._device()} bs=4096 "
                         f"skip={offset // 4096} count={length // 4096} 2>/dev/null | "
                         f"tr -d '\\{pattern:03o}' | wc -c")
        return int(other) == 0

    def size_bytes(self) -> int:
        return 512 * int(self.run(f"cat /sys/block/{self._device()}/size"))


class LibvirtXenVm(XenVm):
    """The same, made by libvirt."""

    hypervisor = "libvirt-xen"


VMS = {vm.hypervisor: vm for vm in (QemuVm, LibvirtVm, XenVm, LibvirtXenVm)}
