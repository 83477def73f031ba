"""Processes that tests start and end: found by what they carry, never by a broad name."""
import os
import signal
import subprocess
import time

SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


def read_proc(process: int, entry: str) -> bytes:
    try:
        with open(f"/proc/{process}/{entry}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def process_state(process: int) -> str:
    """One letter as in proc(5); "" when there is no such process."""
    stat = read_proc(process, "stat")
    return stat.rpartition(b")")[2].split()[0].decode() if stat else ""


def is_alive(process: int) -> bool:
    return process_state(process) not in ("", "Z", "X")


def processes_of(folder: str) -> dict[int, str]:
    """Process id -> command line, of every process whose command line or environment names the
    folder: daemons by their configuration, tgtd by its control socket, QEMU by its sockets."""
    mark = folder.encode() + b"/"
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        command = read_proc(int(entry), "cmdline")
        if (mark in command or mark in read_proc(int(entry), "environ")) and is_alive(int(entry)):
            found[int(entry)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def end_processes(folder: str, seconds: float = 10.0) -> None:
    """SIGKILL to every process of the folder, and waits until they are gone."""
    deadline = time.monotonic() + seconds
    while found := processes_of(folder):
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > deadline:
            raise AssertionError(f"processes do not end: {found}")
        time.sleep(0.02)


class Daemon:
    """One of the real programs, with its log."""

    def __init__(self, name: str, argv: list[str], log: str):
        self.name = name
        self.log = log
        self._argv = argv
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self.is_running() else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_stopped(self) -> bool:
        """By SIGSTOP, as a fault point does it."""
        return self.is_running() and process_state(self.pid) == "T"

    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def start(self, env: dict[str, str] | None = None) -> None:
        assert not self.is_running(), f"{self.name} runs already"
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, env=os.environ | (env or {}))

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM; the exit code. One that does not end in time is killed and fails the test."""
        if not self.is_running():
            code = self.exit_code()
            return 0 if code is None else code
        self.send(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM") from None

    def kill9(self) -> None:
        if self.is_running():
            self.send(signal.SIGKILL)
            self.wait(20)

    def log_text(self) -> str:
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def sanitizer_report(self) -> str:
        """From the first line in which a sanitizer complains on; "" if none does."""
        lines = self.log_text().splitlines()
        for number, line in enumerate(lines):
            if any(mark in line for mark in SANITIZER_MARKS):
                return "\n".join(lines[number:number + 60])
        return ""
