#include "collectors/process_names.h"

#include "fake_host.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::Pair;

class ProcessNamesTest : public testing::Test {
 protected:
  void Begin(const std::string& pid, const std::string& name) const {
    root_.Write("/proc/" + pid + "/comm", name + "\n");
  }
  void SayForks(int forks) const {
    root_.Write("/proc/stat", absl::StrCat("btime 1\nprocesses ", forks,
                                           "\nprocs_running 1\n"));
  }

  void Pass(std::chrono::seconds time) { now_ += time; }

  const FakeRoot root_;
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
  const ProcessNames names_{root_.files(), [this] { return now_; }};
};

TEST_F(ProcessNamesTest, AreReadFromComm) {
  Begin("1", "systemd");
  Begin("1234", "exim4");
  EXPECT_THAT(**names_.Latest(),
              ElementsAre(Pair("1234", "exim4"), Pair("1", "systemd")));
}

TEST_F(ProcessNamesTest, AProcessThatEndedMeanwhileIsLeftOut) {
  Begin("1", "systemd");
  root_.MakeDirectory("/proc/77");
  EXPECT_THAT(**names_.Latest(), ElementsAre(Pair("1", "systemd")));
}

TEST_F(ProcessNamesTest, HiddenProcessesAreAnError) {
  Begin("77", "own");
  EXPECT_TRUE(absl::IsPermissionDenied(names_.Latest().status()));
}

TEST_F(ProcessNamesTest, AreReadAtEachQuestionWhereNobodyCountsForks) {
  Begin("1", "systemd");
  EXPECT_EQ((*names_.Latest())->size(), 1u);
  Begin("2", "exim4");
  EXPECT_EQ((*names_.Latest())->size(), 2u);
}

TEST_F(ProcessNamesTest, QuestionsInQuickSuccessionShareThem) {
  Begin("1", "systemd");
  SayForks(10);
  const auto first = names_.Latest();
  Begin("2", "exim4");
  SayForks(11);
  EXPECT_EQ(*names_.Latest(), *first);
}

TEST_F(ProcessNamesTest, AreReadAgainOnceProcessesWereBegun) {
  Begin("1", "systemd");
  SayForks(10);
  EXPECT_EQ((*names_.Latest())->size(), 1u);
  Begin("2", "exim4");
  SayForks(11);
  Pass(std::chrono::seconds(15));
  EXPECT_EQ((*names_.Latest())->size(), 2u);
}

// Between fork and exec a process has its parent's name.
TEST_F(ProcessNamesTest, AreReadOnceMoreAfterTheLastWasBegun) {
  Begin("1", "systemd");
  Begin("2", "sh");
  SayForks(10);
  EXPECT_THAT((*names_.Latest())->front(), Pair("2", "sh"));
  Begin("2", "exim4");
  Pass(std::chrono::seconds(15));
  EXPECT_THAT((*names_.Latest())->front(), Pair("2", "exim4"));
}

// Thousands of others are not read for the sake of one that is new.
TEST_F(ProcessNamesTest, OnlyThoseThatAreNewAreReadAgain) {
  Begin("1", "systemd");
  for (const int forks : {10, 11}) {
    SayForks(forks);
    names_.Latest().IgnoreError();
    Pass(std::chrono::seconds(15));
  }
  Begin("1", "renamed");
  Begin("2", "exim4");
  SayForks(12);
  EXPECT_THAT(**names_.Latest(),
              ElementsAre(Pair("2", "exim4"), Pair("1", "systemd")));
  // One that has ended is forgotten.
  std::filesystem::remove_all(root_.At("/proc/2"));
  SayForks(13);
  Pass(std::chrono::seconds(15));
  EXPECT_THAT(**names_.Latest(), ElementsAre(Pair("1", "systemd")));
}

TEST_F(ProcessNamesTest, AreNotReadWhileNoProcessIsBegun) {
  Begin("1", "systemd");
  SayForks(10);
  names_.Latest().IgnoreError();
  Pass(std::chrono::seconds(15));
  const auto settled = names_.Latest();
  Begin("1", "renamed");
  Pass(std::chrono::seconds(15));
  EXPECT_EQ(*names_.Latest(), *settled);
  // But now and then all the same.
  Pass(std::chrono::minutes(5));
  EXPECT_THAT((*names_.Latest())->front(), Pair("1", "renamed"));
}

TEST(ParseForks, IsTheLineProcesses) {
  EXPECT_EQ(ParseForks("cpu 1 2\nprocesses 4711\nprocs_running 2\n"), "4711");
  EXPECT_EQ(ParseForks("cpu 1 2\n"), std::nullopt);
  EXPECT_EQ(ParseForks(""), std::nullopt);
}

}  // namespace
}  // namespace mailcow
