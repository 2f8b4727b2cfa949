#include "collectors/dns_zone.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kConf[] = "/mailcow/mailcow.conf";

class ZoneTextTest : public testing::Test {
 protected:
  std::string Zone() const {
    const Files files = host_.root.files();
    const auto wanted =
        ReadDnsWanted(settings_, "/mailcow",
                      {files, host_.kernel, host_.docker, host_.bus,
                       host_.time_servers, host_.dns, ProcessNames(files)});
    EXPECT_TRUE(wanted.ok()) << wanted.status();
    if (!wanted.ok()) return "";
    return wanted->has_value() ? ZoneText(**wanted) : "no hostname";
  }

  FakeHost host_;
  DnsSettings settings_;
};

TEST_F(ZoneTextTest, HasEveryRecordOfTheHostAndItsDomain) {
  host_.root.Write(kConf,
                   "MAILCOW_HOSTNAME=mail.example.org\nIMAPS_PORT=1993\n");
  // An address may stand at two interfaces.
  host_.kernel.addresses = std::vector<IpAddress>{
      *ParseIpAddress("127.0.0.1"), *ParseIpAddress("192.0.2.1"),
      *ParseIpAddress("192.0.2.1"), *ParseIpAddress("2001:db8::1")};
  EXPECT_EQ(Zone(), R"($TTL 3600
; of the host mail.example.org
mail.example.org. IN A 192.0.2.1
mail.example.org. IN AAAA 2001:db8::1
mail.example.org. IN CAA 0 issue "letsencrypt.org"
; HASH is the SHA-256 of the certificate's public key
; _25._tcp.mail.example.org. IN TLSA 3 1 1 HASH

; of the domain example.org
example.org. IN MX 10 mail.example.org.
autodiscover.example.org. IN CNAME mail.example.org.
autoconfig.example.org. IN CNAME mail.example.org.
example.org. IN TXT "v=spf1 mx a -all"
_dmarc.example.org. IN TXT "v=DMARC1; p=reject; rua=mailto:postmaster@example.org"
; KEY is in mailcow: Configuration, ARC/DKIM keys
; dkim._domainkey.example.org. IN TXT "v=DKIM1; k=rsa; t=s; s=email; p=KEY"
_smtp._tls.example.org. IN TXT "v=TLSRPTv1; rua=mailto:postmaster@example.org"
; with a policy at https://mta-sts.example.org/.well-known/mta-sts.txt
; _mta-sts.example.org. IN TXT "v=STSv1; id=1"
_autodiscover._tcp.example.org. IN SRV 0 1 443 mail.example.org.
_caldavs._tcp.example.org. IN SRV 0 1 443 mail.example.org.
_carddavs._tcp.example.org. IN SRV 0 1 443 mail.example.org.
_imap._tcp.example.org. IN SRV 0 1 143 mail.example.org.
_imaps._tcp.example.org. IN SRV 0 1 1993 mail.example.org.
_pop3._tcp.example.org. IN SRV 0 1 110 mail.example.org.
_pop3s._tcp.example.org. IN SRV 0 1 995 mail.example.org.
_sieve._tcp.example.org. IN SRV 0 1 4190 mail.example.org.
_smtps._tcp.example.org. IN SRV 0 1 465 mail.example.org.
_submission._tcp.example.org. IN SRV 0 1 587 mail.example.org.
_submissions._tcp.example.org. IN SRV 0 1 465 mail.example.org.

; in the reverse zones, which whoever gave the addresses keeps
; 1.2.0.192.in-addr.arpa. IN PTR mail.example.org.
; 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. IN PTR mail.example.org.
)");
}

TEST_F(ZoneTextTest, HasEachDomainThatIsNamed) {
  settings_ = {.hostname = "mx.example.net",
               .domains = {"example.org", "example.com"},
               .public_addresses = {"192.0.2.7"}};
  const std::string zone = Zone();
  EXPECT_THAT(zone, HasSubstr("mx.example.net. IN A 192.0.2.7\n"));
  EXPECT_THAT(zone, HasSubstr("example.org. IN MX 10 mx.example.net.\n"));
  EXPECT_THAT(zone, HasSubstr("example.com. IN MX 10 mx.example.net.\n"));
  EXPECT_THAT(zone, Not(HasSubstr("example.net. IN MX")));
}

TEST_F(ZoneTextTest, SaysWhichAddressesAreNotKnown) {
  settings_.hostname = "mail.example.org";
  host_.kernel.addresses = absl::UnavailableError("no getifaddrs");
  EXPECT_THAT(Zone(), HasSubstr("; no getifaddrs\n"));
}

TEST_F(ZoneTextTest, LeavesOutAddressesThatAHostHasForATimeOnly) {
  settings_.hostname = "mail.example.org";
  host_.kernel.addresses = std::vector<IpAddress>{
      *ParseIpAddress("2001:db8::1"), *ParseIpAddress("2001:db8::2"),
      *ParseIpAddress("2001:db8::3")};
  host_.root.Write("/proc/net/if_inet6",
                   "20010db8000000000000000000000001 02 40 00 80 eth0\n"
                   "20010db8000000000000000000000002 02 40 00 01 eth0\n"
                   "20010db8000000000000000000000003 02 40 00 a0 eth0\n"
                   "nonsense\n");
  const std::string zone = Zone();
  EXPECT_THAT(zone, HasSubstr("IN AAAA 2001:db8::1\n"));
  EXPECT_THAT(zone, Not(HasSubstr("2001:db8::2")));
  EXPECT_THAT(zone, Not(HasSubstr("2001:db8::3")));
}

TEST_F(ZoneTextTest, MissesTheAddressOfAHostBehindNat) {
  settings_.hostname = "mail.example.org";
  host_.kernel.addresses = std::vector<IpAddress>{*ParseIpAddress("10.0.0.2")};
  EXPECT_THAT(Zone(), HasSubstr("; mail.example.org. IN A ADDRESS, which "
                                "--dns.public-address names\n"));
}

TEST_F(ZoneTextTest, NeedsAHostname) { EXPECT_EQ(Zone(), "no hostname"); }

}  // namespace
}  // namespace mailcow
