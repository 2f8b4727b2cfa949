#include "exporter/list.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::EndsWith;

std::string RowOf(const Requirement& requirement) {
  const Rule<int> rules[] = {{requirement, nullptr}};
  Collectors collectors;
  collectors.push_back(std::make_unique<RuleCollector<int>>(
      Topic<int>{.name = "topic", .observe = nullptr, .rules = rules}));
  const std::string table = RenderList(collectors);
  return table.substr(table.find("---|\n") + 5);
}

TEST(RenderList, BeginsWithTheHeadOfAMarkdownTable) {
  EXPECT_EQ(RenderList({}),
            "| id | what | required | recommended | remedy | source |\n"
            "|---|---|---|---|---|---|\n");
}

TEST(RenderList, ARowHasWhatTheDeclarationSays) {
  EXPECT_EQ(RowOf({.id = "memory",
                   .unit = Unit::kBytes,
                   .required = AtLeast(1 * kGiB),
                   .recommended = AtLeast(6 * kGiB),
                   .what = "Size of the RAM",
                   .remedy = "add RAM",
                   .source = "/proc/meminfo"}),
            "| memory | Size of the RAM | >= 1 GiB | >= 6 GiB | add RAM | "
            "/proc/meminfo |\n");
}

TEST(RenderList, AnAllowanceStandsBesideItsLimit) {
  EXPECT_EQ(RowOf({.id = "memory",
                   .unit = Unit::kBytes,
                   .required = AtLeast(1 * kGiB, kGiB / 8),
                   .what = "w",
                   .remedy = "r",
                   .source = "s"}),
            "| memory | w | >= 1 GiB (allowance 128 MiB) |  | r | s |\n");
}

TEST(RenderList, AFactHasEmptyLimits) {
  EXPECT_EQ(RowOf({.id = "swap", .what = "w", .source = "s"}),
            "| swap | w |  |  |  | s |\n");
}

TEST(RenderList, KeepsTheOrderOfTheTopics) {
  const Rule<int> first[] = {{{.id = "b", .what = "", .source = ""}, nullptr},
                             {{.id = "c", .what = "", .source = ""}, nullptr}};
  const Rule<int> second[] = {{{.id = "a", .what = "", .source = ""}, nullptr}};
  Collectors collectors;
  for (const absl::Span<const Rule<int>> rules :
       {absl::MakeConstSpan(first), absl::MakeConstSpan(second)}) {
    collectors.push_back(std::make_unique<RuleCollector<int>>(
        Topic<int>{.name = "topic", .observe = nullptr, .rules = rules}));
  }
  EXPECT_THAT(RenderList(collectors), EndsWith("| b |  |  |  |  |  |\n"
                                               "| c |  |  |  |  |  |\n"
                                               "| a |  |  |  |  |  |\n"));
}

}  // namespace
}  // namespace mailcow
