"""What the program says of this machine is what the machine's own tools say."""

import contextlib
import ctypes
import os
import platform
import re
import subprocess
import tempfile
import unittest

import program


def output(*command):
    result = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"LC_ALL": "C"},
    )
    return result.stdout


class Timeval(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("microseconds", ctypes.c_long)]


class Timex(ctypes.Structure):
    """struct timex of adjtimex(2)."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", Timeval),
        ("tick", ctypes.c_long),
        ("more", ctypes.c_long * 32),
    ]


STA_UNSYNC = 0x0040
STA_NANO = 0x2000


def adjtimex():
    clock = Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.byref(clock)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    return clock


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.ports = program.write_mailcow_conf(cls.directory)
        cls.serving = cls.enterClassContext(
            program.Serving(
                f"--mailcow.dir={cls.directory}",
                f"--disk.path={cls.directory}",
            )
        )

    def setUp(self):
        self.samples = program.parse_samples(self.serving.settled_scrape())

    def sample(self, name, **labels):
        text = ",".join(f'{label}="{value}"' for label, value in labels.items())
        return self.samples[f"mailcow_host_{name}" + (f"{{{text}}}" if text else "")]

    def test_memory_with_free(self):
        table = [line.split() for line in output("free", "-b").splitlines()]
        rows = {row[0]: dict(zip(table[0], map(int, row[1:]))) for row in table[1:]}
        memory, swap = rows["Mem:"], rows["Swap:"]
        self.assertEqual(memory["total"], self.sample("memory_bytes"))
        self.assertEqual(swap["total"], self.sample("swap_bytes"))
        for there, here in (
            (memory["available"], self.sample("memory_available_bytes")),
            (swap["free"], self.sample("swap_free_bytes")),
        ):
            # Other programs take and give between the two readings.
            self.assertAlmostEqual(there, here, delta=memory["total"] / 10)

    def test_disk_with_df(self):
        table = output("df", "-B1", "--output=size,avail,iavail", self.directory)
        size, available, inodes = map(int, table.splitlines()[1].split())
        path = {"path": self.directory}
        self.assertEqual(size, self.sample("disk_bytes", **path))
        # It is up to 15 seconds old, and others write meanwhile.
        self.assertAlmostEqual(
            available, self.sample("disk_available_bytes", **path), delta=size / 20
        )
        self.assertAlmostEqual(
            inodes,
            self.sample("disk_inodes_available", **path),
            delta=inodes / 20,
        )
        self.assertEqual(1, self.sample("disk_writable", **path))

    def test_listeners_with_ss(self):
        variables = ("SMTP_PORT", "IMAPS_PORT", "SIEVE_PORT", "HTTPS_PORT")
        with contextlib.ExitStack() as stack:
            for variable, address in zip(
                variables, ("127.0.0.1", "0.0.0.0", "::1", "::")
            ):
                stack.enter_context(program.listen(address, self.ports[variable]))
            samples = self.serving.samples()
            lines = output("ss", "-Hltn").splitlines()
        listening = {int(line.split()[3].rpartition(":")[2]) for line in lines}
        for variable, port in self.ports.items():
            self.assertEqual(variable in variables, port in listening)
            series = (
                f'mailcow_host_port_in_use{{port="{port}",'
                f'service="{program.PORTS[variable][0]}",variable="{variable}"}}'
            )
            self.assertEqual(port in listening, samples[series], series)

    def test_system_with_uname_and_os_release(self):
        [series] = [key for key in self.samples if "_system_info{" in key]
        labels = dict(re.findall(r'(\w+)="([^"]*)"', series))
        self.assertEqual(output("uname", "-m").strip(), labels["architecture"])
        self.assertEqual(output("uname", "-r").strip(), labels["kernel"])
        os_release = platform.freedesktop_os_release()
        self.assertEqual(os_release["ID"], labels["os"])
        self.assertEqual(os_release.get("VERSION_ID", ""), labels["os_version"])

    def test_clock_with_adjtimex(self):
        try:
            clock = adjtimex()
        except PermissionError as error:
            self.assertNotIn("mailcow_host_ntp_synchronized", self.serving.samples())
            self.skipTest(f"this container refuses it: {error}")
        max_error = clock.maxerror / 1e6
        offset = clock.offset / (1e9 if clock.status & STA_NANO else 1e6)
        self.assertAlmostEqual(
            max_error, self.sample("clock_max_error_seconds"), delta=0.5
        )
        self.assertAlmostEqual(
            offset, self.sample("clock_offset_seconds", source="kernel"), delta=0.1
        )
        self.assertEqual(
            bool(clock.status & STA_UNSYNC), self.sample("clock_unsynchronized_flag")
        )
        self.assertEqual(max_error < 16, self.sample("ntp_synchronized"))


if __name__ == "__main__":
    program.main()
