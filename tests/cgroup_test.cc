#include "collectors/cgroup.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::IsEmpty;

constexpr char kId[] =
    "4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339cabcd";
constexpr char kOther[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

TEST(UnitOf, IsTheServiceOrScopeInThePath) {
  EXPECT_EQ(UnitOf("/system.slice/exim4.service"), "exim4.service");
  EXPECT_EQ(UnitOf("/user.slice/user-0.slice/session-3.scope"),
            "session-3.scope");
}

TEST(UnitOf, IsTheOutermostOne) {
  EXPECT_EQ(UnitOf("/system.slice/docker.service/inner.service"),
            "docker.service");
}

TEST(UnitOf, SliceAndRootAreNone) {
  for (const char* cgroup : {"", "/", "/system.slice", "/services/x"}) {
    EXPECT_THAT(UnitOf(cgroup), IsEmpty()) << cgroup;
  }
}

TEST(ContainerIdOf, IsThatOfBothDriversOfTheEngine) {
  EXPECT_EQ(ContainerIdOf(absl::StrCat("/docker/", kId)), kId);
  EXPECT_EQ(ContainerIdOf(absl::StrCat("/system.slice/docker-", kId, ".scope")),
            kId);
}

TEST(ContainerIdOf, HoldsForWhatRunsDeeperInTheContainer) {
  EXPECT_EQ(ContainerIdOf(
                absl::StrCat("/docker/", kId, "/system.slice/exim4.service")),
            kId);
}

TEST(ContainerIdOf, OfAnEngineInAContainerItIsTheHostsContainer) {
  EXPECT_EQ(ContainerIdOf(absl::StrCat("/docker/", kId, "/docker/", kOther)),
            kId);
}

TEST(ContainerIdOf, IsSixtyFourHexadecimalDigits) {
  const std::string id(kId);
  for (const std::string& cgroup :
       {absl::StrCat("/docker/", id.substr(1)),
        absl::StrCat("/docker/", id, "0"),
        absl::StrCat("/docker/", id.substr(1), "g"),
        absl::StrCat("/docker/", id.substr(1), "A"),
        absl::StrCat("/system.slice/docker-", id),
        absl::StrCat("/system.slice/docker-", id.substr(1), ".scope")}) {
    EXPECT_THAT(ContainerIdOf(cgroup), IsEmpty()) << cgroup;
  }
}

TEST(ContainerIdOf, OtherEnginesContainersAreNotDockers) {
  for (const std::string& cgroup :
       {std::string(), std::string("/"), absl::StrCat("/", kId),
        absl::StrCat("/lxc/", kId),
        absl::StrCat("/machine.slice/libpod-", kId, ".scope"),
        absl::StrCat("/kubepods.slice/cri-containerd-", kId, ".scope"),
        std::string("/system.slice/docker.service")}) {
    EXPECT_THAT(ContainerIdOf(cgroup), IsEmpty()) << cgroup;
  }
}

TEST(IsDockerUnit, IsThatOfDockersPackagesAndOfItsSnap) {
  EXPECT_TRUE(IsDockerUnit("docker.service"));
  EXPECT_TRUE(IsDockerUnit("snap.docker.dockerd.service"));
  EXPECT_FALSE(IsDockerUnit("docker-registry.service"));
  EXPECT_FALSE(IsDockerUnit("containerd.service"));
  EXPECT_FALSE(IsDockerUnit(""));
}

}  // namespace
}  // namespace mailcow
