"""A host whose mount, Docker engine, system bus and time server can all hang."""

import contextlib
import json
import os
import pathlib
import re
import socket
import tempfile
import threading
import time

import program
from hung_mount_test import HungMount
from message_bus import MessageBus
from privileges_test import MAIL, OS_RELEASE, Engine, answers_of_docker
from time_server import TimeServer, answer_to

BACKUP = "/srv/backup"
MAILCOW = "/opt/mailcow-dockerized"

# Of the topics that ask what hangs here, after the seconds it is given.
REFRESHED_EVERY_SECONDS = 20
# Another one for each time that a topic is refreshed.
DURATION = 'mailcow_host_scrape_collector_duration_seconds{collector="interference"}'

# Scrapes that wait for nobody are by far more, however busy the machine is.
SLOWEST_A_SECOND = 500

# An answer of a time server counts for twice as long.
NTP_INTERVAL = 5

# Of each party that hangs, something that it alone tells.
ONE_OF_EACH = {"disk", "docker_reachable", "mail_service_absent", "clock_accurate"}

# Docker is believed for 30 seconds after it fell silent, and its topic is then
# refreshed within ten; the other topics are within 15, after the four seconds
# that the bus is given. All of that twice, for a machine that is busy.
UNTIL_UNKNOWN_SECONDS = 90


class Silent:
    """Takes every connection, and looks at none until `answering` is set."""

    def __init__(self, answering, *args):
        self._answering = answering
        super().__init__(*args)

    def process_request_thread(self, *args):
        self._answering.wait()
        super().process_request_thread(*args)


class SilentEngine(Silent, Engine):
    pass


class SilentBus(Silent, MessageBus):
    pass


class HungHost:
    """Healthy until hang(), and from heal() on.

    It is made of files of the test's own, with the machine's /proc. The
    filesystem that hangs is at `mount_point`, over what is there otherwise.
    """

    def __init__(self, mount_point=BACKUP):
        self._mount_point = mount_point
        self._answering = threading.Event()
        self._answering.set()
        self._mount = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            self._root = pathlib.Path(directory)
            for path in ("etc/docker", "run/systemd/system", "run/dbus", "var/run"):
                (self._root / path).mkdir(parents=True)
            for path in (BACKUP, MAILCOW, MAIL):
                os.makedirs(f"{self._root}{path}")
            (self._root / "etc/os-release").write_text(OS_RELEASE)
            ports = program.write_mailcow_conf(f"{self._root}{MAILCOW}")
            self._engine = SilentEngine(
                self._answering,
                f"{self._root}/var/run/docker.sock",
                answers_of_docker(ports["SMTPS_PORT"]),
            )
            bus = SilentBus(self._answering, f"{self._root}/run/dbus/system_bus_socket")
            for server in (self._engine, bus):
                self._serve(server, stack)
            self.time_server = stack.enter_context(TimeServer(self._tell_time))
            stack.callback(self.heal)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    @staticmethod
    def _serve(server, stack):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(server.server_close)
        stack.callback(thread.join)
        stack.callback(server.shutdown)

    def _tell_time(self, question):
        return [answer_to(question)] if self._answering.is_set() else []

    @property
    def flags(self):
        return [
            f"--path.rootfs={self._root}",
            "--path.procfs=/proc",
            "--path.sysfs=/sys",
            f"--disk.path={BACKUP}",
            f"--ntp.server={self.time_server.name}",
            f"--ntp.interval={NTP_INTERVAL}",
        ]

    def hang(self):
        """Raises OSError, and nothing hangs, where there can be no FUSE mount."""
        self._mount = HungMount(f"{self._root}{self._mount_point}")
        self._answering.clear()

    def heal(self):
        if self._mount is not None:
            self._mount.heal()
        self._answering.set()


def unknown(serving):
    """What the program does not know now: {(requirement, subject): reason}."""
    rows = json.loads(serving.get("/?format=json"))["requirements"]
    return {
        (row["id"], row["subject"]): row["reason"]
        for row in rows
        if row["verdict"] == "unknown"
    }


def footprint(serving):
    """(threads, descriptors, resident bytes) of the program."""
    process = f"/proc/{serving.process.pid}"
    rollup = pathlib.Path(f"{process}/smaps_rollup").read_text()
    return (
        len(os.listdir(f"{process}/task")),
        len(os.listdir(f"{process}/fd")),
        int(re.search(r"(?m)^Rss: +(\d+) kB", rollup)[1]) * 1024,
    )


def await_refreshes(serving):
    """The largest of each in the footprint, until what hangs was asked twice more:
    there are threads and descriptors for that moment."""
    seen, durations = [], set()

    def is_refreshed_twice():
        seen.append(footprint(serving))
        durations.add(serving.samples()[DURATION])
        return len(durations) > 2

    program.wait_for(is_refreshed_twice, 3 * REFRESHED_EVERY_SECONDS)
    return tuple(map(max, zip(*seen, strict=True)))


def has_not_grown(first, serving):
    """Whether the footprint is that of `first`, but for some pages."""
    threads, descriptors, resident = footprint(serving)
    return (
        threads <= first[0]
        and descriptors <= first[1]
        and resident < first[2] * 1.05 + (512 << 10)
    )


def scrape_many(serving, count):
    """The seconds that each of `count` scrapes took, on one connection."""
    request = b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"
    seconds = []
    end = time.monotonic() + program.DEADLINE_SECONDS + count / SLOWEST_A_SECOND
    with socket.create_connection(("127.0.0.1", serving.port)) as client:
        client.settimeout(program.DEADLINE_SECONDS)
        for _ in range(count):
            if time.monotonic() > end:
                raise program.InVain(f"{len(seconds)} of {count} scrapes")
            begin = time.perf_counter()
            client.sendall(request)
            received = client.recv(1 << 18)
            head, _, body = received.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise AssertionError(f"a scrape was answered with {head}")
            missing = int(re.search(rb"Content-Length: (\d+)", head)[1]) - len(body)
            while missing > 0:
                missing -= len(client.recv(missing))
            seconds.append(time.perf_counter() - begin)
    return seconds
