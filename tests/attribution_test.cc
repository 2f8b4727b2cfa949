#include "collectors/attribution.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Status kNoPrivilege =
    absl::PermissionDeniedError("it takes CAP_SYS_PTRACE");
const Owner kDockerProxy = {.process = "docker-proxy",
                            .cgroup = "/system.slice/docker.service"};
constexpr uint64_t kInode = 4711;

Listener ListenerAt(absl::string_view address) {
  return {.address = *ParseIpAddress(address), .port = 25, .inode = kInode};
}

// An engine that has these containers, asked after the listener was there.
DockerView ViewOf(std::vector<Container> containers) {
  return {.docker = {.engine = DockerEngine(),
                     .containers = std::move(containers),
                     .listeners = {kInode}},
          .project = "mailcowdockerized"};
}

// An engine that does not say what it has.
DockerView ViewWithout(const absl::Status& status) {
  return {.docker = {.engine = status, .containers = status},
          .project = "mailcowdockerized"};
}

Owner In(const std::string& cgroup) {
  return {.process = "nginx", .cgroup = cgroup};
}

TEST(HeldBy, KeepsWhereItIsAndWhoseTheListenerIs) {
  const Holder holder = HeldBy(ListenerAt("192.0.2.1"), In("/"), ViewOf({}));
  EXPECT_EQ(ToString(holder.address, holder.port), "192.0.2.1:25");
  EXPECT_EQ(*holder.owner->process, "nginx");
}

TEST(HeldBy, ProxyOfMailcowsContainerIsNotForeign) {
  const Holder holder = HeldBy(
      ListenerAt("0.0.0.0"), kDockerProxy,
      ViewOf(
          {MailcowContainer("postfix-mailcow",
                            {Published("::", 25), Published("0.0.0.0", 25)})}));
  EXPECT_EQ(holder.container, "mailcowdockerized-postfix-mailcow-1");
  EXPECT_FALSE(*holder.is_foreign);
}

TEST(HeldBy, ProxyOfAnotherContainerIsForeignAndTheContainerNamed) {
  const Holder holder =
      HeldBy(ListenerAt("0.0.0.0"), kDockerProxy,
             ViewOf({ForeignContainer("web", {Published("0.0.0.0", 25)})}));
  EXPECT_EQ(holder.container, "web");
  EXPECT_TRUE(*holder.is_foreign);
}

TEST(HeldBy, ContainerIsTheOneThatPublishesThatAddressAndPort) {
  const DockerView view =
      ViewOf({ForeignContainer("address", {Published("192.0.2.9", 25)}),
              ForeignContainer("port", {Published("192.0.2.1", 26)}),
              ForeignContainer("both", {Published("192.0.2.1", 25)})});
  EXPECT_EQ(HeldBy(ListenerAt("192.0.2.1"), kDockerProxy, view).container,
            "both");
}

TEST(HeldBy, ProxyOfNoContainerIsUnknown) {
  const Holder holder =
      HeldBy(ListenerAt("0.0.0.0"), kDockerProxy,
             ViewOf({ForeignContainer("web", {Published("0.0.0.0", 80)})}));
  EXPECT_TRUE(absl::IsNotFound(holder.is_foreign.status()));
  EXPECT_EQ(holder.container, "");
}

// Left over from another engine: Docker cannot publish the port.
TEST(HeldBy, ProxyThatStaysWithoutAContainerIsForeign) {
  DockerView view = ViewOf({});
  view.docker.settled_listeners = {kInode};
  const Holder holder = HeldBy(ListenerAt("0.0.0.0"), kDockerProxy, view);
  ASSERT_TRUE(holder.is_foreign.ok()) << holder.is_foreign.status();
  EXPECT_TRUE(*holder.is_foreign);
}

TEST(HeldBy, ProxyThatAppearedAfterDockerWasAskedIsUnknown) {
  DockerView view =
      ViewOf({MailcowContainer("postfix-mailcow", {Published("::", 25)})});
  view.docker.listeners = {kInode + 1};
  const Holder holder = HeldBy(ListenerAt("::"), kDockerProxy, view);
  EXPECT_TRUE(absl::IsUnavailable(holder.is_foreign.status()));
  EXPECT_THAT(holder.is_foreign.status().message(), HasSubstr("appeared"));
}

TEST(HeldBy, WhileDockerIsSilentItsProxyIsUnknownByThatReason) {
  for (const absl::Status& status :
       {absl::DeadlineExceededError("Docker's engine is silent"),
        absl::PermissionDeniedError("it takes the group docker"),
        absl::NotFoundError("no engine")}) {
    EXPECT_EQ(HeldBy(ListenerAt("::"), kDockerProxy, ViewWithout(status))
                  .is_foreign.status(),
              status);
  }
}

TEST(HeldBy, UnknownProjectMakesEveryContainerUnknown) {
  DockerView view =
      ViewOf({MailcowContainer("postfix-mailcow", {Published("::", 25)})});
  view.project = absl::DataLossError("line 1 of mailcow.conf");
  EXPECT_TRUE(absl::IsDataLoss(
      HeldBy(ListenerAt("::"), kDockerProxy, view).is_foreign.status()));
}

// Without docker-proxy the engine itself keeps the port occupied; newer ones
// open the socket for docker-proxy.
TEST(HeldBy, EngineItselfListensForItsContainers) {
  const DockerView view =
      ViewOf({MailcowContainer("postfix-mailcow", {Published("::", 25)})});
  for (const Owner& owner :
       {Owner{.process = "dockerd", .cgroup = "/system.slice/docker.service"},
        Owner{.process = "dockerd", .cgroup = kNoPrivilege},
        Owner{.process = kNoPrivilege,
        .cgroup = "/system.slice/docker.service"},
        Owner{.process = kNoPrivilege,
        .cgroup = "/system.slice/snap.docker.dockerd.service"}}) {
    const Holder holder = HeldBy(ListenerAt("::"), owner, view);
    EXPECT_EQ(holder.container, "mailcowdockerized-postfix-mailcow-1");
    EXPECT_FALSE(*holder.is_foreign);
  }
}

TEST(HeldBy, AnotherProgramInTheEnginesUnitIsForeign) {
  const Holder holder = HeldBy(
      ListenerAt("::"), In("/system.slice/docker.service"),
      ViewOf({MailcowContainer("postfix-mailcow", {Published("::", 25)})}));
  EXPECT_TRUE(*holder.is_foreign);
  EXPECT_EQ(holder.container, "");
}

// Engines before 20.10.2 listen on [::] for both families and tell 0.0.0.0.
TEST(HeldBy, ProxyOnBothFamiliesIsThatOfTheContainerOnIpv4) {
  Listener listener = ListenerAt("::");
  listener.ipv6_only = false;
  const DockerView view =
      ViewOf({MailcowContainer("postfix-mailcow", {Published("0.0.0.0", 25)})});
  const Holder holder = HeldBy(listener, kDockerProxy, view);
  ASSERT_TRUE(holder.is_foreign.ok()) << holder.is_foreign.status();
  EXPECT_FALSE(*holder.is_foreign);
}

TEST(HeldBy, ProcessOnTheHostsNetworkIsAttributedByItsCgroup) {
  Container web = ForeignContainer("web");
  Container mailcow = MailcowContainer("nginx-mailcow");
  const DockerView view = ViewOf({web, mailcow});
  const Holder of_web = HeldBy(ListenerAt("::"), In("/docker/" + web.id), view);
  EXPECT_EQ(of_web.container, "web");
  EXPECT_TRUE(*of_web.is_foreign);
  const Holder of_mailcow =
      HeldBy(ListenerAt("::"),
             In("/system.slice/docker-" + mailcow.id + ".scope"), view);
  EXPECT_EQ(of_mailcow.container, "mailcowdockerized-nginx-mailcow-1");
  EXPECT_FALSE(*of_mailcow.is_foreign);
}

TEST(HeldBy, ContainerThatDockerDoesNotListIsNamedByItsShortId) {
  const Holder holder = HeldBy(
      ListenerAt("::"), In("/docker/" + std::string(64, 'c')), ViewOf({}));
  EXPECT_EQ(holder.container, "cccccccccccc");
  EXPECT_TRUE(*holder.is_foreign);
}

TEST(HeldBy, WhileDockerIsSilentAContainersProcessIsUnknown) {
  const Holder holder =
      HeldBy(ListenerAt("::"), In("/docker/" + std::string(64, 'a')),
             ViewWithout(absl::DeadlineExceededError("silent")));
  EXPECT_EQ(holder.container, "aaaaaaaaaaaa");
  EXPECT_TRUE(absl::IsDeadlineExceeded(holder.is_foreign.status()));
}

TEST(HeldBy, ProgramOfTheHostIsForeignWhateverDockerSays) {
  for (const Owner& owner : {Owner{.process = "exim4", .cgroup = kNoPrivilege},
                             Owner{.process = "exim4", .cgroup = "/"},
                             Owner{.process = kNoPrivilege,
                             .cgroup = "/system.slice/exim4.service"}}) {
    EXPECT_TRUE(*HeldBy(ListenerAt("::"), owner,
                        ViewWithout(absl::DeadlineExceededError("silent")))
                     .is_foreign);
  }
}

TEST(HeldBy, WithoutProcessAndUnitItIsUnknownAndSaysWhatIsMissing) {
  for (const Owner& owner :
       {Owner{.process = kNoPrivilege, .cgroup = kNoPrivilege},
        Owner{.process = kNoPrivilege, .cgroup = "/"}}) {
    EXPECT_EQ(HeldBy(ListenerAt("::"), owner, ViewOf({})).is_foreign.status(),
              kNoPrivilege);
  }
}

// Where the holders are, and their containers.
std::vector<std::string> Without(const Bind& bind,
                                 const std::vector<Listener>& listeners,
                                 const DockerView& view) {
  std::vector<std::string> texts;
  for (const Holder& holder : HeldWithoutListener(bind, listeners, view)) {
    EXPECT_FALSE(holder.owner.has_value());
    texts.push_back(absl::StrCat(ToString(holder.address, holder.port), " ",
                                 holder.container, " ",
                                 *holder.is_foreign ? "foreign" : "mailcow"));
  }
  return texts;
}

TEST(HeldWithoutListener, IsWhatIsPublishedByRulesAlone) {
  const DockerView view =
      ViewOf({MailcowContainer("postfix-mailcow", {Published("0.0.0.0", 25)}),
              ForeignContainer("web", {Published("127.0.0.1", 25)})});
  EXPECT_THAT(
      Without({.address = std::nullopt, .port = 25}, {}, view),
      ElementsAre("0.0.0.0:25 mailcowdockerized-postfix-mailcow-1 mailcow",
                  "127.0.0.1:25 web foreign"));
}

TEST(HeldWithoutListener, LeavesOutWhatHasAListener) {
  const DockerView view = ViewOf({ForeignContainer(
      "web", {Published("0.0.0.0", 25), Published("::", 25)})});
  EXPECT_THAT(Without({.address = std::nullopt, .port = 25},
                      {ListenerAt("0.0.0.0")}, view),
              ElementsAre("[::]:25 web foreign"));
}

TEST(HeldWithoutListener, LeavesOutWhatIsNotInTheWay) {
  const DockerView view = ViewOf({ForeignContainer(
      "web", {Published("0.0.0.0", 26), Published("192.0.2.9", 25)})});
  EXPECT_THAT(
      Without({.address = *ParseIpAddress("192.0.2.1"), .port = 25}, {}, view),
      IsEmpty());
}

TEST(HeldWithoutListener, IsNothingWhileDockerIsSilent) {
  EXPECT_THAT(Without({.address = std::nullopt, .port = 25}, {},
                      ViewWithout(absl::DeadlineExceededError("silent"))),
              IsEmpty());
}

}  // namespace
}  // namespace mailcow
