#include "exporter/exposition.h"

#include <algorithm>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr Requirement kMemory = {.id = "memory",
                                 .unit = Unit::kBytes,
                                 .required = AtLeast(1 * kGiB, 64),
                                 .recommended = AtLeast(6 * kGiB),
                                 .what = "Size of the RAM",
                                 .remedy = "give it more RAM",
                                 .source = ""};
constexpr Requirement kSynchronized = {.id = "ntp_synchronized",
                                       .required = Yes(),
                                       .what = "The clock is kept right",
                                       .source = ""};
constexpr Requirement kForeign = {.id = "foreign_listeners",
                                  .unit = Unit::kCount,
                                  .required = AtMost(0),
                                  .what = "Listeners of others",
                                  .remedy = "stop them",
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

// What the text says of one family.
struct Family {
  std::string help = "(no such family)";
  std::string type;
  // The labels of each sample as one text, and its value.
  std::vector<std::pair<std::string, double>> samples;
};

// A line `NAME{LABELS} VALUE`, of labels without quotes or commas in them.
std::pair<std::string, double> SampleOf(absl::string_view line) {
  const size_t blank = line.rfind(' ');
  double value = 0;
  EXPECT_TRUE(absl::SimpleAtod(line.substr(blank + 1), &value)) << line;
  const size_t name_end = std::min(line.find('{'), blank);
  std::string labels(line.substr(name_end, blank - name_end));
  labels.erase(
      std::remove_if(labels.begin(), labels.end(),
                     [](char c) { return c == '"' || c == '{' || c == '}'; }),
      labels.end());
  return {labels, value};
}

// The family of that name; the test fails where it stands there twice.
Family FamilyIn(absl::string_view text, absl::string_view name) {
  Family family;
  bool is_of_family = false;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "# HELP ")) {
      is_of_family = absl::ConsumePrefix(&line, absl::StrCat(name, " "));
      if (!is_of_family) continue;
      EXPECT_EQ(family.help, "(no such family)");
      family.help = std::string(line);
    } else if (absl::ConsumePrefix(&line, "# TYPE ")) {
      if (!is_of_family) continue;
      EXPECT_TRUE(absl::ConsumePrefix(&line, absl::StrCat(name, " "))) << line;
      family.type = std::string(line);
    } else if (is_of_family && !line.empty()) {
      EXPECT_TRUE(absl::StartsWith(line, name)) << line;
      family.samples.push_back(SampleOf(line));
    }
  }
  return family;
}

std::string Render(Exposition& exposition, const Report& report) {
  std::string text;
  exposition.Append(report, text);
  return text;
}

// As one renders it that has rendered nothing yet.
std::string TextOf(const Report& report) {
  Exposition exposition;
  return Render(exposition, report);
}

// A family that is not there has no samples.
std::vector<std::pair<std::string, double>> Samples(const Report& report,
                                                    absl::string_view name) {
  return FamilyIn(TextOf(report), name).samples;
}

Family FamilyOf(const Report& report, absl::string_view name) {
  return FamilyIn(TextOf(report), name);
}

std::string HelpOf(const Report& report, absl::string_view name) {
  return FamilyOf(report, name).help;
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
  const Family steps = FamilyOf(report, "mailcow_host_clock_steps_total");
  EXPECT_EQ(steps.type, "counter");
  EXPECT_EQ(steps.help, "Steps of the clock");
  EXPECT_THAT(steps.samples, ElementsAre(Pair("clock=system", 3)));
  EXPECT_EQ(FamilyOf(report, "mailcow_host_foreign_listeners").type, "gauge");
  const Family transition =
      FamilyOf(report, "mailcow_host_timezone_transition_timestamp_seconds");
  EXPECT_EQ(transition.type, "gauge");
  EXPECT_THAT(transition.samples, ElementsAre(Pair("", 1774746000)));
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

constexpr char kRemedyInfo[] = "mailcow_host_requirement_remedy_info";

TEST(Remedies, AreThoseOfWhatIsUnmetAlone) {
  const Report report =
      With({Of(kSynchronized, 1), Of(kForeign, kError, {{"port", "25"}}),
            Of(kForeign, 1, {{"port", "80"}, {"service", "http"}})});
  EXPECT_THAT(
      Samples(report, kRemedyInfo),
      ElementsAre(Pair(
          "requirement=foreign_listeners,subject=80,remedy=stop them", 1)));
  EXPECT_THAT(Samples(With({Of(kSynchronized, 1)}), kRemedyInfo), IsEmpty());
}

TEST(Remedies, AreTheMoreExactOnesWhereTheyAreKnown) {
  Finding finding = Of(kForeign, 1, {{"port", "25"}});
  finding.reading.remedy = "systemctl disable --now exim4";
  EXPECT_THAT(Samples(With({finding}), kRemedyInfo),
              ElementsAre(Pair("requirement=foreign_listeners,subject=25,"
                               "remedy=systemctl disable --now exim4",
                               1)));
}

TEST(Remedies, AreOneForBothLevelsAndForReadingsThatShareASubject) {
  EXPECT_THAT(Samples(With({Of(kMemory, 0)}), kRemedyInfo),
              ElementsAre(Pair(
                  "requirement=memory,subject=,remedy=give it more RAM", 1)));
  Finding other = Of(kForeign, 1, {{"port", "25"}, {"service", "smtps"}});
  other.reading.remedy = "another";
  EXPECT_THAT(
      Samples(With({Of(kForeign, 0, {{"port", "25"}}),
                    Of(kForeign, 1, {{"port", "25"}}), other}),
              kRemedyInfo),
      ElementsAre(Pair("requirement=foreign_listeners,subject=25,remedy="
                       "another; stop them",
                       1)));
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

Section Of(const std::string& topic, Findings findings) {
  return {
      .topic = topic, .cadence = std::nullopt, .findings = std::move(findings)};
}

TEST(Gauge, HasASampleForEachThatIsGiven) {
  const prometheus::MetricFamily family =
      Gauge("name", "help", {{{{"a", "1"}, {"b", "2"}}, 7}, {{}, 8}});
  EXPECT_EQ(TextFormat().Serialize({family}),
            "# HELP name help\n# TYPE name gauge\n"
            "name{a=\"1\",b=\"2\"} 7\nname 8\n");
}

TEST(Exposition, HasTheFamiliesOfTopicsFirstAndThenThoseThatTheyShare) {
  Report report = {
      .sections = {Of("ntp", {Of(kSynchronized, 1), Of(kOffset, kError)}),
                   Of("ports", {Of(kForeign, 2, {{"port", "25"}}),
                                Of(kForeign, kError, {{"port", "80"}})})}};
  report.sections[0].duration = absl::Milliseconds(250);
  report.sections[1].age = absl::Seconds(12);
  EXPECT_EQ(TextOf(report),
            R"(# HELP mailcow_host_ntp_synchronized The clock is kept right
# TYPE mailcow_host_ntp_synchronized gauge
mailcow_host_ntp_synchronized 1
# HELP mailcow_host_foreign_listeners Listeners of others
# TYPE mailcow_host_foreign_listeners gauge
mailcow_host_foreign_listeners{port="25"} 2
# HELP mailcow_host_foreign_listeners_limit Limit in force for mailcow_host_foreign_listeners
# TYPE mailcow_host_foreign_listeners_limit gauge
mailcow_host_foreign_listeners_limit{level="required"} 0
# HELP mailcow_host_requirement_met Whether the requirement is met; no sample while that is not known
# TYPE mailcow_host_requirement_met gauge
mailcow_host_requirement_met{requirement="ntp_synchronized",subject="",level="required"} 1
mailcow_host_requirement_met{requirement="foreign_listeners",subject="25",level="required"} 0
# HELP mailcow_host_requirement_known Whether the requirement could be judged
# TYPE mailcow_host_requirement_known gauge
mailcow_host_requirement_known{requirement="ntp_synchronized",subject="",level="required"} 1
mailcow_host_requirement_known{requirement="foreign_listeners",subject="25",level="required"} 1
mailcow_host_requirement_known{requirement="foreign_listeners",subject="80",level="required"} 0
# HELP mailcow_host_requirement_remedy_info What to do about a requirement that is unmet, in its label; no sample for one that is met or not known
# TYPE mailcow_host_requirement_remedy_info gauge
mailcow_host_requirement_remedy_info{requirement="foreign_listeners",subject="25",remedy="stop them"} 1
# HELP mailcow_host_ready Whether every required requirement of the topics that are asked is met; one that is not known is not met
# TYPE mailcow_host_ready gauge
mailcow_host_ready 0
# HELP mailcow_host_scrape_collector_success Whether the collector could read all that it asked for
# TYPE mailcow_host_scrape_collector_success gauge
mailcow_host_scrape_collector_success{collector="ntp"} 0
mailcow_host_scrape_collector_success{collector="ports"} 0
# HELP mailcow_host_scrape_collector_duration_seconds Time the collector took
# TYPE mailcow_host_scrape_collector_duration_seconds gauge
mailcow_host_scrape_collector_duration_seconds{collector="ntp"} 0.25
mailcow_host_scrape_collector_duration_seconds{collector="ports"} 0
# HELP mailcow_host_scrape_collector_age_seconds Age of the collector's findings; 0 for those that are read at the scrape
# TYPE mailcow_host_scrape_collector_age_seconds gauge
mailcow_host_scrape_collector_age_seconds{collector="ntp"} 0
mailcow_host_scrape_collector_age_seconds{collector="ports"} 12
)");
}

TEST(Exposition, IsAppendedToWhatIsThere) {
  const Report report = With({Of(kOffset, 0)});
  std::string text = "before\n";
  Exposition().Append(report, text);
  EXPECT_EQ(text, "before\n" + TextOf(report));
}

TEST(Exposition, OfNoTopicsIsOnlyThatNothingIsUnmet) {
  EXPECT_THAT(TextOf({}), AllOf(HasSubstr("\nmailcow_host_ready 1\n"),
                                Not(HasSubstr("requirement_")),
                                Not(HasSubstr("collector_"))));
}

TEST(Exposition, OfTheSameFindingsIsTheSameText) {
  Exposition exposition;
  const Report report = With({Of(kMemory, 2 * kGiB), Of(kForeign, kError)});
  const std::string text = Render(exposition, report);
  EXPECT_EQ(Render(exposition, report), text);
  EXPECT_EQ(Render(exposition, Report(report)), text);
}

TEST(Exposition, FindingsThatChangedAreRenderedAnew) {
  Exposition exposition;
  const auto memory = [&](absl::StatusOr<double> value) {
    return Render(exposition, With({Of(kMemory, std::move(value))}));
  };
  EXPECT_THAT(memory(8 * kGiB), HasSubstr("\nmailcow_host_ready 1\n"));
  const std::string unmet = memory(5);
  EXPECT_THAT(FamilyIn(unmet, "mailcow_host_memory_bytes").samples,
              ElementsAre(Pair("", 5)));
  EXPECT_THAT(
      FamilyIn(unmet, "mailcow_host_requirement_met").samples,
      ElementsAre(Pair("requirement=memory,subject=,level=required", 0),
                  Pair("requirement=memory,subject=,level=recommended", 0)));
  EXPECT_THAT(unmet, HasSubstr("\nmailcow_host_ready 0\n"));
  const std::string unknown = memory(kError);
  EXPECT_THAT(unknown, Not(HasSubstr("requirement_met")));
  EXPECT_THAT(unknown, HasSubstr("collector_success{collector=\"topic\"} 0\n"));
}

TEST(Exposition, AgeAndDurationChangeThoughTheFindingsDoNot) {
  Exposition exposition;
  Report report = With({Of(kOffset, 0)});
  report.sections.front().duration = absl::Milliseconds(250);
  report.sections.front().age = absl::Seconds(12);
  Render(exposition, report);
  report.sections.front().duration = absl::Milliseconds(500);
  report.sections.front().age = absl::Seconds(13);
  const std::string text = Render(exposition, report);
  EXPECT_THAT(
      FamilyIn(text, "mailcow_host_scrape_collector_duration_seconds").samples,
      ElementsAre(Pair("collector=topic", 0.5)));
  EXPECT_THAT(
      FamilyIn(text, "mailcow_host_scrape_collector_age_seconds").samples,
      ElementsAre(Pair("collector=topic", 13)));
}

TEST(Exposition, OfATopicThatIsLeftOutNothingStays) {
  Exposition exposition;
  const Section memory = Of("memory", {Of(kMemory, 0)});
  const Section clock = Of("clock", {Of(kOffset, 0)});
  EXPECT_THAT(Render(exposition, {.sections = {memory, clock}}),
              AllOf(HasSubstr("memory"), HasSubstr("clock"),
                    HasSubstr("\nmailcow_host_ready 0\n")));
  EXPECT_THAT(Render(exposition, {.sections = {clock}}),
              AllOf(Not(HasSubstr("memory")), HasSubstr("clock"),
                    HasSubstr("\nmailcow_host_ready 1\n")));
}

// Findings that stand in two topics are not taken for those of the other.
TEST(Exposition, TopicsAreKeptApartThoughTheyShareFindings) {
  Exposition exposition;
  const Findings findings = {Of(kOffset, 7)};
  Render(exposition, {.sections = {Of("a", findings)}});
  const std::string text =
      Render(exposition, {.sections = {Of("b", findings)}});
  EXPECT_THAT(FamilyIn(text, "mailcow_host_scrape_collector_success").samples,
              ElementsAre(Pair("collector=b", 1)));
}

// Whatever was rendered before leaves no trace.
TEST(Exposition, IsThatOfOneThatHasRenderedNothingYet) {
  const Section memory = Of("memory", {Of(kMemory, 2 * kGiB)});
  const Section less = Of("memory", {Of(kMemory, 5), Of(kSteps, 1)});
  const Section unknown = Of("memory", {Of(kMemory, kError)});
  const Section none = Of("memory", Findings());
  const Section ports = Of(
      "ports", {Of(kForeign, 1, {{"port", "25"}}), Of(kForeign, kError, {})});
  const Section clock = Of("clock", {Of(kOffset, -0.5), Of(kSynchronized, 1)});
  const std::vector<Report> reports = {
      {.sections = {memory, ports, clock}}, {.sections = {less, ports}},
      {.sections = {clock, unknown}},       {.sections = {}},
      {.sections = {none, clock}},          {.sections = {ports, memory}}};
  Exposition exposition;
  for (size_t i = 0; i < reports.size(); ++i) {
    for (size_t j = 0; j < reports.size(); ++j) {
      Render(exposition, reports[i]);
      EXPECT_EQ(Render(exposition, reports[j]), TextOf(reports[j]))
          << j << " after " << i;
    }
  }
}

TEST(Exposition, SeveralThreadsMayAskAtOnce) {
  const Report one = {.sections = {Of("memory", {Of(kMemory, 2 * kGiB)})}};
  const Report other = {.sections = {Of("memory", {Of(kMemory, 5)})}};
  Exposition exposition;
  std::vector<std::thread> threads;
  for (const Report* report : {&one, &other, &one, &other}) {
    threads.emplace_back([&exposition, report] {
      const std::string text = TextOf(*report);
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(Render(exposition, *report), text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mailcow
