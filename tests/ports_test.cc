#include "collectors/ports.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;

const absl::Status kNoPrivilege =
    absl::PermissionDeniedError("it takes CAP_SYS_PTRACE");

class PortsCollector : public testing::Test {
 protected:
  PortsCollector() {
    host_.kernel.listeners.emplace();
    host_.kernel.addresses.emplace();
  }

  // Docker was asked after the listener was there.
  void Listen(absl::string_view address, uint16_t port, Owner owner) {
    const uint64_t inode = host_.kernel.listeners->size() + 1;
    host_.kernel.listeners->push_back(
        {.address = *ParseIpAddress(address), .port = port, .inode = inode});
    host_.kernel.owners.insert_or_assign(inode, std::move(owner));
    host_.docker.state.listeners.insert(inode);
  }
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
    return ReadingsOf(host_.CollectWith(*MakePortsCollector("/mailcow")), id);
  }
  // The reading of `variable`'s port.
  Reading Of(absl::string_view variable, absl::string_view id) {
    for (Reading& reading : Measure(id)) {
      for (const auto& [label, value] : reading.labels) {
        if (label == "variable" && value == variable) return reading;
      }
    }
    std::abort();
  }
  Reading Foreign(absl::string_view variable) {
    return Of(variable, "port_foreign_listeners");
  }
  Reading InUse(absl::string_view variable) {
    return Of(variable, "port_in_use");
  }
  Reading Served(absl::string_view variable) {
    return Of(variable, "port_served");
  }

  const Owner exim_ = {.process = "exim4",
                       .cgroup = "/system.slice/exim4.service"};
  const Owner docker_proxy_ = {.process = "docker-proxy",
                               .cgroup = "/system.slice/docker.service"};
  const Owner nobody_ = {.process = kNoPrivilege, .cgroup = kNoPrivilege};
  // As Docker publishes a port on every address.
  const std::vector<PublishedPort> smtp_ = {Published("0.0.0.0", 25),
                                            Published("::", 25)};
  FakeHost host_;
};

TEST_F(PortsCollector, FreePortsAreNotInUseAndHaveNoForeignListener) {
  for (const char* id : {"port_in_use", "port_foreign_listeners"}) {
    const std::vector<Reading> readings = Measure(id);
    EXPECT_EQ(readings.size(), 10);
    for (const Reading& reading : readings) EXPECT_EQ(*reading.value, 0);
  }
}

TEST_F(PortsCollector, LabelsBeginWithThePort) {
  EXPECT_EQ(
      Foreign("SMTP_PORT").labels,
      (Labels{{"port", "25"}, {"service", "smtp"}, {"variable", "SMTP_PORT"}}));
}

TEST_F(PortsCollector, ForeignListenerIsCountedOnItsPortAlone) {
  Listen("127.0.0.1", 25, exim_);
  Listen("::1", 25, exim_);
  EXPECT_EQ(*Of("SMTP_PORT", "port_in_use").value, 1);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 2);
  EXPECT_EQ(*Foreign("SMTPS_PORT").value, 0);
}

TEST_F(PortsCollector, OwnerAndTheCommandAgainstItAreNamed) {
  Listen("0.0.0.0", 25, exim_);
  Listen("::", 25, exim_);
  const Reading reading = Foreign("SMTP_PORT");
  EXPECT_EQ(reading.detail, "exim4 (exim4.service) at 0.0.0.0:25, [::]:25");
  EXPECT_EQ(reading.remedy, "systemctl disable --now exim4.service");
}

// Debian 12 has no unit of exim's own, only a script.
TEST_F(PortsCollector, UnitThatSystemdMadeOfAScriptIsStoppedToo) {
  host_.root.Write("/run/systemd/generator.late/exim4.service", "");
  Listen("0.0.0.0", 25, exim_);
  EXPECT_EQ(Foreign("SMTP_PORT").remedy,
            "systemctl disable --now exim4.service && "
            "systemctl stop exim4.service");
}

TEST_F(PortsCollector, PortOfMailcowsContainerIsInUseButNotForeign) {
  Have({MailcowContainer("postfix-mailcow", smtp_)});
  Listen("0.0.0.0", 25, docker_proxy_);
  Listen("::", 25, docker_proxy_);
  EXPECT_EQ(*InUse("SMTP_PORT").value, 1);
  EXPECT_EQ(InUse("SMTP_PORT").detail,
            "container mailcowdockerized-postfix-mailcow-1 at 0.0.0.0:25, "
            "[::]:25");
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
}

TEST_F(PortsCollector, PortOfAnotherContainerIsForeignAndCanBeFreed) {
  Have({ForeignContainer("web", smtp_)});
  Listen("0.0.0.0", 25, docker_proxy_);
  Listen("::", 25, docker_proxy_);
  const Reading reading = Foreign("SMTP_PORT");
  EXPECT_EQ(*reading.value, 2);
  EXPECT_EQ(reading.detail, "container web at 0.0.0.0:25, [::]:25");
  EXPECT_EQ(reading.remedy,
            "docker update --restart=no web && docker stop web");
}

TEST_F(PortsCollector, PortOfNoContainerIsUnknown) {
  Have({});
  Listen("0.0.0.0", 25, docker_proxy_);
  EXPECT_TRUE(absl::IsNotFound(Foreign("SMTP_PORT").value.status()));
  EXPECT_EQ(*InUse("SMTP_PORT").value, 1);
}

TEST_F(PortsCollector, PortThatAppearedAfterDockerWasAskedIsUnknown) {
  Have({MailcowContainer("postfix-mailcow", smtp_)});
  Listen("0.0.0.0", 25, docker_proxy_);
  host_.docker.state.listeners.clear();
  const absl::Status status = Foreign("SMTP_PORT").value.status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(status.message(), HasSubstr("0.0.0.0:25"));
}

TEST_F(PortsCollector, DockersPortIsUnknownWhileDockerDoesNotAnswer) {
  Listen("0.0.0.0", 25, docker_proxy_);
  for (const absl::Status& failure :
       {absl::DeadlineExceededError("silent since 60 seconds"),
        absl::PermissionDeniedError("it takes the group docker")}) {
    FailDocker(failure);
    const absl::Status status = Foreign("SMTP_PORT").value.status();
    EXPECT_EQ(status.code(), failure.code());
    EXPECT_THAT(status.message(), HasSubstr(std::string(failure.message())));
    EXPECT_EQ(*InUse("SMTP_PORT").value, 1);
    EXPECT_EQ(*Foreign("IMAP_PORT").value, 0);
  }
}

TEST_F(PortsCollector, ProgramOfTheHostIsForeignWhileDockerDoesNotAnswer) {
  FailDocker(absl::DeadlineExceededError("silent"));
  Listen("0.0.0.0", 25, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
}

TEST_F(PortsCollector, PublishedByRulesAloneIsInUseByItsContainer) {
  Have({MailcowContainer("postfix-mailcow", smtp_)});
  EXPECT_EQ(*InUse("SMTP_PORT").value, 1);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
  Have({ForeignContainer("web", smtp_)});
  EXPECT_EQ(*InUse("SMTP_PORT").value, 1);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 2);
  EXPECT_EQ(Foreign("SMTP_PORT").remedy,
            "docker update --restart=no web && docker stop web");
  EXPECT_TRUE(Measure("port_listener_info").empty());
}

TEST_F(PortsCollector, PublishedWithAListenerCountsOnce) {
  Have({ForeignContainer("web", {Published("0.0.0.0", 25)})});
  Listen("0.0.0.0", 25, docker_proxy_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
}

// Without docker-proxy older engines keep the port occupied themselves.
TEST_F(PortsCollector, EngineThatListensItselfDoesSoForItsContainer) {
  const Owner dockerd = {.process = "dockerd",
                         .cgroup = "/system.slice/docker.service"};
  Listen("0.0.0.0", 25, dockerd);
  Listen("::", 25, dockerd);
  Have({MailcowContainer("postfix-mailcow", smtp_)});
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
  Have({ForeignContainer("web", smtp_)});
  EXPECT_EQ(Foreign("SMTP_PORT").detail,
            "container web at 0.0.0.0:25, [::]:25");
}

TEST_F(PortsCollector, PortThatLooksFreeIsUnknownWhereDockerMayHideIt) {
  host_.root.Write("/etc/docker/daemon.json", R"({"userland-proxy": false})");
  for (const absl::Status& failure :
       {absl::DeadlineExceededError("silent"),
        absl::PermissionDeniedError("it takes the group docker")}) {
    FailDocker(failure);
    EXPECT_EQ(InUse("SMTP_PORT").value.status(), failure);
    EXPECT_EQ(Foreign("SMTP_PORT").value.status(), failure);
  }
}

TEST_F(PortsCollector, PortThatIsTakenIsKnownThoughDockerMayHideOthers) {
  host_.root.Write("/etc/docker/daemon.json", R"({"userland-proxy": false})");
  FailDocker(absl::DeadlineExceededError("silent"));
  Listen("0.0.0.0", 25, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
}

TEST_F(PortsCollector, PortThatLooksFreeIsFreeWhereDockerWouldListen) {
  FailDocker(absl::DeadlineExceededError("silent"));
  EXPECT_EQ(*InUse("SMTP_PORT").value, 0);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
  host_.root.Write("/etc/docker/daemon.json", R"({"userland-proxy": true})");
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
}

TEST_F(PortsCollector, PortThatLooksFreeIsFreeWithoutAnEngine) {
  host_.root.Write("/etc/docker/daemon.json", R"({"userland-proxy": false})");
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
  Have({});
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
}

// The kernel's rules for its containers outlive such an engine.
TEST_F(PortsCollector, PortThatLooksFreeIsUnknownWhereContainersOutliveDocker) {
  host_.root.Write("/etc/docker/daemon.json", R"({"live-restore": true})");
  EXPECT_TRUE(absl::IsNotFound(Foreign("SMTP_PORT").value.status()));
  Have({});
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
}

TEST_F(PortsCollector, ProcessOnTheHostsNetworkIsItsContainers) {
  Have({ForeignContainer("web")});
  Listen("0.0.0.0", 80,
         {.process = "nginx",
          .cgroup = absl::StrCat("/system.slice/docker-", std::string(64, 'b'),
                                 ".scope")});
  const Reading reading = Foreign("HTTP_PORT");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "container web at 0.0.0.0:80");
  EXPECT_EQ(reading.remedy,
            "docker update --restart=no web && docker stop web");
}

TEST_F(PortsCollector, ProgramBesideMailcowsContainerIsTheForeignOne) {
  Have({MailcowContainer("postfix-mailcow", {Published("192.0.2.1", 25)})});
  Listen("192.0.2.1", 25, docker_proxy_);
  Listen("127.0.0.1", 25, exim_);
  const Reading reading = Foreign("SMTP_PORT");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "exim4 (exim4.service) at 127.0.0.1:25");
  EXPECT_EQ(reading.remedy, "systemctl disable --now exim4.service");
}

TEST_F(PortsCollector, EachPortHasItsOwnOwners) {
  Have({MailcowContainer("dovecot-mailcow", {Published("0.0.0.0", 143)})});
  Listen("0.0.0.0", 143, docker_proxy_);
  Listen("0.0.0.0", 25, exim_);
  EXPECT_EQ(*Foreign("IMAP_PORT").value, 0);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
}

TEST_F(PortsCollector, BeforeInstallationNoPortIsToBeServed) {
  EXPECT_TRUE(Measure("port_served").empty());
  Have({ForeignContainer("web", smtp_)});
  Configure("");
  EXPECT_TRUE(Measure("port_served").empty());
}

TEST_F(PortsCollector, PortThatItsContainerPublishesIsServed) {
  Have({MailcowContainer("postfix-mailcow", smtp_)});
  const Reading reading = Served("SMTP_PORT");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "container mailcowdockerized-postfix-mailcow-1");
  EXPECT_EQ(Measure("port_served").size(), 10);
}

TEST_F(PortsCollector, PortThatMailcowConfMovesIsServedThere) {
  Configure("SMTP_PORT=127.0.0.1:2525\n");
  Have({MailcowContainer("postfix-mailcow", {Published("127.0.0.1", 2525)})});
  EXPECT_EQ(*Served("SMTP_PORT").value, 1);
  Have({MailcowContainer("postfix-mailcow", {Published("192.0.2.1", 2525)})});
  EXPECT_EQ(*Served("SMTP_PORT").value, 0);
  Have({MailcowContainer("postfix-mailcow", {Published("127.0.0.1", 25)})});
  EXPECT_EQ(*Served("SMTP_PORT").value, 0);
}

TEST_F(PortsCollector, PortOnLoopbackAloneIsNotServedOnEveryAddress) {
  Have({MailcowContainer("postfix-mailcow", {Published("127.0.0.1", 25)})});
  const Reading reading = Served("SMTP_PORT");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail,
            "postfix-mailcow: it runs, but does not publish the port");
}

TEST_F(PortsCollector, PortOfAnExitedContainerIsNotServedAndSaysWhy) {
  Container postfix = MailcowContainer("postfix-mailcow");
  postfix.state = "exited";
  postfix.status = "Exited (1) 2 hours ago";
  Have({postfix});
  const Reading reading = Served("SMTP_PORT");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "postfix-mailcow: Exited (1) 2 hours ago");
}

TEST_F(PortsCollector, PortOfAPausedContainerIsServedOnceThatGoesOn) {
  Container postfix = MailcowContainer("postfix-mailcow", smtp_);
  postfix.state = "paused";
  postfix.status = "Up 2 hours (Paused)";
  Have({postfix});
  const Reading reading = Served("SMTP_PORT");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "postfix-mailcow: Up 2 hours (Paused)");
  EXPECT_EQ(reading.remedy, "docker unpause " + postfix.name);
}

TEST_F(PortsCollector, PortWithoutContainerIsNotServed) {
  Have({MailcowContainer("nginx-mailcow")});
  const Reading reading = Served("SMTP_PORT");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "postfix-mailcow: it has no container");
}

TEST_F(PortsCollector, PortThatAnotherOfMailcowsServicesHasIsNotServed) {
  Have({MailcowContainer("dovecot-mailcow", smtp_)});
  EXPECT_EQ(*Served("SMTP_PORT").value, 0);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
}

TEST_F(PortsCollector, PortOfABadValueIsNotKnownToBeServed) {
  Configure("SMTP_PORT=70000\n");
  Have({MailcowContainer("postfix-mailcow", smtp_)});
  EXPECT_TRUE(absl::IsInvalidArgument(Served("SMTP_PORT").value.status()));
}

TEST_F(PortsCollector, WhileDockerIsSilentNoPortIsKnownToBeServed) {
  for (const absl::Status& failure :
       {absl::DeadlineExceededError("silent"),
        absl::PermissionDeniedError("it takes the group docker")}) {
    FailDocker(failure);
    const std::vector<Reading> readings = Measure("port_served");
    EXPECT_EQ(readings.size(), 10);
    for (const Reading& reading : readings) {
      EXPECT_EQ(reading.value.status(), failure);
    }
  }
}

TEST_F(PortsCollector, WithoutEngineButWithConfNoPortIsKnownToBeServed) {
  Configure("");
  EXPECT_EQ(Measure("port_served").size(), 10);
  EXPECT_TRUE(absl::IsNotFound(Served("SMTP_PORT").value.status()));
}

TEST_F(PortsCollector, ProjectIsTheOneOfMailcowConfInAnyCase) {
  Container postfix = MailcowContainer("postfix-mailcow", smtp_);
  postfix.project = "mail";
  Have({postfix});
  Configure("COMPOSE_PROJECT_NAME=Mail\n");
  EXPECT_EQ(*Served("SMTP_PORT").value, 1);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
  Configure("COMPOSE_PROJECT_NAME=mail2\n");
  EXPECT_TRUE(Measure("port_served").empty());
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 2);
}

TEST_F(PortsCollector, ServiceIsToBeExactlyMailcows) {
  Have({MailcowContainer("nginx-mailcow"),
        MailcowContainer("Postfix-mailcow", smtp_)});
  EXPECT_EQ(*Served("SMTP_PORT").value, 0);
  Have(
      {MailcowContainer("nginx-mailcow"), MailcowContainer("my-relay", smtp_)});
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 2);
}

TEST_F(PortsCollector, IsAsOldAsWhatDockerSaid) {
  host_.docker.state.age = absl::Seconds(7);
  EXPECT_EQ(host_.CollectWith(*MakePortsCollector("/mailcow")).age,
            absl::Seconds(7));
}

TEST_F(PortsCollector, ListenerWithoutKnownOwnerMakesTheCountUnknown) {
  Listen("0.0.0.0", 25, nobody_);
  const Reading reading = Foreign("SMTP_PORT");
  EXPECT_TRUE(absl::IsPermissionDenied(reading.value.status()));
  EXPECT_THAT(reading.value.status().message(), HasSubstr("0.0.0.0:25"));
  EXPECT_THAT(reading.value.status().message(), HasSubstr("CAP_SYS_PTRACE"));
  EXPECT_EQ(*Of("SMTP_PORT", "port_in_use").value, 1);
}

TEST_F(PortsCollector, OneForeignListenerDecidesWhateverTheOtherIs) {
  Listen("0.0.0.0", 25, nobody_);
  Listen("::", 25, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
}

TEST_F(PortsCollector, PortOfMailcowConfIsTheOneThatIsWatched) {
  Configure("SMTP_PORT=2525\n");
  Listen("0.0.0.0", 25, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
  Listen("0.0.0.0", 2525, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
  EXPECT_EQ(Foreign("SMTP_PORT").labels.front().second, "2525");
}

TEST_F(PortsCollector, BadValueIsInvalidAndItsPortUnknownUnderItsDefault) {
  Configure("SMTP_PORT=70000\n");
  EXPECT_EQ(*Of("SMTP_PORT", "port_value_valid").value, 0);
  EXPECT_TRUE(absl::IsInvalidArgument(Foreign("SMTP_PORT").value.status()));
  EXPECT_EQ(Foreign("SMTP_PORT").labels.front().second, "25");
  EXPECT_EQ(*Foreign("IMAP_PORT").value, 0);
}

TEST_F(PortsCollector, ValidityNamesItsVariableFirst) {
  EXPECT_EQ(Of("SMTP_PORT", "port_value_valid").labels,
            (Labels{{"variable", "SMTP_PORT"}, {"service", "smtp"}}));
}

TEST_F(PortsCollector, KeySetTwiceIsValidAndSaysSo) {
  Configure("SMTP_PORT=70000\nSMTP_PORT=26\n");
  const Reading reading = Of("SMTP_PORT", "port_value_valid");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "set 2 times, the last one counts");
}

TEST_F(PortsCollector, TwoServicesCannotShareAPort) {
  Configure("SUBMISSION_PORT=25\n");
  EXPECT_EQ(*Of("SMTP_PORT", "port_value_valid").value, 1);
  const Reading reading = Of("SUBMISSION_PORT", "port_value_valid");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "port 25 is also that of SMTP_PORT");
}

TEST_F(PortsCollector, UnreadableConfMakesEveryPortUnknownUnderItsDefault) {
  Configure("no assignment\n");
  Listen("0.0.0.0", 25, exim_);
  for (const char* id :
       {"port_in_use", "port_foreign_listeners", "port_value_valid"}) {
    const std::vector<Reading> readings = Measure(id);
    EXPECT_EQ(readings.size(), 10);
    for (const Reading& reading : readings) {
      EXPECT_TRUE(absl::IsDataLoss(reading.value.status()));
    }
  }
  EXPECT_EQ(Foreign("SMTP_PORT").labels.front().second, "25");
}

TEST_F(PortsCollector, RefusedSockDiagIsUnknownNotFree) {
  host_.kernel.listeners = absl::UnavailableError("no sock_diag");
  EXPECT_TRUE(
      absl::IsUnavailable(Of("SMTP_PORT", "port_in_use").value.status()));
  EXPECT_TRUE(absl::IsUnavailable(Foreign("SMTP_PORT").value.status()));
  EXPECT_EQ(*Of("SMTP_PORT", "port_value_valid").value, 1);
}

TEST_F(PortsCollector, ListenerInfoNamesProcessAndAddressOnce) {
  Listen("0.0.0.0", 80, {.process = "nginx", .cgroup = "/"});
  Listen("0.0.0.0", 80, {.process = "nginx", .cgroup = "/"});
  const std::vector<Reading> readings = Measure("port_listener_info");
  ASSERT_EQ(readings.size(), 1);
  EXPECT_EQ(
      readings.front().labels,
      (Labels{{"port", "80"}, {"process", "nginx"}, {"address", "0.0.0.0"}}));
}

TEST_F(PortsCollector, ListenerInfoIsBounded) {
  for (int i = 1; i <= 200; ++i) {
    Listen(absl::StrCat("127.0.0.", i), 25, exim_);
  }
  EXPECT_LE(Measure("port_listener_info").size(), 8);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 200);
}

}  // namespace
}  // namespace mailcow
