"""Drives the program from outside: what the end-to-end tests share."""

import http.client
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

PROGRAM = os.environ["PROGRAM"]

# Generous: what takes this long does not come at all.
DEADLINE_SECONDS = 30

# The variables of mailcow.conf, with the service and the port each defaults to.
PORTS = {
    "SMTP_PORT": ("smtp", 25),
    "SMTPS_PORT": ("smtps", 465),
    "SUBMISSION_PORT": ("submission", 587),
    "IMAP_PORT": ("imap", 143),
    "IMAPS_PORT": ("imaps", 993),
    "POP_PORT": ("pop3", 110),
    "POPS_PORT": ("pop3s", 995),
    "SIEVE_PORT": ("sieve", 4190),
    "HTTP_PORT": ("http", 80),
    "HTTPS_PORT": ("https", 443),
}


def run(*args, path=PROGRAM, **options):
    """Runs the program to its end: returncode, stdout and stderr."""
    return subprocess.run(
        [path, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        **options,
    )


class InVain(AssertionError):
    """What was waited for did not come."""


def wait_for(condition, deadline=DEADLINE_SECONDS):
    """Returns the first truthy value of condition(); fails where none comes."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise InVain(f"waited {deadline} seconds")
        time.sleep(0.05)
    return value


def fetch(url):
    """The body of what is at the URL, whatever proxy the environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=DEADLINE_SECONDS) as reply:
        return reply.read().decode()


def parse_samples(text):
    """The samples of a scrape: {'name{label="value"}': 1.0}."""
    samples = {}
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        series, _, value = line.rpartition(" ")
        if series in samples:
            raise AssertionError(f"{series} is there twice")
        samples[series] = float(value)
    return samples


class Serving:
    """The program while it serves, on a free port unless the arguments say where.

    PROGRAM can be replaced by `path`; `options` go to Popen.
    """

    def __init__(self, *args, path=PROGRAM, **options):
        if not any(arg.startswith("--web.listen-address") for arg in args):
            args = ("--web.listen-address=127.0.0.1:0", *args)
        self._addresses = sum(arg.startswith("--web.listen-address") for arg in args)
        self._command = [path, "serve", *args]
        self._options = options
        self._lines = queue.Queue()
        self.log = ""
        self.ports = []

    def __enter__(self):
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._options,
        )
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()
        try:
            while len(self.ports) < self._addresses:
                line = self._lines.get(timeout=DEADLINE_SECONDS)
                if not line:
                    raise AssertionError(f"the program does not serve: {self.log}")
                if port := re.search(r"msg=listening .*port=(\d+)", line):
                    self.ports.append(int(port[1]))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def _read_log(self):
        for line in self.process.stdout:
            self.log += line
            self._lines.put(line)
        self._lines.put("")

    @property
    def port(self):
        return self.ports[0]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def connect(self):
        """A connection that stays open from one request to the next."""
        return http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=DEADLINE_SECONDS
        )

    def get(self, path):
        return fetch(self.url + path)

    def scrape(self):
        return self.get("/metrics")

    def settled_scrape(self):
        """The first scrape for which every topic was measured: a machine that is
        busy may serve before that."""
        age = re.compile(r"^mailcow_host_scrape_collector_age_seconds.* \+Inf$", re.M)
        return wait_for(
            lambda: (text := self.scrape()) and not age.search(text) and text
        )

    def samples(self):
        return parse_samples(self.scrape())

    def stop(self, signal_number=signal.SIGTERM, timeout=DEADLINE_SECONDS):
        """Sends the signal; the exit status, once the log is read to its end."""
        self.process.send_signal(signal_number)
        status = self.process.wait(timeout)
        self._reader.join()
        return status


def listen(address, port, ipv6_only=False):
    """A listening socket, to be closed by who called."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(ipv6_only))
    try:
        listener.bind((address, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def is_free(port):
    try:
        listen("::", port).close()
    except OSError:
        return False
    return True


def free_ports(count):
    """Ports below the ephemeral ones that no other test process chooses."""
    block = 20000 + os.getpid() % 600 * 20
    ports = [port for port in range(block, block + 20) if is_free(port)]
    return ports[:count]


def write_mailcow_conf(directory, **changes):
    """Writes DIRECTORY/mailcow.conf with all ten ports moved to free ones.

    Returns {variable: port}. `changes` replaces values, or adds lines.
    """
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    lines = [f"{key}={value}\n" for key, value in (ports | changes).items()]
    with open(f"{directory}/mailcow.conf", "w") as conf:
        conf.writelines(lines)
    return ports


def main():
    """Runs the tests of the file; status 77 where every one of them was skipped."""
    result = unittest.main(exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if len(result.skipped) == result.testsRun else 0)
