"""SIGKILL of each delegate at every fault point that it passes in every workflow. The points are those
that a run without faults writes down, so that a new one is found by itself. Prints what was hit."""
import unittest

from scenarios import BY_KIND, VM, Scenario, passed_points, restart_armed, settle
from stack import Stack

DELEGATES = {"vbs-volumed": "volumed.", "vbs-vmmd": "vmmd."}
#: The workflows in which a delegate has nothing to do that can be cut short.
IDLE = {("delete-volume", "vbs-vmmd"), ("create-volume", "vbs-vmmd"),
        ("delete-snapshot", "vbs-vmmd"), ("remove-leftover", "vbs-vmmd")}


class DelegateKillTest(unittest.TestCase):
    def test_every_point(self):
        hit = []
        with Stack() as stack:
            for name in DELEGATES:
                stack.expect_death(name)
            stack.boot(VM)
            for kind, scenarios in BY_KIND.items():
                for name in DELEGATES:
                    for scenario in scenarios:
                        hit += self.kill_at_each(stack, kind, name, scenario)
        print("\n".join(f"hit: {case}" for case in hit))
        for kind in BY_KIND:
            for name, prefix in DELEGATES.items():
                passed = any(case.startswith(f"{kind}: {prefix}") for case in hit)
                self.assertEqual(passed, (kind, name) not in IDLE, f"points of {name} in {kind}")

    def kill_at_each(self, stack: Stack, kind: str, name: str,
                     scenario: type[Scenario]) -> list[str]:
        hit = []
        for point in passed_points(stack, name, scenario):
            with self.subTest(kind=kind, point=point, scenario=scenario.__name__):
                self.kill_at(stack, name, point, scenario(stack))
                hit.append(f"{kind}: {point}")
        return hit

    def kill_at(self, stack: Stack, name: str, point: str, scenario: Scenario) -> None:
        try:
            scenario.prepare()
            restart_armed(stack, name, {"VBS_FAULT": f"{point}=kill"})
            scenario.trigger()
            daemon = stack.daemons[name]
            stack.wait_for(lambda: daemon.exit_code() is not None, 30, f"{point} was not passed")
            self.assertEqual(daemon.exit_code(), -9)
        finally:
            restart_armed(stack, name, {})
        settle(stack)
        scenario.clear()


if __name__ == "__main__":
    unittest.main()
