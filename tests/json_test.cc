#include "exporter/json.h"

#include <cmath>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/fake_report.h"

namespace mailcow {
namespace {

using nlohmann::json;

// The limit in force is not the nominal one.
constexpr Requirement kMemoryWithAllowance = {.id = "memory",
                                              .unit = Unit::kBytes,
                                              .required = AtLeast(1 * kGiB, 64),
                                              .recommended = AtLeast(6 * kGiB),
                                              .what = "",
                                              .remedy = "add RAM",
                                              .source = ""};

json Render(std::vector<Finding> findings) {
  return json::parse(RenderJson(ReportOf(std::move(findings))));
}

TEST(RenderJson, ARequirementStandsOnceForEachLevel) {
  const json out =
      Render({{&kMemoryWithAllowance, {.labels = {}, .value = 2 * kGiB}}});
  EXPECT_EQ(out.at("requirements"), json::parse(R"([
    {"id": "memory", "subject": "", "topic": "topic", "level": "required",
     "verdict": "met", "value": 2147483648.0, "unit": "bytes",
     "limit": 1073741760.0, "reason": null, "remedy": null, "detail": null},
    {"id": "memory", "subject": "", "topic": "topic", "level": "recommended",
     "verdict": "unmet", "value": 2147483648.0, "unit": "bytes",
     "limit": 6442450944.0, "reason": null, "remedy": "add RAM",
     "detail": null}])"));
}

TEST(RenderJson, AnUnmetOneHasSubjectDetailAndRemedy) {
  const json row =
      Render({{&kForeign,
               {.labels = {{"port", "25"}}, .value = 1, .detail = "exim4"}}})
          .at("requirements")
          .at(0);
  EXPECT_EQ(row.at("subject"), "25");
  EXPECT_EQ(row.at("detail"), "exim4");
  EXPECT_EQ(row.at("remedy"), "stop the service");
}

TEST(RenderJson, AnUnknownHasNoValueButAReason) {
  const json row =
      Render({{&kForeign,
               {.labels = {}, .value = absl::DataLossError("it is cut")}}})
          .at("requirements")
          .at(0);
  EXPECT_EQ(row.at("verdict"), "unknown");
  EXPECT_EQ(row.at("value"), nullptr);
  EXPECT_EQ(row.at("reason"), "it is cut");
  EXPECT_EQ(row.at("remedy"), nullptr);
}

TEST(RenderJson, AFactHasNeitherLevelNorLimit) {
  const json row = Render({{&kOs, {.labels = {{"id", "debian"}}, .value = 1}}})
                       .at("requirements")
                       .at(0);
  EXPECT_EQ(row.at("verdict"), "fact");
  EXPECT_EQ(row.at("level"), nullptr);
  EXPECT_EQ(row.at("limit"), nullptr);
}

TEST(RenderJson, InformationHasItsLabelsAsDetail) {
  const json row =
      Render({{&kOs,
               {.labels = {{"id", "debian"}, {"version", "12"}}, .value = 1}}})
          .at("requirements")
          .at(0);
  EXPECT_EQ(row.at("subject"), "");
  EXPECT_EQ(row.at("detail"), "id=debian version=12");
}

TEST(RenderJson, ReadyIsWhetherAllThatIsRequiredIsMet) {
  EXPECT_EQ(Render({{&kForeign, {.labels = {}, .value = 0}}}).at("ready"),
            true);
  EXPECT_EQ(Render({{&kForeign, {.labels = {}, .value = 1}}}).at("ready"),
            false);
}

TEST(RenderJson, WithoutFindingsTheArrayIsEmpty) {
  EXPECT_EQ(Render({}).at("requirements"), json::array());
}

TEST(RenderJson, TextOfTheHostIsEscapedAndMadeUtf8) {
  const json row =
      Render({{&kForeign,
               {.labels = {{"port", "2\"5"}}, .value = 1, .detail = "\xff\n"}}})
          .at("requirements")
          .at(0);
  EXPECT_EQ(row.at("subject"), "2\"5");
  EXPECT_EQ(row.at("detail"), "\xef\xbf\xbd\n");
}

TEST(RenderJson, ANumberThatIsNoneIsNull) {
  const json row = Render({{&kForeign, {.labels = {}, .value = std::nan("")}}})
                       .at("requirements")
                       .at(0);
  EXPECT_EQ(row.at("verdict"), "unknown");
  EXPECT_EQ(row.at("value"), nullptr);
}

TEST(RenderJson, EndsInANewline) { EXPECT_EQ(RenderJson({}).back(), '\n'); }

}  // namespace
}  // namespace mailcow
