#include "collectors/mailcow.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kRunning[] = "mailcow_container_running";
constexpr char kHealthy[] = "mailcow_container_healthy";

std::vector<std::string> Expected(absl::string_view conf,
                                  const std::vector<Container>& containers) {
  const auto services = ExpectedServices(*MailcowConf::Parse(conf), containers);
  EXPECT_TRUE(services.ok()) << services.status();
  return *services;
}

TEST(ExpectedServices, AreThoseOfMailcowsComposeFile) {
  EXPECT_THAT(
      Expected("", {}),
      ElementsAre("unbound-mailcow", "mysql-mailcow", "redis-mailcow",
                  "clamd-mailcow", "rspamd-mailcow", "php-fpm-mailcow",
                  "sogo-mailcow", "dovecot-mailcow", "postfix-mailcow",
                  "memcached-mailcow", "nginx-mailcow", "acme-mailcow",
                  "netfilter-mailcow", "watchdog-mailcow", "dockerapi-mailcow",
                  "olefy-mailcow", "ofelia-mailcow"));
}

TEST(ExpectedServices, WhatMailcowConfTurnsOffIsLeftOut) {
  for (const auto& [variable, service] :
       std::map<std::string, std::string>{{"SKIP_CLAMD", "clamd-mailcow"},
                                          {"SKIP_SOGO", "sogo-mailcow"},
                                          {"SKIP_LETS_ENCRYPT", "acme-mailcow"},
                                          {"SKIP_OLEFY", "olefy-mailcow"}}) {
    const std::vector<std::string> rest = Expected(variable + "=y\n", {});
    EXPECT_THAT(rest, Not(Contains(service))) << variable;
    EXPECT_EQ(rest.size(), 16) << variable;
    EXPECT_THAT(Expected(variable + "=n\n", {}), Contains(service)) << variable;
  }
}

// The container of a service that is turned off sleeps.
TEST(ExpectedServices, WhatIsTurnedOffIsLeftOutThoughItHasAContainer) {
  EXPECT_THAT(Expected("SKIP_CLAMD=y\n", {MailcowContainer("clamd-mailcow")}),
              Not(Contains("clamd-mailcow")));
}

TEST(ExpectedServices, SolrIsExpectedWhereItExistsAndIsNotTurnedOff) {
  const std::vector<Container> with_solr = {MailcowContainer("solr-mailcow")};
  EXPECT_THAT(Expected("", {}), Not(Contains("solr-mailcow")));
  EXPECT_THAT(Expected("", with_solr), Contains("solr-mailcow"));
  EXPECT_THAT(Expected("SKIP_SOLR=y\n", with_solr),
              Not(Contains("solr-mailcow")));
}

TEST(ExpectedServices, NewerServicesAreExpectedOnceTheyExist) {
  const std::vector<std::string> services = Expected(
      "", {MailcowContainer("flux-mailcow"), MailcowContainer("flux-mailcow"),
           MailcowContainer("nginx-mailcow")});
  EXPECT_EQ(services.size(), 18);
  EXPECT_EQ(services.back(), "flux-mailcow");
}

TEST(ExpectedServices, UnreadableSwitchMakesThemUnknown) {
  EXPECT_TRUE(absl::IsDataLoss(
      ExpectedServices(*MailcowConf::Parse("SKIP_CLAMD='y\n"), {}).status()));
}

class MailcowCollector : public testing::Test {
 protected:
  void Configure(const std::string& conf) {
    host_.root.Write("/mailcow/mailcow.conf", conf);
  }
  void Have(std::vector<Container> containers) {
    host_.docker.state.engine = DockerEngine();
    host_.docker.state.containers = std::move(containers);
  }
  void FailDocker(const absl::Status& status) {
    host_.docker.state.engine = status;
    host_.docker.state.containers = status;
  }
  std::vector<Reading> Measure(absl::string_view id) {
    return ReadingsOf(host_.CollectWith(*MakeMailcowCollector("/mailcow")), id);
  }
  absl::StatusOr<double> Installed() {
    return Measure("mailcow_installed").front().value;
  }
  Reading Of(const std::string& service, absl::string_view id) {
    for (Reading& reading : Measure(id)) {
      if (reading.labels == Labels{{"service", service}}) return reading;
    }
    std::abort();
  }
  // The reading of a mailcow whose only container is nginx, of that status.
  Reading OfNginx(const std::string& state, const std::string& status,
                  absl::string_view id) {
    Container nginx = MailcowContainer("nginx-mailcow");
    nginx.state = state;
    nginx.status = status;
    Have({nginx});
    return Of("nginx-mailcow", id);
  }
  void ExpectEachUnknown(absl::StatusCode code) {
    for (const char* id : {kRunning, kHealthy}) {
      const std::vector<Reading> readings = Measure(id);
      EXPECT_EQ(readings.size(), 17);
      for (const Reading& reading : readings) {
        EXPECT_EQ(reading.value.status().code(), code) << id;
      }
    }
  }

  FakeHost host_;
};

TEST_F(MailcowCollector, IsInstalledOnceOneOfItsContainersExists) {
  Have({MailcowContainer("nginx-mailcow")});
  EXPECT_EQ(*Installed(), 1);
}

TEST_F(MailcowCollector, IsNotInstalledWhileOnlyOthersContainersExist) {
  Configure("");
  Have({ForeignContainer("web")});
  EXPECT_EQ(*Installed(), 0);
  EXPECT_THAT(Measure(kRunning), IsEmpty());
  EXPECT_THAT(Measure(kHealthy), IsEmpty());
}

TEST_F(MailcowCollector, WithoutEngineAndConfItIsNotInstalled) {
  EXPECT_EQ(*Installed(), 0);
  EXPECT_THAT(Measure(kRunning), IsEmpty());
}

TEST_F(MailcowCollector, WithoutEngineButWithConfEverythingIsUnknown) {
  Configure("");
  EXPECT_TRUE(absl::IsNotFound(Installed().status()));
  ExpectEachUnknown(absl::StatusCode::kNotFound);
}

TEST_F(MailcowCollector, WhileDockerIsSilentEverythingIsUnknown) {
  FailDocker(absl::DeadlineExceededError("silent"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Installed().status()));
  ExpectEachUnknown(absl::StatusCode::kDeadlineExceeded);
}

TEST_F(MailcowCollector, ServicesThatWereExpectedAreUnknownUnderTheirNames) {
  const auto collector = MakeMailcowCollector("/mailcow");
  Configure("SKIP_CLAMD=y\n");
  Have({MailcowContainer("solr-mailcow")});
  host_.CollectWith(*collector);
  FailDocker(absl::DeadlineExceededError("silent"));
  std::vector<std::string> services;
  for (const Reading& reading :
       ReadingsOf(host_.CollectWith(*collector), kRunning)) {
    EXPECT_FALSE(reading.value.ok());
    services.push_back(reading.labels.front().second);
  }
  EXPECT_THAT(services, Contains("solr-mailcow"));
  EXPECT_THAT(services, Contains("nginx-mailcow"));
  EXPECT_THAT(services, Not(Contains("clamd-mailcow")));
}

TEST_F(MailcowCollector, UnreadableConfMakesEverythingUnknown) {
  Configure("no assignment\n");
  Have({MailcowContainer("nginx-mailcow")});
  EXPECT_TRUE(absl::IsDataLoss(Installed().status()));
  ExpectEachUnknown(absl::StatusCode::kDataLoss);
}

TEST_F(MailcowCollector, UnreadableSwitchLeavesTheInstallationKnown) {
  Configure("SKIP_CLAMD='y\n");
  Have({MailcowContainer("nginx-mailcow")});
  EXPECT_EQ(*Installed(), 1);
  ExpectEachUnknown(absl::StatusCode::kDataLoss);
}

TEST_F(MailcowCollector, RunningContainerIsMet) {
  const Reading reading = OfNginx("running", "Up 2 hours", kRunning);
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "");
}

TEST_F(MailcowCollector, ExitedContainerIsNeitherRunningNorHealthyAndSaysWhy) {
  for (const char* id : {kRunning, kHealthy}) {
    const Reading reading = OfNginx("exited", "Exited (1) 2 hours ago", id);
    EXPECT_EQ(*reading.value, 0) << id;
    EXPECT_EQ(reading.detail, "Exited (1) 2 hours ago") << id;
  }
}

TEST_F(MailcowCollector, ServiceWithoutContainerIsUnmet) {
  Have({MailcowContainer("nginx-mailcow")});
  for (const char* id : {kRunning, kHealthy}) {
    const Reading reading = Of("postfix-mailcow", id);
    EXPECT_EQ(*reading.value, 0) << id;
    EXPECT_EQ(reading.detail, "it has no container") << id;
  }
}

TEST_F(MailcowCollector, ServiceThatIsTurnedOffHasNoSeries) {
  Configure("SKIP_CLAMD=y\n");
  Have({MailcowContainer("nginx-mailcow")});
  EXPECT_EQ(Measure(kRunning).size(), 16);
  EXPECT_EQ(Measure(kHealthy).size(), 16);
}

TEST_F(MailcowCollector, UnhealthyContainerRunsButIsNotHealthy) {
  EXPECT_EQ(*OfNginx("running", "Up 2 hours (unhealthy)", kRunning).value, 1);
  const Reading reading =
      OfNginx("running", "Up 2 hours (unhealthy)", kHealthy);
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "Up 2 hours (unhealthy)");
}

TEST_F(MailcowCollector, HealthIsUnknownUntilTheFirstCheckEnds) {
  const std::string status = "Up 5 seconds (health: starting)";
  EXPECT_EQ(*OfNginx("running", status, kRunning).value, 1);
  EXPECT_TRUE(
      absl::IsUnavailable(OfNginx("running", status, kHealthy).value.status()));
}

TEST_F(MailcowCollector, HealthyAndUncheckedContainersAreHealthy) {
  EXPECT_EQ(*OfNginx("running", "Up 2 hours (healthy)", kHealthy).value, 1);
  EXPECT_EQ(*OfNginx("running", "Up 2 hours", kHealthy).value, 1);
}

// docker compose run leaves an exited container of the same service behind.
TEST_F(MailcowCollector, OfTwoContainersTheOneThatRunsCounts) {
  Container exited = MailcowContainer("nginx-mailcow");
  exited.state = "exited";
  const Container running = MailcowContainer("nginx-mailcow");
  Have({running, exited});
  EXPECT_EQ(*Of("nginx-mailcow", kRunning).value, 1);
  Have({exited, running});
  EXPECT_EQ(*Of("nginx-mailcow", kRunning).value, 1);
}

TEST_F(MailcowCollector, IsAsOldAsWhatDockerSaid) {
  host_.docker.state.age = absl::Seconds(7);
  const auto collector = MakeMailcowCollector("/mailcow");
  EXPECT_EQ(host_.CollectWith(*collector).age, absl::Seconds(7));
  Have({MailcowContainer("nginx-mailcow")});
  EXPECT_EQ(host_.CollectWith(*collector).age, absl::Seconds(7));
}

}  // namespace
}  // namespace mailcow
