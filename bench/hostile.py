"""Good clients in calm, and beside ten thousand hostile connections in the same run."""
from stack import MIB, Stack
from storm import BESIDE, CALM, COMING, PLAIN, SLOW_READERS, STORM, TLS, Storm, add_long_list

CONNECTIONS = 10_000
PACE = 400  # opened anew each second, once all were opened


def measure() -> None:
    print(f"\n{CONNECTIONS:,} hostile connections, 2,000 a second, and then {PACE} new ones a second:\n")
    print("| over | request | calm p50 / p99 ms | while they come | beside them | ratio of p99, beside | failed "
          "| vbsd grows by MiB | unanswered ones gone after s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for tls in (False, True):
        with Stack(tls=tls) as stack:
            if not tls:
                add_long_list(stack)
            storm = Storm(stack, TLS if tls else PLAIN, connections=CONNECTIONS, pace=PACE, calm=15, seconds=30,
                          wait=30, slow_readers=0 if tls else SLOW_READERS)
            rows(storm, "TLS" if tls else "plain HTTP")


def rows(storm: Storm, over: str) -> None:
    gone = max(report["gone_after"] for report in storm.reports)
    for name in storm.names:
        times = {phase: [storm.percentile(name, share, phase) * 1000 for share in (0.5, 0.99)]
                 for phase in (CALM, COMING, BESIDE)}
        failed = sum(failure.startswith(name) for failure in storm.failures)
        print(f"| {over} | {name} "
              + "".join(f"| {median:.1f} / {slow:.1f} " for median, slow in times.values())
              + f"| {times[BESIDE][1] / times[CALM][1]:.2f} "
              f"| {failed} of {len(storm.samples(name, *STORM))} | {storm.grown_by() / MIB:.0f} "
              f"| {gone:.0f} |", flush=True)
