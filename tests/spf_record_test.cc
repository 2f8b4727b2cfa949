#include "collectors/spf_record.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

SpfRecord Parse(absl::string_view text) {
  auto record = ParseSpfRecord(text);
  EXPECT_TRUE(record.ok()) << record.status();
  return record.ok() ? *std::move(record) : SpfRecord();
}

// Of a record with one mechanism.
SpfMechanism Mechanism(absl::string_view text) {
  const SpfRecord record = Parse(text);
  EXPECT_THAT(record.mechanisms, SizeIs(1));
  return record.mechanisms.empty() ? SpfMechanism() : record.mechanisms[0];
}

std::string Error(absl::string_view text) {
  const absl::Status status = ParseSpfRecord(text).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << text << ": " << status;
  return std::string(status.message());
}

void ExpectErrors(std::initializer_list<absl::string_view> texts) {
  for (const absl::string_view text : texts) {
    EXPECT_NE(Error(text), "") << text;
  }
}

TEST(IsSpfRecord, VersionEndsInASpaceOrTheRecord) {
  EXPECT_TRUE(IsSpfRecord("v=spf1"));
  EXPECT_TRUE(IsSpfRecord("v=spf1 "));
  EXPECT_TRUE(IsSpfRecord("v=spf1 mx"));
  EXPECT_FALSE(IsSpfRecord("v=spf1mx"));
  EXPECT_FALSE(IsSpfRecord("v=spf10"));
  EXPECT_FALSE(IsSpfRecord("v=spf1\tmx"));
  EXPECT_FALSE(IsSpfRecord(" v=spf1 mx"));
  EXPECT_FALSE(IsSpfRecord("v=spf"));
  EXPECT_FALSE(IsSpfRecord(""));
}

TEST(IsSpfRecord, VersionIsInAnyCase) { EXPECT_TRUE(IsSpfRecord("V=sPf1 a")); }

TEST(ParseSpfRecord, MayHaveNoTerms) {
  EXPECT_THAT(Parse("v=spf1").mechanisms, SizeIs(0));
  EXPECT_THAT(Parse("v=spf1   ").mechanisms, SizeIs(0));
}

TEST(ParseSpfRecord, MechanismsAreInAnyCase) {
  EXPECT_EQ(Mechanism("v=spf1 ALL").kind, SpfMechanism::Kind::kAll);
  EXPECT_EQ(Mechanism("v=spf1 Mx").kind, SpfMechanism::Kind::kMx);
  EXPECT_EQ(Mechanism("v=spf1 IP4:192.0.2.1").kind, SpfMechanism::Kind::kIp4);
}

TEST(ParseSpfRecord, QualifierIsTheResult) {
  EXPECT_EQ(Mechanism("v=spf1 all").result, SpfResult::kPass);
  EXPECT_EQ(Mechanism("v=spf1 +all").result, SpfResult::kPass);
  EXPECT_EQ(Mechanism("v=spf1 -all").result, SpfResult::kFail);
  EXPECT_EQ(Mechanism("v=spf1 ~all").result, SpfResult::kSoftFail);
  EXPECT_EQ(Mechanism("v=spf1 ?all").result, SpfResult::kNeutral);
}

TEST(ParseSpfRecord, TextIsAsPublished) {
  EXPECT_EQ(Mechanism("v=spf1 ~MX/24").text, "~MX/24");
}

TEST(ParseSpfRecord, ErrorNamesTheTerm) {
  EXPECT_THAT(Error("v=spf1 mx a:museum -all"),
              AllOf(HasSubstr("\"a:museum\""), HasSubstr("top-level")));
  EXPECT_THAT(Error("v=spf1 m\x80x"), HasSubstr("\"m\\x80x\""));
}

TEST(ParseSpfRecord, UnknownMechanismIsAnErrorAnywhere) {
  ExpectErrors({"v=spf1 ip4:192.0.2.1 -all moo", "v=spf1 --all", "v=spf1 - all",
                "v=spf1 a\x80:b.example", "v=spf1 \x96mx", "v=spf1 :a",
                "v=spf1 redirect:b.example"});
}

TEST(ParseSpfRecord, OnlySpacesSeparateTerms) {
  EXPECT_THAT(Parse("v=spf1 a  -all ").mechanisms, SizeIs(2));
  ExpectErrors({"v=spf1 a:b.example\rptr -all", "v=spf1 a\t-all"});
}

TEST(ParseSpfRecord, AllStandsAlone) {
  ExpectErrors({"v=spf1 -all.", "v=spf1 -all:foobar", "v=spf1 -all/8"});
}

TEST(ParseSpfRecord, PtrHasNoLength) {
  ExpectErrors({"v=spf1 ptr/0 -all", "v=spf1 ptr:b.example/0 -all"});
}

TEST(ParseSpfRecord, DomainIsNotEmpty) {
  ExpectErrors({"v=spf1 a:", "v=spf1 mx: -all", "v=spf1 ptr:",
                "v=spf1 include: -all", "v=spf1 exists:", "v=spf1 a:/24"});
}

TEST(ParseSpfRecord, IncludeAndExistsNeedADomain) {
  EXPECT_THAT(Error("v=spf1 include +all"), HasSubstr("lacks its argument"));
  EXPECT_THAT(Error("v=spf1 exists"), HasSubstr("lacks its argument"));
  ExpectErrors({"v=spf1 include:b.example/24", "v=spf1 exists:b.example/24"});
}

TEST(ParseSpfRecord, DomainOfTheRecordIsTheDefault) {
  EXPECT_EQ(Mechanism("v=spf1 a").domain, std::nullopt);
  EXPECT_EQ(Mechanism("v=spf1 mx/24").domain, std::nullopt);
  EXPECT_EQ(Mechanism("v=spf1 ptr").domain, std::nullopt);
}

TEST(ParseSpfRecord, DomainMayHoldSlashesAndColons) {
  const SpfMechanism mechanism = Mechanism("v=spf1 a:foo:bar/baz.example/24");
  EXPECT_EQ(mechanism.domain, *ParseSpfDomain("foo:bar/baz.example"));
  EXPECT_EQ(mechanism.ipv4_bits, 24);
}

TEST(ParseSpfRecord, LengthsAreOfBothFamilies) {
  for (const absl::string_view text :
       {"v=spf1 a/24//64", "v=spf1 mx:b.example/24//64"}) {
    EXPECT_EQ(Mechanism(text).ipv4_bits, 24) << text;
    EXPECT_EQ(Mechanism(text).ipv6_bits, 64) << text;
  }
}

TEST(ParseSpfRecord, LengthIsThatOfAnAddressByDefault) {
  EXPECT_EQ(Mechanism("v=spf1 a//64").ipv4_bits, 32);
  EXPECT_EQ(Mechanism("v=spf1 a/24").ipv6_bits, 128);
}

TEST(ParseSpfRecord, LengthsHaveLimits) {
  EXPECT_EQ(Mechanism("v=spf1 a/0//0").ipv4_bits, 0);
  EXPECT_EQ(Mechanism("v=spf1 a/32//128").ipv6_bits, 128);
  EXPECT_THAT(Error("v=spf1 a/33 -all"), HasSubstr("from 0 to 32"));
  EXPECT_THAT(Error("v=spf1 mx//129 -all"), HasSubstr("from 0 to 128"));
  ExpectErrors({"v=spf1 a/24/64", "v=spf1 a/99999999999", "v=spf1 a/",
                "v=spf1 a//", "v=spf1 a/24//", "v=spf1 a//64/24",
                "v=spf1 a///64", "v=spf1 a/-1", "v=spf1 a24"});
}

TEST(ParseSpfRecord, LengthHasNoLeadingZero) {
  ExpectErrors({"v=spf1 ip4:192.0.2.4/032", "v=spf1 a/00", "v=spf1 a//064"});
}

TEST(ParseSpfRecord, Ip4HasAnIpv4Network) {
  const SpfMechanism mechanism = Mechanism("v=spf1 ip4:192.0.2.0/24");
  EXPECT_EQ(ToString(mechanism.network), "192.0.2.0");
  EXPECT_EQ(mechanism.ipv4_bits, 24);
  EXPECT_EQ(Mechanism("v=spf1 ip4:192.0.2.1").ipv4_bits, 32);
}

TEST(ParseSpfRecord, Ip4HasNothingElse) {
  ExpectErrors({"v=spf1 ip4", "v=spf1 ip4:", "v=spf1 ip4/24",
                "v=spf1 ip4:192.0.2.4/33", "v=spf1 ip4:192.0.2.4//32",
                "v=spf1 ip4:192.0.2.4:8080", "v=spf1 ip4:192.0.2",
                "v=spf1 ip4:192.0.2.04", "v=spf1 ip4:2001:db8::1",
                "v=spf1 ip4:::ffff:192.0.2.4", "v=spf1 ip4:[192.0.2.4]",
                "v=spf1 ip4:%{i}"});
}

TEST(ParseSpfRecord, Ip6HasAnIpv6Network) {
  const SpfMechanism mechanism = Mechanism("v=spf1 ip6:2001:DB8:8000::/33");
  EXPECT_EQ(ToString(mechanism.network), "2001:db8:8000::");
  EXPECT_EQ(mechanism.ipv6_bits, 33);
}

TEST(ParseSpfRecord, MappedIp6NetworkStaysIpv6) {
  const SpfMechanism mechanism = Mechanism("v=spf1 ip6:::ffff:192.0.2.4");
  EXPECT_EQ(mechanism.network.family, IpAddress::Family::kIpv6);
  EXPECT_EQ(ToString(mechanism.network), "::ffff:192.0.2.4");
}

TEST(ParseSpfRecord, Ip6HasNothingElse) {
  ExpectErrors({"v=spf1 -all ip6", "v=spf1 ip6:::1.1.1.1/129",
                "v=spf1 ip6:::1.1.1.1//33", "v=spf1 ip6::CAFE::BABE",
                "v=spf1 ip6:192.0.2.4", "v=spf1 ip6:[2001:db8::1]"});
}

TEST(ParseSpfRecord, RedirectIsRead) {
  EXPECT_EQ(Parse("v=spf1 Redirect=_spf.%{d} mx").redirect,
            *ParseSpfDomain("_spf.%{d}"));
  EXPECT_EQ(Parse("v=spf1 mx").redirect, std::nullopt);
}

TEST(ParseSpfRecord, RedirectAndExpNeedADomain) {
  ExpectErrors({"v=spf1 exp= -all", "v=spf1 exp=-all",
                "v=spf1 ?all redirect=", "v=spf1 redirect=-all ?all",
                "v=spf1 -all exp=%{r}.b.example", "v=spf1 redirect"});
}

TEST(ParseSpfRecord, RedirectAndExpAppearOnce) {
  EXPECT_THAT(Error("v=spf1 exp=b.example -all exp=c.example"),
              HasSubstr("second of its kind"));
  EXPECT_THAT(Error("v=spf1 redirect=b.example -all REDIRECT=b.example"),
              HasSubstr("second of its kind"));
  Parse("v=spf1 exp=b.example redirect=b.example");
}

TEST(ParseSpfRecord, UnknownModifiersAreIgnored) {
  EXPECT_THAT(
      Parse("v=spf1 moo.cow-far_out=man:dog/cat a=b default=+ a=b=c d= mx")
          .mechanisms,
      SizeIs(1));
}

TEST(ParseSpfRecord, UnknownModifiersHaveSyntax) {
  ExpectErrors({"v=spf1 moo.cow/far_out=man", "v=spf1 moo.cow:far_out=man",
                "v=spf1 1up=foo", "v=spf1 =all", "v=spf1 -foo=bar",
                "v=spf1 m!=b", "v=spf1 -all foo=%abc", "v=spf1 foo=\x80"});
}

}  // namespace
}  // namespace mailcow
