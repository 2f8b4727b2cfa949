"""Docker's real engine, for the tests alone.

Its network, mounts and processes are in namespaces that the test program is
started in again: it touches nothing of the host's, and does not outlive the test.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import program

SOCKET = "/run/docker.sock"
DATA_ROOT = "/run/engine/data"
# Holds nothing but busybox.
IMAGE = "small:1"

IS_ISOLATED = "DOCKER_ENGINE_IS_ISOLATED"
UNSHARE = ("--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
TOOLS = ("busybox", "docker", "dockerd", "ip", "mount", "tar", "unshare")


class CannotStart(Exception):
    """There can be no engine here; says why."""


def call(*command):
    """What the command prints."""
    result = program.run(*command[1:], path=command[0])
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {result.stderr}")
    return result.stdout.strip()


def why_not_isolated():
    """Why this machine can isolate no engine; empty where it can."""
    if os.geteuid() != 0:
        return "only root can start Docker's engine"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"Docker's engine takes {', '.join(missing)}"
    # A container may make networks that it cannot set up.
    tried = program.run(*UNSHARE, "ip", "link", "set", "lo", "up", path="unshare")
    return tried.stderr.strip() if tried.returncode != 0 else ""


def isolate():
    """Starts this program again in namespaces of its own, where that can be."""
    if IS_ISOLATED in os.environ:
        # What the engine and the exporter find in these is the test's own.
        for directory in ("/etc/docker", "/run"):
            os.makedirs(directory, exist_ok=True)
            call("mount", "-t", "tmpfs", "tmpfs", directory)
        call("ip", "link", "set", "lo", "up")
    elif not why_not_isolated():
        os.environ[IS_ISOLATED] = "yes"
        os.execvp("unshare", ["unshare", *UNSHARE, sys.executable, "-B", *sys.argv])


class Engine:
    """What it keeps (DATA_ROOT) stays from one start to the next."""

    def __init__(self):
        self._process = None

    def start(self, *flags):
        """Returns once it answers; raises CannotStart where it does not."""
        if IS_ISOLATED not in os.environ:
            raise CannotStart(why_not_isolated() or "the test is not isolated")
        os.environ["DOCKER_HOST"] = f"unix://{SOCKET}"
        os.makedirs("/run/engine", exist_ok=True)
        log_path = pathlib.Path("/run/engine/log")
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    f"--data-root={DATA_ROOT}",
                    "--exec-root=/run/engine/exec",
                    "--pidfile=/run/docker.pid",
                    f"--host=unix://{SOCKET}",
                    *flags,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        program.wait_for(lambda: self._has_ended() or self._answers())
        if self._has_ended():
            self._process = None
            last = log_path.read_text(errors="replace").splitlines()[-5:]
            raise CannotStart("\n".join(["dockerd ended:", *last]))
        if not self.docker("images", "--quiet", IMAGE):
            self._make_image()

    def stop(self):
        """Ends it and its containers, also where it is frozen."""
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            self._process.wait(program.DEADLINE_SECONDS)
            self._process = None

    def freeze(self):
        """Makes it silent: it takes connections, and does not answer."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def docker(self, *args):
        """What `docker ARGS` prints."""
        return call("docker", *args)

    def run(self, *args, command="sleep 1000"):
        """Starts a container that no signal has to wait for."""
        self.docker(
            "run", "--detach", "--stop-signal=KILL", *args, IMAGE, *command.split()
        )

    def remove_all(self):
        """Takes away every container and volume."""
        for kind, more in (("container", ["--all"]), ("volume", [])):
            if names := self.docker(kind, "ls", "--quiet", *more).split():
                self.docker(kind, "rm", "--force", *names)

    def _has_ended(self):
        return self._process.poll() is not None

    def _answers(self):
        return program.run("info", path="docker").returncode == 0

    def _make_image(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(f"{root}/bin")
            shutil.copy(shutil.which("busybox"), f"{root}/bin/busybox")
            for applet in ("false", "httpd", "sh", "sleep", "true"):
                os.symlink("busybox", f"{root}/bin/{applet}")
            call("tar", "-C", root, "-cf", "/run/engine/image.tar", ".")
        self.docker("import", "/run/engine/image.tar", IMAGE)
