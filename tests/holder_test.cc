#include "collectors/holder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::IsEmpty;

const absl::Status kNoPrivilege =
    absl::PermissionDeniedError("it takes CAP_SYS_PTRACE");
const Owner kExim = {.process = "exim4",
                     .cgroup = "/system.slice/exim4.service"};
const Owner kDockerProxy = {.process = "docker-proxy",
                            .cgroup = "/system.slice/docker.service"};

Holder Hold(absl::string_view address, const std::optional<Owner>& owner,
            const std::string& container = "") {
  return {.address = *ParseIpAddress(address),
          .port = 25,
          .owner = owner,
          .container = container,
          .is_foreign = true};
}

TEST(Describe, GathersTheAddressesOfEachOwner) {
  EXPECT_EQ(
      Describe({Hold("0.0.0.0", kExim), Hold("::", kExim),
                Hold("127.0.0.2", Owner{.process = "nc", .cgroup = "/"})}),
      "exim4 (exim4.service) at 0.0.0.0:25, [::]:25; "
      "nc at 127.0.0.2:25");
}

TEST(Describe, NamesTheUnitWhereTheProcessIsNotKnown) {
  EXPECT_EQ(Describe({Hold("0.0.0.0", Owner{.process = kNoPrivilege,
                                            .cgroup = "/a.slice/a.service"})}),
            "a.service at 0.0.0.0:25");
}

TEST(Describe, SaysWhereNothingIsKnown) {
  EXPECT_EQ(Describe({Hold("0.0.0.0", Owner{.process = kNoPrivilege,
                                            .cgroup = kNoPrivilege})}),
            "an unknown process at 0.0.0.0:25");
}

TEST(Describe, NamesTheContainerAndNotItsProxy) {
  EXPECT_EQ(Describe({Hold("0.0.0.0", kDockerProxy, "web"),
                      Hold("::", kDockerProxy, "web")}),
            "container web at 0.0.0.0:25, [::]:25");
}

TEST(Describe, NamesTheContainerThatHasNoListener) {
  EXPECT_EQ(Describe({Hold("0.0.0.0", std::nullopt, "web")}),
            "container web at 0.0.0.0:25");
}

TEST(Describe, NobodyIsNothing) { EXPECT_THAT(Describe({}), IsEmpty()); }

TEST(StopCommand, NamesEachUnitOnce) {
  const Owner postfix = {.process = "master",
                         .cgroup = "/system.slice/postfix.service"};
  EXPECT_EQ(StopCommand({Hold("0.0.0.0", postfix), Hold("::", kExim),
                         Hold("::1", kExim)}),
            "systemctl disable --now exim4.service postfix.service");
}

TEST(StopCommand, StopsPostfixRatherThanItsInstance) {
  const Owner instance = {
      .process = "master",
      .cgroup = "/system.slice/system-postfix.slice/postfix@-.service"};
  EXPECT_EQ(StopCommand({Hold("0.0.0.0", instance)}),
            "systemctl disable --now postfix.service");
}

TEST(StopCommand, StopsAGeneratedUnitInACommandOfItsOwn) {
  Holder holder = Hold("::", kExim);
  holder.is_generated = true;
  EXPECT_EQ(StopCommand({holder}),
            "systemctl disable --now exim4.service && "
            "systemctl stop exim4.service");
}

TEST(StopCommand, KeepsAContainerFromBeingStartedAgain) {
  EXPECT_EQ(StopCommand({Hold("0.0.0.0", kDockerProxy, "web"),
                         Hold("::", kDockerProxy, "web")}),
            "docker update --restart=no web && docker stop web");
}

TEST(StopCommand, StopsUnitsAndContainersTogether) {
  EXPECT_EQ(
      StopCommand({Hold("127.0.0.1", kExim), Hold("0.0.0.0", std::nullopt, "b"),
                   Hold("::1", std::nullopt, "a")}),
      "systemctl disable --now exim4.service && "
      "docker update --restart=no a b && docker stop a b");
}

// The unit of a container is a scope that systemctl cannot disable.
TEST(StopCommand, StopsTheContainerRatherThanItsUnit) {
  EXPECT_EQ(
      StopCommand({Hold(
          "::", Owner{.process = "nginx", .cgroup = "/exim4.service"}, "web")}),
      "docker update --restart=no web && docker stop web");
}

TEST(StopCommand, SparesSessionsTheEngineAndUserManagers) {
  for (const char* cgroup :
       {"/", "/user.slice/user-0.slice/session-3.scope",
        "/system.slice/docker.service",
        "/system.slice/snap.docker.dockerd.service",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service"}) {
    EXPECT_THAT(
        StopCommand({Hold("::", Owner{.process = "x", .cgroup = cgroup})}),
        IsEmpty())
        << cgroup;
  }
}

TEST(StopCommand, HalfACommandIsNone) {
  const Owner unknown = {.process = kNoPrivilege, .cgroup = kNoPrivilege};
  EXPECT_THAT(StopCommand({Hold("::", kExim), Hold("0.0.0.0", unknown)}),
              IsEmpty());
  EXPECT_THAT(StopCommand({Hold("::", std::nullopt, "web"),
                           Hold("0.0.0.0", std::nullopt)}),
              IsEmpty());
}

}  // namespace
}  // namespace mailcow
