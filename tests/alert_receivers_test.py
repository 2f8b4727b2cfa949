"""deploy/alertmanager/receivers: each way to be told takes its secrets from files, and
says what is wrong. The other party is one on loopback."""

import base64
import email
import email.policy
import pathlib
import re
import socketserver
import tempfile
import threading
import unittest

import alertmanager
import monitoring
import program


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


@alertmanager.is_installed
class ReceiversTest(unittest.TestCase):
    """Each way to be told, to a party on loopback in place of the real one."""

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.secrets = pathlib.Path(directory)
        self.webhook = self.enterContext(monitoring.Webhook())

    def serve(self, configuration, *replacements):
        """An Alertmanager with the example, which was told of a port; the secrets
        are where the test has put them."""
        for old, new in [(alertmanager.SECRETS, str(self.secrets)), *replacements]:
            self.assertIn(old, f"{configuration}{alertmanager.SECRETS}")
            configuration = configuration.replace(old, new)
        serving = self.enterContext(
            alertmanager.serving(monitoring.without_waiting(configuration))
        )
        serving.post(alertmanager.PORT_TAKEN)
        return serving

    def first(self):
        """(path, headers, body) of the first request."""
        return program.wait_for(lambda: self.webhook.requests)[0]

    def example(self, name):
        return alertmanager.assemble(
            alertmanager.CONFIGURATION.parent / "receivers" / f"{name}.yml"
        )

    def test_as_it_is_it_needs_no_secret_and_complains_of_nothing(self):
        text = alertmanager.CONFIGURATION.read_text()
        with alertmanager.serving(text) as serving:
            serving.post(alertmanager.PORT_TAKEN)
            [seen] = serving.alerts()
            self.assertEqual([{"name": "page"}], seen["receivers"])
            self.assertNotRegex(serving.log(), r"(?i)level=(warn|error)")

    def test_two_lines_make_it_page(self):
        text = alertmanager.CONFIGURATION.read_text()
        lines = re.compile(r"^(  - name: page\n)    # (.*)\n    # (.*)$", re.M)
        text, count = lines.subn(r"\1    \2\n    \3", text)
        self.assertEqual(1, count)
        self.serve(text, ("http://127.0.0.1:5001", self.webhook.url))
        _, _, notification = self.first()
        self.assertEqual("page", notification["receiver"])

    def test_webhook(self):
        (self.secrets / "webhook_token").write_text("a-token")
        self.serve(
            self.example("webhook"), ("https://alerts.example.com", self.webhook.url)
        )
        path, headers, notification = self.first()
        self.assertEqual("/page", path)
        self.assertEqual("Bearer a-token", headers["Authorization"])
        [told] = notification["alerts"]
        self.assertEqual(alertmanager.PORT_TAKEN["annotations"], told["annotations"])

    def test_ntfy(self):
        (self.secrets / "ntfy_token").write_text("a-token")
        self.serve(self.example("ntfy"), ("https://ntfy.sh", self.webhook.url))
        path, headers, _ = self.first()
        self.assertEqual(
            "/example-mailcow-page?template=alertmanager&priority=urgent", path
        )
        self.assertEqual("Bearer a-token", headers["Authorization"])

    def test_matrix(self):
        self.serve(self.example("matrix"), ("http://127.0.0.1:12345", self.webhook.url))
        path, _, _ = self.first()
        self.assertEqual("/alerts/mailcow-page", path)

    def test_slack(self):
        url = f"{self.webhook.url}/services/secret"
        (self.secrets / "slack_page_url").write_text(url)
        self.serve(self.example("slack"))
        path, _, message = self.first()
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
        over = alertmanager.PORT_TAKEN | {"startsAt": "2020-01-01T00:00:00Z"}
        serving = self.serve(self.example("slack"))
        self.first()
        serving.post(over | {"endsAt": "2020-01-02T00:00:00Z"})
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
        _, _, event = self.first()
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
        path, headers, incident = self.first()
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
