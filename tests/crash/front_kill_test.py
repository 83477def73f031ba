"""SIGKILL of the front at every fault point of every workflow, as the program itself lists them;
then it is started again, and the oracle must find nothing wrong. Prints the points really hit."""
import os
import subprocess
import unittest

from scenarios import BY_KIND, VM, settle
from stack import BIN, Stack


def listed_points() -> list[str]:
    done = subprocess.run([os.path.join(BIN, "vbsd"), "--crash-points"], capture_output=True,
                          text=True, check=True)
    return done.stdout.split()


class FrontKillTest(unittest.TestCase):
    def test_every_point(self):
        points = listed_points()
        unknown = {point.split(".")[0] for point in points} - BY_KIND.keys()
        self.assertFalse(unknown, "workflows without a scenario")
        hit = []
        with Stack() as stack:
            stack.expect_death("vbsd")
            stack.boot(VM)
            for point in points:
                with self.subTest(point):
                    try:
                        self.kill_at(stack, point)
                        hit.append(point)
                    finally:
                        self.disarm(stack)
        print("\n".join(f"hit: {point}" for point in hit))
        self.assertEqual(hit, points)

    def kill_at(self, stack: Stack, point: str) -> None:
        scenario = BY_KIND[point.split(".")[0]](stack)
        scenario.prepare()
        stack.restart("vbsd", env={"VBS_FAULT": f"{point}=kill"})
        stack.wait_ready()
        scenario.trigger()
        daemon = stack.daemons["vbsd"]
        stack.wait_for(lambda: daemon.exit_code() is not None, 30, f"{point} was not passed")
        self.assertEqual(daemon.exit_code(), -9)
        stack.start("vbsd")
        stack.wait_ready()
        settle(stack)
        if (answer := scenario.repeat()) is not None:
            self.assertIn(answer[0], (200, 202), f"{point}: {answer[1]}")
            settle(stack)
        scenario.clear()

    def disarm(self, stack: Stack) -> None:
        """After a failure too, the next point begins with a front that nothing is armed in."""
        stack.kill9("vbsd")
        stack.start("vbsd")
        stack.wait_ready()


if __name__ == "__main__":
    unittest.main()
