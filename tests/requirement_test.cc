#include "collectors/requirement.h"

#include <cmath>

#include "gtest/gtest.h"

namespace mailcow {
namespace {

TEST(Judge, AtLeastIsMetAtItsLimitAndUnmetBelow) {
  EXPECT_EQ(Judge(AtLeast(5), 5.0), Verdict::kMet);
  EXPECT_EQ(Judge(AtLeast(5), std::nextafter(5.0, 0)), Verdict::kUnmet);
}

TEST(Judge, AtMostIsMetAtItsLimitAndUnmetAbove) {
  EXPECT_EQ(Judge(AtMost(0), 0.0), Verdict::kMet);
  EXPECT_EQ(Judge(AtMost(0), 1.0), Verdict::kUnmet);
}

TEST(Judge, AllowanceLowersTheLimitInForce) {
  const Bound bound = AtLeast(100, 10);
  EXPECT_EQ(bound.limit(), 90);
  EXPECT_EQ(Judge(bound, 90.0), Verdict::kMet);
  EXPECT_EQ(Judge(bound, 89.0), Verdict::kUnmet);
}

TEST(Judge, WhatCannotBeReadIsUnknownNotUnmet) {
  EXPECT_EQ(Judge(AtLeast(5), absl::NotFoundError("gone")), Verdict::kUnknown);
  EXPECT_EQ(Judge(AtMost(5), absl::NotFoundError("gone")), Verdict::kUnknown);
}

TEST(Judge, NotANumberIsUnknown) {
  EXPECT_EQ(Judge(AtLeast(5), std::nan("")), Verdict::kUnknown);
}

TEST(Yes, IsMetByOneAndUnmetByZero) {
  EXPECT_EQ(Judge(Yes(), 1.0), Verdict::kMet);
  EXPECT_EQ(Judge(Yes(), 0.0), Verdict::kUnmet);
}

TEST(AsNumber, IsOneOrZeroAndKeepsTheError) {
  EXPECT_EQ(*AsNumber(true), 1);
  EXPECT_EQ(*AsNumber(false), 0);
  EXPECT_TRUE(absl::IsDataLoss(
      AsNumber(absl::StatusOr<bool>(absl::DataLossError("bad"))).status()));
}

TEST(BoundOf, TellsTheLevelsApart) {
  const Requirement requirement = {.id = "x",
                                   .required = AtLeast(1),
                                   .recommended = AtLeast(6),
                                   .what = "",
                                   .source = ""};
  EXPECT_EQ(BoundOf(requirement, Level::kRequired)->nominal, 1);
  EXPECT_EQ(BoundOf(requirement, Level::kRecommended)->nominal, 6);
}

TEST(UnitName, IsTheWordThatEndsTheNameOfAMetric) {
  EXPECT_EQ(Name(Unit::kBool), "bool");
  EXPECT_EQ(Name(Unit::kBytes), "bytes");
  EXPECT_EQ(Name(Unit::kCount), "count");
  EXPECT_EQ(Name(Unit::kInfo), "info");
  EXPECT_EQ(Name(Unit::kSeconds), "seconds");
  EXPECT_EQ(Name(Unit::kTimestamp), "timestamp_seconds");
  EXPECT_EQ(Name(Unit::kTotal), "total");
}

}  // namespace
}  // namespace mailcow
