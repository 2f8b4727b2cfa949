#include "collectors/holder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Status kNoPrivilege =
    absl::PermissionDeniedError("it takes CAP_SYS_PTRACE");

Holder Hold(absl::string_view address, const Owner& owner) {
  return {{.address = *ParseIpAddress(address), .port = 25}, owner};
}

TEST(UnitOf, IsTheOutermostUnitOfTheCgroup) {
  EXPECT_EQ(UnitOf("/system.slice/exim4.service"), "exim4.service");
  EXPECT_EQ(UnitOf("/user.slice/user-0.slice/session-3.scope"),
            "session-3.scope");
  EXPECT_EQ(UnitOf("/system.slice/docker.service/inner.service"),
            "docker.service");
  EXPECT_EQ(UnitOf("/"), "");
  EXPECT_EQ(UnitOf("/system.slice"), "");
}

TEST(IsForeign, DockerProxyIsDockersByItsNameOrItsUnit) {
  EXPECT_FALSE(*IsForeign({.process = "docker-proxy", .cgroup = "/"}));
  EXPECT_FALSE(*IsForeign(
      {.process = kNoPrivilege, .cgroup = "/system.slice/docker.service"}));
}

TEST(IsForeign, EngineThatOpensTheSocketForItsProxyIsNotForeign) {
  EXPECT_FALSE(*IsForeign(
      {.process = "dockerd", .cgroup = "/system.slice/docker.service"}));
  EXPECT_TRUE(*IsForeign({.process = "dockerd", .cgroup = "/"}));
}

TEST(IsForeign, EverythingElseIsForeign) {
  EXPECT_TRUE(*IsForeign({.process = "exim4", .cgroup = kNoPrivilege}));
  EXPECT_TRUE(*IsForeign(
      {.process = kNoPrivilege, .cgroup = "/system.slice/exim4.service"}));
  // A program that the engine's unit starts is not the engine's proxy.
  EXPECT_TRUE(*IsForeign(
      {.process = "nginx", .cgroup = "/system.slice/docker.service"}));
}

TEST(IsForeign, WithoutProcessAndUnitItIsUnknownAndSaysWhatIsMissing) {
  for (const Owner& owner :
       {Owner{.process = kNoPrivilege, .cgroup = kNoPrivilege},
        Owner{.process = kNoPrivilege, .cgroup = "/"}}) {
    const auto is_foreign = IsForeign(owner);
    EXPECT_TRUE(absl::IsPermissionDenied(is_foreign.status()));
    EXPECT_THAT(is_foreign.status().message(), HasSubstr("CAP_SYS_PTRACE"));
  }
}

TEST(Describe, GathersTheAddressesOfEachOwner) {
  const Owner exim = {.process = "exim4",
                      .cgroup = "/system.slice/exim4.service"};
  EXPECT_EQ(Describe({Hold("0.0.0.0", exim), Hold("::", exim),
                      Hold("127.0.0.2", {.process = "nc", .cgroup = "/"})}),
            "exim4 (exim4.service) at 0.0.0.0:25, [::]:25; "
            "nc at 127.0.0.2:25");
}

TEST(Describe, NamesTheUnitWhereTheProcessIsNotKnown) {
  EXPECT_EQ(Describe({Hold("0.0.0.0", {.process = kNoPrivilege,
                                       .cgroup = "/system.slice/a.service"})}),
            "a.service at 0.0.0.0:25");
  EXPECT_EQ(Describe({Hold("0.0.0.0",
                           {.process = kNoPrivilege, .cgroup = kNoPrivilege})}),
            "an unknown process at 0.0.0.0:25");
}

TEST(StopUnits, NamesEachUnitOnce) {
  const Owner exim = {.process = "exim4",
                      .cgroup = "/system.slice/exim4.service"};
  const Owner postfix = {.process = "master",
                         .cgroup = "/system.slice/postfix.service"};
  EXPECT_EQ(StopUnits({Hold("0.0.0.0", postfix), Hold("::", exim),
                       Hold("::1", exim)}),
            "systemctl disable --now exim4.service postfix.service");
}

TEST(StopUnits, SparesSessionsTheEngineAndUserManagers) {
  for (const char* cgroup :
       {"/", "/user.slice/user-0.slice/session-3.scope",
        "/system.slice/docker.service",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service"}) {
    EXPECT_THAT(StopUnits({Hold("::", {.process = "x", .cgroup = cgroup})}),
                IsEmpty())
        << cgroup;
  }
}

}  // namespace
}  // namespace mailcow
