"""A sample of the crash matrix, another one with each commit. VBS_ROTATION=N repeats that of N commits;
VBS_CRASH_SIZE=N is about how many cases it takes."""
import os
import tempfile
import time
import unittest

from campaign import Campaign
from ledger import Ledger
from matrix import VICTIMS, Case, cases, sample

#: About four minutes of one processor.
_SIZE = int(os.environ.get("VBS_CRASH_SIZE", "50"))
_MOST_FAILURES = 3


class SampleTest(unittest.TestCase):
    def test_sample(self):
        ledger = Ledger()
        every = cases(ledger.places())
        turn = int(os.environ.get("VBS_ROTATION", "0"))
        chosen = sample(every, turn, _SIZE)
        print(f"{len(chosen)} of {len(every)} cases, VBS_ROTATION={turn} VBS_CRASH_SIZE={_SIZE}", flush=True)
        campaign = Campaign(chosen, done=ledger.add, most_failures=_MOST_FAILURES)
        campaign.run()
        print("\n".join(f"hit: {point}" for point in dict.fromkeys(campaign.hit)))
        self.assertEqual(campaign.failures, [])


class ListTest(unittest.TestCase):
    def setUp(self):
        self.every = [Case("kind", "Scenario", "vbsd", f"point{number}", victim)
                      for position, victim in enumerate(VICTIMS) for number in range(3 + 20 * position)]

    def test_each_sample_has_every_victim_and_all_of_them_every_case(self):
        samples = [sample(self.every, turn, 40) for turn in range(1000, 1000 + len(self.every))]
        for chosen in samples:
            self.assertEqual({case.victim for case in chosen}, set(VICTIMS))
            self.assertLess(len(chosen), 80)
        stride = -(-len(self.every) // 40)
        self.assertEqual({case for chosen in samples[:stride] for case in chosen}, set(self.every))

    def test_what_has_passed_is_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            for case in self.every[:2]:
                Ledger(folder).add(case)
            self.assertEqual(Ledger(folder).done(), {str(case) for case in self.every[:2]})

    def test_nothing_is_begun_after_the_end(self):
        campaign = Campaign(self.every, done=self.fail, end=time.time() - 1)
        campaign.run()
        self.assertEqual(campaign.left, len(self.every))


if __name__ == "__main__":
    unittest.main()
