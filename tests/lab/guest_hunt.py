"""What a guest of the lab holds and shows, brought to this machine to be searched for secrets: its files, what its
kernel tells of targets and sessions, its journal, its domains; and what it shows of its processes, all the while."""
import os
import subprocess
import tarfile
import threading
from typing import NamedTuple

from lab_case import SOURCE
from service import Service

_WATCH = os.path.join(SOURCE, "tests/lab/watch-processes")
# What the kernel makes up when it is asked says that it has 4096 bytes, and is filled up with zeros by tar. The parcel,
# which takes the archive, is a disk of the guest and a file here; what it saves is a minute of ssh.
_COLLECT = r"""
look=/run/lab-look
rm -rf $look && mkdir -m 700 $look $look/said && cd / || exit
journalctl -q -a -o export >$look/said/journal
dmesg >$look/said/dmesg
for domain in $(virsh -q list --all --name 2>/dev/null); do
  virsh -q dumpxml --security-info $domain >$look/said/domain-$domain
done
tar -c -b 2048 --ignore-failed-read --exclude=./{dev,proc,sys,usr,var/cache,var/lib/dpkg} \
  --transform='s,^\./run/lab-look/,./,' . dev/shm sys/kernel/config sys/devices/platform |
  dd of=/dev/disk/by-id/virtio-parcel bs=1M iflag=fullblock oflag=direct status=none
code=${PIPESTATUS[0]}
rm -r $look
[ "$code" -le 1 ]  # 1: a file has changed meanwhile
"""


class GuestFile(NamedTuple):
    path: str
    text: bytes
    mode: int
    owner: int


def files_of(guest) -> list[GuestFile]:
    """All but what came with packages."""
    Service.must(guest, _COLLECT)
    found = []
    with tarfile.open(guest.path("parcel")) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None:
                found.append(GuestFile(os.path.normpath("/" + member.name), content.read(), member.mode, member.uid))
    return found


def readable_for_anybody(guest, paths: list[str]) -> list[str]:
    """Those that a user without any rights can read."""
    said = Service.must(guest, "while read -r path; do if setpriv --reuid=65534 --regid=65534 --clear-groups "
                        'head -c 1 "$path" >/dev/null 2>&1; then echo "$path"; fi; done',
                        "".join(f"{path}\n" for path in paths).encode())
    return said.splitlines()


class GuestWatch(threading.Thread):
    """Collects what `watch-processes` tells in a guest."""

    def __init__(self, guest):
        super().__init__(daemon=True)
        self.shown: dict[bytes, str] = {}  # what /proc said -> where first
        self.started = self.missed = 0  # programs, and those that had ended before they could be looked at
        self._watches = threading.Event()
        guest.shell.copy([_WATCH], "/run/lab")
        guest.shell.connect()
        # Before all others: what is short-lived must not have ended by the time it is looked at.
        self._process = subprocess.Popen(guest.shell.command() + ["exec nice -n -20 perl /run/lab/watch-processes"],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self) -> None:
        super().start()
        assert self._watches.wait(60), "processes are not watched"

    def run(self) -> None:
        for line in self._process.stdout:
            place, _, content = line.strip().partition(" ")
            if place == "missed":
                self.missed, self.started = map(int, content.split())
            elif place == "watching":
                self._watches.set()
            else:
                self.shown.setdefault(bytes.fromhex(content), place)

    def stop(self) -> None:
        """Fails where it has not watched to the end."""
        if self._process.stdin.closed:
            return
        self._process.stdin.close()
        self.join()
        self._process.stdout.close()
        code = self._process.wait()
        assert code == 0, f"watch-processes has ended with {code}"
