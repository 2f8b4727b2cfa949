"""A fleet of fifty exporters, watched by a real Prometheus with the real rules.

They play recorded hosts, each on a loopback address of its own. What the recording
rules and the dashboard of the fleet say of them is what counting says.
"""

import collections
import pathlib
import shutil
import tempfile
import unittest

import dashboards
import fleet
import program

DASHBOARD = dashboards.load()["mailcow-hosts"]
SIZE = 50

PAIR = ("requirement", "level")

# More of the first, so that no two verdicts are unmet equally often by chance.
SHARES = {
    "healthy": 14,
    "mailcow-running": 9,
    "mailcow-hijacked": 6,
    "debian-with-exim": 5,
    "one-gib-vm": 4,
    "nothing-readable": 3,
    "nginx-and-wildcard": 3,
    "mailcow-stopped": 2,
    "mailcow-half-up": 1,
    "bound-addresses": 1,
    "debian-8": 1,
    "lxc-guest": 1,
}


class Fleet:
    """What is expected of the hosts: {instance: machine}, None where it is down."""

    def __init__(self, machines):
        self.machines = machines
        self.verdicts = {name: fleet.verdicts(name) for name in SHARES}
        self.ready = {
            name: value
            for name in SHARES
            for metric, _, value in fleet.golden(name)
            if metric == "mailcow_host_ready"
        }

    def up(self):
        return [name for name in self.machines.values() if name]

    def ready_count(self):
        return sum(self.ready[name] for name in self.up())

    def hosts_with(self, verdict):
        """{(requirement, level): hosts} where any subject has this verdict."""
        found = collections.Counter()
        for name in self.up():
            found.update(
                {
                    (requirement, level)
                    for (requirement, _, level), met in self.verdicts[name].items()
                    if met is verdict
                }
            )
        return found

    def count(self, name, verdict, levels=("required", "recommended")):
        """Verdicts of the machine of this kind, each subject by itself."""
        return sum(
            met is verdict and level in levels
            for (_, _, level), met in self.verdicts[name].items()
        )

    def worst(self, instance):
        """The place in the dashboard's order, from a host that is down to all met."""
        name = self.machines[instance]
        if not name:
            return 0
        for place, (verdict, level) in enumerate(
            [
                (False, "required"),
                (None, "required"),
                (False, "recommended"),
                (None, "recommended"),
            ],
            1,
        ):
            if self.count(name, verdict, [level]):
                return place
        return 5


@unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
class FleetTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        own, nobody, port = program.free_ports(3)
        machines = [name for name, share in SHARES.items() for _ in range(share)]
        addresses = [f"127.0.0.{number}:{port}" for number in range(2, SIZE + 2)]
        cls.machines = dict(zip(addresses, machines, strict=True))
        # Prometheus comes first: with so many exporters no inotify may be left for it.
        fleet.write_configuration(directory, own, nobody, addresses[:1], addresses[1:])
        cls.prometheus = cls.enterClassContext(fleet.Prometheus(directory, own))
        cls.serving = {
            address: cls.enterClassContext(
                program.Serving(f"--web.listen-address={address}", *fleet.flags(name))
            )
            for address, name in cls.machines.items()
        }

    def recorded(self, name, *keys):
        """{the values of these labels: value} of a recording rule, without zeros."""
        return {
            tuple(labels[key] for key in keys): value
            for labels, value in self.prometheus.query(f'{name}{{job="mailcow_host"}}')
            if value
        }

    def rows(self, title, ref="A", instances=None):
        panel = dashboards.panel(DASHBOARD, title)
        [query] = [each for each in panel["targets"] if each["refId"] == ref]
        chosen = dashboards.one_of(instances) if instances else ".+"
        return self.prometheus.query(
            dashboards.expand(query["expr"], job="mailcow_host", instance=chosen)
        )

    def value(self, title, ref="A", instances=None):
        values = [value for _, value in self.rows(title, ref, instances)]
        return values[0] if values else None

    def by_instance(self, title, ref="A"):
        return {labels["instance"]: value for labels, value in self.rows(title, ref)}

    def assert_rules_count(self, expected):
        def scalar(name):
            return self.recorded(name).get(())

        ready = expected.ready_count()
        unmet = expected.hosts_with(False)
        unknown = expected.hosts_with(None)
        prefix = "job_requirement_level:mailcow_host_requirement"
        for wanted, read in (
            (SIZE, lambda: scalar("job:mailcow_host_up:count")),
            (ready, lambda: scalar("job:mailcow_host_ready:sum")),
            (ready / SIZE, lambda: scalar("job:mailcow_host_ready:ratio")),
            (unmet, lambda: self.recorded(f"{prefix}_unmet:count", *PAIR)),
            (unknown, lambda: self.recorded(f"{prefix}_unknown:count", *PAIR)),
        ):
            fleet.assert_comes(self, wanted, read)

    def assert_dashboard_shows(self, expected):
        ready = expected.ready_count()
        up = len(expected.up())
        for wanted, read in (
            (ready / SIZE, lambda: self.value("Ready share")),
            (ready, lambda: self.value("Hosts", "A")),
            (up - ready, lambda: self.value("Hosts", "B")),
            (SIZE - up, lambda: self.value("Hosts", "C")),
        ):
            fleet.assert_comes(self, wanted, read)

        table = "Hosts, the worst first"
        fleet.assert_comes(
            self,
            {instance: expected.worst(instance) for instance in expected.machines},
            lambda: self.by_instance(table),
        )
        for ref, verdict, levels in (
            ("B", False, ["required"]),
            ("C", False, ["recommended"]),
            ("D", None, ["required", "recommended"]),
        ):
            # Where no verdict is known, none is counted as unmet: the cell is empty.
            fleet.assert_comes(
                self,
                {
                    instance: expected.count(name, verdict, levels)
                    for instance, name in expected.machines.items()
                    if name and (verdict is None or name != "nothing-readable")
                },
                lambda ref=ref: self.by_instance(table, ref),
            )

        def requirements():
            return {
                (labels["requirement"], labels["level"], labels["verdict"]): value
                for labels, value in self.rows("Unmet by requirement")
            }

        fleet.assert_comes(
            self,
            {
                (*key, "unmet"): count
                for key, count in expected.hosts_with(False).items()
            }
            | {
                (*key, "unknown"): count
                for key, count in expected.hosts_with(None).items()
            },
            requirements,
        )

    def test_the_rules_and_the_dashboard_count_the_fleet(self):
        expected = Fleet(dict(self.machines))
        with self.subTest("recording rules"):
            self.assert_rules_count(expected)
        with self.subTest("dashboard"):
            self.assert_dashboard_shows(expected)

        counts = [value for _, value in self.rows("Unmet by requirement")]
        with self.subTest("what is unmet most often comes first"):
            self.assertEqual(sorted(counts, reverse=True), counts)

        with self.subTest("of some hosts only these are counted"):
            some = list(self.machines)[13:16]
            self.assertEqual(3, len(self.rows("Hosts, the worst first", "A", some)))
            self.assertEqual(1, self.value("Ready share", "A", some))

        with self.subTest("clock offsets"):
            self.assert_clocks(expected)

        # One that was ready is ready no more when nothing is heard of it.
        first = next(iter(self.machines))
        self.serving[first].stop()
        expected = Fleet(self.machines | {first: None})
        with self.subTest("one is down: recording rules"):
            self.assert_rules_count(expected)
        with self.subTest("one is down: dashboard"):
            self.assert_dashboard_shows(expected)
        with self.subTest("all of the chosen are down"):
            self.assertEqual(0, self.value("Ready share", "A", [first]))

    def assert_clocks(self, expected):
        offsets = {}
        for instance, name in expected.machines.items():
            said = sorted(
                value
                for metric, labels, value in fleet.golden(name)
                if metric == "mailcow_host_clock_offset_seconds"
                and labels["source"] != "kernel"
            )
            if said:
                middle = len(said) // 2
                pair = said[middle - (len(said) % 2 == 0) : middle + 1]
                offsets[instance] = abs(sum(pair) / len(pair))
        found = self.by_instance("Clock offsets")
        self.assertEqual(offsets.keys(), found.keys())
        for instance, offset in offsets.items():
            self.assertAlmostEqual(offset, found[instance])
        self.assertEqual(1, self.value("Clock offsets", "limit"))


if __name__ == "__main__":
    program.main()
