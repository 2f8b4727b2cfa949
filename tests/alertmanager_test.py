"""deploy/alertmanager: who is told of what, what is muted, and how it reads."""

import json
import pathlib
import re
import tempfile
import unittest

import alertmanager
import monitoring
import program

RULES = monitoring.RULES
ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES.read_text(), re.M)


def without_comments(text):
    return re.sub(r"^ *#.*$", "", text, flags=re.M)


def amtool(*args):
    return program.run(*args, path="amtool")


@alertmanager.is_installed
class ConfigurationTest(unittest.TestCase):
    def check(self, configuration):
        with tempfile.TemporaryDirectory() as directory:
            checked = amtool(
                "check-config", alertmanager.install(directory, configuration)
            )
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)
        return checked.stdout

    def test_amtool_finds_no_mistake(self):
        self.assertIn("3 receivers", self.check(alertmanager.CONFIGURATION.read_text()))

    def test_amtool_finds_no_mistake_with_the_receivers_of_each_example(self):
        self.assertTrue(alertmanager.EXAMPLES)
        for example in alertmanager.EXAMPLES:
            with self.subTest(example.name):
                self.assertIn("3 receivers", self.check(alertmanager.assemble(example)))

    def test_the_command_in_its_first_lines_takes_an_example(self):
        [command] = re.findall(
            r"^#   (sed .*)$", alertmanager.CONFIGURATION.read_text(), re.M
        )
        assembled = program.run(
            "-c", command, path="/bin/sh", cwd=alertmanager.CONFIGURATION.parent
        ).stdout
        slack = alertmanager.CONFIGURATION.parent / "receivers" / "slack.yml"
        self.assertEqual(alertmanager.assemble(slack), assembled)

    def test_each_example_is_named_in_its_first_lines(self):
        head, _, _ = alertmanager.CONFIGURATION.read_text().partition("\ntemplates:")
        for example in alertmanager.EXAMPLES:
            word = {"email": "mail"}.get(example.stem, example.stem)
            self.assertRegex(head, rf"(?i)\b{word}s?\b")

    def test_no_file_has_a_secret(self):
        secret = re.compile(
            r"\b\w*(token|_key|password|secret|credentials|webhook_url|api_url): "
            r"|://[^/ ]*@"
        )
        for path in [alertmanager.CONFIGURATION, *alertmanager.EXAMPLES]:
            with self.subTest(path.name):
                text = without_comments(path.read_text())
                self.assertNotRegex(text, secret)
                for file in re.findall(r"_file: ([^\s}]+)", text):
                    self.assertTrue(file.startswith(f"{alertmanager.SECRETS}/"), file)

    def test_every_example_tells_what_is_resolved(self):
        for example in alertmanager.EXAMPLES:
            with self.subTest(example.name):
                text = example.read_text()
                integrations = len(re.findall(r"^      - ", text, re.M))
                self.assertEqual(integrations, text.count("send_resolved: true"))

    def test_every_template_that_an_example_names_exists(self):
        defined = re.findall(r'define "([^"]+)"', alertmanager.TEMPLATES.read_text())
        for example in alertmanager.EXAMPLES:
            for name in re.findall(r'template "([^"]+)"', example.read_text()):
                self.assertIn(name, defined, example.name)

    def test_every_alert_it_names_is_one_of_the_rules(self):
        text = without_comments(alertmanager.CONFIGURATION.read_text())
        names = set(re.findall(r"MailcowHost[A-Z]\w+", text))
        for start, choices in re.findall(r"(MailcowHost\w*)\(([\w|]+)\)", text):
            names |= {start + end for end in choices.split("|")}
            names.discard(start)
        self.assertLess(5, len(names))
        self.assertLessEqual(names, set(ALERTS))

    def test_every_requirement_it_names_is_one_of_the_program(self):
        known = re.findall(r"\w+", program.run("list").stdout)
        text = without_comments(alertmanager.CONFIGURATION.read_text())
        patterns = re.findall(r'requirement (?:=|=~) "?([^"\],]+)', text)
        self.assertLess(2, len(patterns))
        for pattern in "|".join(patterns).split("|"):
            with self.subTest(pattern):
                self.assertTrue(any(re.fullmatch(pattern, word) for word in known))


@alertmanager.is_installed
class RoutesTest(unittest.TestCase):
    def receiver(self, *labels):
        with tempfile.TemporaryDirectory() as directory:
            file = f"--config.file={alertmanager.install(directory, alertmanager.CONFIGURATION.read_text())}"
            routed = amtool("config", "routes", "test", file, *labels)
        self.assertEqual(0, routed.returncode, routed.stderr)
        return routed.stdout.strip()

    def test_what_is_critical_pages(self):
        self.assertEqual("page", self.receiver("severity=critical"))

    def test_a_warning_is_told(self):
        self.assertEqual("notify", self.receiver("severity=warning"))

    def test_info_wakes_nobody(self):
        self.assertEqual("info", self.receiver("severity=info"))

    def test_what_has_no_severity_is_told(self):
        self.assertEqual("notify", self.receiver("alertname=Other"))

    def test_what_has_a_severity_of_its_own_is_told(self):
        self.assertEqual("notify", self.receiver("severity=page"))

    def test_alerts_of_others_go_by_their_severity_as_well(self):
        self.assertEqual("page", self.receiver("alertname=Other", "severity=critical"))
        self.assertEqual("info", self.receiver("alertname=Other", "severity=info"))

    def test_the_rules_know_no_other_severities(self):
        severities = re.findall(r"severity: (\w+)}", RULES.read_text())
        severities += re.findall(r'"severity", "(\w+)"', RULES.read_text())
        self.assertEqual({"critical", "warning", "info"}, set(severities))


@alertmanager.is_installed
class TemplatesTest(unittest.TestCase):
    def render(self, name, firing=(), resolved=(), labels=None, group=None):
        """What amtool makes of the template; the alerts are annotations."""
        alerts = [{"status": "firing", "annotations": each} for each in firing]
        alerts += [{"status": "resolved", "annotations": each} for each in resolved]
        for each in alerts:
            each["labels"] = {"alertname": "Nameless"}
        data = {
            "status": "firing" if firing else "resolved",
            "alerts": alerts,
            "groupLabels": {"instance": "mail:9025"} if group is None else group,
            "commonLabels": {"severity": "critical"} if labels is None else labels,
        }
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "data.json"
            path.write_text(json.dumps(data))
            rendered = amtool(
                "template",
                "render",
                f"--template.glob={alertmanager.TEMPLATES}",
                f"--template.data={path}",
                f'--template.text={{{{ template "mailcow_host.{name}" . }}}}',
            )
        self.assertEqual(0, rendered.returncode, rendered.stderr)
        return rendered.stdout.removesuffix("\n")

    PORT = alertmanager.PORT_TAKEN["annotations"]
    SWAP = {"summary": "Swap is exhausted.", "description": "None is left."}
    BARE = {"summary": "A disk is full."}

    def test_the_title_has_severity_host_and_numbers(self):
        self.assertEqual(
            "[CRITICAL] mail:9025: 2 firing, 1 resolved",
            self.render("title", [self.PORT, self.SWAP], [self.BARE]),
        )

    def test_the_title_of_what_fires_alone(self):
        self.assertEqual(
            "[CRITICAL] mail:9025: 1 firing", self.render("title", [self.PORT])
        )

    def test_the_title_of_what_is_resolved_alone(self):
        self.assertEqual(
            "[CRITICAL] mail:9025: 1 resolved", self.render("title", [], [self.PORT])
        )

    def test_the_title_of_an_alert_without_host(self):
        self.assertEqual(
            "mailcow_host: 1 firing",
            self.render("title", [self.BARE], labels={"job": "mailcow_host"}, group={}),
        )

    def test_the_title_of_an_alert_without_labels(self):
        self.assertEqual(
            "Prometheus: 1 firing",
            self.render("title", [self.BARE], labels={}, group={}),
        )

    def test_a_line_has_the_title_and_every_summary(self):
        self.assertEqual(
            "[CRITICAL] mail:9025: 1 firing, 1 resolved"
            " | Swap is exhausted. | Resolved: A disk is full.",
            self.render("line", [self.SWAP], [self.BARE]),
        )

    def test_the_text_has_summary_description_and_runbook_of_what_fires(self):
        self.assertEqual(
            "Port 25 is taken on mail.example.com:9025.\n"
            "Measured: 1\n"
            "Limit: 0\n"
            "Listening: exim4 at 127.0.0.1:25\n"
            "Remedy: systemctl disable --now <unit> && reboot\n"
            "Runbook: https://example.com/runbooks.md#unmet\n"
            "\n"
            "Swap is exhausted.\n"
            "None is left.",
            self.render("text", [self.PORT, self.SWAP]),
        )

    def test_the_text_has_the_summary_alone_of_what_is_resolved(self):
        self.assertEqual(
            "A disk is full.\n"
            "\n"
            "Resolved: Port 25 is taken on mail.example.com:9025.\n"
            "Resolved: Swap is exhausted.",
            self.render("text", [self.BARE], [self.PORT, self.SWAP]),
        )

    def test_an_alert_without_summary_has_its_name(self):
        for name in ["line", "text", "slack"]:
            self.assertIn("Nameless", self.render(name, [{}]))
            self.assertIn("Resolved: Nameless", self.render(name, [], [{}]))

    def test_slack_reads_no_markup_in_what_it_is_told(self):
        self.assertEqual(
            "*Port 25 is taken on mail.example.com:9025.*\n"
            "Measured: 1\n"
            "Limit: 0\n"
            "Listening: exim4 at 127.0.0.1:25\n"
            "Remedy: systemctl disable --now &lt;unit&gt; &amp;&amp; reboot\n"
            "<https://example.com/runbooks.md#unmet|Runbook>\n"
            "\n"
            "Resolved: a &lt;b&gt; &amp; c",
            self.render("slack", [self.PORT], [{"summary": "a <b> & c"}]),
        )
        self.assertIn("*&lt;&amp;&gt;*", self.render("slack", [{"summary": "<&>"}]))


@alertmanager.is_installed
class InhibitionTest(unittest.TestCase):
    # Muted once everything that was posted before it has been looked at.
    SENTINEL = """\
inhibit_rules:
  - source_matchers: [alertname = SentinelSource]
    target_matchers: [alertname = SentinelTarget]
    equal: [instance]
"""

    @classmethod
    def setUpClass(cls):
        cls.alertmanager = cls.enterClassContext(
            alertmanager.serving(
                alertmanager.CONFIGURATION.read_text().replace(
                    "inhibit_rules:\n", cls.SENTINEL
                )
            )
        )

    def alert(self, name, instance="", **labels):
        """An alert on the host of the test, or on another one."""
        return alertmanager.alert(name, f"{self.id()}{instance}", **labels)

    def unmet(self, requirement, subject="", level="required", **labels):
        labels = dict(requirement=requirement, subject=subject, level=level) | labels
        return self.alert("MailcowHostRequirementUnmet", **labels)

    def unknown(self, requirement, subject="", level="required", **labels):
        labels = dict(requirement=requirement, subject=subject, level=level) | labels
        return self.alert("MailcowHostRequirementUnknown", **labels)

    def gone(self, service, **labels):
        return self.alert(
            "MailcowHostServiceGone",
            requirement="mailcow_container_running",
            subject=service,
            level="recommended",
            **labels,
        )

    def muted(self, *alerts):
        """Those of the alerts that are muted while all of them fire."""
        self.alertmanager.post(*alerts)
        self.alertmanager.post(
            self.alert("SentinelTarget"), self.alert("SentinelSource")
        )

        def muted():
            return [
                each["labels"]
                for each in self.alertmanager.alerts()
                if each["status"]["inhibitedBy"]
            ]

        sentinel = self.alert("SentinelTarget")["labels"]
        labels = program.wait_for(lambda: (all := muted()) and sentinel in all and all)
        return [each for each in alerts if each["labels"] in labels]

    def assert_mutes(self, source, *targets):
        self.assertEqual([*targets], self.muted(source, *targets))

    def assert_mutes_none(self, source, *others):
        self.assertEqual([], self.muted(source, *others))

    # The exporter is down.

    def test_an_exporter_that_is_down_mutes_every_other_alert_of_its_host(self):
        self.assertIn("MailcowHostExporterDown", ALERTS)
        others = [name for name in ALERTS if name != "MailcowHostExporterDown"]
        self.assert_mutes(
            self.alert("MailcowHostExporterDown"), *map(self.alert, others)
        )

    def test_an_exporter_that_is_down_mutes_no_other_host(self):
        self.assert_mutes_none(
            self.alert("MailcowHostExporterDown"),
            self.alert("MailcowHostExporterDown", instance="-and-so-is-this"),
            self.alert("MailcowHostNotReady", instance="-other"),
            self.alert("MailcowHostNotReady", job="other"),
        )

    def test_an_exporter_that_is_down_mutes_no_alert_of_others(self):
        self.assert_mutes_none(
            self.alert("MailcowHostExporterDown"), self.alert("NodeFilesystemReadOnly")
        )

    def test_that_no_host_is_watched_mutes_no_host(self):
        none = self.alert("MailcowHostExporterDown")
        del none["labels"]["instance"]
        self.assert_mutes_none(none, self.alert("MailcowHostNotReady"))

    # Docker's engine does not answer.

    def test_an_engine_that_is_gone_mutes_what_it_was_asked_for(self):
        self.assert_mutes(
            self.unmet("docker_reachable"),
            self.unmet("docker_version_supported", level="recommended"),
            self.unmet("port_served", subject="25"),
            self.unknown("port_served", subject="25"),
            self.unknown("mailcow_container_running", subject="nginx-mailcow"),
            self.unmet("mailcow_container_healthy", subject="nginx-mailcow"),
        )

    def test_an_engine_that_is_gone_mutes_that_mailcow_is(self):
        self.assert_mutes(
            self.unmet("docker_reachable"),
            self.alert("MailcowHostMailcowGone"),
            self.gone("nginx-mailcow"),
        )

    def test_an_engine_that_is_gone_mutes_nothing_else(self):
        self.assert_mutes_none(
            self.unmet("docker_reachable"),
            self.unmet("memory"),
            self.unknown("port_foreign_listeners", subject="25"),
            self.unmet("docker_configuration_valid"),
            self.alert("MailcowHostMailcowGone", instance="-other"),
            self.unknown("port_served", subject="25", instance="-other"),
        )

    def test_an_engine_of_which_nothing_is_known_mutes_none(self):
        self.assert_mutes_none(
            self.unknown("docker_reachable"),
            self.unknown("port_served", subject="25"),
            self.alert("MailcowHostMailcowGone"),
        )

    # Both levels of a requirement.

    def test_required_mutes_recommended(self):
        self.assert_mutes(
            self.unmet("memory"), self.unmet("memory", level="recommended")
        )

    def test_required_mutes_recommended_of_its_subject(self):
        self.assert_mutes(
            self.unmet("disk", subject="/srv"),
            self.unmet("disk", subject="/srv", level="recommended"),
        )

    def test_required_mutes_recommended_while_both_are_unknown(self):
        self.assert_mutes(
            self.unknown("memory"), self.unknown("memory", level="recommended")
        )

    def test_required_mutes_no_other_recommended(self):
        self.assert_mutes_none(
            self.unmet("disk", subject="/srv"),
            self.unmet("disk", subject="/var", level="recommended"),
            self.unmet("disk", level="recommended"),
            self.unmet("memory", subject="/srv", level="recommended"),
            self.unmet("disk", subject="/srv", level="recommended", instance="-other"),
        )

    def test_recommended_mutes_no_required(self):
        self.assert_mutes_none(
            self.unmet("memory", level="recommended"),
            self.unknown("memory", level="required"),
            self.unmet("disk", level="required"),
        )

    def test_required_that_is_unknown_mutes_no_recommended_that_is_unmet(self):
        self.assert_mutes_none(
            self.unknown("memory"), self.unmet("memory", level="recommended")
        )

    # Unmet, then unknown.

    def test_unmet_mutes_unknown(self):
        self.assert_mutes(
            self.unmet("port_foreign_listeners", subject="25"),
            self.unknown("port_foreign_listeners", subject="25"),
        )

    def test_unmet_mutes_unknown_of_the_recommended_level(self):
        self.assert_mutes(
            self.unmet("swap", level="recommended"),
            self.unknown("swap", level="recommended"),
        )

    def test_unmet_mutes_no_other_unknown(self):
        self.assert_mutes_none(
            self.unmet("disk", subject="/srv", level="recommended"),
            self.unknown("disk", subject="/srv", level="required"),
            self.unknown("disk", subject="/var", level="recommended"),
            self.unknown("memory", subject="/srv", level="recommended"),
            self.unknown(
                "disk", subject="/srv", level="recommended", instance="-other"
            ),
        )

    # The host is not ready.

    def test_an_unmet_required_requirement_mutes_that_the_host_is_not_ready(self):
        self.assert_mutes(self.unmet("memory"), self.alert("MailcowHostNotReady"))

    def test_it_is_said_of_other_hosts(self):
        self.assert_mutes_none(
            self.unmet("memory"), self.alert("MailcowHostNotReady", instance="-other")
        )

    def test_it_is_said_where_a_recommended_requirement_is_unmet(self):
        self.assert_mutes_none(
            self.unmet("memory", level="recommended"), self.alert("MailcowHostNotReady")
        )

    def test_it_is_said_where_a_required_requirement_is_unknown(self):
        self.assert_mutes_none(
            self.unknown("memory"), self.alert("MailcowHostNotReady")
        )

    # A service of mailcow is gone.

    def test_a_service_that_is_gone_mutes_that_its_container_does_not_run(self):
        self.assert_mutes(
            self.gone("nginx-mailcow"),
            *(
                self.unmet(requirement, subject="nginx-mailcow", level="recommended")
                for requirement in [
                    "mailcow_container_running",
                    "mailcow_container_healthy",
                ]
            ),
        )

    def test_a_service_that_is_gone_mutes_nothing_else(self):
        running = "mailcow_container_running"
        self.assert_mutes_none(
            self.gone("nginx-mailcow"),
            self.gone("redis-mailcow"),
            self.unmet(running, subject="sogo-mailcow"),
            self.unmet(running),
            self.unmet(running, subject="nginx-mailcow", instance="-other"),
            self.unmet("mail_service_absent", subject="nginx-mailcow"),
            self.unmet("port_served", subject="443"),
        )

    def test_a_service_without_a_name_mutes_none(self):
        self.assert_mutes_none(self.gone(""), self.unmet("mailcow_container_running"))

    # A disk fills.

    def test_full_within_a_day_mutes_full_within_a_week(self):
        self.assert_mutes(
            self.alert("MailcowHostDiskFullWithinDay", path="/srv"),
            self.alert("MailcowHostDiskFullWithinWeek", path="/srv"),
        )

    def test_full_within_a_day_mutes_no_other_disk(self):
        self.assert_mutes_none(
            self.alert("MailcowHostDiskFullWithinDay", path="/srv"),
            self.alert("MailcowHostDiskFullWithinWeek", path="/var"),
            self.alert("MailcowHostDiskFullWithinWeek", path="/srv", instance="-other"),
        )


@alertmanager.is_installed
class NotificationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.webhook = cls.enterClassContext(monitoring.Webhook())
        cls.alertmanager = cls.enterClassContext(
            alertmanager.serving(monitoring.hasty_alertmanager(cls.webhook.url))
        )

    def alert(self, name, **labels):
        return alertmanager.alert(name, self.id(), **labels)

    def told(self, path):
        return [
            body
            for to, _, body in self.webhook.requests
            if to == path and body["groupLabels"].get("instance") == self.id()
        ]

    def notifications(self, path="/page", count=1):
        """What came about the host of the test, once that is enough."""
        return program.wait_for(lambda: len(all := self.told(path)) >= count and all)

    def test_each_severity_reaches_its_receiver_alone(self):
        receivers = {"critical": "/page", "warning": "/notify", "info": "/info"}
        for severity in receivers:
            self.alertmanager.post(self.alert("Other", severity=severity))
        for severity, path in receivers.items():
            with self.subTest(severity):
                [notification] = self.notifications(path)
                [told] = notification["alerts"]
                self.assertEqual(severity, told["labels"]["severity"])

    def test_a_host_is_told_of_once_with_all_that_is_wrong_with_it(self):
        ports = ["25", "465", "587", "143", "993"]
        self.alertmanager.post(
            *(
                self.alert(
                    "MailcowHostRequirementUnmet",
                    requirement="port_foreign_listeners",
                    subject=port,
                    level="required",
                )
                for port in ports
            )
        )
        [notification] = self.notifications()
        self.assertCountEqual(
            ports, [each["labels"]["subject"] for each in notification["alerts"]]
        )

    def test_that_it_is_resolved_is_told(self):
        over = self.alert("MailcowHostSwapExhausted")
        over["startsAt"] = "2020-01-01T00:00:00Z"
        self.alertmanager.post(over)
        self.assertEqual("firing", self.notifications()[0]["status"])
        self.alertmanager.post(over | {"endsAt": "2020-01-02T00:00:00Z"})
        self.assertEqual(
            ["firing", "resolved"],
            [each["status"] for each in self.notifications(count=2)],
        )

    def test_what_is_muted_is_not_told(self):
        self.alertmanager.post(
            self.alert("MailcowHostExporterDown"),
            self.alert("MailcowHostNotReady"),
            self.alert("MailcowHostMailcowGone"),
        )
        [notification] = self.notifications()
        [told] = notification["alerts"]
        self.assertEqual("MailcowHostExporterDown", told["labels"]["alertname"])


if __name__ == "__main__":
    program.main()
