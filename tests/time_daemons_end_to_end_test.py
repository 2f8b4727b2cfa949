"""Time daemons of a real Debian, as its systemd, and timedated, see them.

None of them can set the clock: in systemd-nspawn they lack the capability, and
chronyd runs with -x.
"""

import json
import re

import booted_debian
import program

TOPICS = (
    "--collector.disable-defaults",
    *(f"--collector.{topic}" for topic in ("ntp", "time_zone", "rtc", "clock")),
)

# What would keep a daemon from starting here, taken back. Tests start it often.
UNCONDITIONED = "[Unit]\nConditionVirtualization=\nConditionCapability=\n"
UNLIMITED = "StartLimitIntervalSec=0\n"

OTHER_UNIT = """\
[Service]
ExecStart=sleep infinity
[Install]
WantedBy=multi-user.target
"""


class TimeTest(booted_debian.DebianTest):
    # Systemd-nspawn forbids even to read the state of the clock, unless told so.
    options = ("--system-call-filter=adjtimex clock_adjtime",)

    def row(self, requirement):
        return self.report(*TOPICS)[requirement][""]

    def wait_until(self, verdict, requirement="ntp_enabled"):
        """Waits for the verdict, as a service may take its time; the row then."""

        def row():
            found = self.row(requirement)
            return found if found["verdict"] == verdict else None

        try:
            return program.wait_for(row, 10)
        except program.InVain:
            self.fail(f"not {verdict}: {self.row(requirement)}")

    @classmethod
    def systemctl(cls, *words):
        cls.machine.run("systemctl", *words)

    @classmethod
    def write(cls, path, text):
        file = cls.machine.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    @classmethod
    def drop_in(cls, unit, text=""):
        path = f"run/systemd/system/{unit}.d/test.conf"
        cls.write(path, UNCONDITIONED + UNLIMITED + text)
        cls.systemctl("daemon-reload")

    def change(self, path, change):
        """Writes change(text) into a file that is as before after the test."""
        file = self.machine.root / path
        text = file.read_text()
        self.addCleanup(file.write_text, text)
        file.write_text(change(text))

    def add(self, path, text):
        """Writes a file that is gone after the test."""
        self.write(path, text)
        self.addCleanup((self.machine.root / path).unlink)

    def execute(self, remedy):
        self.machine.run("sh", "-c", remedy)

    def restart_by(self, remedy):
        """Does the last part of a remedy; what is to be done before it."""
        edit, restart = remedy.split(", then run ")
        self.addCleanup(self.execute, restart)
        return edit, lambda: self.execute(restart)

    def timedated(self, name):
        return self.property("timedate1", "", name)

    def property(self, service, interface, name):
        text = self.machine.run(
            *("busctl", "--json=short", "get-property"),
            f"org.freedesktop.{service}",
            f"/org/freedesktop/{service}",
            f"org.freedesktop.{service}{interface}",
            name,
        )
        return json.loads(text)["data"]


class NoDaemonTest(TimeTest):
    def test_there_is_none(self):
        row = self.row("ntp_enabled")
        self.assertEqual("unmet", row["verdict"])
        self.assertEqual("there is no time daemon", row["detail"])
        self.assertEqual(0, self.row("time_daemons")["value"])
        self.assertNotIn("time_daemon_info", self.report(*TOPICS))
        self.assertFalse(self.timedated("NTP"))

    def test_its_remedy_turns_one_on(self):
        self.drop_in("systemd-timesyncd.service")
        remedy = self.row("ntp_enabled")["remedy"]
        install, turn_on = remedy.split(", then ")
        package = re.fullmatch("apt-get install (.*)", install)[1]
        self.addCleanup(self.execute, f"apt-get purge -qqy {package}")
        self.machine.install(package)
        self.execute(turn_on)
        row = self.wait_until("met")
        self.assertEqual(f"{package} ({package}.service, enabled)", row["detail"])

    def assert_time_zone_is(self, zone):
        self.assertEqual(zone, self.timedated("Timezone"))
        self.assertEqual(f"zone={zone}", self.row("time_zone_info")["detail"])
        line = r"Time zone: (.*)"
        text = self.machine.run("timedatectl")
        ours = self.check(*TOPICS).stdout
        self.assertEqual(re.search(line, text)[1], re.search(line, ours)[1])

    def test_timedated_agrees_on_the_time_zone(self):
        before = self.timedated("Timezone")
        self.addCleanup(self.machine.run, "timedatectl", "set-timezone", before)
        for zone in ("Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Etc/UTC"):
            with self.subTest(zone):
                self.machine.run("timedatectl", "set-timezone", zone)
                self.assert_time_zone_is(zone)

    def test_timedated_agrees_on_no_time_zone(self):
        localtime = self.machine.root / "etc/localtime"
        self.addCleanup(localtime.symlink_to, localtime.readlink())
        localtime.unlink()
        self.systemctl("restart", "systemd-timedated")
        self.addCleanup(self.systemctl, "restart", "systemd-timedated")
        self.assert_time_zone_is("UTC")

    def test_timedated_agrees_on_the_real_time_clock(self):
        self.machine.run("timedatectl", "set-local-rtc", "1")
        row = self.row("rtc_in_local_time_zone")
        self.assertTrue(self.timedated("LocalRTC"))
        self.assertEqual("unmet", row["verdict"])
        self.execute(row["remedy"])
        self.assertFalse(self.timedated("LocalRTC"))
        self.assertEqual("met", self.row("rtc_in_local_time_zone")["verdict"])

    def test_timedated_agrees_on_synchronization(self):
        # The clock is that of this host, so there is one state to see.
        ours = self.row("ntp_synchronized")["value"]
        self.assertEqual(ours, int(self.timedated("NTPSynchronized")))

    def test_services_of_the_machine_may_read_the_clock(self):
        # Or else timedated would call it unsynchronized, whatever it is.
        text = self.machine.run(
            *("systemd-run", "--quiet", "--pipe", "--wait", "--property"),
            *("SuccessExitStatus=1 2 3", *self.machine.copy_program()),
            *("check", "--format=json", *TOPICS),
        )
        row = booted_debian.rows_of(text)["ntp_synchronized"][""]
        self.assertEqual(self.row("ntp_synchronized")["value"], row["value"])


class StatesOfADaemon:
    """What is said of an installed daemon, whatever its state."""

    daemon = None
    unit = None
    conditions = ""
    timedated_knows_it = True

    @classmethod
    def set_up_machine(cls):
        cls.drop_in(cls.unit, cls.conditions)

    def setUp(self):
        super().setUp()
        self.systemctl("unmask", self.unit)
        self.systemctl("enable", self.unit)
        self.systemctl("restart", self.unit)
        self.wait_until("met")

    def assert_is_off(self, file_state):
        row = self.row("ntp_enabled")
        self.assertEqual("unmet", row["verdict"])
        self.assertEqual(
            f"installed: {self.daemon} ({self.unit}, {file_state})", row["detail"]
        )
        self.assertFalse(self.timedated("NTP"))
        return row["remedy"]

    def assert_is_turned_on_by(self, remedy):
        self.execute(remedy)
        row = self.wait_until("met")
        self.assertEqual(f"{self.daemon} ({self.unit}, enabled)", row["detail"])
        self.assertEqual(self.timedated_knows_it, self.timedated("NTP"))

    def test_it_is_on(self):
        row = self.row("ntp_enabled")
        self.assertEqual(f"{self.daemon} ({self.unit}, enabled)", row["detail"])
        info = self.row("time_daemon_info")
        self.assertEqual(f"daemon={self.daemon}", info["detail"])
        self.assertEqual(1, self.row("time_daemons")["value"])
        self.assertEqual(self.timedated_knows_it, self.timedated("NTP"))

    def test_stopped_its_remedy_turns_it_on(self):
        self.systemctl("stop", self.unit)
        self.assert_is_turned_on_by(self.assert_is_off("enabled"))

    def test_disabled_its_remedy_turns_it_on(self):
        self.systemctl("disable", "--now", self.unit)
        self.assert_is_turned_on_by(self.assert_is_off("disabled"))

    def test_masked_its_remedy_turns_it_on(self):
        self.systemctl("disable", "--now", self.unit)
        self.systemctl("mask", self.unit)
        self.assert_is_turned_on_by(self.assert_is_off("masked"))

    def test_disabled_it_is_on_while_it_runs(self):
        self.systemctl("disable", self.unit)
        row = self.row("ntp_enabled")
        self.assertEqual("met", row["verdict"])
        self.assertEqual(f"{self.daemon} ({self.unit}, disabled)", row["detail"])

    def configured(self):
        return (self.row("ntp_servers_configured")["detail"] or "").split()


class TimesyncdTest(StatesOfADaemon, TimeTest):
    packages = ("systemd-timesyncd",)
    daemon = "systemd-timesyncd"
    unit = "systemd-timesyncd.service"

    def named(self):
        """The servers that timesyncd itself says it was told to ask."""
        return self.property("timesync1", ".Manager", "SystemNTPServers")

    def restart(self):
        self.systemctl("restart", self.unit)

    def test_the_default_file_names_none(self):
        row = self.row("ntp_servers_configured")
        self.assertEqual("unmet", row["verdict"])
        self.assertEqual([], self.named())
        edit, restart = self.restart_by(row["remedy"])
        line, section, path = re.fullmatch(
            r"write (NTP=.*) below (\[Time\]) in /(\S+)", edit
        ).groups()
        self.change(path, lambda text: text.replace(section, f"{section}\n{line}"))
        restart()
        self.assertEqual(self.named(), self.configured())
        self.assertEqual(3, self.row("ntp_servers_configured")["value"])

    def test_drop_ins_name_servers(self):
        self.addCleanup(self.restart)
        for path, line in (
            ("etc/systemd/timesyncd.conf.d/b.conf", "NTP=192.0.2.2"),
            ("run/systemd/timesyncd.conf.d/a.conf", "NTP=192.0.2.1 192.0.2.9"),
            # Of two files of one name, /etc's counts.
            ("run/systemd/timesyncd.conf.d/b.conf", "NTP=192.0.2.3"),
            # What is empty takes all back.
            ("usr/lib/systemd/timesyncd.conf.d/c.conf", "NTP=\nNTP=192.0.2.4"),
        ):
            self.add(path, f"[Time]\n{line}\n")
            self.restart()
            with self.subTest(path):
                self.assertNotEqual([], self.named())
                self.assertEqual(self.named(), self.configured())

    def test_the_old_key_is_not_ignored(self):
        self.addCleanup(self.restart)
        path = "etc/systemd/timesyncd.conf"
        self.change(path, lambda text: text + "Servers=192.0.2.1 192.0.2.2\n")
        self.restart()
        self.assertEqual(["192.0.2.1", "192.0.2.2"], self.named())
        self.assertEqual(self.named(), self.configured())


class NamesPools:
    """What is said of the servers that a daemon's own file names."""

    conf = None
    pools = ()

    def test_the_default_file_names_pools(self):
        self.assertEqual(self.pools, self.configured())

    def test_its_remedy_names_a_pool(self):
        self.change(self.conf, lambda text: text.replace("\npool ", "\n#pool "))
        row = self.row("ntp_servers_configured")
        self.assertEqual("unmet", row["verdict"])
        edit, restart = self.restart_by(row["remedy"])
        line, path = re.fullmatch(r"add (pool \S+ iburst) to (\S+)", edit).groups()
        self.assertTrue(f"/{self.conf}".endswith(path))
        with open(self.machine.root / self.conf, "a") as file:
            file.write(f"{line}\n")
        restart()
        self.assertEqual(["pool.ntp.org"], self.configured())
        self.assertEqual("met", self.row("ntp_servers_configured")["verdict"])
        self.wait_until("met")


class ChronyTest(NamesPools, StatesOfADaemon, TimeTest):
    packages = ("chrony",)
    daemon = "chrony"
    unit = "chrony.service"
    conditions = '[Service]\nEnvironmentFile=\nEnvironment="DAEMON_OPTS=-F 1 -x"\n'
    conf = "etc/chrony/chrony.conf"
    pools = ["2.debian.pool.ntp.org"]

    def test_a_file_of_sources_names_a_server(self):
        self.add("etc/chrony/sources.d/test.sources", "server 192.0.2.1 iburst\n")
        self.machine.run("chronyc", "reload", "sources")
        self.assertIn(",192.0.2.1,", self.machine.run("chronyc", "-nc", "sources"))
        self.assertEqual(["2.debian.pool.ntp.org", "192.0.2.1"], self.configured())


class NtpsecTest(NamesPools, StatesOfADaemon, TimeTest):
    packages = ("ntpsec",)
    daemon = "ntpsec"
    unit = "ntpsec.service"
    # Without the capability, it cannot become another user.
    conditions = """\
[Service]
Type=exec
PIDFile=
ExecStart=
ExecStart=/usr/sbin/ntpd -n -c /etc/ntpsec/ntp.conf
"""
    # Its package adds nothing to /usr/lib/systemd/ntp-units.d.
    timedated_knows_it = False
    conf = "etc/ntpsec/ntp.conf"
    pools = [f"{i}.debian.pool.ntp.org" for i in range(4)]


class ReplacedDaemonTest(TimeTest):
    # The second takes the first one away, but not all that it left.
    packages = ("chrony", "systemd-timesyncd")
    timesyncd = "systemd-timesyncd (systemd-timesyncd.service, enabled)"

    @classmethod
    def set_up_machine(cls):
        cls.drop_in("systemd-timesyncd.service")

    def setUp(self):
        super().setUp()
        self.systemctl("enable", "--now", "systemd-timesyncd")

    def add_another(self):
        """As the packages conflict, a unit of the name has to do: units decide."""
        self.addCleanup(self.systemctl, "daemon-reload")
        self.add("etc/systemd/system/chrony.service", OTHER_UNIT)
        self.systemctl("daemon-reload")
        self.systemctl("enable", "--now", "chrony")
        self.addCleanup(self.systemctl, "disable", "--now", "chrony")

    def test_a_link_to_a_unit_that_is_gone_is_no_daemon(self):
        link = self.machine.root / "etc/systemd/system/chronyd.service"
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.timesyncd, self.row("ntp_enabled")["detail"])
        self.assertEqual(1, self.row("time_daemons")["value"])

    def test_two_are_named_and_the_remedy_leaves_one(self):
        self.add_another()
        row = self.row("time_daemons")
        self.assertEqual("unmet", row["verdict"])
        self.assertEqual(2, row["value"])
        chrony = "chrony (chrony.service, enabled)"
        self.assertEqual(f"{chrony}; {self.timesyncd}", row["detail"])
        self.execute(row["remedy"])
        self.assertEqual(1, self.wait_until("met", "time_daemons")["value"])
        self.assertEqual(chrony, self.row("ntp_enabled")["detail"])

    def test_the_servers_of_both_count(self):
        self.add_another()
        self.add("etc/systemd/timesyncd.conf.d/a.conf", "[Time]\nNTP=192.0.2.1\n")
        self.change("etc/chrony/chrony.conf", lambda _: "server 192.0.2.2\n")
        row = self.row("ntp_servers_configured")
        self.assertCountEqual(["192.0.2.1", "192.0.2.2"], row["detail"].split())


if __name__ == "__main__":
    program.main()
