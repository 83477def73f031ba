"""Builds the fuzz targets and runs them.

    fuzz.py build                               the preset "fuzz", into build/fuzz
    fuzz.py short TARGET SECONDS [RECORDED...]  replays the target's inputs, then looks for more
    fuzz.py long TARGET [RECORDED...]           for VBS_FUZZ_SECONDS (3600); keeps what it finds, goes on where it was
    fuzz.py tally                               seconds of CPU and executions of all targets that have run so
    fuzz.py keep                                moves that into the source: to tests/fuzz/tally.json, and to
                                                tests/fuzz/corpus what covers more than is there

An input that breaks something is kept in build/fuzz/TARGET, and the output names it. RECORDED are folders of
tests/recorded that are inputs too.
"""
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build" / "fuzz"
TALLY = SOURCE / "tests" / "fuzz" / "tally.json"
# One input: a parser takes milliseconds, but the machine may be busy.
INPUT_SECONDS = 25
MEMORY_MB = 1024
# A run that is killed loses no more of the tally than this.
SLICE_SECONDS = 300
# What is kept is for people, too.
KEPT_BYTES = 2048


def build() -> int:
    for command in (["cmake", "--preset", "fuzz"], ["cmake", "--build", str(BUILD)]):
        code = subprocess.run([*command, *(["--parallel", "1"] if "--build" in command else [])],
                              cwd=SOURCE, check=False).returncode
        if code:
            return code
    return 0


def inputs_of(target: str, recorded: list[str]) -> list[str]:
    """Folders with inputs for the target."""
    here = SOURCE / "tests" / "fuzz"
    folders = [here / "corpus" / target, here / "regressions" / target]
    folders += [SOURCE / "tests" / "recorded" / name for name in recorded]
    return [str(folder) for folder in folders if folder.is_dir()]


def fuzz(target: str, seconds: int, new: str, folders: list[str]) -> tuple[int, int]:
    """One run of libFuzzer, which puts inputs that reach something new into the first folder. Its exit code and the
    number of executions."""
    kept = BUILD / target
    kept.mkdir(exist_ok=True)
    command = [str(BUILD / "bin" / f"{target}_fuzz"), f"-max_total_time={seconds}",
               f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}",
               f"-artifact_prefix={kept}/", "-print_final_stats=1", "-use_value_profile=1", new,
               *folders]
    # Targets that keep files write them durably; in memory that costs nothing.
    environment = {**os.environ, "TMPDIR": "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"}
    run = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    print(run.stdout, flush=True)
    executions = re.search(r"number_of_executed_units: (\d+)", run.stdout)
    if run.returncode:
        print(f"{target} is broken by the input that is named above; repeat it by giving it to {command[0]}")
    return run.returncode, int(executions[1]) if executions else 0


def run_short(target: str, seconds: int, recorded: list[str]) -> int:
    with tempfile.TemporaryDirectory() as new:
        return fuzz(target, seconds, new, inputs_of(target, recorded))[0]


def read_tally(target: str) -> Counter[str]:
    """Of the runs since `keep`."""
    file = BUILD / target / "tally.json"
    return Counter(json.loads(file.read_text()) if file.exists() else {})


def write_json(file: Path, value: dict) -> None:
    whole = file.with_suffix(".new")
    whole.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    whole.rename(file)


def cpu_seconds() -> float:
    """Of the targets that have run. Beside other work an hour by the clock may be little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_long(target: str, recorded: list[str]) -> int:
    end = time.monotonic() + int(os.environ.get("VBS_FUZZ_SECONDS", "3600"))
    kept = BUILD / target / "corpus"
    kept.mkdir(parents=True, exist_ok=True)
    while (left := round(end - time.monotonic())) > 0:
        begin = cpu_seconds()
        code, executions = fuzz(target, min(left, SLICE_SECONDS), str(kept), inputs_of(target, recorded))
        now = Counter(seconds=round(cpu_seconds() - begin), executions=executions)
        write_json(BUILD / target / "tally.json", read_tally(target) + now)
        if code:
            return code
    return 0


def tallies() -> dict[str, Counter[str]]:
    """Of all runs, by target."""
    kept = json.loads(TALLY.read_text()) if TALLY.exists() else {}
    targets = {*kept, *(file.parent.name for file in BUILD.glob("*/tally.json"))}
    return {target: Counter(kept.get(target, {})) + read_tally(target) for target in sorted(targets)}


def print_tally() -> int:
    for target, tally in tallies().items():
        print(f"{target}: {tally['executions']} executions in {tally['seconds']} s of CPU")
    return 0


def keep() -> int:
    for found in sorted(BUILD.glob("*/corpus")):
        target = found.parent.name
        corpus = SOURCE / "tests" / "fuzz" / "corpus" / target
        corpus.mkdir(exist_ok=True)
        program = BUILD / "bin" / f"{target}_fuzz"
        subprocess.run([program, "-set_cover_merge=1", "-use_counters=0", f"-max_len={KEPT_BYTES}", corpus, found],
                       stdin=subprocess.DEVNULL, check=True)
    total = tallies()
    # Who dies from here on loses seconds, rather than count them twice.
    for file in BUILD.glob("*/tally.json"):
        file.unlink()
    write_json(TALLY, total)
    return 0


def main(arguments: list[str]) -> int:
    if arguments == ["build"]:
        return build()
    if arguments == ["tally"]:
        return print_tally()
    if arguments == ["keep"]:
        return keep()
    if len(arguments) > 2 and arguments[0] == "short":
        return run_short(arguments[1], int(arguments[2]), arguments[3:])
    if len(arguments) > 1 and arguments[0] == "long":
        return run_long(arguments[1], arguments[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
