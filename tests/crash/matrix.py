"""The crash matrix: every workflow x every fault point x every victim. One list of cases, of which
the crash tier runs a rotating sample and crash-full all.

A point of the front is one that `vbsd --crash-points` lists; a point of a delegate is one that it
passed while nothing was killed, so that a new one is found by itself."""
import dataclasses
import os
import subprocess

from scenarios import BY_KIND, Scenario, settle
from stack import BIN, DAEMONS, Stack

FRONT, VOLUMED, VMMD = "vbsd", "vbs-volumed", "vbs-vmmd"
#: Programs that the delegates start, by their process's name.
TGTD, LEASE_HELPER = "tgtd", "vbs-thaw"

#: Who is killed, in this order, and then started again in this order. What the delegates start comes
#: back by itself. None stands for the process that stands at the point.
VICTIMS: dict[str, tuple[str | None, ...]] = {
    "front": (FRONT,),
    "volume-delegate": (VOLUMED,),
    "vmm-delegate": (VMMD,),
    "both-ends": (FRONT, None),
    "both-ends-delegate-first": (None, FRONT),
    "tgtd": (TGTD,),
    "tgtd-and-its-delegate": (TGTD, VOLUMED),
    "lease-helper": (LEASE_HELPER,),
    "lease-helper-and-its-delegate": (LEASE_HELPER, VMMD),
}

#: The workflows in which a delegate has nothing to do that can be cut short.
_IDLE = {("delete-volume", VMMD), ("create-volume", VMMD), ("delete-snapshot", VMMD),
         ("remove-leftover", VMMD)}


@dataclasses.dataclass(frozen=True)
class Case:
    kind: str
    scenario: str
    owner: str  # the process that stands at the point
    point: str
    victim: str

    def __str__(self) -> str:
        return f"{self.scenario}/{self.point}/{self.victim}"

    def victims(self) -> tuple[str, ...]:
        """Names of processes, in the order of their death. The other end of a point of the front are
        both delegates."""
        names: list[str] = []
        for name in VICTIMS[self.victim]:
            if name is not None:
                names.append(name)
            else:
                names += [self.owner] if self.owner != FRONT else [VOLUMED, VMMD]
        return tuple(names)


@dataclasses.dataclass(frozen=True)
class Place:
    """A point in one way to make a workflow run, and whether a lease helper runs there."""
    kind: str
    scenario: str
    owner: str
    point: str
    helper: bool = False


def listed_points() -> list[str]:
    done = subprocess.run([os.path.join(BIN, FRONT), "--crash-points"], capture_output=True, text=True,
                          check=True)
    return done.stdout.split()


def scenario_named(name: str) -> type[Scenario]:
    return next(found for every in BY_KIND.values() for found in every if found.__name__ == name)


def survey(stack: Stack) -> list[Place]:
    """Every place, from the list of the front and from a run of everything in which nobody dies."""
    log = stack.path("passed")
    with open(log, "w", encoding="utf-8"):
        pass
    for name in DAEMONS:
        stack.restart(name, env={"VBS_FAULT_LOG": log})
    stack.wait_ready()
    listed = listed_points()
    places: list[Place] = []
    for kind, scenarios in BY_KIND.items():
        for scenario in scenarios:
            passed = _passed(stack, log, scenario)
            called = [point for point in listed if point.split(".")[0] == kind
                      and point.split(".")[1] not in scenario.CALLS_NOT]
            points = [(FRONT, point) for point in called]
            points += [(_owner(point), point) for point in passed if _owner(point) != FRONT]
            places += [Place(kind, scenario.__name__, owner, point, point in _watched(passed))
                       for owner, point in points]
    _check(places, listed)
    return places


def _owner(point: str) -> str:
    return {"volumed": VOLUMED, "vmmd": VMMD}.get(point.split(".")[0], FRONT)


def _passed(stack: Stack, log: str, scenario: type[Scenario]) -> list[str]:
    """What all three passed, in its order, from the beginning of the workflow on."""
    run = scenario(stack)
    run.prepare()
    begin = os.path.getsize(log)
    run.trigger()
    run.wait_for_effect()
    settle(stack)
    with open(log, encoding="utf-8") as file:
        file.seek(begin)
        points = list(dict.fromkeys(file.read().split()))
    run.clear()
    return points


def _watched(passed: list[str]) -> set[str]:
    """The points at which a guest is frozen, and so watched by a lease helper."""
    if "vmmd.freeze.after-arm" not in passed:
        return set()
    begin = passed.index("vmmd.freeze.after-arm")
    return set(passed[begin:passed.index("vmmd.thaw.before-done") + 1])


def _check(places: list[Place], listed: list[str]) -> None:
    """No point may be left out unseen."""
    missing = set(listed) - {place.point for place in places}
    assert not missing, f"points of vbsd --crash-points without a case: {sorted(missing)}"
    for kind in BY_KIND:
        for owner in (VOLUMED, VMMD):
            passed = any(place.kind == kind and place.owner == owner for place in places)
            assert passed == ((kind, owner) not in _IDLE), f"points of {owner} in {kind}: {passed}"
    assert any(place.helper for place in places), "no lease helper runs at any point"


def cases(places: list[Place]) -> list[Case]:
    """The whole matrix, victim by victim."""
    return [Case(place.kind, place.scenario, place.owner, place.point, victim)
            for victim in VICTIMS for place in places
            if place.helper or not victim.startswith("lease-helper")]


def sample(every: list[Case], rotation: int, size: int) -> list[Case]:
    """About so many cases, some of each victim, whose turns begin at different places. Rotations that
    follow each other take others, and after a stride of them each case had its turn."""
    stride = max(1, -(-len(every) // size))
    chosen: list[Case] = []
    for position, victim in enumerate(VICTIMS):
        mine = [case for case in every if case.victim == victim]
        step = max(1, min(stride, len(mine)))
        begin = rotation + position * step // len(VICTIMS)
        chosen += mine[begin % step::step]
    return chosen
