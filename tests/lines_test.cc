#include "exporter/lines.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_report.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "ID SUBJECTS VALUE LIMIT" of each line.
std::vector<std::string> Lines(std::vector<Finding> findings) {
  const Report report = ReportOf(std::move(findings));
  const std::vector<Row> rows = RowsOf(report);
  std::vector<std::string> lines;
  for (const Line& line : LinesOf(rows)) {
    std::string text(line.row->requirement().id);
    for (const std::string& subject : line.subjects) text += " " + subject;
    lines.push_back(text + ": " + line.value + " " + line.limit);
  }
  return lines;
}

Finding Port(std::string port, absl::StatusOr<double> value,
             std::string detail = "", std::string remedy = "") {
  return {&kForeign,
          {.labels = {{"port", std::move(port)}},
           .value = std::move(value),
           .detail = std::move(detail),
           .remedy = std::move(remedy)}};
}

TEST(LinesOf, EachLevelIsALine) {
  EXPECT_THAT(Lines({{&kMemory, {.labels = {}, .value = 2 * kGiB}}}),
              ElementsAre("memory: 2 GiB >= 1 GiB", "memory: 2 GiB >= 6 GiB"));
}

TEST(LinesOf, RowsThatDifferOnlyInTheirSubjectAreOneWhereTheFirstIs) {
  EXPECT_THAT(Lines({Port("25", 0), Port("80", 1), Port("443", 0)}),
              ElementsAre("foreign_listeners 25 443: 0 <= 0",
                          "foreign_listeners 80: 1 <= 0"));
}

TEST(LinesOf, RowsThatDifferInMoreStayApart) {
  EXPECT_EQ(Lines({Port("1", 0), Port("2", 0, "a"), Port("3", 0, "b")}).size(),
            3U);
  EXPECT_EQ(Lines({Port("1", 1, "", "a"), Port("2", 1, "", "b")}).size(), 2U);
  EXPECT_EQ(Lines({Port("1", absl::DataLossError("a")),
                   Port("2", absl::DataLossError("b"))})
                .size(),
            2U);
}

TEST(LinesOf, InformationIsLeftOut) {
  EXPECT_THAT(Lines({{&kOs, {.labels = {{"id", "debian"}}, .value = 1}}}),
              IsEmpty());
}

TEST(LinesOf, FactHasNoLimit) {
  EXPECT_THAT(Lines({{&kSwap, {.labels = {}, .value = 0}}}),
              ElementsAre("swap: 0 B "));
}

bool IsMetByAllowanceWith(double value) {
  constexpr Requirement kAllowing = {.id = "memory",
                                     .unit = Unit::kBytes,
                                     .required = AtLeast(1024, 512),
                                     .what = "",
                                     .source = ""};
  const Report report =
      ReportOf({{&kAllowing, {.labels = {}, .value = value}}});
  return IsMetByAllowance(RowsOf(report).front());
}

TEST(IsMetByAllowance, IsSoBetweenTheTwoLimits) {
  EXPECT_FALSE(IsMetByAllowanceWith(511));
  EXPECT_TRUE(IsMetByAllowanceWith(512));
  EXPECT_TRUE(IsMetByAllowanceWith(1023));
  EXPECT_FALSE(IsMetByAllowanceWith(1024));
}

}  // namespace
}  // namespace mailcow
