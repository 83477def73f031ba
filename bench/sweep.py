"""What a sweep of the reconciler takes and costs, by number of volumes that are really there."""
import concurrent.futures
import http.client
import json
import os
import statistics
import subprocess
import threading
import time
from string import ascii_lowercase

from load import TICK, resident_mib
from stack import DAEMONS, MIB, Stack

SWEEPS = 10
CLIENTS = 16
ATTACHED = 200
VM = "vm1"
_local = threading.local()


def ask(stack: Stack, method: str, path: str, body: dict | None = None) -> dict:
    """Over a connection that each thread keeps; who is told to come again later does."""
    connection = _local.__dict__.setdefault(
        str(stack.ports["vbsd"]), http.client.HTTPConnection("127.0.0.1", stack.ports["vbsd"], timeout=60))
    headers = {"Authorization": f"Bearer {stack.client.token}", "Content-Type": "application/json",
               "Prefer": "wait=30"}
    while True:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 200:
            return json.loads(text)
        if answer.status == 202:  # the machine is busy
            stack.client.wait_operation(json.loads(text)["operation"]["id"])
            return json.loads(text)
        assert answer.status == 503, text
        time.sleep(0.2)


def make(stack: Stack, count: int) -> list[str]:
    """So many volumes, by the front's own create-volume; their ids."""
    def one(_: int) -> str:
        return ask(stack, "POST", "/v1/volumes", {"size_bytes": MIB})["volume"]["id"]
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(one, range(count)))


def attach(stack: Stack, volumes: list[str]) -> None:
    stack.boot(VM)
    names = (f"/dev/sd{first}{second}" for first in ascii_lowercase for second in ascii_lowercase)
    for volume, name in zip(volumes, names):
        ask(stack, "POST", f"/v1/volumes/{volume}/attachments", {"vm": VM, "device": name})


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cpu_of_each(stack: Stack) -> dict[str, float]:
    return {**{name: cpu_seconds(stack.daemons[name].pid) for name in DAEMONS}, "tgtd": cpu_seconds(stack.tgtd())}


def watch(stack: Stack) -> dict[str, float]:
    """Over some sweeps: the time of one and the CPU that each process uses for one, and the longest that
    somebody waited who needs the thread on which sweeps run."""
    times: dict[str, int] = {}
    longest = 0.0
    before: dict[str, float] = {}
    while len(times) <= SWEEPS:
        asked = time.perf_counter()
        stack.client.api("GET", "/metrics")
        longest = max(longest, time.perf_counter() - asked)
        audit = stack.client.get("/v1/audit")
        assert audit["findings"] == [], audit["findings"][:3]
        times[audit["swept_at"]] = audit["sweep_ms"]
        before = before or cpu_of_each(stack)  # at the end of a sweep, as the last look will be
        time.sleep(0.02)
    cpu = {name: (used - before[name]) / SWEEPS * 1000 for name, used in cpu_of_each(stack).items()}
    return {"sweep": statistics.median(times.values()), "slowest": max(times.values()), "wait": longest * 1000, **cpu}


def row(name: str, stack: Stack, made: str) -> None:
    seen = watch(stack)
    cpu = " / ".join(f"{seen[key]:.0f}" for key in ("vbsd", "vbs-volumed", "vbs-vmmd", "tgtd"))
    print(f"| {name} | {made} | {seen['sweep']:.0f} / {seen['slowest']:.0f} | {cpu} | {seen['wait']:.0f} "
          f"| {resident_mib(stack):.0f} |", flush=True)


def measure() -> None:
    print("\nA sweep each second, and what it costs:\n")
    print("| volumes | made a second | sweep: median / slowest ms | CPU ms of a sweep: vbsd / volumed / vmmd / tgtd "
          "| longest wait ms | resident MiB |")
    print("|---|---|---|---|---|---|")
    subprocess.run([os.path.join(os.environ["VBS_SOURCE_DIR"], "deploy/guest/build"),
                    os.environ["VBS_GUEST_DIR"]], check=True, stdout=subprocess.DEVNULL)
    with Stack({"vbsd": {"sweep_interval": "1s"}}) as stack:
        volumes: list[str] = []
        for count in (100, 1_000, 10_000):
            started = time.monotonic()
            more = make(stack, count - len(volumes))
            volumes += more
            row(f"{count:,}", stack, f"{len(more) / (time.monotonic() - started):.0f}")
        started = time.monotonic()
        attach(stack, volumes[:ATTACHED])
        row(f"{len(volumes):,}, {ATTACHED} attached", stack, f"{ATTACHED / (time.monotonic() - started):.1f}")
