#include "collectors/dns_name.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;

// The name, or what is wrong.
std::string Normalized(absl::string_view text) {
  const auto name = NormalizeDnsName(text);
  if (name.ok()) return *name;
  EXPECT_TRUE(absl::IsInvalidArgument(name.status())) << text;
  return std::string(name.status().message());
}

std::string Unqualified(absl::string_view hostname) {
  const absl::Status status = CheckQualified(hostname);
  EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << hostname;
  return std::string(status.message());
}

// A name of four labels and so many characters.
std::string NameOf(size_t length) {
  const std::string label(63, 'a');
  const std::string name =
      absl::StrCat(label, ".", label, ".", label, ".", label);
  return name.substr(0, length);
}

TEST(NormalizeDnsName, IsInLowerCase) {
  EXPECT_EQ(Normalized("Mail.EXAMPLE.org"), "mail.example.org");
}

TEST(NormalizeDnsName, LosesOneDotAtTheEnd) {
  EXPECT_EQ(Normalized("example.org."), "example.org");
  EXPECT_THAT(Normalized("example.org.."), HasSubstr("has an empty label"));
}

TEST(NormalizeDnsName, RootIsNotAskedFor) {
  EXPECT_EQ(Normalized(""), "the name \"\" is empty");
  EXPECT_EQ(Normalized("."), "the name \".\" is empty");
}

TEST(NormalizeDnsName, LabelsAreNotEmpty) {
  EXPECT_EQ(Normalized("a..b"), "the name \"a..b\" has an empty label");
  EXPECT_THAT(Normalized(".a"), HasSubstr("has an empty label"));
}

TEST(NormalizeDnsName, LabelHasUpTo63Characters) {
  EXPECT_EQ(Normalized(std::string(63, 'a')), std::string(63, 'a'));
  EXPECT_THAT(Normalized(std::string(64, 'a')),
              HasSubstr("has a label longer than 63"));
}

TEST(NormalizeDnsName, NameHasUpTo253Characters) {
  EXPECT_EQ(Normalized(NameOf(253)), NameOf(253));
  EXPECT_EQ(Normalized(absl::StrCat(NameOf(253), ".")), NameOf(253));
  EXPECT_THAT(Normalized(NameOf(254)), HasSubstr("is longer than 253"));
}

TEST(NormalizeDnsName, TakesMoreThanHostnames) {
  EXPECT_EQ(Normalized("_25._tcp.mail.example.org"),
            "_25._tcp.mail.example.org");
  EXPECT_EQ(Normalized("0/25.2.0.192.in-addr.arpa"),
            "0/25.2.0.192.in-addr.arpa");
  EXPECT_EQ(Normalized("-a-.*.example"), "-a-.*.example");
}

TEST(NormalizeDnsName, SpaceAndControlCharactersAndEscapesAreErrors) {
  for (const absl::string_view text :
       {absl::string_view("a b"), absl::string_view("a\tb"),
        absl::string_view("a\nb"), absl::string_view("a\0b", 3),
        absl::string_view("a\x7f"), absl::string_view("a\\.b"),
        absl::string_view(" a"), absl::string_view("b\xc3\xbc\0c", 5),
        absl::string_view("b\xc3\xbc c"),
        absl::string_view("b\xc3\xbc\xc2\xa0"
                          "c")}) {
    EXPECT_FALSE(NormalizeDnsName(text).ok()) << text;
  }
  EXPECT_EQ(Normalized("a\nb"),
            "the name \"a\\nb\" has a space, a backslash or a control "
            "character");
}

TEST(NormalizeDnsName, NamesBeyondAsciiAreInTheirAsciiForm) {
  EXPECT_EQ(Normalized("mail.b\xc3\xbc"
                       "cher.example"),
            "mail.xn--bcher-kva.example");
  EXPECT_EQ(Normalized("B\xc3\x9c"
                       "CHER.example."),
            "xn--bcher-kva.example");
  EXPECT_EQ(Normalized("_dmarc.b\xc3\xbc"
                       "cher.example"),
            "_dmarc.xn--bcher-kva.example");
}

// IDNA 2008 keeps the sharp s, which IDNA 2003 made two of.
TEST(NormalizeDnsName, SharpSStaysOne) {
  EXPECT_EQ(Normalized("stra\xc3\x9f"
                       "e.example"),
            "xn--strae-oqa.example");
}

TEST(NormalizeDnsName, AsciiFormIsTakenAsItIs) {
  EXPECT_EQ(Normalized("XN--bcher-kva.example"), "xn--bcher-kva.example");
}

TEST(NormalizeDnsName, FormOfADecomposedNameIsThatOfTheComposed) {
  EXPECT_EQ(Normalized("bu\xcc\x88"
                       "cher.example"),
            "xn--bcher-kva.example");
}

TEST(NormalizeDnsName, WhatHasNoAsciiFormIsAnError) {
  EXPECT_THAT(Normalized("\xff\xfe.example"), HasSubstr("has no ASCII form: "));
  std::string text;
  for (int i = 0; i < 600; ++i) text += "\xc3\xbc";
  EXPECT_THAT(Normalized(text), HasSubstr("is too long"));
}

TEST(CheckQualified, HostnameWithADomainIs) {
  for (const char* name :
       {"mail.example.org", "example.org", "1.example.org", "a-b.example.org",
        "mail.xn--bcher-kva.example", "mail.example", "mail.test",
        "local.example.org", "mail.notlocal", "x.1a"}) {
    EXPECT_EQ(Unqualified(name), "") << name;
  }
}

TEST(CheckQualified, SingleLabelIsNot) {
  EXPECT_EQ(Unqualified("mail"), "the name \"mail\" has no domain");
}

TEST(CheckQualified, LabelsAreLettersDigitsAndInnerHyphens) {
  EXPECT_EQ(Unqualified("mail_1.example.org"),
            "the name \"mail_1.example.org\" has the label \"mail_1\", which "
            "is not letters, digits and inner hyphens");
  EXPECT_NE(Unqualified("-mail.example.org"), "");
  EXPECT_NE(Unqualified("mail-.example.org"), "");
  EXPECT_NE(Unqualified("*.example.org"), "");
  EXPECT_NE(Unqualified("mail..org"), "");
  EXPECT_NE(Unqualified(""), "");
}

TEST(CheckQualified, AddressIsNot) {
  EXPECT_EQ(Unqualified("192.0.2.1"),
            "the name \"192.0.2.1\" ends in a number, as only addresses do");
  EXPECT_NE(Unqualified("2001:db8::1"), "");
}

TEST(CheckQualified, NamesOutsideThePublicDnsAreNot) {
  EXPECT_EQ(Unqualified("mail.home.lan"),
            "the name \"mail.home.lan\" is of \"lan\", which is not in the "
            "public DNS");
  for (const char* name :
       {"localhost", "mail.localhost", "localhost.localdomain", "mail.local",
        "mail.internal", "mail.home", "mail.home.arpa", "mail.corp",
        "mail.intranet", "mail.private", "mail.invalid", "mail.onion",
        "mail.alt"}) {
    EXPECT_THAT(Unqualified(name), HasSubstr("not in the public DNS")) << name;
  }
}

TEST(ParentOf, IsWhatFollowsTheFirstDot) {
  EXPECT_EQ(ParentOf("mail.example.org"), "example.org");
  EXPECT_EQ(ParentOf("org"), "");
  EXPECT_EQ(ParentOf(""), "");
}

TEST(ReverseName, HasTheBytesOfIpv4Backwards) {
  EXPECT_EQ(ReverseName(*ParseIpAddress("192.0.2.1")),
            "1.2.0.192.in-addr.arpa");
}

TEST(ReverseName, HasTheHexDigitsOfIpv6Backwards) {
  EXPECT_EQ(ReverseName(*ParseIpAddress("2001:db8::12ab")),
            "b.a.2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
            "ip6.arpa");
}

TEST(IsPublic, BothSidesOfEachNetworkOfIpv4) {
  for (const char* address :
       {"1.0.0.0",     "9.255.255.255",   "11.0.0.0",     "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.0",    "169.253.255.255",
        "169.255.0.0", "172.15.255.255",  "172.32.0.0",   "191.255.255.255",
        "192.0.1.0",   "192.88.98.255",   "192.88.100.0", "192.167.255.255",
        "192.169.0.0", "198.17.255.255",  "198.20.0.0",   "223.255.255.255"}) {
    EXPECT_TRUE(IsPublic(*ParseIpAddress(address))) << address;
  }
  for (const char* address :
       {"0.0.0.0",     "0.255.255.255",   "10.0.0.0",    "10.255.255.255",
        "100.64.0.0",  "100.127.255.255", "127.0.0.1",   "127.255.255.255",
        "169.254.0.0", "169.254.255.255", "172.16.0.0",  "172.31.255.255",
        "192.0.0.0",   "192.0.0.255",     "192.88.99.0", "192.88.99.255",
        "192.168.0.0", "192.168.255.255", "198.18.0.0",  "198.19.255.255",
        "224.0.0.0",   "239.255.255.255", "240.0.0.0",   "255.255.255.255"}) {
    EXPECT_FALSE(IsPublic(*ParseIpAddress(address))) << address;
  }
}

TEST(IsPublic, OnlyGlobalUnicastOfIpv6) {
  for (const char* address :
       {"2000::1", "2001:200::1", "2003::1", "2606:4700::1", "2a01:4f8::1",
        "3ffe::1", "3fff:ffff::1"}) {
    EXPECT_TRUE(IsPublic(*ParseIpAddress(address))) << address;
  }
  for (const char* address :
       {"::", "::1", "64:ff9b::1", "100::1", "1fff::1", "2001::1", "2001:2::1",
        "2001:20::1", "2001:1ff::1", "2002:c000:201::1", "4000::1", "5f00::1",
        "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1"}) {
    EXPECT_FALSE(IsPublic(*ParseIpAddress(address))) << address;
  }
}

TEST(IsPublic, MappedAddressIsWhatItMaps) {
  EXPECT_FALSE(IsPublic(*ParseIpAddress("::ffff:10.0.0.1")));
  EXPECT_TRUE(IsPublic(*ParseIpAddress("::ffff:192.0.2.1")));
}

TEST(IsPublic, AddressesForDocumentationStandForPublicOnes) {
  for (const char* address :
       {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"}) {
    EXPECT_TRUE(IsPublic(*ParseIpAddress(address))) << address;
  }
}

}  // namespace
}  // namespace mailcow
