#include "exporter/report.h"

#include "gtest/gtest.h"
#include "tests/fake_report.h"

namespace mailcow {
namespace {

Finding Of(const Requirement& requirement, absl::StatusOr<double> value) {
  return {&requirement, {.labels = {}, .value = std::move(value)}};
}

TEST(RowsOf, HoldsAFindingAgainstEachOfItsBounds) {
  const Report report = ReportOf({Of(kMemory, 2 * kGiB)});
  const std::vector<Row> rows = RowsOf(report);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].level, Level::kRequired);
  EXPECT_EQ(rows[0].verdict, Verdict::kMet);
  EXPECT_EQ(rows[0].bound()->limit(), 1 * kGiB);
  EXPECT_EQ(rows[1].level, Level::kRecommended);
  EXPECT_EQ(rows[1].verdict, Verdict::kUnmet);
  EXPECT_EQ(rows[1].bound()->limit(), 6 * kGiB);
}

TEST(RowsOf, AFactHasOneRowWithoutLevelAndBound) {
  const Report report = ReportOf({Of(kSwap, 0)});
  const std::vector<Row> rows = RowsOf(report);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].verdict, Verdict::kFact);
  EXPECT_EQ(rows[0].level, std::nullopt);
  EXPECT_FALSE(rows[0].bound().has_value());
}

TEST(RowsOf, AnErrorIsUnknownAtEveryLevel) {
  const Report report =
      ReportOf({Of(kMemory, absl::DataLossError("lacks it"))});
  const std::vector<Row> rows = RowsOf(report);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].verdict, Verdict::kUnknown);
  EXPECT_EQ(rows[1].verdict, Verdict::kUnknown);
}

TEST(RowsOf, KeepsTheOrderOfTheReport) {
  const Report report = {
      .sections = {
          {.topic = "b",
           .cadence = std::nullopt,
           .findings = {Of(kForeign, 0), Of(kSwap, 0)}},
          {.topic = "a", .cadence = std::nullopt, .findings = {Of(kOs, 1)}}}};
  std::vector<std::string> order;
  for (const Row& row : RowsOf(report)) {
    order.push_back(row.section->topic + " " +
                    std::string(row.requirement().id));
  }
  EXPECT_EQ(order, (std::vector<std::string>{"b foreign_listeners", "b swap",
                                             "a os_info"}));
}

TEST(Row, SubjectIsTheFirstLabelsValue) {
  const Report report = ReportOf(
      {{&kForeign,
        {.labels = {{"port", "25"}, {"service", "smtp"}}, .value = 0}}});
  EXPECT_EQ(RowsOf(report).front().subject(), "25");
}

TEST(Row, WithoutLabelsThereIsNoSubject) {
  const Report report = ReportOf({Of(kMemory, 2 * kGiB)});
  EXPECT_EQ(RowsOf(report).front().subject(), "");
}

TEST(Row, TheLabelsOfInformationAreNoSubject) {
  const Report report =
      ReportOf({{&kOs, {.labels = {{"id", "debian"}}, .value = 1}}});
  EXPECT_EQ(RowsOf(report).front().subject(), "");
}

TEST(Row, OnlyAnUnmetOneHasARemedy) {
  const Report report =
      ReportOf({Of(kForeign, 1), Of(kForeign, 0),
                Of(kForeign, absl::PermissionDeniedError("no"))});
  const std::vector<Row> rows = RowsOf(report);
  EXPECT_EQ(rows[0].remedy(), "stop the service");
  EXPECT_EQ(rows[1].remedy(), "");
  EXPECT_EQ(rows[2].remedy(), "");
}

TEST(Row, TheRemedyOfTheReadingReplacesTheGeneralOne) {
  const Report report =
      ReportOf({{&kForeign,
                 {.labels = {},
                  .value = 1,
                  .remedy = "systemctl disable --now exim4"}}});
  EXPECT_EQ(RowsOf(report).front().remedy(), "systemctl disable --now exim4");
}

TEST(Row, TheReasonIsTheMessageOfTheError) {
  const Report report = ReportOf(
      {Of(kMemory, absl::DataLossError("/proc/meminfo lacks MemTotal")),
       Of(kForeign, 1)});
  const std::vector<Row> rows = RowsOf(report);
  EXPECT_EQ(rows.front().reason(), "/proc/meminfo lacks MemTotal");
  EXPECT_EQ(rows.back().reason(), "");
}

TEST(Count, TellsLevelsAndVerdictsApart) {
  const Report report =
      ReportOf({Of(kMemory, 8 * kGiB),                 // both met
                Of(kMemory, 2 * kGiB),                 // recommended unmet
                Of(kMemory, absl::DataLossError("")),  // both unknown
                Of(kForeign, 1), Of(kForeign, 1), Of(kSwap, 0)});
  const Counts counts = Count(RowsOf(report));
  EXPECT_EQ(counts.met, 3);
  EXPECT_EQ(counts.unmet_required, 2);
  EXPECT_EQ(counts.unmet_recommended, 1);
  EXPECT_EQ(counts.unknown_required, 1);
  EXPECT_EQ(counts.unknown_recommended, 1);
}

TEST(IsReady, AnythingRequiredThatIsUnmetOrUnknownPreventsIt) {
  EXPECT_FALSE(IsReady({.met = 9, .unmet_required = 1}));
  EXPECT_FALSE(IsReady({.met = 9, .unknown_required = 1}));
}

TEST(IsReady, WhatIsOnlyRecommendedDoesNot) {
  EXPECT_TRUE(IsReady({.unmet_recommended = 1, .unknown_recommended = 1}));
}

}  // namespace
}  // namespace mailcow
