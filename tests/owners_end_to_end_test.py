"""Whose a listener is, among thousands of processes: cheap, and never stale."""

import collections
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import program

OWN_NAME = pathlib.Path("/proc/self/comm").read_text().strip()

PROCESSES = 5000
DESCRIPTORS = 20
# Far more than they take.
MEMORY_BYTES = 6 << 30

# Each waits for a pipe to be closed that this process alone can write to, and
# which itself waits for the test to end.
CROWD = """
import os, sys
processes, descriptors = map(int, sys.argv[1:])
reader, writer = os.pipe()
while len(os.listdir("/proc/self/fd")) <= descriptors:
    os.dup(reader)
try:
    for _ in range(processes):
        if os.fork() == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
except OSError as error:
    print(error, flush=True)
else:
    print("ready", flush=True)
sys.stdin.read()
"""

# Holds a listener: one of its own, or one that comes over its standard input.
HOLDER = """
import os, signal, socket, sys
name, port = sys.argv[1:]
with open("/proc/self/comm", "w") as comm:
    comm.write(name)
if port == "sent":
    with socket.socket(fileno=os.dup(0)) as sender:
        _, [listener], _, _ = socket.recv_fds(sender, 1, 1)
else:
    listener = socket.create_server(("127.0.0.1", int(port)))
print("listening", flush=True)
signal.pause()
"""


@contextlib.contextmanager
def crowd():
    """Thousands of processes that do nothing but hold descriptors."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", CROWD, str(PROCESSES), str(DESCRIPTORS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said = process.stdout.readline().strip()
            if said != "ready":
                raise unittest.SkipTest(f"{PROCESSES} processes cannot be had: {said}")
            yield
        finally:
            process.stdin.close()
            process.wait()


@contextlib.contextmanager
def holder(name, port, stdin=subprocess.DEVNULL):
    """Another process, called `name`, that listens; it need not do so yet where
    its listener is sent to it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, name, str(port)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            if port != "sent":
                process.stdout.readline()
            yield process
        finally:
            process.kill()


def memory_available():
    meminfo = pathlib.Path("/proc/meminfo").read_text()
    return int(re.search(r"MemAvailable: +(\d+) kB", meminfo)[1]) << 10


class OwnersTest(unittest.TestCase):
    def setUp(self):
        if memory_available() < MEMORY_BYTES:
            self.skipTest(f"{PROCESSES} processes take memory that is not there")
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.port = program.write_mailcow_conf(directory)["SMTP_PORT"]
        self.flags = [
            f"--mailcow.dir={directory}",
            # What asks for all processes now and then, off the scrape path, is
            # not to be counted.
            *("--collector.disable-defaults", "--collector.ports"),
        ]

    def owners(self, serving):
        """The processes behind the port at one scrape; "" is not known."""
        return re.findall(
            rf'listener_info{{port="{self.port}",process="([^"]*)"', serving.scrape()
        )

    def wait_for_owner(self, serving, name):
        program.wait_for(lambda: self.owners(serving) == [name])

    def test_a_new_listeners_process_is_found(self):
        # The last one to be looked at: it is older than all of the crowd.
        with program.Serving(*self.flags) as serving, crowd():
            with program.listen("127.0.0.1", self.port):
                text = program.run("check", *self.flags).stdout
                self.assertIn(
                    f"{OWN_NAME} at 127.0.0.1:{self.port}", self.without_unit(text)
                )
                self.wait_for_owner(serving, OWN_NAME)
            self.assertEqual([], self.owners(serving))

    def without_unit(self, text):
        """Where systemd started this test, a unit stands beside the process."""
        return re.sub(r" \(\S+\.(service|scope)\)", "", text)

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_a_scrape_looks_at_the_owner_alone_however_many_processes_there_are(self):
        with (
            program.Serving(*self.flags) as serving,
            holder("exim4", self.port) as owner,
        ):
            self.wait_for_owner(serving, "exim4")
            alone = self.look_ups(serving)
            with crowd():
                among_many = self.look_ups(serving)
        self.assertEqual({str(owner.pid)}, set(alone))
        self.assertEqual(alone, among_many)

    def look_ups(self, serving):
        """How often a few scrapes open a file in /proc/PID, by the PID."""
        with tempfile.NamedTemporaryFile("r") as trace:
            with subprocess.Popen(
                ["strace", "-f", "-o", trace.name, "-e", "trace=openat,openat2"]
                + ["-p", str(serving.process.pid)],
                stderr=subprocess.PIPE,
                text=True,
            ) as strace:
                attached = strace.stderr.readline()
                if "attached" not in attached:
                    self.skipTest(f"strace cannot attach: {attached}")
                for _ in range(5):
                    self.assertEqual(["exim4"], self.owners(serving))
                strace.send_signal(signal.SIGINT)
                strace.communicate()
            return collections.Counter(re.findall(r'"(\d+)/', trace.read()))

    def test_a_listener_that_another_process_opens_anew_is_never_the_old_ones(self):
        with program.Serving(*self.flags) as serving, crowd():
            for old, new in (("exim4", "master"), ("master", "exim4")):
                with holder(old, self.port):
                    self.wait_for_owner(serving, old)
                with holder(new, self.port):
                    self.assertIn(self.owners(serving), ([new], [""]))
                    self.wait_for_owner(serving, new)

    def test_a_listener_that_is_sent_to_another_process_is_never_the_old_ones(self):
        ours, theirs = socket.socketpair()
        with (
            ours,
            program.Serving(*self.flags) as serving,
            holder("heir", "sent", stdin=theirs) as heir,
            crowd(),
        ):
            theirs.close()
            with program.listen("127.0.0.1", self.port) as listener:
                self.wait_for_owner(serving, OWN_NAME)
                socket.send_fds(ours, [b"x"], [listener.fileno()])
                heir.stdout.readline()
                self.assertEqual([OWN_NAME], self.owners(serving))
            self.assertIn(self.owners(serving), (["heir"], [""]))
            self.wait_for_owner(serving, "heir")


if __name__ == "__main__":
    program.main()
