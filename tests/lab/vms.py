"""The virtual machines of the lab's VMM nodes, as tests use them: what they show, and reading and
writing through them."""
import json
import re
import shlex
import subprocess

from reality import attachment_of
from service import Service


class QemuVm:
    """A QEMU whose processors stand still. Its second QMP socket belongs to the tests."""

    def __init__(self, service: Service, name: str):
        self.name = name
        self._service = service
        Service.must(service.node, f"lab-vm start qemu {name}")

    def stop(self) -> None:
        Service.must(self._service.node, f"lab-vm stop qemu {self.name}")

    def _qmp(self, command: str, **arguments):
        guest = self._service.node
        guest.connect()
        with subprocess.Popen(guest.ssh_command() + [f"socat - UNIX-CONNECT:/run/lab-vms/{self.name}.lab"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as talk:
            assert talk.stdin is not None and talk.stdout is not None
            talk.stdout.readline()
            for message in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                talk.stdin.write(json.dumps(message) + "\n")
                answer = json.loads(talk.stdout.readline())
                while "event" in answer:
                    answer = json.loads(talk.stdout.readline())
            talk.stdin.close()
        if "error" in answer:
            raise AssertionError(f"{command} {arguments}: {answer['error']['desc']}")
        return answer["return"]

    def disks(self) -> dict[str, str]:
        """Attachment -> serial number."""
        names = [child["name"] for child in self._qmp("qom-list", path="/machine/peripheral")]
        return {name.removeprefix("vbs-"): self._qmp("qom-get", path=f"/machine/peripheral/{name}",
                                                     property="serial")
                for name in names if name.startswith("vbs-")}

    def _io(self, command: str) -> str:
        """One of qemu-io's commands on the only disk; QEMU prints its outcome to the journal."""
        (attachment,) = self.disks()
        self._qmp("human-monitor-command",
                  **{"command-line": f'qemu-io -d /machine/peripheral/vbs-{attachment} "{command}"'})
        return Service.must(self._service.node, f"journalctl -q -o cat -n 4 -u lab-vm-{self.name}")

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
        (disk,) = [block for block in self._qmp("query-block")
                   if block.get("qdev", "").startswith("/machine/peripheral/vbs-") or
                   block.get("qdev", "").startswith("vbs-")]
        return disk["inserted"]["image"]["virtual-size"]


class LibvirtVm(QemuVm):
    """The same as a domain of libvirt's."""

    def __init__(self, service: Service, name: str):  # pylint: disable=super-init-not-called
        self.name = name
        self._service = service
        Service.must(service.node, f"lab-vm start libvirt {name}")

    def stop(self) -> None:
        Service.must(self._service.node, f"lab-vm stop libvirt {self.name}")

    def _qmp(self, command: str, **arguments):
        message = json.dumps({"execute": command, "arguments": arguments})
        answer = json.loads(Service.must(self._service.node,
                                         f"virsh -q qemu-monitor-command {self.name} {shlex.quote(message)}"))
        if "error" in answer:
            raise AssertionError(f"{command} {arguments}: {answer['error']['desc']}")
        return answer["return"]

    def disks(self) -> dict[str, str]:
        names = [child["name"] for child in self._qmp("qom-list", path="/machine/peripheral")]
        return {name.partition("vbs-")[2]: self._qmp("qom-get", path=f"/machine/peripheral/{name}",
                                                     property="serial")
                for name in names if "vbs-" in name}

    def _io(self, command: str) -> str:
        (name,) = [child["name"] for child in self._qmp("qom-list", path="/machine/peripheral")
                   if "vbs-" in child["name"]]
        self._qmp("human-monitor-command",
                  **{"command-line": f'qemu-io -d /machine/peripheral/{name} "{command}"'})
        return Service.must(self._service.node, f"tail -n 4 /var/log/libvirt/qemu/{self.name}.log")


class XenVm:
    """A paravirtual domain that runs. Commands are given to the shell on its console."""

    def __init__(self, service: Service, name: str):
        self.name = name
        self._service = service
        Service.must(service.node, f"lab-vm start xen {name}")

    def stop(self) -> None:
        Service.must(self._service.node, f"lab-vm stop xen {self.name}")

    def run(self, command: str) -> str:
        """In the guest."""
        return Service.must(self._service.node, f"lab-vm run xen {self.name} {shlex.quote(command)}")

    def block_list(self) -> dict[str, str]:
        """Device number -> its device in dom0, as `xl block-list` and the XenStore show them."""
        listing = Service.must(self._service.node,
                               f"xl block-list {self.name} | tail -n +2 | while read -r vdev _ _ _ _ _ path; do "
                               'echo "$vdev $(xenstore-read "$path/params")"; done')
        return dict(line.split(" ", 1) for line in listing.splitlines())

    def _vbds(self) -> dict[str, str]:
        """Attachment -> Xen's number of the disk."""
        listing = Service.must(
            self._service.node,
            f"back=/local/domain/0/backend/vbd/$(xl domid {self.name}); "
            "for n in $(xenstore-list $back 2>/dev/null); do echo $n $(xenstore-read $back/$n/params); done")
        rows = (line.split(" ", 1) for line in listing.splitlines())
        return {re.search(r":([0-9a-f-]{36})-lun-", path).group(1): number
                for number, path in rows if "-iscsi-" in path}

    def disks(self) -> dict[str, str]:
        """Attachment -> serial number, which only the host's disk behind it has."""
        return {attachment: Service.must(
            self._service.node,
            f"d=$(xenstore-read /local/domain/0/backend/vbd/$(xl domid {self.name})/{number}/physical-device); "
            "tail -c +5 /sys/dev/block/$((0x${d%:*})):$((0x${d#*:}))/device/vpd_pg80 | tr -d '\\0'").strip()
            for attachment, number in self._vbds().items()}

    def _device(self) -> str:
        (name,) = self.run("ls /sys/block").split()
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


VMS = {"qemu": QemuVm, "libvirt": LibvirtVm, "xen": XenVm}
