"""A small client of QEMU's machine protocol, apart from the product's own: what a VM really has."""
import json
import socket


class Qmp:
    """One connection; QEMU serves one client at a time, so keep it short."""

    def __init__(self, path: str, seconds: float = 10.0):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds)
        self._socket.connect(path)
        self._lines = self._socket.makefile("rb")
        self._events: list[dict] = []
        greeting = json.loads(self._lines.readline())
        if "QMP" not in greeting:
            raise ConnectionError(f"no QMP greeting at {path}: {greeting}")
        self.run("qmp_capabilities")

    def __enter__(self) -> "Qmp":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def run(self, command: str, **arguments):
        """The command's return value; RuntimeError with QEMU's text when it refuses."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = {key.replace("_", "-"): value
                                    for key, value in arguments.items()}
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self._read()
            if "error" in answer:
                raise RuntimeError(answer["error"]["desc"])
            if "return" in answer:
                return answer["return"]
            self._events.append(answer)

    def wait_deleted(self, device: str) -> None:
        """Until QEMU's event says that the device has left the VM."""
        while not any(event.get("event") == "DEVICE_DELETED" and
                      event["data"].get("device") == device for event in self._events):
            self._events.append(self._read())

    def _read(self) -> dict:
        if line := self._lines.readline():
            return json.loads(line)
        raise ConnectionError("QEMU closed the connection")

    def children(self, path: str) -> list[str]:
        return [child["name"] for child in self.run("qom-list", path=path)]

    def disks(self) -> dict[str, str]:
        """Id -> serial number, of the plugged devices of VBS."""
        return {name: self.run("qom-get", path=f"/machine/peripheral/{name}", property="serial")
                for name in self.children("/machine/peripheral") if name.startswith("vbs-")}

    def nodes(self) -> list[str]:
        """Names of the block nodes of VBS: disks and, below them, iSCSI logins."""
        return [node["node-name"] for node in self.run("query-named-block-nodes", flat=True)
                if node["node-name"].startswith(("vbs-", "vbp-"))]

    def secrets(self) -> list[str]:
        return [name for name in self.children("/objects") if name.startswith("vbs-")]

    def status(self) -> str:
        """"running", "paused", ..."""
        return self.run("query-status")["status"]


def agent_freeze_state(path: str, seconds: float = 10.0) -> str:
    """"thawed" or "frozen", from the guest agent itself."""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(seconds)
        agent.connect(path)
        agent.sendall(b'\xff{"execute":"guest-sync-delimited","arguments":{"id":7}}\n'
                      b'{"execute":"guest-fsfreeze-status"}\n')
        with agent.makefile("rb") as lines:
            while line := lines.readline():
                answer = json.loads(line.lstrip(b"\xff").decode(errors="replace") or "{}")
                if answer.get("return") in ("thawed", "frozen"):
                    return answer["return"]
    raise ConnectionError("the guest agent closed the connection")
