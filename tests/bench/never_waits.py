"""Whether a scrape ever waits: of two programs one has a mount, Docker's engine, the
system bus and time servers that hang. Prints what both take and whether the goals are
met; exits with 1 where one is missed. Takes a few minutes, and root:

    PROGRAM=build/release/mailcow_host_exporter python3 -B tests/bench/never_waits.py
"""

import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import hung_host  # noqa: E402
import program  # noqa: E402

# The two take turns, so that what else the machine does meets both.
TURNS = 100
SCRAPES_OF_A_TURN = 200

FIRST_SCRAPES = 1_000
SCRAPES = 100_000

WORST_RATIO = 2


def quantile(seconds, share):
    return sorted(seconds)[int(share * (len(seconds) - 1))]


def is_met(goal, met):
    print(f"{'ok' if met else 'MISSED':6}  {goal}")
    return met


def compare(healthy, hung):
    """Whether the p99 of the second is good enough."""
    seconds = {"healthy": [], "hung": []}
    for _ in range(TURNS):
        seconds["healthy"] += hung_host.scrape_many(healthy, SCRAPES_OF_A_TURN)
        seconds["hung"] += hung_host.scrape_many(hung, SCRAPES_OF_A_TURN)
    for name, each in seconds.items():
        p50, p99 = (quantile(each, share) * 1e3 for share in (0.5, 0.99))
        print(f"{name:8} p50 {p50:.3f} ms, p99 {p99:.3f} ms, max {max(each):.3f} s")
    ratio = quantile(seconds["hung"], 0.99) / quantile(seconds["healthy"], 0.99)
    goal = f"p99 while all hang is {ratio:.2f} times that of the healthy program"
    return is_met(f"{goal}, at most {WORST_RATIO}", ratio <= WORST_RATIO)


def describe(scrapes, footprint):
    threads, descriptors, resident = footprint
    print(
        f"after {scrapes:,} scrapes: {threads} threads, {descriptors} descriptors, "
        f"{resident >> 10:,} KiB resident"
    )


def endure(hung):
    """Whether nothing has grown after SCRAPES scrapes."""
    hung_host.scrape_many(hung, FIRST_SCRAPES)
    first = hung_host.await_refreshes(hung)
    describe(FIRST_SCRAPES, first)
    hung_host.scrape_many(hung, SCRAPES - FIRST_SCRAPES)
    hung_host.await_refreshes(hung)
    with contextlib.suppress(program.InVain):
        program.wait_for(lambda: hung_host.has_not_grown(first, hung))
    describe(SCRAPES, hung_host.footprint(hung))
    goal = "threads, descriptors and memory are where they were after"
    return is_met(f"{goal} {FIRST_SCRAPES:,}", hung_host.has_not_grown(first, hung))


def main():
    with (
        hung_host.HungHost() as healthy_host,
        hung_host.HungHost() as hung_one,
        program.Serving(*healthy_host.flags) as healthy,
        program.Serving(*hung_one.flags) as hung,
    ):
        for serving in (healthy, hung):
            serving.settled_scrape()
        hung_one.hang()
        program.wait_for(
            lambda: hung_host.ONE_OF_EACH
            <= {requirement for requirement, _ in hung_host.unknown(hung)},
            hung_host.UNTIL_UNKNOWN_SECONDS,
        )
        met = [compare(healthy, hung), endure(hung)]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
