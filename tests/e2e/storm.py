"""Good clients in calm, and then beside thousands of hostile ones (hostile_clients.py)."""
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import uuid

from good_client import start_good_clients
from stack import MIB, Stack

PLAIN = ("silent", "idle", "slow-header", "slow-body", "slow-chunks", "pipeline", "chunk-bomb", "two-lengths",
         "depth-bomb")
TLS = ("silent", "half-hello", "hello", "hello", "two-lengths")
SLOW_READERS = 40
#: Before the storm; until all of its connections were opened once; and then.
CALM, COMING, BESIDE = "calm", "coming", "beside"
STORM = (COMING, BESIDE)
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile_clients.py")
_LONG_TAGS = json.dumps({f"tag{number}": "t" * 256 for number in range(32)})


def add_long_list(stack: Stack) -> None:
    """Rows of a project of their own, "bulk", whose list is longer than a socket's buffers (3 MB); on a server that
    is not configured, so that no sweep asks for them."""
    stack.stop("vbsd")
    with sqlite3.connect(stack.database) as rows:
        rows.executemany(
            "INSERT INTO volumes (uid, project, name, size_bytes, node, state, tags, created_at, updated_at)"
            " VALUES (?, 'bulk', NULL, ?, 'elsewhere', 'available', ?, 1, 1)",
            ((str(uuid.uuid4()), MIB, _LONG_TAGS) for _ in range(300)))
    stack.start("vbsd")
    stack.wait_ready()


class Storm:
    """What was measured of the front and its good clients. `kinds` share the connections; `wait`: so many
    seconds after the storm the server has for closing what is left of it."""

    def __init__(self, stack: Stack, kinds: tuple[str, ...], *, connections: int, pace: int, calm: float,
                 seconds: float, wait: float, slow_readers: int = 0):
        self._stack = stack
        self.resident_before = self.resident_most = 0
        clients = start_good_clients(stack)
        time.sleep(calm)
        self.resident_before, self.files_before = self._resident(), self.files()
        self._began = time.monotonic()
        storm = [self._start(connections // 2, seconds, pace // 2, wait, kinds) for _ in range(2)]
        if slow_readers:
            storm.append(self._start(slow_readers, seconds, 1, wait, ("slow-reader",)))
        while time.monotonic() < self._began + seconds:
            self.resident_most = max(self.resident_most, self._resident())
            time.sleep(0.1)
        for client in clients:
            client.end()
        self.reports = [json.loads(process.communicate(timeout=seconds + wait + 60)[0]) for process in storm]
        self.failures = [failure for client in clients for failure in client.failures]
        self.names = sorted({client.name for client in clients})
        self._took = [(client.name, *took) for client in clients for took in client.took]

    def _start(self, connections: int, seconds: float, pace: int, wait: float,
               kinds: tuple[str, ...]) -> subprocess.Popen:
        client = self._stack.client
        return subprocess.Popen(
            [sys.executable, _PROGRAM, client.host, str(client.port), str(connections), str(seconds), str(pace),
             str(wait), *kinds], stdout=subprocess.PIPE, text=True, env=os.environ | {"VBS_TOKEN": client.token})

    def _resident(self) -> int:
        with open(f"/proc/{self._stack.daemons['vbsd'].pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) * 1024

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self._stack.daemons['vbsd'].pid}/fd"))

    def grown_by(self) -> int:
        return self.resident_most - self.resident_before

    def _phase(self, moment: float) -> str:
        if moment < self._began:
            return CALM
        return COMING if moment < self._began + max(report["opened_all_after"] for report in self.reports) else BESIDE

    def samples(self, name: str, *phases: str) -> list[float]:
        return [took for asked, start, took in self._took if asked == name and self._phase(start) in phases]

    def percentile(self, name: str, share: float, *phases: str) -> float:
        """Of the times that answers took, in seconds; of the clients of one of `names`."""
        values = sorted(self.samples(name, *phases))
        return values[min(len(values) - 1, int(len(values) * share))]
