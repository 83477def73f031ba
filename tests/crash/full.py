"""All of the crash matrix, in shards: `full.py 1/4` runs the first of four. What has passed is not run
again until the programs or the tests change; what has failed is, and its logs are kept. At the time
VBS_CRASH_END (seconds since 1970) no further case is begun. `full.py 1/1 TEXT` runs the cases with TEXT in
their names, whatever has passed.

The exit code is 0 when every case of the shard has passed, 1 when some have failed, and 75 when
nothing has failed and some are left."""
import os
import random
import signal
import sys

from campaign import Campaign
from ledger import Ledger
from matrix import cases, listed_points

_LEFT = 75  # EX_TEMPFAIL of sysexits.h: try again


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_LEFT))  # with all that the stack has started
    shard, count = (int(part) for part in sys.argv[1].split("/"))
    ledger = Ledger()
    text = sys.argv[2] if len(sys.argv) > 2 else ""
    mine = [case for case in cases(ledger.places())[shard - 1::count] if text in str(case)]
    before = set() if text else ledger.done()
    pending = [case for case in mine if str(case) not in before]
    random.Random(0).shuffle(pending)  # what is cut has seen some of each victim and workflow
    print(f"shard {shard} of {count}: {len(mine)} cases, {len(mine) - len(pending)} have passed before, "
          f"programs and tests are {ledger.identity}", flush=True)
    campaign = Campaign(pending, done=ledger.add,
                        end=float(os.environ.get("VBS_CRASH_END") or "inf"))
    campaign.run()
    return sum_up(ledger, campaign, len(mine))


def sum_up(ledger: Ledger, campaign: Campaign, count: int) -> int:
    everything = cases(ledger.places())
    done = ledger.done()
    hit = {case.point for case in everything if str(case) in done}
    points = dict.fromkeys(listed_points() + [case.point for case in everything])
    print("\n".join(f"{'hit' if point in hit else 'not hit yet'}: {point}" for point in points))
    for failure in campaign.failures:
        print(f"failed: {failure}")
    passed = sum(str(case) in done for case in everything)
    print(f"whole matrix: {passed} of {len(everything)} cases have passed, {len(hit)} of {len(points)} points hit; "
          f"of this shard's {count}: {len(campaign.failures)} failed now, {campaign.left} left by the end of "
          "the time")
    if campaign.failures:
        return 1
    return _LEFT if campaign.left else 0


if __name__ == "__main__":
    sys.exit(main())
