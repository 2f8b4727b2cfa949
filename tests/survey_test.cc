#include "exporter/survey.h"

#include <atomic>
#include <limits>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::ElementsAre;

constexpr Cadence kCadence = {.every = absl::Hours(1),
                              .allowance = absl::Seconds(60)};
constexpr Requirement kRequirement = {
    .id = "answers", .unit = Unit::kCount, .what = "", .source = ""};

// Counts how often it was asked, and answers that unless it is told to answer
// something else.
class CountingCollector : public Collector {
 public:
  CountingCollector(std::string topic, std::optional<Cadence> cadence)
      : topic_(std::move(topic)), cadence_(cadence) {}

  absl::string_view topic() const override { return topic_; }
  std::vector<const Requirement*> requirements() const override {
    return {&kRequirement};
  }
  void Override(const Limits&) override {}
  Collected Collect(const Host&) const override {
    const int count = ++count_;
    while (count >= hanging_from_) std::this_thread::yield();
    ++answered_;
    const int answer = fixed_ == 0 ? count : fixed_.load();
    return {.findings = {{&kRequirement,
                          {.labels = {{"path", "/srv"}}, .value = answer}}},
            .age = age_};
  }
  std::optional<Cadence> cadence() const override { return cadence_; }

  // What is found from now on was told so long ago. Before it is asked.
  void Age(absl::Duration age) { age_ = age; }
  // What it answers from now on; 0 is the count again.
  void Answer(int fixed) { fixed_ = fixed; }
  // The answers from that number on hang until Release().
  void HangFrom(int count) { hanging_from_ = count; }
  void Release() { hanging_from_ = std::numeric_limits<int>::max(); }
  int asked() const { return count_; }
  int answered() const { return answered_; }
  void AwaitQuestion(int count) const {
    while (count_ < count) std::this_thread::yield();
  }

 private:
  const std::string topic_;
  const std::optional<Cadence> cadence_;
  absl::Duration age_ = absl::ZeroDuration();
  mutable std::atomic<int> count_ = 0;
  mutable std::atomic<int> answered_ = 0;
  std::atomic<int> hanging_from_ = std::numeric_limits<int>::max();
  std::atomic<int> fixed_ = 0;
};

// A host that nobody looks at, a clock that the test moves, and one collector.
class SurveyTest : public testing::Test {
 protected:
  void Add(std::optional<Cadence> cadence,
           const std::string& topic = "counting") {
    auto collector = std::make_unique<CountingCollector>(topic, cadence);
    collector_ = collector.get();
    collectors_.push_back(std::move(collector));
  }
  std::unique_ptr<Survey> Start() {
    return std::make_unique<Survey>(collectors_, host_, [this] {
      return std::chrono::steady_clock::time_point(
          std::chrono::seconds(now_seconds_));
    });
  }

  const Files files_{Files::Roots{}};
  const FakeKernel kernel_ = {};
  const FakeDocker docker_ = {};
  const FakeBus bus_ = {};
  const FakeTimeServers time_servers_ = {};
  const FakeDns dns_ = {};
  const ProcessNames processes_{files_};
  const Host host_ = {.files = files_,
                      .kernel = kernel_,
                      .docker = docker_,
                      .bus = bus_,
                      .time_servers = time_servers_,
                      .dns = dns_,
                      .processes = processes_};
  std::atomic<int> now_seconds_ = 1000;
  CountingCollector* collector_ = nullptr;
  Collectors collectors_;
};

const Section& Only(const Report& report) {
  EXPECT_EQ(report.sections.size(), 1u);
  return report.sections.front();
}

const absl::StatusOr<double>& ValueOf(const Report& report) {
  return Only(report).findings.front().reading.value;
}

TEST_F(SurveyTest, ReportsTheTopicsInTheirOrder) {
  Add(std::nullopt, "memory");
  Add(kCadence, "disk");
  Add(std::nullopt, "ports");
  const Report report = Start()->Take();
  ASSERT_EQ(report.sections.size(), 3u);
  EXPECT_EQ(report.sections[0].topic, "memory");
  EXPECT_EQ(report.sections[1].topic, "disk");
  EXPECT_EQ(report.sections[2].topic, "ports");
  EXPECT_FALSE(report.sections[0].cadence.has_value());
  EXPECT_TRUE(report.sections[1].cadence.has_value());
}

TEST_F(SurveyTest, AsksOnlyForTheTopicsThatAreWanted) {
  Add(std::nullopt, "memory");
  const CountingCollector& memory = *collector_;
  Add(kCadence, "disk");
  Add(std::nullopt, "ports");
  const CountingCollector& ports = *collector_;
  const std::unique_ptr<Survey> survey = Start();
  const Report report =
      survey->Take([](absl::string_view topic) { return topic != "memory"; });
  ASSERT_EQ(report.sections.size(), 2u);
  EXPECT_EQ(report.sections[0].topic, "disk");
  EXPECT_EQ(report.sections[1].topic, "ports");
  EXPECT_EQ(memory.asked(), 0);
  EXPECT_EQ(ports.asked(), 1);
  const auto none = [](absl::string_view) { return false; };
  EXPECT_TRUE(survey->Take(none).sections.empty());
  EXPECT_EQ(ports.asked(), 1);
}

TEST_F(SurveyTest, FindingsThatAreEqualAreShared) {
  Add(std::nullopt);
  collector_->Answer(7);
  const std::unique_ptr<Survey> survey = Start();
  const Report first = survey->Take();
  const Report second = survey->Take();
  EXPECT_EQ(collector_->asked(), 2);
  EXPECT_TRUE(Only(first).findings.AreSameAs(Only(second).findings));
  EXPECT_EQ(ValueOf(second).value_or(0), 7);
}

TEST_F(SurveyTest, FindingsThatChangedAreNotShared) {
  Add(std::nullopt);
  collector_->Answer(7);
  const std::unique_ptr<Survey> survey = Start();
  const Report first = survey->Take();
  collector_->Answer(8);
  const Report second = survey->Take();
  collector_->Answer(7);
  const Report third = survey->Take();
  EXPECT_FALSE(Only(first).findings.AreSameAs(Only(second).findings));
  EXPECT_FALSE(Only(second).findings.AreSameAs(Only(third).findings));
  EXPECT_EQ(ValueOf(first).value_or(0), 7);
  EXPECT_EQ(ValueOf(second).value_or(0), 8);
  EXPECT_EQ(ValueOf(third).value_or(0), 7);
}

TEST_F(SurveyTest, FindingsOfOneTopicAreNotThoseOfAnother) {
  Add(std::nullopt, "memory");
  collector_->Answer(7);
  Add(std::nullopt, "ports");
  collector_->Answer(7);
  const std::unique_ptr<Survey> survey = Start();
  survey->Take();
  const Report report = survey->Take();
  EXPECT_FALSE(
      report.sections[0].findings.AreSameAs(report.sections[1].findings));
}

TEST_F(SurveyTest, TheAgeOfFindingsThatAreSharedIsThatOfTheLatest) {
  Add(std::nullopt);
  collector_->Answer(7);
  collector_->Age(absl::Seconds(1));
  const std::unique_ptr<Survey> survey = Start();
  const Report first = survey->Take();
  collector_->Age(absl::Seconds(2));
  const Report second = survey->Take();
  EXPECT_TRUE(Only(first).findings.AreSameAs(Only(second).findings));
  EXPECT_EQ(Only(second).age, absl::Seconds(2));
}

TEST_F(SurveyTest, FindingsOfOneRefreshAreShared) {
  Add(kCadence);
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  const Report first = survey->Take();
  now_seconds_ += 60;
  EXPECT_TRUE(Only(first).findings.AreSameAs(Only(survey->Take()).findings));
}

TEST_F(SurveyTest, WithoutACadenceACollectorIsAskedAtEachTake) {
  Add(std::nullopt);
  const std::unique_ptr<Survey> survey = Start();
  EXPECT_EQ(ValueOf(survey->Take()).value_or(0), 1);
  EXPECT_EQ(ValueOf(survey->Take()).value_or(0), 2);
  EXPECT_EQ(Only(survey->Take()).age, absl::ZeroDuration());
}

TEST_F(SurveyTest, WithACadenceACollectorIsNotAskedByTake) {
  Add(kCadence);
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  EXPECT_EQ(ValueOf(survey->Take()).value_or(0), 1);
  EXPECT_EQ(ValueOf(survey->Take()).value_or(0), 1);
}

TEST_F(SurveyTest, ACadenceRefreshesAgainAndAgain) {
  Add(Cadence{.every = absl::ZeroDuration(), .allowance = absl::Seconds(60)});
  const std::unique_ptr<Survey> survey = Start();
  collector_->AwaitQuestion(3);
  EXPECT_GE(ValueOf(survey->Take()).value_or(0), 2);
}

TEST_F(SurveyTest, FindingsCarryTheirAge) {
  Add(kCadence);
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  now_seconds_ += 42;
  EXPECT_EQ(Only(survey->Take()).age, absl::Seconds(42));
}

TEST_F(SurveyTest, WhatAnotherPartyToldIsAsOldAsThat) {
  Add(std::nullopt);
  collector_->Age(absl::Seconds(7));
  EXPECT_EQ(Only(Start()->Take()).age, absl::Seconds(7));
}

TEST_F(SurveyTest, WhatWasToldIsOlderByTheAgeOfTheFindings) {
  Add(kCadence);
  collector_->Age(absl::Seconds(7));
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  now_seconds_ += 42;
  EXPECT_EQ(Only(survey->Take()).age, absl::Seconds(49));
}

// Who told it does not tell what is too old.
TEST_F(SurveyTest, TheAgeOfWhatWasToldDoesNotCountAgainstTheAllowance) {
  Add(kCadence);
  collector_->Age(absl::Seconds(20));
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  now_seconds_ += 60;
  EXPECT_TRUE(ValueOf(survey->Take()).ok());
  now_seconds_ += 1;
  EXPECT_TRUE(absl::IsDeadlineExceeded(ValueOf(survey->Take()).status()));
}

TEST_F(SurveyTest, FindingsAsOldAsTheAllowanceAreBelieved) {
  Add(kCadence);
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  now_seconds_ += 60;
  EXPECT_EQ(ValueOf(survey->Take()).value_or(0), 1);
}

TEST_F(SurveyTest, OlderFindingsAreUnknownWithTheirAgeAsReason) {
  Add(kCadence);
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  now_seconds_ += 61;
  const absl::Status status = ValueOf(survey->Take()).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "last measured 61 seconds ago, more than 60");
}

TEST_F(SurveyTest, OlderFindingsKeepTheirLabels) {
  Add(kCadence);
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  now_seconds_ += 61;
  const Report report = survey->Take();
  EXPECT_THAT(Only(report).findings.front().reading.labels,
              ElementsAre(testing::Pair("path", "/srv")));
}

TEST_F(SurveyTest, OlderFindingsAreSharedWithinASecond) {
  Add(kCadence);
  const std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  const Report fresh = survey->Take();
  now_seconds_ += 61;
  const Report first = survey->Take();
  const Report second = survey->Take();
  now_seconds_ += 1;
  const Report later = survey->Take();
  EXPECT_FALSE(Only(fresh).findings.AreSameAs(Only(first).findings));
  EXPECT_TRUE(Only(first).findings.AreSameAs(Only(second).findings));
  EXPECT_FALSE(Only(second).findings.AreSameAs(Only(later).findings));
  EXPECT_EQ(ValueOf(first).status().message(),
            "last measured 61 seconds ago, more than 60");
  EXPECT_EQ(ValueOf(later).status().message(),
            "last measured 62 seconds ago, more than 60");
}

TEST_F(SurveyTest, AFreshRefreshReplacesOlderFindings) {
  Add(Cadence{.every = absl::ZeroDuration(), .allowance = absl::Seconds(60)});
  collector_->HangFrom(2);
  const std::unique_ptr<Survey> survey = Start();
  const absl::Cleanup release = [this] { collector_->Release(); };
  collector_->AwaitQuestion(2);
  now_seconds_ += 61;
  EXPECT_TRUE(absl::IsDeadlineExceeded(ValueOf(survey->Take()).status()));
  collector_->Release();
  // The one that hung was asked too long ago; the one after it was not.
  collector_->AwaitQuestion(4);
  EXPECT_GE(ValueOf(survey->Take()).value_or(0), 3);
}

// Their age alone does not tell them apart.
TEST_F(SurveyTest, OlderFindingsOfTwoRefreshesAreNotShared) {
  Add(Cadence{.every = absl::ZeroDuration(), .allowance = absl::Seconds(60)});
  collector_->HangFrom(2);
  const std::unique_ptr<Survey> survey = Start();
  const absl::Cleanup release = [this] { collector_->Release(); };
  collector_->AwaitQuestion(2);
  now_seconds_ += 61;
  const Report first = survey->Take();
  collector_->HangFrom(3);
  collector_->AwaitQuestion(3);
  const Report second = survey->Take();
  EXPECT_EQ(ValueOf(first).status(), ValueOf(second).status());
  EXPECT_FALSE(Only(first).findings.AreSameAs(Only(second).findings));
}

TEST_F(SurveyTest, BeforeTheFirstAnswerEveryRequirementIsUnknown) {
  Add(kCadence);
  collector_->HangFrom(1);
  const std::unique_ptr<Survey> survey = Start();
  const absl::Cleanup release = [this] { collector_->Release(); };
  const Report report = survey->Take();
  EXPECT_EQ(Only(report).topic, "counting");
  ASSERT_EQ(Only(report).findings.size(), 1u);
  EXPECT_EQ(Only(report).findings.front().requirement, &kRequirement);
  EXPECT_TRUE(absl::IsUnavailable(ValueOf(report).status()));
  EXPECT_EQ(ValueOf(report).status().message(), "not measured yet");
}

TEST_F(SurveyTest, ACollectorThatHangsHoldsNeitherTakeNorTheOthers) {
  Add(kCadence);
  CountingCollector* hanging = collector_;
  hanging->HangFrom(1);
  Add(std::nullopt);
  const std::unique_ptr<Survey> survey = Start();
  const absl::Cleanup release = [hanging] { hanging->Release(); };
  hanging->AwaitQuestion(1);
  const Report report = survey->Take();
  ASSERT_EQ(report.sections.size(), 2u);
  EXPECT_EQ(report.sections[1].findings.front().reading.value.value_or(0), 1);
}

TEST_F(SurveyTest, ACollectorThatBeginsToHangKeepsItsLastFindingsForAWhile) {
  Add(Cadence{.every = absl::ZeroDuration(), .allowance = absl::Seconds(60)});
  collector_->HangFrom(2);
  const std::unique_ptr<Survey> survey = Start();
  collector_->AwaitQuestion(2);
  EXPECT_EQ(ValueOf(survey->Take()).value_or(0), 1);
  now_seconds_ += 61;
  EXPECT_TRUE(absl::IsDeadlineExceeded(ValueOf(survey->Take()).status()));
  collector_->Release();
}

TEST_F(SurveyTest, AwaitingTheFirstFindingsSaysWhichTopicsAreMissing) {
  Add(std::nullopt, "memory");
  Add(kCadence, "system");
  Add(kCadence, "disk");
  collector_->HangFrom(1);
  CountingCollector* hanging = collector_;
  const std::unique_ptr<Survey> survey = Start();
  const absl::Cleanup release = [hanging] { hanging->Release(); };
  for (int i = 0; i < 60'000; ++i) {
    if (survey->AwaitFirstFindings(absl::Milliseconds(1)).size() == 1) break;
  }
  EXPECT_THAT(survey->AwaitFirstFindings(absl::Milliseconds(1)),
              ElementsAre("disk"));
  EXPECT_FALSE(survey->Take().sections[2].findings.front().reading.value.ok());
}

TEST_F(SurveyTest, AwaitingTheFirstFindingsOfAllMissesNone) {
  Add(std::nullopt, "memory");
  Add(kCadence, "disk");
  Add(kCadence, "system");
  EXPECT_THAT(Start()->AwaitFirstFindings(absl::Minutes(1)),
              testing::IsEmpty());
}

TEST_F(SurveyTest, EndsWhileItWaitsForTheNextRefresh) {
  Add(kCadence);
  std::unique_ptr<Survey> survey = Start();
  survey->AwaitFirstFindings(absl::Minutes(1));
  survey.reset();  // would take an hour
  EXPECT_EQ(
      collector_->Collect(host_).findings.front().reading.value.value_or(0), 2);
}

TEST_F(SurveyTest, EndsOnlyWhenARefreshUnderWayHasEnded) {
  Add(kCadence);
  collector_->HangFrom(1);
  std::unique_ptr<Survey> survey = Start();
  collector_->AwaitQuestion(1);
  std::thread releasing([this] { collector_->Release(); });
  survey.reset();
  EXPECT_EQ(collector_->answered(), 1);
  releasing.join();
}

}  // namespace
}  // namespace mailcow
