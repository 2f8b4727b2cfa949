#include "collectors/chrony_conf.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kConf[] = "/etc/chrony/chrony.conf";

// A host whose files name the sources of chronyd.
class ChronyConf : public testing::Test {
 protected:
  TimeSources Sources() {
    const auto sources = ReadChronySources(root_.files());
    EXPECT_TRUE(sources.ok()) << sources.status();
    return sources.value_or(TimeSources{.servers = {"error"}});
  }
  std::vector<std::string> Servers() { return Sources().servers; }
  std::vector<std::string> ServersOf(const std::string& text) {
    root_.Write(kConf, text);
    return Servers();
  }

  FakeRoot root_;
};

TEST_F(ChronyConf, HostWithoutItHasNone) {
  EXPECT_THAT(Servers(), IsEmpty());
  EXPECT_EQ(Sources().reference_clocks, 0);
}

TEST_F(ChronyConf, ServersPoolsAndPeersAreSources) {
  EXPECT_THAT(
      ServersOf("pool 2.debian.pool.ntp.org iburst\n"
                "server ntp.example.org\n"
                "peer 2001:db8::1 key 1\n"
                "driftfile /var/lib/chrony/chrony.drift\n"
                "allow 192.0.2.0/24\n"),
      ElementsAre("2.debian.pool.ntp.org", "ntp.example.org", "2001:db8::1"));
}

TEST_F(ChronyConf, EachServerIsNamedOnce) {
  EXPECT_THAT(ServersOf("server a\npool a iburst\nserver a port 11123\n"),
              ElementsAre("a", "a:11123"));
}

TEST_F(ChronyConf, DirectivesAreInAnyCase) {
  EXPECT_THAT(ServersOf("SERVER a PORT 11123\nPool b\n"),
              ElementsAre("a:11123", "b"));
}

TEST_F(ChronyConf, PortIsAnOptionAnywhereBehindTheName) {
  EXPECT_THAT(ServersOf("server a port 11123 iburst\n"
                        "server b iburst minpoll 4 port 65535\n"
                        "server ::1 port 11123\n"),
              ElementsAre("a:11123", "b:65535", "[::1]:11123"));
}

TEST_F(ChronyConf, PortThatIsNoneIsNotTakenUp) {
  EXPECT_THAT(ServersOf("server a port\nserver b port ntp\nserver port 5\n"
                        "server c port 65536\n"),
              ElementsAre("a", "b", "port", "c"));
}

TEST_F(ChronyConf, CommentsAreLinesThatBeginWithOneOfFourSigns) {
  EXPECT_THAT(ServersOf("! server a\n;server b\n# server c\n%server d\n"
                        "  #server e\n\n   \nserver f\n"),
              ElementsAre("f"));
}

TEST_F(ChronyConf, SpaceAroundWordsIsSkipped) {
  EXPECT_THAT(ServersOf(" \tserver\t a  port \t11123\r\nserver b"),
              ElementsAre("a:11123", "b"));
}

TEST_F(ChronyConf, LinesThatNameNothingAreSkipped) {
  EXPECT_THAT(ServersOf("server\npool \ninclude\nconfdir\nserver a/b\n"
                        "servers c\nserver_ d\n"),
              IsEmpty());
}

TEST_F(ChronyConf, ReferenceClocksAreCounted) {
  root_.Write(kConf,
              "refclock SHM 0 refid GPS\nRefClock PPS /dev/pps0\n"
              "refclocks\nlog refclocks\n");
  EXPECT_THAT(Servers(), IsEmpty());
  EXPECT_EQ(Sources().reference_clocks, 2);
}

TEST_F(ChronyConf, RedHatsPlaceCountsWhereDebiansIsEmpty) {
  root_.Write("/etc/chrony.conf", "server redhat\n");
  EXPECT_THAT(Servers(), ElementsAre("redhat"));
  root_.Write(kConf, "server debian\n");
  EXPECT_THAT(Servers(), ElementsAre("debian"));
}

TEST_F(ChronyConf, IncludedFileAddsItsOwn) {
  root_.Write("/etc/chrony/more", "server b\nrefclock PHC /dev/ptp0\n");
  EXPECT_THAT(ServersOf("server a\ninclude /etc/chrony/more\nserver c\n"),
              ElementsAre("a", "b", "c"));
  EXPECT_EQ(Sources().reference_clocks, 1);
}

TEST_F(ChronyConf, IncludedPatternMatchesNamesInTheirOrder) {
  root_.Write("/etc/chrony.d/20-b.conf", "server b\n");
  root_.Write("/etc/chrony.d/10-a.conf", "server a\n");
  root_.Write("/etc/chrony.d/c.conf.bak", "server c\n");
  root_.Write("/etc/chrony.d/.d.conf", "server d\n");
  EXPECT_THAT(ServersOf("include /etc/chrony.d/*.conf\n"),
              ElementsAre("a", "b"));
  EXPECT_THAT(ServersOf("include /etc/chrony.d/[12]?-b.conf\n"),
              ElementsAre("b"));
}

TEST_F(ChronyConf, IncludedFileMayStandAtTheRoot) {
  root_.Write("/chrony", "server a\n");
  EXPECT_THAT(ServersOf("include /chrony\n"), ElementsAre("a"));
}

TEST_F(ChronyConf, IncludedFileThatIsMissingAddsNothing) {
  EXPECT_THAT(ServersOf("server a\ninclude /etc/none/*.conf\ninclude none\n"
                        "confdir /etc/none\nsourcedir /run/none\n"),
              ElementsAre("a"));
}

TEST_F(ChronyConf, ConfdirIncludesNamesThatEndInConf) {
  root_.Write("/etc/chrony/conf.d/b.conf", "server b\n");
  root_.Write("/etc/chrony/conf.d/a.conf", "server a\n");
  root_.Write("/etc/chrony/conf.d/c.sources", "server c\n");
  root_.Write("/etc/chrony/conf.d/README", "server d\n");
  root_.Write("/etc/chrony/conf.d/.e.conf", "server e\n");
  EXPECT_THAT(ServersOf("confdir /etc/chrony/conf.d\n"), ElementsAre("a", "b"));
}

TEST_F(ChronyConf, SourcedirIncludesNamesThatEndInSources) {
  root_.Write("/run/chrony-dhcp/eth0.sources", "server 192.0.2.1 iburst\n");
  root_.Write("/etc/chrony/sources.d/a.sources", "server a\n");
  root_.Write("/etc/chrony/sources.d/b.conf", "server b\n");
  EXPECT_THAT(ServersOf("sourcedir /run/chrony-dhcp\n"
                        "SourceDir /etc/chrony/sources.d\n"),
              ElementsAre("192.0.2.1", "a"));
}

TEST_F(ChronyConf, FileInAnEarlierDirectoryHidesItsNamesakes) {
  root_.Write("/etc/first/b.conf", "server first\n");
  root_.Write("/etc/second/b.conf", "server second\n");
  root_.Write("/etc/second/a.conf", "server only\n");
  EXPECT_THAT(ServersOf("confdir /etc/first /etc/second\n"),
              ElementsAre("only", "first"));
}

TEST_F(ChronyConf, DirectoriesOfTwoDirectivesHideNothing) {
  root_.Write("/etc/first/b.conf", "server first\n");
  root_.Write("/etc/second/b.conf", "server second\n");
  EXPECT_THAT(ServersOf("confdir /etc/first\nconfdir /etc/second\n"),
              ElementsAre("first", "second"));
}

TEST_F(ChronyConf, FilesThatIncludeEachOtherAreAnError) {
  root_.Write(kConf, "server a\ninclude /etc/chrony/chrony.conf\n");
  const auto sources = ReadChronySources(root_.files());
  EXPECT_TRUE(absl::IsDataLoss(sources.status()));
  EXPECT_THAT(std::string(sources.status().message()),
              HasSubstr("include each other"));
}

TEST_F(ChronyConf, FilesMayBeIncludedTenDeep) {
  root_.Write(kConf, "include /etc/chrony/1\n");
  for (int i = 1; i < 10; ++i) {
    root_.Write(absl::StrCat("/etc/chrony/", i),
                absl::StrCat("include /etc/chrony/", i + 1, "\n"));
  }
  root_.Write("/etc/chrony/10", "server deep\n");
  EXPECT_THAT(Servers(), ElementsAre("deep"));
  root_.Write("/etc/chrony/10", "include /etc/chrony/11\n");
  root_.Write("/etc/chrony/11", "server deeper\n");
  EXPECT_TRUE(absl::IsDataLoss(ReadChronySources(root_.files()).status()));
}

TEST_F(ChronyConf, WhatCannotBeReadIsUnknown) {
  root_.MakeDirectory(kConf);
  EXPECT_TRUE(absl::IsDataLoss(ReadChronySources(root_.files()).status()));
}

TEST_F(ChronyConf, IncludedFileThatCannotBeReadIsUnknown) {
  root_.Write(kConf, "server a\nconfdir /etc/chrony/conf.d\n");
  root_.MakeDirectory("/etc/chrony/conf.d/a.conf");
  EXPECT_TRUE(absl::IsDataLoss(ReadChronySources(root_.files()).status()));
}

TEST_F(ChronyConf, IncludedFileThatIsGoneDoesNotEndTheFileThatIncludesIt) {
  root_.Write(kConf, "server a\nsourcedir /run/chrony-dhcp\nserver b\n");
  root_.Link("/run/gone", "/run/chrony-dhcp/eth0.sources");
  root_.Write("/etc/chrony.conf", "server redhat\n");
  EXPECT_THAT(Servers(), ElementsAre("a", "b"));
}

TEST_F(ChronyConf, DirectoryThatIsNoneIsUnknown) {
  root_.Write(kConf, "confdir /etc/chrony/conf.d\n");
  root_.Write("/etc/chrony/conf.d", "");
  EXPECT_FALSE(ReadChronySources(root_.files()).ok());
}

TEST(ReadChronySources, PatternOfDirectoriesIsNotFollowedAndSaysSo) {
  const FakeRoot root;
  root.Write("/etc/chrony/chrony.conf", "include /etc/chrony/*/y.conf\n");
  EXPECT_TRUE(absl::IsUnimplemented(ReadChronySources(root.files()).status()));
}

}  // namespace
}  // namespace mailcow
