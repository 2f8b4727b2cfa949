#include "exporter/text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_report.h"

namespace mailcow {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Render(std::vector<Finding> findings, bool with_color = false) {
  return RenderText(ReportOf(std::move(findings)), with_color);
}

Finding Port(std::string port, absl::StatusOr<double> value,
             std::string detail = "", std::string remedy = "") {
  return {&kForeign,
          {.labels = {{"port", std::move(port)}},
           .value = std::move(value),
           .detail = std::move(detail),
           .remedy = std::move(remedy)}};
}

TEST(RenderText, IsATableWithAHeadingForEachTopicAndASummary) {
  const Report report = {
      .sections = {{.topic = "memory",
                    .cadence = std::nullopt,
                    .findings = {{&kMemory, {.labels = {}, .value = 2 * kGiB}},
                                 {&kSwap, {.labels = {}, .value = 0}}}},
                   {.topic = "ports",
                    .cadence = std::nullopt,
                    .findings = {Port("25", 0)}}}};
  EXPECT_EQ(RenderText(report, false),
            "memory\n"
            "  met      memory                2 GiB  >= 1 GiB  required\n"
            "  unmet    memory                2 GiB  >= 6 GiB  recommended\n"
            "           remedy: add RAM\n"
            "  fact     swap                    0 B\n"
            "\n"
            "ports\n"
            "  met      foreign_listeners 25      0  <= 0      required\n"
            "\n"
            "READY: 2 met, 0 required unmet, 0 required unknown, 1 recommended "
            "unmet, 0 recommended unknown\n");
}

TEST(RenderText, TheTimeIsABlockOfItsOwnWithItsVerdicts) {
  constexpr Requirement kNtp = {.id = "ntp_enabled",
                                .required = Yes(),
                                .what = "",
                                .remedy = "timedatectl set-ntp true",
                                .source = ""};
  constexpr Requirement kDst = {.id = "dst_active", .what = "", .source = ""};
  EXPECT_THAT(
      Render({{&kSwap, {.labels = {}, .value = 0}},
              {&kNtp, {.labels = {}, .value = 0, .detail = "chrony is off"}},
              {&kSwap, {.labels = {}, .value = 1}},
              {&kDst, {.labels = {}, .value = 1}}}),
      HasSubstr("topic\n"
                "  fact     swap  0 B\n"
                "\n"
                "time\n"
                "  unmet         NTP enabled: no  required\n"
                "           chrony is off\n"
                "           remedy: timedatectl set-ntp true\n"
                "  fact           DST active: yes\n"
                "\n"
                "topic\n"
                "  fact     swap  1 B\n"));
}

TEST(RenderText, AnUnknownHasAQuestionMarkAndItsReason) {
  EXPECT_THAT(
      Render({Port("25", absl::DataLossError("sock_diag sent nothing"))}),
      HasSubstr("  unknown  foreign_listeners 25  ?  <= 0  required\n"
                "           reason: sock_diag sent nothing\n"));
}

TEST(RenderText, AnUnmetOneHasItsDetailAndRemedyBelow) {
  EXPECT_THAT(Render({Port("25", 1, "exim4 on 0.0.0.0:25")}),
              HasSubstr("required\n"
                        "           exim4 on 0.0.0.0:25\n"
                        "           remedy: stop the service\n"));
}

TEST(RenderText, AMetOneHasItsDetailBehindTheColumns) {
  EXPECT_THAT(Render({Port("25", 0, "docker-proxy")}),
              HasSubstr("required     docker-proxy\n"));
}

TEST(RenderText, RowsThatDifferOnlyInTheirSubjectAreOneLine) {
  EXPECT_THAT(
      Render({Port("25", 0), Port("80", 0), Port("443", 0)}),
      HasSubstr("foreign_listeners (3)  0  <= 0  required     25 80 443\n"));
}

TEST(RenderText, RowsThatDifferInMoreStayApart) {
  const std::string table =
      Render({Port("25", 0), Port("80", 1), Port("443", 0, "docker-proxy")});
  EXPECT_THAT(table, HasSubstr("foreign_listeners 25 "));
  EXPECT_THAT(table, HasSubstr("foreign_listeners 80 "));
  EXPECT_THAT(table, HasSubstr("foreign_listeners 443 "));
}

TEST(RenderText, RowsThatDifferInTheirReasonStayApart) {
  const std::string table = Render({Port("25", absl::DataLossError("one")),
                                    Port("80", absl::DataLossError("two"))});
  EXPECT_THAT(table, HasSubstr("reason: one\n"));
  EXPECT_THAT(table, HasSubstr("reason: two\n"));
}

TEST(RenderText, RowsThatDifferInTheirRemedyStayApart) {
  const std::string table = Render(
      {Port("25", 1, "", "stop exim4"), Port("80", 1, "", "stop nginx")});
  EXPECT_THAT(table, HasSubstr("remedy: stop exim4\n"));
  EXPECT_THAT(table, HasSubstr("remedy: stop nginx\n"));
}

TEST(RenderText, InformationIsLeftToTheOtherFormats) {
  const std::string table = Render(
      {Port("25", 0), {&kOs, {.labels = {{"id", "debian"}}, .value = 1}}});
  EXPECT_THAT(table, HasSubstr("foreign_listeners"));
  EXPECT_THAT(table, Not(HasSubstr("os_info")));
  EXPECT_THAT(table, Not(HasSubstr("debian")));
}

TEST(RenderText, WhatIsMetByAnAllowanceSaysSo) {
  constexpr Requirement kAllowing = {.id = "memory",
                                     .unit = Unit::kBytes,
                                     .required = AtLeast(1024, 512),
                                     .what = "",
                                     .source = ""};
  EXPECT_THAT(Render({{&kAllowing, {.labels = {}, .value = 1023}}}),
              HasSubstr("required     with an allowance of 512 B\n"));
  EXPECT_THAT(Render({{&kAllowing, {.labels = {}, .value = 1024}}}),
              Not(HasSubstr("allowance")));
  EXPECT_THAT(Render({{&kAllowing, {.labels = {}, .value = 511}}}),
              Not(HasSubstr("allowance")));
}

TEST(RenderText, AHostThatIsNotReadySaysHowMuchIsMissing) {
  EXPECT_THAT(Render({Port("25", 1), Port("80", absl::DataLossError("x"))}),
              HasSubstr("\nNOT READY: 0 met, 1 required unmet, 1 required "
                        "unknown, 0 recommended unmet, 0 recommended "
                        "unknown\n"));
}

TEST(RenderText, ColorsTheVerdictWhenAsked) {
  EXPECT_THAT(Render({Port("25", 1)}, true),
              HasSubstr("  \033[1;31munmet  \033[0m  foreign_listeners 25"));
  EXPECT_THAT(Render({Port("25", 0)}, true),
              HasSubstr("\n\033[1;32mREADY: 1 met"));
}

TEST(RenderText, HasNoEscapeSequenceWithoutColorWhateverTheHostSays) {
  EXPECT_THAT(Render({Port("\033[2J", 1, "\033[3J", "\033[4J"),
                      Port("80", absl::DataLossError("\033[5J")),
                      {&kOs, {.labels = {{"id", "\033[6J"}}, .value = 1}}}),
              Not(HasSubstr("\033")));
}

}  // namespace
}  // namespace mailcow
