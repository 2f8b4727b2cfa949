"""Time servers, real and strange ones, as the program asks them.

No clock is set for this: chronyd runs with -x, and libfaketime shows the program
a time of its own.
"""

import contextlib
import glob
import os
import pathlib
import re
import socket
import struct
import tempfile
import threading
import time
import unittest

import booted_debian
import program
from time_server import TimeServer, answer_to, bound

TOPICS = (
    "--collector.disable-defaults",
    "--collector.ntp",
    "--collector.time_servers",
    "--collector.clock",
)


def flags(*servers):
    return [*TOPICS, *(f"--ntp.server={server}" for server in servers)]


def exactness(round_trip_seconds):
    """By what a measured offset may be wrong: one way may take all of the time."""
    return 0.005 + round_trip_seconds / 2


def offset_of(server, report):
    """The offset in a report, and by what it may be wrong."""
    round_trip = report["ntp_server_round_trip"][server]["value"]
    return report["clock_offset"][server]["value"], exactness(round_trip)


class StrangeServerTest(unittest.TestCase):
    """What is said of servers that do not do what they should."""

    def report(self, *servers, **options):
        text = program.run("check", "--format=json", *flags(*servers), **options).stdout
        return booted_debian.rows_of(text)

    def assert_refused(self, reason, server):
        report = self.report(server)
        reachable = report["ntp_server_reachable"][server]
        self.assertEqual(0, reachable["value"])
        self.assertRegex(reachable["detail"], f"^{reason}$")
        self.assertIsNone(report["clock_offset"].get(server, {}).get("value"))
        self.assertEqual("unknown", report["clock_accurate"][""]["verdict"])
        self.assertIn(reachable["detail"], report["clock_accurate"][""]["reason"])

    def assert_answers_are_refused(self, reason, answers):
        with TimeServer(answers) as server:
            self.assert_refused(reason, server.name)
            self.assertEqual(1, len(server.asked_at))

    def test_a_true_answer_is_used(self):
        with TimeServer() as server:
            report = self.report(server.name)
        self.assertEqual(1, report["ntp_server_reachable"][server.name]["value"])
        self.assertEqual(2, report["ntp_server_stratum"][server.name]["value"])
        self.assertEqual("met", report["clock_accurate"][""]["verdict"])

    def test_a_name_is_asked_at_the_address_that_answers(self):
        # It leads to ::1 too where the host has IPv6, and nobody is there.
        with TimeServer() as server:
            name = f"localhost:{server.port}"
            report = self.report(name)
        self.assertEqual(1, report["ntp_server_reachable"][name]["value"])

    def test_many_silent_ones_do_not_hold_up_check(self):
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(bound()) for _ in range(16)]
            silent = [f"127.0.0.1:{nobody.getsockname()[1]}" for nobody in sockets]
            # One after the other, they would take longer than check waits.
            report = self.report(*silent)
        for server in silent:
            reachable = report["ntp_server_reachable"][server]
            self.assertEqual(0, reachable["value"])
            self.assertRegex(reachable["detail"], "does not answer$")

    def test_where_nobody_listens_it_refuses(self):
        with TimeServer() as server:
            pass
        self.assert_refused("it refuses: Connection refused", server.name)

    def test_a_late_answer_is_of_no_use(self):
        def late(question):
            time.sleep(1.05)
            return [answer_to(question)]

        self.assert_answers_are_refused(
            "(its answer took 1.* seconds, too long to tell a second by"
            "|it does not answer)",
            late,
        )

    def test_garbage_is_no_answer(self):
        for reason, answers in {
            "its answer has 7 bytes instead of 48": lambda question: [b"garbage"],
            r"its answer is none of a server \(mode 3\)": lambda question: [question],
            "its answer is not to our question": lambda _: [answer_to(bytes(48))],
        }.items():
            with self.subTest(reason):
                self.assert_answers_are_refused(reason, answers)

    def test_what_is_forged_does_not_hide_the_true_answer(self):
        def answers(question):
            return [b"garbage", answer_to(bytes(48), 99), answer_to(question)]

        with TimeServer(answers) as server:
            report = self.report(server.name)
        self.assertEqual("met", report["clock_accurate"][""]["verdict"])

    def test_an_answer_from_another_address_is_none(self):
        with bound("127.0.0.2") as other, TimeServer(sender=other) as server:
            self.assert_refused("it does not answer", server.name)
            self.assertEqual(1, len(server.asked_at))

    def test_a_kiss_of_death_is_named(self):
        self.assert_answers_are_refused(
            "it answers with a kiss of death, DENY",
            lambda question: [
                answer_to(question, leap=3, stratum=0, reference=b"DENY")
            ],
        )

    def test_a_clock_that_is_behind_is_seen_as_that(self):
        with TimeServer() as server:
            report = self.report(server.name, env=faked_time("-3s"))
        offset, delta = offset_of(server.name, report)
        self.assertAlmostEqual(3, offset, delta=delta)
        self.assertEqual("unmet", report["clock_accurate"][""]["verdict"])


def faked_time(shift="", **variables):
    """The environment in which the program sees another time of day.

    Since boot as much time has passed as before, as after a step.
    """
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        raise unittest.SkipTest("another time of day takes libfaketime")
    if shift:
        variables["FAKETIME"] = shift
    return os.environ | {
        "LD_PRELOAD": libraries[0],
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
        **variables,
    }


class ServingTest(unittest.TestCase):
    """How often servers are asked, and what becomes of their answers meanwhile."""

    def serve(self, *more, **options):
        """The program with a server of its own, once it was asked."""
        server = self.enterContext(TimeServer())
        serving = self.enterContext(
            program.Serving(*flags(server.name), *more, **options)
        )
        offset = f'mailcow_host_clock_offset_seconds{{source="{server.name}"}}'
        program.wait_for(lambda: offset in serving.samples())
        return server, serving, offset

    def test_scrapes_ask_no_server(self):
        hurried, serving_hurried, _ = self.serve("--ntp.interval=2")
        calm, serving_calm, _ = self.serve()
        scrapes = 0

        def is_asked_again():
            nonlocal scrapes
            for _ in range(10):
                serving_hurried.scrape()
                serving_calm.scrape()
                scrapes += 1
            return len(hurried.asked_at) > 1

        program.wait_for(is_asked_again)
        self.assertGreater(scrapes, 100)
        # Its topic is refreshed every 15 seconds.
        first, second = hurried.asked_at
        self.assertGreater(second - first, 14)
        self.assertEqual(1, len(calm.asked_at))

    def test_a_step_of_the_clock_moves_offsets_without_a_question(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        shift = pathlib.Path(directory) / "shift"
        shift.write_text("+0\n")
        environment = faked_time(FAKETIME_TIMESTAMP_FILE=str(shift))
        server, serving, offset = self.serve(env=environment)
        samples = serving.samples()
        round_trip = "mailcow_host_ntp_server_round_trip_seconds"
        delta = exactness(samples[f'{round_trip}{{server="{server.name}"}}'])
        self.assertAlmostEqual(0, samples[offset], delta=delta)
        self.assertEqual(0, samples["mailcow_host_clock_steps_total"])

        shift.with_suffix(".new").write_text("+5s\n")
        shift.with_suffix(".new").replace(shift)
        program.wait_for(
            lambda: serving.samples()["mailcow_host_clock_steps_total"] > 0
        )
        program.wait_for(lambda: abs(serving.samples()[offset]) > 1)
        samples = serving.samples()
        self.assertAlmostEqual(-5, samples[offset], delta=delta)
        self.assertEqual(0, samples["mailcow_host_clock_accurate"])
        self.assertEqual(1, samples["mailcow_host_clock_steps_total"])
        self.assertEqual(1, len(server.asked_at))


# Servers of chrony's, by their ports. Where the test is a reference clock of
# theirs, how far that one is ahead.
EXACT, ALSO_EXACT, FAST, SLOW, LIAR, OTHER_LIAR, LOST = range(11001, 11008)
SHIFTS = {FAST: 3.0, SLOW: -3.0, LIAR: 100.0, OTHER_LIAR: 100.0}


def name_of(port):
    return f"127.0.0.1:{port}"


def is_synchronized(port):
    with bound() as client:
        client.settimeout(1)
        client.sendto(bytes([0x23]) + bytes(47), ("127.0.0.1", port))
        return client.recv(512)[0] >> 6 != 3


class ChronyTest(booted_debian.DebianTest):
    """What is said of chronyd, as a server and as the host's own daemon."""

    with_systemd = False
    packages = ("chrony",)

    @classmethod
    def chronyd(cls, name, conf):
        """Starts one that cannot set the clock, and returns once it serves."""
        (cls.machine.root / f"etc/{name}.conf").write_text(
            f"{conf}\nallow\ncmdport 0\nbindcmdaddress /\npidfile /run/{name}.pid\n"
        )
        cls.machine.run("chronyd", "-x", "-f", f"/etc/{name}.conf")

    @classmethod
    def set_up_machine(cls):
        for port in (EXACT, ALSO_EXACT):
            cls.chronyd(port, f"port {port}\nlocal stratum {port - EXACT + 8}")
        cls.chronyd(LOST, f"port {LOST}")
        for port in SHIFTS:
            clock = f"refclock SOCK /run/{port}.sock refid TEST poll 0"
            cls.chronyd(port, f"port {port}\n{clock}")
        ended = threading.Event()
        feeder = threading.Thread(target=cls.feed, args=(ended,))
        feeder.start()
        cls.addClassCleanup(feeder.join)
        cls.addClassCleanup(ended.set)
        program.wait_for(lambda: all(map(is_synchronized, SHIFTS)))

    @classmethod
    def feed(cls, ended):
        """Tells the servers what their reference clocks show."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as clock:
            while not ended.wait(0.1):
                for port, shift in SHIFTS.items():
                    seconds, fraction = divmod(time.time(), 1)
                    # chrony's struct sock_sample.
                    sample = struct.pack(
                        *("@qqdiiii", int(seconds), int(fraction * 1e6), shift),
                        *(0, 0, 0, 0x534F434B),
                    )
                    clock.sendto(sample, str(cls.machine.root / f"run/{port}.sock"))

    def ask(self, *ports):
        return self.report(*flags(*map(name_of, ports)))

    def accurate(self, *ports):
        return self.ask(*ports)["clock_accurate"][""]

    def test_one_that_is_right_is_agreed_with(self):
        report = self.ask(EXACT)
        self.assertEqual(1, report["ntp_server_reachable"][name_of(EXACT)]["value"])
        self.assertEqual(8, report["ntp_server_stratum"][name_of(EXACT)]["value"])
        offset, delta = offset_of(name_of(EXACT), report)
        self.assertAlmostEqual(0, offset, delta=delta)
        self.assertEqual("met", report["clock_accurate"][""]["verdict"])

    def test_it_is_asked_over_ipv6_too(self):
        server = f"[::1]:{EXACT}"
        report = self.report(*flags(server))
        self.assertEqual(1, report["ntp_server_reachable"][server]["value"])

    def test_the_offset_is_what_chronyd_measures(self):
        for port, shift in ((FAST, 3), (SLOW, -3)):
            with self.subTest(shift):
                text = self.machine.run(
                    *("chronyd", "-x", "-Q", "-t", "10"),
                    f"server 127.0.0.1 port {port} iburst maxsamples 1",
                )
                [measured] = re.findall(r"clock wrong by (\S+) seconds", text)
                offset, delta = offset_of(name_of(port), self.ask(port))
                self.assertAlmostEqual(shift, offset, delta=delta)
                # It has a round trip of its own.
                self.assertAlmostEqual(float(measured), offset, delta=delta + 0.1)

    def test_seconds_off_is_not_accurate(self):
        for port, words in ((FAST, "behind"), (SLOW, "ahead of")):
            with self.subTest(words):
                row = self.accurate(port)
                self.assertEqual("unmet", row["verdict"])
                self.assertRegex(
                    row["detail"],
                    rf"^(3|3\.0\d*|2\.9\d*) ?s {words} the only server that answers$",
                )

    def test_one_liar_of_three_is_not_believed(self):
        row = self.accurate(EXACT, LIAR, ALSO_EXACT)
        self.assertEqual("met", row["verdict"])
        self.assertIn("the median of 3 servers", row["detail"])

    def test_two_liars_of_three_are_believed(self):
        row = self.accurate(LIAR, EXACT, OTHER_LIAR)
        self.assertEqual("unmet", row["verdict"])
        self.assertIn("behind the median of 3 servers", row["detail"])

    def test_one_that_is_lost_is_no_judge(self):
        row = self.accurate(LOST, EXACT)
        self.assertEqual("met", row["verdict"])
        self.assertIn("the only server that answers", row["detail"])

    def test_one_that_is_lost_says_no_kiss_of_death(self):
        report = self.ask(LOST)
        reachable = report["ntp_server_reachable"][name_of(LOST)]
        self.assertEqual(0, reachable["value"])
        self.assertRegex(reachable["detail"], "^it is not synchronized itself")
        self.assertEqual("unknown", report["clock_accurate"][""]["verdict"])

    def test_the_hosts_own_chronyd_names_the_servers(self):
        conf = self.machine.root / "etc/chrony/chrony.conf"
        self.addCleanup(conf.write_text, conf.read_text())
        conf.write_text(
            f"server 127.0.0.1 iburst port {FAST}\n"
            f"pool ::1 port {ALSO_EXACT} maxsources 2\n"
            "port 0\nbindcmdaddress /\npidfile /run/own.pid\n"
        )
        self.machine.run("chronyd", "-x", "-f", "/etc/chrony/chrony.conf")
        self.addCleanup(self.machine.run, "sh", "-c", "kill $(cat /run/own.pid)")
        text = self.machine.run("chronyc", "-n", "-c", "-h", "127.0.0.1", "sources")
        sources = [line.split(",")[2] for line in text.splitlines()]
        self.assertCountEqual(["127.0.0.1", "::1"], sources)
        report = self.report(*TOPICS)
        self.assertEqual("daemon=chrony", report["time_daemon_info"][""]["detail"])
        self.assertEqual(2, report["ntp_servers_configured"][""]["value"])
        reachable = report["ntp_server_reachable"].items()
        self.assertEqual(
            {f"127.0.0.1:{FAST}": 1, f"[::1]:{ALSO_EXACT}": 1},
            {server: row["value"] for server, row in reachable},
        )


if __name__ == "__main__":
    program.main()
