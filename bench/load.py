"""Requests a second, latency, CPU and memory of the front under wrk, by number of volumes."""
import os
import re
import sqlite3
import subprocess
import tempfile
import uuid

from stack import MIB, Stack

TICK = os.sysconf("SC_CLK_TCK")
SECONDS = 8
CREATE = """wrk.method = "POST"
wrk.body = '{"size_bytes":1048576}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Prefer"] = "wait=10"
"""


def cpu_seconds(stack: Stack) -> float:
    """User and system time of all daemons so far."""
    total = 0
    for daemon in stack.daemons.values():
        with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_mib(stack: Stack) -> float:
    total = 0
    for pid in [daemon.pid for daemon in stack.daemons.values()] + [stack.tgtd()]:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            total += int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
    return total / 1024


def wrk(stack: Stack, path: str, connections: int, script: str = "") -> dict[str, float]:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency",
               "-H", f"Authorization: Bearer {stack.client.token}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script:
            file.write(script)
            file.flush()
            command += ["-s", file.name]
        before = cpu_seconds(stack)
        done = subprocess.run(command + [f"http://127.0.0.1:{stack.ports['vbsd']}{path}"],
                              capture_output=True, text=True, check=True)
        used = cpu_seconds(stack) - before
    if "Non-2xx" in done.stdout:
        raise AssertionError(done.stdout)
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]),
            "p50": milliseconds(re.search(r"(?m)^ +50% +(\S+)", done.stdout)[1]),
            "p99": milliseconds(re.search(r"(?m)^ +99% +(\S+)", done.stdout)[1]),
            "cpu": used / max(requests, 1) * 1e6}


def milliseconds(text: str) -> float:
    value, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def fill(stack: Stack, count: int) -> str:
    """Rows of `count` volumes on a server that is not configured, so that no sweep asks for them;
    the id of one in the middle. The front is restarted over them."""
    stack.stop("vbsd")
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with sqlite3.connect(stack.database) as database:
        database.executemany(
            "INSERT INTO volumes (uid, project, name, size_bytes, node, state, tags, created_at,"
            " updated_at) VALUES (?, 'default', ?, ?, 'elsewhere', 'available', '{}', 1, 1)",
            ((uid, f"bench-{uid}", MIB) for uid in ids))
    stack.start("vbsd")
    stack.wait_ready()
    return ids[count // 2]


def row(name: str, figures: dict[str, float], other: str = "") -> None:
    print(f"| {name} | {figures['rate']:.0f} | {figures['p50']:.2f} / {figures['p99']:.2f} "
          f"| {figures['cpu']:.0f} | {other} |", flush=True)


def head() -> None:
    print("| request | per second | p50 / p99 ms | CPU us a request | beside it |")
    print("|---|---|---|---|---|")


def measure_api() -> None:
    with Stack({"vbsd": {"sweep_interval": "10s"}}) as stack:
        uid = fill(stack, 10_000)
        print("\n10,000 volumes, 16 clients but for the list (4):\n")
        head()
        ceiling = wrk(stack, "/healthz", 16)
        row("GET /healthz (no database)", ceiling)
        one = wrk(stack, f"/v1/volumes/{uid}", 16)
        row("GET /v1/volumes/{id}", one, f"{one['rate'] / ceiling['rate']:.2f} of /healthz")
        listed = wrk(stack, "/v1/volumes?limit=1000", 4)
        row("GET /v1/volumes?limit=1000", listed, f"{1000 * listed['rate'] / one['rate']:.1f} "
            "volumes in the time of one GET")
        created = wrk(stack, "/v1/volumes", 16, CREATE)
        row("create to available", created)
        print(f"\nResident memory of vbsd, vbs-volumed, vbs-vmmd and tgtd: {resident_mib(stack):.0f} MiB")


def measure_scale() -> None:
    print("\nBy number of volumes, 16 clients but for the list (4):\n")
    head()
    for count in (100, 10_000, 1_000_000):
        with Stack({"vbsd": {"sweep_interval": "60s"}}) as stack:
            uid = fill(stack, count)
            row(f"{count:,}: GET one", wrk(stack, f"/v1/volumes/{uid}", 16))
            row(f"{count:,}: list of {min(count, 1000)}", wrk(stack, "/v1/volumes?limit=1000", 4))
            row(f"{count:,}: create", wrk(stack, "/v1/volumes", 16, CREATE))
