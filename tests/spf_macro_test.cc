#include "collectors/spf_macro.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;

IpAddress Address(absl::string_view text) {
  const auto address = ParseIpAddress(text);
  EXPECT_TRUE(address.ok()) << text;
  return address.value_or(IpAddress());
}

SpfMacroValues Values() {
  return {.client = Address("192.0.2.3"),
          .local_part = "strong-bad",
          .sender_domain = "email.example.com",
          .domain = "spf.example.com",
          .helo = "mail.example.org",
          .client_name = "mx.example.net"};
}

std::string Expand(absl::string_view text,
                   const SpfMacroValues& values = Values()) {
  const auto parsed = ParseSpfMacroString(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? ExpandSpfDomain(*parsed, values) : "error";
}

std::string Error(absl::string_view text) {
  return std::string(ParseSpfMacroString(text).status().message());
}

bool IsDomain(absl::string_view text) { return ParseSpfDomain(text).ok(); }

TEST(ExpandSpfDomain, EachLetterHasItsValue) {
  EXPECT_EQ(Expand("%{s}"), "strong-bad@email.example.com");
  EXPECT_EQ(Expand("%{l}"), "strong-bad");
  EXPECT_EQ(Expand("%{o}"), "email.example.com");
  EXPECT_EQ(Expand("%{d}"), "spf.example.com");
  EXPECT_EQ(Expand("%{i}"), "192.0.2.3");
  EXPECT_EQ(Expand("%{p}"), "mx.example.net");
  EXPECT_EQ(Expand("%{v}"), "in-addr");
  EXPECT_EQ(Expand("%{h}"), "mail.example.org");
}

TEST(ExpandSpfDomain, Ipv6ClientIsInNibbles) {
  SpfMacroValues values = Values();
  values.client = Address("2001:db8::cb01");
  EXPECT_EQ(Expand("%{i}.%{v}", values),
            "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1."
            "ip6");
  EXPECT_EQ(Expand("%{ir}", values),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2");
}

TEST(ExpandSpfDomain, DigitsKeepPartsFromTheRight) {
  EXPECT_EQ(Expand("%{o4}"), "email.example.com");
  EXPECT_EQ(Expand("%{o3}"), "email.example.com");
  EXPECT_EQ(Expand("%{o2}"), "example.com");
  EXPECT_EQ(Expand("%{o1}"), "com");
}

TEST(ExpandSpfDomain, MoreDigitsThanAnyNumberHasKeepAll) {
  EXPECT_EQ(Expand("%{o18446744073709551617}"), "email.example.com");
}

TEST(ExpandSpfDomain, PartsAreReversedBeforeTheyAreCounted) {
  EXPECT_EQ(Expand("%{or}"), "com.example.email");
  EXPECT_EQ(Expand("%{o2r}"), "example.email");
  EXPECT_EQ(Expand("%{o2R}"), "example.email");
}

TEST(ExpandSpfDomain, DelimitersSplitAndDotsJoin) {
  EXPECT_EQ(Expand("%{l-}"), "strong.bad");
  EXPECT_EQ(Expand("%{lr-}"), "bad.strong");
  EXPECT_EQ(Expand("%{l1r-}"), "strong");
  EXPECT_EQ(Expand("%{lr}"), "strong-bad");
}

TEST(ExpandSpfDomain, SeveralDelimitersSplit) {
  SpfMacroValues values = Values();
  values.local_part = "foo-bar+zip+quux";
  EXPECT_EQ(Expand("%{l2r+-}.user", values), "bar.foo.user");
  values.local_part = "a.b-c+d,e/f_g=h";
  EXPECT_EQ(Expand("%{l.-+,/_=}", values), "a.b.c.d.e.f.g.h");
}

TEST(ExpandSpfDomain, DelimitersReplaceTheDot) {
  SpfMacroValues values = Values();
  values.local_part = "a.b-c";
  EXPECT_EQ(Expand("%{lr-}", values), "c.a.b");
}

TEST(ExpandSpfDomain, UpperCaseLetterEscapesForUrls) {
  SpfMacroValues values = Values();
  values.local_part = "~jack&jill=up-a_b3.c";
  EXPECT_EQ(Expand("%{L}", values), "~jack%26jill%3dup-a_b3.c");
}

TEST(ExpandSpfDomain, PercentSignsStandForCharacters) {
  EXPECT_EQ(Expand("macro%%percent%_%_space%-url.example.com"),
            "macro%percent  space%20url.example.com");
}

TEST(ExpandSpfDomain, IsLowerCaseWithoutLastDot) {
  EXPECT_EQ(Expand("%{D2}.Sub.Example.COM."), "example.com.sub.example.com");
}

TEST(ExpandSpfDomain, LongNameLosesLabelsAtItsBeginning) {
  SpfMacroValues values = Values();
  values.sender_domain = "somewhat.long.exp.example.com";  // 29 characters
  const std::string eight =
      "%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.example.com";
  const std::string expanded = Expand(eight, values);
  EXPECT_EQ(expanded.size(), 251);
  EXPECT_EQ(Expand(absl::StrCat("a.", eight), values),
            absl::StrCat("a.", expanded));
  EXPECT_EQ(Expand(absl::StrCat("ab.", eight), values), expanded);
  EXPECT_EQ(Expand(absl::StrCat("foobar.a.", eight), values),
            absl::StrCat("a.", expanded));
}

TEST(ExpandSpfDomain, LongLabelIsNotCut) {
  SpfMacroValues values = Values();
  values.helo = std::string(300, 'a');
  EXPECT_EQ(Expand("b.%{h}", values), values.helo);
}

TEST(ParseSpfMacroString, UnknownLetterIsNoMacro) {
  EXPECT_THAT(Error("%{a}.example.com"), HasSubstr("\"%{a\" is no macro"));
  EXPECT_THAT(Error("%{}"), HasSubstr("is no macro"));
}

TEST(ParseSpfMacroString, SomeLettersAreForExplanationsOnly) {
  for (const absl::string_view letter : {"c", "r", "t", "C", "R", "T"}) {
    EXPECT_THAT(Error(absl::StrCat("%{", letter, "}")),
                HasSubstr("for explanations only"));
  }
}

TEST(ParseSpfMacroString, PercentMustBeginAMacro) {
  EXPECT_THAT(Error("%(ir).example.com"), HasSubstr("%"));
  EXPECT_THAT(Error("foo%(ir).example.com"), HasSubstr("%"));
  EXPECT_THAT(Error("foo%.example.com"), HasSubstr("%"));
  EXPECT_THAT(Error("foo%"), HasSubstr("%"));
  EXPECT_THAT(Error("%abc"), HasSubstr("%"));
}

TEST(ParseSpfMacroString, MacroMustEnd) {
  EXPECT_THAT(Error("%{d"), HasSubstr("lacks the end"));
  EXPECT_THAT(Error("%{d2x}"), HasSubstr("lacks the end"));
  EXPECT_THAT(Error("%{d-2}"), HasSubstr("lacks the end"));
  EXPECT_THAT(Error("%{"), HasSubstr("lacks the letter"));
}

TEST(ParseSpfMacroString, NoPartsIsAnError) {
  EXPECT_THAT(Error("%{d0}"), HasSubstr("too few"));
  EXPECT_THAT(Error("%{d00r}"), HasSubstr("too few"));
}

TEST(ParseSpfMacroString, HoldsVisibleAsciiOnly) {
  EXPECT_THAT(Error("a\x80"), HasSubstr("visible ASCII"));
  EXPECT_THAT(Error("a\tb"), HasSubstr("visible ASCII"));
  EXPECT_THAT(Error(absl::string_view("a\0", 2)), HasSubstr("visible ASCII"));
  EXPECT_EQ(Error("!\"#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"), "");
}

TEST(ParseSpfMacroString, MayBeEmpty) { EXPECT_EQ(Error(""), ""); }

TEST(ParseSpfDomain, EndsInATopLabel) {
  EXPECT_TRUE(IsDomain("foo.example.com"));
  EXPECT_TRUE(IsDomain("foo.example.com."));
  EXPECT_TRUE(IsDomain("foo.example.xn--zckzah"));
  EXPECT_TRUE(IsDomain("foo.1a1"));
  EXPECT_TRUE(IsDomain("foo.1-1"));
  EXPECT_TRUE(IsDomain("foo:bar/baz.example.com"));
  EXPECT_TRUE(IsDomain("a...example.com"));
}

TEST(ParseSpfDomain, OtherEndsAreErrors) {
  for (const absl::string_view text :
       {"", ".", "museum", "museum.", "foo-bar", "-all", "abc.123",
        "example.-com", "example.com-", "example.com:8080", "example.com/24",
        "example.com..", "example.c_m", "%{d}com", "%{d}.", "%%.%%_"}) {
    EXPECT_FALSE(IsDomain(text)) << text;
  }
}

TEST(ParseSpfDomain, MayEndInAMacro) {
  EXPECT_TRUE(IsDomain("%{d}"));
  EXPECT_TRUE(IsDomain("%{d.}"));
  EXPECT_TRUE(IsDomain("foo%%"));
  EXPECT_TRUE(IsDomain("foo%_"));
  EXPECT_TRUE(IsDomain("foo%-"));
}

TEST(ParseSpfDomain, AddressIsToldFromADomain) {
  EXPECT_THAT(ParseSpfDomain("111.222.33.44").status().message(),
              HasSubstr("is an address: that is for ip4 and ip6"));
}

TEST(HasMacro, TellsMacrosFromText) {
  EXPECT_TRUE(HasMacro(*ParseSpfMacroString("a.%{P2}"), 'p'));
  EXPECT_FALSE(HasMacro(*ParseSpfMacroString("p.%{d}"), 'p'));
}

}  // namespace
}  // namespace mailcow
