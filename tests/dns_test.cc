#include "collectors/dns.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr char kHostname[] = "mail.example.org";
constexpr char kDomain[] = "example.org";
// 1024 bits: as small as it may be.
constexpr char kKey[] =
    "v=DKIM1; k=rsa; p="
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fW"
    "n7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/"
    "RtdC2UzJ1lWT947qR+Rcac"
    "2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

// A host at one public address of each family, and a DNS that is right.
class DnsCollector : public testing::Test {
 protected:
  DnsCollector() {
    host_.root.Write("/opt/mailcow-dockerized/mailcow.conf",
                     "MAILCOW_HOSTNAME=mail.example.org\n");
    host_.kernel.addresses = std::vector<IpAddress>{
        *ParseIpAddress("127.0.0.1"), *ParseIpAddress("192.0.2.1"),
        *ParseIpAddress("fe80::1"), *ParseIpAddress("2001:db8::1")};
    FakeDns& dns = host_.dns;
    dns.Add(kHostname, "192.0.2.1");
    dns.Add(kHostname, "2001:db8::1");
    dns.Add("1.2.0.192.in-addr.arpa", DnsType::kPtr, {.name = kHostname});
    dns.Add(kReverse6, DnsType::kPtr, {.name = kHostname});
    dns.Add(kDomain, DnsType::kMx, {.name = kHostname, .preference = 10});
    for (const char* name :
         {"autodiscover.example.org", "autoconfig.example.org"}) {
      dns.Add(name, "192.0.2.1");
      dns.Add(name, "2001:db8::1");
    }
    dns.AddText(kDomain, "v=spf1 mx -all");
    dns.AddText("dkim._domainkey.example.org", kKey);
    dns.AddText("_dmarc.example.org", "v=DMARC1; p=reject");
  }

  std::vector<Reading> Readings(absl::string_view id) const {
    return ReadingsOf(host_.CollectWith(MakeDnsCollector(
                          settings_, "/opt/mailcow-dockerized")),
                      id);
  }
  Reading Only(absl::string_view id) const {
    const std::vector<Reading> readings = Readings(id);
    EXPECT_THAT(readings, SizeIs(1)) << id;
    return readings.empty() ? Reading{.labels = {}, .value = -1}
                            : readings.front();
  }
  // That of the reading whose first label has the value.
  Reading Of(absl::string_view id, absl::string_view subject) const {
    for (const Reading& reading : Readings(id)) {
      if (reading.labels.front().second == subject) return reading;
    }
    ADD_FAILURE() << id << " has no reading of " << subject;
    return {.labels = {}, .value = -1};
  }
  // Nothing is at the name any more.
  void Remove(const std::string& name, DnsType type) {
    host_.dns.answers.erase({name, type});
  }
  void RemoveIpv6() {
    host_.kernel.addresses =
        std::vector<IpAddress>{*ParseIpAddress("192.0.2.1")};
    Remove(kHostname, DnsType::kAaaa);
  }

  static constexpr char kReverse6[] =
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6."
      "arpa";

  FakeHost host_;
  DnsSettings settings_;
};

TEST_F(DnsCollector, IsOffWhereNoHostnameIsKnown) {
  host_.root.Write("/opt/mailcow-dockerized/mailcow.conf", "TZ=UTC\n");
  const auto collected =
      host_.CollectWith(MakeDnsCollector(settings_, "/opt/mailcow-dockerized"));
  EXPECT_THAT(collected.findings, SizeIs(0));
}

TEST_F(DnsCollector, HostnameOfMailcowConfThatCannotBeReadIsUnknown) {
  host_.root.Write("/opt/mailcow-dockerized/mailcow.conf", "no assignment\n");
  EXPECT_FALSE(Only("dns_hostname_qualified").value.ok());
  EXPECT_THAT(Readings("dns_mx_matches"), IsEmpty());
}

TEST_F(DnsCollector, HostnameOfTheOptionComesFirst) {
  settings_.hostname = "MX.Example.Com.";
  EXPECT_EQ(Only("dns_hostname_qualified").detail, "mx.example.com");
  EXPECT_THAT(Only("dns_mx_matches").labels,
              ElementsAre(Pair("domain", "example.com")));
}

TEST_F(DnsCollector, HostBelowATopLevelDomainIsItsOwnDomain) {
  settings_.hostname = "example.org";
  EXPECT_THAT(Only("dns_mx_matches").labels,
              ElementsAre(Pair("domain", "example.org")));
}

TEST_F(DnsCollector, AllIsMetWhereAllIsRight) {
  const Collected collected =
      host_.CollectWith(MakeDnsCollector(settings_, "/opt/mailcow-dockerized"));
  for (const Finding& finding : collected.findings) {
    if (!finding.requirement->required.has_value() &&
        !finding.requirement->recommended.has_value()) {
      continue;
    }
    ASSERT_TRUE(finding.reading.value.ok()) << finding.requirement->id;
    EXPECT_EQ(*finding.reading.value, 1)
        << finding.requirement->id << ": " << finding.reading.detail;
  }
}

TEST_F(DnsCollector, HostnameThatTheWorldCannotLookUpIsNotQualified) {
  settings_.hostname = "mail";
  const Reading reading = Only("dns_hostname_qualified");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_THAT(reading.detail, HasSubstr("mail"));
}

TEST_F(DnsCollector, CnameAtTheHostnameIsAnAlias) {
  host_.dns.answers[{kHostname, DnsType::kA}]->aliases = {"other.example.net"};
  const Reading reading = Only("dns_hostname_not_alias");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "published: CNAME other.example.net.");
  EXPECT_EQ(reading.remedy,
            "remove the CNAME, and publish: mail.example.org. IN A 192.0.2.1; "
            "mail.example.org. IN AAAA 2001:db8::1");
}

TEST_F(DnsCollector, AddressOfAnotherHostDoesNotMatch) {
  Remove(kHostname, DnsType::kA);
  host_.dns.Add(kHostname, "192.0.2.9");
  const Reading reading = Of("dns_address_matches", "ipv4");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "published: A 192.0.2.9");
  EXPECT_EQ(reading.remedy, "publish: mail.example.org. IN A 192.0.2.1");
  EXPECT_EQ(*Of("dns_address_matches", "ipv6").value, 1);
}

TEST_F(DnsCollector, OneAddressOfAnotherHostAmongOursDoesNotMatch) {
  host_.dns.Add(kHostname, "192.0.2.9");
  EXPECT_EQ(*Of("dns_address_matches", "ipv4").value, 0);
}

TEST_F(DnsCollector, AddressThatIsMissingDoesNotMatch) {
  Remove(kHostname, DnsType::kA);
  const Reading reading = Of("dns_address_matches", "ipv4");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "the name does not exist");
}

TEST_F(DnsCollector, HostWithoutIpv6NeedsNoAaaa) {
  RemoveIpv6();
  EXPECT_THAT(Readings("dns_address_matches"), SizeIs(1));
  EXPECT_THAT(Readings("dns_pointer_matches"), SizeIs(1));
}

TEST_F(DnsCollector, AaaaThatAHostWithoutPublicIpv6HasIsUnknown) {
  host_.kernel.addresses = std::vector<IpAddress>{*ParseIpAddress("192.0.2.1")};
  EXPECT_THAT(Of("dns_address_matches", "ipv6").value.status().message(),
              HasSubstr("--dns.public-address"));
}

TEST_F(DnsCollector, BehindNatTheAddressIsUnknownWithTheRemedy) {
  host_.kernel.addresses = std::vector<IpAddress>{*ParseIpAddress("10.0.0.2")};
  Remove(kHostname, DnsType::kAaaa);
  for (const char* id : {"dns_address_matches", "dns_pointer_matches"}) {
    EXPECT_THAT(Only(id).value.status().message(),
                AllOf(HasSubstr("no interface has a public IPv4 address"),
                      HasSubstr("--dns.public-address")))
        << id;
  }
  EXPECT_THAT(Only("dns_spf_permits").value.status().message(),
              HasSubstr("--dns.public-address"));
}

TEST_F(DnsCollector, BehindNatTheAddressOfTheOptionCounts) {
  host_.kernel.addresses = std::vector<IpAddress>{*ParseIpAddress("10.0.0.2")};
  Remove(kHostname, DnsType::kAaaa);
  settings_.public_addresses = {"192.0.2.1"};
  EXPECT_EQ(*Only("dns_address_matches").value, 1);
  EXPECT_EQ(*Only("dns_pointer_matches").value, 1);
  EXPECT_EQ(*Only("dns_spf_permits").value, 1);
}

TEST_F(DnsCollector, PointerToAnotherNameDoesNotMatch) {
  Remove("1.2.0.192.in-addr.arpa", DnsType::kPtr);
  host_.dns.Add("1.2.0.192.in-addr.arpa", DnsType::kPtr,
                {.name = "static.example.net"});
  const Reading reading = Of("dns_pointer_matches", "ipv4");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "192.0.2.1: published: PTR static.example.net.");
  EXPECT_EQ(reading.remedy,
            "have whoever gave you the address publish: "
            "1.2.0.192.in-addr.arpa. IN PTR mail.example.org.");
}

TEST_F(DnsCollector, PointerToTheHostnameAndAnotherDoesNotMatch) {
  host_.dns.Add("1.2.0.192.in-addr.arpa", DnsType::kPtr,
                {.name = "static.example.net"});
  EXPECT_EQ(*Of("dns_pointer_matches", "ipv4").value, 0);
}

TEST_F(DnsCollector, EveryAddressNeedsItsPointer) {
  host_.kernel.addresses->push_back(*ParseIpAddress("192.0.2.2"));
  EXPECT_EQ(*Of("dns_pointer_matches", "ipv4").value, 0);
}

TEST_F(DnsCollector, MailForTheDomainHasToGoHereFirst) {
  Remove(kDomain, DnsType::kMx);
  EXPECT_EQ(*Only("dns_mx_matches").value, 0);
  host_.dns.Add(kDomain, DnsType::kMx,
                {.name = "mx.example.net", .preference = 10});
  EXPECT_EQ(Only("dns_mx_matches").detail, "published: MX 10 mx.example.net.");
  host_.dns.Add(kDomain, DnsType::kMx, {.name = kHostname, .preference = 20});
  EXPECT_EQ(*Only("dns_mx_matches").value, 0);
  host_.dns.Add(kDomain, DnsType::kMx, {.name = kHostname, .preference = 5});
  EXPECT_EQ(*Only("dns_mx_matches").value, 1);
}

TEST_F(DnsCollector, EachDomainHasItsOwnVerdict) {
  settings_.domains = {"example.org", "example.com", "EXAMPLE.org."};
  EXPECT_THAT(Readings("dns_mx_matches"), SizeIs(2));
  EXPECT_EQ(*Of("dns_mx_matches", "example.org").value, 1);
  EXPECT_EQ(*Of("dns_mx_matches", "example.com").value, 0);
}

TEST_F(DnsCollector, AutodiscoverMayBeACnameToTheHostname) {
  const DnsQuestion question = {"autodiscover.example.org", DnsType::kA};
  host_.dns.answers[question] = DnsAnswer{.aliases = {"a.example", kHostname}};
  EXPECT_EQ(*Only("dns_autodiscover_matches").value, 1);
  host_.dns.answers[question] = DnsAnswer{.aliases = {"a.example"}};
  const Reading reading = Only("dns_autodiscover_matches");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail,
            "published: CNAME a.example.; published: AAAA 2001:db8::1");
  EXPECT_EQ(reading.remedy,
            "publish: autodiscover.example.org. IN CNAME mail.example.org.");
}

TEST_F(DnsCollector, AutodiscoverMayBeACnameToAnotherNameOfTheHost) {
  const DnsQuestion question = {"autodiscover.example.org", DnsType::kA};
  host_.dns.answers[question]->aliases = {"mx.example.org"};
  EXPECT_EQ(*Only("dns_autodiscover_matches").value, 1);
}

TEST_F(DnsCollector, AutodiscoverThatLacksOneFamilyShowsWhatIsThere) {
  Remove("autodiscover.example.org", DnsType::kA);
  const Reading reading = Only("dns_autodiscover_matches");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "published: AAAA 2001:db8::1");
}

TEST_F(DnsCollector, WhereAddressesAreNamedThoseOfTheOtherFamilyAreMissed) {
  settings_.public_addresses = {"192.0.2.1"};
  EXPECT_THAT(Of("dns_address_matches", "ipv6").value.status().message(),
              HasSubstr("--dns.public-address names no IPv6 address"));
}

TEST_F(DnsCollector, AutoconfigWithOtherAddressesDoesNotMatch) {
  host_.dns.Add("autoconfig.example.org", "192.0.2.9");
  EXPECT_EQ(*Only("dns_autoconfig_matches").value, 0);
  EXPECT_EQ(*Only("dns_autodiscover_matches").value, 1);
}

TEST_F(DnsCollector, AutoconfigThatIsMissingDoesNotMatch) {
  Remove("autoconfig.example.org", DnsType::kA);
  Remove("autoconfig.example.org", DnsType::kAaaa);
  EXPECT_EQ(*Only("dns_autoconfig_matches").value, 0);
}

TEST_F(DnsCollector, SpfHasToPermitEveryAddress) {
  Remove(kDomain, DnsType::kTxt);
  host_.dns.AddText(kDomain, "v=spf1 ip4:192.0.2.1 -all");
  const Reading reading = Only("dns_spf_permits");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_THAT(reading.detail, AllOf(HasSubstr("2001:db8::1: fail"),
                                    HasSubstr("v=spf1 ip4:192.0.2.1 -all")));
  EXPECT_EQ(reading.remedy,
            "add the address to the record, or replace it by: "
            "example.org. IN TXT \"v=spf1 mx a -all\"");
  Remove(kDomain, DnsType::kTxt);
  EXPECT_EQ(Only("dns_spf_permits").remedy,
            "publish: example.org. IN TXT \"v=spf1 mx a -all\"");
}

TEST_F(DnsCollector, SpfOfWhichALookUpFailedIsUnknown) {
  host_.dns.answers[{kDomain, DnsType::kMx}] = absl::UnavailableError("dead");
  EXPECT_FALSE(Only("dns_spf_permits").value.ok());
}

TEST_F(DnsCollector, SpfOfWhichTheRecordIsNotKnownIsUnknownForThatReason) {
  host_.dns.answers[{kDomain, DnsType::kTxt}] = absl::UnavailableError("dead");
  EXPECT_EQ(Only("dns_spf_permits").value.status().message(), "dead");
}

TEST_F(DnsCollector, DkimKeyThatIsMissingOrRevokedIsNotUsable) {
  const std::string name = "dkim._domainkey.example.org";
  Remove(name, DnsType::kTxt);
  EXPECT_EQ(*Only("dns_dkim_usable").value, 0);
  host_.dns.AddText(name, "v=DKIM1; p=");
  EXPECT_EQ(*Only("dns_dkim_usable").value, 0);
}

TEST_F(DnsCollector, DkimKeyThatIsWeakOrForTestsIsUsableAndSaidToBe) {
  EXPECT_THAT(Only("dns_dkim_usable").detail, HasSubstr("a key of 1024 bits"));
  const std::string name = "dkim._domainkey.example.org";
  Remove(name, DnsType::kTxt);
  host_.dns.AddText(name, std::string(kKey) + "; t=y");
  EXPECT_EQ(*Only("dns_dkim_usable").value, 1);
  EXPECT_THAT(Only("dns_dkim_usable").detail, HasSubstr("it is a test"));
}

TEST_F(DnsCollector, NameThatWouldBreakAZoneIsNone) {
  settings_.hostname = "mail.example.org;x";
  EXPECT_EQ(Only("dns_hostname_qualified").value.status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(DnsCollector, DmarcPolicyThatIsWrongIsNotValid) {
  Remove("_dmarc.example.org", DnsType::kTxt);
  host_.dns.AddText("_dmarc.example.org", "v=DMARC1; p=maybe");
  const Reading reading = Only("dns_dmarc_valid");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_THAT(reading.detail,
              HasSubstr("published: TXT \"v=DMARC1; p=maybe\""));
}

TEST_F(DnsCollector, DmarcPolicyOfADomainAboveCounts) {
  settings_.domains = {"sub.example.org"};
  EXPECT_EQ(*Only("dns_dmarc_valid").value, 1);
  Remove("_dmarc.example.org", DnsType::kTxt);
  const Reading reading = Only("dns_dmarc_valid");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_THAT(reading.remedy, HasSubstr("_dmarc.sub.example.org. IN TXT"));
}

TEST_F(DnsCollector, SrvHasTheHostnameAndThePortOfMailcowConf) {
  host_.root.Write("/opt/mailcow-dockerized/mailcow.conf",
                   "MAILCOW_HOSTNAME=mail.example.org\nIMAPS_PORT=1993\n");
  const std::string name = "_imaps._tcp.example.org";
  host_.dns.Add(name, DnsType::kSrv, {.name = kHostname, .port = 993});
  EXPECT_EQ(*Of("dns_srv_matches", name).value, 0);
  EXPECT_EQ(Of("dns_srv_matches", name).detail,
            "published: SRV 0 0 993 mail.example.org.; publish: "
            "_imaps._tcp.example.org. IN SRV 0 1 1993 mail.example.org.");
  host_.dns.Add(name, DnsType::kSrv, {.name = "other.example", .port = 1993});
  EXPECT_EQ(*Of("dns_srv_matches", name).value, 0);
  host_.dns.Add(name, DnsType::kSrv, {.name = kHostname, .port = 1993});
  EXPECT_EQ(*Of("dns_srv_matches", name).value, 1);
}

TEST_F(DnsCollector, TlsaThatMailServersCanUseIsUsable) {
  EXPECT_EQ(*Only("dns_tlsa_usable").value, 0);
  host_.dns.Add(
      "_25._tcp.mail.example.org", DnsType::kTlsa,
      {.text = std::string(32, 'x'), .usage = 3, .selector = 1, .matching = 1});
  EXPECT_EQ(*Only("dns_tlsa_usable").value, 1);
}

TEST_F(DnsCollector, CaaOfTheNearestNameDecides) {
  EXPECT_EQ(*Only("dns_caa_permits_letsencrypt").value, 1);
  host_.dns.Add(kDomain, DnsType::kCaa,
                {.text = "other.example", .tag = "issue"});
  EXPECT_EQ(*Only("dns_caa_permits_letsencrypt").value, 0);
  host_.dns.Add(kHostname, DnsType::kCaa,
                {.text = "letsencrypt.org", .tag = "issue"});
  EXPECT_EQ(*Only("dns_caa_permits_letsencrypt").value, 1);
}

TEST_F(DnsCollector, BlocklistsAreOffByDefault) {
  EXPECT_THAT(Readings("dns_blocklist_listed"), IsEmpty());
}

TEST_F(DnsCollector, ListedNotListedAndRefusedAreThree) {
  settings_.blocklists = {"bl.example"};
  RemoveIpv6();
  const std::string name = "1.2.0.192.bl.example";
  EXPECT_EQ(*Only("dns_blocklist_listed").value, 0);
  host_.dns.Add(name, "127.0.0.4");
  EXPECT_EQ(*Only("dns_blocklist_listed").value, 1);
  EXPECT_EQ(Only("dns_blocklist_listed").detail, "127.0.0.4");
  Remove(name, DnsType::kA);
  host_.dns.Add(name, "127.255.255.254");
  EXPECT_THAT(Only("dns_blocklist_listed").value.status().message(),
              HasSubstr("refused to answer"));
  Remove(name, DnsType::kA);
  host_.dns.Add(name, "203.0.113.1");
  EXPECT_EQ(Only("dns_blocklist_listed").value.status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(DnsCollector, DeadResolverMakesAllUnknownForOneReason) {
  host_.dns.dead = absl::DeadlineExceededError("no resolver answers");
  const Collected collected =
      host_.CollectWith(MakeDnsCollector(settings_, "/opt/mailcow-dockerized"));
  for (const Finding& finding : collected.findings) {
    const std::string id(finding.requirement->id);
    if (id == "dns_hostname_qualified" || id.starts_with("dns_resolver_")) {
      continue;
    }
    EXPECT_THAT(finding.reading.value.status().message(),
                HasSubstr("no resolver answers"))
        << id;
  }
}

TEST_F(DnsCollector, ResolverIsReachableByEachProtocol) {
  host_.dns.servers = std::vector<DnsServer>{
      {.address = "192.0.2.53:53",
       .udp = absl::Milliseconds(2),
       .tcp = absl::UnavailableError("192.0.2.53:53: Connection refused")}};
  const std::vector<Reading> readings = Readings("dns_resolver_reachable");
  ASSERT_THAT(readings, SizeIs(2));
  EXPECT_EQ(*readings[0].value, 1);
  EXPECT_EQ(*readings[1].value, 0);
  EXPECT_EQ(readings[0].detail, "udp");
  EXPECT_EQ(readings[1].detail, "tcp: 192.0.2.53:53: Connection refused");
  EXPECT_EQ(*Only("dns_resolver_round_trip").value, 0.002);
}

TEST_F(DnsCollector, AuthenticatedIsWhatDnssecProves) {
  host_.dns.answers[{kHostname, DnsType::kA}]->is_authenticated = true;
  EXPECT_EQ(*Of("dns_answer_authenticated", kHostname).value, 1);
  EXPECT_EQ(*Of("dns_answer_authenticated", kDomain).value, 0);
}

}  // namespace
}  // namespace mailcow
