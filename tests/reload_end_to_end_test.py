"""--config.file while the program serves: what a reload changes and refuses, and
what it leaves behind."""

import concurrent.futures
import contextlib
import os
import pathlib
import signal
import tempfile
import unittest

import program

HEALTHY = pathlib.Path(__file__).parent / "hosts" / "healthy"
GIB = 1024**3

LIMIT = 'mailcow_host_memory_limit_bytes{level="required"}'
MET = 'mailcow_host_requirement_met{requirement="memory",subject="",level="required"}'
READY = "mailcow_host_ready"
SWAP = "mailcow_host_swap_bytes"
DISK = 'mailcow_host_scrape_collector_success{collector="disk"}'
SUCCESSFUL = "mailcow_host_exporter_config_last_reload_successful"
TIMESTAMP = "mailcow_host_exporter_config_last_reload_success_timestamp_seconds"

# A password for all who could ask. Its cost is the least there is.
USERS = (
    "basic_auth_users:\n"
    "  alice: $2b$04$AXjk160lalqoWIeqSowXzODghyhGaRIJPK9rY3uQ8m0i8Zda5c1au\n"
)
WARNING = "everybody who can reach this address may read what is served"
REMEDY = (
    'remedy="name a file with basic_auth_users in --web.config.file, or listen on '
    '127.0.0.1"'
)


class ReloadTest(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.file = pathlib.Path(directory, "exporter.yml")
        self.web_file = pathlib.Path(directory, "web.yml")
        self.file.write_text("")
        self.flags = [
            f"--config.file={self.file}",
            f"--path.rootfs={HEALTHY}/rootfs",
            f"--path.recording={HEALTHY}/recording.json",
        ]

    def serve(self, *flags, **options):
        return self.enterContext(program.Serving(*self.flags, *flags, **options))

    def ask(self, serving, method="POST", path="/-/reload", body=None):
        """(status, text, headers) of the answer."""
        with contextlib.closing(serving.connect()) as connection:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read().decode(), response.headers

    def reload(self, serving, text):
        """(status, text) of the answer once the file holds `text`."""
        self.file.write_text(text)
        return self.ask(serving)[:2]

    def hang_up(self, serving, text, expected):
        """SIGHUP once the file holds `text`, up to the lines of the log that it
        brings."""
        before = serving.log.count(expected)
        self.file.write_text(text)
        serving.process.send_signal(signal.SIGHUP)
        program.wait_for(lambda: serving.log.count(expected) > before)

    def errors(self, serving):
        return [line for line in serving.log.splitlines() if "level=error" in line]


class ChangeTest(ReloadTest):
    LIMITS = "limits: {memory: {required: 3TiB}}\n"

    def assert_limits(self, samples, limit, verdict):
        self.assertEqual(
            (limit, verdict, verdict), (samples[LIMIT], samples[MET], samples[READY])
        )

    def test_a_limit_moves_gauge_and_verdict_and_back(self):
        serving = self.serve()
        before = program.parse_samples(serving.settled_scrape())[LIMIT]
        self.assertEqual((200, "reloaded\n"), self.reload(serving, self.LIMITS))
        self.assert_limits(serving.samples(), 3 * 1024 * GIB, 0)
        self.assertEqual((200, "reloaded\n"), self.reload(serving, ""))
        self.assert_limits(serving.samples(), before, 1)
        for text, limit, verdict in ((self.LIMITS, 3 * 1024 * GIB, 0), ("", before, 1)):
            self.hang_up(serving, text, 'msg="configuration reloaded"')
            self.assert_limits(serving.samples(), limit, verdict)
        self.assertEqual([], self.errors(serving))

    def test_a_limit_stands_in_page_and_json_too(self):
        serving = self.serve()
        serving.settled_scrape()
        self.reload(serving, self.LIMITS)
        self.assertIn("3 TiB", serving.get("/"))
        self.assertIn(f"{3 * 1024 * GIB}", serving.get("/?format=json"))

    def test_topics_come_and_go(self):
        serving = self.serve()
        self.assertLess({SWAP, DISK}, serving.samples().keys())
        self.reload(serving, "collector.disk: false\n")
        self.assertNotIn(DISK, serving.samples())
        self.assertIn(SWAP, serving.samples())
        status, text, _ = self.ask(serving, "GET", "/metrics?collect[]=disk")
        self.assertEqual(400, status)
        self.assertIn('there is no topic "disk"', text)
        self.reload(serving, "collector.memory: false\n")
        self.assertNotIn(SWAP, serving.samples())
        self.assertIn(DISK, serving.samples())

    def test_the_level_of_the_log_changes(self):
        serving = self.serve()
        self.reload(serving, "log.level: error\n")
        before = serving.log
        self.assertEqual((200, "reloaded\n"), self.reload(serving, ""))
        # The level was changed before the line.
        program.wait_for(lambda: serving.log.count('"configuration reloaded"') == 1)
        self.assertEqual(1, serving.log.removeprefix(before).count("\n"))

    def test_a_flag_of_the_command_line_still_wins(self):
        serving = self.serve("--no-collector.memory")
        self.reload(serving, "collector.memory: true\n")
        self.assertNotIn(SWAP, serving.samples())

    def test_a_kept_connection_lives_on(self):
        serving = self.serve()
        with contextlib.closing(serving.connect()) as connection:
            for text, limit in (("", GIB), (self.LIMITS, 3 * 1024 * GIB)):
                self.reload(serving, text)
                connection.request("GET", "/metrics")
                samples = program.parse_samples(
                    connection.getresponse().read().decode()
                )
                self.assertAlmostEqual(limit, samples[LIMIT], delta=GIB / 4)
                if text == "":
                    client = connection.sock
            self.assertIs(client, connection.sock)

    def test_the_time_of_the_last_success_moves(self):
        serving = self.serve()
        times = [serving.samples()[TIMESTAMP]]
        for text in ("", self.LIMITS):
            self.reload(serving, text)
            times.append(serving.samples()[TIMESTAMP])
        self.reload(serving, "no: such\n")
        self.assertEqual(times[-1], serving.samples()[TIMESTAMP])
        self.assertLess(times[0], times[1])
        self.assertLess(times[1], times[2])

    def test_it_reads_the_web_configuration_at_once(self):
        self.web_file.write_text("")
        serving = self.serve(f"--web.config.file={self.web_file}")
        self.web_file.write_text(USERS)
        self.assertEqual(200, self.ask(serving)[0])
        self.assertEqual(401, self.ask(serving)[0])
        self.assertEqual(401, self.ask(serving, "GET", "/metrics")[0])


class RefusalTest(ReloadTest):
    GOOD = "limits: {memory: {required: 1KiB}}\n"

    def assert_refused(self, serving, message):
        """By the answer and by the log; the good file stays in force."""
        errors = len(self.errors(serving))
        status, text, _ = self.ask(serving)
        self.assertEqual(500, status)
        self.assertIn(message, text)
        samples = serving.samples()
        self.assertEqual((0, 1024), (samples[SUCCESSFUL], samples[LIMIT]))
        line = program.wait_for(lambda: self.errors(serving)[errors:])[0]
        self.assertIn("not reloaded, the old one stays in force", line)
        self.assertIn(message.replace('"', r"\""), line)

    def test_a_broken_file_leaves_the_old_one_in_force(self):
        self.file.write_text(self.GOOD)
        serving = self.serve()
        for text, message in {
            "log.levle: info\n": "1: log.levle: ",
            "\nlog.level: loud\n": '2: log.level: "loud" is none of ',
            "limits:\n  memory: {required: 1GB}\n": "2: limits.memory.required: ",
            "limits: {}\nlimits: {}\n": "2: ",
            "limits: {\n": "",
        }.items():
            with self.subTest(text=text):
                self.file.write_text(text)
                self.assert_refused(serving, f"{self.file}:{message}")
        self.file.unlink()
        self.assert_refused(serving, f"{self.file}: No such file")
        self.assertEqual((200, "reloaded\n"), self.reload(serving, self.GOOD))
        self.assertEqual(1, serving.samples()[SUCCESSFUL])

    def test_sighup_with_a_broken_file_is_logged_once(self):
        self.file.write_text(self.GOOD)
        serving = self.serve()
        self.hang_up(serving, "no: such\n", f"{self.file}:1: ")
        self.assertEqual(1, len(self.errors(serving)), serving.log)
        samples = serving.samples()
        self.assertEqual((0, 1024), (samples[SUCCESSFUL], samples[LIMIT]))

    def test_what_takes_a_restart_is_named(self):
        self.file.write_text(self.GOOD)
        serving = self.serve()
        for name, value in {
            "web.telemetry-path": "/other",
            "web.config.file": f"{self.web_file}",
            "web.max-requests": "1",
            "path.procfs": "/proc",
            "path.sysfs": "/sys",
            "docker.socket": "/other",
            "ntp.interval": "7",
            "log.format": "json",
        }.items():
            with self.subTest(name):
                self.file.write_text(f"{name}: {value}\n")
                self.assert_refused(serving, f"it takes a restart to change {name}")

    def test_an_address_takes_a_restart(self):
        self.file.write_text(self.GOOD + "web.listen-address: ['127.0.0.1:0']\n")
        with ServingByFile(*self.flags) as serving:
            self.file.write_text("web.listen-address: ['127.0.0.1:1']\n")
            self.assert_refused(
                serving, "it takes a restart to change web.listen-address"
            )

    def test_a_broken_web_configuration_keeps_no_other_from_counting(self):
        self.web_file.write_text("")
        serving = self.serve(f"--web.config.file={self.web_file}")
        self.file.write_text(self.GOOD)
        self.web_file.write_text("\nno: such\n")
        self.assert_refused(serving, f"{self.web_file}:2: ")

    def test_only_post_reloads(self):
        serving = self.serve()
        self.file.write_text("no: such\n")
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            with self.subTest(method):
                status, _, headers = self.ask(serving, method)
                self.assertEqual((405, "POST"), (status, headers["Allow"]))
        self.assertEqual(404, self.ask(serving, "POST", "/-/reload/")[0])
        self.assertEqual(400, self.ask(serving, "POST", body="now")[0])
        self.assertEqual([], self.errors(serving))


class ServingByFile(program.Serving):
    """Told by its configuration where to listen."""

    def __init__(self, *args):
        super().__init__(*args)
        self._command = [program.PROGRAM, "serve", *args]
        self._addresses = 1


class ManyTest(ReloadTest):
    def counts(self, serving):
        """How many threads and descriptors the program has."""
        of_process = f"/proc/{serving.process.pid}"
        return [len(os.listdir(f"{of_process}/{each}")) for each in ("task", "fd")]

    def test_fifty_reloads_leave_no_thread_and_no_descriptor_behind(self):
        serving = self.serve()
        with contextlib.closing(serving.connect()) as connection:

            def reload():
                connection.request("POST", "/-/reload")
                response = connection.getresponse()
                self.assertEqual(
                    (200, b"reloaded\n"), (response.status, response.read())
                )

            reload()
            before = self.counts(serving)
            for _ in range(50):
                reload()
            # What is replaced ends aside; a few are held while one looks.
            program.wait_for(
                lambda: all(
                    now < least + 10
                    for now, least in zip(self.counts(serving), before, strict=True)
                )
            )

    def test_scrapes_and_reloads_at_the_same_time(self):
        serving = self.serve()
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            jobs = [
                threads.submit(job)
                for _ in range(25)
                for job in (lambda: self.ask(serving)[0], lambda: serving.samples())
            ]
            # Of those that come at once, one is under way and one waits.
            answers = {job.result() for job in jobs[::2]}
            self.assertIn(200, answers)
            self.assertLessEqual(answers, {200, 503})
            for job in jobs[1::2]:
                self.assertIn(READY, job.result())

    def test_the_end_does_not_wait_for_a_reload(self):
        for _ in range(5):
            with program.Serving(*self.flags) as serving:
                serving.process.send_signal(signal.SIGHUP)
                self.assertEqual(0, serving.stop(timeout=1))
                self.assertIn("msg=ending signal=TERM", serving.log)

    def test_many_sighups_at_once_are_survived(self):
        serving = self.serve()
        for _ in range(100):
            serving.process.send_signal(signal.SIGHUP)
        self.assertIn(READY, serving.samples())
        self.assertEqual(0, serving.stop(timeout=1))


class StrangersTest(ReloadTest):
    """The warning that everybody may read what is served."""

    def warnings(self, *flags):
        serving = self.serve(*flags)
        self.assertEqual(0, serving.stop())
        return [line for line in serving.log.splitlines() if "level=warn" in line]

    def test_it_is_one_line_that_says_what_to_do(self):
        for addresses in (["0.0.0.0:0"], ["[::]:0"], [":0"], ["127.0.0.1:0", ":0"]):
            with self.subTest(addresses=addresses):
                flags = [f"--web.listen-address={address}" for address in addresses]
                [line] = self.warnings(*flags)
                self.assertIn(f'msg="{WARNING}"', line)
                self.assertIn(REMEDY, line)

    def test_loopback_has_none(self):
        for address in ("127.0.0.1:0", "127.8.8.8:0", "[::1]:0"):
            with self.subTest(address):
                self.assertEqual([], self.warnings(f"--web.listen-address={address}"))

    def test_users_close_it_and_headers_do_not(self):
        everywhere = "--web.listen-address=0.0.0.0:0"
        for text, count in (
            (USERS, 0),
            ("", 1),
            ("http_server_config: {headers: {X-Frame-Options: deny}}\n", 1),
            ("basic_auth_users: {}\n", 1),
        ):
            with self.subTest(text=text):
                self.web_file.write_text(text)
                found = self.warnings(everywhere, f"--web.config.file={self.web_file}")
                self.assertEqual(count, len(found), found)


class CheckTest(ReloadTest):
    def check(self, text, web_text):
        self.file.write_text(text)
        self.web_file.write_text(web_text)
        result = program.run(
            "--config.check", *self.flags, f"--web.config.file={self.web_file}"
        )
        return result.returncode, result.stdout, result.stderr

    def test_what_is_right(self):
        self.assertEqual(
            (0, "the configuration is valid\n", ""),
            self.check("limits: {memory: {required: 2GiB}}\n", USERS),
        )

    def test_what_is_wrong_is_named(self):
        for text, web_text, place in (
            ("\nno: such\n", USERS, f"{self.file}:2: "),
            ("", USERS + "no: such\n", f"{self.web_file}:3: "),
        ):
            with self.subTest(place):
                status, stdout, stderr = self.check(text, web_text)
                self.assertEqual((2, ""), (status, stdout))
                self.assertTrue(
                    stderr.startswith(f"mailcow_host_exporter: {place}"), stderr
                )
                self.assertEqual(1, stderr.count("\n"))


if __name__ == "__main__":
    program.main()
