#include "collectors/docker_state.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A container of which only `members` matter.
std::string ContainerWith(absl::string_view members) {
  return absl::StrCat(
      R"([{"Id": "4c01", "Names": ["/web"], "State": "running",)",
      R"( "Status": "Up 2 hours")", members, "}]");
}

std::vector<std::string> PortsIn(absl::string_view ports) {
  const auto containers =
      ParseContainers(ContainerWith(absl::StrCat(R"(, "Ports": )", ports)));
  EXPECT_TRUE(containers.ok()) << containers.status();
  std::vector<std::string> texts;
  for (const PublishedPort& port : containers->front().ports) {
    texts.push_back(ToString(port.address, port.port));
  }
  return texts;
}

TEST(ParseDockerInfo, IsVersionDriverAndDataRoot) {
  const auto engine = ParseDockerInfo(
      R"({"ID": "x", "Containers": 18, "Driver": "overlay2",)"
      R"( "DockerRootDir": "/var/lib/docker", "ServerVersion": "24.0.7"})");
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ(engine->version, "24.0.7");
  EXPECT_EQ(engine->storage_driver, "overlay2");
  EXPECT_EQ(engine->data_root, "/var/lib/docker");
}

TEST(ParseDockerInfo, NamesTheMemberThatIsAbsent) {
  const absl::Status status =
      ParseDockerInfo(R"({"Driver": "overlay2", "ServerVersion": "24.0.7"})")
          .status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(status.message(), HasSubstr("/info"));
  EXPECT_THAT(status.message(), HasSubstr("DockerRootDir"));
}

TEST(ParseDockerInfo, RefusesOtherForms) {
  for (const char* json :
       {"", "{", "[]", "null", "\"24.0.7\"", "{}",
        R"({"ServerVersion": 24, "Driver": "x", "DockerRootDir": "/d"})",
        R"({"ServerVersion": null, "Driver": "x", "DockerRootDir": "/d"})",
        R"({"ServerVersion": "\xff", "Driver": "x", "DockerRootDir": "/d"})"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseDockerInfo(json).status())) << json;
  }
}

TEST(ParseContainers, IsWhatComposeMadeOfAService) {
  const auto containers = ParseContainers(R"json([{
    "Id": "4c01db0b339c",
    "Names": ["/mailcowdockerized-postfix-mailcow-1"],
    "Image": "ghcr.io/mailcow/postfix:1.80",
    "Labels": {"com.docker.compose.project": "mailcowdockerized",
               "com.docker.compose.service": "postfix-mailcow"},
    "State": "running",
    "Status": "Up 2 hours (healthy)",
    "Ports": [{"IP": "0.0.0.0", "PrivatePort": 25, "PublicPort": 2525,
               "Type": "tcp"}]}])json");
  ASSERT_TRUE(containers.ok()) << containers.status();
  ASSERT_EQ(containers->size(), 1);
  const Container& container = containers->front();
  EXPECT_EQ(container.id, "4c01db0b339c");
  EXPECT_EQ(container.name, "mailcowdockerized-postfix-mailcow-1");
  EXPECT_EQ(container.project, "mailcowdockerized");
  EXPECT_EQ(container.service, "postfix-mailcow");
  EXPECT_EQ(container.state, "running");
  EXPECT_EQ(container.status, "Up 2 hours (healthy)");
  ASSERT_EQ(container.ports.size(), 1);
  EXPECT_EQ(ToString(container.ports[0].address, container.ports[0].port),
            "0.0.0.0:2525");
}

TEST(ParseContainers, EngineWithoutContainersHasNone) {
  EXPECT_THAT(*ParseContainers("[]"), IsEmpty());
}

TEST(ParseContainers, WithoutLabelsComposeDidNotMakeIt) {
  for (const char* labels :
       {"", R"(, "Labels": null)", R"(, "Labels": {})",
        R"(, "Labels": {"com.docker.compose.project": null})"}) {
    const auto containers = ParseContainers(ContainerWith(labels));
    ASSERT_TRUE(containers.ok()) << containers.status();
    EXPECT_EQ(containers->front().project, "");
    EXPECT_EQ(containers->front().service, "");
  }
}

TEST(ParseContainers, RunsOnlyInTheStateRunning) {
  for (const auto& [state, runs] :
       std::map<std::string, bool>{{"running", true},
                                   {"created", false},
                                   {"restarting", false},
                                   {"paused", false},
                                   {"exited", false},
                                   {"dead", false}}) {
    const auto containers = ParseContainers(absl::StrCat(
        R"([{"Id": "1", "Names": ["/a"], "Status": "", "State": ")", state,
        R"("}])"));
    ASSERT_TRUE(containers.ok()) << containers.status();
    EXPECT_EQ(containers->front().is_running(), runs) << state;
  }
}

// While a container is being removed it has none.
TEST(ParseContainers, NameMayBeAbsentFromTheList) {
  for (const char* names : {"[]", "null"}) {
    const auto containers = ParseContainers(
        absl::StrCat(R"([{"Id": "1", "State": "dead", "Status": "Dead",)",
                     R"( "Names": )", names, "}]"));
    ASSERT_TRUE(containers.ok()) << containers.status();
    EXPECT_EQ(containers->front().name, "");
  }
}

TEST(ParseContainers, PublishedPortsAreOfBothFamilies) {
  EXPECT_THAT(PortsIn(R"([
      {"IP": "0.0.0.0", "PrivatePort": 25, "PublicPort": 25, "Type": "tcp"},
      {"IP": "::", "PrivatePort": 25, "PublicPort": 25, "Type": "tcp"},
      {"IP": "127.0.0.1", "PrivatePort": 12345, "PublicPort": 19991,
       "Type": "tcp"}])"),
              ElementsAre("0.0.0.0:25", "[::]:25", "127.0.0.1:19991"));
}

TEST(ParseContainers, PortThatIsOnlyExposedIsNotPublished) {
  EXPECT_THAT(PortsIn(R"([{"PrivatePort": 3306, "Type": "tcp"}])"), IsEmpty());
}

TEST(ParseContainers, OnlyTcpIsOfInterest) {
  EXPECT_THAT(PortsIn(R"([{"IP": "0.0.0.0", "PrivatePort": 53,
                           "PublicPort": 53, "Type": "udp"}])"),
              IsEmpty());
}

TEST(ParseContainers, StoppedContainerPublishesNothing) {
  EXPECT_THAT(PortsIn("[]"), IsEmpty());
  EXPECT_THAT(PortsIn("null"), IsEmpty());
}

TEST(ParseContainers, RefusesOtherForms) {
  for (const std::string& json :
       {std::string(), std::string("{}"), std::string("null"),
        std::string("[1]"), std::string("[{}]"), std::string("[null]"),
        ContainerWith(R"(, "Labels": {"com.docker.compose.service": 1})"),
        ContainerWith(R"(, "Ports": [{"PublicPort": 25}])"),
        ContainerWith(R"(, "Ports": [25])"),
        ContainerWith(
            R"(, "Ports": [{"IP": 1, "PublicPort": 25, "Type": "tcp"}])"),
        ContainerWith(
            R"(, "Ports": [{"IP": "::", "PublicPort": "25", "Type": "tcp"}])"),
        std::string(
            R"([{"Id": "1", "Names": "a", "State": "", "Status": ""}])"),
        std::string(R"([{"Id": "1", "Names": ["/a"], "Status": ""}])")}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseContainers(json).status())) << json;
  }
}

TEST(ParseContainers, RefusesAPortThatIsNone) {
  for (const char* port : {"65536", "65561", "-25", "25.5", "0"}) {
    const auto containers = ParseContainers(ContainerWith(
        absl::StrCat(R"(, "Ports": [{"IP": "::", "Type": "tcp", )",
                     R"("PublicPort": )", port, "}]")));
    EXPECT_TRUE(absl::IsDataLoss(containers.status())) << port;
  }
}

TEST(ParseVolumes, DirectoryIsTheMountpoint) {
  const auto volumes = ParseVolumes(R"({"Volumes": [{
    "Name": "mailcowdockerized_vmail-vol-1", "Driver": "local",
    "Mountpoint": "/var/lib/docker/volumes/x/_data", "Options": null}]})");
  ASSERT_TRUE(volumes.ok()) << volumes.status();
  ASSERT_EQ(volumes->size(), 1);
  EXPECT_EQ(volumes->front().name, "mailcowdockerized_vmail-vol-1");
  EXPECT_EQ(volumes->front().directory, "/var/lib/docker/volumes/x/_data");
}

std::string DirectoryWith(absl::string_view options) {
  const auto volumes = ParseVolumes(
      absl::StrCat(R"({"Volumes": [{"Name": "v", "Mountpoint": "/v/_data",)",
                   R"( "Options": )", options, "}]}"));
  EXPECT_TRUE(volumes.ok()) << volumes.status();
  return volumes->front().directory;
}

TEST(ParseVolumes, DirectoryOfABoundVolumeIsWhatItIsBoundTo) {
  EXPECT_EQ(DirectoryWith(
                R"({"type": "none", "o": "bind", "device": "/data/vmail"})"),
            "/data/vmail");
  EXPECT_EQ(DirectoryWith(
                R"({"type": "none", "o": "rw,bind", "device": "/data/vmail"})"),
            "/data/vmail");
}

TEST(ParseVolumes, DeviceOfAnotherKindOfMountIsNoDirectory) {
  EXPECT_EQ(DirectoryWith(R"({"type": "nfs", "o": "addr=192.0.2.1,rw",)"
                          R"( "device": ":/export/vmail"})"),
            "/v/_data");
  EXPECT_EQ(DirectoryWith(R"({"type": "ext4", "device": "/dev/sdb1"})"),
            "/v/_data");
  EXPECT_EQ(DirectoryWith(R"({"o": "bind", "device": "vmail"})"), "/v/_data");
}

TEST(ParseVolumes, EngineWithoutVolumesHasNone) {
  EXPECT_THAT(*ParseVolumes(R"({"Volumes": []})"), IsEmpty());
  EXPECT_THAT(*ParseVolumes(R"({"Volumes": null, "Warnings": null})"),
              IsEmpty());
}

TEST(ParseVolumes, RefusesOtherForms) {
  for (const char* json :
       {"", "[]", "null", "{}", R"({"Volumes": [1]})", R"({"Volumes": 1})",
        R"({"Volumes": [{"Name": "v"}]})",
        R"({"Volumes": [{"Mountpoint": "/v"}]})",
        R"({"Volumes": [{"Name": "v", "Mountpoint": 1}]})"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseVolumes(json).status())) << json;
  }
}

TEST(ParseContainers, DeepNestingDoesNotExhaustTheStack) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  const absl::Status status =
      ParseContainers(ContainerWith(absl::StrCat(R"(, "Labels": )", deep)))
          .status();
  EXPECT_TRUE(status.ok() || absl::IsDataLoss(status));
}

}  // namespace
}  // namespace mailcow
