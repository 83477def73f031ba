"""Runs cases of the crash matrix, one after the other, on stacks that live until a case fails."""
import contextlib
import os
import re
import shutil
import time
import traceback
from collections import deque

from killing import run_case
from matrix import Case
from scenarios import VM
from stack import BIN, DAEMONS, Stack

#: What the crash matrix leaves in the build folder.
FOLDER = os.path.join(os.path.dirname(BIN), "crash-full")
_KEPT = ("log", "db", "volumed", "vmmd", "points")  # of a stack in which a case has failed


@contextlib.contextmanager
def open_stack():
    """One whose daemons may be killed, with a machine to attach to."""
    with Stack() as stack:
        for name in DAEMONS:
            stack.expect_death(name)
        stack.boot(VM)
        yield stack


class Campaign:
    """`done` is told of each case that has passed. What remains at `end` (as time.time()) is left."""

    def __init__(self, every: list[Case], *, done, end: float = float("inf"),
                 most_failures: float = float("inf")):
        self._pending = deque(every)
        self._count = len(every)
        self._done = done
        self._end = end
        self._most_failures = most_failures
        self.hit: list[str] = []
        self.failures: list[str] = []

    @property
    def left(self) -> int:
        """How many were not begun."""
        return len(self._pending)

    def run(self) -> None:
        while self._may_go_on():
            before = self.left
            try:
                with open_stack() as stack:
                    self._run_on(stack)
            except AssertionError as problem:  # of its end, as when a sanitizer has spoken up
                if self.left == before:
                    raise
                self.failures.append(f"the stack: {problem}")

    def _may_go_on(self) -> bool:
        return bool(self._pending) and time.time() < self._end and len(self.failures) < self._most_failures

    def _run_on(self, stack: Stack) -> None:
        """Until a case fails: what it leaves could spoil the next."""
        while self._may_go_on():
            case = self._pending.popleft()
            begin = time.monotonic()
            try:
                run_case(stack, case)
                for daemon in stack.daemons.values():
                    assert not (report := daemon.sanitizer_report()), f"{daemon.name}:\n{report}"
            except Exception as problem:  # whatever it is, the other cases are to run
                self.failures.append(f"{case}: {problem}")
                self._print(case, f"FAILED, kept in {self._keep(stack, case)}\n{traceback.format_exc()}")
                return
            self.hit.append(case.point)
            self._done(case)
            self._print(case, f"{time.monotonic() - begin:.1f} s")

    def _print(self, case: Case, what: str) -> None:
        number = self._count - len(self._pending)
        print(f"{number} of {self._count}, {len(self.failures)} failed: {case}: {what}", flush=True)

    def _keep(self, stack: Stack, case: Case) -> str:
        folder = os.path.join(FOLDER, "failed", re.sub(r"[^\w.-]+", "_", str(case)))
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name in _KEPT:
            source = stack.path(name)
            if os.path.isdir(source):
                shutil.copytree(source, os.path.join(folder, name), ignore=_sockets)
            elif os.path.exists(source):
                shutil.copy(source, folder)
        return folder


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names
            if not os.path.isfile(os.path.join(folder, name)) and not os.path.isdir(os.path.join(folder, name))]
