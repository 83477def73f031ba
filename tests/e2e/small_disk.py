"""A small file system of a test's own, for tests that fill it.

The test's process and its children get a mount namespace of their own, so that the mount goes with
the last of them however the test ends, and nobody else sees it.
"""
import contextlib
import ctypes
import os
import subprocess
import sys
import tempfile

_CLONE_NEWNS = 0x00020000  # <linux/sched.h>
_SKIPPED = 77


class CannotMount(Exception):
    pass


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMount(f"{command[0]}: {done.stderr.strip()}")


class SmallDisk:
    """An ext4 of its own. `fill` leaves not one free block, as some other program might do it."""
    _separated = False

    def __init__(self, mebibytes: int):
        self._folder = tempfile.TemporaryDirectory(prefix="vbs-disk-", dir="/tmp")
        self.path = os.path.join(self._folder.name, "mount")
        self._mounted = False
        try:
            self._mount(mebibytes << 20)
        except BaseException:
            self._folder.cleanup()
            raise

    def _mount(self, size: int) -> None:
        if os.geteuid() != 0:
            raise CannotMount("mounting needs root")
        if not SmallDisk._separated:
            if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
                raise CannotMount(f"unshare: {os.strerror(ctypes.get_errno())}")
            _run("mount", "--make-rprivate", "/")
            SmallDisk._separated = True
        image = os.path.join(self._folder.name, "image")
        os.mkdir(self.path, 0o700)
        with open(image, "wb") as file:
            file.truncate(size)
        # Not smaller than a page, as on larger disks: SQLite maps a file that it extends by pages.
        _run("mkfs.ext4", "-qF", "-b", "4096", image)
        _run("mount", "-o", "loop", image, self.path)
        self._mounted = True

    def __enter__(self) -> "SmallDisk":
        return self

    def __exit__(self, *_: object) -> None:
        if self._mounted:
            _run("umount", "--lazy", self.path)
        self._folder.cleanup()

    def remount(self, option: str) -> None:
        """"ro" or "rw"."""
        _run("mount", "-o", f"remount,{option}", self.path)

    def free(self) -> int:
        space = os.statvfs(self.path)
        return space.f_bavail * space.f_frsize

    def fill(self) -> None:
        with open(os.path.join(self.path, "filler"), "ab", buffering=0) as file:
            for chunk in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(b"f" * chunk):
                        pass
                except OSError:
                    pass
            os.fsync(file.fileno())

    def empty(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.path, "filler"))


def make_or_skip(mebibytes: int) -> SmallDisk:
    try:
        return SmallDisk(mebibytes)
    except (CannotMount, FileNotFoundError) as problem:
        print(f"skipped: {problem}")
        sys.stdout.flush()
        os._exit(_SKIPPED)
