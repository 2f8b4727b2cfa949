"""deploy/alertmanager: who is told of what, what is muted, and how it reads."""

import base64
import contextlib
import email
import email.policy
import http.server
import json
import pathlib
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

import program

DEPLOY = pathlib.Path(__file__).parent.parent / "deploy"
CONFIGURATION = DEPLOY / "alertmanager" / "alertmanager.yml"
TEMPLATES = DEPLOY / "alertmanager" / "mailcow_host.tmpl"
EXAMPLES = sorted((DEPLOY / "alertmanager" / "receivers").glob("*.yml"))
RULES = DEPLOY / "prometheus" / "mailcow_host.rules.yml"

# Where the examples have their secrets.
SECRETS = "/etc/prometheus/secrets"

ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES.read_text(), re.M)

is_installed = unittest.skipUnless(
    shutil.which("prometheus-alertmanager") and shutil.which("amtool"),
    "Alertmanager is not installed",
)


def without_comments(text):
    return re.sub(r"^ *#.*$", "", text, flags=re.M)


def assemble(example):
    """The configuration with the receivers of the example, which is a path."""
    before, _, _ = CONFIGURATION.read_text().partition("\nreceivers:")
    return f"{before}\n{example.read_text()}"


def with_receivers(receivers):
    """The same with one webhook for each of {name: url}."""
    before, _, _ = CONFIGURATION.read_text().partition("\nreceivers:")
    webhooks = "".join(
        f"  - name: {name}\n    webhook_configs: [{{url: '{url}'}}]\n"
        for name, url in receivers.items()
    )
    return f"{before}\nreceivers:\n{webhooks}"


def hurried(configuration):
    """The same configuration, for those who cannot wait for minutes."""
    return re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", configuration)


def install(directory, configuration):
    """Writes the configuration, and the templates, to where they are to be read."""
    shutil.copy(TEMPLATES, directory)
    path = pathlib.Path(directory) / "alertmanager.yml"
    path.write_text(configuration)
    return str(path)


def amtool(*args):
    return program.run(*args, path="amtool")


def request(url, body=None):
    """The JSON that answers a GET, or a POST of the body."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(
        urllib.request.Request(url, data, headers), timeout=program.DEADLINE_SECONDS
    ) as reply:
        return json.loads(reply.read() or "null")


class Alertmanager:
    """Debian's Alertmanager with a configuration, alone and on a free port."""

    def __init__(self, configuration):
        self._configuration = configuration

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            [port] = program.free_ports(1)
            self.url = f"http://127.0.0.1:{port}"
            self._log = pathlib.Path(directory) / "log"
            with self._log.open("w") as log:
                process = subprocess.Popen(
                    [
                        "prometheus-alertmanager",
                        f"--config.file={install(directory, self._configuration)}",
                        f"--storage.path={directory}/data",
                        f"--web.listen-address=127.0.0.1:{port}",
                        "--cluster.listen-address=",
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            stack.callback(process.wait)
            stack.callback(process.kill)
            program.wait_for(lambda: self._is_ready(process))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def _is_ready(self, process):
        if process.poll() is not None:
            raise AssertionError(self.log())
        try:
            return program.fetch(f"{self.url}/-/ready")
        except urllib.error.URLError:
            return False

    def log(self):
        return self._log.read_text()

    def post(self, *alerts):
        request(f"{self.url}/api/v2/alerts", list(alerts))

    def alerts(self):
        return request(f"{self.url}/api/v2/alerts")


class Webhook:
    """An HTTP server that keeps what is posted to it."""

    def __enter__(self):
        requests = self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                # What each of them takes for success.
                answer = b'{"ok": true, "status": "success"}'
                self.send_response(202)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                requests.append((self.path, self.headers, json.loads(body)))

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def first(self):
        """(path, headers, body) of the first request."""
        return program.wait_for(lambda: self.requests)[0]

    def notifications(self, path, instance):
        """The bodies of what came to the path about the host."""
        return [
            body
            for to, _, body in self.requests
            if to == path and body["groupLabels"].get("instance") == instance
        ]


class MailServer:
    """An SMTP server for one who logs in; keeps the logins and the messages."""

    def __enter__(self):
        logins, messages = self.logins, self.messages = [], []

        class Handler(socketserver.StreamRequestHandler):
            def say(self, line):
                self.wfile.write(f"{line}\r\n".encode())

            def handle(self):
                self.say("220 localhost")
                for line in self.rfile:
                    verb = line.split()[0].upper()
                    if verb == b"EHLO":
                        self.say("250-localhost")
                        self.say("250 AUTH PLAIN")
                    elif verb == b"AUTH":
                        [login] = line.split()[2:]
                        logins.append(base64.b64decode(login).split(b"\0"))
                        self.say("235 welcome")
                    elif verb == b"DATA":
                        self.say("354 go on")
                        lines = list(iter(self.rfile.readline, b".\r\n"))
                        self.say("250 taken")
                    elif verb == b"QUIT":
                        self.say("221 bye")
                        messages.append(b"".join(lines))
                        return
                    else:
                        self.say("250 well")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.port = self._server.server_address[1]
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def alert(name, instance, severity="critical", **labels):
    labels = {key: value for key, value in labels.items() if value}
    return {
        "labels": {"alertname": name, "severity": severity}
        | {"job": "mailcow_host", "instance": instance}
        | labels
    }


PORT_TAKEN = alert(
    "MailcowHostRequirementUnmet",
    "mail.example.com:9025",
    requirement="port_foreign_listeners",
    subject="25",
    level="required",
) | {
    "annotations": {
        "summary": "Port 25 is taken on mail.example.com:9025.",
        "description": "Measured: 1\nLimit: 0\nListening: exim4 at 127.0.0.1:25\n"
        "Remedy: systemctl disable --now <unit> && reboot",
        "runbook_url": "https://example.com/runbooks.md#unmet",
    }
}


@is_installed
class ConfigurationTest(unittest.TestCase):
    def check(self, configuration):
        with tempfile.TemporaryDirectory() as directory:
            checked = amtool("check-config", install(directory, configuration))
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)
        return checked.stdout

    def test_amtool_finds_no_mistake(self):
        self.assertIn("3 receivers", self.check(CONFIGURATION.read_text()))

    def test_amtool_finds_no_mistake_with_the_receivers_of_each_example(self):
        self.assertTrue(EXAMPLES)
        for example in EXAMPLES:
            with self.subTest(example.name):
                self.assertIn("3 receivers", self.check(assemble(example)))

    def test_the_command_in_its_first_lines_takes_an_example(self):
        [command] = re.findall(r"^#   (sed .*)$", CONFIGURATION.read_text(), re.M)
        assembled = program.run(
            "-c", command, path="/bin/sh", cwd=CONFIGURATION.parent
        ).stdout
        slack = CONFIGURATION.parent / "receivers" / "slack.yml"
        self.assertEqual(assemble(slack), assembled)

    def test_each_example_is_named_in_its_first_lines(self):
        head, _, _ = CONFIGURATION.read_text().partition("\ntemplates:")
        for example in EXAMPLES:
            word = {"email": "mail"}.get(example.stem, example.stem)
            self.assertRegex(head, rf"(?i)\b{word}s?\b")

    def test_no_file_has_a_secret(self):
        secret = re.compile(
            r"\b\w*(token|_key|password|secret|credentials|webhook_url|api_url): "
            r"|://[^/ ]*@"
        )
        for path in [CONFIGURATION, *EXAMPLES]:
            with self.subTest(path.name):
                text = without_comments(path.read_text())
                self.assertNotRegex(text, secret)
                for file in re.findall(r"_file: ([^\s}]+)", text):
                    self.assertTrue(file.startswith(f"{SECRETS}/"), file)

    def test_every_example_tells_what_is_resolved(self):
        for example in EXAMPLES:
            with self.subTest(example.name):
                text = example.read_text()
                integrations = len(re.findall(r"^      - ", text, re.M))
                self.assertEqual(integrations, text.count("send_resolved: true"))

    def test_every_template_that_an_example_names_exists(self):
        defined = re.findall(r'define "([^"]+)"', TEMPLATES.read_text())
        for example in EXAMPLES:
            for name in re.findall(r'template "([^"]+)"', example.read_text()):
                self.assertIn(name, defined, example.name)

    def test_every_alert_it_names_is_one_of_the_rules(self):
        text = without_comments(CONFIGURATION.read_text())
        names = set(re.findall(r"MailcowHost[A-Z]\w+", text))
        for start, choices in re.findall(r"(MailcowHost\w*)\(([\w|]+)\)", text):
            names |= {start + end for end in choices.split("|")}
            names.discard(start)
        self.assertLess(5, len(names))
        self.assertLessEqual(names, set(ALERTS))

    def test_every_requirement_it_names_is_one_of_the_program(self):
        known = re.findall(r"\w+", program.run("list").stdout)
        text = without_comments(CONFIGURATION.read_text())
        patterns = re.findall(r'requirement (?:=|=~) "?([^"\],]+)', text)
        self.assertLess(2, len(patterns))
        for pattern in "|".join(patterns).split("|"):
            with self.subTest(pattern):
                self.assertTrue(any(re.fullmatch(pattern, word) for word in known))


@is_installed
class RoutesTest(unittest.TestCase):
    def receiver(self, *labels):
        with tempfile.TemporaryDirectory() as directory:
            file = f"--config.file={install(directory, CONFIGURATION.read_text())}"
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


@is_installed
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
                f"--template.glob={TEMPLATES}",
                f"--template.data={path}",
                f'--template.text={{{{ template "mailcow_host.{name}" . }}}}',
            )
        self.assertEqual(0, rendered.returncode, rendered.stderr)
        return rendered.stdout.removesuffix("\n")

    PORT = PORT_TAKEN["annotations"]
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


@is_installed
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
            Alertmanager(
                CONFIGURATION.read_text().replace("inhibit_rules:\n", cls.SENTINEL)
            )
        )

    def alert(self, name, instance="", **labels):
        """An alert on the host of the test, or on another one."""
        return alert(name, f"{self.id()}{instance}", **labels)

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


@is_installed
class NotificationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.webhook = cls.enterClassContext(Webhook())
        receivers = ["page", "notify", "info"]
        webhooks = {name: f"{cls.webhook.url}/{name}" for name in receivers}
        cls.alertmanager = cls.enterClassContext(
            Alertmanager(hurried(with_receivers(webhooks)))
        )

    def alert(self, name, **labels):
        return alert(name, self.id(), **labels)

    def notifications(self, path="/page", count=1):
        """What came about the host of the test, once that is enough."""
        return program.wait_for(
            lambda: len(all := self.webhook.notifications(path, self.id())) >= count
            and all
        )

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


@is_installed
class ReceiversTest(unittest.TestCase):
    """Each way to be told, to a party on loopback in place of the real one."""

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.secrets = pathlib.Path(directory)
        self.webhook = self.enterContext(Webhook())

    def serve(self, configuration, *replacements):
        """An Alertmanager with the example, which was told of a port; the secrets
        are where the test has put them."""
        for old, new in [(SECRETS, str(self.secrets)), *replacements]:
            self.assertIn(old, f"{configuration}{SECRETS}")
            configuration = configuration.replace(old, new)
        alertmanager = self.enterContext(Alertmanager(hurried(configuration)))
        alertmanager.post(PORT_TAKEN)
        return alertmanager

    def example(self, name):
        return assemble(CONFIGURATION.parent / "receivers" / f"{name}.yml")

    def test_as_it_is_it_needs_no_secret_and_complains_of_nothing(self):
        with Alertmanager(CONFIGURATION.read_text()) as alertmanager:
            alertmanager.post(PORT_TAKEN)
            [seen] = alertmanager.alerts()
            self.assertEqual([{"name": "page"}], seen["receivers"])
            self.assertNotRegex(alertmanager.log(), r"(?i)level=(warn|error)")

    def test_two_lines_make_it_page(self):
        text = CONFIGURATION.read_text()
        lines = re.compile(r"^(  - name: page\n)    # (.*)\n    # (.*)$", re.M)
        text, count = lines.subn(r"\1    \2\n    \3", text)
        self.assertEqual(1, count)
        self.serve(text, ("http://127.0.0.1:5001", self.webhook.url))
        _, _, notification = self.webhook.first()
        self.assertEqual("page", notification["receiver"])

    def test_webhook(self):
        (self.secrets / "webhook_token").write_text("a-token")
        self.serve(
            self.example("webhook"), ("https://alerts.example.com", self.webhook.url)
        )
        path, headers, notification = self.webhook.first()
        self.assertEqual("/page", path)
        self.assertEqual("Bearer a-token", headers["Authorization"])
        [told] = notification["alerts"]
        self.assertEqual(PORT_TAKEN["annotations"], told["annotations"])

    def test_ntfy(self):
        (self.secrets / "ntfy_token").write_text("a-token")
        self.serve(self.example("ntfy"), ("https://ntfy.sh", self.webhook.url))
        path, headers, _ = self.webhook.first()
        self.assertEqual(
            "/example-mailcow-page?template=alertmanager&priority=urgent", path
        )
        self.assertEqual("Bearer a-token", headers["Authorization"])

    def test_matrix(self):
        self.serve(
            self.example("matrix"), ("http://127.0.0.1:12345", self.webhook.url)
        )
        path, _, _ = self.webhook.first()
        self.assertEqual("/alerts/mailcow-page", path)

    def test_slack(self):
        url = f"{self.webhook.url}/services/secret"
        (self.secrets / "slack_page_url").write_text(url)
        self.serve(self.example("slack"))
        path, _, message = self.webhook.first()
        self.assertEqual("/services/secret", path)
        [attachment] = message["attachments"]
        self.assertEqual(
            "[CRITICAL] mail.example.com:9025: 1 firing", attachment["title"]
        )
        self.assertIn(
            "<!channel> *Port 25 is taken on mail.example.com:9025.*\nMeasured: 1\n",
            attachment["text"],
        )

    def test_slack_calls_nobody_when_it_is_resolved(self):
        (self.secrets / "slack_page_url").write_text(self.webhook.url)
        over = PORT_TAKEN | {"startsAt": "2020-01-01T00:00:00Z"}
        alertmanager = self.serve(self.example("slack"))
        self.webhook.first()
        alertmanager.post(over | {"endsAt": "2020-01-02T00:00:00Z"})
        program.wait_for(lambda: len(self.webhook.requests) > 1)
        _, _, message = self.webhook.requests[1]
        [attachment] = message["attachments"]
        self.assertEqual(
            "Resolved: Port 25 is taken on mail.example.com:9025.", attachment["text"]
        )

    def test_pagerduty(self):
        (self.secrets / "pagerduty_routing_key").write_text("a-key")
        events = f"{self.webhook.url}/v2/enqueue"
        self.serve(
            f"global: {{pagerduty_url: '{events}'}}\n{self.example('pagerduty')}"
        )
        _, _, event = self.webhook.first()
        self.assertEqual("a-key", event["routing_key"])
        self.assertEqual("trigger", event["event_action"])
        payload = event["payload"]
        self.assertEqual("critical", payload["severity"])
        self.assertEqual(
            "[CRITICAL] mail.example.com:9025: 1 firing"
            " | Port 25 is taken on mail.example.com:9025.",
            payload["summary"],
        )
        self.assertIn("Remedy: ", payload["custom_details"]["firing"])

    def test_opsgenie(self):
        (self.secrets / "opsgenie_api_key").write_text("a-key")
        self.serve(
            f"global: {{opsgenie_api_url: '{self.webhook.url}'}}\n"
            f"{self.example('opsgenie')}"
        )
        path, headers, incident = self.webhook.first()
        self.assertEqual("/v2/alerts", path)
        self.assertEqual("GenieKey a-key", headers["Authorization"])
        self.assertEqual("P1", incident["priority"])
        self.assertEqual(
            "[CRITICAL] mail.example.com:9025: 1 firing", incident["message"]
        )
        self.assertIn("Remedy: ", incident["description"])

    def test_email(self):
        (self.secrets / "email_password").write_text("a-password")
        server = self.enterContext(MailServer())
        self.serve(
            self.example("email"),
            ("smtp.other-provider.example:587", f"127.0.0.1:{server.port}"),
            ("require_tls: true", "require_tls: false"),
        )
        [source] = program.wait_for(lambda: server.messages)
        [login] = server.logins
        self.assertEqual([b"", b"alerts@other-provider.example", b"a-password"], login)
        message = email.message_from_bytes(source, policy=email.policy.default)
        self.assertEqual(
            "[CRITICAL] mail.example.com:9025: 1 firing", message["Subject"]
        )
        [part] = message.iter_parts()
        self.assertEqual("text/plain", part.get_content_type())
        self.assertIn("\nRemedy: ", part.get_content().replace("\r\n", "\n"))


if __name__ == "__main__":
    program.main()
