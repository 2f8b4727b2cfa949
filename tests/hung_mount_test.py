"""A mount that does not answer costs its own path, and nothing else."""

import ctypes
import os
import pathlib
import tempfile
import unittest

import program

MNT_DETACH = 2
LIBC = ctypes.CDLL(None, use_errno=True)


class HungMount:
    """A FUSE filesystem whose server never answers, until heal() takes it away."""

    def __init__(self, path):
        self.path = path
        self._server = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._server},rootmode=40000,user_id=0,group_id=0"
        if LIBC.mount(b"hung", path.encode(), b"fuse", 0, options.encode()) != 0:
            os.close(self._server)
            raise OSError(ctypes.get_errno(), "mount")
        self._mounted = True

    def heal(self):
        if self._mounted:
            self._mounted = False
            os.close(self._server)
            LIBC.umount2(self.path.encode(), MNT_DETACH)


class HungMountTest(unittest.TestCase):
    def setUp(self):
        self.path = self.enterContext(tempfile.TemporaryDirectory())
        try:
            self.mount = HungMount(self.path)
        except OSError as error:
            self.skipTest(f"a FUSE mount takes root and /dev/fuse: {error}")
        self.addCleanup(self.mount.heal)
        self.flags = [f"--disk.path={self.path}", "--disk.path=/"]

    def known(self, samples, path):
        labels = f'requirement="disk",subject="{path}",level="required"'
        return samples.get(f"mailcow_host_requirement_known{{{labels}}}")

    def test_check_ends_and_says_which_path_does_not_answer(self):
        result = program.run("check", *self.flags)
        self.assertIn(f"reason: {self.path} does not answer", result.stdout)
        # On one line with Docker's data root, where that lies on it too.
        self.assertRegex(result.stdout, r"(?m)met +disk (/ |\(2\).* /$)")

    def test_scrapes_go_on_and_the_verdict_heals_with_the_mount(self):
        with program.Serving(*self.flags) as serving:
            tasks = pathlib.Path(f"/proc/{serving.process.pid}/task")
            program.wait_for(lambda: self.known(serving.samples(), self.path) == 0)
            self.assertEqual(1, self.known(serving.samples(), "/"))
            threads = len(list(tasks.iterdir()))
            for _ in range(100):
                serving.scrape()
            self.assertLessEqual(len(list(tasks.iterdir())), threads)
            self.mount.heal()
            program.wait_for(lambda: self.known(serving.samples(), self.path) == 1, 60)

    def test_mailcow_conf_on_it_makes_the_ports_unknown_and_nothing_else(self):
        with program.Serving(f"--mailcow.dir={self.path}") as serving:
            # Until it was measured once, the disk has no path.
            measured = (
                'mailcow_host_requirement_known{requirement="disk_writable",'
                'subject="/var/lib/docker",level="required"}'
            )
            program.wait_for(lambda: measured in serving.samples())
            for _ in range(3):
                samples = serving.samples()
                for requirement, subject, known in (
                    ("port_foreign_listeners", "25", 0),
                    ("port_value_valid", "SMTP_PORT", 0),
                    ("memory", "", 1),
                    ("disk_writable", "/var/lib/docker", 1),
                ):
                    labels = (
                        f'requirement="{requirement}",subject="{subject}",'
                        f'level="required"'
                    )
                    series = f"mailcow_host_requirement_known{{{labels}}}"
                    self.assertEqual(known, samples[series], series)
            self.assertEqual(0, serving.stop(timeout=1))

    def test_the_program_still_ends_at_once(self):
        paths = [f"--disk.path={self.path}/{name}" for name in "abcdefgh"]
        with program.Serving(*self.flags, *paths) as serving:
            self.assertEqual(0, serving.stop(timeout=1))


if __name__ == "__main__":
    program.main()
