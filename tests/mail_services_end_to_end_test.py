"""Mail services of a real Debian, as its systemd and its processes show them."""

import contextlib
import os
import pathlib
import signal
import socket

import booted_debian
import program

SERVICES = ["exim4", "postfix", "sendmail", "dovecot", "courier", "cyrus", "opensmtpd"]

# What a program called dovecot does is all the same here.
FAKE_DOVECOT = "cp /bin/sleep /tmp/dovecot && exec /tmp/dovecot infinity"


def absent(service):
    return f'mailcow_host_mail_service_absent{{service="{service}"}}'


def known(service):
    labels = f'requirement="mail_service_absent",subject="{service}",level="required"'
    return f"mailcow_host_requirement_known{{{labels}}}"


class DebianTest(booted_debian.DebianTest):
    def services(self):
        return self.report()["mail_service_absent"]

    def wait_until_said(self, expected):
        """Waits for the details of the services that are not absent."""

        def said():
            rows = self.services().items()
            return {name: row["detail"] for name, row in rows if row["value"] != 1}

        # What was told to stop or start may take its time.
        with contextlib.suppress(AssertionError):
            program.wait_for(lambda: said() == expected, 10)
        self.assertEqual(expected, said())

    def assert_all_are_unknown(self, reason):
        for service, row in self.services().items():
            with self.subTest(service):
                self.assertEqual("unknown", row["verdict"])
                self.assertRegex(row["reason"], reason)

    def stop_process(self, pid):
        """Lets a process of this machine's sleep, until the test is over."""
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        os.kill(pid, signal.SIGSTOP)


class PlainDebianTest(DebianTest):
    def test_there_is_no_mail_service(self):
        found = {name: row["value"] for name, row in self.services().items()}
        self.assertEqual(dict.fromkeys(SERVICES, 1), found)

    def start_dovecot(self, *prefix):
        process = self.machine.start(*prefix, "sh", "-c", FAKE_DOVECOT)
        self.addCleanup(process.communicate)
        program.wait_for(lambda: self.machine.processes("dovecot"))
        pid = max(self.machine.processes("dovecot"))
        # The first process of a container does not mind less.
        self.addCleanup(self.machine.signal, "KILL", pid)

    def test_a_process_without_a_unit_is_one(self):
        self.start_dovecot()
        self.wait_until_said({"dovecot": "the process dovecot runs"})

    def test_a_process_in_a_container_is_none(self):
        self.start_dovecot("unshare", "--pid", "--fork", "--mount-proc")
        self.wait_until_said({})

    def test_nobody_may_ask_systemd(self):
        program_there = self.machine.copy_program()
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        text = self.machine.run(
            *(*nobody, *program_there),
            *("check", "--collector.disable-defaults", "--collector.interference"),
        )
        self.assertRegex(text, r"\n  met +mail_service_absent \(7\) ")

    def test_a_bus_that_is_silent_makes_them_unknown(self):
        [bus] = self.machine.processes("dbus-daemon")
        self.addCleanup(self.machine.signal, "CONT", bus)
        self.machine.signal("STOP", bus)
        self.assert_all_are_unknown("systemd.* (is silent|does not answer)")

    def test_a_systemd_that_is_silent_makes_them_unknown(self):
        self.stop_process(self.machine.leader)
        self.assert_all_are_unknown("systemd.* (is silent|does not answer)")

    def test_without_a_bus_they_are_unknown(self):
        units = ("dbus.socket", "dbus.service")
        self.addCleanup(self.machine.run, "systemctl", "start", *units)
        self.machine.run("systemctl", "stop", *units)
        self.assert_all_are_unknown("/run/dbus/system_bus_socket")


class StatesOfAUnit:
    """What is said of a service with a unit, whatever its state."""

    service = None
    # What `check` says of its states.
    runs_and_starts_at_boot = None
    runs = None
    starts_at_boot = None

    def systemctl(self, *words):
        self.machine.run("systemctl", *words)

    def setUp(self):
        super().setUp()
        self.systemctl("unmask", self.service)
        self.systemctl("enable", self.service)
        self.systemctl("restart", self.service)
        self.wait_until_said({self.service: self.runs_and_starts_at_boot})

    def test_what_runs_is_named_with_a_remedy(self):
        text = self.check().stdout
        self.assertIn(
            f"  unmet    mail_service_absent {self.service} ",
            text,
        )
        self.assertIn(
            f"           {self.runs_and_starts_at_boot}\n"
            f"           remedy: {self.services()[self.service]['remedy']}\n",
            text,
        )

    def test_its_remedy_ends_it_for_good(self):
        self.machine.run("sh", "-c", self.services()[self.service]["remedy"])
        self.wait_until_said({})

    def test_stopped_it_still_starts_at_boot(self):
        self.systemctl("stop", self.service)
        self.wait_until_said({self.service: self.starts_at_boot})

    def test_disabled_it_still_runs(self):
        self.systemctl("disable", self.service)
        self.wait_until_said({self.service: self.runs})

    def test_masked_it_is_absent(self):
        self.systemctl("stop", self.service)
        self.systemctl("disable", self.service)
        self.systemctl("mask", self.service)
        self.wait_until_said({})


class HoldsPort25:
    """What is said of port 25, where a service with a unit listens."""

    # Who and where, as `check` says it.
    listeners = None

    def foreign_listeners(self):
        return self.report()["port_foreign_listeners"]["25"]

    def setUp(self):
        super().setUp()
        program.wait_for(lambda: self.foreign_listeners()["value"] == 2)

    def test_its_port_is_foreign_and_names_its_unit(self):
        self.assertEqual(self.listeners, self.foreign_listeners()["detail"])

    def test_the_remedy_of_its_port_ends_it_for_good(self):
        self.machine.run("sh", "-c", self.foreign_listeners()["remedy"])
        program.wait_for(lambda: self.foreign_listeners()["value"] == 0, 10)
        self.wait_until_said({})


class EximTest(HoldsPort25, StatesOfAUnit, DebianTest):
    packages = ("exim4-daemon-light",)
    service = "exim4"
    runs_and_starts_at_boot = "exim4.service runs and starts at boot"
    runs = "exim4.service runs"
    starts_at_boot = "exim4.service starts at boot"
    listeners = "exim4 (exim4.service) at 127.0.0.1:25, [::1]:25"

    def stop(self):
        self.systemctl("stop", "exim4")
        self.systemctl("disable", "exim4")
        self.wait_until_said({})

    def test_started_by_hand_it_is_seen_as_a_process(self):
        self.stop()
        self.machine.run("exim4", "-bd")
        self.addCleanup(
            lambda: self.machine.signal("TERM", *self.machine.processes("exim4"))
        )
        self.wait_until_said({"exim4": "the process exim4 runs"})

    def test_called_as_sendmail_it_is_no_service(self):
        self.stop()
        with self.machine.start("exim4", "-bs") as exim:
            program.wait_for(lambda: self.machine.processes("exim4"))
            self.wait_until_said({})
            exim.communicate()

    def test_serving_follows_it(self):
        with program.Serving(*self.machine.flags) as serving:
            self.assertRegex(
                serving.scrape(),
                r"# HELP mailcow_host_mail_service_absent .*"
                r"\(refreshed every 15 seconds\)\n",
            )
            self.assertEqual(0, serving.samples()[absent("exim4")])
            self.stop()
            program.wait_for(lambda: serving.samples()[absent("exim4")] == 1)


class SilentBusTest(DebianTest):
    """Of a bus that falls silent while the program serves."""

    packages = ("exim4-daemon-light",)

    def setUp(self):
        super().setUp()
        [self.bus] = self.machine.processes("dbus-daemon")
        self.addCleanup(self.machine.signal, "CONT", self.bus)
        self.serving = self.enterContext(program.Serving(*self.machine.flags))
        program.wait_for(lambda: self.serving.samples().get(absent("postfix")) == 1)
        self.machine.signal("STOP", self.bus)

    def wait_for_refresh(self):
        """Until the topic was asked once more."""
        age = 'mailcow_host_scrape_collector_age_seconds{collector="interference"}'
        last = self.serving.samples()[age]

        def is_younger():
            nonlocal last
            before, last = last, self.serving.samples()[age]
            return last < before

        program.wait_for(is_younger)

    def use(self):
        """How many threads and descriptors the program has."""
        process = pathlib.Path(f"/proc/{self.serving.process.pid}")
        return len(list((process / "task").iterdir())), len(os.listdir(process / "fd"))

    def test_services_are_unknown_until_it_answers_again(self):
        self.wait_for_refresh()
        samples = self.serving.samples()
        self.assertNotIn(absent("postfix"), samples)
        self.assertEqual(0, samples[known("postfix")])
        # That this one runs is seen without systemd.
        self.assertEqual(0, samples[absent("exim4")])

        threads, descriptors = self.use()
        self.wait_for_refresh()
        for _ in range(100):
            self.serving.scrape()
        threads_later, descriptors_later = self.use()
        # The three topics that ask the bus may do so at once, or in turn.
        self.assertLess(threads_later, threads + 3)
        self.assertLess(descriptors_later, descriptors + 3)

        self.machine.run("systemctl", "stop", "exim4")
        self.machine.run("systemctl", "disable", "exim4")
        self.machine.signal("CONT", self.bus)
        program.wait_for(lambda: self.serving.samples().get(absent("exim4")) == 1)
        self.assertEqual(1, self.serving.samples()[absent("postfix")])

    def test_the_program_still_ends_at_once(self):
        # Started meanwhile, it is sure to be waiting for the bus.
        with program.Serving(*self.machine.flags) as serving:
            self.assertNotIn(absent("postfix"), serving.samples())
            self.assertEqual(0, serving.stop(timeout=1))


class PostfixTest(HoldsPort25, StatesOfAUnit, DebianTest):
    packages = ("postfix",)
    service = "postfix"
    runs_and_starts_at_boot = (
        "postfix.service starts at boot; postfix@-.service runs"
    )
    runs = "postfix@-.service runs"
    starts_at_boot = "postfix.service starts at boot"
    listeners = "master (postfix@-.service) at 0.0.0.0:25, [::]:25"

    def test_its_process_of_that_name_is_not_opensmtpds(self):
        with socket.create_connection(("127.0.0.1", 25)) as connection:
            self.assertTrue(connection.recv(1024).startswith(b"220 "))
            self.assertTrue(self.machine.processes("smtpd"))
            self.wait_until_said({"postfix": self.runs_and_starts_at_boot})


class DovecotTest(StatesOfAUnit, DebianTest):
    packages = ("dovecot-core",)
    service = "dovecot"
    runs_and_starts_at_boot = "dovecot.service runs and starts at boot"
    runs = "dovecot.service runs"
    starts_at_boot = "dovecot.service starts at boot"


class WithoutSystemdTest(DebianTest):
    """Where another init runs the host, its scripts and processes tell."""

    with_systemd = False
    packages = ("exim4-daemon-light",)

    def exim(self, command):
        self.machine.run("/etc/init.d/exim4", command)

    def setUp(self):
        super().setUp()
        self.machine.run("update-rc.d", "exim4", "defaults")
        self.exim("start")

    def test_its_script_starts_it_at_boot(self):
        self.exim("stop")
        self.wait_until_said({"exim4": "exim4 starts at boot"})

    def test_its_process_runs(self):
        self.machine.run("update-rc.d", "exim4", "remove")
        self.machine.run("sh", "-c", "rm -f /etc/rc?.d/S??exim4")
        self.wait_until_said({"exim4": "the process exim4 runs"})

    def test_with_neither_it_is_absent(self):
        self.machine.run("update-rc.d", "exim4", "disable")
        self.exim("stop")
        self.wait_until_said({})


if __name__ == "__main__":
    program.main()
