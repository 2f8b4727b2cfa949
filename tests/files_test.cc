#include "collectors/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// As long as a slow machine may take.
bool Await(const std::function<bool()>& is_true) {
  const auto deadline = absl::Now() + absl::Seconds(60);
  while (!is_true() && absl::Now() < deadline) std::this_thread::yield();
  return is_true();
}

// Of this process.
std::set<std::string> Threads() {
  std::set<std::string> ids;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    ids.insert(task.path());
  }
  return ids;
}

// Those that have begun since there were these. Others may end meanwhile.
size_t NewThreads(const std::set<std::string>& before) {
  size_t count = 0;
  for (const std::string& id : Threads()) count += 1 - before.count(id);
  return count;
}

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

TEST(Files, AWatchedFileIsReadBelowTheRoot) {
  const FakeRoot root;
  root.Write("/etc/x", "watched\n");
  root.Write("/x", "at the top\n");
  const Files files = root.files();
  EXPECT_EQ(files.ReadWatched("/etc/x").value_or(""), "watched\n");
  EXPECT_EQ(files.ReadWatched("/x").value_or(""), "at the top\n");
  EXPECT_TRUE(absl::IsNotFound(files.ReadWatched("/etc/none").status()));
}

TEST(Files, AWatchedFileFailsAsOneThatIsReadDoes) {
  const FakeRoot root;
  root.MakeDirectory("/etc/directory");
  root.Write("/etc/largest", std::string(Files::kMaxBytes, 'x'));
  root.Write("/etc/larger", std::string(Files::kMaxBytes + 1, 'x'));
  const Files files = root.files();
  EXPECT_TRUE(absl::IsDataLoss(files.ReadWatched("/etc/directory").status()));
  EXPECT_TRUE(files.ReadWatched("/etc/largest").ok());
  EXPECT_TRUE(absl::IsDataLoss(files.ReadWatched("/etc/larger").status()));
  const Files nowhere(Files::Roots{.root = "/no/such/root"});
  EXPECT_TRUE(absl::IsUnavailable(nowhere.ReadWatched("/etc/x").status()));
}

TEST(Files, ChangesOfAWatchedFileAreSeen) {
  const FakeRoot root;
  root.Write("/etc/x", "old\n");
  root.Write("/top", "old\n");
  const Files files = root.files();
  for (const char* path : {"/etc/x", "/top"}) {
    EXPECT_EQ(files.ReadWatched(path).value_or(""), "old\n");
    root.Write(path, "new\n");
    EXPECT_TRUE(Await([&] {
      return files.ReadWatched(path).value_or("") == "new\n";
    })) << path;
  }
}

TEST(Files, CopiesShareTheThreadOfAWatchedFileAndTheLastEndsIt) {
  const FakeRoot root;
  root.Write("/etc/x", "watched\n");
  const auto threads = Threads();
  {
    const Files files = root.files();
    for (int i = 0; i < 10; ++i) {
      const Files copy(files);
      EXPECT_TRUE(copy.ReadWatched("/etc/x").ok());
      EXPECT_EQ(NewThreads(threads), 1u);
    }
  }
  EXPECT_TRUE(Await([&] { return NewThreads(threads) == 0; }));
}

TEST(Files, AKeptFileIsReadAnewEachTime) {
  const FakeRoot root;
  root.Write("/proc/meminfo", "old and longer\n");
  const Files files = root.files();
  EXPECT_EQ(files.ReadKept("/proc/meminfo").value_or(""), "old and longer\n");
  root.Write("/proc/meminfo", "new\n");
  EXPECT_EQ(files.ReadKept("/proc/meminfo").value_or(""), "new\n");
}

TEST(Files, OfAKeptFileTheDescriptorIsKept) {
  const FakeRoot root;
  root.Write("/proc/meminfo", "open\n");
  root.Write("/proc/new", "new\n");
  const Files files = root.files();
  EXPECT_EQ(files.ReadKept("/proc/meminfo").value_or(""), "open\n");
  std::filesystem::rename(root.At("/proc/new"), root.At("/proc/meminfo"));
  EXPECT_EQ(files.ReadKept("/proc/meminfo").value_or(""), "open\n");
  EXPECT_EQ(Files(files).ReadKept("/proc/meminfo").value_or(""), "open\n");
  EXPECT_EQ(root.files().ReadKept("/proc/meminfo").value_or(""), "new\n");
}

TEST(Files, KeptFilesAreToldApart) {
  const FakeRoot root;
  root.Write("/proc/a", "a\n");
  root.Write("/proc/b", "b\n");
  const Files files = root.files();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(files.ReadKept("/proc/a").value_or(""), "a\n");
    EXPECT_EQ(files.ReadKept("/proc/b").value_or(""), "b\n");
  }
}

TEST(Files, AKeptFileThatIsMissingIsLookedForAgain) {
  const FakeRoot root;
  root.MakeDirectory("/proc");
  const Files files = root.files();
  EXPECT_TRUE(absl::IsNotFound(files.ReadKept("/proc/meminfo").status()));
  root.Write("/proc/meminfo", "here now\n");
  EXPECT_EQ(files.ReadKept("/proc/meminfo").value_or(""), "here now\n");
}

TEST(Files, AKeptFileOfTheKernelIsWholeAndFresh) {
  const Files files{Files::Roots{}};
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(files.ReadKept("/proc/self/statm").value_or(""),
                testing::MatchesRegex("[0-9]+( [0-9]+)+\n"));
  }
}

TEST(Files, AKeptDirectoryIsAnError) {
  const FakeRoot root;
  root.MakeDirectory("/proc/x");
  EXPECT_FALSE(root.files().ReadKept("/proc/x").ok());
}

TEST(Files, TellsAHostSeenThroughARoot) {
  EXPECT_FALSE(Files(Files::Roots{}).HasRoot());
  EXPECT_FALSE(Files(Files::Roots{.root = "/"}).HasRoot());
  EXPECT_TRUE(Files(Files::Roots{.root = "/host"}).HasRoot());
}

}  // namespace
}  // namespace mailcow
