"""The virtual machines of the lab's VMM nodes, as tests use them: what they show, and reading and
writing through them."""
import json
import shlex
import subprocess

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
        said = self._io(f"write -f -P {pattern} {offset} {length}")
        assert f"wrote {length}/{length} bytes" in said, said

    def reads(self, pattern: int, offset: int, length: int) -> bool:
        said = self._io(f"read -P {pattern} {offset} {length}")
        assert f"read {length}/{length} bytes" in said, said
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


VMS = {"qemu": QemuVm, "libvirt": LibvirtVm}
