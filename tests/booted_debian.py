"""A Debian of its own in systemd-nspawn, for tests that need a real one.

Its root is made by tests/debian_root.sh and never changes: each machine works on
a layer in memory above it, in mount, network and process namespaces that end
with it.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import program

TESTS = pathlib.Path(__file__).parent
ROOT = TESTS.parent / "build/debian"
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

# A machine has no clock of its own. What systemd-nspawn starts cannot set it; nor
# may what enters the machine from outside.
WITHOUT_CLOCK = ["setpriv", "--bounding-set=-sys_time"]

START = """
set -e
for cgroup in $3; do echo 0 >"$cgroup/cgroup.procs"; done
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/debian"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/debian"
directory=$1
shift 3
exec systemd-nspawn --quiet --directory="$directory/debian" --register=no \
  --keep-unit --private-network --resolv-conf=off "$@"
"""


def prepare():
    """Makes the root where it is not there yet, or skips the tests."""
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root can boot a Debian")
    if os.path.exists("/run/host/container-manager"):
        raise unittest.SkipTest("a Debian in a Debian in nspawn lacks privileges")
    for tool in ("debootstrap", "systemd-nspawn", "nsenter", "unshare", "setpriv"):
        if shutil.which(tool) is None:
            raise unittest.SkipTest(f"booting a Debian takes {tool}")
    made = subprocess.run([TESTS / "debian_root.sh", ROOT], capture_output=True)
    if made.returncode != 0:
        raise unittest.SkipTest(f"no Debian to boot: {made.stderr.decode()}")


def enter_network(path):
    """Moves this thread, and what it starts, into a network namespace."""
    with open(path) as namespace:
        if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns", path)


def skip_without_loopback():
    """A container may make networks that it cannot set up."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 0))
        except OSError as error:
            raise unittest.SkipTest(f"no network for a Debian: {error}") from error


def children(pid):
    listed = subprocess.run(["pgrep", "-P", str(pid)], stdout=subprocess.PIPE)
    return list(map(int, listed.stdout.split()))


def numbers_of(pid):
    """The numbers of a process in the namespaces that it is in; none if gone."""
    with contextlib.suppress(OSError):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return list(map(int, re.search(r"^NSpid:(.*)$", status, re.M)[1].split()))
    return []


def make_cgroups(name):
    """Makes cgroups below those of this test: what nspawn makes has one name."""
    cgroups = pathlib.Path("/proc/self/cgroup").read_text()
    own = re.search(r"^0::(.*)$", cgroups, re.M)
    tops = []
    for mount in ("", "/unified", "/systemd"):
        parent = pathlib.Path(f"/sys/fs/cgroup{mount}{own[1] if own else ''}")
        if (parent / "cgroup.procs").exists():
            tops.append(parent / name)
    try:
        for top in tops:
            top.mkdir()
    except OSError as error:
        remove_cgroups(tops)
        raise unittest.SkipTest(f"no cgroup for a Debian: {error}") from error
    return tops


def remove_cgroups(tops):
    def are_gone():
        for top in tops:
            for directory, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)
        return not any(top.exists() for top in tops)

    # Those of the dead are in use for a moment.
    with contextlib.suppress(AssertionError):
        program.wait_for(are_gone, 2)


class Machine:
    """A running Debian; with systemd, unless its init is to be another.

    `options` are further ones of systemd-nspawn. While the context lasts, the
    tests are in the machine's network, and `flags` lead the program to everything
    else of it.
    """

    def __init__(self, with_systemd=True, options=()):
        if with_systemd:
            self._arguments = [*options, "--boot"]
        else:
            self._arguments = [*options, "--as-pid2", "sleep", "infinity"]
        self._is_up = self._is_booted if with_systemd else self._sleeps

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            self._console = stack.enter_context(tempfile.TemporaryFile("w+"))
            cgroups = make_cgroups(f"debian-{os.path.basename(directory)}")
            stack.callback(remove_cgroups, cgroups)
            unshare = subprocess.Popen(
                # Whatever becomes of the test, nothing of this outlives it.
                ["setpriv", "--pdeathsig=KILL", "unshare", "--pid", "--mount-proc"]
                + ["--fork", "--kill-child=KILL", "sh", "-c", START, "sh"]
                + [directory, ROOT, " ".join(map(str, cgroups)), *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=self._console,
                stderr=subprocess.STDOUT,
            )
            stack.callback(unshare.wait)
            stack.callback(self._end, unshare)
            self.leader = program.wait_for(lambda: self._find_leader(unshare))
            self.root = pathlib.Path(f"/proc/{self.leader}/root")
            self.flags = [f"--path.rootfs={self.root}"]
            program.wait_for(self._is_up)
            own_network = stack.enter_context(open("/proc/thread-self/ns/net"))
            enter_network(f"/proc/{self.leader}/ns/net")
            stack.callback(enter_network, f"/proc/self/fd/{own_network.fileno()}")
            skip_without_loopback()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def _find_leader(self, unshare):
        """The machine's first process: nspawn is the first of a namespace too."""
        if unshare.poll() is not None:
            self._console.seek(0)
            raise unittest.SkipTest(f"cannot boot a Debian: {self._console.read()}")
        for nspawn in children(unshare.pid):
            for pid in children(nspawn):
                if numbers_of(pid)[2:] == [1]:
                    return pid
        return None

    def _end(self, unshare):
        """Kills nspawn, and so all of its namespace, before unshare can end."""
        for nspawn in children(unshare.pid):
            os.kill(nspawn, signal.SIGKILL)
            return
        unshare.kill()

    def _is_booted(self):
        state = self._enter("systemctl", "is-system-running").stdout.strip()
        return state in ("running", "degraded")

    def _sleeps(self):
        with contextlib.suppress(OSError):
            return (self.root / "proc/2/comm").read_text() == "sleep\n"
        return False

    def _nsenter(self):
        return [*WITHOUT_CLOCK, "nsenter", "--target", str(self.leader), "--all"]

    def _enter(self, *command, **options):
        environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
        environment += ["DEBIAN_FRONTEND=noninteractive"]
        return subprocess.run(
            [*self._nsenter(), "env", "-i", *environment, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def run(self, *command):
        """Runs the command in the machine; what it prints."""
        result = self._enter(*command)
        if result.returncode != 0:
            raise AssertionError(f"{command}: {result.stdout}")
        return result.stdout

    def start(self, *command):
        """Starts the command in the machine, to be ended by who called."""
        return subprocess.Popen(
            [*self._nsenter(), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def signal(self, name, pid):
        """Sends a signal to a process, by its number in the machine."""
        self.run("sh", "-c", f"kill -{name} {pid}")

    def install(self, package):
        """Installs one of the packages that the root has in its cache."""
        self.run(
            *("apt-get", "install", "-qy", "--no-download"),
            *("--no-install-recommends", package),
        )

    def copy_program(self):
        """Copies the program into the machine, with all that it is linked to; the
        words that run it there."""
        directory = self.root / "exporter"
        directory.mkdir(exist_ok=True)
        linked = subprocess.run(
            ["ldd", program.PROGRAM], stdout=subprocess.PIPE, text=True, check=True
        )
        libraries = re.findall(r"(/\S+) \(0x", linked.stdout)
        for path in (*libraries, program.PROGRAM):
            shutil.copy(path, directory)
        [loader] = [path for path in libraries if "/ld-" in path]
        return (
            *(f"/exporter/{os.path.basename(loader)}", "--library-path", "/exporter"),
            f"/exporter/{os.path.basename(program.PROGRAM)}",
        )

    def processes(self, name):
        """The processes of that name, as the machine numbers them."""
        found = []
        for comm in (self.root / "proc").glob("[0-9]*/comm"):
            with contextlib.suppress(OSError):
                if comm.read_text().strip() == name:
                    found.append(int(comm.parent.name))
        return found


def rows_of(report):
    """What `check --format=json` printed: {requirement: {subject: row}}."""
    rows = {}
    for row in json.loads(report)["requirements"]:
        rows.setdefault(row["id"], {})[row["subject"]] = row
    return rows


class DebianTest(unittest.TestCase):
    """A Debian that the tests of a class have in common."""

    maxDiff = None
    with_systemd = True
    options = ()
    packages = ()
    why_not = None

    @classmethod
    def setUpClass(cls):
        try:
            prepare()
            cls.machine = cls.enterClassContext(Machine(cls.with_systemd, cls.options))
        except unittest.SkipTest as why_not:
            cls.why_not = str(why_not)
            return
        for package in cls.packages:
            cls.machine.install(package)
        cls.set_up_machine()

    @classmethod
    def set_up_machine(cls):
        """What the tests need beyond the packages."""

    def setUp(self):
        # Test by test, so that all that is skipped is counted.
        if self.why_not is not None:
            self.skipTest(self.why_not)

    def check(self, *flags):
        return program.run("check", *flags, *self.machine.flags)

    def report(self, *flags):
        return rows_of(self.check("--format=json", *flags).stdout)
