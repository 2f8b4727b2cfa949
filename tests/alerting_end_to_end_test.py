"""From what goes wrong on a host to who is told, and back.

The program, Prometheus and Alertmanager run with the files of deploy/ (see
monitoring.py for the intervals that are shortened) on the ports that stand there, in
a network namespace that the test is started in again. Three hosts are watched: this
machine, and two recorded ones, before and after mailcow was installed.
"""

import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import monitoring
import program

HOSTS = pathlib.Path(__file__).resolve().parent / "hosts"

# The first is the address that Prometheus' configuration has.
THIS_MACHINE = "127.0.0.1:9025"
WITH_MAILCOW = "127.0.0.2:9025"
BEFORE_MAILCOW = "127.0.0.3:9025"

RECORDINGS = {WITH_MAILCOW: "mailcow-hijacked", BEFORE_MAILCOW: "debian-with-exim"}

PORT_25_TAKEN = {
    "alertname": "MailcowHostRequirementUnmet",
    "instance": THIS_MACHINE,
    "requirement": "port_foreign_listeners",
    "subject": "25",
}
EXIM_ON_PORT_25 = PORT_25_TAKEN | {"instance": WITH_MAILCOW}
TOO_LITTLE_MEMORY = {
    "alertname": "MailcowHostRequirementUnmet",
    "instance": WITH_MAILCOW,
    "requirement": "memory",
}
UNKNOWN_MEMORY = TOO_LITTLE_MEMORY | {"alertname": "MailcowHostRequirementUnknown"}
ENOUGH_MEMORY = f"MemTotal: {8 * 1024**2} kB"
EXPORTER_DOWN = {"alertname": "MailcowHostExporterDown", "instance": WITH_MAILCOW}

INTRUDER = """
import socket, sys
with open("/proc/self/comm", "w") as comm:
    comm.write("intruder")
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    print("listening", flush=True)
    sys.stdin.read()
"""

IS_ISOLATED = "ALERTING_IS_ISOLATED"
UNSHARE = ("--net", "--fork", "--kill-child")


def why_not_isolated():
    """Why this machine cannot run the test; empty where it can."""
    if os.geteuid() != 0:
        return "only root can make a network"
    tools = ("ip", "prometheus", "unshare")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if monitoring.Alertmanager.program() is None:
        missing.append("Alertmanager")
    if missing:
        return f"the test takes {', '.join(missing)}"
    tried = program.run(*UNSHARE, "ip", "link", "set", "lo", "up", path="unshare")
    return tried.stderr.strip() if tried.returncode != 0 else ""


def isolate():
    """Starts this program again in a network of its own, where that can be."""
    if IS_ISOLATED in os.environ:
        program.run("link", "set", "lo", "up", path="ip").check_returncode()
    elif not why_not_isolated():
        os.environ[IS_ISOLATED] = "yes"
        os.execvp("unshare", ["unshare", *UNSHARE, sys.executable, "-B", *sys.argv])


@contextlib.contextmanager
def intruder(port):
    """A program named intruder listens on the port."""
    with subprocess.Popen(
        [sys.executable, "-c", INTRUDER, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            if process.stdout.readline() != "listening\n":
                raise AssertionError(f"nobody listens on port {port}")
            yield
        finally:
            process.stdin.close()


def unmet(host):
    """[(requirement, subject, level)] of what the recorded host does not meet."""
    golden = (HOSTS / RECORDINGS[host] / "metrics.prom").read_text()
    found = re.findall(
        r"^mailcow_host_requirement_met"
        r'\{requirement="(.*)",subject="(.*)",level="(.*)"\} 0$',
        golden,
        re.M,
    )
    if not found:
        raise AssertionError(f"{host} has nothing unmet")
    return found


def copy_deployment(directory, webhook_url):
    """What deploy/ has, with shorter intervals; returns the two configurations."""
    prometheus = directory / "prometheus.yml"
    prometheus.write_text(monitoring.hasty_prometheus())
    (directory / monitoring.RULES.name).write_text(monitoring.hasty_rules())
    (directory / "targets").mkdir()
    (directory / "targets" / "recorded.yml").write_text(
        json.dumps([{"targets": list(RECORDINGS)}])
    )
    alertmanager = directory / "alertmanager.yml"
    alertmanager.write_text(monitoring.hasty_alertmanager(webhook_url))
    for template in monitoring.ALERTMANAGER_CONFIGURATION.parent.glob("*.tmpl"):
        shutil.copy(template, directory)
    return prometheus, alertmanager


@unittest.skipUnless(IS_ISOLATED in os.environ, why_not_isolated())
class AlertingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.directory = pathlib.Path(directory)
        cls.flags = [
            f"--mailcow.dir={directory}",
            f"--docker.socket={directory}/docker.sock",
            # A line through a minute of its free space says nothing of a week.
            "--no-collector.disk",
        ]
        cls.enterClassContext(
            program.Serving(f"--web.listen-address={THIS_MACHINE}", *cls.flags)
        )
        cls.recorded = {host: cls.play(host) for host in RECORDINGS}
        cls.webhook = cls.enterClassContext(monitoring.Webhook())
        prometheus, alertmanager = copy_deployment(cls.directory, cls.webhook.url)
        cls.alertmanager = cls.enterClassContext(
            monitoring.Alertmanager(directory, alertmanager, 9093)
        )
        cls.prometheus = cls.enterClassContext(
            monitoring.Prometheus(directory, prometheus, 9090)
        )
        program.wait_for(lambda: len(cls.prometheus.query("mailcow_host_ready")) == 3)
        program.wait_for(cls.is_settled, deadline=90)

    @classmethod
    def play(cls, host):
        """The program plays a copy of the recorded host."""
        machine = cls.directory / RECORDINGS[host]
        if not machine.exists():
            shutil.copytree(HOSTS / RECORDINGS[host], machine, symlinks=True)
        return cls.enterClassContext(
            program.Serving(
                f"--web.listen-address={host}",
                f"--path.rootfs={machine}/rootfs",
                f"--path.recording={machine}/recording.json",
            )
        )

    def setUp(self):
        program.wait_for(self.is_settled)

    @classmethod
    def is_settled(cls):
        """Whether no alert is on its way."""

        def identities(alerts):
            return sorted(sorted(alert["labels"].items()) for alert in alerts)

        alerts = cls.prometheus.alerts()
        held = cls.alertmanager.alerts()
        return (
            all(alert["state"] == "firing" for alert in alerts)
            and identities(alerts) == identities(held)
            and all(
                cls.webhook.alerts("firing", **alert["labels"])
                for alert in held
                if alert["status"]["state"] == "active"
            )
        )

    def wait_until_told(self, status, **labels):
        """The first that was told of the alert with this status."""
        return program.wait_for(lambda: self.webhook.alerts(status, **labels))[0]

    def let_time_pass(self):
        """Returns when what was on its way has been told, and told again if need be:
        after three evaluations of the rules, which are as often as notifications."""

        def evaluations():
            return self.prometheus.value(
                "prometheus_rule_group_iterations_total"
                '{job="prometheus",rule_group=~".*;mailcow_host"}'
            )

        enough = evaluations() + 3
        program.wait_for(lambda: evaluations() >= enough)

    def active_since(self, **labels):
        """Since when each alert with these labels has been active."""
        return [alert["activeAt"] for alert in self.prometheus.alerts(**labels)]

    def state(self, **labels):
        [alert] = self.alertmanager.alerts(**labels)
        return alert["status"]["state"]

    def checked_remedy(self, requirement, subject):
        """What `check` says is to be done."""
        report = json.loads(program.run("check", "--format=json", *self.flags).stdout)
        [remedy] = {
            finding["remedy"]
            for finding in report["requirements"]
            if (finding["id"], finding["subject"]) == (requirement, subject)
        }
        return remedy

    def test_of_a_listener_one_learns_once_whose_it_is_and_what_to_do(self):
        with intruder(25):
            alert = self.wait_until_told("firing", **PORT_25_TAKEN)
            remedy = self.checked_remedy("port_foreign_listeners", "25")
            self.let_time_pass()
        self.wait_until_told("resolved", **PORT_25_TAKEN)
        self.let_time_pass()
        for status in ("firing", "resolved"):
            told = self.webhook.alerts(status, **PORT_25_TAKEN)
            self.assertEqual(1, len(told), status)
        self.assertTrue(remedy)
        self.assertEqual(
            [
                "Measured: 1",
                "Limit: 0",
                "Listening: intruder at 127.0.0.1",
                f"Remedy: {remedy}",
            ],
            alert["annotations"]["description"].splitlines(),
        )
        summary = alert["annotations"]["summary"]
        self.assertIn(f"port_foreign_listeners 25 is unmet on {THIS_MACHINE}", summary)

    def check_that_verdicts_survive(self, silence, wake):
        def told(status, labels):
            return len(self.webhook.alerts(status, **labels))

        [since] = self.active_since(**EXIM_ON_PORT_25)
        fired, resolved = (
            (told(status, EXIM_ON_PORT_25), told(status, EXPORTER_DOWN))
            for status in ("firing", "resolved")
        )
        silence()
        try:
            program.wait_for(lambda: told("firing", EXPORTER_DOWN) == fired[1] + 1)
            [down] = self.alertmanager.alerts(**EXPORTER_DOWN)
            muted = {
                alert["labels"]["alertname"]
                for alert in self.alertmanager.alerts(instance=WITH_MAILCOW)
                if down["fingerprint"] in alert["status"]["inhibitedBy"]
            }
            self.assertIn("MailcowHostRequirementUnmet", muted)
            self.assertIn("MailcowHostServiceGone", muted)
            self.assertEqual("suppressed", self.state(**EXIM_ON_PORT_25))
            self.let_time_pass()
            self.assertEqual(resolved[0], told("resolved", EXIM_ON_PORT_25))
        finally:
            wake()
        program.wait_for(lambda: told("resolved", EXPORTER_DOWN) == resolved[1] + 1)
        # Alertmanager tells again of what was not in its last notification.
        program.wait_for(lambda: told("firing", EXIM_ON_PORT_25) == fired[0] + 1)
        self.let_time_pass()
        self.assertEqual("active", self.state(**EXIM_ON_PORT_25))
        self.assertEqual([since], self.active_since(**EXIM_ON_PORT_25))
        self.assertEqual(fired[0] + 1, told("firing", EXIM_ON_PORT_25))
        self.assertEqual(resolved[0], told("resolved", EXIM_ON_PORT_25))

    def test_an_exporter_that_hangs_mutes_its_verdicts(self):
        process = self.recorded[WITH_MAILCOW].process
        self.check_that_verdicts_survive(
            lambda: process.send_signal(signal.SIGSTOP),
            lambda: process.send_signal(signal.SIGCONT),
        )

    def test_an_exporter_that_ended_mutes_its_verdicts(self):
        def start_again():
            self.recorded[WITH_MAILCOW] = self.play(WITH_MAILCOW)

        self.check_that_verdicts_survive(self.recorded[WITH_MAILCOW].stop, start_again)

    def test_a_verdict_that_turns_unknown_does_not_resolve(self):
        meminfo = self.directory / RECORDINGS[WITH_MAILCOW] / "rootfs/proc/meminfo"
        text = meminfo.read_text()
        self.addCleanup(meminfo.write_text, text)
        [since] = self.active_since(**TOO_LITTLE_MEMORY)

        # The program keeps the file open.
        meminfo.write_text("")
        program.wait_for(lambda: self.alertmanager.alerts(**UNKNOWN_MEMORY))
        self.let_time_pass()
        self.assertEqual([since], self.active_since(**TOO_LITTLE_MEMORY))
        self.assertEqual([], self.webhook.alerts("resolved", **TOO_LITTLE_MEMORY))

        meminfo.write_text(monitoring.replace(text, r"^MemTotal:.*", ENOUGH_MEMORY))
        self.wait_until_told("resolved", **TOO_LITTLE_MEMORY)
        meminfo.write_text(text)
        program.wait_for(lambda: self.active_since(**TOO_LITTLE_MEMORY))

    def severities(self, host):
        """{(requirement, subject, level): severity} of what is unmet."""
        return {
            tuple(
                alert["labels"].get(name, "")
                for name in ("requirement", "subject", "level")
            ): alert["labels"]["severity"]
            for alert in self.alertmanager.alerts(
                alertname="MailcowHostRequirementUnmet", instance=host
            )
        }

    def receivers(self, host):
        """{severity: those who are told of it}"""
        receivers = collections.defaultdict(set)
        for group in self.webhook.groups:
            for alert in group["alerts"]:
                if alert["labels"].get("instance") == host:
                    receivers[alert["labels"]["severity"]].add(group["receiver"])
        return receivers

    def test_before_mailcow_is_installed_nothing_pages(self):
        self.assertEqual(
            {each: "info" for each in unmet(BEFORE_MAILCOW)},
            self.severities(BEFORE_MAILCOW),
        )
        self.assertEqual({"info": {"info"}}, self.receivers(BEFORE_MAILCOW))

    def test_with_mailcow_what_is_required_pages(self):
        severity_of = {"required": "critical", "recommended": "warning"}
        self.assertEqual(
            {each: severity_of[each[2]] for each in unmet(WITH_MAILCOW)},
            self.severities(WITH_MAILCOW),
        )
        self.assertEqual(
            {"critical": {"page"}, "warning": {"notify"}}, self.receivers(WITH_MAILCOW)
        )


if __name__ == "__main__":
    isolate()
    program.main()
