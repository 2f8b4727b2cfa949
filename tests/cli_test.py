"""The command line: what is printed where, and with which exit status."""

import collections
import json
import os
import pathlib
import pty
import signal
import socket
import subprocess
import tempfile
import unittest

import program

# The names of the metrics are a contract, and so are the ids they come from.
IDS = {
    "memory",
    "memory_available",
    "swap",
    "swap_free",
    "clamav_memory_sufficient",
    "disk",
    "disk_available",
    "disk_inodes_available",
    "disk_writable",
    "architecture_supported",
    "kernel_supported",
    "virtualization_supported",
    "os_supported",
    "system_info",
    "docker_reachable",
    "docker_version_supported",
    "docker_configuration_valid",
    "compose_installed",
    "compose_version_supported",
    "docker_info",
    "mailcow_installed",
    "mailcow_container_running",
    "mailcow_container_healthy",
    "port_in_use",
    "port_foreign_listeners",
    "port_served",
    "port_value_valid",
    "port_listener_info",
    "mail_service_absent",
    "dns_hostname_qualified",
    "dns_hostname_not_alias",
    "dns_address_matches",
    "dns_pointer_matches",
    "dns_mx_matches",
    "dns_autodiscover_matches",
    "dns_autoconfig_matches",
    "dns_spf_permits",
    "dns_dkim_usable",
    "dns_dmarc_valid",
    "dns_srv_matches",
    "dns_tlsa_usable",
    "dns_caa_permits_letsencrypt",
    "dns_mta_sts_valid",
    "dns_tls_rpt_valid",
    "dns_blocklist_listed",
    "dns_answer_authenticated",
    "dns_resolver_reachable",
    "dns_resolver_round_trip",
    "time_zone_info",
    "time_zone_offset",
    "dst_active",
    "dst_last_change",
    "dst_next_change",
    "rtc_present",
    "rtc_offset",
    "rtc_in_local_time_zone",
    "ntp_enabled",
    "time_daemon_info",
    "time_daemons",
    "ntp_servers_configured",
    "ntp_configuration_current",
    "ntp_server_reachable",
    "ntp_server_stratum",
    "ntp_server_round_trip",
    "clock_offset",
    "clock_accurate",
    "time",
    "ntp_synchronized",
    "clock_max_error",
    "clock_unsynchronized_flag",
    "leap_second_pending",
    "clock_offset_limit",
    "clock_steps",
}

TOPICS = [
    "memory",
    "disk",
    "system",
    "docker",
    "mailcow",
    "ports",
    "interference",
    "time_zone",
    "rtc",
    "ntp",
    "time_servers",
    "clock",
]

# Without the swap that is only recommended.
MEMINFO = """\
MemTotal:        8137324 kB
MemAvailable:    5000000 kB
SwapTotal:             0 kB
SwapFree:              0 kB
"""
OS_RELEASE = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n'

READY = {
    "uname": {"machine": "x86_64", "release": "6.1.0-18-amd64"},
    "clock": {
        "offset_seconds": 0.0001,
        "max_error_seconds": 0.02,
        "unsynchronized_flag": False,
    },
    "filesystems": {
        "/var/lib/docker": {
            "size_bytes": 1 << 37,
            "available_bytes": 1 << 36,
            "inodes_available": 1000000,
        }
    },
    "listeners": [],
    "addresses": ["127.0.0.1"],
    "docker": {
        "/info": {
            "ServerVersion": "27.3.1",
            "Driver": "overlay2",
            "DockerRootDir": "/var/lib/docker",
        },
        "/containers/json": [],
        "/volumes": {"Volumes": []},
    },
    "systemd": {
        "systemd-timesyncd.service": {
            "active_state": "active",
            "file_state": "enabled",
        }
    },
    "time": 1786795200,
    "clock_steps": 0,
    "time_servers": {
        "ntp.example.org": {
            "offset_seconds": 0.001,
            "round_trip_seconds": 0.02,
            "stratum": 2,
        }
    },
}
EXIM = {
    "address": "0.0.0.0",
    "port": 25,
    "process": "exim4",
    "cgroup": "/system.slice/exim4.service",
}
SOMEONE = {"address": "0.0.0.0", "port": 25}
UNMET = READY | {"listeners": [EXIM]}
UNKNOWN = READY | {"listeners": [SOMEONE]}
UNMET_AND_UNKNOWN = READY | {"listeners": [EXIM, SOMEONE | {"port": 80}]}


def record_machine(directory, answers):
    """Writes a machine to the directory; the flags that describe it."""
    root = pathlib.Path(directory, "rootfs")
    for path, text in {
        "proc/meminfo": MEMINFO,
        "proc/cpuinfo": "flags : fpu hypervisor\n",
        "proc/1/environ": "",
        "sys/class/dmi/id/sys_vendor": "QEMU\n",
        "etc/os-release": OS_RELEASE,
        "etc/systemd/timesyncd.conf": "[Time]\nNTP=ntp.example.org\n",
        "usr/bin/docker-compose": "#!/bin/sh\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    recording = pathlib.Path(directory, "recording.json")
    recording.write_text(json.dumps(answers))
    return [f"--path.rootfs={root}", f"--path.recording={recording}"]


class CommandLineTest(unittest.TestCase):
    def assert_one_line(self, text):
        self.assertRegex(text, r"\A[^\n]+\n\Z")


class HelpTest(CommandLineTest):
    def test_help_names_every_flag_on_stdout(self):
        result = program.run("--help")
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        for flag in (
            "serve|check|list",
            "--web.listen-address",
            "--web.telemetry-path",
            "--format",
            "--path.procfs",
            "--path.sysfs",
            "--path.rootfs",
            "--mailcow.dir",
            "--docker.socket",
            "--disk.path",
            "--ntp.server",
            "--ntp.interval",
            "--ntp.max-offset",
            "--[no-]collector.ports",
            "--collector.disable-defaults",
            "--log.level",
            "--log.format",
            "--version",
        ):
            self.assertIn(flag, result.stdout)

    def test_version_names_program_and_version_on_stdout(self):
        result = program.run("--version")
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        self.assertRegex(result.stdout, r"\Amailcow_host_exporter, version \d+\.\d+")


class MistakeTest(CommandLineTest):
    def test_a_wrong_flag_or_word_is_one_line_and_status_2(self):
        for args, named in {
            ("--nosuch",): "--nosuch",
            ("nosuch",): "nosuch",
            ("check", "serve"): "serve",
            ("check", "--format=xml"): "xml",
            ("check", "--path.rootfs=relative"): "relative",
            ("list", "--no-collector.nosuch"): "nosuch",
            ("--web.telemetry-path=metrics",): "metrics",
            ("--web.listen-address=9025",): "9025",
            ("--web.listen-address=localhost:9025",): "localhost",
            ("--web.listen-address=127.0.0.1:65536",): "65536",
            ("--web.listen-address=::1:9025",): "::1:9025",
            ("--ntp.server=ntp.example.org:0",): "ntp.example.org:0",
            ("--ntp.interval=0",): '"0"',
            ("--ntp.max-offset=soon",): "soon",
            ("--log.level=loud",): "loud",
            ("--collector.disable-defaults",): "every topic",
        }.items():
            with self.subTest(args=args):
                result = program.run(*args)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assert_one_line(result.stderr)
                self.assertIn(named, result.stderr)

    def test_an_unusable_recording_is_one_line_and_status_1(self):
        with tempfile.TemporaryDirectory() as directory:
            broken = pathlib.Path(directory, "broken.json")
            broken.write_text("{")
            for path in ("/nonexistent", directory, str(broken)):
                with self.subTest(path=path):
                    result = program.run("serve", f"--path.recording={path}")
                    self.assertEqual((1, ""), (result.returncode, result.stdout))
                    self.assert_one_line(result.stderr)
                    self.assertIn(path, result.stderr)

    def test_an_unusable_recording_is_no_verdict_of_check(self):
        result = program.run("check", "--path.recording=/nonexistent")
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        self.assert_one_line(result.stderr)

    def test_an_address_in_use_is_one_line_and_status_1(self):
        for host in ("127.0.0.1", "::1"):
            with self.subTest(host=host), program.listen(host, 0) as taken:
                bracketed = f"[{host}]" if ":" in host else host
                address = f"{bracketed}:{taken.getsockname()[1]}"
                result = program.run("serve", f"--web.listen-address={address}")
                self.assertEqual((1, ""), (result.returncode, result.stdout))
                self.assert_one_line(result.stderr)
                self.assertIn(address, result.stderr)
                self.assertIn("in use", result.stderr)

    def test_one_of_two_addresses_in_use_is_not_overlooked(self):
        with program.Serving() as serving:
            taken = f"127.0.0.1:{serving.port}"
            free = "127.0.0.1:0"
            for addresses in ((taken, free), (free, taken)):
                flags = [f"--web.listen-address={address}" for address in addresses]
                result = program.run("serve", *flags)
                self.assertEqual(1, result.returncode)
                self.assert_one_line(result.stderr)
                self.assertIn(taken, result.stderr)


class CheckTest(CommandLineTest):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def check(self, answers, *args, **options):
        flags = record_machine(self.directory, answers)
        result = program.run("check", *flags, *args, **options)
        self.assertEqual("", result.stderr)
        return result

    def requirements(self, answers):
        report = json.loads(self.check(answers, "--format=json").stdout)
        return {
            (each["id"], each["subject"], each["level"]): each
            for each in report["requirements"]
        }

    def test_the_exit_status_is_the_verdict_in_every_format(self):
        for answers, status in (
            (READY, 0),
            (UNMET, 1),
            (UNKNOWN, 3),
            (UNMET_AND_UNKNOWN, 1),
            ({}, 3),
        ):
            for form in ("text", "json", "nagios"):
                with self.subTest(answers=answers, format=form):
                    result = self.check(answers, f"--format={form}")
                    self.assertEqual(status, result.returncode)

    def test_text_closes_with_the_counts(self):
        for answers, word in (
            (READY, "READY"),
            (UNMET, "NOT READY"),
            (UNKNOWN, "NOT READY"),
            ({}, "NOT READY"),
        ):
            rows = self.requirements(answers).values()
            count = collections.Counter((row["verdict"], row["level"]) for row in rows)
            met = count["met", "required"] + count["met", "recommended"]
            self.assertEqual(
                f"{word}: {met} met, "
                f"{count['unmet', 'required']} required unmet, "
                f"{count['unknown', 'required']} required unknown, "
                f"{count['unmet', 'recommended']} recommended unmet, "
                f"{count['unknown', 'recommended']} recommended unknown",
                self.check(answers).stdout.splitlines()[-1],
            )

    def test_text_shows_owner_and_remedy_of_an_unmet_requirement(self):
        self.assertRegex(
            self.check(UNMET).stdout,
            r"(?m)^ +unmet +port_foreign_listeners 25 +1 +<= 0 +required\n"
            r" +exim4 \(exim4\.service\) at 0\.0\.0\.0:25\n"
            r" +remedy: systemctl disable --now exim4\.service$",
        )

    def test_text_shows_the_reason_of_an_unknown_requirement(self):
        self.assertRegex(
            self.check(UNKNOWN).stdout,
            r"(?m)^ +unknown +port_foreign_listeners 25 .*\n"
            r" +reason: .*0\.0\.0\.0:25.*the recording has no process",
        )

    def test_text_shows_values_with_human_units(self):
        self.assertRegex(
            self.check(READY).stdout,
            r"(?m)^ +met +memory +7\.76 GiB +>= 1 GiB +required$",
        )

    def test_topics_are_in_the_order_of_the_report(self):
        lines = self.check(READY).stdout.splitlines()
        # The facts of time_zone are all in the block that is called time.
        headings = ["time" if topic == "time_zone" else topic for topic in TOPICS]
        self.assertEqual(headings, [line for line in lines if line in headings])

    def test_text_shows_the_time_as_timedatectl_does(self):
        text = self.check(READY | {"time": 1494029553.4}).stdout
        block = text.partition("\ntime\n")[2].partition("\n\n")[0]
        self.assertEqual(
            [
                "fact           Local time: Sat 2017-05-06 00:12:33 UTC",
                "fact       Universal time: Sat 2017-05-06 00:12:33 UTC",
                "fact            Time zone: UTC (UTC, +0000)",
                "met           NTP enabled: yes  required     systemd-timesyncd "
                "(systemd-timesyncd.service, enabled)",
                "met      NTP synchronized: yes  required",
                "met       RTC in local TZ: no  recommended",
                "fact           DST active: no",
            ],
            [line.strip() for line in block.splitlines()],
        )

    def test_a_topic_can_be_left_out_or_asked_alone(self):
        for args, topics in {
            ("--no-collector.ports",): set(TOPICS) - {"ports"},
            ("--collector.disable-defaults", "--collector.disk"): {"disk"},
        }.items():
            with self.subTest(args=args):
                result = self.check(UNMET, "--format=json", *args)
                self.assertEqual(0, result.returncode)
                rows = json.loads(result.stdout)["requirements"]
                self.assertEqual(topics, {row["topic"] for row in rows})

    def test_json_has_the_documented_keys_and_types(self):
        for answers in (READY, UNMET, UNKNOWN, {}):
            report = json.loads(self.check(answers, "--format=json").stdout)
            self.assertEqual(["ready", "requirements"], list(report))
            self.assertIs(answers is READY, report["ready"])
            for row in report["requirements"]:
                with self.subTest(row=row):
                    self.assert_documented(row)

    def assert_documented(self, row):
        optional_text = (str, type(None))
        optional_number = (int, float, type(None))
        types = {
            "id": str,
            "subject": str,
            "topic": str,
            "level": optional_text,
            "verdict": str,
            "value": optional_number,
            "unit": str,
            "limit": optional_number,
            "reason": optional_text,
            "remedy": optional_text,
            "detail": optional_text,
        }
        self.assertEqual(list(types), list(row))
        for key, kind in types.items():
            self.assertIsInstance(row[key], kind, key)
        self.assertIn(row["level"], ("required", "recommended", None))
        self.assertIn(row["verdict"], ("met", "unmet", "unknown", "fact"))
        if row["verdict"] == "fact":
            self.assertIsNone(row["level"])
        self.assertEqual(row["limit"] is None, row["level"] is None)
        self.assertEqual(row["value"] is None, row["reason"] is not None)
        self.assertEqual(row["verdict"] == "unmet", row["remedy"] is not None)

    def test_json_of_a_port_names_owner_and_remedy(self):
        row = self.requirements(UNMET)[
            "port_foreign_listeners", "25", "required"
        ]
        self.assertEqual(("unmet", 1, 0), (row["verdict"], row["value"], row["limit"]))
        self.assertEqual("exim4 (exim4.service) at 0.0.0.0:25", row["detail"])
        self.assertIn("systemctl disable --now exim4.service", row["remedy"])

    def test_json_of_an_unreadable_source_is_null_with_a_reason(self):
        row = self.requirements({})["ntp_synchronized", "", "required"]
        self.assertEqual(("unknown", None), (row["verdict"], row["value"]))
        self.assertIn("clock", row["reason"])

    def test_nagios_is_one_line_whose_word_matches_the_status(self):
        for answers, words, status in (
            (READY, "OK - ready |", 0),
            (UNMET, "WARNING - port_foreign_listeners 25 unmet |", 1),
            (UNKNOWN, "UNKNOWN - port_foreign_listeners 25 unknown |", 3),
        ):
            with self.subTest(status=status):
                result = self.check(answers, "--format=nagios")
                self.assertEqual(status, result.returncode)
                self.assert_one_line(result.stdout)
                self.assertTrue(result.stdout.startswith(f"MAILCOW HOST {words}"))

    def test_nagios_ends_with_performance_data(self):
        line = self.check(READY, "--format=nagios").stdout
        data = line.rstrip("\n").partition(" | ")[2]
        self.assertRegex(
            data, r"\A('[^'=|]+'=-?[\d.e+-]+(B|s|c)?;[\d.:]*;[\d.:]*( |\Z))+\Z"
        )
        self.assertIn("'memory'=8332619776B;5637144576:;939524096:", data)

    def test_color_is_for_a_terminal_without_no_color(self):
        flags = record_machine(self.directory, UNMET)
        escape = "\x1b["
        self.assertNotIn(escape, self.check(UNMET).stdout)
        self.assertIn(escape, on_terminal("check", *flags))
        self.assertIn(escape, on_terminal("check", *flags, NO_COLOR=""))
        self.assertNotIn(escape, on_terminal("check", *flags, NO_COLOR="1"))

    def test_color_changes_nothing_else(self):
        flags = record_machine(self.directory, UNMET)
        plain = self.check(UNMET).stdout
        self.assertEqual(plain, on_terminal("check", *flags, NO_COLOR="1"))
        for form in ("json", "nagios"):
            colored = on_terminal("check", f"--format={form}", *flags)
            self.assertNotIn("\x1b", colored)


def on_terminal(*args, **environment):
    """What the program prints on a terminal."""
    inherited = {key: text for key, text in os.environ.items() if key != "NO_COLOR"}
    leader, terminal = pty.openpty()
    process = subprocess.Popen(
        [program.PROGRAM, *args], stdout=terminal, env=inherited | environment
    )
    os.close(terminal)
    output = b""
    try:
        while chunk := os.read(leader, 65536):
            output += chunk
    except OSError:
        pass  # how Linux tells that the other end is closed
    os.close(leader)
    process.wait(program.DEADLINE_SECONDS)
    return output.decode().replace("\r\n", "\n")


class ListTest(CommandLineTest):
    def test_list_has_a_row_for_each_id(self):
        result = program.run("list")
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        header, rule, *rows = result.stdout.splitlines()
        self.assertEqual(
            "| id | what | required | recommended | remedy | source |", header
        )
        self.assertEqual("|---|---|---|---|---|---|", rule)
        self.assertEqual(sorted(IDS), sorted(row.split(" | ")[0][2:] for row in rows))
        for row in rows:
            self.assertEqual(7, row.count("|"), row)


class EndingTest(unittest.TestCase):
    """The one bound on time that is promised: a second, whoever is connected."""

    def assert_ends(self, serving, signal_number):
        self.assertEqual(0, serving.stop(signal_number, timeout=1))
        self.assertIn("msg=ending", serving.log)

    def test_sigterm_and_sigint_end_it_while_nobody_is_connected(self):
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal_number), program.Serving() as serving:
                self.assert_ends(serving, signal_number)

    def test_an_idle_kept_connection_does_not_hold_it(self):
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal_number), program.Serving() as serving:
                connection = serving.connect()
                self.addCleanup(connection.close)
                connection.request("GET", "/metrics")
                self.assertNotEqual(b"", connection.getresponse().read())
                self.assert_ends(serving, signal_number)

    def test_silent_clients_do_not_hold_it(self):
        for sent in (b"", b"GET /metrics HTTP/1.1\r\nHost: half-a-request\r\n"):
            with self.subTest(sent=sent), program.Serving() as serving:
                for _ in range(40):
                    client = socket.create_connection(("127.0.0.1", serving.port))
                    self.addCleanup(client.close)
                    client.sendall(sent)
                self.assert_ends(serving, signal.SIGTERM)


if __name__ == "__main__":
    program.main()
