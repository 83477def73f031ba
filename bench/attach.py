"""attach-volume and detach-volume beside a script that gives tgtd and QEMU the same orders."""
import json
import os
import random
import socket
import statistics
import subprocess
import time
import uuid

from qmp import Qmp
from stack import MIB, Stack

ROUNDS = 30
VM = "vm1"
IQN = "iqn.2026-01.bench:one"
NODE = "hv1"


class Agent:
    """The guest's own word about its disks. It answers one client at a time, and one that comes
    anew waits for up to 100 ms until it is noticed; so a talk is held open while something is
    awaited."""

    def __init__(self, stack: Stack):
        self._path = os.path.join(stack.vm_folder, f"{VM}.qga")

    def wait(self, serial: str, shown: bool) -> None:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(10)
            channel.connect(self._path)
            channel.sendall(b'\xff{"execute":"guest-sync-delimited","arguments":{"id":7}}\n')
            with channel.makefile("rb") as lines:
                while b"\xff" not in lines.readline():
                    pass
                while (serial in self._serials(channel, lines)) != shown:
                    time.sleep(0.005)

    @staticmethod
    def _serials(channel: socket.socket, lines) -> list[str]:
        channel.sendall(b'{"execute":"guest-get-disks"}\n')
        disks = json.loads(lines.readline())["return"]
        return [disk.get("address", {}).get("serial", "") for disk in disks]


class Script:
    """The same orders by hand: tgtadm for the export, QMP for the disk."""

    def __init__(self, stack: Stack, image: str):
        self._stack = stack
        self._image = image
        self._environment = {"TGT_IPC_SOCKET": stack.path("volumed/tgt/control")}
        self._agent = Agent(stack)

    def _tgtadm(self, *arguments: str) -> None:
        subprocess.run(["/usr/sbin/tgtadm", "-C", "1", "--lld", "iscsi", *arguments],
                       env=self._environment, check=True, capture_output=True)

    def attach(self, serial: str) -> None:
        self._tgtadm("--mode", "target", "--op", "new", "--tid", "9000", "-T", IQN)
        self._tgtadm("--mode", "logicalunit", "--op", "new", "--tid", "9000", "--lun", "1", "-b",
                     self._image, "--bstype", "rdwr")
        self._tgtadm("--mode", "logicalunit", "--op", "update", "--tid", "9000", "--lun", "1", "--params",
                     f"thin_provisioning=1,scsi_id={serial},scsi_sn={serial}")
        self._tgtadm("--mode", "account", "--op", "new", "--user", "bench", "--password", "secretsecret12")
        self._tgtadm("--mode", "account", "--op", "bind", "--tid", "9000", "--user", "bench")
        self._tgtadm("--mode", "target", "--op", "bind", "--tid", "9000", "-Q", f"iqn.2026-01.vbs:node-{NODE}")
        with Qmp(os.path.join(self._stack.vm_folder, f"{VM}.qmp")) as qmp:
            qmp.run("object-add", qom_type="secret", id="bench-secret", data="secretsecret12")
            qmp.run("blockdev-add", driver="raw", node_name="bench", discard="unmap", file={
                "driver": "iscsi", "node-name": "bench-p", "transport": "tcp",
                "portal": f"127.0.0.1:{self._stack.ports['portal']}", "target": IQN, "lun": 1,
                "user": "bench", "password-secret": "bench-secret",
                "initiator-name": f"iqn.2026-01.vbs:node-{NODE}", "timeout": 5, "cache": {"direct": True}})
            qmp.run("device_add", driver="scsi-hd", bus="scsi0.0", id="bench-disk", drive="bench",
                    serial=serial, scsi_id=99, lun=1)
        self._agent.wait(serial, True)

    def detach(self, serial: str) -> None:
        with Qmp(os.path.join(self._stack.vm_folder, f"{VM}.qmp")) as qmp:
            qmp.run("device_del", id="bench-disk")
            qmp.wait_deleted("bench-disk")
            qmp.run("blockdev-del", node_name="bench")
            qmp.run("object-del", id="bench-secret")
        self._tgtadm("--mode", "target", "--op", "delete", "--tid", "9000", "--force")
        self._tgtadm("--mode", "account", "--op", "delete", "--user", "bench")
        self._agent.wait(serial, False)


def rest() -> None:
    """So that no order meets the agent at a chosen moment of its 100 ms."""
    time.sleep(random.uniform(0.2, 0.5))


def by_api(stack: Stack, agent: Agent, volume: str) -> tuple[float, float]:
    """The service's answers stand for the guest's word: it asks the agent itself."""
    path = f"/v1/volumes/{volume}/attachments"
    rest()
    started = time.perf_counter()
    status, answer = stack.client.api("POST", path, {"vm": VM}, {"Prefer": "wait=30"})
    attached = time.perf_counter() - started
    assert status == 200 and answer["attachment"]["guest_device"], answer
    agent.wait(volume, True)
    rest()
    started = time.perf_counter()
    status, answer = stack.client.api("DELETE", f"{path}/{answer['attachment']['id']}", None,
                                      {"Prefer": "wait=30"})
    detached = time.perf_counter() - started
    assert status == 200 and not answer["operation"]["notes"], answer
    agent.wait(volume, False)
    return attached, detached


def by_script(script: Script) -> tuple[float, float]:
    serial = str(uuid.uuid4())
    rest()
    started = time.perf_counter()
    script.attach(serial)
    attached = time.perf_counter() - started
    rest()
    started = time.perf_counter()
    script.detach(serial)
    return attached, time.perf_counter() - started


def measure() -> None:
    subprocess.run([os.path.join(os.environ["VBS_SOURCE_DIR"], "deploy/guest/build"),
                    os.environ["VBS_GUEST_DIR"]], check=True, stdout=subprocess.DEVNULL)
    with Stack() as stack:
        stack.boot(VM)
        volume = stack.client.create_volume(size_bytes=64 * MIB)["id"]
        image = stack.path("bench.img")
        with open(image, "wb") as file:
            file.truncate(64 * MIB)
        script, agent = Script(stack, image), Agent(stack)
        ours, theirs = [], []
        for _ in range(ROUNDS):  # in turn, so that the machine's moods meet both
            ours.append(by_api(stack, agent, volume))
            theirs.append(by_script(script))
    print("\nUntil the guest's agent tells of the disk, or no longer does; "
          f"{ROUNDS} rounds in turn, median ms:\n")
    print("| | VBS | script | ratio |\n|---|---|---|---|")
    for index, name in enumerate(("attach-volume", "detach-volume")):
        vbs = statistics.median(pair[index] for pair in ours) * 1000
        hand = statistics.median(pair[index] for pair in theirs) * 1000
        print(f"| {name} | {vbs:.0f} | {hand:.0f} | {vbs / hand:.2f} |")
