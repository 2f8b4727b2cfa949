#include "collectors/port_value.h"

#include <map>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

IpAddress Ip(absl::string_view text) { return *ParseIpAddress(text); }

const PortDefinition& Definition(absl::string_view variable) {
  for (const PortDefinition& definition : PortDefinitions()) {
    if (definition.variable == variable) return definition;
  }
  std::abort();
}

// What `conf` makes of the variable, on a host with two addresses.
PortValue Value(absl::string_view variable, absl::string_view conf) {
  return ParsePortValue(Definition(variable), *MailcowConf::Parse(conf), [] {
    return std::vector<IpAddress>{Ip("127.0.0.1"), Ip("203.0.113.5")};
  });
}

TEST(PortDefinitions, AreThoseOfMailcowsPage) {
  std::vector<std::string> rows;
  for (const PortDefinition& port : PortDefinitions()) {
    rows.push_back(
        absl::StrCat(port.service, " ", port.variable, " ", port.default_port));
  }
  EXPECT_THAT(rows, testing::ElementsAre(
                        "smtp SMTP_PORT 25", "smtps SMTPS_PORT 465",
                        "submission SUBMISSION_PORT 587", "imap IMAP_PORT 143",
                        "imaps IMAPS_PORT 993", "pop3 POP_PORT 110",
                        "pop3s POPS_PORT 995", "sieve SIEVE_PORT 4190",
                        "http HTTP_PORT 80", "https HTTPS_PORT 443"));
}

TEST(PortDefinitions, AreServedByTheContainersOfMailcowsComposeFile) {
  std::map<absl::string_view, std::set<uint16_t>> ports;
  for (const PortDefinition& port : PortDefinitions()) {
    ports[port.container].insert(port.default_port);
  }
  EXPECT_THAT(
      ports,
      testing::UnorderedElementsAre(
          testing::Pair("postfix-mailcow", std::set<uint16_t>{25, 465, 587}),
          testing::Pair("dovecot-mailcow",
                        std::set<uint16_t>{110, 143, 993, 995, 4190}),
          testing::Pair("nginx-mailcow", std::set<uint16_t>{80, 443})));
}

TEST(ParsePortValue, MissingKeyTakesTheDefaultOnEveryAddress) {
  const PortValue value = Value("SMTP_PORT", "");
  EXPECT_EQ(value.bind->port, 25);
  EXPECT_FALSE(value.bind->address.has_value());
  EXPECT_THAT(*value.complaint, IsEmpty());
}

TEST(ParsePortValue, AddressStandsBeforeThePort) {
  const PortValue value = Value("SMTP_PORT", "SMTP_PORT=203.0.113.5:2525");
  EXPECT_EQ(value.bind->port, 2525);
  EXPECT_EQ(*value.bind->address, Ip("203.0.113.5"));
  EXPECT_THAT(*value.complaint, IsEmpty());
}

TEST(ParsePortValue, PortsAreFromOneTo65535) {
  EXPECT_EQ(Value("SMTP_PORT", "SMTP_PORT=1").bind->port, 1);
  EXPECT_EQ(Value("SMTP_PORT", "SMTP_PORT=65535").bind->port, 65535);
  for (const char* conf :
       {"SMTP_PORT=0", "SMTP_PORT=65536", "SMTP_PORT=-25", "SMTP_PORT=+25",
        "SMTP_PORT=25x", "SMTP_PORT=127.0.0.1:"}) {
    const PortValue value = Value("SMTP_PORT", conf);
    EXPECT_TRUE(absl::IsInvalidArgument(value.bind.status())) << conf;
    EXPECT_THAT(*value.complaint, Not(IsEmpty())) << conf;
  }
}

TEST(ParsePortValue, ComplaintRepeatsWhatLooksLikeAPort) {
  EXPECT_EQ(*Value("SMTP_PORT", "SMTP_PORT=70000").complaint,
            "SMTP_PORT=70000 is not a port from 1 to 65535");
}

TEST(ParsePortValue, ComplaintHidesWhatMayBeAPassword) {
  EXPECT_EQ(*Value("SMTP_PORT", "SMTP_PORT=hunter2").complaint,
            "SMTP_PORT is not a port from 1 to 65535");
  EXPECT_EQ(*Value("SMTP_PORT", "SMTP_PORT=hunter2:25").complaint,
            "the address in SMTP_PORT is not an IPv4 address");
}

TEST(ParsePortValue, OnlyAnIpv4AddressMayStandBeforeThePort) {
  for (const char* conf :
       {"SMTP_PORT=::1:25", "SMTP_PORT=[::1]:25", "SMTP_PORT=:25"}) {
    const PortValue value = Value("SMTP_PORT", conf);
    EXPECT_TRUE(absl::IsInvalidArgument(value.bind.status())) << conf;
    EXPECT_THAT(*value.complaint, HasSubstr("IPv4")) << conf;
  }
  EXPECT_EQ(*Value("HTTP_PORT", "HTTP_BIND=[::1]").bind->address, Ip("::1"));
}

TEST(ParsePortValue, EveryLoopbackAddressIsTheHosts) {
  EXPECT_THAT(*Value("SMTP_PORT", "SMTP_PORT=127.0.0.2:25").complaint,
              IsEmpty());
}

TEST(ParsePortValue, UnmatchedQuotesAreAComplaint) {
  const PortValue value = Value("SMTP_PORT", "SMTP_PORT='25");
  EXPECT_TRUE(absl::IsDataLoss(value.bind.status()));
  EXPECT_THAT(*value.complaint, HasSubstr("SMTP_PORT"));
}

TEST(ParsePortValue, AddressMustBeOneOfTheHost) {
  EXPECT_THAT(*Value("SMTP_PORT", "SMTP_PORT=203.0.113.9:25").complaint,
              HasSubstr("203.0.113.9, which is no address of this host"));
  EXPECT_THAT(*Value("SMTP_PORT", "SMTP_PORT=0.0.0.0:25").complaint, IsEmpty());
}

TEST(ParsePortValue, UnknownAddressesMatterOnlyToAValueThatNamesOne) {
  const auto unknown = [] { return absl::UnavailableError("no getifaddrs"); };
  const auto conf = MailcowConf::Parse("SMTP_PORT=203.0.113.5:25");
  EXPECT_TRUE(absl::IsUnavailable(
      ParsePortValue(Definition("SMTP_PORT"), *conf, unknown)
          .complaint.status()));
  EXPECT_THAT(
      *ParsePortValue(Definition("IMAP_PORT"), *conf, unknown).complaint,
      IsEmpty());
}

TEST(ParsePortValue, WebPortTakesItsAddressFromTheBindVariable) {
  const PortValue value =
      Value("HTTP_PORT", "HTTP_PORT=8080\nHTTP_BIND=203.0.113.5\n");
  EXPECT_EQ(value.bind->port, 8080);
  EXPECT_EQ(*value.bind->address, Ip("203.0.113.5"));
  EXPECT_THAT(*value.complaint, IsEmpty());
  EXPECT_THAT(*Value("HTTPS_PORT", "HTTPS_BIND=203.0.113.9").complaint,
              HasSubstr("HTTPS_BIND asks for 203.0.113.9"));
}

TEST(ParsePortValue, WebPortMustBeBareThoughItsNumberIsKnown) {
  const PortValue value = Value("HTTP_PORT", "HTTP_PORT=203.0.113.5:8080");
  EXPECT_EQ(value.bind->port, 8080);
  EXPECT_THAT(*value.complaint, HasSubstr("HTTP_BIND"));
}

TEST(ParsePortValue, WebPortMustNotBeOneThatMailcowUsesInside) {
  for (const char* port : {"8081", "9081", "9082", "65510"}) {
    EXPECT_THAT(*Value("HTTP_PORT", absl::StrCat("HTTP_PORT=", port)).complaint,
                HasSubstr("8081, 9081, 9082 and 65510"));
  }
  EXPECT_THAT(*Value("HTTP_PORT", "HTTP_PORT=8082").complaint, IsEmpty());
  EXPECT_THAT(*Value("SMTP_PORT", "SMTP_PORT=8081").complaint, IsEmpty());
}

// Whether a listener at `address` is in the way of a bind to `wanted`; an empty
// `wanted` is every address.
bool Conflict(absl::string_view wanted, absl::string_view address,
              bool ipv6_only = false) {
  Bind bind{.address = std::nullopt, .port = 25};
  if (!wanted.empty()) bind.address = Ip(wanted);
  return Conflicts(
      bind, {.address = Ip(address), .port = 25, .ipv6_only = ipv6_only});
}

TEST(Conflicts, EveryAddressMeetsEveryListener) {
  EXPECT_TRUE(Conflict("", "127.0.0.1"));
  EXPECT_TRUE(Conflict("", "0.0.0.0"));
  EXPECT_TRUE(Conflict("", "::1"));
  EXPECT_TRUE(Conflict("", "::", /*ipv6_only=*/true));
}

TEST(Conflicts, OneAddressMeetsItselfAndWildcards) {
  EXPECT_TRUE(Conflict("203.0.113.5", "203.0.113.5"));
  EXPECT_TRUE(Conflict("203.0.113.5", "0.0.0.0"));
  EXPECT_FALSE(Conflict("203.0.113.5", "203.0.113.6"));
  EXPECT_FALSE(Conflict("203.0.113.5", "127.0.0.1"));
}

TEST(Conflicts, Ipv6WildcardTakesIpv4UnlessItIsIpv6Only) {
  EXPECT_TRUE(Conflict("203.0.113.5", "::", /*ipv6_only=*/false));
  EXPECT_FALSE(Conflict("203.0.113.5", "::", /*ipv6_only=*/true));
  EXPECT_FALSE(Conflict("203.0.113.5", "::1"));
}

TEST(Conflicts, Ipv4WildcardBindMeetsEveryIpv4Listener) {
  EXPECT_TRUE(Conflict("0.0.0.0", "127.0.0.1"));
  EXPECT_TRUE(Conflict("0.0.0.0", "::"));
  EXPECT_FALSE(Conflict("0.0.0.0", "::1"));
}

TEST(Conflicts, Ipv6BindMeetsIpv6ListenersOnly) {
  EXPECT_TRUE(Conflict("2001:db8::1", "2001:db8::1"));
  EXPECT_TRUE(Conflict("2001:db8::1", "::"));
  EXPECT_FALSE(Conflict("2001:db8::1", "0.0.0.0"));
}

TEST(Conflicts, OtherPortsNeverDo) {
  const Bind http{.address = std::nullopt, .port = 80};
  EXPECT_FALSE(Conflicts(http, {.address = Ip("0.0.0.0"), .port = 8080}));
}

TEST(Overlap, OnePortOnTwoAddressesIsNoOverlap) {
  const Bind one{.address = Ip("203.0.113.5"), .port = 25};
  const Bind other{.address = Ip("203.0.113.6"), .port = 25};
  const Bind every{.address = std::nullopt, .port = 25};
  const Bind every_ipv4{.address = Ip("0.0.0.0"), .port = 25};
  const Bind other_port{.address = Ip("203.0.113.5"), .port = 26};
  EXPECT_FALSE(Overlap(one, other));
  EXPECT_FALSE(Overlap(one, other_port));
  EXPECT_TRUE(Overlap(one, one));
  EXPECT_TRUE(Overlap(one, every));
  EXPECT_TRUE(Overlap(every, one));
  EXPECT_TRUE(Overlap(one, every_ipv4));
}

TEST(Overlap, WildcardIsThatOfItsOwnFamilyAlone) {
  const Bind every_ipv4{.address = Ip("0.0.0.0"), .port = 25};
  const Bind every_ipv6{.address = Ip("::"), .port = 25};
  EXPECT_FALSE(Overlap(every_ipv4, every_ipv6));
  EXPECT_TRUE(Overlap(every_ipv6, {.address = Ip("2001:db8::1"), .port = 25}));
}

}  // namespace
}  // namespace mailcow
