"""One way to make each workflow run, for tests that kill a daemon in the middle of it."""
import http.client
import os
import shutil
import time
import uuid

from client import Problem
from qmp import Qmp
from stack import MIB, Stack

VM = "vm1"


class Scenario:
    """`prepare` brings the world into the state that the workflow needs; `trigger` starts it."""

    QUEUED_KIND = ""  # of operations that nobody asks for
    CALLS_NOT: tuple[str, ...] = ()  # steps that make no call here
    GIVEN_UP: tuple[int, ...] = ()  # answers about one that was rightly undone: its guest had no watch

    def __init__(self, stack: Stack):
        self.stack = stack
        self.client = stack.client
        self.key = str(uuid.uuid4())
        self.request: tuple | None = None
        self._queued_before = self._queued() if self.QUEUED_KIND else 0

    def prepare(self) -> None:
        pass

    def send(self, method: str, path: str, body=None) -> None:
        """Starts it; the service may die before it answers. `repeat` sends the same again."""
        self.request = (method, path, body)
        try:
            answer = self.client.api(method, path, body, {"Idempotency-Key": self.key}, seconds=20)
            assert answer[0] < 300, answer
        except (OSError, http.client.HTTPException):
            pass

    def trigger(self) -> None:
        raise NotImplementedError

    def wait_for_effect(self) -> None:
        """Until the operation exists; those that the reconciler queues take two sweeps."""
        if self.QUEUED_KIND:
            self.stack.wait_for(lambda: self._queued() > self._queued_before, 30,
                                f"no {self.QUEUED_KIND} was queued")

    def _queued(self) -> int:
        path = f"/v1/operations?kind={self.QUEUED_KIND}&limit=1000"
        return len(self.client.get(path)["operations"])

    def _detached(self, volume: str, attachment: str) -> bool:
        """A reconciler that saw the trouble just before it was mended looks after it once more."""
        try:
            self.client.change("DELETE", f"/v1/volumes/{volume}/attachments/{attachment}?force=true")
        except Problem as problem:
            if isinstance(problem.body, dict) and problem.body.get("code") == "operation-in-progress":
                return False
            raise
        return True

    def repeat(self) -> tuple[int, dict] | None:
        """What the same request with the same key answers later; None where there is no request."""
        if self.request is None:
            return None
        method, path, body = self.request
        return self.client.api(method, path, body, {"Idempotency-Key": self.key})

    def volume(self) -> str:
        volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        self.stack.stamp(volume)
        return volume

    def clear(self) -> None:
        """Removes every resource, so that scenarios do not see each other."""
        for volume in self.client.get("/v1/volumes?limit=1000")["volumes"]:
            for attachment in volume["attachments"]:
                self.stack.wait_for(lambda: self._detached(volume["id"], attachment["id"]), 30,
                                    "repairs go on and on")
            self.client.delete_volume(volume["id"])
        for snapshot in self.client.get("/v1/snapshots?limit=1000")["snapshots"]:
            self.client.delete_snapshot(snapshot["id"])


class CreateVolume(Scenario):
    def trigger(self):
        self.send("POST", "/v1/volumes", {"size_bytes": 4 * MIB, "name": f"name-{self.key}"})


class CloneVolume(Scenario):
    def prepare(self):
        snapshot = self.client.create_snapshot(self.volume())
        self.body = {"source": {"type": "snapshot", "id": snapshot["id"]}}

    def trigger(self):
        self.send("POST", "/v1/volumes", self.body)


class ModifyVolume(Scenario):
    """It grows. Nobody uses it, so that there is nobody to be shown the size."""
    CALLS_NOT = ("export-size", "session-size", "device-size")

    def prepare(self):
        self.path = f"/v1/volumes/{self.volume()}"

    def trigger(self):
        self.send("PATCH", self.path, {"size_bytes": 16 * MIB})


class ModifyAttachedVolume(Scenario):
    """It has the size already, which is shown to its VM once more: under tgtd nothing grows."""

    def prepare(self):
        volume = self.volume()
        self.client.attach(volume, VM)
        self.path = f"/v1/volumes/{volume}"

    def trigger(self):
        self.send("PATCH", self.path, {"size_bytes": 4 * MIB})


class DeleteVolume(Scenario):
    def prepare(self):
        self.path = f"/v1/volumes/{self.volume()}"

    def trigger(self):
        self.send("DELETE", self.path)


class CreateSnapshot(Scenario):
    """Of a volume that a VM writes to, so that every step makes a call."""
    #: The guest was let go before all of it was held or the copy was complete.
    GIVEN_UP = (409, 504)

    def prepare(self):
        self.body = {"volume_id": self.volume()}
        self.client.attach(self.body["volume_id"], VM)

    def trigger(self):
        self.send("POST", "/v1/snapshots", self.body)


class DeleteSnapshot(Scenario):
    def prepare(self):
        self.path = f"/v1/snapshots/{self.client.create_snapshot(self.volume())['id']}"

    def trigger(self):
        self.send("DELETE", self.path)


class AttachVolume(Scenario):
    def prepare(self):
        self.path = f"/v1/volumes/{self.volume()}/attachments"

    def trigger(self):
        self.send("POST", self.path, {"vm": VM})


class DetachVolume(Scenario):
    def prepare(self):
        volume = self.volume()
        attachment = self.client.attach(volume, VM)
        self.path = f"/v1/volumes/{volume}/attachments/{attachment['id']}"

    def trigger(self):
        self.send("DELETE", self.path)


class RepairAttachment(Scenario):
    """Somebody unplugs the disk by hand; the reconciler must present it again."""
    QUEUED_KIND = "repair-attachment"

    def prepare(self):
        self.attachment = self.client.attach(self.volume(), VM)

    def trigger(self):
        with Qmp(os.path.join(self.stack.vm_folder, f"{VM}.qmp")) as qmp:
            device = f"vbs-{self.attachment['id']}"
            qmp.run("device_del", id=device)
            while device in qmp.children("/machine/peripheral"):
                time.sleep(0.05)


class RemoveLeftover(Scenario):
    """The file of a deleted volume comes back by hand; the reconciler must remove it."""
    QUEUED_KIND = "remove-leftover"

    def prepare(self):
        volume = self.volume()
        path = os.path.join(self.stack.store, "volumes", f"{volume}.img")
        self.kept = self.stack.path("kept.img")
        self.path = path
        shutil.copy(path, self.kept)
        self.client.delete_volume(volume)

    def trigger(self):
        os.rename(self.kept, self.path)


#: By the kind of operation; every kind must be here.
BY_KIND = {
    "create-volume": [CreateVolume, CloneVolume],
    "modify-volume": [ModifyVolume, ModifyAttachedVolume],
    "delete-volume": [DeleteVolume],
    "create-snapshot": [CreateSnapshot],
    "delete-snapshot": [DeleteSnapshot],
    "attach-volume": [AttachVolume],
    "detach-volume": [DetachVolume],
    "repair-attachment": [RepairAttachment],
    "remove-leftover": [RemoveLeftover],
}


def settle(stack: Stack, seconds: float = 60.0) -> None:
    """Waits until no operation is in flight, then asks the oracle."""
    stack.wait_for(lambda: not stack.client.get("/v1/operations?live=true")["operations"], seconds,
                   "operations are still in flight")
    stack.assert_consistent(seconds)
