"""SIGKILL of each delegate at every fault point that it passes in every workflow. The points are those
that a run without faults writes down, so that a new one is found by itself. Prints what was hit."""
import os
import unittest

from scenarios import BY_KIND, VM, Scenario, settle
from stack import Stack

DELEGATES = ("vbs-volumed", "vbs-vmmd")


class DelegateKillTest(unittest.TestCase):
    def test_every_point(self):
        hit = []
        with Stack() as stack:
            for name in DELEGATES:
                stack.expect_death(name)
            stack.boot(VM)
            for kind, scenario in BY_KIND.items():
                for name in DELEGATES:
                    for point in self.passed_points(stack, name, scenario):
                        with self.subTest(kind=kind, point=point):
                            self.kill_at(stack, name, point, scenario(stack))
                            hit.append(f"{kind}: {point}")
        print("\n".join(f"hit: {case}" for case in hit))
        for name in ("volumed.", "vmmd."):
            self.assertTrue(any(name in case for case in hit), f"no point of {name} was passed")

    def restart(self, stack: Stack, name: str, env: dict[str, str]) -> None:
        stack.kill9(name)
        stack.start(name, env=env)
        stack.wait_ready()

    def passed_points(self, stack: Stack, name: str, scenario: type[Scenario]) -> list[str]:
        log = stack.path("points")
        run = scenario(stack)
        run.prepare()
        self.restart(stack, name, {"VBS_FAULT_LOG": log})
        run.trigger()
        run.wait_for_effect()
        settle(stack)
        self.restart(stack, name, {})
        run.clear()
        if not os.path.exists(log):
            return []
        with open(log, encoding="utf-8") as file:
            points = list(dict.fromkeys(file.read().split()))
        os.unlink(log)
        return points

    def kill_at(self, stack: Stack, name: str, point: str, scenario: Scenario) -> None:
        try:
            scenario.prepare()
            self.restart(stack, name, {"VBS_FAULT": f"{point}=kill"})
            scenario.trigger()
            daemon = stack.daemons[name]
            stack.wait_for(lambda: daemon.exit_code() is not None, 30, f"{point} was not passed")
            self.assertEqual(daemon.exit_code(), -9)
        finally:
            self.restart(stack, name, {})
        settle(stack)
        scenario.clear()


if __name__ == "__main__":
    unittest.main()
