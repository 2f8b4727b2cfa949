"""A real Prometheus scrapes the program, and its query API tells what it got."""

import collections
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse

import program

CONFIGURATION = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: mailcow_host
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""

# Series that Prometheus makes of each scrape itself.
OF_PROMETHEUS = ("up", "scrape_")


class Prometheus:
    """Debian's Prometheus while it scrapes 127.0.0.1:`target`."""

    def __init__(self, directory, target, port):
        self.url = f"http://127.0.0.1:{port}"
        self._directory = pathlib.Path(directory)
        configuration = self._directory / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(port=target))
        self._command = [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]

    def __enter__(self):
        with (self._directory / "log").open("w") as log:
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
            raise AssertionError((self._directory / "log").read_text())
        try:
            return program.fetch(f"{self.url}/-/ready")
        except urllib.error.URLError:
            return False

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        return json.loads(program.fetch(f"{self.url}/api/v1/{path}?{query}"))["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        result = self.get("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]

    def value(self, expression):
        """The value of the only series; None where there is none."""
        values = [value for _, value in self.query(expression)]
        return values[0] if len(values) == 1 else None


@unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
class PrometheusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.ports = program.write_mailcow_conf(directory)
        cls.serving = cls.enterClassContext(
            program.Serving(f"--mailcow.dir={directory}")
        )
        cls.prometheus = cls.enterClassContext(
            Prometheus(directory, cls.serving.port, program.free_ports(11)[-1])
        )
        program.wait_for(lambda: cls.prometheus.query("up"))

    def test_the_target_is_up_without_an_error(self):
        self.assertEqual(1, self.prometheus.value('up{job="mailcow_host"}'))
        [target] = self.prometheus.get("targets")["activeTargets"]
        self.assertEqual(("up", ""), (target["health"], target["lastError"]))

    def test_every_series_of_the_exporter_is_there(self):
        def own_series():
            return collections.Counter(
                series.partition("{")[0] for series in self.serving.samples()
            )

        def series_of_prometheus():
            return collections.Counter(
                labels["__name__"]
                for labels, _ in self.prometheus.query('{job="mailcow_host"}')
                if not labels["__name__"].startswith(OF_PROMETHEUS)
            )

        # With a listener every family has a sample.
        with program.listen("127.0.0.1", self.ports["SMTP_PORT"]):
            self.assertIn("mailcow_host_port_listener_info", own_series())
            self.assertIn("process_open_fds", own_series())
            with contextlib.suppress(program.InVain):
                program.wait_for(lambda: own_series() == series_of_prometheus())
            self.assertEqual(own_series(), series_of_prometheus())

    def test_every_family_has_help_and_type(self):
        metadata = program.wait_for(lambda: self.prometheus.get("metadata"))
        for series in self.serving.samples():
            name = series.partition("{")[0]
            with self.subTest(name):
                [described] = metadata[name]
                kind = "counter" if name.endswith("_total") else "gauge"
                self.assertEqual(kind, described["type"])
                self.assertTrue(described["help"])

    def test_a_verdict_turns_with_a_listener_and_back(self):
        port = self.ports["IMAP_PORT"]
        subject = f'{{requirement="port_foreign_listeners",subject="{port}"}}'

        def met():
            return self.prometheus.value(f"mailcow_host_requirement_met{subject}")

        program.wait_for(lambda: met() == 1)
        with program.listen("127.0.0.1", port):
            program.wait_for(lambda: met() == 0)
        program.wait_for(lambda: met() == 1)
        program.wait_for(
            lambda: not self.prometheus.query("mailcow_host_port_listener_info")
        )


if __name__ == "__main__":
    program.main()
