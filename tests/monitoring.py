"""Debian's Prometheus and Alertmanager, and one whom Alertmanager tells.

They run on copies of the files in deploy/, in which only what replace() is told
to replace is replaced: intervals that are too long for a test. Receivers are added.
"""

import http.server
import json
import pathlib
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import program

DEPLOY = pathlib.Path(__file__).resolve().parent.parent / "deploy"
RULES = DEPLOY / "prometheus" / "mailcow_host.rules.yml"
PROMETHEUS_CONFIGURATION = DEPLOY / "prometheus" / "prometheus.yml"
ALERTMANAGER_CONFIGURATION = DEPLOY / "alertmanager" / "alertmanager.yml"

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

# How much shorter an alert waits in a test than its rule says.
HASTE = 300


def replace(text, pattern, replacement):
    """The text with each match replaced; fails where there is none."""
    replaced, count = re.subn(pattern, replacement, text, flags=re.M)
    if count == 0:
        raise AssertionError(f"nothing to replace: {pattern}")
    return replaced


def hasty_rules():
    """The rules, with each `for:` and `keep_firing_for:` divided by HASTE.

    Ranges stay as they are.
    """

    def divided(match):
        duration = re.fullmatch(r"(\d+)([smhd])", match[2])
        milliseconds = int(duration[1]) * SECONDS[duration[2]] * 1000 // HASTE
        return f"{match[1]}{milliseconds}ms"

    return replace(RULES.read_text(), r"^( +(?:keep_firing_)?for: )(.*)$", divided)


def hasty_prometheus():
    """Prometheus' configuration, which scrapes and evaluates each second."""
    text = PROMETHEUS_CONFIGURATION.read_text()
    for key in ("scrape_interval", "evaluation_interval"):
        text = replace(text, rf"^(  {key}:) \S+$", r"\1 1s")
    return text


def without_waiting(alertmanager_configuration):
    """The configuration, which waits a second at most before it tells."""
    text = alertmanager_configuration
    for key in ("group_wait", "group_interval"):
        text = replace(text, rf"^( +{key}:) \S+$", r"\1 1s")
    return text


def hasty_alertmanager(webhook_url):
    """Alertmanager's configuration, which does not wait.

    Each of its receivers, which tell nobody, is a webhook at `webhook_url`/NAME.
    """
    text = without_waiting(ALERTMANAGER_CONFIGURATION.read_text())
    webhook = f"webhook_configs: [{{url: {webhook_url}/\\1}}]"
    return replace(text, r"^  - name: (\S+)$", rf"\g<0>\n    {webhook}")


class Server:
    """A program that serves JSON at 127.0.0.1:`port`, from when it is ready."""

    def __init__(self, directory, port, command):
        self.url = f"http://127.0.0.1:{port}"
        self._log = pathlib.Path(directory) / f"{command[0]}.log"
        self._command = command

    def __enter__(self):
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        try:
            program.wait_for(self._is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self._process.terminate()
        self._process.wait()

    def _is_ready(self):
        if self._process.poll() is not None:
            raise AssertionError(self.log())
        try:
            return program.fetch(f"{self.url}/-/ready")
        except (urllib.error.URLError, ConnectionError):
            return False

    def log(self):
        return self._log.read_text()

    def get_json(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        return json.loads(program.fetch(f"{self.url}{path}?{query}"))


class Prometheus(Server):
    """Debian's Prometheus; `configuration` is a path."""

    def __init__(self, directory, configuration, port):
        super().__init__(
            directory,
            port,
            [
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={pathlib.Path(directory) / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
        )

    def get(self, path, **parameters):
        return self.get_json(f"/api/v1/{path}", **parameters)["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        result = self.get("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]

    def value(self, expression):
        """The value of the only series; None where there is none."""
        values = [value for _, value in self.query(expression)]
        return values[0] if len(values) == 1 else None

    def alerts(self, **labels):
        """The alerts with these labels, pending or firing."""
        return [
            alert
            for alert in self.get("alerts")["alerts"]
            if labels.items() <= alert["labels"].items()
        ]

    def alert_rules(self):
        return [
            rule
            for group in self.get("rules")["groups"]
            for rule in group["rules"]
            if rule["type"] == "alerting"
        ]


class Alertmanager(Server):
    """Debian's Alertmanager; `configuration` is a path."""

    # The first is Debian's name.
    NAMES = ("prometheus-alertmanager", "alertmanager")

    def __init__(self, directory, configuration, port):
        super().__init__(
            directory,
            port,
            [
                self.program(),
                f"--config.file={configuration}",
                f"--storage.path={pathlib.Path(directory) / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
        )

    @classmethod
    def program(cls):
        """None where it is not installed."""
        return next(filter(shutil.which, cls.NAMES), None)

    def alerts(self, **labels):
        """The alerts with these labels, muted ones too."""
        matchers = [f"{name}={json.dumps(value)}" for name, value in labels.items()]
        return self.get_json("/api/v2/alerts", filter=matchers)

    def post(self, *alerts):
        """Tells it of alerts, as Prometheus does."""
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts",
            json.dumps(alerts).encode(),
            {"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=program.DEADLINE_SECONDS).close()


class Webhook:
    """Keeps what is posted to it."""

    def __enter__(self):
        # (path, headers, body) of each request.
        requests = self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                # What each kind of receiver takes for success.
                answer = b'{"ok": true, "status": "success"}'
                self.send_response(202)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                requests.append((self.path, self.headers, json.loads(body)))

            def log_message(self, *unused):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def groups(self):
        """What Alertmanager posted: one group of alerts each time."""
        return [body for _, _, body in self.requests]

    def alerts(self, status, **labels):
        """Each time that an alert with these labels was told, in their order."""
        return [
            alert
            for group in self.groups
            for alert in group["alerts"]
            if alert["status"] == status and labels.items() <= alert["labels"].items()
        ]
