"""Recorded machines, each with all that the program says of it.

tests/hosts/MACHINE/ holds the machine's files (rootfs/) and the answers of its
kernel (recording.json), and beside them what `check` prints (check.txt, with its
exit status) and what a scrape of it returns (metrics.prom). After a change that
is meant, `PROGRAM=build/release/mailcow_host_exporter python3
tests/hosts_test.py --update` writes them anew; review the difference as text.
"""

import pathlib
import re
import sys
import unittest

import program

HOSTS = pathlib.Path(__file__).parent / "hosts"

# What is of the machine that runs the test, not of the recorded one.
VOLATILE = (
    "mailcow_host_exporter_",
    "mailcow_host_scrape_collector_duration_seconds",
    "mailcow_host_scrape_collector_age_seconds",
    "process_",
)


def flags(machine):
    return [f"--path.rootfs={machine}/rootfs", f"--path.recording={machine}/recording.json"]


def check(machine):
    result = program.run("check", *flags(machine))
    return f"{result.stdout}exit status {result.returncode}\n"


def metrics(machine):
    with program.Serving(*flags(machine)) as serving:
        lines = serving.settled_scrape().splitlines(keepends=True)
    return "".join(
        line
        for line in lines
        if not re.sub("^# (HELP|TYPE) ", "", line).startswith(VOLATILE)
    )


GOLDENS = {"check.txt": check, "metrics.prom": metrics}


class Hosts(unittest.TestCase):
    maxDiff = None

    def test_each_machine_is_judged_as_recorded(self):
        for machine in sorted(HOSTS.iterdir()):
            for name, render in GOLDENS.items():
                with self.subTest(machine=machine.name, golden=name):
                    self.assertEqual((machine / name).read_text(), render(machine))

    def test_of_an_unreadable_machine_nothing_is_known(self):
        text = metrics(HOSTS / "nothing-readable")
        known = [
            line
            for line in text.splitlines()
            if line.startswith("mailcow_host_requirement_known{")
        ]
        self.assertTrue(known)
        self.assertEqual([line for line in known if not line.endswith(" 0")], [])
        self.assertNotIn("mailcow_host_requirement_met{", text)

    def test_no_password_of_mailcow_conf_is_shown(self):
        machine = HOSTS / "bound-addresses"
        for output in (
            check(machine),
            metrics(machine),
            program.run("check", "--format=json", *flags(machine)).stdout,
            program.run("check", "--format=nagios", *flags(machine)).stdout,
        ):
            self.assertNotIn("not-for-your-eyes", output)


def update():
    for machine in sorted(HOSTS.iterdir()):
        for name, render in GOLDENS.items():
            (machine / name).write_text(render(machine))


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        program.main()
