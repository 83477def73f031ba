"""SIGKILL of tgtd while vbs-volumed stands at each of its fault points: whatever it was about to be
told, tgtd is there again with the right exports. Prints what was hit."""
import os
import signal
import unittest

from scenarios import BY_KIND, VM, Scenario, passed_points, restart_armed, settle
from stack import Stack

#: The workflows in which vbs-volumed gives orders to tgtd.
KINDS = ("attach-volume", "detach-volume")


class TgtdKillTest(unittest.TestCase):
    def test_every_point(self):
        with Stack() as stack:
            stack.expect_death("vbs-volumed")
            stack.boot(VM)
            for kind in KINDS:
                scenario = BY_KIND[kind][0]
                points = passed_points(stack, "vbs-volumed", scenario)
                self.assertGreater(len(points), 3, points)
                for point in points:
                    with self.subTest(kind=kind, point=point):
                        self.kill_at(stack, point, scenario(stack))
                        print(f"hit: {kind}: {point}")

    def kill_at(self, stack: Stack, point: str, scenario: Scenario) -> None:
        daemon = stack.daemons["vbs-volumed"]
        scenario.prepare()
        restart_armed(stack, "vbs-volumed", {"VBS_FAULT": f"{point}=stop"})
        try:
            scenario.trigger()
            stack.wait_for(daemon.is_stopped, 30, f"{point} was not passed")
            os.kill(stack.tgtd(), signal.SIGKILL)
        finally:
            daemon.send(signal.SIGCONT)
        settle(stack)
        restart_armed(stack, "vbs-volumed", {})
        settle(stack)
        scenario.clear()


if __name__ == "__main__":
    unittest.main()
