"""A real Prometheus scrapes the program, and its query API tells what it got."""

import collections
import contextlib
import pathlib
import shutil
import tempfile
import unittest

import monitoring
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


@unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
class PrometheusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.ports = program.write_mailcow_conf(directory)
        cls.serving = cls.enterClassContext(
            program.Serving(f"--mailcow.dir={directory}")
        )
        configuration = pathlib.Path(directory) / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(port=cls.serving.port))
        cls.prometheus = cls.enterClassContext(
            monitoring.Prometheus(directory, configuration, program.free_ports(11)[-1])
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
