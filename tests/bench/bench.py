"""Runs the programs in turn, round after round, and prints the tables."""

import argparse
import dataclasses
import os
import signal
import statistics
import sys
import time

import programs
import tables
from crowd import Crowd
from running import Running, start_seconds

CROWDS = (
    *(Crowd("connections", count) for count in (10, 10_000, 100_000)),
    *(Crowd("processes", count) for count in (300, 5_000)),
)

# What a program does once after its start is not what it costs idle.
SETTLE_SECONDS = 3


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured of one program in one round."""

    rounds: int
    starts: int
    # Of resident memory, which is measured in the first round alone.
    first_scrapes: int
    scrapes: int
    back_to_back: int
    fresh: int
    crowded: int


FULL = Plan(3, 10, 1_000, 10_000, 1_000, 500, 500)
QUICK = Plan(1, 5, 300, 3_000, 500, 200, 200)


def cpu_per_scrape(running, count, **options):
    """The CPU time of one of `count` scrapes, and what the load says of them."""
    before = running.cpu_seconds()
    seen = running.load.scrape(count, **options)
    return (running.cpu_seconds() - before) / count, seen


def cpu_as_prometheus_scrapes(running, contender):
    """The same for a whole cycle of what the program does between scrapes."""
    return cpu_per_scrape(running, contender.cycle_seconds, pace=1, encoding="gzip")


def quantiles(**loads):
    """{"kept p50": seconds, ...} of what the load said of kept=..., fresh=..."""
    return {
        f"{name} {key}": seen[key]
        for name, seen in loads.items()
        for key in ("p50", "p99")
    }


def measure_memory(contender, plan):
    with Running(contender) as running:
        time.sleep(SETTLE_SECONDS)
        values = {"resident idle": running.resident_bytes()}
        running.load.scrape(plan.first_scrapes)
        values["resident first"] = running.resident_bytes()
        running.load.scrape(plan.scrapes - plan.first_scrapes)
        return values | {"resident": running.resident_bytes()}


def measure(contender, plan):
    """One program, one round: {measure: value} in seconds and bytes."""
    starts = [start_seconds(contender) for _ in range(plan.starts)]
    with Running(contender) as running:
        running.load.scrape(plan.fresh)
        cpu_plain, kept = cpu_per_scrape(running, plan.back_to_back)
        cpu, _ = cpu_per_scrape(running, plan.back_to_back, encoding="gzip")
        fresh = running.load.scrape(plan.fresh, connection="fresh")
        cpu_paced, paced = cpu_as_prometheus_scrapes(running, contender)
    return quantiles(kept=kept, fresh=fresh, paced=paced) | {
        "start": statistics.median(starts),
        "size": sum(os.path.getsize(file) for file in contender.files),
        "cpu": cpu,
        "cpu plain": cpu_plain,
        "cpu paced": cpu_paced,
        "cpu per series": cpu_plain / kept["series"],
        "series": kept["series"],
        "bytes": kept["bytes"],
    }


def measure_crowded(contender, plan):
    """The same, in short, and as Prometheus scrapes only for this program."""
    values = {"start": start_seconds(contender)}
    with Running(contender) as running:
        running.load.scrape(plan.crowded)
        values["cpu plain"], kept = cpu_per_scrape(running, plan.crowded)
        fresh = running.load.scrape(plan.crowded, connection="fresh")
        values["resident"] = running.resident_bytes()
        if contender.name == programs.OURS:
            values["cpu paced"], _ = cpu_as_prometheus_scrapes(running, contender)
    return values | quantiles(kept=kept, fresh=fresh)


def medians(rounds):
    """{key: [{measure: value}]} to {key: {measure: median}}."""
    return {
        key: {
            name: statistics.median(it[name] for it in measured if name in it)
            for name in measured[0]
        }
        for key, measured in rounds.items()
    }


def say(text):
    print(text, file=sys.stderr, flush=True)


def present_programs():
    """Those that can be started here; of the others it says why not."""
    present = []
    for make in (
        programs.MailcowHostExporter,
        programs.comparable_node_exporter,
        programs.default_node_exporter,
        programs.Collectd,
    ):
        try:
            contender = make()
            start_seconds(contender)
            present.append(contender)
        except (OSError, RuntimeError) as error:
            say(f"left out: {error}")
    return present


def run_crowded(crowd, contenders, plan):
    """{(crowd, program): values}; empty where the machine cannot be like that."""
    try:
        with crowd:
            return {
                (str(crowd), contender.name): measure_crowded(contender, plan)
                for contender in contenders
            }
    except RuntimeError as error:
        say(f"left out: {error}")
        return {}


def run(contenders, plan):
    """({program: [values]}, {(crowd, program): [values]}) of all rounds."""
    quiet, crowded = {}, {}
    for number in range(1, plan.rounds + 1):
        for contender in contenders:
            say(f"round {number} of {plan.rounds}: {contender.name}")
            values = measure(contender, plan)
            if number == 1:
                values |= measure_memory(contender, plan)
            quiet.setdefault(contender.name, []).append(values)
        for crowd in CROWDS:
            say(f"round {number} of {plan.rounds}: {crowd}")
            for key, values in run_crowded(crowd, contenders, plan).items():
                crowded.setdefault(key, []).append(values)
    return quiet, crowded


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    # Like Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = QUICK if arguments.quick else FULL
    if arguments.rounds:
        plan = dataclasses.replace(plan, rounds=arguments.rounds)
    load_before = os.getloadavg()[0]
    contenders = present_programs()
    quiet, crowded = map(medians, run(contenders, plan))
    print(tables.machine(contenders, plan, load_before))
    print(tables.quiet_table(quiet, plan))
    print(tables.crowded_table(crowded))
    print(tables.goals(quiet, crowded, plan))


if __name__ == "__main__":
    main()
