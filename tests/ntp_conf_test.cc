#include "collectors/ntp_conf.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TimeSources Parsed(absl::string_view text) {
  TimeSources sources;
  AddNtpConf(text, sources);
  return sources;
}

TEST(AddNtpConf, ServersPoolsAndPeersAreSources) {
  const TimeSources sources = Parsed(
      "driftfile /var/lib/ntpsec/ntp.drift\n"
      "pool 0.debian.pool.ntp.org iburst\n"
      "server time.example.org nts prefer\n"
      "peer 192.0.2.1\n"
      "restrict default kod nomodify nopeer noquery limited\n"
      "restrict 127.0.0.1\n");
  EXPECT_THAT(sources.servers, ElementsAre("0.debian.pool.ntp.org",
                                           "time.example.org", "192.0.2.1"));
  EXPECT_EQ(sources.reference_clocks, 0);
}

TEST(AddNtpConf, WordsForTheAddressFamilyAreSkipped) {
  EXPECT_THAT(Parsed("server -4 a iburst\npool -6 b\npeer ipv4 c\n"
                     "server ipv6 d\n")
                  .servers,
              ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(Parsed("server -4\nserver\n").servers, IsEmpty());
}

TEST(AddNtpConf, Ipv6MayStandInBrackets) {
  EXPECT_THAT(Parsed("server [2001:db8::1]\nserver 2001:db8::2\n").servers,
              ElementsAre("2001:db8::1", "2001:db8::2"));
}

TEST(AddNtpConf, EachServerIsNamedOnce) {
  EXPECT_THAT(Parsed("server a\npool a\nserver a iburst\n").servers,
              ElementsAre("a"));
}

TEST(AddNtpConf, CommentsReachToTheEndOfTheLine) {
  EXPECT_THAT(Parsed("#server a\nserver b # server c\n  # server d\n"
                     "server # e\n")
                  .servers,
              ElementsAre("b"));
}

TEST(AddNtpConf, SpaceAroundWordsIsSkipped) {
  EXPECT_THAT(Parsed("\t server \t a\r\n\n \nserver b").servers,
              ElementsAre("a", "b"));
}

TEST(AddNtpConf, OtherDirectivesNameNoSource) {
  EXPECT_THAT(Parsed("serverx a\nunpeer b\nbroadcast c\nlisten on d\n").servers,
              IsEmpty());
}

TEST(AddNtpConf, DriversAreReferenceClocks) {
  const TimeSources sources = Parsed(
      "server 127.127.20.0 mode 17\n"
      "fudge 127.127.20.0 refid GPS\n"
      "server 127.127.28.0\n"
      "server 127.127.10.0\n");
  EXPECT_THAT(sources.servers, IsEmpty());
  EXPECT_EQ(sources.reference_clocks, 3);
}

TEST(AddNtpConf, ClockOfTheHostItselfIsNoSource) {
  const TimeSources sources = Parsed(
      "server 127.127.1.0\n"
      "fudge 127.127.1.0 stratum 10\n"
      "server 127.127.1.1 prefer\n"
      "refclock local unit 1\n");
  EXPECT_THAT(sources.servers, IsEmpty());
  EXPECT_EQ(sources.reference_clocks, 0);
}

TEST(AddNtpConf, OtherAddressesOfTheHostAreServers) {
  EXPECT_THAT(Parsed("server 127.0.0.1\nserver 127.12.7.1\n").servers,
              ElementsAre("127.0.0.1", "127.12.7.1"));
}

TEST(AddNtpConf, NtpsecNamesItsReferenceClocks) {
  EXPECT_EQ(
      Parsed("refclock shm unit 0 refid GPS\nrefclock pps\n").reference_clocks,
      2);
}

TEST(AddNtpConf, OpenntpdHasServersAndSensors) {
  const TimeSources sources = Parsed(
      "listen on 127.0.0.1\n"
      "query from 192.0.2.9\n"
      "servers 0.debian.pool.ntp.org weight 5\n"
      "server ntp.example.org\n"
      "sensor nmea0\n"
      "constraints from \"https://www.example.org\"\n");
  EXPECT_THAT(sources.servers,
              ElementsAre("0.debian.pool.ntp.org", "ntp.example.org"));
  EXPECT_EQ(sources.reference_clocks, 1);
}

using Read = absl::StatusOr<TimeSources> (*)(const Files&);

std::vector<std::string> ServersOf(Read read, const FakeRoot& root) {
  const auto sources = read(root.files());
  EXPECT_TRUE(sources.ok()) << sources.status();
  return sources.ok() ? sources->servers : std::vector<std::string>{"error"};
}

TEST(ReadNtpConf, HostWithoutItHasNone) {
  const FakeRoot root;
  EXPECT_THAT(ServersOf(ReadNtpSources, root), IsEmpty());
  EXPECT_THAT(ServersOf(ReadNtpsecSources, root), IsEmpty());
  EXPECT_THAT(ServersOf(ReadOpenntpdSources, root), IsEmpty());
}

TEST(ReadNtpConf, EachDaemonHasAFileOfItsOwn) {
  const FakeRoot root;
  root.Write("/etc/ntp.conf", "server ntp\n");
  root.Write("/etc/ntpsec/ntp.conf", "server ntpsec\n");
  root.Write("/etc/openntpd/ntpd.conf", "server openntpd\n");
  EXPECT_THAT(ServersOf(ReadNtpSources, root), ElementsAre("ntp"));
  EXPECT_THAT(ServersOf(ReadNtpsecSources, root), ElementsAre("ntpsec"));
  EXPECT_THAT(ServersOf(ReadOpenntpdSources, root), ElementsAre("openntpd"));
}

TEST(ReadNtpConf, CopyWithTheServersOfDhcpIsUsedInstead) {
  const FakeRoot root;
  root.Write("/etc/ntp.conf", "server ntp\n");
  root.Write("/etc/ntpsec/ntp.conf", "server ntpsec\n");
  root.Write("/run/ntp.conf.dhcp", "server ntp-dhcp\n");
  root.Write("/run/ntpsec/ntp.conf.dhcp", "server ntpsec-dhcp\n");
  EXPECT_THAT(ServersOf(ReadNtpSources, root), ElementsAre("ntp-dhcp"));
  EXPECT_THAT(ServersOf(ReadNtpsecSources, root), ElementsAre("ntpsec-dhcp"));
}

TEST(ReadNtpConf, NtpsecElsewhereThanOnDebianReadsTheFileOfOld) {
  const FakeRoot root;
  root.Write("/etc/ntp.conf", "server ntp\n");
  EXPECT_THAT(ServersOf(ReadNtpsecSources, root), ElementsAre("ntp"));
}

TEST(ReadNtpConf, OpenntpdElsewhereThanOnDebianReadsItsFileInEtc) {
  const FakeRoot root;
  root.Write("/etc/ntpd.conf", "servers alpine\n");
  EXPECT_THAT(ServersOf(ReadOpenntpdSources, root), ElementsAre("alpine"));
}

TEST(ReadNtpConf, NtpsecReadsItsDirectoryToo) {
  const FakeRoot root;
  root.Write("/etc/ntpsec/ntp.conf", "server main\n");
  root.Write("/etc/ntpsec/ntp.d/b.conf", "server b\n");
  root.Write("/etc/ntpsec/ntp.d/a.conf", "server a\nrefclock shm\n");
  root.Write("/etc/ntpsec/ntp.d/c.conf.bak", "server c\n");
  EXPECT_THAT(ServersOf(ReadNtpsecSources, root),
              ElementsAre("main", "a", "b"));
  EXPECT_EQ(ReadNtpsecSources(root.files())->reference_clocks, 1);
  EXPECT_THAT(ServersOf(ReadNtpSources, root), IsEmpty());
}

TEST(ReadNtpConf, NtpsecsDirectoryMayBeAllThereIs) {
  const FakeRoot root;
  root.Write("/etc/ntpsec/ntp.d/a.conf", "server a\n");
  EXPECT_THAT(ServersOf(ReadNtpsecSources, root), ElementsAre("a"));
}

TEST(ReadNtpConf, WhatCannotBeReadIsUnknown) {
  const FakeRoot root;
  root.MakeDirectory("/etc/ntp.conf");
  root.MakeDirectory("/etc/openntpd/ntpd.conf");
  root.MakeDirectory("/etc/ntpsec/ntp.d/a.conf");
  for (const Read read :
       {ReadNtpSources, ReadNtpsecSources, ReadOpenntpdSources}) {
    EXPECT_TRUE(absl::IsDataLoss(read(root.files()).status()));
  }
}

TEST(ReadNtpConf, FileInNtpsecsDirectoryThatCannotBeReadIsUnknown) {
  const FakeRoot root;
  root.Write("/etc/ntpsec/ntp.conf", "server main\n");
  root.MakeDirectory("/etc/ntpsec/ntp.d/a.conf");
  EXPECT_TRUE(absl::IsDataLoss(ReadNtpsecSources(root.files()).status()));
}

TEST(ReadNtpConf, DirectoryOfNtpsecThatIsNoneIsUnknown) {
  const FakeRoot root;
  root.Write("/etc/ntpsec/ntp.conf", "server main\n");
  root.Write("/etc/ntpsec/ntp.d", "");
  EXPECT_FALSE(ReadNtpsecSources(root.files()).ok());
}

TEST(ReadNtpsecSources, IncludedFilesAreFollowed) {
  const FakeRoot root;
  root.Write("/etc/ntpsec/ntp.conf",
             "includefile /srv/a.conf\nincludefile b.conf\n"
             "includefile gone.conf\nserver d\n");
  root.Write("/srv/a.conf", "server a\n");
  root.Write("/etc/ntpsec/b.conf", "server b\n");
  EXPECT_THAT(ReadNtpsecSources(root.files())->servers,
              ElementsAre("d", "a", "b"));
}

TEST(ReadNtpsecSources, FilesThatIncludeEachOtherAreUnknown) {
  const FakeRoot root;
  root.Write("/etc/ntpsec/ntp.conf", "includefile ntp.conf\n");
  EXPECT_TRUE(absl::IsDataLoss(ReadNtpsecSources(root.files()).status()));
}

}  // namespace
}  // namespace mailcow
