#include "collectors/timesyncd_conf.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TimesyncdConf Parsed(absl::string_view text) {
  TimesyncdConf conf;
  AddTimesyncdConf(text, "/etc/systemd/timesyncd.conf", conf);
  return conf;
}

TEST(AddTimesyncdConf, ListsAreOfWords) {
  const TimesyncdConf conf = Parsed(
      "[Time]\n"
      "NTP=0.pool.ntp.org  1.pool.ntp.org\t2001:db8::1\n"
      "FallbackNTP=2.pool.ntp.org 3.pool.ntp.org\n");
  EXPECT_THAT(conf.ntp,
              ElementsAre("0.pool.ntp.org", "1.pool.ntp.org", "2001:db8::1"));
  EXPECT_THAT(conf.fallback, ElementsAre("2.pool.ntp.org", "3.pool.ntp.org"));
  EXPECT_TRUE(conf.has_fallback);
  EXPECT_EQ(conf.outdated_file, "");
}

TEST(AddTimesyncdConf, FileAsDebianShipsItNamesNone) {
  const TimesyncdConf conf = Parsed(
      "[Time]\n"
      "#NTP=\n"
      "#FallbackNTP=0.debian.pool.ntp.org 1.debian.pool.ntp.org\n"
      "#RootDistanceMaxSec=5\n");
  EXPECT_THAT(conf.ntp, IsEmpty());
  EXPECT_THAT(conf.fallback, IsEmpty());
}

TEST(AddTimesyncdConf, AssignmentsAdd) {
  EXPECT_THAT(Parsed("[Time]\nNTP=a\nNTP=b c\n").ntp,
              ElementsAre("a", "b", "c"));
}

TEST(AddTimesyncdConf, EmptyAssignmentTakesBackWhatItsListHad) {
  const TimesyncdConf conf = Parsed(
      "[Time]\n"
      "NTP=a\nFallbackNTP=x\n"
      "NTP= \n"
      "NTP=b\n");
  EXPECT_THAT(conf.ntp, ElementsAre("b"));
  EXPECT_THAT(conf.fallback, ElementsAre("x"));
}

TEST(AddTimesyncdConf, LaterFileAddsToAnEarlierOne) {
  TimesyncdConf conf;
  AddTimesyncdConf("[Time]\nNTP=a\n", "/etc/systemd/timesyncd.conf", conf);
  AddTimesyncdConf("[Time]\nNTP=b\nFallbackNTP=\n", "/etc/x.conf", conf);
  EXPECT_THAT(conf.ntp, ElementsAre("a", "b"));
}

TEST(AddTimesyncdConf, OtherSectionsDoNotCount) {
  EXPECT_THAT(Parsed("NTP=a\n[Network]\nNTP=b\n").ntp, IsEmpty());
  EXPECT_THAT(Parsed("[Time]\nNTP=a\n[Network]\nNTP=b\n[Time]\nNTP=c\n").ntp,
              ElementsAre("a", "c"));
}

TEST(AddTimesyncdConf, SectionDoesNotReachIntoTheNextFile) {
  TimesyncdConf conf;
  AddTimesyncdConf("[Time]\n", "/etc/systemd/timesyncd.conf", conf);
  AddTimesyncdConf("NTP=a\n", "/etc/x.conf", conf);
  EXPECT_THAT(conf.ntp, IsEmpty());
}

TEST(AddTimesyncdConf, NamesAreExact) {
  EXPECT_THAT(Parsed("[time]\nNTP=a\n").ntp, IsEmpty());
  EXPECT_THAT(Parsed("[Time]\nntp=a\nNTPServers=b\nNTP c\n").ntp, IsEmpty());
}

TEST(AddTimesyncdConf, SpaceAroundLinesAndSignsIsSkipped) {
  EXPECT_THAT(Parsed("  [Time] \r\n\tNTP \t= a \r\n").ntp, ElementsAre("a"));
}

TEST(AddTimesyncdConf, CommentsAreLinesThatBeginWithOneOfTwoSigns) {
  EXPECT_THAT(Parsed("; [x]\n[Time]\n#NTP=a\n;NTP=b\n  # NTP=c\nNTP=d\n").ntp,
              ElementsAre("d"));
}

TEST(AddTimesyncdConf, BackslashContinuesALine) {
  const TimesyncdConf conf =
      Parsed("[Time]\nNTP=a\\\nb \\\n  c\nFallbackNTP=d");
  EXPECT_THAT(conf.ntp, ElementsAre("a", "b", "c"));
  EXPECT_THAT(conf.fallback, ElementsAre("d"));
}

// As systemd.syntax(7) has it.
TEST(AddTimesyncdConf, CommentWithinAContinuedLineDoesNotEndIt) {
  EXPECT_THAT(Parsed("[Time]\nNTP=a \\\n# b\n; c\n  d\n").ntp,
              ElementsAre("a", "d"));
}

TEST(AddTimesyncdConf, BackslashAtTheEndOfACommentContinuesNothing) {
  EXPECT_THAT(Parsed("[Time]\n#NTP=a \\\nNTP=b\n").ntp, ElementsAre("b"));
}

// systemd's own table of keys has Time.Servers beside Time.NTP.
TEST(AddTimesyncdConf, OldNameOfTheKeyIsObeyedAndNoted) {
  const TimesyncdConf conf = Parsed("[Time]\nNTP=a\nServers=b\n");
  EXPECT_THAT(conf.ntp, ElementsAre("a", "b"));
  EXPECT_EQ(conf.outdated_file, "/etc/systemd/timesyncd.conf");
}

TEST(AddTimesyncdConf, OldNameOfTheKeyTakesAllBackWhereItIsEmpty) {
  const TimesyncdConf conf = Parsed("[Time]\nNTP=a\nServers=\n");
  EXPECT_THAT(conf.ntp, IsEmpty());
  EXPECT_EQ(conf.outdated_file, "");
}

constexpr char kMain[] = "/etc/systemd/timesyncd.conf";
constexpr char kNetwork[] = "/run/systemd/netif/state";

std::vector<std::string> ServersOf(const FakeRoot& root) {
  const auto sources = ReadTimesyncdSources(root.files());
  EXPECT_TRUE(sources.ok()) << sources.status();
  return sources.ok() ? sources->servers : std::vector<std::string>{"error"};
}

TEST(ReadTimesyncdSources, HostWithoutTheFilesHasNone) {
  const FakeRoot root;
  EXPECT_THAT(ServersOf(root), IsEmpty());
}

TEST(ReadTimesyncdSources, EachServerIsNamedOnce) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nNTP=a b a\n");
  root.Write(kNetwork, "NTP=b c\n");
  EXPECT_THAT(ServersOf(root), ElementsAre("a", "b", "c"));
}

TEST(ReadTimesyncdSources, FallbackIsForWhoeverHasNoOther) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nFallbackNTP=f\n");
  EXPECT_THAT(ServersOf(root), ElementsAre("f"));
  root.Write(kMain, "[Time]\nFallbackNTP=f\nNTP=a\n");
  EXPECT_THAT(ServersOf(root), ElementsAre("a"));
}

TEST(ReadTimesyncdSources, ServersOfTheNetworkPutOffTheFallback) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nFallbackNTP=f\n");
  root.Write(kNetwork, "OPER_STATE=routable\nDNS=192.0.2.1\nNTP=192.0.2.2 n\n");
  EXPECT_THAT(ServersOf(root), ElementsAre("192.0.2.2", "n"));
}

TEST(ReadTimesyncdSources, NetworkThatNamesNoneLeavesTheFallback) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nFallbackNTP=f\n");
  root.Write(kNetwork, "OPER_STATE=routable\nXNTP=x\nNTP=\n");
  EXPECT_THAT(ServersOf(root), ElementsAre("f"));
}

TEST(ReadTimesyncdSources, DropInsFollowTheMainFileByTheirNames) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nNTP=main\n");
  root.Write("/etc/systemd/timesyncd.conf.d/30-c.conf", "[Time]\nNTP=etc\n");
  root.Write("/run/systemd/timesyncd.conf.d/20-b.conf", "[Time]\nNTP=run\n");
  root.Write("/usr/local/lib/systemd/timesyncd.conf.d/40-d.conf",
             "[Time]\nNTP=local\n");
  root.Write("/usr/lib/systemd/timesyncd.conf.d/10-a.conf",
             "[Time]\nNTP=usr\n");
  EXPECT_THAT(ServersOf(root),
              ElementsAre("main", "usr", "run", "etc", "local"));
}

TEST(ReadTimesyncdSources, DropInMayTakeBackWhatTheMainFileNames) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nNTP=main\n");
  root.Write("/etc/systemd/timesyncd.conf.d/a.conf", "[Time]\nNTP=\nNTP=x\n");
  EXPECT_THAT(ServersOf(root), ElementsAre("x"));
}

TEST(ReadTimesyncdSources, FileInAnEarlierDirectoryHidesItsNamesakes) {
  const FakeRoot root;
  for (const char* directory :
       {"/lib", "/usr/lib", "/usr/local/lib", "/run", "/etc"}) {
    root.Write(absl::StrCat(directory, "/systemd/timesyncd.conf.d/a.conf"),
               absl::StrCat("[Time]\nNTP=", directory + 1, "\n"));
    root.Write(absl::StrCat(directory, "/systemd/timesyncd.conf"),
               "[Time]\nNTP=main-" + std::string(directory + 1) + "\n");
  }
  EXPECT_THAT(ServersOf(root), ElementsAre("main-etc", "etc"));
}

TEST(ReadTimesyncdSources, VendorsMainFileCountsWhereThereIsNoOther) {
  const FakeRoot root;
  root.Write("/usr/lib/systemd/timesyncd.conf", "[Time]\nNTP=vendor\n");
  EXPECT_THAT(ServersOf(root), ElementsAre("vendor"));
}

TEST(ReadTimesyncdSources, LinkToDevNullMasksADropIn) {
  const FakeRoot root;
  root.Write("/usr/lib/systemd/timesyncd.conf.d/a.conf", "[Time]\nNTP=a\n");
  root.Link("/dev/null", "/etc/systemd/timesyncd.conf.d/a.conf");
  EXPECT_THAT(ServersOf(root), IsEmpty());
  // Like the device, it is there and no regular file.
  root.MakeDirectory("/dev/null");
  EXPECT_THAT(ServersOf(root), IsEmpty());
}

TEST(ReadTimesyncdSources, LinkToAFileIsThatFile) {
  const FakeRoot root;
  root.Write("/srv/ntp.conf", "[Time]\nNTP=a\n");
  root.Link("/srv/ntp.conf", "/etc/systemd/timesyncd.conf.d/a.conf");
  EXPECT_THAT(ServersOf(root), ElementsAre("a"));
}

TEST(ReadTimesyncdSources, OnlyNamesThatEndInConfAreDropIns) {
  const FakeRoot root;
  for (const char* name : {"a.conf~", "a.conf.bak", "README", "conf"}) {
    root.Write(absl::StrCat("/etc/systemd/timesyncd.conf.d/", name),
               "[Time]\nNTP=a\n");
  }
  EXPECT_THAT(ServersOf(root), IsEmpty());
}

// As dot files are in all of systemd's directories.
TEST(ReadTimesyncdSources, HiddenFileIsNoDropIn) {
  const FakeRoot root;
  root.Write("/etc/systemd/timesyncd.conf.d/.a.conf", "[Time]\nNTP=a\n");
  EXPECT_THAT(ServersOf(root), IsEmpty());
}

TEST(ReadTimesyncdSources, WhatCannotBeReadIsUnknown) {
  for (const char* path : {kMain, "/etc/systemd/timesyncd.conf.d/a.conf"}) {
    const FakeRoot root;
    root.MakeDirectory(path);
    EXPECT_TRUE(absl::IsDataLoss(ReadTimesyncdSources(root.files()).status()))
        << path;
  }
}

TEST(ReadTimesyncdSources, DirectoryThatIsNoneIsUnknown) {
  const FakeRoot root;
  root.Write("/etc/systemd/timesyncd.conf.d", "");
  EXPECT_FALSE(ReadTimesyncdSources(root.files()).ok());
}

TEST(ReadTimesyncdSources, OldNameOfTheKeyIsOutdated) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nServers=0.pool.ntp.org 1.pool.ntp.org\n");
  const auto sources = ReadTimesyncdSources(root.files());
  ASSERT_TRUE(sources.ok());
  EXPECT_THAT(sources->servers,
              ElementsAre("0.pool.ntp.org", "1.pool.ntp.org"));
  EXPECT_EQ(sources->outdated,
            "/etc/systemd/timesyncd.conf calls NTP= by its old name, Servers=");
  EXPECT_EQ(sources->update,
            "in /etc/systemd/timesyncd.conf, write NTP= instead of Servers=, "
            "then run systemctl restart systemd-timesyncd");
}

TEST(ReadTimesyncdSources, OutdatedFileMayBeADropIn) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nNTP=a\n");
  root.Write("/etc/systemd/timesyncd.conf.d/a.conf", "[Time]\nServers=b\n");
  const auto sources = ReadTimesyncdSources(root.files());
  ASSERT_TRUE(sources.ok());
  EXPECT_EQ(sources->outdated,
            "/etc/systemd/timesyncd.conf.d/a.conf calls NTP= by its old name, "
            "Servers=");
}

TEST(ReadTimesyncdSources, WithoutServersThoseItWasBuiltWithAreAsked) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\n#NTP=\n");
  const auto sources = ReadTimesyncdSources(root.files());
  ASSERT_TRUE(sources.ok());
  EXPECT_EQ(sources->why_none,
            "NTP= is empty: systemd-timesyncd asks the servers that it was "
            "built with");
}

TEST(ReadTimesyncdSources, WhereTheFallbackIsTakenBackNobodyIsAsked) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\nFallbackNTP=\n");
  const auto sources = ReadTimesyncdSources(root.files());
  ASSERT_TRUE(sources.ok());
  EXPECT_EQ(sources->why_none, "NTP= and FallbackNTP= are empty");
}

TEST(ReadTimesyncdSources, WithoutTheOldNameNothingIsOutdated) {
  const FakeRoot root;
  root.Write(kMain, "[Time]\n# Servers=a\nServers=\nFallbackNTP=b\n");
  const auto sources = ReadTimesyncdSources(root.files());
  ASSERT_TRUE(sources.ok());
  EXPECT_EQ(sources->outdated, "");
  EXPECT_EQ(sources->update, "");
  EXPECT_EQ(sources->why_none, "");
}

}  // namespace
}  // namespace mailcow
