#include "collectors/processes.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;

TEST(ListProcesses, AreTheNumbersInProcNewestFirst) {
  const FakeRoot root;
  for (const char* name : {"1", "99", "1000", "self", "12x", "sys"}) {
    root.MakeDirectory(std::string("/proc/") + name);
  }
  const auto processes = ListProcesses(root.files());
  ASSERT_TRUE(processes.ok()) << processes.status();
  EXPECT_THAT(processes->pids, ElementsAre("1000", "99", "1"));
  EXPECT_FALSE(processes->hides_others);
}

TEST(ListProcesses, WithoutTheFirstTheOthersAreHidden) {
  const FakeRoot root;
  root.MakeDirectory("/proc/99");
  EXPECT_TRUE(ListProcesses(root.files())->hides_others);
}

TEST(ListProcesses, WithoutProcItIsAnError) {
  const FakeRoot root;
  EXPECT_FALSE(ListProcesses(root.files()).ok());
}

}  // namespace
}  // namespace mailcow
