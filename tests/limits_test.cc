#include "collectors/limits.h"

#include <set>

#include "collectors/all.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

double Bytes(absl::string_view word) {
  return ParseLimit(word, Unit::kBytes).value_or(-1);
}

TEST(ParseLimit, BytesTakeASuffixWithOrWithoutASpace) {
  EXPECT_EQ(Bytes("3KiB"), 3072);
  EXPECT_EQ(Bytes("512 MiB"), 536870912);
  EXPECT_EQ(Bytes("2GiB"), 2147483648);
  EXPECT_EQ(Bytes("1.5 GiB"), 1610612736);
  EXPECT_EQ(Bytes("1TiB"), 1099511627776);
}

TEST(ParseLimit, BytesWithoutASuffixAreBytes) {
  EXPECT_EQ(Bytes("2147483648"), 2147483648);
  EXPECT_EQ(Bytes("2e9"), 2000000000);
  EXPECT_EQ(Bytes("0"), 0);
}

TEST(ParseLimit, OtherSuffixesAreNoSizes) {
  for (const char* word : {"2GB", "2G", "2gib", "2PiB", "2B", "2GiBGiB", "GiB",
                           "2 s", "2  GiB", "2GiB "}) {
    const auto limit = ParseLimit(word, Unit::kBytes);
    EXPECT_TRUE(absl::IsInvalidArgument(limit.status())) << word;
    EXPECT_THAT(limit.status().message(),
                AllOf(StartsWith(absl::StrCat("\"", word, "\" is not a size")),
                      HasSubstr("2GiB")));
  }
}

TEST(ParseLimit, OnlyBytesTakeASuffix) {
  for (const Unit unit : {Unit::kCount, Unit::kSeconds}) {
    EXPECT_EQ(*ParseLimit("2.5", unit), 2.5);
    EXPECT_FALSE(ParseLimit("2KiB", unit).ok());
    EXPECT_FALSE(ParseLimit("2s", unit).ok());
  }
  EXPECT_EQ(ParseLimit("2s", Unit::kSeconds).status().message(),
            "\"2s\" is not a number of seconds from 0 on");
  EXPECT_EQ(ParseLimit("two", Unit::kCount).status().message(),
            "\"two\" is not a number from 0 on");
}

TEST(ParseLimit, WhatIsNegativeInfiniteOrNoNumberIsRefusedInEveryUnit) {
  for (const Unit unit : {Unit::kBytes, Unit::kCount, Unit::kSeconds}) {
    for (const char* word :
         {"",     " ",     "-1",   "-0",    "nan",    ".nan",  "inf",
          ".inf", "1e999", "0x10", "1_000", "+1",     "1 2",   "1 ",
          "1-2",  "1e",    "true", "-1GiB", "nanGiB", "infGiB"}) {
      EXPECT_TRUE(absl::IsInvalidArgument(ParseLimit(word, unit).status()))
          << word;
    }
  }
}

TEST(ParseLimit, ASizeThatOverflowsIsRefused) {
  EXPECT_TRUE(ParseLimit("1e300", Unit::kBytes).ok());
  EXPECT_FALSE(ParseLimit("1e300TiB", Unit::kBytes).ok());
}

constexpr Requirement kMemory = {.id = "memory",
                                 .unit = Unit::kBytes,
                                 .required = AtLeast(100, 10),
                                 .recommended = AtLeast(600, 60),
                                 .what = "",
                                 .source = ""};

TEST(Override, ReplacesTheLimitAndItsAllowance) {
  Requirement requirement = kMemory;
  Override({{{"memory", Level::kRequired}, 200}}, requirement);
  EXPECT_EQ(requirement.required->nominal, 200);
  EXPECT_EQ(requirement.required->allowance, 0);
  EXPECT_EQ(requirement.required->limit(), 200);
}

TEST(Override, LeavesTheOtherLevelAsItIs) {
  Requirement required = kMemory;
  Override({{{"memory", Level::kRequired}, 200}}, required);
  EXPECT_EQ(required.recommended->limit(), 540);
  Requirement recommended = kMemory;
  Override({{{"memory", Level::kRecommended}, 900}}, recommended);
  EXPECT_EQ(recommended.recommended->limit(), 900);
  EXPECT_EQ(recommended.required->limit(), 90);
}

TEST(Override, KeepsTheDirection) {
  Requirement requirement = {.id = "listeners",
                             .unit = Unit::kCount,
                             .required = AtMost(0),
                             .what = "",
                             .source = ""};
  Override({{{"listeners", Level::kRequired}, 2}}, requirement);
  EXPECT_EQ(requirement.required->relation, Bound::Relation::kAtMost);
  EXPECT_EQ(Judge(*requirement.required, 2.0), Verdict::kMet);
  EXPECT_EQ(Judge(*requirement.required, 3.0), Verdict::kUnmet);
}

TEST(Override, LeavesOtherRequirementsAsTheyAre) {
  Requirement requirement = kMemory;
  Override({{{"memory_available", Level::kRequired}, 200}}, requirement);
  EXPECT_EQ(requirement.required->limit(), 90);
}

TEST(Override, MakesNoLimitWhereThereIsNone) {
  Requirement fact = {
      .id = "swap_free", .unit = Unit::kBytes, .what = "", .source = ""};
  Override({{{"swap_free", Level::kRequired}, 200}}, fact);
  EXPECT_FALSE(fact.required.has_value());
}

TEST(CheckHasLimit, ANumberWithALimitHasOneAtThatLevel) {
  Requirement requirement = kMemory;
  requirement.required.reset();
  EXPECT_TRUE(CheckHasLimit(requirement).ok());
  EXPECT_TRUE(CheckHasLimit(requirement, Level::kRecommended).ok());
  const absl::Status status = CheckHasLimit(requirement, Level::kRequired);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "there is no required limit to replace");
}

TEST(CheckHasLimit, AFactHasNone) {
  const Requirement fact = {
      .id = "swap_free", .unit = Unit::kBytes, .what = "", .source = ""};
  EXPECT_TRUE(absl::IsInvalidArgument(CheckHasLimit(fact)));
  EXPECT_EQ(CheckHasLimit(fact, Level::kRequired).message(),
            "a fact has no limit");
}

TEST(CheckHasLimit, AYesOrNoHasNoneToReplace) {
  const Requirement requirement = {
      .id = "ntp_enabled", .required = Yes(), .what = "", .source = ""};
  EXPECT_TRUE(absl::IsInvalidArgument(CheckHasLimit(requirement)));
  EXPECT_EQ(CheckHasLimit(requirement, Level::kRequired).message(),
            "a yes or no has no limit to replace");
}

// Limits that can be replaced, as they stand in `collectors`.
Limits LimitsOf(const std::vector<std::unique_ptr<Collector>>& collectors) {
  Limits limits;
  for (const auto& collector : collectors) {
    for (const Requirement* requirement : collector->requirements()) {
      for (const Level level : {Level::kRequired, Level::kRecommended}) {
        if (!CheckHasLimit(*requirement, level).ok()) continue;
        const Bound& bound = *BoundOf(*requirement, level);
        EXPECT_EQ(bound.limit(), bound.nominal) << requirement->id;
        limits[{std::string(requirement->id), level}] = bound.limit();
      }
    }
  }
  return limits;
}

TEST(AllCollectors, PutsEveryLimitInForceThatIsSet) {
  Settings settings;
  double limit = 1000;
  for (const auto& collector : AllCollectors(Settings{})) {
    for (const Requirement* requirement : collector->requirements()) {
      for (const Level level : {Level::kRequired, Level::kRecommended}) {
        if (!CheckHasLimit(*requirement, level).ok()) continue;
        settings.limits[{std::string(requirement->id), level}] = ++limit;
      }
    }
  }
  EXPECT_GE(settings.limits.size(), 8u);
  EXPECT_EQ(LimitsOf(AllCollectors(settings)), settings.limits);
}

TEST(AllCollectors, WithoutLimitsThoseOfMailcowAreInForce) {
  AllCollectors({.limits = {{{"memory", Level::kRequired}, 5}}});
  const auto collectors = AllCollectors(Settings{});
  EXPECT_EQ(RequirementOf(*collectors.front(), "memory").required->limit(),
            0.875 * kGiB);
}

TEST(AllCollectors, FindingsReferToTheLimitInForce) {
  const auto collectors =
      AllCollectors({.limits = {{{"memory", Level::kRequired}, 5}}});
  const Collected collected = FakeHost().CollectWith(*collectors.front());
  EXPECT_EQ(collected.findings.front().requirement->id, "memory");
  EXPECT_EQ(collected.findings.front().requirement->required->limit(), 5);
}

}  // namespace
}  // namespace mailcow
