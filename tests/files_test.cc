#include "collectors/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(Files, ReadsBelowTheRoot) {
  const FakeRoot root;
  root.Write("/etc/os-release", "ID=debian\n");
  EXPECT_EQ(*root.files().Read("/etc/os-release"), "ID=debian\n");
}

TEST(Files, MissingFileIsNotFoundAndNamedAsOnTheHost) {
  const FakeRoot root;
  const auto content = root.files().Read("/etc/os-release");
  EXPECT_TRUE(absl::IsNotFound(content.status()));
  EXPECT_THAT(content.status().message(), HasSubstr("/etc/os-release"));
  EXPECT_EQ(content.status().message().find(root.At("").string()),
            absl::string_view::npos);
}

TEST(Files, MissingRootIsNotAnAbsentFile) {
  const Files files(Files::Roots{.root = "/no/such/root"});
  EXPECT_TRUE(absl::IsUnavailable(files.Read("/etc/os-release").status()));
  EXPECT_TRUE(absl::IsUnavailable(files.Exists("/proc/vz").status()));
}

TEST(Files, AbsoluteLinkStaysInsideTheRoot) {
  const FakeRoot root;
  root.Write("/usr/lib/os-release", "inside\n");
  root.Link("/usr/lib/os-release", "/etc/os-release");
  EXPECT_EQ(*root.files().Read("/etc/os-release"), "inside\n");
}

TEST(Files, LinkThatClimbsStaysInsideTheRoot) {
  const FakeRoot root;
  root.Link("../../../../../../etc/passwd", "/etc/os-release");
  EXPECT_TRUE(absl::IsNotFound(root.files().Read("/etc/os-release").status()));
}

TEST(Files, ProcAndSysMayLieElsewhere) {
  const FakeRoot root;
  root.Write("/elsewhere/proc/meminfo", "proc\n");
  root.Write("/elsewhere/sys/x", "sys\n");
  const Files files(Files::Roots{.root = root.At(""),
                                 .proc = root.At("/elsewhere/proc"),
                                 .sys = root.At("/elsewhere/sys")});
  EXPECT_EQ(*files.Read("/proc/meminfo"), "proc\n");
  EXPECT_EQ(*files.Read("/sys/x"), "sys\n");
}

TEST(Files, ProcIsAWholeNameNotAPrefix) {
  const FakeRoot root;
  root.Write("/processes", "a file\n");
  EXPECT_EQ(*root.files().Read("/processes"), "a file\n");
}

TEST(Files, ProcFilesAreReadWholeThoughTheirSizeReadsZero) {
  const Files files{Files::Roots{}};
  EXPECT_THAT(*files.Read("/proc/self/status"), HasSubstr("Name:"));
}

TEST(Files, LargerThanAskedForIsDataLoss) {
  const FakeRoot root;
  root.Write("/x", "12345");
  EXPECT_EQ(*root.files().Read("/x", 5), "12345");
  EXPECT_TRUE(absl::IsDataLoss(root.files().Read("/x", 4).status()));
}

TEST(Files, DirectoryIsDataLoss) {
  const FakeRoot root;
  root.MakeDirectory("/x");
  EXPECT_TRUE(absl::IsDataLoss(root.files().Read("/x").status()));
}

TEST(Files, FifoWithoutAWriterIsRefusedAndDoesNotHold) {
  const FakeRoot root;
  ASSERT_EQ(mkfifo(root.At("/x").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsDataLoss(root.files().Read("/x").status()));
}

TEST(Files, ExistsIsAnErrorWhereItCannotBeTold) {
  const FakeRoot root;
  root.Write("/file", "");
  EXPECT_TRUE(*root.files().Exists("/file"));
  EXPECT_FALSE(*root.files().Exists("/none"));
  EXPECT_FALSE(root.files().Exists("/file/below").ok());
}

TEST(Files, ListsNamesAndDirectoriesAlone) {
  const FakeRoot root;
  root.Write("/d/file", "");
  root.MakeDirectory("/d/directory");
  EXPECT_THAT(*root.files().List("/d"),
              UnorderedElementsAre("file", "directory"));
  EXPECT_THAT(*root.files().ListDirectories("/d"),
              UnorderedElementsAre("directory"));
  EXPECT_TRUE(absl::IsNotFound(root.files().List("/none").status()));
}

TEST(Files, ReadLinkDoesNotFollow) {
  const FakeRoot root;
  root.Link("socket:[4711]", "/proc/812/fd/5");
  EXPECT_EQ(*root.files().ReadLink("/proc/812/fd/5"), "socket:[4711]");
}

TEST(Files, WhatIsNoLinkIsNotOneThatIsMissing) {
  const FakeRoot root;
  root.Write("/etc/localtime", "TZif2");
  EXPECT_TRUE(absl::IsInvalidArgument(
      root.files().ReadLink("/etc/localtime").status()));
  EXPECT_TRUE(absl::IsNotFound(root.files().ReadLink("/none").status()));
}

TEST(Files, ReadsAllLinksOfADirectoryAndNothingElse) {
  const FakeRoot root;
  root.Link("socket:[4711]", "/proc/812/fd/5");
  root.Link("/dev/null", "/proc/812/fd/0");
  root.Write("/proc/812/fd/file", "");
  root.MakeDirectory("/proc/812/fd/directory");
  const auto found = root.files().ReadLinks("/proc/812/fd");
  std::map<std::string, std::string> links;
  for (const Files::Link& link : *found) {
    links.emplace(link.name, *link.target);
  }
  EXPECT_THAT(links, UnorderedElementsAre(Pair("0", "/dev/null"),
                                          Pair("5", "socket:[4711]")));
}

TEST(Files, LinksOfADirectoryThatIsGoneAreNotFound) {
  const FakeRoot root;
  EXPECT_TRUE(absl::IsNotFound(root.files().ReadLinks("/none").status()));
}

TEST(Files, TellsAHostSeenThroughARoot) {
  EXPECT_FALSE(Files(Files::Roots{}).HasRoot());
  EXPECT_FALSE(Files(Files::Roots{.root = "/"}).HasRoot());
  EXPECT_TRUE(Files(Files::Roots{.root = "/host"}).HasRoot());
}

}  // namespace
}  // namespace mailcow
