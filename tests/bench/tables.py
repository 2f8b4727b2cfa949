"""What was measured, as Markdown: two tables, and the goals beside it."""

import os
import platform
import re

from programs import COLLECTD, COMPARABLE, DEFAULTS, OURS

DOCKER_SOCKET = "/var/run/docker.sock"


def milliseconds(value):
    return f"{value * 1e3:.3g} ms"


def microseconds(value):
    return f"{value * 1e6:.3g} us"


def mebibytes(value):
    return f"{value / 2**20:.1f} MiB"


def number(value):
    return f"{value:,.0f}"


def ratio(ours, theirs):
    if ours > theirs:
        return f"{ours / theirs:.2f}"
    return f"1/{theirs / ours:.1f}"


# Rows: what is measured, its key, how it is written.
QUIET_ROWS = (
    ("CPU per scrape, one a second, gzip offered", "cpu paced", milliseconds),
    ("CPU per scrape, back to back, gzip offered", "cpu", milliseconds),
    ("CPU per scrape, back to back", "cpu plain", milliseconds),
    ("CPU per series, back to back", "cpu per series", microseconds),
    ("latency p50, fresh connections", "fresh p50", milliseconds),
    ("latency p99, fresh connections", "fresh p99", milliseconds),
    ("latency p50, kept connection", "kept p50", milliseconds),
    ("latency p99, kept connection", "kept p99", milliseconds),
    ("latency p50, one a second", "paced p50", milliseconds),
    ("latency p99, one a second", "paced p99", milliseconds),
    ("resident, idle", "resident idle", mebibytes),
    ("resident, after {first_scrapes:,} scrapes", "resident first", mebibytes),
    ("resident, after {scrapes:,} scrapes", "resident", mebibytes),
    ("start to first answered scrape", "start", milliseconds),
    ("size of the binary (collectd: with its plugins)", "size", mebibytes),
    ("series in an answer", "series", number),
    ("bytes of an answer", "bytes", number),
)

CROWDED_ROWS = (
    ("CPU per scrape, one a second", "cpu paced", milliseconds),
    ("CPU per scrape, back to back", "cpu plain", milliseconds),
    ("latency p50, fresh", "fresh p50", milliseconds),
    ("latency p99, fresh", "fresh p99", milliseconds),
    ("latency p50, kept", "kept p50", milliseconds),
    ("latency p99, kept", "kept p99", milliseconds),
    ("resident", "resident", mebibytes),
    ("start", "start", milliseconds),
)

# What is at most which part of what somebody else takes.
GOALS = (
    ("cpu paced", COMPARABLE, 10),
    ("cpu paced", DEFAULTS, 28),
    ("cpu", COMPARABLE, 25),
    ("cpu plain", COMPARABLE, 25),
    ("fresh p50", COMPARABLE, 10),
    ("kept p50", COMPARABLE, 10),
    ("resident", COMPARABLE, 4),
    ("start", COMPARABLE, 3),
    ("cpu per series", COLLECTD, 2),
    ("resident", COLLECTD, 1),
)

# At most so many times what it takes itself on a machine that is less crowded.
CROWDED_GOAL = 1.2
CROWDED_GOALS = (
    ("100,000 connections", "10 connections"),
    ("5,000 processes", "300 processes"),
)


def markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def machine(contenders, plan, load_before):
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*: (.*)", file.read(), re.M)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    socket = "present" if os.path.exists(DOCKER_SOCKET) else "absent"
    versions = dict.fromkeys(contender.version for contender in contenders)
    return (
        f"Medians of {plan.rounds} round(s)."
        f" Machine: {model[1] if model else platform.machine()},"
        f" {os.cpu_count()} cores, {memory / 2**30:.0f} GiB,"
        f" Linux {platform.release()}; load average before: {load_before:.2f};"
        f" Docker's socket {DOCKER_SOCKET}: {socket}. {'; '.join(versions)}.\n"
    )


def quiet_table(quiet, plan):
    """Each program's medians, and which part of them this program takes."""
    others = [name for name in quiet if name != OURS]
    header = ["", OURS]
    for name in others:
        header += [name, "ratio"]
    rows = []
    for what, key, written in QUIET_ROWS:
        ours = quiet[OURS][key]
        row = [what.format(**vars(plan)), written(ours)]
        for name in others:
            theirs = quiet[name][key]
            row += [written(theirs), ratio(ours, theirs)]
        rows.append(row)
    return markdown(header, rows)


def crowded_table(crowded):
    crowds = list(dict.fromkeys(crowd for crowd, _ in crowded))
    names = list(dict.fromkeys(name for _, name in crowded))
    rows = []
    for what, key, written in CROWDED_ROWS:
        for name in names:
            values = [crowded[crowd, name].get(key) for crowd in crowds]
            if None not in values:
                rows.append([what, name, *map(written, values)])
    return markdown(["", "", *crowds], rows)


def verdict(what, ours, theirs, times):
    """`ours` is to be at most `times` as much as `theirs`."""
    word = "ok" if ours <= theirs * times else "MISSED"
    wanted = f"{times:g}" if times >= 1 else f"1/{1 / times:g}"
    return f"- {word}: {what}: {ratio(ours, theirs)}, at most {wanted}\n"


def goals(quiet, crowded, plan):
    titles = {key: what.format(**vars(plan)) for what, key, _ in QUIET_ROWS}
    own = quiet[OURS]
    text = ""
    for key, peer, part in GOALS:
        what = f"{titles[key]}, of {peer}"
        if peer in quiet:
            text += verdict(what, own[key], quiet[peer][key], 1 / part)
        else:
            text += f"- not measured: {what}\n"
    what = f"{titles['resident']}, of that after {plan.first_scrapes:,}"
    text += verdict(what, own["resident"], own["resident first"], 1)
    for crowd, fewer in CROWDED_GOALS:
        for key in ("cpu paced", "cpu plain"):
            what = f"{titles[key]}, {crowd}, of {fewer}"
            many, few = crowded.get((crowd, OURS)), crowded.get((fewer, OURS))
            if many and few:
                text += verdict(what, many[key], few[key], CROWDED_GOAL)
            else:
                text += f"- not measured: {what}\n"
    return text
