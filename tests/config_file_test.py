"""The configuration file: what it sets, what wins over it, and its mistakes."""

import json
import os
import pathlib
import tempfile
import unittest

import program

HEALTHY = pathlib.Path(__file__).parent / "hosts" / "healthy"
GIB = 1024**3


class ConfigFileTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.file = pathlib.Path(self.directory, "exporter.yml")
        self.flags = [
            f"--config.file={self.file}",
            f"--path.rootfs={HEALTHY}/rootfs",
            f"--path.recording={HEALTHY}/recording.json",
        ]

    def check(self, text, *args):
        """The requirements by id and level, and the exit status."""
        self.file.write_text(text)
        result = program.run("check", "--format=json", *self.flags, *args)
        self.assertEqual("", result.stderr)
        report = json.loads(result.stdout)
        found = {(each["id"], each["level"]): each for each in report["requirements"]}
        return found, result.returncode

    def rows(self, text, *args):
        """The cells of each requirement in the table of `list`, by id."""
        self.file.write_text(text)
        result = program.run("list", f"--config.file={self.file}", *args)
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        rows = [line.split(" | ") for line in result.stdout.splitlines()]
        return {cells[0].removeprefix("| "): cells for cells in rows}

    def mistake(self, text, command="check"):
        """What is said of a file that is wrong, after its name."""
        self.file.write_text(text)
        result = program.run(command, f"--config.file={self.file}")
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        start = f"mailcow_host_exporter: {self.file}:"
        self.assertTrue(result.stderr.startswith(start), result.stderr)
        self.assertRegex(result.stderr, r"\A[^\n]+\n\Z")
        return result.stderr.removeprefix(start)


class LimitTest(ConfigFileTest):
    def test_a_limit_moves_the_verdict_and_the_exit_status(self):
        found, status = self.check("")
        size = found["memory", "required"]["value"]
        self.assertEqual("met", found["memory", "required"]["verdict"])
        self.assertEqual(0, status)
        for limit, verdict, expected in ((size, "met", 0), (size + 1, "unmet", 1)):
            with self.subTest(limit=limit):
                found, status = self.check(
                    f"limits: {{memory: {{required: {limit:.0f}}}}}"
                )
                self.assertEqual(verdict, found["memory", "required"]["verdict"])
                self.assertEqual(limit, found["memory", "required"]["limit"])
                self.assertEqual(expected, status)

    def test_a_limit_of_one_level_leaves_the_other(self):
        before, _ = self.check("")
        found, _ = self.check("limits: {memory: {recommended: 1TiB}}")
        self.assertEqual("unmet", found["memory", "recommended"]["verdict"])
        self.assertEqual(1024 * GIB, found["memory", "recommended"]["limit"])
        self.assertEqual(before["memory", "required"], found["memory", "required"])

    def test_a_limit_moves_gauge_and_verdict_of_a_scrape(self):
        self.file.write_text("limits: {disk: {required: 2TiB}}")
        with program.Serving(*self.flags) as serving:
            samples = program.parse_samples(serving.settled_scrape())
        limits = {
            level: samples[f'mailcow_host_disk_limit_bytes{{level="{level}"}}']
            for level in ("required", "recommended")
        }
        self.assertEqual({"required": 2048 * GIB, "recommended": 20 * GIB}, limits)
        unmet = [
            series
            for series, value in samples.items()
            if series.startswith("mailcow_host_requirement_met") and value == 0
        ]
        self.assertTrue(unmet)
        for series in unmet:
            self.assertIn('requirement="disk"', series)
            self.assertIn('level="required"', series)
        self.assertEqual(0, samples["mailcow_host_ready"])

    def test_a_limit_stands_in_the_table_without_an_allowance(self):
        before = self.rows("")
        self.assertEqual(">= 1 GiB (allowance 128 MiB)", before["memory"][2])
        after = self.rows("limits: {memory: {required: 2GiB}}")
        self.assertEqual(">= 2 GiB", after["memory"][2])
        self.assertEqual(">= 6 GiB (allowance 768 MiB)", after["memory"][3])
        del before["memory"], after["memory"]
        self.assertEqual(before, after)

    def test_a_limit_stands_in_text_and_in_nagios_output(self):
        self.file.write_text("limits: {memory: {required: 3TiB}}")
        text = program.run("check", *self.flags).stdout
        self.assertRegex(text, r"(?m)^ +unmet +memory .* >= 3 TiB +required$")
        nagios = program.run("check", "--format=nagios", *self.flags).stdout
        self.assertIn(str(3 * 1024 * GIB), nagios)

    def test_a_limit_that_no_requirement_has_is_a_mistake(self):
        for text, message in {
            "\nlimits: {memry: {required: 1}}": "2: limits.memry: ",
            "limits:\n  rtc_present: {required: 1}": "2: limits.rtc_present: a fact",
            "limits:\n  ntp_enabled: {required: 0}": "2: limits.ntp_enabled: a yes",
            "limits:\n  swap: {required: 1}": "2: limits.swap.required: there is no",
            "limits:\n  swap: {recommended: 1GB}": '2: limits.swap.recommended: "1GB"',
            "limits:\n  swap: {recommended: -1}": '2: limits.swap.recommended: "-1"',
        }.items():
            with self.subTest(text=text):
                self.assertTrue(self.mistake(text).startswith(message))


class FlagTest(ConfigFileTest):
    def test_the_file_turns_topics_off(self):
        self.assertNotIn("swap", self.rows("collector.memory: false"))

    def test_the_command_line_wins(self):
        text = "collector.memory: false\ndisk.path: [/srv]\n"
        self.assertIn("swap", self.rows(text, "--collector.memory"))
        _, status = self.check(text, "--disk.path=/nonexistent")
        self.assertNotEqual(0, status)

    def test_it_says_where_to_serve(self):
        self.file.write_text(
            'web.listen-address: ["127.0.0.1:0"]\nweb.telemetry-path: /m\n'
        )
        with program.Serving(*self.flags, "--log.level=info") as serving:
            self.assertIn("mailcow_host_ready", serving.get("/m"))

    def test_a_mistake_has_file_line_and_key_for_every_command(self):
        for command in ("serve", "check", "list"):
            for text, message in {
                "log.level: loud": '1: log.level: "loud" is none of ',
                "log.level: info\nlog.levle: info": "2: log.levle: ",
                "log.level: info\n\nlog.level: info": "3: ",
                "disk.path:\n  - /srv\n  - srv": '3: disk.path: "srv" ',
                "log.level: [info]": "1: log.level: not a word",
                "collector.ports: maybe": "1: collector.ports: neither true nor",
                "config.file: other.yml": "1: config.file: ",
                "format: json": "1: format: ",
                "log.level: {": "",
            }.items():
                with self.subTest(command=command, text=text):
                    said = self.mistake(text, command=command)
                    self.assertTrue(said.startswith(message), said)

    def test_a_file_that_cannot_be_read_is_named(self):
        fifo = pathlib.Path(self.directory, "fifo")
        os.mkfifo(fifo)
        huge = pathlib.Path(self.directory, "huge.yml")
        huge.write_text("#" * ((1 << 20) + 1))
        for path in (self.directory, fifo, huge, "/nonexistent.yml"):
            with self.subTest(path=path):
                result = program.run("list", f"--config.file={path}")
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertIn(str(path), result.stderr)

    def test_a_file_that_may_not_be_read_is_named(self):
        os.chmod(self.directory, 0o755)
        self.file.write_text("")
        self.file.chmod(0)
        as_nobody = {"user": 65534} if os.geteuid() == 0 else {}
        try:
            result = program.run("list", f"--config.file={self.file}", **as_nobody)
        except PermissionError:
            self.skipTest("the program lies where nobody else may run it")
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        self.assertIn(f"{self.file}: Permission denied", result.stderr)

    def test_a_relative_path_counts_from_the_working_directory(self):
        self.file.write_text("collector.memory: false\n")
        result = program.run("list", "--config.file=exporter.yml", cwd=self.directory)
        self.assertEqual(0, result.returncode)
        self.assertNotIn("| swap |", result.stdout)


if __name__ == "__main__":
    program.main()
