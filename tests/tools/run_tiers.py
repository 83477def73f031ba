"""Runs ctest for some tiers and sums up: one line a tier, why tests were skipped, processes that
tests left behind, where what was killed is listed, and ctest's own closing lines last."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

from leftovers import Reaper

TIERS = ["unit", "sim", "conformance", "crash", "e2e", "lint", "fuzz", "lab-quick", "crash-full", "lab", "lab-xen",
         "fuzz-long"]
# These take long, and are run when they are asked for.
ON_DEMAND = ["crash-full", "lab", "lab-xen", "fuzz-long"]
# Their guests' image is made in a chroot.
WANT_ROOT = ["lab-quick", "lab", "lab-xen"]
_SETTLE_SECONDS = 3.0
# Of the end of each of the first failed tests; ctest's closing lines name them all.
_LINES_OF_A_FAILURE = 12
_LINE_LENGTH = 200
_FAILURES_TOLD = 10
# The points at which something was killed are in the output of tests that pass, too.
_OUTPUT_KEPT = 10_000_000
_POINT = re.compile(r"^(?:hit|died): (.+)$", re.MULTILINE)
_POINTS_FILE = "points-hit.txt"


class Tier:
    """Counts of one tier."""

    def __init__(self, name: str):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.seconds = 0.0

    def add(self, status: str, seconds: float) -> None:
        if status == "run":
            self.passed += 1
        elif status == "fail":
            self.failed += 1
        else:
            self.skipped += 1
        self.seconds += seconds

    def line(self) -> str:
        return (f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped "
                f"in {self.seconds:.0f} s")


def labels(build: str) -> dict[str, str]:
    """Test name -> its tier."""
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"],
                           capture_output=True, text=True, check=True)
    found = {}
    for test in json.loads(shown.stdout)["tests"]:
        for prop in test.get("properties", []):
            if prop["name"] == "LABELS":
                found[test["name"]] = next(tier for tier in TIERS if tier in prop["value"])
    return found


def reason_of_skip(case: ElementTree.Element) -> str:
    """What the test said about it: GoogleTest's message, or its last line."""
    lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines()]
    for number, line in enumerate(lines):
        if line.endswith(": Skipped") and number + 1 < len(lines):
            return lines[number + 1]
    said = [line for line in lines if line and not line.startswith("[")]
    return said[-1] if said else "it did not say why"


def last_words(case: ElementTree.Element) -> list[str]:
    """How a failed test ended: who sees no more than the end of a long log learns the reason, too."""
    lines = [line.rstrip()[:_LINE_LENGTH] for line in (case.findtext("system-out") or "").splitlines()]
    return [line for line in lines if line][-_LINES_OF_A_FAILURE:]


def sum_up(junit: str, tier_of: dict[str, str]) -> tuple[dict[str, Tier], list[str], dict[str, list[str]]]:
    """Tiers by name, skipped tests with their reasons, failed tests with their last words."""
    tiers: dict[str, Tier] = {}
    skips: list[str] = []
    failures: dict[str, list[str]] = {}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        name, status = case.get("name", ""), case.get("status", "")
        tier = tiers.setdefault(tier_of.get(name, "other"), Tier(tier_of.get(name, "other")))
        tier.add(status, float(case.get("time", "0")))
        if status == "fail":
            failures[name] = last_words(case)
        elif status != "run":
            skips.append(f"{name}: {reason_of_skip(case)}")
    return tiers, skips, failures


def points_hit(junit: str, tier_of: dict[str, str]) -> dict[str, set[str]]:
    """Where something was killed in a tier: the lines "hit: POINT" and "died: MOMENT" of its tests."""
    points: dict[str, set[str]] = {}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        found = _POINT.findall(case.findtext("system-out") or "")
        if found:
            points.setdefault(tier_of.get(case.get("name", ""), "other"), set()).update(found)
    return points


def list_points(path: str, points: dict[str, set[str]]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for tier, hit in sorted(points.items()):
            file.writelines(f"{tier}: {point}\n" for point in sorted(hit))


def rotation() -> int:
    """Which part is run of what takes turns: the number of commits, or of days where there is no repository."""
    counted = subprocess.run(["git", "-C", os.path.dirname(__file__), "rev-list", "--count", "HEAD"],
                             capture_output=True, text=True, check=False)
    return int(counted.stdout) if counted.returncode == 0 else int(time.time() // 86400)


def default_tiers() -> list[str]:
    tiers = [tier for tier in TIERS if tier not in ON_DEMAND]
    return tiers if os.geteuid() == 0 else [tier for tier in tiers if tier not in WANT_ROOT]


def environment(tiers: list[str]) -> dict[str, str]:
    """That of the tests. All shards of the crash matrix end at the same time, whenever they begin."""
    given = dict(os.environ)
    given.setdefault("VBS_ROTATION", str(rotation()))
    minutes = os.environ.get("VBS_CRASH_MINUTES")
    if "crash-full" in tiers and minutes:
        given["VBS_CRASH_END"] = str(time.time() + float(minutes) * 60)
    return given


def run_ctest(build: str, tiers: list[str], junit: str) -> tuple[int, list[str], list[str]]:
    """ctest's exit code, its closing lines and the processes that its tests left behind."""
    # One more than there are processors: tests in the lab mostly wait.
    jobs = os.environ.get("VBS_BUILD_JOBS") or str((os.cpu_count() or 2) + any("lab" in tier for tier in tiers))
    command = ["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error",
               "--parallel", jobs, "--output-junit", junit, "--test-output-size-passed", str(_OUTPUT_KEPT)]
    command += ["--label-regex", "^(" + "|".join(tiers) + ")$"]
    if "crash-full" in tiers:
        command.append("--verbose")  # it runs for hours, and tells how far it is
    closing: list[str] = []
    with Reaper() as reaper:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   text=True, errors="replace", env=environment(tiers))
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if "% tests passed" in line:
                closing.clear()
            closing.append(line.rstrip("\n"))
        code = process.wait()
        return code, closing, reaper.end_leftovers(_SETTLE_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("--skips-allowed", type=int, default=0)
    parser.add_argument("tiers", nargs="*")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        junit = os.path.join(folder, "junit.xml")
        tiers_run = args.tiers or default_tiers()
        code, closing, leftovers = run_ctest(args.build, tiers_run, junit)
        tier_of = labels(args.build)
        tiers, skips, failures = sum_up(junit, tier_of)
        points = points_hit(junit, tier_of)

    print()
    for skip in skips:
        print(f"skipped  {skip}")
    for name, said in list(failures.items())[:_FAILURES_TOLD]:
        print("\n    | ".join([f"failed   {name}", *said]))
    for process in leftovers:
        print(f"left behind and ended: {process}")
    for name in TIERS + ["other"]:
        if name in tiers:
            print(tiers[name].line())
    if points:
        path = os.path.join(args.build, _POINTS_FILE)
        list_points(path, points)
        counts = ", ".join(f"{len(hit)} in {tier}" for tier, hit in sorted(points.items()))
        print(f"points at which something was killed: {counts}; they are listed in {path}")
    if not args.tiers and "lab-quick" not in tiers_run:
        print("lab-quick: left out, it wants root")
    problems = []
    if leftovers:
        problems.append(f"{len(leftovers)} processes were left behind by tests")
    if len(skips) > args.skips_allowed:
        problems.append(f"{len(skips)} tests were skipped, tests/skips-allowed allows "
                        f"{args.skips_allowed}")
    for problem in problems:
        print(f"FAILED: {problem}")
    print("\n".join(closing))
    return code or (1 if problems else 0)


if __name__ == "__main__":
    sys.exit(main())
