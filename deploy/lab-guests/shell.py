"""The way into a guest: commands and files for root there."""
import io
import os
import shlex
import subprocess
import tarfile
import time

# A disk through which files come in: an emulated processor takes a second to decipher 2 MB of ssh.
PARCEL_BYTES = 512 << 20
_BLOCK = 1 << 20
_SSH_TRIES_SECONDS = 180.0


class LabError(Exception):
    """What a person can read and act on."""


class Shell:
    """Of one guest."""

    def __init__(self, guest):
        self._guest = guest

    def command(self) -> list[str]:
        # The first connection stays open for the others: an emulated machine takes a second for a key exchange.
        return ["ssh", "-q", "-F", "/dev/null", "-i", self._guest.key, "-p", str(self._guest.port("ssh")),
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes",
                "-o", "ControlMaster=auto", "-o", "ControlPersist=600", "-o", f"ControlPath={self._guest.path('ssh')}",
                "-o", "ConnectTimeout=20", "root@127.0.0.1"]

    def talk(self, words: list[str]) -> int:
        """A shell for a person, or one command on the terminal of whoever calls."""
        self.connect()
        return subprocess.run(self.command() + _remote(words), check=False).returncode

    def connect(self) -> None:
        """Opens the connection that the commands share; a guest that has just started is waited for."""
        if subprocess.run(self.command() + ["-O", "check"], capture_output=True, check=False).returncode == 0:
            return
        end = time.monotonic() + _SSH_TRIES_SECONDS
        while True:
            done = subprocess.run(self.command() + ["true"], stdin=subprocess.DEVNULL, capture_output=True,
                                  check=False)
            if done.returncode == 0:
                return
            if time.monotonic() > end or not self._guest.running():
                raise LabError(f"the guest {self._guest.name} lets nobody in: {done.stderr.decode().strip()}\n"
                               f"Its console ends with: {self._guest.last_words()}")
            time.sleep(0.2)

    def run(self, *words: str, stdin: bytes = b"", seconds: float = 300.0) -> subprocess.CompletedProcess:
        """One command (one word: shell text), with its exit code and output, as bytes."""
        self.connect()
        return subprocess.run(self.command() + _remote(list(words)), input=stdin, capture_output=True,
                              timeout=seconds, check=False)

    def copy(self, files: list[str], folder: str) -> None:
        """Files of this machine into a folder of the guest, which is made where it is missing."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for file in files:
                tar.add(file, os.path.join(folder, os.path.basename(file)))
        self.unpack(archive.getvalue())

    def unpack(self, archive: bytes) -> None:
        """The files of a tar archive, whose names are those in the guest, into the guest."""
        blocks = -(-len(archive) // _BLOCK)
        if blocks * _BLOCK > PARCEL_BYTES:
            raise LabError(f"{len(archive)} bytes are too many for one parcel")
        with open(self._guest.path("parcel"), "r+b") as parcel:
            parcel.write(archive.ljust(blocks * _BLOCK, b"\0"))
        # tar hangs up on dd when the archive ends, and complains when it ends too soon.
        done = self.run(f"dd if=/dev/disk/by-id/virtio-parcel iflag=direct status=none bs={_BLOCK} count={blocks} | "
                        "tar -x -C / --no-same-owner && sync", seconds=300)
        if done.returncode != 0:
            raise LabError(f"cannot copy files into {self._guest.name}: {done.stderr.decode(errors='replace').strip()}")

    def hang_up(self) -> None:
        if os.path.exists(self._guest.path("ssh")):
            subprocess.run(self.command() + ["-O", "exit"], capture_output=True, check=False)


def _remote(words: list[str]) -> list[str]:
    return words if len(words) <= 1 else [shlex.join(words)]
