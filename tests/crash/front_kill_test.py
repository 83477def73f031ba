"""SIGKILL of the front at every fault point of every workflow, as the program itself lists them, those
of undoing included; then it is started again, and the oracle must find nothing wrong. Prints the
points really hit."""
import os
import subprocess
import threading
import unittest

from scenarios import BY_KIND, VM, Scenario, settle
from stack import BIN, Stack

_PAUSE_MS = 2000  # of a front that is to be told to cancel meanwhile


def listed_points() -> list[str]:
    done = subprocess.run([os.path.join(BIN, "vbsd"), "--crash-points"], capture_output=True,
                          text=True, check=True)
    return done.stdout.split()


def before_last_call(kind: str, points: list[str]) -> str:
    """Where a cancel makes the whole of a workflow be undone: its last call is about to be made."""
    calls = [point for point in points
             if point.startswith(kind + ".") and point.endswith(".before-act")]
    before = points[:points.index(calls[-1])]
    return next(point for point in reversed(before) if point.endswith(".after-commit"))


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
                for scenario in BY_KIND[point.split(".")[0]]:
                    if point.split(".")[1] in scenario.CALLS_NOT:
                        continue
                    with self.subTest(point=point, scenario=scenario.__name__):
                        try:
                            self.kill_at(stack, point, points, scenario(stack))
                            hit.append(point)
                        finally:
                            self.disarm(stack)
        print("\n".join(f"hit: {point}" for point in hit))
        self.assertEqual(list(dict.fromkeys(hit)), points)

    def kill_at(self, stack: Stack, point: str, points: list[str], scenario: Scenario) -> None:
        scenario.prepare()
        undoing = ".undo-" in point
        kind = point.split(".")[0]
        pause = before_last_call(kind, points) if undoing else ""
        passed = stack.path("passed")
        if os.path.exists(passed):
            os.unlink(passed)
        fault = f"{point}=kill" + (f";{pause}=sleep:{_PAUSE_MS}" if undoing else "")
        stack.restart("vbsd", env={"VBS_FAULT": fault, "VBS_FAULT_LOG": passed})
        stack.wait_ready()
        trigger = threading.Thread(target=scenario.trigger)
        trigger.start()
        if undoing:
            stack.wait_for(lambda: stack.has_passed(passed, pause), 30, f"{pause} was not passed")
            self.cancel(stack, kind)
        daemon = stack.daemons["vbsd"]
        stack.wait_for(lambda: daemon.exit_code() is not None, 30, f"{point} was not passed")
        self.assertEqual(daemon.exit_code(), -9)
        trigger.join()
        stack.start("vbsd")
        stack.wait_ready()
        settle(stack)
        if (answer := scenario.repeat()) is not None:
            # The same key tells how it ended, also that it was cancelled.
            self.assertIn(answer[0], (409,) if undoing else (200, 202), f"{point}: {answer[1]}")
            settle(stack)
        scenario.clear()

    @staticmethod
    def cancel(stack: Stack, kind: str) -> None:
        """Tells the front to cancel what it has just begun; it may die before it answers."""
        def begun() -> list[dict]:
            path = f"/v1/operations?live=true&kind={kind}"
            return stack.client.get(path)["operations"]
        operation = stack.wait_for(begun, 10, f"no {kind} has begun")[0]
        try:
            stack.client.api("POST", f"/v1/operations/{operation['id']}/cancel", seconds=15)
        except OSError:
            pass

    def disarm(self, stack: Stack) -> None:
        """After a failure too, the next point begins with a front that nothing is armed in."""
        stack.kill9("vbsd")
        stack.start("vbsd")
        stack.wait_ready()


if __name__ == "__main__":
    unittest.main()
