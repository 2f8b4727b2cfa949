#include "collectors/time_server.h"

#include "absl/strings/str_cat.h"
#include "collectors/time_sources.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "HOST PORT", or "" for what names no server.
std::string Parsed(absl::string_view text) {
  const auto server = ParseTimeServer(text);
  if (!server.ok()) return "";
  return absl::StrCat(server->host, " ", server->port);
}

TEST(ParseTimeServer, NameOrAddressHasThePortOfNtp) {
  EXPECT_EQ(Parsed("0.pool.ntp.org"), "0.pool.ntp.org 123");
  EXPECT_EQ(Parsed("192.0.2.1"), "192.0.2.1 123");
}

TEST(ParseTimeServer, PortMayFollow) {
  EXPECT_EQ(Parsed("ntp.example.org:11123"), "ntp.example.org 11123");
  EXPECT_EQ(Parsed("192.0.2.1:1"), "192.0.2.1 1");
}

TEST(ParseTimeServer, Ipv6WithoutBracketsHasNoPort) {
  EXPECT_EQ(Parsed("2001:db8::123"), "2001:db8::123 123");
  EXPECT_EQ(Parsed("::1"), "::1 123");
  EXPECT_EQ(Parsed("fe80::1%eth0"), "fe80::1%eth0 123");
}

TEST(ParseTimeServer, Ipv6InBracketsMayHaveAPort) {
  EXPECT_EQ(Parsed("[2001:db8::1]"), "2001:db8::1 123");
  EXPECT_EQ(Parsed("[2001:db8::1]:11123"), "2001:db8::1 11123");
}

TEST(ParseTimeServer, PortIsFromOneTo65535) {
  EXPECT_EQ(Parsed("a:0"), "");
  EXPECT_EQ(Parsed("a:1"), "a 1");
  EXPECT_EQ(Parsed("a:65535"), "a 65535");
  EXPECT_EQ(Parsed("a:65536"), "");
  EXPECT_EQ(Parsed("[::1]:0"), "");
  EXPECT_EQ(Parsed("[::1]:65536"), "");
}

TEST(ParseTimeServer, WhatNamesNoServerIsInvalid) {
  for (const char* text : {"",
                           ":",
                           ":123",
                           "a:",
                           "a:ntp",
                           "a:-1",
                           "[",
                           "[]",
                           "[]:123",
                           "[::1",
                           "[::1]:",
                           "[::1]123",
                           "[::1]x:123",
                           "a b",
                           "a\tb",
                           "a\nb",
                           "a/b",
                           "a]",
                           "a[b]",
                           "\x7f",
                           "b\xc3\xbc"
                           "cher.example"}) {
    const auto status = ParseTimeServer(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
  }
}

TEST(ParseTimeServer, MessageSaysWhatWasReadAndWhatIsExpected) {
  EXPECT_EQ(ParseTimeServer("a b").status().message(),
            "\"a b\" is not HOST, HOST:PORT or [IPV6]:PORT");
}

// Without brackets "a:99999" is refused: they named what could not be asked.
TEST(ParseTimeServer, BracketsAreForIpv6Only) {
  for (const char* text : {"[a:99999]", "[a:]", "[a:1]", "[192.0.2.1]:123"}) {
    EXPECT_EQ(Parsed(text), "") << text;
  }
}

TEST(ParseTimeServer, SignedOrBlankPortIsNone) {
  EXPECT_EQ(Parsed("a:+123"), "");
  EXPECT_EQ(Parsed("a: 123"), "");
  EXPECT_EQ(Parsed("[::1]:123 "), "");
}

TEST(FormatTimeServer, LeavesOutThePortOfNtp) {
  EXPECT_EQ(FormatTimeServer({.host = "ntp.example.org"}), "ntp.example.org");
  EXPECT_EQ(FormatTimeServer({.host = "2001:db8::1"}), "2001:db8::1");
}

TEST(FormatTimeServer, PutsBracketsAroundIpv6BeforeAPort) {
  EXPECT_EQ(FormatTimeServer({.host = "192.0.2.1", .port = 11123}),
            "192.0.2.1:11123");
  EXPECT_EQ(FormatTimeServer({.host = "2001:db8::1", .port = 11123}),
            "[2001:db8::1]:11123");
}

TEST(FormatTimeServer, IsTheInverse) {
  for (const char* text : {"ntp.example.org", "ntp.example.org:1123", "::1",
                           "[2001:db8::1]:1123", "fe80::1%eth0"}) {
    EXPECT_EQ(FormatTimeServer(*ParseTimeServer(text)), text);
  }
}

TEST(TimeSources, NameEachServerOnceInTheOrderOfTheirComing) {
  TimeSources sources;
  for (const char* name : {"b", "a", "b", "b:123", "[::1]:123", "::1", "a:1"}) {
    sources.AddServer(name);
  }
  EXPECT_THAT(sources.servers, ElementsAre("b", "a", "::1", "a:1"));
}

TEST(TimeSources, LeaveOutWhatNamesNone) {
  TimeSources sources;
  for (const char* name : {"", "a b", "a:0", "[::1"}) sources.AddServer(name);
  EXPECT_THAT(sources.servers, IsEmpty());
}

TEST(ParseTimeServer, NamesOfOneHostAreOneName) {
  EXPECT_EQ(ParseTimeServer("NTP.Example.org.")->host, "ntp.example.org");
}

}  // namespace
}  // namespace mailcow
