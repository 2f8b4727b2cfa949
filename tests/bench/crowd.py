"""A machine with many connections, or with many processes."""

import os
import subprocess

CROWD = os.path.join(os.environ["TOOLS"], "crowd")


def processes_now():
    return sum(name.isdigit() for name in os.listdir("/proc"))


class Crowd:
    """COUNT established connections, or as many processes on the whole machine."""

    def __init__(self, kind, count):
        self.kind = kind
        self.count = count

    def __str__(self):
        return f"{self.count:,} {self.kind}"

    def __enter__(self):
        missing = self.count
        if self.kind == "processes":
            missing = max(0, self.count - processes_now())
        self._process = subprocess.Popen(
            [CROWD, self.kind, str(missing)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout.readline() != "ready\n":
            self.__exit__()
            raise RuntimeError(f"this machine cannot have {self}")
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
