#include "exporter/reloader.h"

#include <future>
#include <vector>

#include "fake_host.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A program that serves, of which the test writes the configuration.
class ReloaderTest : public testing::Test {
 protected:
  static Options Initial() {
    Options options;
    options.topics = {"clock"};
    return options;
  }

  void SetUp() override {
    survey_.Begin(Settings(), Initial().topics, absl::Seconds(5));
  }

  std::string Metrics() const {
    std::string text;
    reloader_.Append(text);
    return text;
  }

  FakeHost fake_;
  const Files files_ = fake_.root.files();
  const ProcessNames processes_{files_};
  CurrentSurvey survey_{{files_, fake_.kernel, fake_.docker, fake_.bus,
                         fake_.time_servers, fake_.dns, processes_}};
  Logger logger_{LogLevel::kError, LogFormat::kLogfmt};
  const std::unique_ptr<WebGuard> guard_ = *WebGuard::Load("", logger_);
  ParsedOptions next_{.options = Initial(), .message = "", .exit_status = 0};
  Reloader reloader_{[this] { return next_; }, Initial(), survey_, *guard_,
                     logger_};
};

TEST_F(ReloaderTest, PutsTheTopicsOfTheNewConfigurationInForce) {
  next_.options->topics = {"clock", "memory"};
  EXPECT_TRUE(reloader_.Reload().ok());
  EXPECT_THAT(survey_.topics(), ElementsAre("clock", "memory"));
  EXPECT_EQ(survey_.Take().sections.size(), 2u);
}

TEST_F(ReloaderTest, PutsTheLimitsOfTheNewConfigurationInForce) {
  next_.options->topics = {"memory"};
  next_.options->settings.limits = {{{"memory", Level::kRequired}, 3 * kGiB}};
  ASSERT_TRUE(reloader_.Reload().ok());
  const Report report = survey_.Take();
  const Finding& memory = report.sections.front().findings.front();
  EXPECT_EQ(memory.requirement->required->limit(), 3 * kGiB);
}

// The old survey's limits end with it.
TEST_F(ReloaderTest, AReportOutlivesTheSurveyItWasTakenFrom) {
  const Report report = survey_.Take();
  ASSERT_TRUE(reloader_.Reload().ok());
  EXPECT_EQ(report.sections.front().findings.front().requirement->id, "time");
}

TEST_F(ReloaderTest, ABrokenConfigurationLeavesTheOldInForce) {
  next_ = {.options = std::nullopt,
           .message = "mailcow_host_exporter: config.yml:3: no\n",
           .exit_status = 2};
  const absl::Status status = reloader_.Reload();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "mailcow_host_exporter: config.yml:3: no");
  EXPECT_THAT(survey_.topics(), ElementsAre("clock"));
}

TEST_F(ReloaderTest, WhatTakesARestartIsRefusedAsAWhole) {
  next_.options->topics = {"memory"};
  next_.options->telemetry_path = "/m";
  const absl::Status status = reloader_.Reload();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("web.telemetry-path"));
  EXPECT_THAT(survey_.topics(), ElementsAre("clock"));
}

// Nobody asks the engine unless a topic needed it from the start on.
TEST_F(ReloaderTest, ToBeginToAskDockerTakesARestart) {
  next_.options->topics = {"docker"};
  EXPECT_TRUE(absl::IsFailedPrecondition(reloader_.Reload()));
  EXPECT_THAT(survey_.topics(), ElementsAre("clock"));
}

TEST_F(ReloaderTest, TheMetricsTellWhetherTheLastReloadSucceeded) {
  constexpr char kSuccessful[] =
      "\nmailcow_host_exporter_config_last_reload_successful ";
  EXPECT_THAT(Metrics(), HasSubstr(absl::StrCat(kSuccessful, 1)));
  next_.options.reset();
  EXPECT_FALSE(reloader_.Reload().ok());
  EXPECT_THAT(Metrics(), HasSubstr(absl::StrCat(kSuccessful, 0)));
  next_.options = Initial();
  EXPECT_TRUE(reloader_.Reload().ok());
  EXPECT_THAT(Metrics(), HasSubstr(absl::StrCat(kSuccessful, 1)));
}

// Each stands for a thread that waits.
TEST_F(ReloaderTest, NoMoreThanOneWaitsForTheOneThatIsUnderWay) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::shared_future<void> allowed = go_on.get_future().share();
  std::atomic<int> parses = 0;
  Reloader reloader(
      [&] {
        if (++parses == 1) begun.set_value();
        allowed.wait();
        return next_;
      },
      Initial(), survey_, *guard_, logger_);
  const auto reload = [&reloader] { return reloader.Reload(); };
  std::vector<std::future<absl::Status>> reloads;
  reloads.push_back(std::async(std::launch::async, reload));
  begun.get_future().wait();
  for (int i = 0; i < 4; ++i) {
    reloads.push_back(std::async(std::launch::async, reload));
  }
  int refused = 0;
  while (refused < 3) {
    refused = 0;
    for (const auto& each : reloads) {
      refused += each.wait_for(std::chrono::milliseconds(1)) ==
                         std::future_status::ready
                     ? 1
                     : 0;
    }
  }
  go_on.set_value();
  int done = 0;
  for (auto& each : reloads) {
    const absl::Status status = each.get();
    EXPECT_TRUE(status.ok() || absl::IsUnavailable(status));
    done += status.ok() ? 1 : 0;
  }
  EXPECT_EQ(done, 2);
}

TEST_F(ReloaderTest, OnlyASuccessMovesItsTime) {
  const std::string before = Metrics();
  next_.options.reset();
  EXPECT_FALSE(reloader_.Reload().ok());
  EXPECT_EQ(Metrics().substr(Metrics().rfind(' ')),
            before.substr(before.rfind(' ')));
  next_.options = Initial();
  EXPECT_TRUE(reloader_.Reload().ok());
  EXPECT_THAT(Metrics(),
              Not(testing::EndsWith(before.substr(before.rfind(' ')))));
}

}  // namespace
}  // namespace mailcow
