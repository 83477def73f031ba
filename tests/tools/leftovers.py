"""Finds processes that outlive those who started them, by adopting them (Linux subreaper)."""
import ctypes
import os
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36


def descendants(root: int) -> dict[int, str]:
    """Process id -> command line, of every process below `root` that is no zombie."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            parents[int(entry)] = int(parent)
    found: dict[int, str] = {}
    for process in parents:
        ancestor = process
        while ancestor in parents and ancestor != root:
            ancestor = parents[ancestor]
        if ancestor == root and process != root:
            found[process] = command_line(process)
    return found


def command_line(process: int) -> str:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Reaper:
    """While it is entered, orphans below this process come to it instead of to process 1."""

    def __enter__(self) -> "Reaper":
        self._set(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._set(0)

    def end_leftovers(self, settle_seconds: float) -> list[str]:
        """Waits until no process is left below this one, at most so long; then kills the rest and
        returns their command lines."""
        deadline = time.monotonic() + settle_seconds
        while descendants(os.getpid()) and time.monotonic() < deadline:
            self._collect_zombies()
            time.sleep(0.05)
        left = descendants(os.getpid())
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return [f"{process} {command}" for process, command in sorted(left.items())]

    @staticmethod
    def _set(value: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_CHILD_SUBREAPER, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")

    @staticmethod
    def _collect_zombies() -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass
