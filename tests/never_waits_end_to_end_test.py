"""A mount, Docker's engine, the system bus and the time servers hang, all at once:
every scrape is answered, what they would have told is unknown, and nothing else.
"""

import contextlib
import re
import unittest

import hung_host
import program

# A refresh that is under way may take its time once more.
UNTIL_HEALED_SECONDS = 60

SCRAPES = 20_000

DOCKER = r"Docker's engine at /var/run/docker\.sock is silent since \d+ seconds"
BUS = "systemd is silent on the system bus"
TIME = r"no time server gives a useful answer: 127\.0\.0\.1:\d+: it does not answer"
MOUNT = "/srv/backup does not answer"
CONF = "/opt/mailcow-dockerized/mailcow.conf does not answer"

# What each tells, with the reason why it is not known while that hangs.
OF_DOCKER = {
    "docker_reachable": DOCKER,
    "docker_version_supported": DOCKER,
    "docker_info": DOCKER,
    "mailcow_installed": DOCKER,
    "mailcow_container_running": DOCKER,
    "mailcow_container_healthy": DOCKER,
    "port_served": DOCKER,
}
OF_THE_BUS = {
    "mail_service_absent": BUS,
    "ntp_enabled": BUS,
    "time_daemon_info": BUS,
    "time_daemons": BUS,
    "ntp_servers_configured": BUS,
    "ntp_configuration_current": BUS,
}
OF_TIME = {"clock_accurate": TIME}
OF_A_MOUNT = {
    "disk": MOUNT,
    "disk_available": MOUNT,
    "disk_inodes_available": MOUNT,
    "disk_writable": MOUNT,
}
OF_MAILCOW_CONF = {
    "mailcow_installed": CONF,
    "mailcow_container_running": CONF,
    "mailcow_container_healthy": CONF,
    "port_in_use": CONF,
    "port_foreign_listeners": CONF,
    "port_served": CONF,
    "port_value_valid": CONF,
    "dns_hostname_qualified": CONF,
}


class NeverWaitsTest(unittest.TestCase):
    maxDiff = None

    def make_host(self, **options):
        """It, and what is not known of it while it is healthy."""
        host = self.enterContext(hung_host.HungHost(**options))
        with program.Serving(*host.flags) as serving:
            serving.settled_scrape()
            # In a container, not even root may know the clock.
            healthy = hung_host.unknown(serving)
        for why in healthy.values():
            self.assertIn("CAP_SYS_TIME", why)
        return host, healthy

    def hang(self, host):
        try:
            host.hang()
        except OSError as error:
            self.skipTest(f"a FUSE mount takes root and /dev/fuse: {error}")

    def lost(self, serving, healthy):
        """{requirement: reason} of what is not known beyond what never was."""
        return {
            which[0]: reason
            for which, reason in hung_host.unknown(serving).items()
            if which not in healthy
        }

    def await_lost(self, serving, healthy, affected):
        """Returns once what is affected is unknown, each for its reason."""
        with contextlib.suppress(program.InVain):
            program.wait_for(
                lambda: self.lost(serving, healthy).keys() == affected.keys(),
                hung_host.UNTIL_UNKNOWN_SECONDS,
            )
        self.assert_lost(serving, healthy, affected)

    def assert_lost(self, serving, healthy, affected):
        lost = self.lost(serving, healthy)
        self.assertEqual(sorted(affected), sorted(lost))
        for requirement, reason in affected.items():
            self.assertRegex(lost[requirement], f"^{reason}$", requirement)

    def await_healed(self, serving, healthy):
        program.wait_for(
            lambda: hung_host.unknown(serving).keys() == healthy.keys(),
            UNTIL_HEALED_SECONDS,
        )

    def assert_nothing_grows(self, serving):
        """Each scrape is answered; those that hang are asked again meanwhile."""
        hung_host.scrape_many(serving, 500)
        first = hung_host.await_refreshes(serving)
        hung_host.scrape_many(serving, SCRAPES)
        hung_host.await_refreshes(serving)
        program.wait_for(lambda: hung_host.has_not_grown(first, serving))

    def test_what_hangs_is_unknown_and_heals(self):
        host, healthy = self.make_host()
        with program.Serving(*host.flags) as serving:
            self.await_healed(serving, healthy)
            series = serving.samples().keys()
            self.hang(host)
            affected = OF_DOCKER | OF_THE_BUS | OF_TIME | OF_A_MOUNT
            self.await_lost(serving, healthy, affected)
            subjects = {
                subject
                for requirement, subject in hung_host.unknown(serving)
                if requirement in OF_A_MOUNT
            }
            self.assertEqual({hung_host.BACKUP}, subjects)
            self.assert_samples_agree(serving, healthy)
            self.assert_nothing_grows(serving)
            self.assert_lost(serving, healthy, affected)
            host.heal()
            self.await_healed(serving, healthy)
            self.assertEqual(series, serving.samples().keys())

    def assert_samples_agree(self, serving, healthy):
        """A verdict that is not known has no sample; that it is not known, has."""
        samples = serving.samples()
        judged = re.compile(
            "mailcow_host_requirement_known"
            r'(\{requirement="([^"]+)",subject="([^"]*)",.*)'
        )
        unknown = hung_host.unknown(serving)
        found = [judged.fullmatch(series) for series in samples]
        for labels, requirement, subject in (each.groups() for each in found if each):
            is_known = (requirement, subject) not in unknown
            with self.subTest(labels):
                self.assertEqual(
                    is_known, samples[f"mailcow_host_requirement_known{labels}"]
                )
                met = f"mailcow_host_requirement_met{labels}"
                self.assertEqual(is_known, met in samples)

    def test_a_program_that_starts_while_all_hang_heals_with_them(self):
        """mailcow.conf, which every scrape needs, is on the mount."""
        host, healthy = self.make_host(mount_point=hung_host.MAILCOW)
        self.hang(host)
        with program.Serving(*host.flags) as serving:
            affected = OF_DOCKER | OF_THE_BUS | OF_TIME | OF_MAILCOW_CONF
            # With less, it depends on a line of mailcow.conf.
            if serving.samples()["mailcow_host_memory_bytes"] <= 2.5 * 2**30:
                affected = affected | {"clamav_memory_sufficient": CONF}
            self.await_lost(serving, healthy, affected)
            hung_host.scrape_many(serving, SCRAPES)
            host.heal()
            self.await_healed(serving, healthy)

    def test_a_program_ends_at_once_while_all_hang(self):
        host, _ = self.make_host()
        self.hang(host)
        with program.Serving(*host.flags) as serving:
            serving.scrape()
            self.assertEqual(0, serving.stop(timeout=1))


if __name__ == "__main__":
    program.main()
