"""One case of the crash matrix: a process is stopped at its point, others are killed meanwhile or it
with them, all are started again, and in the end the oracle must find nothing wrong."""
import http.client
import os
import signal
import threading

from matrix import LEASE_HELPER, TGTD, VMMD, Case, listed_points, scenario_named
from processes import is_alive, processes_of
from scenarios import Scenario, settle
from stack import Stack

_PAUSE_MS = 2000  # of a front that is to be told to cancel meanwhile
_WAIT_SECONDS = 30.0


def run_case(stack: Stack, case: Case) -> None:
    """Raises what went wrong. The world is empty before and after it."""
    scenario = scenario_named(case.scenario)(stack)
    scenario.prepare()
    undoing = ".undo-" in case.point
    pause = before_last_call(case.kind, listed_points()) if undoing else ""
    passed = _arm(stack, case, pause)
    if TGTD in case.victims():  # the last case may have killed it, and its delegate takes its time
        stack.wait_for(stack.tgtd, _WAIT_SECONDS, f"{TGTD} does not run")
    trigger = threading.Thread(target=scenario.trigger)
    trigger.start()
    try:
        if undoing:
            stack.wait_for(lambda: stack.has_passed(passed, pause), _WAIT_SECONDS, f"{pause} was not passed")
            _cancel(stack, case.kind)
        stack.wait_for(stack.daemons[case.owner].is_stopped, _WAIT_SECONDS, f"{case.point} was not passed")
        _kill(stack, case)
    finally:
        if stack.daemons[case.owner].is_stopped():
            stack.daemons[case.owner].send(signal.SIGCONT)
        trigger.join()
    stack.wait_ready()
    settle(stack)
    _repeat(stack, scenario, _outcomes(scenario, case, undoing))
    scenario.clear()


def before_last_call(kind: str, points: list[str]) -> str:
    """Where a cancel makes the whole of a workflow be undone: its last call is about to be made."""
    calls = [point for point in points
             if point.startswith(kind + ".") and point.endswith(".before-act")]
    before = points[:points.index(calls[-1])]
    return next(point for point in reversed(before) if point.endswith(".after-commit"))


def _arm(stack: Stack, case: Case, pause: str) -> str:
    """The file to which what the owner passes is appended."""
    passed = stack.path("points")
    if os.path.exists(passed):
        os.unlink(passed)
    fault = f"{case.point}=stop" + (f";{pause}=sleep:{_PAUSE_MS}" if pause else "")
    stack.kill9(case.owner)
    stack.start(case.owner, env={"VBS_FAULT": fault, "VBS_FAULT_LOG": passed})
    stack.wait_ready()
    return passed


def _kill(stack: Stack, case: Case) -> None:
    """The owner goes on afterwards, unless it is among the dead."""
    daemons = []
    for name in case.victims():
        if name in stack.daemons:
            stack.kill9(name)
            daemons.append(name)
        else:
            _kill_program(stack, name)
    for name in daemons:
        stack.start(name)


def _kill_program(stack: Stack, name: str) -> None:
    assert name in (TGTD, LEASE_HELPER), name
    found = [process for process, command in processes_of(stack.folder).items()
             if command and os.path.basename(command.split()[0]) == name]
    assert found, f"{name} does not run"
    for process in found:
        os.kill(process, signal.SIGKILL)
        stack.wait_for(lambda: not is_alive(process), _WAIT_SECONDS, f"{name} does not end")


def _cancel(stack: Stack, kind: str) -> None:
    """Tells the front to cancel what it has just begun; it may stop before it answers."""
    def begun() -> list[dict]:
        path = f"/v1/operations?live=true&kind={kind}"
        return stack.client.get(path)["operations"]
    operation = stack.wait_for(begun, 10, f"no {kind} has begun")[0]
    path = f"/v1/operations/{operation['id']}/cancel"
    thread = threading.Thread(target=_try_post, args=(stack, path), daemon=True)
    thread.start()


def _try_post(stack: Stack, path: str) -> None:
    try:
        stack.client.api("POST", path, seconds=15)
    except (OSError, http.client.HTTPException):
        pass


def _outcomes(scenario: Scenario, case: Case, undoing: bool) -> tuple[int, ...]:
    """The statuses of which one tells how the workflow rightly ended."""
    usual = (409,) if undoing else (200, 202)
    return usual + (scenario.GIVEN_UP if _is_unwatched(case) else ())


def _is_unwatched(case: Case) -> bool:
    """Nobody watches over the frozen guest any more, or the record of a freeze says that somebody should."""
    victims = case.victims()
    return LEASE_HELPER in victims or (VMMD in victims and case.point == "vmmd.freeze.after-record")


def _repeat(stack: Stack, scenario: Scenario, outcomes: tuple[int, ...]) -> None:
    """The same request with the same key tells how it ended, also that it was cancelled."""
    if (answer := scenario.repeat()) is None:
        return
    assert answer[0] in outcomes, answer
    settle(stack)
