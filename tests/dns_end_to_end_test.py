"""The records of a mail host, served by real name servers and asked by the program.

knotd is authoritative for them and unbound resolves them (name_servers.py), in a
network of its own in which this test is started again: nobody outside is asked, and
the host has the addresses that a test gives it.
"""

import collections
import contextlib
import ipaddress
import json
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
import unittest

import name_servers
import program
from name_servers import TXT, Knot, StrangeResolver, Unbound, ask, forward_to

# --- What the program is expected to say: ids, words and limits in one place. ---

QUALIFIED = "dns_hostname_qualified"
NOT_ALIAS = "dns_hostname_not_alias"
ADDRESS = "dns_address_matches"
POINTER = "dns_pointer_matches"
MAIL_EXCHANGE = "dns_mx_matches"
AUTODISCOVER = "dns_autodiscover_matches"
AUTOCONFIG = "dns_autoconfig_matches"
SPF = "dns_spf_permits"
DKIM = "dns_dkim_usable"
DMARC = "dns_dmarc_valid"
SERVICE = "dns_srv_matches"
CERTIFICATE = "dns_tlsa_usable"
AUTHORITY = "dns_caa_permits_letsencrypt"
MTA_STS = "dns_mta_sts_valid"
TLS_REPORT = "dns_tls_rpt_valid"
REACHABLE = "dns_resolver_reachable"
ROUND_TRIP = "dns_resolver_round_trip_seconds"
AUTHENTICATED = "dns_answer_authenticated"
BLOCKLISTED = "dns_blocklist_listed"

HOSTNAME = "mail.example.test"
DOMAIN = "example.test"

# (requirement, subject) of what is judged, and of which facts are told, where the
# host has both families.
REQUIRED = [
    (QUALIFIED, ""),
    (NOT_ALIAS, ""),
    (ADDRESS, "ipv4"),
    (ADDRESS, "ipv6"),
    (POINTER, "ipv4"),
    (POINTER, "ipv6"),
    (MAIL_EXCHANGE, DOMAIN),
]
RECOMMENDED = [
    (AUTODISCOVER, DOMAIN),
    (AUTOCONFIG, DOMAIN),
    (SPF, DOMAIN),
    (DKIM, DOMAIN),
    (DMARC, DOMAIN),
]
SERVICES = {
    "_autodiscover": 443,
    "_caldavs": 443,
    "_carddavs": 443,
    "_imap": 143,
    "_imaps": 993,
    "_pop3": 110,
    "_pop3s": 995,
    "_sieve": 4190,
    "_smtps": 465,
    "_submission": 587,
}
FACTS = [
    *((SERVICE, f"{service}._tcp.{DOMAIN}") for service in SERVICES),
    (CERTIFICATE, ""),
    (AUTHORITY, ""),
    (MTA_STS, DOMAIN),
    (TLS_REPORT, DOMAIN),
]
# It takes no answer of a server to judge this one.
WITHOUT_DNS = {(QUALIFIED, "")}

# Patterns of reasons.
NAMES_THE_FLAG = r"--dns\.public-address"
FAILED_SERVER = "(?i)servfail|fails"
REFUSING_SERVER = "(?i)refuse"
SILENT_SERVER = "(?i)answer|timed? ?out"
REFUSING_LIST = r"127\.255\.255\.|(?i:refuse)"

# Later than this, no answer is waited for any more; check waits for 8 seconds.
LATE_SECONDS = 7
# More aliases than this in a row are not followed.
TOO_MANY_ALIASES = 40
# Scrapes that wait for a resolver take longer than this on any machine.
WAITING_SECONDS = 0.5


def every(seconds):
    return f"--dns.interval={seconds}"


# --- The host and its records. ---

# Addresses of documentation would not count as public. Nothing that is sent to these
# leaves the test's own network.
IPV4, IPV6 = "5.1.66.25", "2a01:1:2::25"
PRIVATE = "10.9.8.7"
# Somebody else's.
OTHER_IPV4, OTHER_IPV6 = "5.1.66.99", "2a01:1:2::99"

IPV4_POINTERS = "66.1.5.in-addr.arpa"
IPV6_POINTERS = "2.0.0.0.1.0.0.0.1.0.a.2.ip6.arpa"
BLOCKLIST = "block.test"
SIGNED = "signed.test"
# bücher.test
INTERNATIONAL = "xn--bcher-kva.test"

KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtBR9kEYc9NRIWVgqyiIJzvU/zDcgUHp0o238"
    "LPR3u32+yHKM4tqbSLGuZ+wh7WxtC2pCbHMSXE/W/FBpNwa+JGMkUKdQINMiqCZ4jDOxfvSFvVy2tGQn"
    'PrWfEiPHkJy+H3TczxhM548J1Kh5y5vg1iKh9ma181" "rSkbqTRclN7RNBn2T4DcgqkXyrCK891fB860'
    "/voXpPBNGqf05g0+NdB/F3nzwScuUSPERDTl/YhbMk5C7lDZf4GPdbh6qCqlw910I5km29wWsuoGGVJU"
    "NNRn77JDSncj8L75wzTR2fKKQ6cBxC2hQAtlqwqWb0wCR84S5s4kVJPiNdPGyfuRKdcQIDAQAB"
)
HASH = "8a9e3f1c0b7d5a2468ace013579bdf024c6e8a0b1d3f5a7c9e2b4d6f80a1c3e5"
DKIM_RECORD = f'dkim._domainkey TXT "v=DKIM1; k=rsa; p={KEY}"'

ZONE = f"""\
mail A {IPV4}
mail AAAA {IPV6}
other A {OTHER_IPV4}
other AAAA {OTHER_IPV6}
@ MX 10 mail
autodiscover CNAME mail
autoconfig CNAME mail
@ TXT "v=spf1 mx -all"
{DKIM_RECORD}
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@example.test"
_autodiscover._tcp SRV 0 1 443 mail
_caldavs._tcp SRV 0 1 443 mail
_carddavs._tcp SRV 0 1 443 mail
_imap._tcp SRV 0 1 143 mail
_imaps._tcp SRV 0 1 993 mail
_pop3._tcp SRV 0 1 110 mail
_pop3s._tcp SRV 0 1 995 mail
_sieve._tcp SRV 0 1 4190 mail
_smtps._tcp SRV 0 1 465 mail
_submission._tcp SRV 0 1 587 mail
_25._tcp.mail TLSA 3 1 1 {HASH}
@ CAA 0 issue "letsencrypt.org"
_mta-sts TXT "v=STSv1; id=20260101000000"
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:postmaster@example.test"
"""
POINTERS = {
    IPV4_POINTERS: f"{ipaddress.ip_address(IPV4).reverse_pointer}. PTR {HOSTNAME}.\n",
    IPV6_POINTERS: f"{ipaddress.ip_address(IPV6).reverse_pointer}. PTR {HOSTNAME}.\n",
}
ZONES = {
    DOMAIN: ZONE,
    **POINTERS,
    INTERNATIONAL: "",
    SIGNED: ZONE,
    BLOCKLIST: "",
}


def changed(line, *others, zone=ZONE):
    """The zone with other lines in place of one, which has to be there."""
    if f"{line}\n" not in zone:
        raise AssertionError(f"the zone lacks {line}")
    return zone.replace(f"{line}\n", "".join(f"{other}\n" for other in others))


def reversed_ipv4(address):
    return ".".join(reversed(address.split(".")))


# --- The network, and the program in it. ---

IS_ISOLATED = "DNS_IS_ISOLATED"
UNSHARE = ("--net", "--fork", "--kill-child")


def why_not_isolated():
    """Why this machine cannot run the tests; empty where it can."""
    if os.geteuid() != 0:
        return "only root can make a network"
    missing = [tool for tool in ("ip", "unshare") if shutil.which(tool) is None]
    missing += name_servers.missing_tools()
    if missing:
        return f"the test takes {', '.join(missing)}"
    tried = program.run(*UNSHARE, "ip", "link", "set", "lo", "up", path="unshare")
    if tried.returncode != 0:
        return tried.stderr.strip()
    return ""


def isolate():
    """Starts this program again in a network of its own, where that can be."""
    if IS_ISOLATED in os.environ:
        program.run("link", "set", "lo", "up", path="ip").check_returncode()
    elif not why_not_isolated():
        os.environ[IS_ISOLATED] = "yes"
        os.execvp("unshare", ["unshare", *UNSHARE, sys.executable, "-B", *sys.argv])


@contextlib.contextmanager
def host_address(address):
    """An address of the host, for as long as the context lasts."""
    width, extra = (128, ["nodad"]) if ":" in address else (32, [])
    own = [f"{address}/{width}", "dev", "lo"]
    program.run("address", "add", *own, *extra, path="ip").check_returncode()
    try:
        yield
    finally:
        program.run("address", "del", *own, path="ip").check_returncode()


class Rows:
    """What `check --format=json` printed."""

    def __init__(self, text):
        self._rows = collections.defaultdict(list)
        for row in json.loads(text)["requirements"]:
            self._rows[row["id"], row["subject"]].append(row)

    def __contains__(self, key):
        return key in self._rows

    def row(self, key):
        """The only one of that requirement and subject."""
        if len(self._rows[key]) != 1:
            raise AssertionError(f"{key}: {self._rows[key]} of {sorted(self._rows)}")
        return self._rows[key][0]

    def outcome(self, key):
        """ "met", "unmet" or "unknown", of a fact as well."""
        row = self.row(key)
        if row["verdict"] != "fact":
            return row["verdict"]
        return {1: "met", 0: "unmet", None: "unknown"}[row["value"]]

    def outcomes(self, keys):
        return {key: self.outcome(key) for key in keys}

    def words(self, key):
        """All that is said of it."""
        row = self.row(key)
        return " ".join(row[part] or "" for part in ("reason", "detail", "remedy"))


class DnsTest(unittest.TestCase):
    """Knot, and Unbound before it; the host has both addresses."""

    maxDiff = None
    addresses = (IPV4, IPV6)

    @classmethod
    def setUpClass(cls):
        if IS_ISOLATED not in os.environ:
            raise unittest.SkipTest(why_not_isolated())
        cls.knot = cls.enterClassContext(Knot(ZONES, signed=[SIGNED]))
        cls.served = dict(ZONES)
        broken = cls.knot.copy(SIGNED).replace(IPV4, OTHER_IPV4)
        # One zone, and which of the two a resolver asks decides what it finds.
        cls.broken_knot = cls.enterClassContext(Knot({SIGNED: broken}))
        cls.resolver = cls.enterClassContext(cls.unbound())

    @classmethod
    def unbound(cls, **options):
        zones = dict.fromkeys(ZONES, cls.knot.port)
        zones |= options.pop("zones", {})
        return Unbound(zones, cls.knot.trust_anchors(), **options)

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.write_mailcow_conf()

    def write_mailcow_conf(self, **changes):
        lines = {variable: port for variable, (_, port) in program.PORTS.items()}
        lines |= {"MAILCOW_HOSTNAME": HOSTNAME} | changes
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (pathlib.Path(self.directory) / "mailcow.conf").write_text(text)

    def publish(self, zones):
        """Serves these zones, and all others as they stand above."""
        for name, text in (ZONES | zones).items():
            if self.served[name] != text:
                self.knot.serve(name, text)
                self.served[name] = text

    def flags(self, *more, resolver=None):
        resolver = self.resolver if resolver is None else resolver
        flags = ["--collector.disable-defaults", "--collector.dns", *more]
        if not any(flag.startswith("--mailcow.dir") for flag in more):
            flags.append(f"--mailcow.dir={self.directory}")
        if not any(flag.startswith("--dns.resolver") for flag in more) and resolver:
            flags.append(f"--dns.resolver={resolver.name}")
        return flags

    def report(self, *more, zone=ZONE, zones=None, resolver=None, addresses=None):
        """What is said of the host where these zones are published."""
        self.publish({DOMAIN: zone} | (zones or {}))
        with contextlib.ExitStack() as stack:
            for address in self.addresses if addresses is None else addresses:
                stack.enter_context(host_address(address))
            flags = self.flags(*more, resolver=resolver)
            done = program.run("check", "--format=json", *flags)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        self.assertTrue(done.stdout, done.stderr)
        return Rows(done.stdout)

    def assert_outcome(self, expected, key, *more, **options):
        rows = self.report(*more, **options)
        self.assertEqual(expected, rows.outcome(key), rows.words(key))
        return rows

    def assert_all(self, expected, keys, rows):
        outcomes = rows.outcomes(keys)
        self.assertEqual(dict.fromkeys(keys, expected), outcomes)

    def assert_judged(self, key, right, also_right=(), wrong=(), missing="unmet"):
        """What is said of one record: as it should be, otherwise, and not there.

        `right` is the line of ZONE; the others stand in its place, each of one or
        of several lines.
        """
        self.assert_outcome("met", key)
        for line in also_right:
            with self.subTest(right=line):
                self.assert_outcome("met", key, zone=changed(right, line))
        for line in wrong:
            with self.subTest(wrong=line):
                self.assert_outcome("unmet", key, zone=changed(right, line))
        with self.subTest("missing"):
            self.assert_outcome(missing, key, zone=changed(right))


class NameServersTest(DnsTest):
    """The name servers are what the other tests take them for."""

    def test_knot_serves_what_is_published(self):
        self.publish({DOMAIN: changed(f"mail A {IPV4}", "mail A 192.0.2.77")})
        for port in (self.knot.port, self.resolver.port):
            self.assertEqual(["192.0.2.77"], ask(port, HOSTNAME, "A").data)
        self.publish({})
        for port in (self.knot.port, self.resolver.port):
            self.assertEqual([IPV4], ask(port, HOSTNAME, "A").data)

    def test_unbound_tells_signed_unsigned_and_broken_zones_apart(self):
        signed = ask(self.resolver.port, f"mail.{SIGNED}", "A")
        self.assertEqual((0, True), signed[:2])
        unsigned = ask(self.resolver.port, HOSTNAME, "A")
        self.assertEqual((0, False), unsigned[:2])
        with self.unbound(zones={SIGNED: self.broken_knot.port}) as resolver:
            broken = ask(resolver.port, f"mail.{SIGNED}", "A")
        with self.unbound(date="20400101000000") as resolver:
            expired = ask(resolver.port, f"mail.{SIGNED}", "A")
        for answer in (broken, expired):
            self.assertEqual(name_servers.SERVFAIL, answer.rcode)

    def test_other_names_do_not_exist(self):
        answer = ask(self.resolver.port, "elsewhere.test", "A")
        self.assertEqual(name_servers.NXDOMAIN, answer.rcode)

    def test_a_big_answer_is_truncated_by_udp_and_whole_by_tcp(self):
        self.publish({DOMAIN: changed('@ TXT "v=spf1 mx -all"', *BIG_TEXTS)})
        self.assertTrue(
            ask(self.resolver.port, DOMAIN, "TXT", "+ignore", "+bufsize=1232")[2]
        )
        answer = ask(self.resolver.port, DOMAIN, "TXT", "+tcp")
        self.assertEqual(len(BIG_TEXTS), len(answer.data))

    def test_strange_resolvers_are_strange(self):
        real = forward_to(self.resolver.port)
        for answers, expected in {
            real: name_servers.NOERROR,
            name_servers.truncated_by_udp(real): name_servers.NOERROR,
            name_servers.refuses: name_servers.REFUSED,
            name_servers.fails: name_servers.SERVFAIL,
            name_servers.never: None,
            name_servers.with_wrong_id(real): None,
            name_servers.late(real, 3): None,
        }.items():
            for transport in ("+notcp", "+tcp"):
                with (
                    self.subTest(f"{expected} {transport}"),
                    StrangeResolver(answers) as strange,
                ):
                    answer = ask(strange.port, HOSTNAME, "A", transport)
                    self.assertEqual(expected, answer and answer.rcode)
                    asked = strange.asked[-1]
                    self.assertEqual((HOSTNAME, 1), (asked.name, asked.type))


class RecordsTest(DnsTest):
    """Every record: right, wrong and missing."""

    def test_a_host_with_all_of_them_is_ready(self):
        rows = self.report()
        self.assert_all("met", REQUIRED + RECOMMENDED + FACTS, rows)
        for keys, level in ((REQUIRED, "required"), (RECOMMENDED, "recommended")):
            for key in keys:
                self.assertEqual(level, rows.row(key)["level"], key)
        for key in FACTS:
            self.assertEqual("fact", rows.row(key)["verdict"], key)

    def test_without_any_record_nothing_is_unknown(self):
        rows = self.report(zone="", zones=dict.fromkeys(POINTERS, ""))
        missing = [key for key in REQUIRED + RECOMMENDED if key not in WITHOUT_DNS]
        missing.remove((NOT_ALIAS, ""))
        self.assert_all("unmet", missing, rows)

    def test_the_hostname_is_qualified(self):
        self.assert_outcome("met", (QUALIFIED, ""))
        self.assert_outcome("unmet", (QUALIFIED, ""), "--dns.hostname=mail")

    def test_the_hostname_is_no_alias(self):
        self.assert_outcome("met", (NOT_ALIAS, ""))
        zone = changed(f"mail A {IPV4}", f"real A {IPV4}")
        zone = changed(f"mail AAAA {IPV6}", f"real AAAA {IPV6}", zone=zone)
        zone = changed(f"_25._tcp.mail TLSA 3 1 1 {HASH}", zone=zone)
        zone += "mail CNAME real\n"
        rows = self.assert_outcome("unmet", (NOT_ALIAS, ""), zone=zone)
        self.assertIn("real.example.test", rows.words((NOT_ALIAS, "")))

    def test_the_ipv4_address_is_the_hosts(self):
        self.assert_judged(
            (ADDRESS, "ipv4"), f"mail A {IPV4}", wrong=[f"mail A {OTHER_IPV4}"]
        )

    def test_the_ipv6_address_is_the_hosts(self):
        self.assert_judged(
            (ADDRESS, "ipv6"), f"mail AAAA {IPV6}", wrong=[f"mail AAAA {OTHER_IPV6}"]
        )

    def test_pointers_name_the_host_and_only_it(self):
        for zone, family in ((IPV4_POINTERS, "ipv4"), (IPV6_POINTERS, "ipv6")):
            right = POINTERS[zone]
            other = right.replace("mail.", "other.")
            for expected, text in (
                ("met", right),
                ("met", right.replace("mail.example", "MAIL.Example")),
                ("unmet", other),
                ("unmet", right + other),
                ("unmet", ""),
            ):
                with self.subTest(family, zone=text):
                    key = (POINTER, family)
                    self.assert_outcome(expected, key, zones={zone: text})

    def test_the_mail_exchanger_is_the_host(self):
        self.assert_judged(
            (MAIL_EXCHANGE, DOMAIN),
            "@ MX 10 mail",
            also_right=["@ MX 0 MAIL.EXAMPLE.TEST.", "@ MX 10 mail\n@ MX 20 other"],
            wrong=["@ MX 10 other", "@ MX 0 ."],
        )

    def test_autodiscover_leads_to_the_host(self):
        self.assert_leads_to_the_host((AUTODISCOVER, DOMAIN), "autodiscover")

    def test_autoconfig_leads_to_the_host(self):
        self.assert_leads_to_the_host((AUTOCONFIG, DOMAIN), "autoconfig")

    def assert_leads_to_the_host(self, key, name):
        self.assert_judged(
            key,
            f"{name} CNAME mail",
            also_right=[
                f"{name} A {IPV4}\n{name} AAAA {IPV6}",
                f"{name} CNAME www\nwww CNAME mail",
            ],
            wrong=[f"{name} CNAME other", f"{name} A {OTHER_IPV4}"],
        )

    def test_spf_permits_the_host(self):
        eleven = "".join(f"exists:e{number}.{DOMAIN} " for number in range(11))
        self.assert_judged(
            (SPF, DOMAIN),
            '@ TXT "v=spf1 mx -all"',
            also_right=[
                f'@ TXT "v=spf1 ip4:{IPV4} ip6:{IPV6} -all"',
                '@ TXT "v=spf1 a:mail.example.test ~all"',
                '@ TXT "v=spf1 redirect=_spf.example.test"\n_spf TXT "v=spf1 a:mail.example.test -all"',
                '@ TXT "v=spf1 include:_spf.example.test -all"\n'
                '_spf TXT "v=spf1 a:mail.example.test"',
                '@ TXT "verification=1"\n@ TXT "v=spf1 " "mx -all"',
            ],
            wrong=[
                '@ TXT "v=spf1 -all"',
                '@ TXT "v=spf1 mx -all"\n@ TXT "v=spf1 a -all"',
                f'@ TXT "v=spf1 ip4:{OTHER_IPV4} -all"',
                f'@ TXT "v=spf1 ip4:{IPV4} -all"',
                '@ TXT "v=spf1 -mx +all"',
                '@ TXT "v=spf1 mx nonsense -all"',
                '@ TXT "v=spf10 mx -all"',
                '@ TXT "v=spf1 include:nothing.example.test mx -all"',
                f'@ TXT "v=spf1 {eleven}mx -all"',
            ],
        )

    def test_the_dkim_key_is_usable(self):
        self.assert_judged(
            (DKIM, DOMAIN),
            DKIM_RECORD,
            also_right=[f'dkim._domainkey TXT "p={KEY}"'],
            wrong=[
                'dkim._domainkey TXT "v=DKIM1; k=rsa; p="',
                'dkim._domainkey TXT "v=DKIM1; k=rsa; p=AAAA"',
                'dkim._domainkey TXT "v=DKIM1; k=rsa; p=!"',
                'dkim._domainkey TXT "v=DKIM1; k=rsa"',
                f'dkim._domainkey TXT "v=DKIM2; k=rsa; p={KEY}"',
            ],
        )

    def test_dmarc_is_valid(self):
        self.assert_judged(
            (DMARC, DOMAIN),
            '_dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@example.test"',
            also_right=['_dmarc TXT "v=DMARC1; p=none"'],
            wrong=[
                '_dmarc TXT "v=DMARC1"',
                '_dmarc TXT "v=DMARC1; p=everything"',
                '_dmarc TXT "p=reject; v=DMARC1"',
                '_dmarc TXT "v=DMARC1; p=none"\n_dmarc TXT "v=DMARC1; p=reject"',
            ],
        )

    def test_services_have_the_ports_of_mailcow_conf(self):
        for service, port in SERVICES.items():
            name = f"{service}._tcp"
            right = f"{name} SRV 0 1 {port} mail"
            with self.subTest(service):
                key = (SERVICE, f"{name}.{DOMAIN}")
                wrong = [right.replace(str(port), "1"), right.replace("mail", "other")]
                self.assert_judged(key, right, wrong=wrong)
        self.write_mailcow_conf(IMAPS_PORT=1993)
        key = (SERVICE, f"_imaps._tcp.{DOMAIN}")
        self.assert_outcome("unmet", key)
        moved = changed("_imaps._tcp SRV 0 1 993 mail", "_imaps._tcp SRV 0 1 1993 mail")
        self.assert_outcome("met", key, zone=moved)

    def test_the_certificate_is_pinned_as_mail_servers_understand(self):
        self.assert_judged(
            (CERTIFICATE, ""),
            f"_25._tcp.mail TLSA 3 1 1 {HASH}",
            also_right=[f"_25._tcp.mail TLSA 2 1 2 {HASH}{HASH}"],
            wrong=[
                "_25._tcp.mail TLSA 3 1 1 00",
                f"_25._tcp.mail TLSA 0 1 1 {HASH}",
                f"_25._tcp.mail TLSA 3 7 1 {HASH}",
            ],
        )

    def test_lets_encrypt_is_permitted(self):
        self.assert_judged(
            (AUTHORITY, ""),
            '@ CAA 0 issue "letsencrypt.org"',
            also_right=[
                '@ CAA 0 issue "ca.test"\n@ CAA 0 issue "letsencrypt.org"',
                'mail CAA 0 issue "LetsEncrypt.org"\n@ CAA 0 issue "ca.test"',
                '@ CAA 0 iodef "mailto:postmaster@example.test"',
            ],
            wrong=[
                '@ CAA 0 issue "ca.test"',
                '@ CAA 0 issue ";"',
                'mail CAA 0 issue "ca.test"\n@ CAA 0 issue "letsencrypt.org"',
                '@ CAA 128 unheard "of"\n@ CAA 0 issue "letsencrypt.org"',
            ],
            # Where nobody is named, everybody may.
            missing="met",
        )

    def test_mta_sts_is_valid(self):
        self.assert_judged(
            (MTA_STS, DOMAIN),
            '_mta-sts TXT "v=STSv1; id=20260101000000"',
            wrong=[
                '_mta-sts TXT "v=STSv1;"',
                '_mta-sts TXT "v=STSv1; id=1"\n_mta-sts TXT "v=STSv1; id=2"',
            ],
        )

    def test_tls_reports_are_valid(self):
        self.assert_judged(
            (TLS_REPORT, DOMAIN),
            '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:postmaster@example.test"',
            also_right=['_smtp._tls TXT "v=TLSRPTv1; rua=https://example.test/tls"'],
            wrong=['_smtp._tls TXT "v=TLSRPTv1"'],
        )

    def test_what_is_wrong_is_said_with_the_line_that_mends_it(self):
        key = (MAIL_EXCHANGE, DOMAIN)
        rows = self.report(zone=changed("@ MX 10 mail", "@ MX 10 other"))
        self.assertIn("other.example.test", rows.words(key))
        self.assertRegex(
            rows.row(key)["remedy"],
            r"example\.test\.\s.*\bMX\s+\d+\s+mail\.example\.test\.",
        )


BIG_TEXTS = [f'@ TXT "{number:0200}"' for number in range(30)] + [
    '@ TXT "v=spf1 mx -all"'
]


class NamesTest(DnsTest):
    """Names as zones and people write them."""

    def test_a_wildcard_answers_for_names_and_is_no_policy(self):
        zone = f"""\
* A {IPV4}
* AAAA {IPV6}
* TXT "v=spf1 -all"
@ MX 10 mail
@ TXT "v=spf1 mx -all"
"""
        rows = self.report(zone=zone)
        self.assert_all("met", [*REQUIRED, *RECOMMENDED[:3]], rows)
        self.assert_all("unmet", [(DKIM, DOMAIN), (DMARC, DOMAIN)], rows)

    def test_what_is_too_big_for_udp_is_fetched_by_tcp(self):
        zone = changed('@ TXT "v=spf1 mx -all"', *BIG_TEXTS)
        with StrangeResolver(forward_to(self.resolver.port)) as seen:
            self.assert_outcome("met", (SPF, DOMAIN), zone=zone, resolver=seen)
        asked = [question.is_tcp for question in seen.asked if question.type == TXT]
        self.assertIn(True, asked)
        self.assertIn(False, asked)

    def test_one_of_several_addresses_is_not_the_hosts(self):
        zone = ZONE + f"mail A {OTHER_IPV4}\n"
        self.assert_outcome("unmet", (ADDRESS, "ipv4"), zone=zone)
        addresses = (IPV4, IPV6, OTHER_IPV4)
        zones = {IPV4_POINTERS: POINTERS[IPV4_POINTERS] + f"99 PTR {HOSTNAME}.\n"}
        options = {"zone": zone, "zones": zones, "addresses": addresses}
        self.assert_outcome("met", (ADDRESS, "ipv4"), **options)

    def chain(self, length):
        """autodiscover, and aliases in a row until one is the host."""
        names = ["autodiscover", *(f"alias{number}" for number in range(length - 1))]
        pairs = zip(names, [*names[1:], "mail"], strict=True)
        lines = [f"{name} CNAME {target}" for name, target in pairs]
        return changed("autodiscover CNAME mail", *lines)

    def test_aliases_are_followed_but_not_for_ever(self):
        key = (AUTODISCOVER, DOMAIN)
        self.assert_outcome("met", key, zone=self.chain(4))
        rows = self.report(zone=self.chain(TOO_MANY_ALIASES))
        self.assertIn(rows.outcome(key), ("unmet", "unknown"))

    def test_aliases_in_a_circle_are_not_followed(self):
        circle = ("autodiscover CNAME alias", "alias CNAME autodiscover")
        zone = changed("autodiscover CNAME mail", *circle)
        rows = self.report(zone=zone)
        self.assertIn(rows.outcome((AUTODISCOVER, DOMAIN)), ("unmet", "unknown"))
        self.assert_all("met", REQUIRED, rows)

    def test_a_resolver_that_answers_with_a_circle_is_not_followed(self):
        name = f"autodiscover.{DOMAIN}"
        real = forward_to(self.resolver.port)
        target = name_servers.wire_name(name)
        alias = name_servers.record(name, name_servers.CNAME, target)

        def circle(question):
            if question.name == name:
                return [name_servers.reply(question, alias)]
            return real(question)

        with StrangeResolver(circle) as strange:
            rows = self.report(resolver=strange)
        self.assertIn(rows.outcome((AUTODISCOVER, DOMAIN)), ("unmet", "unknown"))
        self.assert_all("met", REQUIRED, rows)
        asked = [question for question in strange.asked if question.name == name]
        self.assertLess(len(asked), TOO_MANY_ALIASES)

    def test_case_and_a_trailing_dot_make_no_difference(self):
        zone = re.sub(r"\bmail$", "MAIL.Example.TEST.", ZONE, flags=re.MULTILINE)
        self.assertNotEqual(ZONE, zone)
        rows = self.report(
            *("--dns.hostname=MAIL.Example.TEST.", "--dns.domain=EXAMPLE.test."),
            zone=zone,
        )
        self.assert_all("met", REQUIRED + RECOMMENDED + FACTS, rows)

    def test_an_international_domain_is_asked_in_its_ascii_form(self):
        zones = {
            INTERNATIONAL: f"@ MX 10 {HOSTNAME}.\nautodiscover CNAME {HOSTNAME}.\n"
        }
        for domain in ("bücher.test", "BÜCHER.test.", INTERNATIONAL):
            with self.subTest(domain):
                rows = self.report(f"--dns.domain={domain}", zones=zones)
                self.assertEqual("met", rows.outcome((MAIL_EXCHANGE, INTERNATIONAL)))
                self.assertEqual("met", rows.outcome((AUTODISCOVER, INTERNATIONAL)))
                self.assertEqual("unmet", rows.outcome((SPF, INTERNATIONAL)))
                self.assertNotIn((MAIL_EXCHANGE, DOMAIN), rows)

    def test_each_domain_is_judged(self):
        domains = [f"--dns.domain={name}" for name in (DOMAIN, INTERNATIONAL)]
        rows = self.report(*domains)
        self.assertEqual("met", rows.outcome((MAIL_EXCHANGE, DOMAIN)))
        self.assertEqual("unmet", rows.outcome((MAIL_EXCHANGE, INTERNATIONAL)))

    def test_the_hostname_is_that_of_mailcow_conf_unless_a_flag_names_it(self):
        self.write_mailcow_conf(MAILCOW_HOSTNAME="other.example.test")
        self.assert_outcome("unmet", (ADDRESS, "ipv4"))
        flag = f"--dns.hostname={HOSTNAME}"
        self.assert_outcome("met", (ADDRESS, "ipv4"), flag)

    def test_without_a_hostname_nobody_is_asked(self):
        (pathlib.Path(self.directory) / "mailcow.conf").unlink()
        with StrangeResolver(forward_to(self.resolver.port)) as seen:
            rows = self.report(resolver=seen)
        names = {question.name for question in seen.asked}
        self.assertFalse([name for name in names if name.endswith(".test")])
        for key in REQUIRED:
            if key in rows:
                self.assertNotIn(rows.outcome(key), ("met", "unmet"))


class AddressesTest(DnsTest):
    """Which addresses the host is taken to have."""

    ipv4_only = changed(f"mail AAAA {IPV6}")
    ipv6_only = changed(f"mail A {IPV4}")

    def test_without_public_ipv6_no_such_record_is_required(self):
        rows = self.report(zone=self.ipv4_only, addresses=[IPV4])
        self.assertEqual("met", rows.outcome((ADDRESS, "ipv4")))
        self.assertEqual("met", rows.outcome((POINTER, "ipv4")))
        self.assertEqual("met", rows.outcome((SPF, DOMAIN)))
        for key in ((ADDRESS, "ipv6"), (POINTER, "ipv6")):
            if key in rows:
                self.assertNotIn(rows.row(key)["verdict"], ("unmet", "unknown"))

    def test_ipv4_is_required_even_of_a_host_with_ipv6_only(self):
        rows = self.report(zone=self.ipv6_only, addresses=[IPV6])
        self.assertEqual("met", rows.outcome((ADDRESS, "ipv6")))
        self.assertEqual("met", rows.outcome((POINTER, "ipv6")))
        self.assertIn(rows.outcome((ADDRESS, "ipv4")), ("unmet", "unknown"))

    def test_behind_nat_the_public_address_has_to_be_told(self):
        rows = self.report(zone=self.ipv4_only, addresses=[PRIVATE])
        for key in ((ADDRESS, "ipv4"), (POINTER, "ipv4")):
            self.assertEqual("unknown", rows.outcome(key))
            self.assertRegex(rows.words(key), NAMES_THE_FLAG)

    def test_behind_nat_the_address_that_was_told_counts(self):
        behind = {"zone": self.ipv4_only, "addresses": [PRIVATE]}
        rows = self.report(f"--dns.public-address={IPV4}", **behind)
        self.assert_all("met", [(ADDRESS, "ipv4"), (POINTER, "ipv4")], rows)
        rows = self.report(f"--dns.public-address={OTHER_IPV4}", **behind)
        self.assert_all("unmet", [(ADDRESS, "ipv4"), (POINTER, "ipv4")], rows)

    def test_behind_nat_both_families_can_be_told(self):
        told = [f"--dns.public-address={address}" for address in (IPV4, IPV6)]
        rows = self.report(*told, addresses=[PRIVATE])
        self.assert_all("met", REQUIRED, rows)

    def test_what_a_resolver_tells_inside_only_is_not_the_public_address(self):
        inside = self.enterContext(
            self.unbound(local_data=[f"{HOSTNAME}. A {PRIVATE}"])
        )
        behind = {"zone": self.ipv4_only, "addresses": [PRIVATE]}
        told = f"--dns.public-address={IPV4}"
        key = (ADDRESS, "ipv4")
        self.assert_outcome("met", key, told, **behind)
        rows = self.assert_outcome("unmet", key, told, resolver=inside, **behind)
        self.assertIn(PRIVATE, rows.words(key))


class SignedZonesTest(DnsTest):
    """What DNSSEC proves, and whose word for it is taken."""

    hostname = f"mail.{SIGNED}"
    flag = f"--dns.hostname={hostname}"
    key = (AUTHENTICATED, hostname)

    def test_a_signed_zone_is_authenticated(self):
        self.assert_outcome("met", self.key, self.flag)

    def test_an_unsigned_zone_is_not(self):
        self.assert_outcome("unmet", (AUTHENTICATED, HOSTNAME))

    def assert_unknown(self, keys, resolver):
        rows = self.report(self.flag, resolver=resolver)
        self.assert_all("unknown", keys, rows)
        for key in keys:
            self.assertRegex(rows.words(key), FAILED_SERVER)

    def test_a_broken_zone_is_unknown_and_not_wrong(self):
        wrong = self.unbound(zones={SIGNED: self.broken_knot.port})
        # The addresses are what its signatures do not fit.
        keys = [(ADDRESS, "ipv4"), (NOT_ALIAS, "")]
        self.assert_unknown(keys, self.enterContext(wrong))

    def test_expired_signatures_are_unknown_and_not_wrong(self):
        expired = self.unbound(date="20400101000000")
        keys = [(ADDRESS, "ipv4"), (ADDRESS, "ipv6"), (NOT_ALIAS, "")]
        keys += [(MAIL_EXCHANGE, SIGNED), (SPF, SIGNED), (DKIM, SIGNED)]
        self.assert_unknown(keys, self.enterContext(expired))

    def test_a_resolver_elsewhere_is_believed_only_where_it_is_trusted(self):
        with host_address(IPV4), host_address(IPV6):
            elsewhere = self.enterContext(self.unbound(addresses=[IPV4]))
        name = f"{IPV4}:{elsewhere.port}"
        asked = (self.flag, f"--dns.resolver={name}")
        rows = self.report(*asked)
        self.assertEqual("met", rows.outcome((ADDRESS, "ipv4")))
        self.assertNotEqual("met", rows.outcome(self.key))
        trusted = f"--dns.trusted-resolver={name}"
        self.assert_outcome("met", self.key, *asked, trusted)


class ResolversTest(DnsTest):
    """Resolvers that do not do what they should."""

    def assert_unknown(self, answers, reason):
        """All of the records are, for one reason."""
        with StrangeResolver(answers) as strange:
            rows = self.report(resolver=strange)
        keys = [key for key in REQUIRED + RECOMMENDED if key not in WITHOUT_DNS]
        self.assert_all("unknown", keys, rows)
        reasons = {rows.row(key)["reason"] for key in keys}
        self.assertEqual(1, len(reasons), reasons)
        self.assertRegex(reasons.pop(), reason)

    def real(self):
        return forward_to(self.resolver.port)

    def test_one_that_never_answers(self):
        self.assert_unknown(name_servers.never, SILENT_SERVER)

    def test_one_that_answers_late(self):
        self.assert_unknown(name_servers.late(self.real(), LATE_SECONDS), SILENT_SERVER)

    def test_one_that_answers_another_question(self):
        answers = name_servers.about_another_name(self.real())
        self.assert_unknown(answers, SILENT_SERVER)

    def test_one_that_answers_with_a_wrong_id(self):
        self.assert_unknown(name_servers.with_wrong_id(self.real()), SILENT_SERVER)

    def test_one_that_refuses(self):
        self.assert_unknown(name_servers.refuses, REFUSING_SERVER)

    def test_one_that_fails(self):
        self.assert_unknown(name_servers.fails, FAILED_SERVER)

    def test_one_where_nobody_listens(self):
        with StrangeResolver(name_servers.never) as gone:
            pass
        rows = self.report(resolver=gone)
        self.assertEqual("unknown", rows.outcome((ADDRESS, "ipv4")))

    def test_what_is_forged_does_not_hide_the_true_answer(self):
        real = self.real()

        def answers(question):
            [true] = real(question)
            if not question.is_tcp:
                yield from name_servers.with_wrong_id(lambda _: [true])(question)
                yield from name_servers.about_another_name(lambda _: [true])(question)
            yield true

        with StrangeResolver(answers) as strange:
            rows = self.report(resolver=strange)
        self.assert_all("met", REQUIRED, rows)

    def test_a_truncated_answer_is_asked_for_by_tcp(self):
        answers = name_servers.truncated_by_udp(self.real())
        with StrangeResolver(answers) as strange:
            rows = self.report(resolver=strange)
        self.assert_all("met", REQUIRED, rows)

    def test_the_next_is_asked_where_one_is_silent(self):
        with StrangeResolver(name_servers.never) as silent:
            resolvers = [
                f"--dns.resolver={one.name}" for one in (silent, self.resolver)
            ]
            rows = self.report(*resolvers)
        self.assert_all("met", REQUIRED, rows)

    def test_one_is_asked_over_ipv6_too(self):
        flag = f"--dns.resolver=[::1]:{self.resolver.port}"
        self.assert_all("met", REQUIRED, self.report(flag))

    def root(self, resolv_conf):
        """A root of files with that /etc/resolv.conf, and flags that lead there."""
        root = pathlib.Path(self.directory) / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc/resolv.conf").write_text(resolv_conf)
        shutil.copy(f"{self.directory}/mailcow.conf", root)
        paths = [f"--path.rootfs={root}", "--path.procfs=/proc", "--path.sysfs=/sys"]
        return [*paths, "--mailcow.dir=/"]

    def test_they_are_those_of_resolv_conf_but_search_domains_are_not_used(self):
        flags = self.root(f"search {DOMAIN}\nnameserver 127.0.0.1\n")
        with self.unbound(port=53):
            self.assertEqual([IPV4], ask(53, HOSTNAME, "A").data)
            options = {"resolver": False}
            full = f"--dns.hostname={HOSTNAME}"
            self.assert_outcome("met", (ADDRESS, "ipv4"), full, *flags, **options)
            # It would be found as mail.example.test.
            rows = self.report("--dns.hostname=mail", *flags, **options)
            self.assertNotEqual("met", rows.outcome((ADDRESS, "ipv4")))


class BlocklistTest(DnsTest):
    """Listed, not listed, and a list that does not say."""

    addresses = (IPV4,)
    key = (BLOCKLISTED, BLOCKLIST)

    def report_of(self, *lines):
        text = "".join(f"{reversed_ipv4(IPV4)} {line}\n" for line in lines)
        return self.report(
            f"--dns.blocklist={BLOCKLIST}",
            zone=changed(f"mail AAAA {IPV6}"),
            zones={BLOCKLIST: text},
        )

    def test_listed(self):
        rows = self.report_of("A 127.0.0.4", 'TXT "https://block.test/why"')
        self.assertEqual(1, rows.row(self.key)["value"])

    def test_not_listed(self):
        self.assertEqual(0, self.report_of().row(self.key)["value"])

    def test_refused(self):
        for code in ("127.255.255.252", "127.255.255.254", "127.255.255.255"):
            with self.subTest(code):
                rows = self.report_of(f"A {code}")
                self.assertIsNone(rows.row(self.key)["value"])
                self.assertRegex(rows.words(self.key), REFUSING_LIST)

    def test_what_is_no_code_of_a_list_lists_nobody(self):
        # As a resolver answers that invents addresses for names that do not exist.
        rows = self.report_of(f"A {OTHER_IPV4}")
        self.assertNotEqual(1, rows.row(self.key)["value"])

    def test_none_is_asked_unless_it_is_named(self):
        with StrangeResolver(forward_to(self.resolver.port)) as seen:
            rows = self.report(resolver=seen)
        self.assertNotIn(self.key, rows)
        self.assertFalse([q.name for q in seen.asked if BLOCKLIST in q.name])


class PrintedZoneTest(DnsTest):
    """`check --dns.zone`: what it prints is what is to be published."""

    def test_once_published_with_a_key_every_verdict_is_met(self):
        before = self.report(zone="", zones=dict.fromkeys(POINTERS, ""))
        self.assertEqual("unmet", before.outcome((MAIL_EXCHANGE, DOMAIN)))
        with host_address(IPV4), host_address(IPV6):
            printed = program.run("check", "--dns.zone", *self.flags())
        self.assertIn(printed.returncode, (0, 1, 3), printed.stderr)
        zones = self.zones_in(printed.stdout)
        rows = self.report(zone=zones.pop(DOMAIN), zones=zones)
        self.assert_all("met", REQUIRED + RECOMMENDED, rows)

    def zones_in(self, printed):
        """The lines for each zone, with a key where the place for it is marked."""
        zones = dict.fromkeys((DOMAIN, *POINTERS), "")
        places = 0
        for line in printed.splitlines():
            if f"dkim._domainkey.{DOMAIN}" in line:
                places += 1
                line = DKIM_RECORD
            # Pointers may be comments: they are for whoever owns the address.
            if pointer := re.match(r"[;\s]*(\S+\.arpa\.\s.*)", line):
                zone = IPV4_POINTERS if "in-addr" in line else IPV6_POINTERS
                zones[zone] += f"{pointer[1]}\n"
            else:
                zones[DOMAIN] += f"{line}\n"
        self.assertEqual(1, places, printed)
        return zones


class ServingTest(DnsTest):
    """How often resolvers are asked, and what becomes of scrapes meanwhile."""

    def serve(self, *more, resolver):
        self.publish({})
        for address in self.addresses:
            self.enterContext(host_address(address))
        flags = self.flags(*more, resolver=resolver)
        return self.enterContext(program.Serving(*flags))

    def count_of(self, resolver):
        questions = ((q.name, q.type, q.is_tcp) for q in resolver.asked)
        return collections.Counter(questions)

    def test_scrapes_ask_nobody(self):
        real = forward_to(self.resolver.port)
        calm = self.enterContext(StrangeResolver(real))
        hurried = self.enterContext(StrangeResolver(real))
        serving_calm = self.serve(resolver=calm)
        serving_calm.settled_scrape()
        # The addresses are those of the first.
        serving_hurried = self.enterContext(
            program.Serving(*self.flags(every(1), resolver=hurried))
        )
        serving_hurried.settled_scrape()
        asked_once = self.count_of(calm)
        self.assertIn((HOSTNAME, name_servers.A, False), asked_once)
        scrapes = 0

        def is_asked_again():
            nonlocal scrapes
            for _ in range(10):
                serving_calm.scrape()
                serving_hurried.scrape()
                scrapes += 1
            return self.count_of(hurried)[HOSTNAME, name_servers.A, False] > 1

        program.wait_for(is_asked_again)
        self.assertGreater(scrapes, 10)
        self.assertEqual(asked_once, self.count_of(calm))
        times = [
            at
            for at, question in zip(hurried.asked_at, hurried.asked, strict=False)
            if question[1:] == (HOSTNAME, name_servers.A, False)
        ]
        # One may have come in later than the other.
        self.assertGreater(times[1] - times[0], 0.9)

    def test_a_question_is_asked_once_however_many_topics_need_it(self):
        seen = self.enterContext(StrangeResolver(forward_to(self.resolver.port)))
        self.serve(resolver=seen).settled_scrape()
        asked = self.count_of(seen)
        self.assertEqual(1, asked[HOSTNAME, name_servers.A, False], asked)
        self.assertEqual(1, asked[DOMAIN, name_servers.TXT, False], asked)

    def test_a_scrape_does_not_wait_for_a_silent_resolver(self):
        ended = threading.Event()

        def answers(question):
            ended.wait(program.DEADLINE_SECONDS)
            return []

        silent = self.enterContext(StrangeResolver(answers))
        self.addCleanup(ended.set)
        serving = self.serve(resolver=silent)
        program.wait_for(lambda: silent.asked)
        seconds = []
        for _ in range(20):
            begin = time.monotonic()
            serving.scrape()
            seconds.append(time.monotonic() - begin)
        self.assertLess(statistics.median(seconds), WAITING_SECONDS)

    def test_resolvers_are_told_of_by_both_protocols(self):
        real = forward_to(self.resolver.port)

        def only_by_udp(question):
            return [] if question.is_tcp else real(question)

        deaf = self.enterContext(StrangeResolver(only_by_udp))
        flag = f"--dns.resolver={self.resolver.name}"
        serving = self.serve(flag, f"--dns.resolver={deaf.name}", resolver=None)
        samples = program.parse_samples(serving.settled_scrape())
        for server, protocol, reachable in (
            (self.resolver, "udp", 1),
            (self.resolver, "tcp", 1),
            (deaf, "udp", 1),
            (deaf, "tcp", 0),
        ):
            labels = f'{{server="{server.name}",protocol="{protocol}"}}'
            with self.subTest(labels):
                self.assertEqual(
                    reachable, samples[f"mailcow_host_{REACHABLE}{labels}"]
                )
                self.assertEqual(
                    reachable == 1, f"mailcow_host_{ROUND_TRIP}{labels}" in samples
                )

    def test_records_that_change_are_seen_after_an_interval(self):
        serving = self.serve(every(1), resolver=self.resolver)
        text = serving.settled_scrape()
        series = f'mailcow_host_{MAIL_EXCHANGE}{{domain="{DOMAIN}"}}'
        self.assertEqual(1, program.parse_samples(text)[series])
        self.publish({DOMAIN: changed("@ MX 10 mail", "@ MX 10 other")})
        program.wait_for(lambda: serving.samples()[series] == 0)


if __name__ == "__main__":
    isolate()
    program.main()
