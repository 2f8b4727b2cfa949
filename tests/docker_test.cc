#include "collectors/docker.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kDaemonJson[] = "/etc/docker/daemon.json";
constexpr char kStandalone[] = "/usr/local/bin/docker-compose";

class DockerCollector : public testing::Test {
 protected:
  void Run(const std::string& version) {
    host_.docker.state.engine = DockerEngine{.version = version,
                                             .storage_driver = "overlay2",
                                             .data_root = "/var/lib/docker"};
  }
  // The engine's process, with blanks for the zero bytes.
  void RunWith(std::string command) {
    std::replace(command.begin(), command.end(), ' ', '\0');
    host_.root.Write("/run/docker.pid", "812\n");
    host_.root.Write("/proc/812/cmdline", command);
  }
  void InstallCompose(const std::string& version) {
    host_.root.Write(kStandalone,
                     "#!/usr/bin/python3\n# docker-compose==" + version + "\n");
  }
  Reading Measure(absl::string_view id) {
    return ReadingsOf(host_.CollectWith(*MakeDockerCollector()), id).front();
  }
  absl::StatusOr<bool> UsesProxy() {
    return UsesUserlandProxy(host_.root.files());
  }

  FakeHost host_;
};

TEST_F(DockerCollector, EngineThatAnswersIsReachable) {
  Run("24.0.7");
  const Reading reading = Measure("docker_reachable");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "24.0.7, in /var/lib/docker");
}

TEST_F(DockerCollector, WithoutEngineItsRequirementsAreUnmetAndSayWhy) {
  for (const char* id : {"docker_reachable", "docker_version_supported"}) {
    const Reading reading = Measure(id);
    EXPECT_EQ(*reading.value, 0) << id;
    EXPECT_EQ(reading.detail, "no engine") << id;
  }
}

TEST_F(DockerCollector, EngineThatWeMayNotAskIsUnknown) {
  host_.docker.state.engine = absl::PermissionDeniedError("the group docker");
  for (const char* id :
       {"docker_reachable", "docker_version_supported", "docker_info"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Measure(id).value.status())) << id;
  }
}

TEST_F(DockerCollector, SilentEngineIsUnknown) {
  host_.docker.state.engine = absl::DeadlineExceededError("silent");
  for (const char* id :
       {"docker_reachable", "docker_version_supported", "docker_info"}) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(Measure(id).value.status())) << id;
  }
}

TEST_F(DockerCollector, EngineIsSupportedFromVersion24) {
  for (const auto& [version, supported] :
       std::map<std::string, double>{{"20.10.24+dfsg1", 0},
                                     {"23.0.6", 0},
                                     {"23.99.99", 0},
                                     {"24.0.0", 1},
                                     {"24.0.0-rc.1", 1},
                                     {"29.1.0", 1}}) {
    Run(version);
    const Reading reading = Measure("docker_version_supported");
    EXPECT_EQ(*reading.value, supported) << version;
    EXPECT_EQ(reading.detail, version);
  }
}

TEST_F(DockerCollector, VersionWithoutNumberIsUnknown) {
  Run("dev");
  EXPECT_TRUE(
      absl::IsDataLoss(Measure("docker_version_supported").value.status()));
}

TEST_F(DockerCollector, ConfigurationIsValidWithAndWithoutAFile) {
  EXPECT_EQ(*Measure("docker_configuration_valid").value, 1);
  host_.root.Write(kDaemonJson, R"({"live-restore": true})");
  EXPECT_EQ(*Measure("docker_configuration_valid").value, 1);
}

TEST_F(DockerCollector, ConfigurationThatIsNoJsonIsUnmetWithItsLine) {
  host_.root.Write(kDaemonJson, "{\n  \"ipv6\": true,\n}\n");
  const Reading reading = Measure("docker_configuration_valid");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "line 3 of /etc/docker/daemon.json is not JSON");
}

TEST_F(DockerCollector, ConfigurationWithAValueOfAnotherKindIsUnmet) {
  host_.root.Write(kDaemonJson, R"({"userland-proxy": "no"})");
  const Reading reading = Measure("docker_configuration_valid");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_THAT(reading.detail, HasSubstr("userland-proxy"));
}

TEST_F(DockerCollector, ConfigurationThatCannotBeReadIsUnknown) {
  host_.root.Link("daemon.json", kDaemonJson);  // A link to itself.
  EXPECT_FALSE(Measure("docker_configuration_valid").value.ok());
}

TEST_F(DockerCollector, ComposeIsInstalledWhereOneOfItsProgramsIs) {
  InstallCompose("2.0.0");
  const Reading reading = Measure("compose_installed");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, kStandalone);
}

TEST_F(DockerCollector, WithoutComposeItsRequirementsAreUnmet) {
  for (const char* id : {"compose_installed", "compose_version_supported"}) {
    const Reading reading = Measure(id);
    EXPECT_EQ(*reading.value, 0) << id;
    EXPECT_EQ(reading.detail, "Docker Compose is not installed") << id;
  }
}

TEST_F(DockerCollector, ComposeThatCannotBeLookedForIsUnknown) {
  host_.root.Link("docker-compose", kStandalone);  // A link to itself.
  for (const char* id : {"compose_installed", "compose_version_supported"}) {
    EXPECT_FALSE(Measure(id).value.ok()) << id;
  }
}

TEST_F(DockerCollector, ComposeIsSupportedFromVersion2) {
  for (const auto& [version, supported] : std::map<std::string, double>{
           {"1.29.2", 0}, {"1.99", 0}, {"2.0.0", 1}, {"5.1", 1}}) {
    InstallCompose(version);
    EXPECT_EQ(*Measure("compose_version_supported").value, supported)
        << version;
  }
  EXPECT_EQ(Measure("compose_version_supported").detail,
            "version 5 at /usr/local/bin/docker-compose");
}

TEST_F(DockerCollector, ComposeThatTellsNoVersionIsInstalledAndElseUnknown) {
  host_.root.Write(kStandalone, "#!/bin/sh\n");
  EXPECT_EQ(*Measure("compose_installed").value, 1);
  EXPECT_TRUE(
      absl::IsDataLoss(Measure("compose_version_supported").value.status()));
}

TEST_F(DockerCollector, InformationIsInItsLabels) {
  Run("24.0.7");
  host_.root.Write(kDaemonJson, R"({"userland-proxy": false})");
  const Reading reading = Measure("docker_info");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.labels, (Labels{{"version", "24.0.7"},
                                    {"storage_driver", "overlay2"},
                                    {"userland_proxy", "false"}}));
}

TEST_F(DockerCollector, InformationSaysWhatIsNotKnownOfTheProxy) {
  Run("24.0.7");
  EXPECT_EQ(
      Measure("docker_info").labels.back(),
      std::make_pair(std::string("userland_proxy"), std::string("unknown")));
}

TEST_F(DockerCollector, WithoutEngineThereIsNoInformation) {
  EXPECT_THAT(
      ReadingsOf(host_.CollectWith(*MakeDockerCollector()), "docker_info"),
      IsEmpty());
}

TEST_F(DockerCollector, IsAsOldAsWhatTheEngineSaid) {
  host_.docker.state.age = absl::Seconds(7);
  EXPECT_EQ(host_.CollectWith(*MakeDockerCollector()).age, absl::Seconds(7));
}

TEST_F(DockerCollector, UserlandProxyIsUsedUnlessTurnedOff) {
  RunWith("/usr/bin/dockerd -H fd:// ");
  EXPECT_TRUE(*UsesProxy());
}

TEST_F(DockerCollector, UserlandProxyIsTurnedOffByDaemonJson) {
  host_.root.Write(kDaemonJson, R"({"userland-proxy": false})");
  EXPECT_FALSE(*UsesProxy());
  host_.root.Write(kDaemonJson, R"({"userland-proxy": true})");
  EXPECT_TRUE(*UsesProxy());
}

TEST_F(DockerCollector, UserlandProxyIsTurnedOffByTheCommandLine) {
  host_.root.Write(kDaemonJson, R"({"log-driver": "journald"})");
  RunWith("/usr/bin/dockerd --userland-proxy=false -H fd:// ");
  EXPECT_FALSE(*UsesProxy());
}

TEST_F(DockerCollector, LastSwitchOfTheCommandLineCounts) {
  RunWith("dockerd --userland-proxy=false --userland-proxy=true ");
  EXPECT_TRUE(*UsesProxy());
  RunWith("dockerd --userland-proxy=false --userland-proxy ");
  EXPECT_TRUE(*UsesProxy());
  RunWith("dockerd --userland-proxy --userland-proxy=false ");
  EXPECT_FALSE(*UsesProxy());
}

TEST_F(DockerCollector, FalseHasTheWordsThatGoTakesForIt) {
  for (const char* word : {"0", "f", "F", "false", "False", "FALSE"}) {
    RunWith(absl::StrCat("dockerd --userland-proxy=", word, " "));
    EXPECT_FALSE(*UsesProxy()) << word;
  }
}

TEST_F(DockerCollector, OtherSwitchesLeaveTheUserlandProxyAlone) {
  RunWith("dockerd --userland-proxy-path=/p --userland-proxy=falsehood ");
  EXPECT_TRUE(*UsesProxy());
}

TEST_F(DockerCollector, UserlandProxyOfAnEngineThatDoesNotRunIsUnknown) {
  EXPECT_FALSE(UsesProxy().ok());
  host_.root.Write("/run/docker.pid", "812\n");
  EXPECT_FALSE(UsesProxy().ok());
}

TEST_F(DockerCollector, BrokenDaemonJsonLeavesTheUserlandProxyUnknown) {
  RunWith("dockerd ");
  host_.root.Write(kDaemonJson, "{");
  EXPECT_TRUE(absl::IsDataLoss(UsesProxy().status()));
}

TEST(MakeDockerCollector, IsRefreshedOffTheScrapePath) {
  const auto cadence = MakeDockerCollector()->cadence();
  ASSERT_TRUE(cadence.has_value());
  EXPECT_LT(cadence->every, cadence->allowance);
}

}  // namespace
}  // namespace mailcow
