"""Runs one of the programs, scrapes it, and says what it took."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time

LOAD = os.path.join(os.environ["TOOLS"], "load")

# Long enough for the slowest ten thousand scrapes.
LOAD_DEADLINE_SECONDS = 600

START_DEADLINE_SECONDS = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Load:
    """Scrapes: {"p50", "p99", "bytes", "series"}."""

    def __init__(self, port):
        self._port = port

    def scrape(self, count, pace=0, connection="kept", encoding="plain"):
        words = (self._port, count, int(pace * 1000), connection, encoding)
        return load("scrape", *map(str, words))


def load(*words):
    run = subprocess.run(
        [LOAD, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LOAD_DEADLINE_SECONDS,
    )
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip())
    return json.loads(run.stdout)


def start_seconds(contender):
    """From the start of the program to its first answer with a sample in it."""
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        return load("start", str(port), *contender.command(port, directory))["start"]


class Running:
    """A program of its own, which serves once this is entered."""

    def __init__(self, contender):
        self._contender = contender

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        port = free_port()
        self.load = Load(port)
        self._process = subprocess.Popen(
            # Does not outlive this process, however that ends.
            [
                *("setpriv", "--pdeathsig", "KILL"),
                *self._contender.command(port, self._directory.name),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._await(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()

    def _await(self, port):
        end = time.monotonic() + START_DEADLINE_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self._contender.name} does not serve")

    def cpu_seconds(self):
        """User and system time, that of threads which have ended too."""
        # CPUCLOCK_SCHED of the process, as clock_getcpuclockid(3) gives it.
        return time.clock_gettime(~self._process.pid << 3 | 2)

    def resident_bytes(self):
        """What smaps says: VmRSS is kept per processor, and off by some pages."""
        with open(f"/proc/{self._process.pid}/smaps_rollup") as file:
            return int(re.search(r"^Rss: +(\d+) kB", file.read(), re.M)[1]) * 1024
