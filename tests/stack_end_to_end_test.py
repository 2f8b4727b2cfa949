"""deploy/stack.sh, with Debian's Prometheus and Alertmanager.

It runs in a network of the test's own, where its ports are free and its very files
can be used, and among processes of the test's own, so that what it leaves is seen.
"""

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

import program

ROOT = pathlib.Path(__file__).parent.parent
NOBODY = 65534
PORTS = {"exporter": 9025, "prometheus": 9090, "alertmanager": 9093}

IS_ISOLATED = "STACK_IS_ISOLATED"
UNSHARE = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
TOOLS = ("curl", "ip", "prometheus", "prometheus-alertmanager", "ss", "unshare")

# Writes what it was told, and answers at Grafana's address.
FAKE_GRAFANA = """\
#!/bin/sh
printf '%s\\n' "$@" >"$GF_PATHS_DATA/arguments"
env >"$GF_PATHS_DATA/environment"
mkdir -p "$GF_PATHS_DATA/api" && echo ok >"$GF_PATHS_DATA/api/health"
python3 -m http.server --bind "$GF_SERVER_HTTP_ADDR" \\
  --directory "$GF_PATHS_DATA" "$GF_SERVER_HTTP_PORT"
"""


def why_not_isolated():
    """Why this machine can isolate no stack; empty where it can."""
    if os.geteuid() != 0:
        return "only root can make a network"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"it takes {', '.join(missing)}"
    # A container may make networks that it cannot set up.
    tried = program.run(*UNSHARE, "ip", "link", "set", "lo", "up", path="unshare")
    return tried.stderr.strip() if tried.returncode != 0 else ""


def isolate():
    """Starts this program again in namespaces of its own, where that can be."""
    if IS_ISOLATED in os.environ:
        # No systemd of this machine's is to be seen, nor asked for anything.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    elif not why_not_isolated():
        os.environ[IS_ISOLATED] = "yes"
        os.execvp("unshare", ["unshare", *UNSHARE, sys.executable, "-B", *sys.argv])


def processes():
    """{process: command line} of all that run beside the test."""
    found = {}
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
            command = (directory / "cmdline").read_text().replace("\0", " ")
            if state not in "ZX" and int(directory.name) != os.getpid():
                found[int(directory.name)] = command
    return found


def kill_all():
    """Ends them, and returns them."""
    found = processes()
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return found


class Repository:
    """A copy of what stack.sh takes from this one, which everybody may read.

    The program that is tested counts as built: cmake only notes what it is told.
    """

    def __init__(self, directory):
        self.top = pathlib.Path(directory)
        self.top.chmod(0o755)
        self.root = self.top / "repository"
        for name in ("deploy", "grafana"):
            shutil.copytree(ROOT / name, self.root / name)
        (self.root / "build/release").mkdir(parents=True)
        shutil.copy(program.PROGRAM, self.root / "build/release")
        (self.root / "build/civetweb").mkdir()
        shutil.copy(
            ROOT / "deploy/civetweb.patch", self.root / "build/civetweb/applied.patch"
        )
        self.data = self.top / "data"
        self.calls = self.top / "calls"
        self.calls.touch(0o666)
        self.calls.chmod(0o666)
        self.tools = self.top / "tools"
        self.tools.mkdir()
        self.add_tool("cmake")

    def add_tool(self, name, script=None, status=0):
        """Puts NAME before what is installed: it notes its calls, or is the script."""
        tool = self.tools / name
        note = f'#!/bin/sh\necho "{name} $*" >>{self.calls}\nexit {status}\n'
        tool.write_text(script or note)
        tool.chmod(0o755)

    def files(self):
        return {path for path in self.root.rglob("*") if path.is_file()}


class Stack:
    """deploy/stack.sh of the repository while it runs."""

    def __init__(self, repository, words=None, environment=None, **options):
        self.repository = repository
        # No Grafana but one of the test's own.
        self._environment = {"GRAFANA_HOME": "/nowhere"} | (environment or {})
        words = [repository.data] if words is None else words
        self._command = [repository.root / "deploy/stack.sh", *words]
        self._options = options

    def __enter__(self):
        tools = f"{self.repository.tools}:{os.environ['PATH']}"
        output = self.repository.top / "output"
        with output.open("w") as file:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=os.environ | {"PATH": tools} | self._environment,
                start_new_session=True,
                **self._options,
            )
        self._output = output
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        # What it left must not be in the way of the next test.
        program.wait_for(lambda: not kill_all())

    @property
    def output(self):
        return self._output.read_text()

    def wait_until_it_runs(self):
        program.wait_for(
            lambda: "Ctrl-C" in self.output or self.process.poll() is not None
        )
        if self.process.poll() is not None:
            raise AssertionError(self.output)
        return self

    def signal(self, number):
        """To all that a terminal would send it to."""
        os.killpg(self.process.pid, number)

    def status(self):
        """Its exit status, once it has ended."""
        return self.process.wait(program.DEADLINE_SECONDS)

    def process_of(self, command):
        """The process whose command line has the words."""
        [found] = [pid for pid, words in processes().items() if command in words]
        return found

    def addresses(self):
        """{name: URL}, as it prints them."""
        return dict(re.findall(r"(?m)^(\w+) +(http://\S+)  \w", self.output))


class Prometheus:
    @staticmethod
    def get(path):
        return json.loads(program.fetch(f"http://127.0.0.1:9090/api/v1/{path}"))["data"]


@unittest.skipUnless(IS_ISOLATED in os.environ, why_not_isolated() or "not isolated")
class RunningTest(unittest.TestCase):
    """What all of it does together; nothing here changes it."""

    @classmethod
    def setUpClass(cls):
        cls.repository = Repository(
            cls.enterClassContext(tempfile.TemporaryDirectory())
        )
        cls.files = cls.repository.files()
        cls.stack = cls.enterClassContext(Stack(cls.repository)).wait_until_it_runs()

    def test_every_address_that_it_prints_answers(self):
        addresses = self.stack.addresses()
        self.assertLessEqual(set(PORTS), set(addresses))
        for name, url in addresses.items():
            with self.subTest(name):
                self.assertTrue(program.fetch(url))

    def test_what_it_runs_is_built_first(self):
        build = self.repository.root / "build/release"
        self.assertIn(f"cmake --build {build}\n", self.repository.calls.read_text())

    def test_prometheus_scrapes_the_exporter(self):
        def health():
            return {
                target["labels"]["job"]: target["health"]
                for target in Prometheus.get("targets")["activeTargets"]
            }

        # It takes up to a scrape interval until each was scraped once.
        program.wait_for(lambda: health() and "unknown" not in health().values())
        self.assertEqual(
            {"mailcow_host": "up", "prometheus": "up", "alertmanager": "up"}, health()
        )

    def test_prometheus_evaluates_the_rules_of_the_repository(self):
        rules = self.repository.root / "deploy/prometheus/mailcow_host.rules.yml"
        groups = program.wait_for(lambda: Prometheus.get("rules")["groups"])
        self.assertEqual({str(rules)}, {group["file"] for group in groups})
        self.assertNotIn(
            "err", {rule["health"] for group in groups for rule in group["rules"]}
        )

    def test_prometheus_sends_alerts_to_alertmanager(self):
        def alertmanagers():
            found = Prometheus.get("alertmanagers")["activeAlertmanagers"]
            return [each["url"] for each in found]

        program.wait_for(alertmanagers)
        self.assertEqual(["http://127.0.0.1:9093/api/v2/alerts"], alertmanagers())

    def test_alertmanager_has_the_configuration_of_the_repository(self):
        status = json.loads(program.fetch("http://127.0.0.1:9093/api/v2/status"))
        self.assertIn("mailcow_host.tmpl", status["config"]["original"])
        command = processes()[self.stack.process_of("prometheus-alertmanager ")]
        path = self.repository.root / "deploy/alertmanager/alertmanager.yml"
        self.assertIn(f"--config.file={path} ", command)

    def test_links_in_alerts_lead_to_the_printed_addresses(self):
        for name in ("prometheus", "alertmanager"):
            url = self.stack.addresses()[name]
            binary = name if name == "prometheus" else "prometheus-alertmanager"
            process = self.stack.process_of(f"{binary} --config.file")
            self.assertIn(f"--web.external-url={url} ", processes()[process])

    def test_nothing_listens_beyond_loopback(self):
        sockets = program.run("-Htuln", path="ss").stdout.splitlines()
        addresses = {line.split()[4] for line in sockets}
        expected = {f"127.0.0.1:{port}" for port in PORTS.values()}
        self.assertLessEqual(expected, addresses)
        for address in addresses:
            self.assertTrue(address.startswith("127.0.0.1:"), address)

    def test_data_and_logs_are_in_the_directory_alone(self):
        names = set(self.stack.addresses())
        self.assertLessEqual(
            names - {"exporter"} | {f"{name}.log" for name in names},
            set(os.listdir(self.repository.data)),
        )
        self.assertTrue(os.listdir(self.repository.data / "prometheus"))
        self.assertEqual(self.files, self.repository.files())


@unittest.skipUnless(IS_ISOLATED in os.environ, why_not_isolated() or "not isolated")
class StackTest(unittest.TestCase):
    def setUp(self):
        self.repository = Repository(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def run_stack(self, words=None):
        """The exit status and the output of one that ends by itself."""
        with Stack(self.repository, words) as stack:
            return stack.status(), stack.output

    def test_without_a_directory_everything_is_in_build(self):
        with Stack(self.repository, []) as stack:
            stack.wait_until_it_runs()
            data = self.repository.root / "build/stack"
            self.assertIn(f"Data and logs are in {data}.", stack.output)
            self.assertTrue((data / "prometheus.log").exists())

    def test_a_signal_ends_all_of_it(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name), Stack(self.repository) as stack:
                stack.wait_until_it_runs()
                stack.signal(number)
                self.assertEqual(0, stack.status())
                self.assertEqual({}, processes())

    def test_a_second_ctrl_c_ends_what_the_first_could_not(self):
        with Stack(self.repository) as stack:
            stack.wait_until_it_runs()
            stuck = stack.process_of("prometheus --config.file")
            os.kill(stuck, signal.SIGSTOP)
            stack.signal(signal.SIGINT)
            program.wait_for(lambda: set(processes()) == {stuck, stack.process.pid})
            stack.signal(signal.SIGINT)
            self.assertEqual(0, stack.status())
            self.assertEqual({}, processes())

    def test_a_signal_before_all_is_ready_leaves_nothing(self):
        self.repository.add_tool("curl", status=1)
        with Stack(self.repository) as stack:
            program.wait_for(lambda: "curl" in self.repository.calls.read_text())
            stack.signal(signal.SIGINT)
            self.assertEqual(0, stack.status())
            self.assertEqual({}, processes())

    def test_what_it_started_ends_even_where_it_is_killed(self):
        with Stack(self.repository) as stack:
            stack.wait_until_it_runs()
            stack.process.kill()
            program.wait_for(lambda: not processes())

    def test_one_that_ends_by_itself_ends_the_others(self):
        with Stack(self.repository) as stack:
            stack.wait_until_it_runs()
            os.kill(stack.process_of("mailcow_host_exporter "), signal.SIGKILL)
            self.assertEqual(1, stack.status())
            self.assertEqual({}, processes())
            self.assertRegex(
                stack.output, r"exporter has ended by itself;.*\n  .*msg="
            )

    def test_one_that_cannot_start_is_shown_with_the_end_of_its_log(self):
        configuration = self.repository.root / "deploy/alertmanager/alertmanager.yml"
        configuration.write_text("no_such_key: 1\n")
        status, output = self.run_stack()
        self.assertEqual(1, status)
        self.assertIn("alertmanager has ended by itself; the last lines", output)
        self.assertIn("field no_such_key not found", output)
        self.assertNotIn("http://127.0.0.1:9025", output)

    def test_a_port_that_is_taken_is_named_with_its_holder(self):
        for address in ("127.0.0.1", "0.0.0.0", "::"):
            with self.subTest(address), program.listen(address, PORTS["alertmanager"]):
                status, output = self.run_stack()
                self.assertEqual(1, status)
                self.assertRegex(
                    output,
                    r"^127\.0\.0\.1:9093, where alertmanager is to listen, is taken by "
                    rf"python\S* \(process {os.getpid()}\)",
                )
                # Before anything was built, started or written.
                self.assertEqual("", self.repository.calls.read_text())
                self.assertFalse(self.repository.data.exists())

    def test_the_unit_that_holds_a_port_is_named_to_who_may_not_see_its_process(self):
        line = "LISTEN 0 4096 *:9090 *:* cgroup:/system.slice/prometheus.service"
        self.repository.add_tool(
            "ss", f"#!/bin/sh\ncase $* in *--cgroup*9090*) echo '{line}' ;; esac\n"
        )
        status, output = self.run_stack()
        self.assertEqual(1, status)
        self.assertEqual(
            "127.0.0.1:9090, where prometheus is to listen, is taken by "
            "a process of another user of prometheus.service.\n"
            "To free it, as root: systemctl disable --now prometheus.service\n",
            output,
        )

    def test_a_listener_at_another_address_is_not_in_the_way(self):
        with (
            program.listen("127.0.0.2", PORTS["prometheus"]),
            program.listen("::1", PORTS["exporter"]),
            Stack(self.repository) as stack,
        ):
            stack.wait_until_it_runs()

    def test_it_needs_no_root(self):
        self.repository.data.mkdir()
        os.chown(self.repository.data, NOBODY, NOBODY)
        nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        with Stack(self.repository, **nobody) as stack:
            stack.wait_until_it_runs()
            for name in PORTS:
                log = self.repository.data / f"{name}.log"
                self.assertEqual(NOBODY, log.stat().st_uid)
            stack.signal(signal.SIGINT)
            self.assertEqual(0, stack.status())

    def test_services_that_packages_bring_do_not_run(self):
        """Debian's packages start them at once, on every address."""
        os.makedirs("/run/systemd/system")
        self.addCleanup(os.rmdir, "/run/systemd/system")
        self.repository.add_tool("apt-get")
        self.repository.add_tool("dpkg-query", "#!/bin/sh\n")
        log = self.repository.calls
        self.repository.add_tool(
            "systemctl", f'#!/bin/sh\necho "systemctl $*" >>{log}\n[ "$1" != cat ]\n'
        )
        with Stack(self.repository) as stack:
            stack.wait_until_it_runs()
        units = "prometheus.service prometheus-alertmanager.service"
        calls = [
            re.sub(r" install .*", " install", line)
            for line in log.read_text().splitlines()
            if not line.startswith(("cmake", "systemctl cat"))
        ]
        self.assertEqual(
            [
                f"systemctl mask --quiet --runtime {units}",
                "apt-get update -q",
                "apt-get install",
                f"systemctl unmask --quiet --runtime {units}",
                f"systemctl disable --quiet {units}",
            ],
            calls,
        )

    def test_more_than_a_directory_is_a_mistake(self):
        for words in (["a", "b"], ["--help"]):
            status, output = self.run_stack(words)
            self.assertEqual((2, "usage: deploy/stack.sh [DIR]\n"), (status, output))


@unittest.skipUnless(IS_ISOLATED in os.environ, why_not_isolated() or "not isolated")
class GrafanaTest(unittest.TestCase):
    """Debian has no Grafana: one of the test's own notes how it is started."""

    def setUp(self):
        self.repository = Repository(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def install(self, name, script=FAKE_GRAFANA):
        """Returns the environment that says where Grafana is."""
        home = self.repository.top / "grafana"
        program_file = home / "bin" / name
        program_file.parent.mkdir(parents=True)
        program_file.write_text(script)
        program_file.chmod(0o755)
        return {"GRAFANA_HOME": str(home)}

    def start_with(self, name):
        stack = Stack(self.repository, environment=self.install(name))
        self.enterContext(stack).wait_until_it_runs()
        self.assertEqual("http://127.0.0.1:3000/", stack.addresses()["grafana"])
        return (self.repository.data / "grafana/arguments").read_text().splitlines()

    def test_it_is_started_where_it_is_installed(self):
        self.assertEqual(
            ["server", f"--homepath={self.repository.top / 'grafana'}", "--config=/dev/null"],
            self.start_with("grafana"),
        )

    def test_its_older_name_counts_too(self):
        self.assertEqual(
            [f"--homepath={self.repository.top / 'grafana'}", "--config=/dev/null"],
            self.start_with("grafana-server"),
        )

    def test_one_that_never_answers_ends_the_others(self):
        environment = self.install("grafana", "#!/bin/sh\nexec sleep 600\n")
        script = self.repository.root / "deploy/stack.sh"
        text = script.read_text()
        self.assertIn("SECONDS + 120", text)
        script.write_text(text.replace("SECONDS + 120", "SECONDS + 2"))
        with Stack(self.repository, environment=environment) as stack:
            self.assertEqual(1, stack.status())
            self.assertIn("grafana does not answer; the last lines", stack.output)
            self.assertEqual({}, processes())

    def test_it_gets_the_files_of_the_repository_and_keeps_to_loopback(self):
        self.start_with("grafana")
        text = (self.repository.data / "grafana/environment").read_text()
        environment = dict(
            line.split("=", 1) for line in text.splitlines() if "=" in line
        )
        grafana = self.repository.root / "grafana"
        self.assertEqual(
            f"{grafana}/provisioning", environment["GF_PATHS_PROVISIONING"]
        )
        home = pathlib.Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        self.assertTrue(home.is_file() and home.is_relative_to(grafana), home)
        # What the provisioning names is what is given.
        [variable] = re.findall(
            r"path: \$(\w+)\n",
            "".join(f.read_text() for f in (grafana / "provisioning").rglob("*.yml")),
        )
        self.assertEqual(f"{grafana}/dashboards", environment[variable])
        for kind in ("DATA", "LOGS", "PLUGINS"):
            path = pathlib.Path(environment[f"GF_PATHS_{kind}"])
            self.assertTrue(path.is_relative_to(self.repository.data), path)
        self.assertEqual("127.0.0.1", environment["GF_SERVER_HTTP_ADDR"])
        self.assertEqual("Viewer", environment["GF_AUTH_ANONYMOUS_ORG_ROLE"])
        self.assertEqual("false", environment["GF_ANALYTICS_REPORTING_ENABLED"])
        self.assertEqual("false", environment["GF_ANALYTICS_CHECK_FOR_UPDATES"])


if __name__ == "__main__":
    isolate()
    program.main()
