#include "collectors/tzif.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string BigEndian(int64_t number, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text += static_cast<char>(number >> shift & 0xff);
  }
  return text;
}

// What a file says, twice from version 2 on.
struct Block {
  // The time, and which of the types begins then.
  std::vector<std::pair<int64_t, uint8_t>> transitions;
  // The offset, whether it is daylight saving time, and where its name begins.
  struct Type {
    int64_t utc_offset_seconds;
    bool is_dst;
    uint8_t name_at;
  };
  std::vector<Type> types;
  std::string names;
  int leap_seconds = 0;
  int indicators = 0;

  std::string Encode(char version, int time_size) const {
    const auto count = [](size_t size) {
      return BigEndian(static_cast<int64_t>(size), 4);
    };
    std::string out =
        absl::StrCat("TZif", std::string(1, version), std::string(15, '\0'));
    out += BigEndian(indicators, 4) + BigEndian(indicators, 4) +
           BigEndian(leap_seconds, 4) + count(transitions.size()) +
           count(types.size()) + count(names.size());
    for (const auto& [at, type] : transitions) out += BigEndian(at, time_size);
    for (const auto& [at, type] : transitions) out += BigEndian(type, 1);
    for (const Type& type : types) {
      out += BigEndian(type.utc_offset_seconds, 4) +
             BigEndian(type.is_dst ? 1 : 0, 1) + BigEndian(type.name_at, 1);
    }
    out += names;
    for (int i = 0; i < leap_seconds; ++i) {
      out += BigEndian(78796800, time_size) + BigEndian(1, 4);
    }
    return out + std::string(static_cast<size_t>(2 * indicators), '\0');
  }
};

// A block without transitions is what slim files have for version 1.
std::string Version1(const Block& block) { return block.Encode('\0', 4); }
std::string Version2(const Block& block, const std::string& rule,
                     const Block& version_1 = {}) {
  return absl::StrCat(version_1.Encode('2', 4), block.Encode('2', 8), "\n",
                      rule, "\n");
}

constexpr int64_t kSpring2016 = 1459040400;
constexpr int64_t kAutumn2016 = 1477789200;
constexpr int64_t kSpring2017 = 1490490000;
constexpr int64_t kAutumn2017 = 1509238800;
constexpr int64_t kSpring2018 = 1521939600;
constexpr int64_t kAutumn2049 = 2519254800;
constexpr int64_t kSpring2050 = 2531955600;
constexpr int64_t kMay2017 = 1494073320;

constexpr char kCentralEurope[] = "CET-1CEST,M3.5.0,M10.5.0/3";

// Central Europe from 2016 to 2017.
Block Berlin() {
  return {.transitions = {{kSpring2016, 1},
                          {kAutumn2016, 0},
                          {kSpring2017, 1},
                          {kAutumn2017, 0}},
          .types = {{3600, false, 0}, {7200, true, 4}},
          .names = std::string("CET\0CEST\0", 9)};
}

// Of all that, one offset and no change.
Block Fixed(int64_t offset, bool is_dst, const std::string& name) {
  return {.transitions = {},
          .types = {{offset, is_dst, 0}},
          .names = name + std::string(1, '\0')};
}

ZoneData Parse(const std::string& bytes) { return ParseTzif(bytes).value(); }

bool IsDataLoss(const std::string& bytes) {
  return absl::IsDataLoss(ParseTzif(bytes).status());
}

std::string ErrorOf(const std::string& bytes) {
  return std::string(ParseTzif(bytes).status().message());
}

std::optional<int64_t> LastChange(const ZoneData& zone, int64_t now) {
  const auto change = StateAt(zone, now).last_change;
  if (!change.has_value()) return std::nullopt;
  return change->at;
}

std::optional<int64_t> NextChange(const ZoneData& zone, int64_t now) {
  const auto change = StateAt(zone, now).next_change;
  if (!change.has_value()) return std::nullopt;
  return change->at;
}

TEST(ParseTzif, Version1HasNoRule) {
  const ZoneData zone = Parse(Version1(Berlin()));
  ASSERT_THAT(zone.transitions, SizeIs(4));
  EXPECT_EQ(zone.transitions[0].at, kSpring2016);
  EXPECT_EQ(zone.transitions[0].type.abbreviation, "CEST");
  EXPECT_EQ(zone.transitions[0].type.utc_offset_seconds, 7200);
  EXPECT_TRUE(zone.transitions[0].type.is_dst);
  EXPECT_EQ(zone.transitions[3].at, kAutumn2017);
  EXPECT_EQ(zone.transitions[3].type.abbreviation, "CET");
  EXPECT_FALSE(zone.transitions[3].type.is_dst);
  EXPECT_FALSE(zone.rule.has_value());
}

TEST(ParseTzif, Version2IsReadFromItsSecondBlockAndItsFooter) {
  for (const Block& version_1 : {Block{}, Fixed(-3600, true, "OLD")}) {
    const ZoneData zone = Parse(Version2(Berlin(), kCentralEurope, version_1));
    EXPECT_THAT(zone.transitions, SizeIs(4));
    EXPECT_EQ(zone.first.abbreviation, "CET");
    ASSERT_TRUE(zone.rule.has_value());
    EXPECT_EQ(zone.rule->daylight->type.abbreviation, "CEST");
  }
}

TEST(ParseTzif, LaterVersionsAreReadAsVersion2) {
  for (const char version : {'3', '4'}) {
    const std::string bytes =
        absl::StrCat(Block{}.Encode(version, 4), Berlin().Encode(version, 8),
                     "\n", kCentralEurope, "\n");
    EXPECT_TRUE(Parse(bytes).rule.has_value()) << version;
  }
}

TEST(ParseTzif, TimesHaveSixtyFourBitsFromVersion2On) {
  Block block = Berlin();
  block.transitions = {{-(int64_t{1} << 59), 0}, {int64_t{1} << 33, 1}};
  const ZoneData zone = Parse(Version2(block, ""));
  EXPECT_EQ(zone.transitions[0].at, -(int64_t{1} << 59));
  EXPECT_EQ(zone.transitions[1].at, int64_t{1} << 33);
}

TEST(ParseTzif, TimesAndOffsetsMayBeNegative) {
  Block block = Fixed(-18000, false, "EST");
  block.transitions = {{-1, 0}};
  const ZoneData zone = Parse(Version1(block));
  EXPECT_EQ(zone.transitions[0].at, -1);
  EXPECT_EQ(zone.first.utc_offset_seconds, -18000);
}

TEST(ParseTzif, NamesMayShareTheirCharacters) {
  Block block = Fixed(3600, false, "WEST");
  block.types.push_back({7200, true, 1});
  block.transitions = {{0, 1}};
  const ZoneData zone = Parse(Version1(block));
  EXPECT_EQ(zone.first.abbreviation, "WEST");
  EXPECT_EQ(zone.transitions[0].type.abbreviation, "EST");
}

TEST(ParseTzif, EmptyFooterIsNoRule) {
  EXPECT_FALSE(Parse(Version2(Berlin(), "")).rule.has_value());
}

TEST(ParseTzif, IndicatorsAreSkipped) {
  Block block = Berlin();
  block.indicators = 2;
  EXPECT_TRUE(Parse(Version2(block, kCentralEurope, block)).rule.has_value());
}

TEST(ParseTzif, WhatIsCutShortAnywhereIsDataLoss) {
  Block block = Berlin();
  block.indicators = 2;
  for (const std::string& bytes :
       {Version1(block), Version2(block, kCentralEurope),
        Version2(block, kCentralEurope, block)}) {
    ASSERT_TRUE(ParseTzif(bytes).ok());
    for (size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_TRUE(IsDataLoss(bytes.substr(0, length))) << length;
    }
  }
}

TEST(ParseTzif, WhatIsCutShortSaysSo) {
  const std::string bytes = Version1(Berlin());
  EXPECT_THAT(ErrorOf(bytes.substr(0, 43)), HasSubstr("cut short"));
  EXPECT_THAT(ErrorOf(bytes.substr(0, bytes.size() - 1)),
              HasSubstr("cut short"));
}

TEST(ParseTzif, FileOfAnotherKindIsDataLoss) {
  EXPECT_THAT(ErrorOf("Europe/Berlin\n"), HasSubstr("no TZif file"));
  EXPECT_TRUE(IsDataLoss(""));
  std::string bytes = Version1(Berlin());
  bytes[3] = 'F';
  EXPECT_TRUE(IsDataLoss(bytes));
}

TEST(ParseTzif, CountsBeyondTheFileAreDataLoss) {
  for (const int64_t count : {0xffffffffL, 0x80000000L, 0x01000000L}) {
    for (size_t place = 20; place < 44; place += 4) {
      std::string bytes = Version1(Berlin());
      bytes.replace(place, 4, BigEndian(count, 4));
      EXPECT_THAT(ErrorOf(bytes), HasSubstr("cut short")) << place;
    }
  }
}

TEST(ParseTzif, TransitionToATypeThatIsNotThereIsDataLoss) {
  Block block = Berlin();
  block.transitions.back().second = 1;
  EXPECT_TRUE(ParseTzif(Version1(block)).ok());
  block.transitions.back().second = 2;
  EXPECT_THAT(ErrorOf(Version1(block)), HasSubstr("lacks a type"));
  block.transitions.back().second = 255;
  EXPECT_TRUE(IsDataLoss(Version1(block)));
}

TEST(ParseTzif, TypeWhoseNameIsNotThereIsDataLoss) {
  Block block = Berlin();
  block.types.back().name_at = 8;
  EXPECT_TRUE(ParseTzif(Version1(block)).ok());
  for (const uint8_t name_at : {uint8_t{9}, uint8_t{255}}) {
    block.types.back().name_at = name_at;
    EXPECT_THAT(ErrorOf(Version1(block)), HasSubstr("no name"));
  }
}

TEST(ParseTzif, FileWithoutTypesIsDataLoss) {
  EXPECT_THAT(ErrorOf(Version1({})), HasSubstr("no types"));
  EXPECT_TRUE(IsDataLoss(Version2({}, kCentralEurope)));
}

TEST(ParseTzif, LeapSecondsAreUnimplemented) {
  Block block = Berlin();
  block.leap_seconds = 1;
  for (const std::string& bytes :
       {Version1(block), Version2(block, kCentralEurope)}) {
    EXPECT_TRUE(absl::IsUnimplemented(ParseTzif(bytes).status()));
    EXPECT_THAT(ErrorOf(bytes), HasSubstr("leap seconds"));
  }
}

TEST(ParseTzif, LeapSecondsOfTheUnreadBlockAreSkipped) {
  Block version_1 = Berlin();
  version_1.leap_seconds = 1;
  EXPECT_TRUE(ParseTzif(Version2(Berlin(), "", version_1)).ok());
}

TEST(ParseTzif, TransitionsOutOfOrderAreDataLoss) {
  Block block = Berlin();
  std::swap(block.transitions[1].first, block.transitions[2].first);
  EXPECT_THAT(ErrorOf(Version1(block)), HasSubstr("out of order"));
}

TEST(ParseTzif, TwoTransitionsAtOnceAreDataLoss) {
  Block block = Berlin();
  block.transitions[1].first = kSpring2016;
  EXPECT_TRUE(IsDataLoss(Version1(block)));
  block.transitions[1].first = kSpring2016 + 1;
  EXPECT_FALSE(IsDataLoss(Version1(block)));
}

TEST(ParseTzif, FooterThatIsNoRuleIsDataLoss) {
  EXPECT_THAT(ErrorOf(Version2(Berlin(), "nonsense")), HasSubstr("nonsense"));
}

TEST(ParseTzif, FooterBeginsWithANewline) {
  const std::string bytes = absl::StrCat(
      Block{}.Encode('2', 4), Berlin().Encode('2', 8), kCentralEurope, "\n");
  EXPECT_TRUE(IsDataLoss(bytes));
}

TEST(StateAt, BetweenTwoTransitionsBothAreKnown) {
  const ZoneState state = StateAt(Parse(Version1(Berlin())), kMay2017);
  EXPECT_EQ(state.type.abbreviation, "CEST");
  EXPECT_EQ(state.last_change->at, kSpring2017);
  EXPECT_EQ(state.last_change->from.abbreviation, "CET");
  EXPECT_EQ(state.last_change->to.abbreviation, "CEST");
  EXPECT_EQ(state.next_change->at, kAutumn2017);
  EXPECT_EQ(state.next_change->from.abbreviation, "CEST");
  EXPECT_EQ(state.next_change->to.abbreviation, "CET");
}

TEST(StateAt, TransitionHoldsFromItsVerySecond) {
  const ZoneData zone = Parse(Version1(Berlin()));
  EXPECT_EQ(StateAt(zone, kSpring2017 - 1).type.abbreviation, "CET");
  EXPECT_EQ(LastChange(zone, kSpring2017 - 1), kAutumn2016);
  EXPECT_EQ(NextChange(zone, kSpring2017 - 1), kSpring2017);
  EXPECT_EQ(StateAt(zone, kSpring2017).type.abbreviation, "CEST");
  EXPECT_EQ(LastChange(zone, kSpring2017), kSpring2017);
  EXPECT_EQ(NextChange(zone, kSpring2017), kAutumn2017);
}

TEST(StateAt, BeforeTheFirstTransitionTheFirstTypeHolds) {
  const ZoneState state = StateAt(Parse(Version1(Berlin())), kSpring2016 - 1);
  EXPECT_EQ(state.type.abbreviation, "CET");
  EXPECT_FALSE(state.last_change.has_value());
  EXPECT_EQ(state.next_change->at, kSpring2016);
}

TEST(StateAt, AfterTheLastTransitionWithoutARuleNothingIsToCome) {
  for (const std::string& bytes : {Version1(Berlin()), Version2(Berlin(), ""),
                                   Version2(Berlin(), "CET-1")}) {
    const ZoneState state = StateAt(Parse(bytes), kAutumn2049);
    EXPECT_EQ(state.type.abbreviation, "CET");
    EXPECT_EQ(state.last_change->at, kAutumn2017);
    EXPECT_FALSE(state.next_change.has_value());
  }
}

TEST(StateAt, AfterTheLastTransitionTheRuleHolds) {
  const ZoneData zone = Parse(Version2(Berlin(), kCentralEurope));
  const ZoneState state = StateAt(zone, kSpring2050 - 1);
  EXPECT_EQ(state.type.abbreviation, "CET");
  EXPECT_EQ(state.last_change->at, kAutumn2049);
  EXPECT_EQ(state.last_change->from.abbreviation, "CEST");
  EXPECT_EQ(state.next_change->at, kSpring2050);
  EXPECT_EQ(state.next_change->to.abbreviation, "CEST");
  EXPECT_TRUE(StateAt(zone, kSpring2050).type.is_dst);
}

TEST(StateAt, RuleFollowsTheLastTransitionAtOnce) {
  const ZoneData zone = Parse(Version2(Berlin(), kCentralEurope));
  EXPECT_EQ(LastChange(zone, kAutumn2017), kAutumn2017);
  EXPECT_EQ(NextChange(zone, kAutumn2017), kSpring2018);
  EXPECT_EQ(NextChange(zone, kAutumn2017 - 1), kAutumn2017);
}

// The rule alone would have daylight saving time in May 2017.
TEST(StateAt, RuleDoesNotHoldBeforeTheLastTransition) {
  const ZoneData zone = Parse(Version2(Berlin(), kCentralEurope));
  EXPECT_EQ(LastChange(zone, kSpring2016 - 1), std::nullopt);
  Block block = Berlin();
  block.transitions = {{kMay2017, 0}};
  const ZoneData late = Parse(Version2(block, kCentralEurope));
  EXPECT_EQ(LastChange(late, kMay2017), std::nullopt);
  EXPECT_EQ(NextChange(late, kMay2017), kSpring2018);
}

TEST(StateAt, ChangeOfTheOffsetAloneIsNoDstChange) {
  Block block = Fixed(-10800, false, "-03");
  block.types.push_back({-7200, false, 0});
  block.transitions = {{kSpring2017, 1}, {kAutumn2017, 0}};
  const ZoneState state = StateAt(Parse(Version1(block)), kMay2017);
  EXPECT_EQ(state.type.utc_offset_seconds, -7200);
  EXPECT_FALSE(state.last_change.has_value());
  EXPECT_FALSE(state.next_change.has_value());
}

// Double summer time is daylight saving time as well.
TEST(StateAt, ChangeWithinDaylightSavingTimeIsNoDstChange) {
  Block block = Berlin();
  block.types.push_back({10800, true, 4});
  block.transitions = {{kSpring2016, 1}, {kSpring2017, 2}, {kAutumn2017, 0}};
  const ZoneState state = StateAt(Parse(Version1(block)), kMay2017);
  EXPECT_EQ(state.type.utc_offset_seconds, 10800);
  EXPECT_EQ(state.last_change->at, kSpring2016);
  EXPECT_EQ(state.next_change->at, kAutumn2017);
  EXPECT_EQ(state.next_change->from.utc_offset_seconds, 10800);
}

TEST(StateAt, FixedZoneHasNoChange) {
  for (const std::string& bytes :
       {Version1(Fixed(20700, false, "+0545")),
        Version2(Fixed(20700, false, "+0545"), "<+0545>-5:45")}) {
    const ZoneState state = StateAt(Parse(bytes), kMay2017);
    EXPECT_EQ(state.type.utc_offset_seconds, 20700);
    EXPECT_FALSE(state.last_change.has_value());
    EXPECT_FALSE(state.next_change.has_value());
  }
}

TEST(StateAt, RuleWithoutTransitionsHoldsAlways) {
  const ZoneData zone =
      Parse(Version2(Fixed(3600, false, "CET"), kCentralEurope));
  EXPECT_EQ(LastChange(zone, kMay2017), kSpring2017);
  EXPECT_EQ(NextChange(zone, kMay2017), kAutumn2017);
}

// RFC 8536, section 3.3.1, has this rule for it.
TEST(StateAt, DaylightSavingTimeThatLastsAllYearHasNoChange) {
  const ZoneData zone =
      Parse(Version2(Fixed(-14400, true, "EDT"), "EST5EDT,0/0,J365/25"));
  constexpr int64_t kNewYear2017 = 1483228800;
  for (const int64_t now :
       {kMay2017, kNewYear2017, kNewYear2017 - 1, kNewYear2017 + 5 * 3600,
        kNewYear2017 + 5 * 3600 - 1, kNewYear2017 + 364 * 86400}) {
    const ZoneState state = StateAt(zone, now);
    EXPECT_EQ(state.type.abbreviation, "EDT") << now;
    EXPECT_FALSE(state.last_change.has_value()) << now;
    EXPECT_FALSE(state.next_change.has_value()) << now;
  }
}

TEST(StateAt, DaylightSavingTimeThatLastsAllYearBeganOnce) {
  Block block = Fixed(-18000, false, "EST");
  block.types.push_back({-14400, true, 0});
  block.transitions = {{kSpring2016, 1}};
  const ZoneData zone = Parse(Version2(block, "EST5EDT,0/0,J365/25"));
  for (const int64_t now : {kSpring2016, kMay2017, kAutumn2049}) {
    EXPECT_EQ(LastChange(zone, now), kSpring2016) << now;
    EXPECT_EQ(NextChange(zone, now), std::nullopt) << now;
  }
}

TEST(StateAt, DaylightSavingTimeMayBeBehind) {
  const ZoneData zone =
      Parse(Version2(Fixed(3600, false, "IST"), "IST-1GMT0,M10.5.0,M3.5.0/1"));
  const ZoneState summer = StateAt(zone, kMay2017);
  EXPECT_EQ(summer.type.abbreviation, "IST");
  EXPECT_FALSE(summer.type.is_dst);
  EXPECT_EQ(summer.last_change->at, kSpring2017);
  EXPECT_EQ(summer.next_change->at, kAutumn2017);
  const ZoneState winter = StateAt(zone, kAutumn2017);
  EXPECT_EQ(winter.type.abbreviation, "GMT");
  EXPECT_TRUE(winter.type.is_dst);
}

// At New Year, the changes that matter are those of the years around it.
TEST(StateAt, RuleReachesOverTheYearsEnd) {
  constexpr int64_t kNewYear2050 = 2524608000;
  const ZoneData zone = Parse(Version2(Berlin(), kCentralEurope));
  for (const int64_t now : {kNewYear2050 - 1, kNewYear2050}) {
    EXPECT_EQ(LastChange(zone, now), kAutumn2049);
    EXPECT_EQ(NextChange(zone, now), kSpring2050);
  }
}

}  // namespace
}  // namespace mailcow
