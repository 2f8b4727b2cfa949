#include "exporter/exposition.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr Requirement kMemory = {.id = "memory",
                                 .unit = Unit::kBytes,
                                 .required = AtLeast(1 * kGiB, 64),
                                 .recommended = AtLeast(6 * kGiB),
                                 .what = "Size of the RAM",
                                 .source = ""};
constexpr Requirement kSynchronized = {.id = "ntp_synchronized",
                                       .required = Yes(),
                                       .what = "The clock is kept right",
                                       .source = ""};
constexpr Requirement kForeign = {.id = "foreign_listeners",
                                  .unit = Unit::kCount,
                                  .required = AtMost(0),
                                  .what = "Listeners of others",
                                  .source = ""};
constexpr Requirement kOffset = {.id = "clock_offset",
                                 .unit = Unit::kSeconds,
                                 .what = "Offset",
                                 .source = ""};
constexpr Requirement kOs = {.id = "os_info",
                             .unit = Unit::kInfo,
                             .what = "The distribution",
                             .source = ""};

constexpr Requirement kTransition = {.id = "timezone_transition",
                                     .unit = Unit::kTimestamp,
                                     .what = "When the offset changes",
                                     .source = ""};
constexpr Requirement kSteps = {.id = "clock_steps",
                                .unit = Unit::kTotal,
                                .what = "Steps of the clock",
                                .source = ""};

const absl::Status kError = absl::DataLossError("lacks it");

Finding Of(const Requirement& requirement, absl::StatusOr<double> value,
           Labels labels = {}) {
  return {&requirement,
          {.labels = std::move(labels), .value = std::move(value)}};
}

Report With(std::vector<Finding> findings) {
  return {.sections = {{.topic = "topic",
                        .cadence = std::nullopt,
                        .findings = std::move(findings)}}};
}

// The labels of a family's samples as one text each, and their values. A
// family that is not there has none.
std::vector<std::pair<std::string, double>> Samples(const Report& report,
                                                    const std::string& name) {
  std::vector<std::pair<std::string, double>> samples;
  for (const MetricFamily& family : FamiliesOf(report)) {
    if (family.name != name) continue;
    for (const ClientMetric& metric : family.metric) {
      std::string labels;
      for (const auto& label : metric.label) {
        labels += (labels.empty() ? "" : ",") + label.name + "=" + label.value;
      }
      samples.emplace_back(labels, metric.gauge.value);
    }
  }
  return samples;
}

// The family of that name, which must be there.
MetricFamily FamilyOf(const Report& report, const std::string& name) {
  for (const MetricFamily& family : FamiliesOf(report)) {
    if (family.name == name) return family;
  }
  std::abort();
}

std::string HelpOf(const Report& report, const std::string& name) {
  for (const MetricFamily& family : FamiliesOf(report)) {
    if (family.name == name) return family.help;
  }
  return "(no such family)";
}

TEST(MetricName, EndsInTheBaseUnitWhereThereIsOne) {
  EXPECT_EQ(MetricName(kMemory), "mailcow_host_memory_bytes");
  EXPECT_EQ(MetricName(kOffset), "mailcow_host_clock_offset_seconds");
  EXPECT_EQ(MetricName(kForeign), "mailcow_host_foreign_listeners");
  EXPECT_EQ(MetricName(kSynchronized), "mailcow_host_ntp_synchronized");
  EXPECT_EQ(MetricName(kOs), "mailcow_host_os_info");
  EXPECT_EQ(MetricName(kTransition),
            "mailcow_host_timezone_transition_timestamp_seconds");
}

TEST(MetricName, OfACounterEndsInTotal) {
  EXPECT_EQ(MetricName(kSteps), "mailcow_host_clock_steps_total");
}

TEST(LimitMetricName, HasTheUnitLast) {
  EXPECT_EQ(LimitMetricName(kMemory), "mailcow_host_memory_limit_bytes");
  EXPECT_EQ(LimitMetricName(kForeign), "mailcow_host_foreign_listeners_limit");
}

TEST(Measurement, CarriesAllLabelsAndTheWhatAsHelp) {
  const Report report =
      With({Of(kForeign, 2, {{"port", "25"}, {"service", "smtp"}}),
            Of(kForeign, 0, {{"port", "80"}, {"service", "http"}})});
  EXPECT_THAT(Samples(report, "mailcow_host_foreign_listeners"),
              ElementsAre(Pair("port=25,service=smtp", 2),
                          Pair("port=80,service=http", 0)));
  EXPECT_EQ(HelpOf(report, "mailcow_host_foreign_listeners"),
            "Listeners of others");
}

TEST(Measurement, OfATotalIsACounterAndAnyOtherAGauge) {
  const Report report = With({Of(kSteps, 3, {{"clock", "system"}}),
                              Of(kForeign, 2), Of(kTransition, 1774746000)});
  const MetricFamily steps = FamilyOf(report, "mailcow_host_clock_steps_total");
  EXPECT_EQ(steps.type, prometheus::MetricType::Counter);
  EXPECT_EQ(steps.help, "Steps of the clock");
  ASSERT_EQ(steps.metric.size(), 1u);
  EXPECT_EQ(steps.metric.front().counter.value, 3);
  ASSERT_EQ(steps.metric.front().label.size(), 1u);
  EXPECT_EQ(steps.metric.front().label.front().value, "system");
  EXPECT_EQ(FamilyOf(report, "mailcow_host_foreign_listeners").type,
            prometheus::MetricType::Gauge);
  const MetricFamily transition =
      FamilyOf(report, "mailcow_host_timezone_transition_timestamp_seconds");
  EXPECT_EQ(transition.type, prometheus::MetricType::Gauge);
  EXPECT_EQ(transition.metric.front().gauge.value, 1774746000);
}

TEST(Measurement, OfATotalThatIsUnknownIsAbsentNotZero) {
  EXPECT_EQ(
      HelpOf(With({Of(kSteps, kError)}), "mailcow_host_clock_steps_total"),
      "(no such family)");
}

TEST(Measurement, OfAnUnknownIsAbsentNotZero) {
  const Report report = With({Of(kMemory, kError)});
  EXPECT_THAT(Samples(report, "mailcow_host_memory_bytes"), IsEmpty());
  EXPECT_EQ(HelpOf(report, "mailcow_host_memory_bytes"), "(no such family)");
}

TEST(Measurement, HelpSaysHowOftenACachedValueIsRefreshed) {
  Report report = With({Of(kMemory, 2 * kGiB)});
  report.sections.front().cadence = {.every = absl::Seconds(15),
                                     .allowance = absl::Seconds(60)};
  EXPECT_EQ(HelpOf(report, "mailcow_host_memory_bytes"),
            "Size of the RAM (refreshed every 15 seconds)");
}

TEST(Limit, IsTheOneInForceOfEachLevel) {
  EXPECT_THAT(
      Samples(With({Of(kMemory, 2 * kGiB)}), "mailcow_host_memory_limit_bytes"),
      ElementsAre(Pair("level=required", 1 * kGiB - 64),
                  Pair("level=recommended", 6 * kGiB)));
}

TEST(Limit, StaysWhileTheMeasurementIsUnknown) {
  EXPECT_THAT(Samples(With({Of(kForeign, kError)}),
                      "mailcow_host_foreign_listeners_limit"),
              ElementsAre(Pair("level=required", 0)));
}

TEST(Limit, OfABoolOrAFactIsAbsent) {
  const Report report = With({Of(kSynchronized, 1), Of(kOffset, 0)});
  EXPECT_THAT(Samples(report, "mailcow_host_ntp_synchronized_limit"),
              IsEmpty());
  EXPECT_THAT(Samples(report, "mailcow_host_clock_offset_limit_seconds"),
              IsEmpty());
}

TEST(Verdicts, AreOneForMetAndZeroForUnmetAtEachLevel) {
  const Report report = With({Of(kMemory, 2 * kGiB)});
  EXPECT_THAT(
      Samples(report, "mailcow_host_requirement_met"),
      ElementsAre(Pair("requirement=memory,subject=,level=required", 1),
                  Pair("requirement=memory,subject=,level=recommended", 0)));
  EXPECT_THAT(
      Samples(report, "mailcow_host_requirement_known"),
      ElementsAre(Pair("requirement=memory,subject=,level=required", 1),
                  Pair("requirement=memory,subject=,level=recommended", 1)));
}

TEST(Verdicts, AnUnknownIsKnownZeroAndHasNoSampleOfMet) {
  const Report report =
      With({Of(kForeign, kError, {{"port", "25"}, {"service", "smtp"}})});
  EXPECT_THAT(Samples(report, "mailcow_host_requirement_met"), IsEmpty());
  EXPECT_THAT(
      Samples(report, "mailcow_host_requirement_known"),
      ElementsAre(
          Pair("requirement=foreign_listeners,subject=25,level=required", 0)));
}

TEST(Verdicts, OfReadingsThatShareASubjectTheWorstStands) {
  const Labels one = {{"port", "25"}, {"service", "smtp"}};
  const Labels other = {{"port", "25"}, {"service", "smtps"}};
  const std::string labels =
      "requirement=foreign_listeners,subject=25,level=required";
  EXPECT_THAT(Samples(With({Of(kForeign, 1, one), Of(kForeign, kError, other),
                            Of(kForeign, 0, other)}),
                      "mailcow_host_requirement_met"),
              ElementsAre(Pair(labels, 0)));
  EXPECT_THAT(Samples(With({Of(kForeign, 0, one), Of(kForeign, kError, other)}),
                      "mailcow_host_requirement_known"),
              ElementsAre(Pair(labels, 0)));
}

TEST(Verdicts, AFactHasNone) {
  EXPECT_THAT(Samples(With({Of(kOffset, 0)}), "mailcow_host_requirement_known"),
              IsEmpty());
}

TEST(Ready, IsOneOnlyWhenEveryRequiredVerdictIsMet) {
  const auto ready = [](absl::StatusOr<double> memory) {
    return Samples(With({Of(kMemory, std::move(memory))}),
                   "mailcow_host_ready");
  };
  EXPECT_THAT(ready(2 * kGiB), ElementsAre(Pair("", 1)));
  EXPECT_THAT(ready(0), ElementsAre(Pair("", 0)));
  EXPECT_THAT(ready(kError), ElementsAre(Pair("", 0)));
}

TEST(Collectors, SucceedOnlyWhenAllTheirFindingsAreKnown) {
  const Report report = {
      .sections = {{.topic = "memory",
                    .cadence = std::nullopt,
                    .findings = {Of(kMemory, 0), Of(kForeign, kError)}},
                   {.topic = "clock",
                    .cadence = std::nullopt,
                    .findings = {Of(kOffset, 0)}}}};
  EXPECT_THAT(
      Samples(report, "mailcow_host_scrape_collector_success"),
      ElementsAre(Pair("collector=memory", 0), Pair("collector=clock", 1)));
}

TEST(Collectors, TellTheirDurationAndAgeInSeconds) {
  Report report = With({Of(kOffset, 0)});
  report.sections.front().duration = absl::Milliseconds(250);
  report.sections.front().age = absl::Seconds(12);
  EXPECT_THAT(Samples(report, "mailcow_host_scrape_collector_duration_seconds"),
              ElementsAre(Pair("collector=topic", 0.25)));
  EXPECT_THAT(Samples(report, "mailcow_host_scrape_collector_age_seconds"),
              ElementsAre(Pair("collector=topic", 12)));
}

}  // namespace
}  // namespace mailcow
