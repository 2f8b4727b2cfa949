"""A real Docker engine of the tests' own.

Its network, mounts and processes are in namespaces that this program is started
in again: nothing of the host's is touched, and nothing outlives the test.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import program

SOCKET = "/run/docker.sock"
IMAGE = "small:1"

_INSIDE = "DOCKER_ENGINE_IS_ISOLATED"
_UNSHARE = (
    "unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private"
).split()
_TOOLS = ("dockerd", "docker", "busybox", "unshare", "mount", "ip")


class CannotStart(Exception):
    """Why there can be no engine here."""


def isolate():
    """Starts this program again where an engine harms nobody, if that is possible."""
    if _INSIDE in os.environ:
        # The engine's pidfile, socket and daemon.json are where they always are.
        pathlib.Path("/etc/docker").mkdir(exist_ok=True)
        for directory in ("/run", "/etc/docker"):
            _call("mount", "-t", "tmpfs", "tmpfs", directory)
        _call("ip", "link", "set", "lo", "up")
        return
    try:
        _check_isolation()
    except CannotStart:
        return
    os.environ[_INSIDE] = "yes"
    os.execvp(_UNSHARE[0], [*_UNSHARE, sys.executable, "-B", *sys.argv])


def _check_isolation():
    if os.geteuid() != 0:
        raise CannotStart("only root can start an engine")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise CannotStart(f"an engine takes {', '.join(missing)}")
    tried = program.run("true", path="/usr/bin/env")
    tried = program.run(*_UNSHARE[1:], "true", path=_UNSHARE[0])
    if tried.returncode != 0:
        raise CannotStart(f"an engine takes namespaces: {tried.stderr.strip()}")


def _call(*command):
    result = program.run(*command[1:], path=command[0])
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {result.stderr}")
    return result.stdout.strip()


class Engine:
    """Keeps its files below `directory`, from one start to the next."""

    def __init__(self, directory):
        self._directory = directory
        self.data_root = f"{directory}/data"
        self._process = None

    def start(self, *flags):
        """Returns once it answers. CannotStart says why it does not."""
        _check_isolation()
        log_path = pathlib.Path(f"{self._directory}/log")
        with open(log_path, "wb") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    f"--data-root={self.data_root}",
                    f"--exec-root={self._directory}/exec",
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
            last_lines = log_path.read_text().splitlines()[-5:]
            raise CannotStart("\n".join(["the engine does not start:", *last_lines]))
        if not self.docker("images", "--quiet", IMAGE):
            self._make_image()

    def stop(self):
        """Ends it, also where it was frozen."""
        if self._process is None:
            return
        self.thaw()
        self._process.terminate()
        self._process.wait(program.DEADLINE_SECONDS)
        self._process = None
...
