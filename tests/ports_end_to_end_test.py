"""Real listeners: each turns the series of its own port, and those alone."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import program

# What a listener may change; every series of these is compared.
FAMILIES = (
    "mailcow_host_port_",
    "mailcow_host_requirement_met",
    "mailcow_host_requirement_known",
)
OWN_NAME = pathlib.Path("/proc/self/comm").read_text().strip()
IS_ROOT = os.geteuid() == 0
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}

CHILD = """
import os, signal, socket, sys
name, port = sys.argv[1:]
with open("/proc/self/comm", "wb") as comm:
    comm.write(os.fsencode(name))
if port == "inherited":
    listener = socket.socket(fileno=0)
else:
    listener = socket.create_server(("127.0.0.1", int(port)))
print("listening", flush=True)
signal.pause()
"""


@contextlib.contextmanager
def child(name, port, stdin=None):
    """Another process, called `name`, that listens at 127.0.0.1:`port`."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, name, str(port)],
        stdin=stdin,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            if process.stdout.readline() != b"listening\n":
                raise AssertionError(f"{name} does not listen")
            yield process
        finally:
            process.kill()


def judged(serving):
    return {
        series: value
        for series, value in serving.samples().items()
        if series.startswith(FAMILIES)
    }


def difference(before, after):
    """The series that are not as before, with their values; None where gone."""
    return {
        series: after.get(series)
        for series in before | after
        if before.get(series) != after.get(series)
    }


def in_use(variable, port, value):
    service = program.PORTS[variable][0]
    labels = f'port="{port}",service="{service}",variable="{variable}"'
    return {f"mailcow_host_port_in_use{{{labels}}}": value}


def foreign_listeners(variable, port, count):
    """What follows from the number of foreign listeners."""
    service = program.PORTS[variable][0]
    labels = f'port="{port}",service="{service}",variable="{variable}"'
    subject = f'requirement="port_foreign_listeners",subject="{port}",level="required"'
    return {
        f"mailcow_host_port_foreign_listeners{{{labels}}}": count,
        f"mailcow_host_requirement_met{{{subject}}}": float(count == 0),
        f"mailcow_host_requirement_known{{{subject}}}": 1,
    }


def info(port, process, address):
    labels = f'port="{port}",process="{process}",address="{address}"'
    return {f"mailcow_host_port_listener_info{{{labels}}}": 1}


class PortsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.flag = f"--mailcow.dir={cls.directory}"
        cls.serving = cls.enterClassContext(program.Serving(cls.flag))

    def setUp(self):
        self.ports = program.write_mailcow_conf(self.directory)
        # The file is read a moment after it was changed.
        self.before = program.wait_for(
            lambda: (samples := judged(self.serving))
            and all(
                any(f'port="{port}"' in series for series in samples)
                for port in self.ports.values()
            )
            and samples
        )

    def assert_changed(self, *changes):
        expected = dict(self.before)
        for change in changes:
            expected |= change
        # Where the search for a new owner takes longer than a scrape may wait,
        # the next one has it.
        expected = difference(self.before, expected)
        with contextlib.suppress(program.InVain):
            program.wait_for(
                lambda: difference(self.before, judged(self.serving)) == expected
            )
        self.assertEqual(expected, difference(self.before, judged(self.serving)))

    def assert_taken(self, variable, port, process, address):
        self.assert_changed(
            in_use(variable, port, 1),
            foreign_listeners(variable, port, 1),
            info(port, process, address),
        )


class ListenerTest(PortsTest):
    def test_nothing_listens_at_first(self):
        for variable, port in self.ports.items():
            free = in_use(variable, port, 0) | foreign_listeners(variable, port, 0)
            self.assertLessEqual(free.items(), self.before.items())
        self.assertNotIn("listener_info", str(self.before))

    def test_a_listener_on_any_address_turns_its_port_and_no_other(self):
        port = self.ports["SMTP_PORT"]
        for address, ipv6_only in (
            ("127.0.0.1", False),
            ("127.0.0.2", False),
            ("0.0.0.0", False),
            ("::1", False),
            ("::", False),
            ("::", True),
        ):
            with self.subTest(address=address, ipv6_only=ipv6_only):
                with program.listen(address, port, ipv6_only):
                    self.assert_taken("SMTP_PORT", port, OWN_NAME, address)
                self.assert_changed()

    def test_every_port_is_watched(self):
        for variable, port in self.ports.items():
            with self.subTest(variable):
                with program.listen("127.0.0.1", port):
                    self.assert_taken(variable, port, OWN_NAME, "127.0.0.1")
                self.assert_changed()

    def test_every_listener_counts(self):
        port = self.ports["IMAP_PORT"]
        with program.listen("127.0.0.1", port), program.listen("127.0.0.2", port):
            self.assert_changed(
                in_use("IMAP_PORT", port, 1),
                foreign_listeners("IMAP_PORT", port, 2),
                info(port, OWN_NAME, "127.0.0.1"),
                info(port, OWN_NAME, "127.0.0.2"),
            )
        self.assert_changed()

    def test_the_names_of_a_ports_listeners_are_bounded(self):
        port = self.ports["POP_PORT"]
        with contextlib.ExitStack() as stack:
            for last in range(1, 41):
                stack.enter_context(program.listen(f"127.0.0.{last}", port))
            after = judged(self.serving)
        self.assertLessEqual(
            foreign_listeners("POP_PORT", port, 40).items(), after.items()
        )
        named = [series for series in after if "_listener_info{" in series]
        self.assertLess(0, len(named))
        self.assertLess(len(named), 40)

    def test_ports_that_only_look_alike_are_free(self):
        port = self.ports["SMTP_PORT"]
        for other in (port // 10, port % 10000, port + 10000):
            if other in self.ports.values() or not program.is_free(other):
                continue
            with self.subTest(other=other), program.listen("127.0.0.1", other):
                self.assert_changed()

    def test_a_socket_that_does_not_listen_is_none(self):
        port = self.ports["SMTP_PORT"]
        with socket.socket() as bound, socket.socket(type=socket.SOCK_DGRAM) as udp:
            bound.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            self.assert_changed()

    def test_connections_are_no_listeners(self):
        port = self.ports["SMTP_PORT"]
        with program.listen("127.0.0.1", port) as listener:
            client = socket.create_connection(("127.0.0.1", port))
            server, _ = listener.accept()
        with client, server:
            self.assert_changed()

    def test_check_names_the_process_and_where_it_listens(self):
        port = self.ports["SIEVE_PORT"]
        with program.listen("127.0.0.1", port):
            text = program.run("check", self.flag).stdout
        self.assertRegex(
            text,
            rf"(?m)^ +unmet +port_foreign_listeners {port} +1 +<= 0 +required\n"
            rf" +{OWN_NAME}.* at 127\.0\.0\.1:{port}\n"
            r" +remedy: \w",
        )


class BindTest(PortsTest):
    """A bind to one address conflicts with that address and with wildcards."""

    def assert_conflicts(self, variable, port):
        self.before = judged(self.serving)
        for address in ("127.0.0.1", "0.0.0.0", "::"):
            with self.subTest(address=address):
                with program.listen(address, port):
                    self.assert_taken(variable, port, OWN_NAME, address)
                self.assert_changed()
        for address, ipv6_only in (("127.0.0.2", False), ("::1", False), ("::", True)):
            with self.subTest(address=address, ipv6_only=ipv6_only):
                with program.listen(address, port, ipv6_only):
                    self.assert_changed()

    def test_an_address_before_the_port(self):
        port = self.ports["SMTP_PORT"]
        program.write_mailcow_conf(self.directory, SMTP_PORT=f"127.0.0.1:{port}")
        self.assert_conflicts("SMTP_PORT", port)

    def test_the_address_of_http_bind(self):
        program.write_mailcow_conf(self.directory, HTTP_BIND="127.0.0.1")
        self.assert_conflicts("HTTP_PORT", self.ports["HTTP_PORT"])


class OwnerTest(PortsTest):
    def test_a_listener_that_changes_hands_shows_at_once(self):
        port = self.ports["SMTP_PORT"]
        with program.listen("127.0.0.1", port):
            self.assert_taken("SMTP_PORT", port, OWN_NAME, "127.0.0.1")
        with child("exim4", port):
            self.assert_taken("SMTP_PORT", port, "exim4", "127.0.0.1")
        self.assert_changed()

    def test_a_listener_that_is_handed_over_shows_at_once(self):
        port = self.ports["SMTP_PORT"]
        with program.listen("127.0.0.1", port) as listener:
            self.assert_taken("SMTP_PORT", port, OWN_NAME, "127.0.0.1")
            heir = self.enterContext(child("exim4", "inherited", stdin=listener))
        self.assert_taken("SMTP_PORT", port, "exim4", "127.0.0.1")
        heir.kill()
        heir.wait()
        self.assert_changed()

    def test_a_docker_proxy_that_no_engine_answers_for_is_unknown(self):
        port = self.ports["SMTP_PORT"]
        measured, met, known = foreign_listeners("SMTP_PORT", port, 0)
        with child("docker-proxy", port):
            in_docker = in_use("SMTP_PORT", port, 1) | info(
                port, "docker-proxy", "127.0.0.1"
            )
            self.assert_changed(in_docker, {measured: None, met: None, known: 0})
            with program.listen("127.0.0.2", port):
                self.assert_changed(
                    in_docker,
                    foreign_listeners("SMTP_PORT", port, 1),
                    info(port, OWN_NAME, "127.0.0.2"),
                )

    def test_what_a_process_calls_itself_harms_no_output(self):
        port = self.ports["SMTP_PORT"]
        for name, shown in (
            (b'a"b\\c', 'a\\"b\\\\c'),
            (b"a\nb 1", "a\\nb 1"),
            (b"\xff", "\N{REPLACEMENT CHARACTER}"),
            (b"\x1b[1m", "\x1b[1m"),
            (b"a|b", "a|b"),
        ):
            with self.subTest(name=name), child(name, port):
                self.assert_taken("SMTP_PORT", port, shown, "127.0.0.1")
                self.assertNotIn("\x1b", program.run("check", self.flag).stdout)
                line = program.run("check", "--format=nagios", self.flag).stdout
                self.assertRegex(line, r"\A[^\n|]+\|[^\n|]+\n\Z")
                report = program.run("check", "--format=json", self.flag).stdout
                self.assertFalse(json.loads(report)["ready"])


class DefaultPortsTest(unittest.TestCase):
    maxDiff = None

    @unittest.skipUnless(IS_ROOT, "only root may listen below 1024")
    @unittest.skipUnless(
        all(program.is_free(port) for port in (25, 587, 4190)),
        "one of the ports 25, 587 and 4190 is taken on this machine",
    )
    def test_without_mailcow_conf_the_default_ports_count(self):
        with (
            tempfile.TemporaryDirectory() as directory,
            program.Serving(f"--mailcow.dir={directory}") as serving,
        ):
            before = judged(serving)
            for variable in ("SMTP_PORT", "SUBMISSION_PORT", "SIEVE_PORT"):
                port = program.PORTS[variable][1]
                with self.subTest(port=port):
                    expected = (
                        before
                        | in_use(variable, port, 1)
                        | foreign_listeners(variable, port, 1)
                        | info(port, OWN_NAME, "127.0.0.1")
                    )
                    with program.listen("127.0.0.1", port):
                        program.wait_for(
                            lambda: not difference(expected, judged(serving))
                        )
                    self.assertEqual({}, difference(before, judged(serving)))


def tells_unit():
    """Whether systemd started this test, so that its cgroup names a unit."""
    return any(
        line.startswith("0::") and (".service" in line or ".scope" in line)
        for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    )


@unittest.skipUnless(IS_ROOT, "only root can give its privileges up")
class UnprivilegedTest(unittest.TestCase):
    """Without privileges the listeners are seen, but not whose they are."""

    maxDiff = None

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(self.directory, 0o755)
        self.ports = program.write_mailcow_conf(self.directory)
        # Where nobody can reach it, whatever PROGRAM's directory allows.
        path = shutil.copy(program.PROGRAM, f"{self.directory}/exporter")
        os.chmod(path, 0o755)
        self.arguments = [f"--mailcow.dir={self.directory}"]
        self.options = {"path": path, "cwd": "/"} | NOBODY
        self.serving = self.enterContext(
            program.Serving(*self.arguments, **self.options)
        )
        self.before = judged(self.serving)

    def check(self):
        return program.run("check", *self.arguments, **self.options).stdout

    def test_free_ports_are_known_to_be_free(self):
        for variable, port in self.ports.items():
            free = in_use(variable, port, 0) | foreign_listeners(variable, port, 0)
            self.assertLessEqual(free.items(), self.before.items())

    @unittest.skipIf(
        tells_unit(), "the unit of this test tells whose its listeners are"
    )
    def test_the_owner_of_a_listener_of_root_is_unknown(self):
        port = self.ports["SMTP_PORT"]
        with program.listen("127.0.0.1", port):
            after = judged(self.serving)
            text = self.check()
        measured, met, known = foreign_listeners("SMTP_PORT", port, 0)
        self.assertEqual(
            in_use("SMTP_PORT", port, 1)
            | info(port, "", "127.0.0.1")
            | {measured: None, met: None, known: 0},
            difference(self.before, after),
        )
        self.assertRegex(
            text,
            rf"(?m)^ +unknown +port_foreign_listeners {port} .*\n"
            rf" +reason: .*127\.0\.0\.1:{port}.*(CAP_SYS_PTRACE|CAP_DAC_READ_SEARCH)",
        )

    def test_the_owner_of_a_listener_of_its_own_user_is_known(self):
        port = self.serving.port
        program.write_mailcow_conf(self.directory, SMTP_PORT=port)
        expected = (
            in_use("SMTP_PORT", port, 1).items()
            | foreign_listeners("SMTP_PORT", port, 1).items()
            | info(port, "exporter", "127.0.0.1").items()
        )
        # The file is read a moment after it was changed.
        program.wait_for(lambda: expected <= judged(self.serving).items())

    def test_an_unreadable_mailcow_conf_makes_the_ports_unknown(self):
        os.chmod(f"{self.directory}/mailcow.conf", 0o600)

        def known():
            return {
                series: value
                for series, value in judged(self.serving).items()
                if 'known{requirement="port_' in series
            }

        program.wait_for(lambda: not any(known().values()))
        # Its listeners, its value, and whether mailcow is there to serve it.
        self.assertEqual(30, len(known()))
        self.assertNotIn('met{requirement="port_', str(judged(self.serving)))
        text = self.check()
        self.assertRegex(text, r"reason: .*mailcow\.conf: Permission denied")


if __name__ == "__main__":
    program.main()
