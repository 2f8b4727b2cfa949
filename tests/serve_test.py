"""Serving over HTTP: the paths, and what bad input can and cannot do to them."""

import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import program


def request(serving, method, path, body=None):
    """The response to the request, its body read as `text`."""
    with contextlib.closing(serving.connect()) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        response.text = response.read().decode()
        return response


def read_raw(serving, text):
    """All that comes back for the bytes of a request."""
    with socket.create_connection(("127.0.0.1", serving.port)) as client:
        client.settimeout(program.DEADLINE_SECONDS)
        client.sendall(text.encode())
        with client.makefile("rb") as answer:
            return answer.read().decode()


class ServeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = cls.enterClassContext(program.Serving())

    def test_metrics_are_prometheus_text(self):
        response = request(self.serving, "GET", "/metrics")
        self.assertEqual(200, response.status)
        self.assertEqual(
            "text/plain; version=0.0.4; charset=utf-8", response.headers["Content-Type"]
        )
        self.assertIn("\nmailcow_host_memory_bytes ", response.text)
        self.assertTrue(response.text.endswith("\n"))

    def test_a_query_does_not_change_the_path(self):
        self.assertEqual(200, request(self.serving, "GET", "/metrics?x=1").status)

    def test_healthy(self):
        response = request(self.serving, "GET", "/-/healthy")
        self.assertEqual((200, "healthy\n"), (response.status, response.text))

    def test_the_page_names_the_program_and_links(self):
        response = request(self.serving, "GET", "/")
        self.assertEqual(200, response.status)
        self.assertEqual("text/html; charset=utf-8", response.headers["Content-Type"])
        self.assertIn("mailcow_host_exporter", response.text)
        self.assertIn('href="/metrics"', response.text)
        self.assertIn('href="/-/healthy"', response.text)

    def test_any_other_path_is_not_found(self):
        for path in (
            "/metricsfoo",
            "/metrics/x",
            "/metrics/",
            "/METRICS",
            "/%2e%2e/etc/passwd",
            "/../etc/passwd",
            "/etc/passwd",
            "/-/healthy/",
            "/index.html",
        ):
            with self.subTest(path=path):
                response = request(self.serving, "GET", path)
                self.assertEqual((404, "not found\n"), (response.status, response.text))

    def test_a_path_that_only_resolves_to_metrics_is_not_found(self):
        for path in (
            "//metrics",
            "/./metrics",
            "/x/../metrics",
            "/metrics.",
            "/metrics%00x",
        ):
            with self.subTest(path=path):
                self.assertEqual(404, request(self.serving, "GET", path).status)

    def test_other_methods_are_not_allowed(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            for path in ("/metrics", "/", "/-/healthy"):
                with self.subTest(method=method, path=path):
                    response = request(self.serving, method, path, "x=1")
                    self.assertEqual(405, response.status)
                    self.assertEqual("GET, HEAD", response.headers["Allow"])

    def test_head_has_the_headers_of_get_and_no_body(self):
        for path in ("/", "/-/healthy", "/metrics"):
            with self.subTest(path=path):
                answer = read_raw(
                    self.serving,
                    f"HEAD {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
                )
                headers, body = answer.split("\r\n\r\n", 1)
                self.assertEqual("", body)
                self.assertTrue(headers.startswith("HTTP/1.1 200 OK\r\n"))
                self.assertRegex(headers, r"\r\nContent-Length: [1-9]")

    def test_the_body_of_a_refused_request_is_not_a_request(self):
        smuggled = "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"
        answer = read_raw(
            self.serving,
            "POST /metrics HTTP/1.1\r\nHost: test\r\n"
            f"Content-Length: {len(smuggled)}\r\n\r\n{smuggled}",
        )
        self.assertEqual(1, answer.count("HTTP/1.1 "), answer)
        self.assertTrue(answer.startswith("HTTP/1.1 405 "))

    def test_a_kept_connection_serves_many_scrapes(self):
        with contextlib.closing(self.serving.connect()) as connection:
            connection.connect()
            client = connection.sock
            for _ in range(50):
                connection.request("GET", "/metrics")
                response = connection.getresponse()
                self.assertIn(b"mailcow_host_ready ", response.read())
                self.assertIs(client, connection.sock, "it was closed in between")

    def test_a_client_that_asks_for_it_is_told_of_the_close(self):
        answer = read_raw(
            self.serving,
            "GET /-/healthy HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
        )
        self.assertIn("\r\nConnection: close\r\n", answer)

    def test_scrapes_at_the_same_time_are_all_answered(self):
        series = self.serving.samples().keys()
        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            for each in threads.map(lambda _: self.serving.samples(), range(160)):
                self.assertEqual(series, each.keys())

    def test_clients_that_keep_their_connection_leave_room_for_others(self):
        with contextlib.ExitStack() as kept:
            for _ in range(100):
                client = kept.enter_context(contextlib.closing(self.serving.connect()))
                client.request("GET", "/-/healthy")
                self.assertEqual(b"healthy\n", client.getresponse().read())
            self.assertIn("mailcow_host_ready", self.serving.scrape())

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_finds_nothing_to_complain_of(self):
        result = subprocess.run(
            ["promtool", "check", "metrics"],
            input=self.serving.scrape(),
            capture_output=True,
            text=True,
        )
        self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))

    def test_scrapes_are_not_logged(self):
        before = self.serving.log
        self.serving.scrape()
        request(self.serving, "GET", "/nosuch")
        self.assertEqual(before, self.serving.log)


class AddressTest(unittest.TestCase):
    def test_the_telemetry_path_moves_the_metrics_and_the_link(self):
        with program.Serving("--web.telemetry-path=/a/host") as serving:
            self.assertIn("mailcow_host_ready ", serving.get("/a/host"))
            self.assertIn('href="/a/host"', serving.get("/"))
            self.assertEqual(404, request(serving, "GET", "/metrics").status)
            self.assertIn("path=/a/host", serving.log)

    def test_every_listen_address_is_served(self):
        with program.Serving(
            "--web.listen-address=127.0.0.1:0", "--web.listen-address=[::1]:0"
        ) as serving:
            for host, port in zip(("127.0.0.1", "::1"), serving.ports, strict=True):
                with self.subTest(host=host):
                    connection = http.client.HTTPConnection(host, port)
                    connection.request("GET", "/metrics")
                    self.assertEqual(200, connection.getresponse().status)
                    connection.close()

    def test_it_listens_nowhere_but_where_it_was_told(self):
        with program.Serving("--web.listen-address=[::1]:0") as serving:
            for host in ("127.0.0.1", "127.0.0.2"):
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection((host, serving.port))


class SelfMetricsTest(unittest.TestCase):
    def test_they_tell_of_the_process(self):
        before = time.time()
        with program.Serving() as serving:
            samples = serving.samples()
            pid = serving.process.pid
            resident = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
        self.assertAlmostEqual(before, samples["process_start_time_seconds"], delta=30)
        self.assertAlmostEqual(
            int(resident) * os.sysconf("SC_PAGESIZE"),
            samples["process_resident_memory_bytes"],
            delta=8 << 20,
        )
        self.assertLess(
            samples["process_resident_memory_bytes"],
            samples["process_virtual_memory_bytes"],
        )
        self.assertGreater(samples["process_open_fds"], 3)
        self.assertLess(samples["process_open_fds"], samples["process_max_fds"])
        self.assertGreaterEqual(samples["process_cpu_seconds_total"], 0)
        self.assertIn("process_virtual_memory_max_bytes", samples)

    def test_two_hundred_scrapes_leave_no_descriptor_behind(self):
        with program.Serving() as serving:

            def open_fds():
                return serving.samples()["process_open_fds"]

            before = open_fds()
            for _ in range(200):
                serving.scrape()
            # A closed connection is noticed a moment later.
            program.wait_for(lambda: open_fds() <= before)

    def test_cpu_time_grows(self):
        with program.Serving() as serving:

            def cpu_seconds():
                return serving.samples()["process_cpu_seconds_total"]

            before = cpu_seconds()
            program.wait_for(lambda: cpu_seconds() > before)


class MailcowConfTest(unittest.TestCase):
    """Whatever lies at the place of mailcow.conf."""

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.conf = pathlib.Path(self.directory, "mailcow.conf")
        self.flag = f"--mailcow.dir={self.directory}"

    def check(self, *args):
        result = program.run("check", self.flag, *args)
        self.assertEqual("", result.stderr)
        return result.stdout

    def assert_memory_is_judged(self, samples):
        self.assertGreater(samples["mailcow_host_memory_bytes"], 0)
        self.assertEqual(
            1,
            samples[
                "mailcow_host_requirement_known"
                '{requirement="memory",subject="",level="required"}'
            ],
        )
        self.assertEqual(
            1, samples['mailcow_host_scrape_collector_success{collector="memory"}']
        )

    def assert_only_smtp_is_wrong(self, samples):
        valid = {
            variable: samples[
                "mailcow_host_port_value_valid"
                f'{{variable="{variable}",service="{service}"}}'
            ]
            for variable, (service, _) in program.PORTS.items()
        }
        self.assertEqual(dict.fromkeys(program.PORTS, 1) | {"SMTP_PORT": 0}, valid)
        # The others are moved: only SMTP stands under its default port.
        self.assertEqual({"25": 0}, self.known(samples, "port_foreign_listeners"))
        self.assert_memory_is_judged(samples)

    def known(self, samples, requirement):
        """{subject: whether the requirement could be judged}."""
        known = {}
        for subject in [*program.PORTS, *(str(p) for _, p in program.PORTS.values())]:
            series = (
                "mailcow_host_requirement_known"
                f'{{requirement="{requirement}",subject="{subject}",level="required"}}'
            )
            if series in samples:
                known[subject] = samples[series]
        return known

    def wait_for_known(self, serving, ports):
        """The first scrape in which these ports could be judged, or not: a change of
        mailcow.conf is seen a moment later."""
        return program.wait_for(
            lambda: (samples := serving.samples())
            and self.known(samples, "port_foreign_listeners") == ports
            and samples
        )

    def test_what_cannot_be_read_makes_the_ports_unknown(self):
        with program.Serving(self.flag) as serving:
            for name, make, reason in (
                ("a directory", self.conf.mkdir, "not a regular file"),
                ("a fifo", lambda: os.mkfifo(self.conf), "not a regular file"),
                (
                    "10 MB of noise",
                    lambda: self.conf.write_bytes(os.urandom(10_000_000)),
                    "mailcow.conf is larger than",
                ),
                (
                    "a little noise",
                    lambda: self.conf.write_bytes(bytes(range(128, 256)) * 8),
                    "line 1 of mailcow.conf is not KEY=value",
                ),
                (
                    "a NUL byte",
                    lambda: self.conf.write_bytes(b"SMTP_PORT=25\nIMAP_PORT=143\0\n"),
                    "line 2 of mailcow.conf has a NUL byte",
                ),
                (
                    "a link to itself",
                    lambda: self.conf.symlink_to(self.conf),
                    "Too many levels of symbolic links",
                ),
            ):
                with self.subTest(name):
                    make()
                    ports = {str(port): 0 for _, port in program.PORTS.values()}
                    samples = self.wait_for_known(serving, ports)
                    self.assertEqual(
                        dict.fromkeys(program.PORTS, 0),
                        self.known(samples, "port_value_valid"),
                    )
                    self.assert_memory_is_judged(samples)
                    self.assertIn(reason, self.check())
                self.conf.rmdir() if name == "a directory" else self.conf.unlink()
            # And back, without a restart.
            ports = {str(port): 1 for _, port in program.PORTS.values()}
            self.wait_for_known(serving, ports)

    def test_a_port_of_70000_is_wrong_and_harms_no_other(self):
        program.write_mailcow_conf(self.directory, SMTP_PORT=70000)
        with program.Serving(self.flag) as serving:
            samples = serving.samples()
        self.assert_only_smtp_is_wrong(samples)
        self.assertIn("SMTP_PORT=70000 is not a port from 1 to 65535", self.check())

    def test_of_duplicate_keys_the_last_counts(self):
        ports = program.write_mailcow_conf(self.directory)
        with self.conf.open("a") as conf:
            conf.write("SMTP_PORT=20001\nSMTP_PORT=20002\n")
        with program.Serving(self.flag) as serving:
            samples = serving.samples()
        self.assertIn(
            'mailcow_host_port_in_use{port="20002",service="smtp",variable="SMTP_PORT"}',
            samples,
        )
        self.assertNotIn(f'port="{ports["SMTP_PORT"]}"', str(samples))
        self.assert_memory_is_judged(samples)
        self.assertIn("set 3 times, the last one counts", self.check())

    def test_two_services_on_one_port_are_told_apart(self):
        ports = program.write_mailcow_conf(self.directory)
        port = ports["SMTP_PORT"]
        program.write_mailcow_conf(self.directory, IMAP_PORT=port)
        with program.Serving(self.flag) as serving, program.listen("127.0.0.1", port):
            samples = serving.samples()
        for variable in ("SMTP_PORT", "IMAP_PORT"):
            labels = f'service="{program.PORTS[variable][0]}",variable="{variable}"'
            series = f'mailcow_host_port_in_use{{port="{port}",{labels}}}'
            self.assertEqual(1, samples[series])
        self.assertEqual(
            0,
            samples[
                'mailcow_host_port_value_valid{variable="IMAP_PORT",service="imap"}'
            ],
        )
        self.assertIn(f"port {port} is also that of SMTP_PORT", self.check())

    def test_unmatched_quotes_are_wrong_and_harm_no_other(self):
        program.write_mailcow_conf(self.directory, SMTP_PORT='"2525')
        with program.Serving(self.flag) as serving:
            samples = serving.samples()
        self.assert_only_smtp_is_wrong(samples)
        self.assertIn("SMTP_PORT of mailcow.conf has quotes", self.check())


class SecretTest(unittest.TestCase):
    """No value of mailcow.conf but ports and addresses is shown anywhere."""

    PASSWORDS = {
        "DBPASS": "secret-of-the-database",
        "DBROOT": "secret-of-its-root",
        "REDISPASS": "'secret-of-redis'",
        "API_KEY": '"secret-of-the-api',
        "SKIP_CLAMD": "secret-of-clamd",
        "COMPOSE_PROJECT_NAME": "secret-of-compose",
    }

    def test_no_secret_is_shown(self):
        for more in (
            {"SMTP_PORT": "secretpassword"},
            {"SMTP_PORT": "127.0.0.1:secretpassword"},
            {"SMTP_PORT": "secretpassword:25"},
            {"SMTP_PORT": "'secretpassword"},
            {"HTTP_BIND": "secretpassword"},
            {"HTTP_PORT": "secretpassword:80"},
            {"a broken line with a secretpassword": "and-a-secret"},
        ):
            with self.subTest(more), tempfile.TemporaryDirectory() as directory:
                program.write_mailcow_conf(directory, **self.PASSWORDS | more)
                for name, output in self.outputs(directory):
                    self.assertNotIn("secret", output, name)

    def outputs(self, directory):
        flag = f"--mailcow.dir={directory}"
        for form in ("text", "json", "nagios"):
            result = program.run("check", flag, f"--format={form}")
            yield form, result.stdout + result.stderr
        with program.Serving(flag, "--log.level=debug") as serving:
            for path in ("/metrics", "/", "/-/healthy"):
                yield path, serving.get(path)
            serving.stop()
        yield "log", serving.log


if __name__ == "__main__":
    program.main()
