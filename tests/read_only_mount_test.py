"""Filesystems that are read-only, and those that only look so from a container."""

import json
import os
import subprocess
import tempfile
import unittest

import program


def mount(*args):
    subprocess.run(["mount", *args], check=True)


@unittest.skipUnless(os.geteuid() == 0, "mounting takes root")
class ReadOnlyMountTest(unittest.TestCase):
    def setUp(self):
        self.path = self.enterContext(tempfile.TemporaryDirectory())

    def test_a_mount_turned_read_only_is_unmet_until_it_is_turned_back(self):
        mount("-t", "tmpfs", "tmpfs", self.path)
        self.addCleanup(subprocess.run, ["umount", self.path], check=True)
        series = f'mailcow_host_disk_writable{{path="{self.path}"}}'
        with program.Serving(f"--disk.path={self.path}") as serving:
            self.assertEqual(1, serving.samples()[series])
            for option, writable in (("ro", 0), ("rw", 1)):
                mount("-o", f"remount,{option}", self.path)
                program.wait_for(
                    lambda expected=writable: serving.samples()[series] == expected
                )

    def test_a_root_that_is_mounted_read_only_for_a_container_is_writable(self):
        script = (
            'mount --bind / "$1" && mount -o remount,bind,ro "$1" && '
            'exec "$0" check --format=json --path.rootfs="$1" --disk.path=/'
        )
        result = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, program.PROGRAM, self.path],
            capture_output=True,
            text=True,
        )
        writable = {
            row["subject"]: row["value"]
            for row in json.loads(result.stdout)["requirements"]
            if row["id"] == "disk_writable"
        }
        self.assertEqual(1, writable["/"])


if __name__ == "__main__":
    program.main()
