"""A sample of the crash matrix, another one with each commit. VBS_CRASH_ROTATION=N repeats one;
VBS_CRASH_SIZE=N is about how many cases it takes."""
import os
import subprocess
import time
import unittest

from campaign import Campaign, open_stack
from matrix import VICTIMS, Case, cases, sample, survey
from stack import BIN, SOURCE

#: About four minutes of one processor.
_SIZE = int(os.environ.get("VBS_CRASH_SIZE", "60"))
_KEPT = os.path.join(os.path.dirname(BIN), "crash-full", "failed")
_MOST_FAILURES = 3


def rotation() -> int:
    """The number of commits, or of days where there is no repository."""
    if given := os.environ.get("VBS_CRASH_ROTATION"):
        return int(given)
    counted = subprocess.run(["git", "-C", SOURCE, "rev-list", "--count", "HEAD"], capture_output=True,
                             text=True, check=False)
    return int(counted.stdout) if counted.returncode == 0 else int(time.time() // 86400)


class SampleTest(unittest.TestCase):
    def test_sample(self):
        turn = rotation()
        with open_stack() as stack:
            every = cases(survey(stack))
        chosen = sample(every, turn, _SIZE)
        print(f"{len(chosen)} of {len(every)} cases, VBS_CRASH_ROTATION={turn} VBS_CRASH_SIZE={_SIZE}", flush=True)
        campaign = Campaign(chosen, kept=_KEPT, done=lambda case: None, most_failures=_MOST_FAILURES)
        campaign.run()
        print("\n".join(f"hit: {point}" for point in dict.fromkeys(campaign.hit)))
        self.assertEqual(campaign.failures, [])

    def test_each_sample_has_every_victim_and_all_of_them_every_case(self):
        every = [Case("kind", "Scenario", "vbsd", f"point{number}", victim)
                 for position, victim in enumerate(VICTIMS) for number in range(3 + 20 * position)]
        samples = [sample(every, turn, 40) for turn in range(1000, 1000 + len(every))]
        for chosen in samples:
            self.assertEqual({case.victim for case in chosen}, set(VICTIMS))
            self.assertLess(len(chosen), 80)
        self.assertEqual({case for chosen in samples[:len(every) // 40 + 1] for case in chosen}, set(every))


if __name__ == "__main__":
    unittest.main()
