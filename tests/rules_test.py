"""What promtool says of the rules and the configuration of Prometheus; what the rules
are to do is in tests/rules/*.yml."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import program

ROOT = pathlib.Path(__file__).parent.parent
PROMETHEUS = ROOT / "deploy/prometheus"
RULES = PROMETHEUS / "mailcow_host.rules.yml"
TESTS = sorted((ROOT / "tests/rules").glob("*.yml"))

METRIC = re.compile(r"\bmailcow_host_\w+")


def promtool(*args):
    done = subprocess.run(
        ["promtool", *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=program.DEADLINE_SECONDS,
    )
    return done.returncode, done.stdout + done.stderr


@unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
class RulesTest(unittest.TestCase):
    def test_promtool_finds_nothing_to_say_of_the_rules(self):
        status, said = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
        self.assertEqual(0, status, said)

    def test_promtool_finds_nothing_to_say_of_the_configuration(self):
        with tempfile.TemporaryDirectory() as directory:
            copy = pathlib.Path(directory) / "prometheus"
            shutil.copytree(PROMETHEUS, copy)
            (copy / "targets/fleet.yml").write_text("- targets: [mx.example:9025]\n")
            status, said = promtool(
                "check",
                "config",
                "--lint=all",
                "--lint-fatal",
                copy / "prometheus.yml",
            )
        self.assertEqual(0, status, said)
        self.assertNotIn("WARNING", said)

    def test_rules_do_what_they_are_to_do(self):
        self.assertTrue(TESTS)
        for test in TESTS:
            with self.subTest(test.name):
                status, said = promtool("test", "rules", test)
                self.assertEqual(0, status, said)

    def test_every_alert_is_seen_to_fire_and_not_to_fire(self):
        alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
        self.assertTrue(alerts)
        expected = "\n".join(test.read_text() for test in TESTS)
        for alert in alerts:
            with self.subTest(alert):
                self.assertRegex(
                    expected, rf"alertname: {alert}\n +exp_alerts:\n +- exp_labels"
                )
                self.assertRegex(expected, rf"alertname: {alert}}}\n")

    def test_every_metric_of_the_rules_is_one_that_the_exporter_serves(self):
        rules = RULES.read_text()
        recorded = set(re.findall(r"- record: \w+:(\w+):", rules))
        # One whose name is put together, in the text of an alert.
        rules = rules.replace("mailcow_host_%s", "")
        served = {
            series.partition("{")[0]
            for machine in ("mailcow-hijacked", "healthy")
            for series in program.parse_samples(
                (ROOT / f"tests/hosts/{machine}/metrics.prom").read_text()
            )
        }
        used = set(METRIC.findall(rules)) - {
            "mailcow_host_exporter",
            "mailcow_host_fleet",
        }
        self.assertEqual(set(), used - served - recorded)


if __name__ == "__main__":
    program.main()
