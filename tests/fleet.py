"""Exporters that play recorded hosts, and a Prometheus with this project's own files.

The files of deploy/prometheus are copied, with short intervals in place of theirs
and with the addresses of the test.
"""

import collections
import json
import pathlib
import re
import subprocess
import urllib.error

import monitoring
import program

HOSTS = pathlib.Path(__file__).parent / "hosts"

SERIES = re.compile(r"(\w+)(?:\{(.*)\})?$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def flags(machine):
    """What makes the program play the recorded host of that name."""
    host = HOSTS / machine
    return [f"--path.rootfs={host}/rootfs", f"--path.recording={host}/recording.json"]


def golden(machine):
    """[(metric, {label: value}, value)] of what the recorded host is known to say."""
    samples = program.parse_samples((HOSTS / machine / "metrics.prom").read_text())
    found = []
    for series, value in samples.items():
        metric, labels = SERIES.match(series).groups()
        found.append((metric, dict(LABEL.findall(labels or "")), value))
    return found


def verdicts(machine):
    """{(requirement, subject, level): True, False or None where it is unknown}."""
    found = {}
    for metric, labels, value in golden(machine):
        key = tuple(labels.get(name) for name in ("requirement", "subject", "level"))
        if metric == "mailcow_host_requirement_known":
            found.setdefault(key, None)
        if metric == "mailcow_host_requirement_met":
            found[key] = value == 1
    return found


def assert_comes(test, wanted, read):
    """Fails with the difference where read() never is what is wanted."""
    try:
        program.wait_for(lambda: read() == wanted)
    except program.InVain:
        test.assertEqual(wanted, read())


def write_configuration(directory, prometheus, alertmanager, targets, in_files=()):
    """Copies deploy/prometheus; the first two are the ports of the two programs.

    The targets are named in the configuration, those of `in_files` in a file beside
    it. For that, Prometheus needs an inotify instance when it starts: a machine has
    128, and an exporter takes two.
    """
    addresses = ", ".join(f'"{target}"' for target in targets)
    text = monitoring.hasty_prometheus()
    for old, new in (
        ('"127.0.0.1:9025"', addresses),
        ("127.0.0.1:9090", f"127.0.0.1:{prometheus}"),
        ("127.0.0.1:9093", f"127.0.0.1:{alertmanager}"),
    ):
        text = monitoring.replace(text, re.escape(old), new)
    (directory / "prometheus.yml").write_text(text)
    (directory / "targets").mkdir()
    file = directory / "targets" / "hosts.yml"
    file.write_text(json.dumps([{"targets": list(in_files)}]))
    (directory / monitoring.RULES.name).write_text(monitoring.hasty_rules())


class Prometheus(monitoring.Prometheus):
    """Debian's Prometheus with the configuration that is in the directory."""

    def __init__(self, directory, port):
        super().__init__(directory, directory / "prometheus.yml", port)
        self._directory = directory

    def get(self, path, **parameters):
        try:
            return super().get(path, **parameters)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def history(self, expression, start, end, step):
        """[(labels, [value])] of a query over time."""
        result = self.get(
            "query_range", query=expression, start=start, end=end, step=step
        )["result"]
        return [
            (each["metric"], [float(value) for _, value in each["values"]])
            for each in result
        ]

    def backfill(self, samples):
        """Adds {series: [(timestamp, value)]} of gauges, before Prometheus starts."""
        lines = collections.defaultdict(list)
        for series, points in samples.items():
            lines[series.partition("{")[0]] += [
                f"{series} {value} {timestamp}\n" for timestamp, value in points
            ]
        text = "".join(
            f"# TYPE {name} gauge\n{''.join(each)}" for name, each in lines.items()
        )
        file = self._directory / "backfill"
        file.write_text(f"{text}# EOF\n")
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
            + [str(file), str(self._directory / "prometheus")],
            check=True,
            capture_output=True,
            timeout=program.DEADLINE_SECONDS,
        )
