#include "collectors/resolv_conf.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Servers(absl::string_view text) {
  std::vector<std::string> servers;
  for (const NameServer& server : ParseResolvConf(text)) {
    servers.push_back(ToString(server));
  }
  return servers;
}

TEST(ParseResolvConf, ServersAreInTheirOrder) {
  EXPECT_THAT(Servers("nameserver 192.0.2.2\nnameserver 192.0.2.1\n"),
              ElementsAre("192.0.2.2:53", "192.0.2.1:53"));
}

TEST(ParseResolvConf, LastLineNeedsNoEnd) {
  EXPECT_THAT(Servers("nameserver 192.0.2.1"), ElementsAre("192.0.2.1:53"));
}

TEST(ParseResolvConf, OtherDirectivesAreSkipped) {
  EXPECT_THAT(Servers("search example.org\noptions edns0 trust-ad\n"
                      "sortlist 192.0.2.9\nnameserver 192.0.2.1\n"
                      "nameservers 192.0.2.2\nNAMESERVER 192.0.2.3\n"),
              ElementsAre("192.0.2.1:53"));
}

TEST(ParseResolvConf, CommentsAreSkipped) {
  EXPECT_THAT(Servers("# nameserver 192.0.2.1\n;nameserver 192.0.2.2\n"
                      "nameserver 192.0.2.3 # the third\n"),
              ElementsAre("192.0.2.3:53"));
}

TEST(ParseResolvConf, SpaceIsOfAnyLengthButNotBeforeTheWord) {
  EXPECT_THAT(Servers("nameserver \t 192.0.2.1\t \nnameserver\t192.0.2.2\n"
                      " nameserver 192.0.2.3\n"),
              ElementsAre("192.0.2.1:53", "192.0.2.2:53"));
}

TEST(ParseResolvConf, NoMoreThanThreeAreAsked) {
  EXPECT_THAT(Servers("nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
                      "nameserver 192.0.2.3\nnameserver 192.0.2.4\n"),
              ElementsAre("192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"));
}

TEST(ParseResolvConf, Ipv6MayHaveAScope) {
  EXPECT_THAT(Servers("nameserver 2001:db8::1\nnameserver fe80::1%eth0\n"),
              ElementsAre("[2001:db8::1]:53", "[fe80::1%eth0]:53"));
  EXPECT_THAT(
      ParseResolvConf("nameserver fe80::1%eth0\n"),
      ElementsAre(NameServer{
          .address = *ParseIpAddress("fe80::1"), .scope = "eth0", .port = 53}));
}

TEST(ParseResolvConf, WhatIsNoAddressIsSkipped) {
  EXPECT_THAT(Servers("nameserver\nnameserver \nnameserver dns.example\n"
                      "nameserver 192.0.2.1:53\nnameserver [2001:db8::1]\n"
                      "nameserver 192.0.2.1%eth0\nnameserver fe80::1%\n"
                      "nameserver fe80::1%a]\nnameserver fe80::1%\x01\n"
                      "nameserver 192.0.2.256\nnameserver 192.0.2.5\r\n"
                      "nameserver 192.0.2.7\n"),
              ElementsAre("192.0.2.7:53"));
}

TEST(ParseResolvConf, LoopbackIsAskedWhereNoneIsNamed) {
  EXPECT_THAT(Servers(""), ElementsAre("127.0.0.1:53"));
  EXPECT_THAT(Servers("search example.org\nnameserver dns.example\n"),
              ElementsAre("127.0.0.1:53"));
}

}  // namespace
}  // namespace mailcow
