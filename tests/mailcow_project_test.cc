#include "collectors/mailcow_project.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::IsEmpty;

DockerState StateOf(absl::StatusOr<std::vector<Container>> containers) {
  return {.engine = DockerEngine(), .containers = std::move(containers)};
}

TEST(ProjectOf, IsComposesNameInMailcowConf) {
  EXPECT_EQ(*ProjectOf(MailcowConf::Parse("COMPOSE_PROJECT_NAME=mail\n")),
            "mail");
}

TEST(ProjectOf, IsMailcowsOwnWhereNothingIsSet) {
  EXPECT_EQ(*ProjectOf(MailcowConf()), "mailcowdockerized");
  EXPECT_EQ(*ProjectOf(MailcowConf::Parse("COMPOSE_PROJECT_NAME=\n")),
            "mailcowdockerized");
}

TEST(ProjectOf, OfAnUnreadableConfIsUnknown) {
  EXPECT_TRUE(absl::IsPermissionDenied(
      ProjectOf(absl::PermissionDeniedError("mailcow.conf")).status()));
}

TEST(ProjectOf, OfAValueInBrokenQuotesIsUnknown) {
  EXPECT_TRUE(absl::IsDataLoss(
      ProjectOf(MailcowConf::Parse("COMPOSE_PROJECT_NAME='mail\n")).status()));
}

// Compose writes the project's name in lower case.
TEST(IsOfMailcow, ProjectIsTheSameInAnyCase) {
  const Container container = MailcowContainer("postfix-mailcow");
  EXPECT_TRUE(IsOfMailcow(container, "mailcowdockerized"));
  EXPECT_TRUE(IsOfMailcow(container, "MailcowDockerized"));
}

TEST(IsOfMailcow, OtherProjectsServiceOfThatNameIsNone) {
  const Container container = MailcowContainer("postfix-mailcow");
  EXPECT_FALSE(IsOfMailcow(container, "mailcow"));
  EXPECT_FALSE(IsOfMailcow(container, "mailcowdockerized2"));
}

TEST(IsOfMailcow, ServiceIsOneThatEndsAsMailcowsDo) {
  EXPECT_FALSE(IsOfMailcow(MailcowContainer("portainer"), "mailcowdockerized"));
  EXPECT_FALSE(
      IsOfMailcow(MailcowContainer("postfix-MAILCOW"), "mailcowdockerized"));
  EXPECT_FALSE(
      IsOfMailcow(MailcowContainer("mailcow-exporter"), "mailcowdockerized"));
}

TEST(IsOfMailcow, NameAloneDoesNotMakeIt) {
  EXPECT_FALSE(
      IsOfMailcow(ForeignContainer("mailcowdockerized-postfix-mailcow-1"),
                  "mailcowdockerized"));
}

TEST(MailcowContainers, AreThoseOfTheProjectRunningOrNot) {
  Container exited = MailcowContainer("nginx-mailcow");
  exited.state = "exited";
  const auto containers = MailcowContainers(
      MailcowConf(), StateOf({{MailcowContainer("postfix-mailcow"), exited,
                               ForeignContainer("web")}}));
  ASSERT_EQ(containers->size(), 2);
  EXPECT_EQ(containers->at(0).service, "postfix-mailcow");
  EXPECT_EQ(containers->at(1).service, "nginx-mailcow");
}

TEST(MailcowContainers, AreThoseOfTheProjectThatMailcowConfNames) {
  Container renamed = MailcowContainer("postfix-mailcow");
  renamed.project = "mail";
  const auto containers = MailcowContainers(
      MailcowConf::Parse("COMPOSE_PROJECT_NAME=Mail\n"),
      StateOf({{renamed, MailcowContainer("nginx-mailcow")}}));
  ASSERT_EQ(containers->size(), 1);
  EXPECT_EQ(containers->front().service, "postfix-mailcow");
}

TEST(MailcowContainers, WithoutEngineAndConfThereAreNone) {
  EXPECT_THAT(*MailcowContainers(MailcowConf(),
                                 StateOf(absl::NotFoundError("no engine"))),
              IsEmpty());
}

TEST(MailcowContainers, WithoutEngineButWithConfTheyAreUnknown) {
  EXPECT_TRUE(absl::IsNotFound(
      MailcowContainers(MailcowConf::Parse(""),
                        StateOf(absl::NotFoundError("no engine")))
          .status()));
}

TEST(MailcowContainers, OfASilentEngineAreUnknownWithAndWithoutConf) {
  const DockerState silent = StateOf(absl::DeadlineExceededError("silent"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      MailcowContainers(MailcowConf(), silent).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      MailcowContainers(MailcowConf::Parse(""), silent).status()));
}

TEST(MailcowContainers, WithAnUnreadableConfAreUnknown) {
  EXPECT_TRUE(absl::IsPermissionDenied(
      MailcowContainers(absl::PermissionDeniedError("mailcow.conf"),
                        StateOf({{MailcowContainer("postfix-mailcow")}}))
          .status()));
}

TEST(IsMailVolume, IsTheProjectsVolumeOfThatName) {
  const auto is_mail = [](const std::string& name) {
    return IsMailVolume({.name = name, .directory = "/d"}, "MailcowDockerized");
  };
  EXPECT_TRUE(is_mail("mailcowdockerized_vmail-vol-1"));
  EXPECT_FALSE(is_mail("mailcowdockerized_vmail-index-vol-1"));
  EXPECT_FALSE(is_mail("other_vmail-vol-1"));
  EXPECT_FALSE(is_mail("vmail-vol-1"));
}

}  // namespace
}  // namespace mailcow
