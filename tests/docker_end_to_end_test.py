"""The program beside Docker's real engine, its containers and volumes."""

import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import unittest

import docker_engine
import program

ENGINE = docker_engine.Engine()

# A value, or a verdict, that is not known.
UNKNOWN = "unknown"

NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


def number(name, labels, value):
    """A measurement's series. None: there is none, as where it is unknown."""
    return {f"mailcow_host_{name}{labels}": None if value == UNKNOWN else value}


def verdict(requirement, subject, level, met):
    """The series of a verdict. None: nothing is asked."""
    labels = f'requirement="{requirement}",subject="{subject}",level="{level}"'
    is_known = None if met is None else met != UNKNOWN
    return number("requirement_met", f"{{{labels}}}", met) | number(
        "requirement_known", f"{{{labels}}}", is_known
    )


def judged(requirement, labels, level, value, met):
    """Both, of one measurement: `labels` is "" or 'name="subject",...'."""
    subject = labels.split('"')[1] if labels else ""
    return number(requirement, f"{{{labels}}}" if labels else "", value) | verdict(
        requirement, subject, level, met
    )


def reachable(met):
    return judged("docker_reachable", "", "required", met, met)


def installed(value):
    return number("mailcow_installed", "", value)


def running(service, met):
    labels = f'service="{service}"'
    return judged("mailcow_container_running", labels, "recommended", met, met)


def healthy(service, met):
    labels = f'service="{service}"'
    return judged("mailcow_container_healthy", labels, "recommended", met, met)


def port_labels(variable, port):
    service = program.PORTS[variable][0]
    return f'port="{port}",service="{service}",variable="{variable}"'


def held(variable, port, *, in_use, foreign):
    labels = port_labels(variable, port)
    met = foreign if foreign == UNKNOWN else foreign == 0
    return number("port_in_use", f"{{{labels}}}", in_use) | judged(
        "port_foreign_listeners", labels, "required", foreign, met
    )


def served(variable, port, met):
    return judged("port_served", port_labels(variable, port), "required", met, met)


def watched(path, is_watched=True):
    return number(
        "requirement_known",
        f'{{requirement="disk",subject="{path}",level="required"}}',
        1 if is_watched else None,
    )


def difference(expected, samples):
    """Those of `expected` that the samples are not like, as they are."""
    return {
        series: samples.get(series)
        for series, value in expected.items()
        if samples.get(series) != value
    }


def own(service, project="mailcowdockerized"):
    """The arguments that make a container one of mailcow's, as Compose does."""
    return (
        f"--name={project}-{service}-1",
        f"--label=com.docker.compose.project={project}",
        f"--label=com.docker.compose.service={service}",
    )


def publish(place):
    return f"--publish={place}:25"


def resources(serving):
    """How many threads and descriptors the program has."""
    proc = pathlib.Path(f"/proc/{serving.process.pid}")
    return [len(list((proc / kind).iterdir())) for kind in ("task", "fd")]


def await_refresh(serving, topic):
    """Waits until the topic has new findings."""
    series = f'mailcow_host_scrape_collector_age_seconds{{collector="{topic}"}}'
    age = serving.samples()[series]
    program.wait_for(lambda: serving.samples()[series] < age)


class Recorder(socketserver.ThreadingUnixStreamServer):
    """Stands between the program and the engine, and keeps what it asks."""

    def __init__(self, path):
        super().__init__(path, Passage)
        self.path = path
        self.asked = []
        self.is_open = threading.Event()
        self.is_open.set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self.is_open.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def requests(self):
        """The first line of each request, in order."""
        text = b"".join(self.asked).decode()
        return [head.split("\r\n")[0] for head in text.split("\r\n\r\n")[:-1]]


class Passage(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.is_open.wait()
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(docker_engine.SOCKET)
            answers = threading.Thread(
                target=self.copy, args=(engine, self.request, [])
            )
            answers.start()
            self.copy(self.request, engine, self.server.asked)
            answers.join()

    @staticmethod
    def copy(source, destination, log):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                log.append(data)
                destination.sendall(data)
            destination.shutdown(socket.SHUT_WR)


def run_on_terminal(*command):
    """The command's exit status, and what it shows on a terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=its, stderr=its
    ) as process:
        os.close(its)
        timer = threading.Timer(program.DEADLINE_SECONDS, process.kill)
        timer.start()
        shown = b""
        # Reading fails once nobody has the terminal open.
        with contextlib.suppress(OSError), open(ours, "rb", buffering=0) as terminal:
            while data := terminal.read(65536):
                shown += data
        timer.cancel()
    return process.returncode, shown.decode()


def process_names():
    """Of all processes, those in containers too."""
    names = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            names.append(comm.read_text().strip())
    return names


class DockerTest(unittest.TestCase):
    maxDiff = None
    FLAGS = ()  # of the engine

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(ENGINE.stop)
        cls.why_not = ""
        try:
            ENGINE.start(*cls.FLAGS)
        except docker_engine.CannotStart as error:
            cls.why_not = str(error)

    def setUp(self):
        # Not in setUpClass: what is skipped there is not counted.
        if self.why_not:
            self.skipTest(self.why_not)
        self.addCleanup(ENGINE.remove_all)
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.ports = program.write_mailcow_conf(self.directory)
        self.port = self.ports["SMTP_PORT"]
        self.flags = [
            f"--docker.socket={docker_engine.SOCKET}",
            f"--mailcow.dir={self.directory}",
        ]

    def serve(self):
        return self.enterContext(program.Serving(*self.flags))

    def check(self, *flags):
        return program.run("check", *self.flags, *flags).stdout

    def assert_becomes(self, serving, *expected):
        """Waits until the samples are as expected; None is for those without."""
        wanted = {}
        for series in expected:
            wanted |= series
        last = {}

        def is_as_wanted():
            last.update(samples=serving.samples())
            return not difference(wanted, last["samples"])

        with contextlib.suppress(AssertionError):
            program.wait_for(is_as_wanted, 60)
        differing = difference(wanted, last["samples"])
        self.assertEqual({key: wanted[key] for key in differing}, differing)

    def other_ports(self, but="SMTP_PORT"):
        return {
            variable: port for variable, port in self.ports.items() if variable != but
        }


# A shell that is called dovecot in /proc, until its standard input ends.
DOVECOT = "echo -n dovecot > /proc/self/comm; read forever"


class AttributionTest:
    """What holds however the engine publishes ports."""

    def test_mailcows_own_container_serves_its_port_and_is_not_foreign(self):
        for project in ("mailcowdockerized", "MailcowDockerized"):
            with self.subTest(project=project):
                ENGINE.run(*own("postfix-mailcow", project), publish(self.port))
                with program.Serving(*self.flags) as serving:
                    self.assert_becomes(
                        serving,
                        installed(1),
                        running("postfix-mailcow", 1),
                        held("SMTP_PORT", self.port, in_use=1, foreign=0),
                        served("SMTP_PORT", self.port, 1),
                        *(
                            held(variable, port, in_use=0, foreign=0)
                            | served(variable, port, 0)
                            for variable, port in self.other_ports().items()
                        ),
                    )
                ENGINE.remove_all()

    def test_mailcows_own_container_at_the_address_of_mailcow_conf(self):
        program.write_mailcow_conf(self.directory, SMTP_PORT=f"127.0.0.1:{self.port}")
        ENGINE.run(*own("postfix-mailcow"), publish(f"127.0.0.1:{self.port}"))
        self.assert_becomes(
            self.serve(),
            held("SMTP_PORT", self.port, in_use=1, foreign=0),
            served("SMTP_PORT", self.port, 1),
        )

    def test_a_strangers_container_is_foreign_and_named(self):
        ENGINE.run("--name=web", publish(self.port))
        # Whether that is IPv6 too depends on the engine.
        places = sorted(ENGINE.docker("port", "web", "25/tcp").splitlines())
        self.assertIn(f"0.0.0.0:{self.port}", places)
        self.assert_becomes(
            self.serve(),
            installed(0),
            held("SMTP_PORT", self.port, in_use=1, foreign=len(places)),
            served("SMTP_PORT", self.port, None),
            *(
                held(variable, port, in_use=0, foreign=0)
                for variable, port in self.other_ports().items()
            ),
        )
        self.assertRegex(
            self.check(),
            rf"(?m)^ +unmet +port_foreign_listeners {self.port} .* required\n"
            rf" +container web at {re.escape(', '.join(places))}\n"
            r" +remedy: docker update --restart=no web && docker stop web$",
        )


class UserlandProxyTest(AttributionTest, DockerTest):
    def test_a_dovecot_in_mailcows_container_does_not_interfere(self):
        def is_absent():
            report = json.loads(self.check("--format=json"))
            return next(
                row["value"]
                for row in report["requirements"]
                if row["id"] == "mail_service_absent" and row["subject"] == "dovecot"
            )

        ENGINE.docker(
            *("run", "--detach", "--interactive", *own("dovecot-mailcow")),
            *(docker_engine.IMAGE, "sh", "-c", DOVECOT),
        )
        program.wait_for(lambda: "dovecot" in process_names())
        self.assertEqual(1, is_absent())
        with subprocess.Popen(
            ["busybox", "sh", "-c", DOVECOT], stdin=subprocess.PIPE
        ) as dovecot:
            program.wait_for(lambda: process_names().count("dovecot") == 2)
            self.assertEqual(0, is_absent())
            dovecot.kill()

    def test_before_mailcow_there_is_an_engine_and_nothing_of_mailcows(self):
        info = json.loads(ENGINE.docker("info", "--format={{json .}}"))
        version, driver = info["ServerVersion"], info["Driver"]
        is_new = int(version.split(".")[0]) >= 24
        # The engine is where it is looked for without a flag.
        self.flags = [f"--mailcow.dir={self.directory}"]
        serving = self.serve()
        self.assert_becomes(
            serving,
            reachable(1),
            judged("docker_version_supported", "", "recommended", is_new, is_new),
            number(
                "docker_info",
                f'{{version="{version}",storage_driver="{driver}",'
                'userland_proxy="true"}',
                1,
            ),
            watched(docker_engine.DATA_ROOT),
            watched("/var/lib/docker", False),
            installed(0),
        )
        samples = serving.samples()
        for name in ("port_served", "mailcow_container_"):
            self.assertNotIn(f"mailcow_host_{name}", str(samples))
            self.assertNotIn(f'requirement="{name}', str(samples))

    def test_the_project_is_the_one_that_mailcow_conf_names(self):
        program.write_mailcow_conf(self.directory, COMPOSE_PROJECT_NAME="post")
        ENGINE.run(*own("postfix-mailcow", "post"), publish(self.port))
        imap = self.ports["IMAP_PORT"]
        ENGINE.run(*own("dovecot-mailcow"), publish(f"127.0.0.1:{imap}"))
        self.assert_becomes(
            self.serve(),
            held("SMTP_PORT", self.port, in_use=1, foreign=0),
            served("SMTP_PORT", self.port, 1),
            held("IMAP_PORT", imap, in_use=1, foreign=1),
            served("IMAP_PORT", imap, 0),
        )

    def test_a_port_published_elsewhere_than_mailcow_conf_says_is_not_served(self):
        ENGINE.run(*own("postfix-mailcow"), publish(f"127.0.0.1:{self.port}"))
        self.assert_becomes(
            self.serve(),
            held("SMTP_PORT", self.port, in_use=1, foreign=0),
            served("SMTP_PORT", self.port, 0),
        )
        self.assertRegex(
            self.check(), "postfix-mailcow: it runs, but does not publish the port"
        )

    def test_a_port_published_at_more_than_mailcow_conf_says_is_not_served(self):
        program.write_mailcow_conf(self.directory, SMTP_PORT=f"127.0.0.1:{self.port}")
        ENGINE.run(*own("postfix-mailcow"), publish(self.port))
        self.assert_becomes(
            self.serve(),
            held("SMTP_PORT", self.port, in_use=1, foreign=0),
            served("SMTP_PORT", self.port, 0),
        )

    def test_a_strangers_container_at_one_address_counts_once(self):
        http = self.ports["HTTP_PORT"]
        ENGINE.run("--name=web", publish(f"127.0.0.1:{http}"))
        self.assert_becomes(
            self.serve(), held("HTTP_PORT", http, in_use=1, foreign=1)
        )

    def test_a_strangers_container_on_the_hosts_network_is_foreign_and_named(self):
        ENGINE.run("--name=web", "--net=host", command=f"httpd -f -p {self.port}")
        self.assert_becomes(
            self.serve(), held("SMTP_PORT", self.port, in_use=1, foreign=1)
        )
        self.assertRegex(self.check(), r"\n +container web at \[::\]:\d+\n +remedy: ")

    def test_the_remedy_for_a_strangers_container_works(self):
        ENGINE.run("--name=web", "--restart=always", publish(self.port))
        remedy = re.search(r"remedy: (docker .*)", self.check())[1]
        serving = self.serve()
        docker_engine.call("sh", "-ec", remedy)
        self.assert_becomes(
            serving, held("SMTP_PORT", self.port, in_use=0, foreign=0)
        )
        policy = ENGINE.docker(
            "inspect", "--format={{.HostConfig.RestartPolicy.Name}}", "web"
        )
        self.assertEqual("no", policy)

    def test_a_stopped_mailcow_is_no_conflict_and_serves_nothing(self):
        ENGINE.run(*own("postfix-mailcow"), publish(self.port))
        serving = self.serve()
        self.assert_becomes(serving, served("SMTP_PORT", self.port, 1))
        name = "mailcowdockerized-postfix-mailcow-1"
        ENGINE.docker("stop", name)
        self.assert_becomes(
            serving,
            installed(1),
            running("postfix-mailcow", 0),
            held("SMTP_PORT", self.port, in_use=0, foreign=0),
            served("SMTP_PORT", self.port, 0),
        )
        self.assertRegex(
            self.check(),
            rf"unmet +port_served .* {self.port} .*\n +postfix-mailcow: Exited \(",
        )
        ENGINE.docker("rm", name)
        self.assert_becomes(
            serving,
            installed(0),
            running("postfix-mailcow", None),
            held("SMTP_PORT", self.port, in_use=0, foreign=0),
            served("SMTP_PORT", self.port, None),
        )

    def test_the_health_of_mailcows_containers(self):
        services = {
            "redis-mailcow": ("--health-cmd=true", "--health-interval=1s"),
            "mysql-mailcow": (
                "--health-cmd=false",
                "--health-interval=1s",
                "--health-retries=1",
            ),
            "rspamd-mailcow": ("--health-cmd=true", "--health-interval=1h"),
            "memcached-mailcow": (),
        }
        for service, flags in services.items():
            ENGINE.run(*own(service), *flags)
        self.assert_becomes(
            self.serve(),
            *(running(service, 1) for service in services),
            healthy("redis-mailcow", 1),
            healthy("mysql-mailcow", 0),
            healthy("rspamd-mailcow", UNKNOWN),
            healthy("memcached-mailcow", 1),
        )
        self.assertRegex(
            self.check(),
            r"mailcow_container_healthy mysql-mailcow .*\n +Up .* \(unhealthy\)\n",
        )

    def test_the_volume_of_the_mail_is_a_watched_path(self):
        ENGINE.docker("volume", "create", "mailcowdockerized_vmail-vol-1")
        path = f"{docker_engine.DATA_ROOT}/volumes/mailcowdockerized_vmail-vol-1/_data"
        self.assert_becomes(
            self.serve(),
            watched(docker_engine.DATA_ROOT),
            watched(path),
        )

    def test_the_volume_of_the_mail_that_is_bound_is_watched_where_it_is(self):
        ENGINE.docker(
            *("volume", "create", "--opt=type=none", "--opt=o=bind"),
            *(f"--opt=device={self.directory}", "mailcowdockerized_vmail-vol-1"),
        )
        serving = self.serve()
        self.assert_becomes(serving, watched(self.directory))
        self.assertNotIn("_data", str(serving.samples()))

    def test_an_engine_that_is_stopped_is_not_there_until_it_is_started(self):
        ENGINE.run(*own("postfix-mailcow"), publish(self.port))
        serving = self.serve()
        there = (reachable(1), installed(1), served("SMTP_PORT", self.port, 1))
        self.assert_becomes(serving, *there)
        ENGINE.stop()
        imap = self.ports["IMAP_PORT"]
        try:
            with program.listen("127.0.0.1", imap):
                self.assert_becomes(
                    serving,
                    reachable(0),
                    installed(UNKNOWN),
                    running("postfix-mailcow", UNKNOWN),
                    held("SMTP_PORT", self.port, in_use=0, foreign=0),
                    served("SMTP_PORT", self.port, UNKNOWN),
                    held("IMAP_PORT", imap, in_use=1, foreign=1),
                )
                await_refresh(serving, "disk")
                self.assert_becomes(
                    serving,
                    watched(docker_engine.DATA_ROOT),
                    watched("/var/lib/docker", False),
                )
        finally:
            ENGINE.start()
        ENGINE.docker("start", "mailcowdockerized-postfix-mailcow-1")
        self.assert_becomes(serving, *there)

    def test_a_silent_engine_holds_up_no_scrape_and_is_not_believed_for_long(self):
        ENGINE.run(*own("postfix-mailcow"), publish(self.port))
        serving = self.serve()
        there = (
            reachable(1),
            installed(1),
            running("postfix-mailcow", 1),
            held("SMTP_PORT", self.port, in_use=1, foreign=0),
            served("SMTP_PORT", self.port, 1),
            watched(docker_engine.DATA_ROOT),
        )
        self.assert_becomes(serving, *there)
        threads, descriptors = resources(serving)
        ENGINE.freeze()
        self.addCleanup(ENGINE.thaw)
        self.assert_becomes(
            serving,
            reachable(UNKNOWN),
            installed(UNKNOWN),
            running("postfix-mailcow", UNKNOWN),
            held("SMTP_PORT", self.port, in_use=1, foreign=UNKNOWN),
            held("IMAP_PORT", self.ports["IMAP_PORT"], in_use=0, foreign=0),
            served("SMTP_PORT", self.port, UNKNOWN),
            watched(docker_engine.DATA_ROOT),
        )
        for _ in range(300):
            serving.scrape()
        # The engine's connection and the last scrape's may come and go.
        more_threads, more_descriptors = resources(serving)
        self.assertLess(more_threads, threads + 10)
        self.assertLess(more_descriptors, descriptors + 10)
        with program.Serving(*self.flags) as other:
            self.assert_becomes(other, reachable(UNKNOWN))
            # Much sooner than the engine's silence is given up.
            self.assertEqual(0, other.stop(timeout=10))
        ENGINE.thaw()
        self.assert_becomes(serving, *there)

    def test_nothing_but_get_of_what_is_shown_reaches_the_engine(self):
        api = ENGINE.docker("version", "--format={{.Server.APIVersion}}")
        with Recorder(f"{self.directory}/recorder.sock") as recorder:
            self.flags[0] = f"--docker.socket={recorder.path}"
            serving = self.serve()
            self.assert_becomes(serving, reachable(1))
            requests = program.wait_for(
                lambda: len(heard := recorder.requests()) >= 6 and heard
            )
        self.assertEqual(
            [
                "GET /_ping HTTP/1.1",
                f"GET /v{api}/containers/json?all=true HTTP/1.1",
                "GET /_ping HTTP/1.1",
                f"GET /v{api}/info HTTP/1.1",
                "GET /_ping HTTP/1.1",
                f"GET /v{api}/volumes HTTP/1.1",
            ],
            requests[:6],
        )

    def test_a_container_that_came_after_the_last_look_is_unknown_until_the_next(self):
        with Recorder(f"{self.directory}/recorder.sock") as recorder:
            self.flags[0] = f"--docker.socket={recorder.path}"
            serving = self.serve()
            self.assert_becomes(serving, installed(0))
            recorder.is_open.clear()
            ENGINE.run(publish(f"127.0.0.1:{self.port}"))
            self.assert_becomes(
                serving,
                installed(0),
                held("SMTP_PORT", self.port, in_use=1, foreign=UNKNOWN),
            )
            recorder.is_open.set()
            self.assert_becomes(
                serving, held("SMTP_PORT", self.port, in_use=1, foreign=1)
            )


class NoUserlandProxyTest(AttributionTest, DockerTest):
    FLAGS = ("--userland-proxy=false",)

    def test_it_shows_in_the_labels_of_the_engine(self):
        serving = self.serve()
        self.assert_becomes(serving, reachable(1))
        self.assertIn(',userland_proxy="false"}', str(serving.samples()))

    def test_ports_that_look_free_are_unknown_while_the_engine_is_silent(self):
        ENGINE.freeze()
        self.addCleanup(ENGINE.thaw)
        report = json.loads(self.check("--format=json"))
        verdicts = {
            (row["id"], row["subject"]): (row["verdict"], row["reason"])
            for row in report["requirements"]
        }
        for requirement in ("port_in_use", "port_foreign_listeners"):
            verdict, reason = verdicts[requirement, str(self.port)]
            self.assertEqual("unknown", verdict)
            self.assertRegex(reason, "is silent since")


class SilentEngineTest(unittest.TestCase):
    """`check` where the engine takes connections and does not answer."""

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        listener = self.enterContext(socket.socket(socket.AF_UNIX))
        listener.bind(f"{directory}/silent.sock")
        listener.listen()
        self.arguments = [
            "check",
            f"--docker.socket={directory}/silent.sock",
            f"--mailcow.dir={directory}",
        ]
        self.reason = f"reason: Docker's engine at {directory}/silent.sock is silent"

    def test_a_terminal_shows_whom_it_waits_for_and_then_the_table(self):
        status, shown = run_on_terminal(program.PROGRAM, *self.arguments)
        progress, table = shown.split("waiting for Docker's engine", 1)
        self.assertEqual("\r\x1b[K", progress)
        self.assertIn(self.reason, table)
        self.assertIn("NOT READY: ", table)
        self.assertIn(status, (1, 3))

    def test_what_is_no_terminal_gets_the_table_alone(self):
        result = program.run(*self.arguments)
        self.assertEqual("", result.stderr)
        self.assertNotIn("waiting", result.stdout)
        self.assertIn(self.reason, result.stdout)
        self.assertIn(result.returncode, (1, 3))


@unittest.skipUnless(os.geteuid() == 0, "only root can give its privileges up")
class UnprivilegedTest(unittest.TestCase):
    def test_a_socket_that_is_not_for_us_is_unknown_and_says_for_whom_it_is(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(directory, 0o755)
        listener = self.enterContext(socket.socket(socket.AF_UNIX))
        listener.bind(f"{directory}/docker.sock")
        os.chmod(f"{directory}/docker.sock", 0o600)
        listener.listen()
        # Where nobody can reach it, whatever PROGRAM's directory allows.
        path = shutil.copy(program.PROGRAM, f"{directory}/exporter")
        os.chmod(path, 0o755)
        flags = [
            f"--docker.socket={directory}/docker.sock",
            f"--mailcow.dir={directory}",
        ]
        options = {"path": path, "cwd": "/"} | NOBODY
        with program.Serving(*flags, **options) as serving:
            expected = reachable(UNKNOWN) | installed(UNKNOWN)
            self.assertEqual({}, difference(expected, serving.samples()))
        self.assertRegex(
            program.run("check", *flags, **options).stdout,
            r"unknown +docker_reachable .*\n"
            rf" +reason: .* {directory}/docker\.sock takes root or the group docker\n",
        )


if __name__ == "__main__":
    docker_engine.isolate()
    program.main()
