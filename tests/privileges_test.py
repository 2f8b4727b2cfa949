"""Each privilege of README's table, taken away: what it says is lost, is.

The host is made of files of the test's own, with the machine's /proc and a Docker
engine that answers from a recording. The program runs as nobody with every
privilege of the table added, less one.
"""

import contextlib
import ctypes
import http.server
import json
import os
import pathlib
import platform
import shutil
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import program
from ports_end_to_end_test import tells_unit
from time_server import TimeServer

IDS = 65534
DOCKER = 64999
CAPABILITIES = ("dac_read_search", "sys_ptrace")

DATA_ROOT = "/var/lib/docker"
MAIL = f"{DATA_ROOT}/volumes/mailcowdockerized_vmail-vol-1/_data"
OS_RELEASE = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'

# What Docker alone can tell, and mailcow.conf with it.
OF_DOCKER = {"docker_reachable", "docker_version_supported", "docker_info"}
OF_MAILCOW = {
    "mailcow_installed",
    "mailcow_container_running",
    "mailcow_container_healthy",
    "port_served",
}
OF_THE_CLOCK = {
    "ntp_synchronized",
    "clock_offset",
    "clock_max_error",
    "clock_unsynchronized_flag",
    "leap_second_pending",
}
OF_A_DISK = {"disk", "disk_available", "disk_inodes_available", "disk_writable"}


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers as Docker's engine does: /_ping, and what `answers` holds."""

    daemon_threads = True

    def __init__(self, path, answers):
        self.answers = answers
        super().__init__(path, EngineHandler)

    def handle_error(self, request, client_address):
        """A client may leave when it has its answer."""


class EngineHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.removeprefix("/v1.41")
        body = b"OK" if path == "/_ping" else json.dumps(self.server.answers[path])
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def answers_of_docker(smtps_port):
    """One container of mailcow's, which publishes the port through a proxy."""
    return {
        "/info": {
            "ServerVersion": "24.0.7",
            "Driver": "overlay2",
            "DockerRootDir": DATA_ROOT,
        },
        "/containers/json?all=true": [
            {
                "Id": "4f" * 32,
                "Names": ["/mailcowdockerized-postfix-mailcow-1"],
                "Labels": {
                    "com.docker.compose.project": "mailcowdockerized",
                    "com.docker.compose.service": "postfix-mailcow",
                },
                "State": "running",
                "Status": "Up 2 hours",
                "Ports": [
                    {
                        "IP": "127.0.0.1",
                        "PrivatePort": 465,
                        "PublicPort": smtps_port,
                        "Type": "tcp",
                    }
                ],
            }
        ],
        "/volumes": {
            "Volumes": [
                {
                    "Name": "mailcowdockerized_vmail-vol-1",
                    "Mountpoint": MAIL,
                    "Options": None,
                }
            ]
        },
    }


PROXY = """
import signal, socket, sys
open("/proc/self/comm", "w").write("docker-proxy")
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(flush=True)
signal.pause()
"""


@contextlib.contextmanager
def docker_proxy(port):
    with subprocess.Popen(
        [sys.executable, "-c", PROXY, str(port)], stdout=subprocess.PIPE
    ) as process:
        try:
            process.stdout.readline()
            yield
        finally:
            process.kill()


def refuse_adjtimex():
    """As the seccomp profiles of containers do; for a child before it runs."""
    numbers = {"x86_64": (159, 305), "aarch64": (171, 266)}[platform.machine()]
    load, if_equal, answer = 0x20, 0x15, 0x06
    allowed, refused = 0x7FFF0000, 0x00050001  # EPERM
    filters = [
        (load, 0, 0, 0),
        (if_equal, 2, 0, numbers[0]),
        (if_equal, 1, 0, numbers[1]),
        (answer, 0, 0, allowed),
        (answer, 0, 0, refused),
    ]
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *one) for one in filters)
    )
    listed = struct.pack("HxxxxxxP", len(filters), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    set_seccomp, mode_filter = 22, 2
    if libc.prctl(set_seccomp, mode_filter, ctypes.c_char_p(listed), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@unittest.skipUnless(os.geteuid() == 0, "only root can give its privileges up")
@unittest.skipUnless(shutil.which("setpriv"), "setpriv is not installed")
class PrivilegesTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(directory, 0o755)
        # Where nobody can reach it, whatever PROGRAM's directory allows.
        self.program = shutil.copy(program.PROGRAM, f"{directory}/exporter")
        os.chmod(self.program, 0o755)
        self.root = pathlib.Path(f"{directory}/root")
        for path in ("/etc/docker", "/var/run", MAIL, "/opt/mailcow-dockerized"):
            os.makedirs(f"{self.root}{path}")
        (self.root / "etc/os-release").write_text(OS_RELEASE)
        self.conf = self.root / "opt/mailcow-dockerized/mailcow.conf"
        self.ports = program.write_mailcow_conf(self.conf.parent)
        self.start_engine()
        self.time_server = self.enterContext(TimeServer())
        # In a container, not even root may know the clock.
        self.unknown_to_root = self.unknown()
        self.assertLessEqual({which for which, _ in self.unknown_to_root}, OF_THE_CLOCK)

    def skip_in_a_container(self):
        if self.unknown_to_root:
            self.skipTest("in a container, root has fewer privileges to give up")

    def start_engine(self):
        socket = f"{self.root}/var/run/docker.sock"
        engine = self.enterContext(
            Engine(socket, answers_of_docker(self.ports["SMTPS_PORT"]))
        )
        os.chown(socket, 0, DOCKER)
        os.chmod(socket, 0o660)
        thread = threading.Thread(target=engine.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(engine.shutdown)

    def unknown(self, *setpriv, **options):
        """What `check` does not know: reasons, by requirement and subject."""
        unknown = {}

        def is_answered():
            unknown.clear()
            unknown.update(self.ask(*setpriv, **options))
            return not any("does not answer" in why for why in unknown.values())

        # On a machine that is busy, files may take longer than the program waits.
        program.wait_for(is_answered)
        return unknown

    def ask(self, *setpriv, **options):
        result = program.run(
            *setpriv,
            *(self.program, "check", "--format=json", f"--path.rootfs={self.root}"),
            *("--path.procfs=/proc", "--path.sysfs=/sys"),
            f"--ntp.server={self.time_server.name}",
            path="setpriv",
            cwd="/",
            **options,
        )
        return {
            (row["id"], row["subject"]): row["reason"]
            for row in json.loads(result.stdout)["requirements"]
            if row["verdict"] == "unknown"
        }

    def lost(self, without=(), **options):
        """What nobody does not know that root does, with the capabilities and
        the group that the table names, less those in `without`."""
        capabilities = [f"+{one}" for one in CAPABILITIES if one not in without]
        added = ",".join(capabilities) or "-all"
        groups = "--clear-groups" if "docker" in without else f"--groups={DOCKER}"
        unknown = self.unknown(
            *(f"--reuid={IDS}", f"--regid={IDS}", groups),
            *(f"--inh-caps={added}", f"--ambient-caps={added}"),
            **options,
        )
        return {
            which: reason
            for which, reason in unknown.items()
            if which not in self.unknown_to_root
        }

    def assert_lost(self, ids, lost, reason):
        self.assertEqual(set(ids), {which for which, _ in lost})
        for which, why in lost.items():
            self.assertRegex(why, reason, which)

    def test_with_all_of_them_nobody_knows_what_root_knows(self):
        self.conf.chmod(0o600)
        (self.root / "var/lib/docker").chmod(0o700)
        with program.listen("127.0.0.1", self.ports["SMTP_PORT"]):
            self.assertEqual({}, self.lost())

    def test_with_none_of_them_only_what_they_are_for_is_lost(self):
        lost = self.lost(without=(*CAPABILITIES, "docker"))
        self.assert_lost(OF_DOCKER | OF_MAILCOW, lost, "root or the group docker")

    def test_without_the_group_docker(self):
        port = self.ports["SMTPS_PORT"]
        with docker_proxy(port):
            self.assertEqual({}, self.lost())
            lost = self.lost(without=("docker",))
        self.assert_lost(
            OF_DOCKER | OF_MAILCOW | {"port_foreign_listeners"},
            lost,
            "/var/run/docker.sock takes root or the group docker",
        )
        held = [subject for which, subject in lost if which == "port_foreign_listeners"]
        self.assertEqual([str(port)], held)

    def test_without_the_group_docker_where_no_proxy_shows_its_ports(self):
        daemon_json = self.root / "etc/docker/daemon.json"
        daemon_json.write_text('{"userland-proxy": false}')
        self.assertEqual({}, self.lost())
        lost = self.lost(without=("docker",))
        self.assert_lost(
            OF_DOCKER | OF_MAILCOW | {"port_in_use", "port_foreign_listeners"},
            lost,
            "root or the group docker",
        )

    def test_without_mailcow_conf(self):
        self.conf.chmod(0o600)
        self.assertEqual({}, self.lost())
        lost = self.lost(without=("dac_read_search",))
        self.assert_lost(
            OF_MAILCOW
            | {"port_in_use", "port_foreign_listeners", "port_value_valid"}
            | {"dns_hostname_qualified"},
            lost,
            "mailcow.conf: Permission denied",
        )

    def test_without_searching_dockers_data_root(self):
        (self.root / "var/lib/docker").chmod(0o710)
        self.assertEqual({}, self.lost())
        lost = self.lost(without=("dac_read_search",))
        self.assert_lost(OF_A_DISK, lost, "Permission denied")
        self.assertEqual({MAIL}, {subject for _, subject in lost})

    @unittest.skipIf(
        tells_unit(), "the unit of this test tells whose its listeners are"
    )
    def test_without_the_processes_of_others(self):
        port = self.ports["SMTP_PORT"]
        with program.listen("127.0.0.1", port):
            self.assertEqual({}, self.lost())
            for capability in CAPABILITIES:
                with self.subTest(capability):
                    lost = self.lost(without=(capability,))
                    self.assertEqual({("port_foreign_listeners", str(port))}, {*lost})
                    self.assertIn(f"CAP_{capability.upper()}", *lost.values())

    @unittest.skipIf(
        tells_unit(), "the unit of this test tells whose its listeners are"
    )
    def test_root_without_the_processes_of_others(self):
        self.skip_in_a_container()
        port = self.ports["SMTP_PORT"]
        with program.listen("127.0.0.1", port):
            unknown = self.unknown("--bounding-set=-dac_read_search,-sys_ptrace")
        lost = {which for which in unknown if which not in self.unknown_to_root}
        self.assertEqual({("port_foreign_listeners", str(port))}, lost)

    @unittest.skipUnless(
        platform.machine() in ("x86_64", "aarch64"), "its system calls differ here"
    )
    def test_without_adjtimex(self):
        self.skip_in_a_container()
        lost = self.lost(preexec_fn=refuse_adjtimex)
        self.assert_lost(OF_THE_CLOCK, lost, "CAP_SYS_TIME")


@unittest.skipUnless(os.geteuid() == 0, "only root can give its privileges up")
@unittest.skipUnless(shutil.which("setpriv"), "setpriv is not installed")
class FirstProcessTest(unittest.TestCase):
    """Only root may read in /proc/1/environ what a container's manager wrote."""

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(directory, 0o755)
        self.program = shutil.copy(program.PROGRAM, f"{directory}/exporter")
        os.chmod(self.program, 0o755)
        # What files say of this machine must not come first.
        os.mkdir(f"{directory}/root")
        self.flags = [f"--path.rootfs={directory}/root", "--path.procfs=/proc"]

    def virtualization(self, *setpriv):
        """What is said where the first process has container=lxc."""
        result = program.run(
            *("container=lxc", "unshare", "--pid", "--fork", "--mount-proc"),
            # With a second command, the shell remains.
            *("sh", "-c", '"$@"; exit $?', "sh", "env", "-u", "container"),
            *("setpriv", *setpriv, self.program, "check", "--format=json"),
            *self.flags,
            path="env",
            cwd="/",
        )
        [row] = [
            row
            for row in json.loads(result.stdout)["requirements"]
            if row["id"] == "virtualization_supported"
        ]
        return row

    def test_root_reads_it_and_nobody_does_not(self):
        self.assertRegex(self.virtualization("--no-new-privs")["detail"], "lxc")
        nobody = self.virtualization(
            f"--reuid={IDS}", f"--regid={IDS}", "--clear-groups"
        )
        self.assertNotRegex(nobody["detail"] or "", "lxc")
        self.assertIn(nobody["verdict"], ("met", "unmet"))


if __name__ == "__main__":
    program.main()
