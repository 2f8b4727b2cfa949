#include "collectors/rtc.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ParseAdjtime, ThirdLineSaysWhatTheChipKeeps) {
  EXPECT_FALSE(*ParseAdjtime("0.0 0 0.0\n0\nUTC\n"));
  EXPECT_TRUE(*ParseAdjtime("0.0 0 0.0\n0\nLOCAL\n"));
  EXPECT_TRUE(*ParseAdjtime("0.0 0 0.0\n0\nLOCAL"));
  EXPECT_TRUE(*ParseAdjtime("0.0 0 0.0\n0\n LOCAL \n"));
}

TEST(ParseAdjtime, FileThatEndsBeforeIsUtc) {
  for (const char* text : {"", "\n", "0.0 0 0.0\n0\n", "0.0 0 0.0\n0",
                           "0.0 0 0.0\n0\n\n", "LOCAL\n", "0.0\nLOCAL\n"}) {
    EXPECT_FALSE(*ParseAdjtime(text)) << text;
  }
}

TEST(ParseAdjtime, AnotherWordIsDataLoss) {
  for (const char* word : {"local", "utc", "LOCALTIME", "UTC LOCAL", "0"}) {
    const auto status =
        ParseAdjtime(absl::StrCat("0.0 0 0.0\n0\n", word, "\n")).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << word;
    EXPECT_THAT(status.message(), HasSubstr("/etc/adjtime"));
  }
}

// A host at 2017-05-06 12:22:00.75 UTC.
class RtcCollector : public testing::Test {
 protected:
  RtcCollector() {
    host_.kernel.now =
        absl::FromUnixSeconds(1494073320) + absl::Milliseconds(750);
    host_.root.MakeDirectory("/sys");
  }

  void AddClock(const std::string& name, const std::string& seconds,
                const std::string& sets_kernel) {
    const std::string directory = "/sys/class/rtc/" + name;
    host_.root.Write(directory + "/since_epoch", seconds);
    host_.root.Write(directory + "/hctosys", sets_kernel);
  }
  void KeepLocalTime() {
    host_.root.Write("/etc/adjtime", "0.0 0 0.0\n0\nLOCAL\n");
  }
  // Without a rule: two hours ahead of universal time, always.
  void LiveInKaliningrad() {
    std::string header = "TZif" + std::string(40, '\0');
    header[39] = 1;
    header[43] = 4;
    host_.root.Write("/etc/localtime",
                     header + std::string("\0\0\x1c\x20\0\0EET\0", 10));
  }
  std::vector<Reading> Measure(absl::string_view id) {
    return ReadingsOf(host_.CollectWith(*MakeRtcCollector()), id);
  }
  Reading Single(absl::string_view id) {
    const std::vector<Reading> readings = Measure(id);
    EXPECT_THAT(readings, SizeIs(1)) << id;
    return readings.front();
  }

  FakeHost host_;
};

TEST_F(RtcCollector, ClockThatIsRightHasNoOffset) {
  AddClock("rtc0", "1494073320\n", "1\n");
  EXPECT_EQ(*Single("rtc_present").value, 1);
  EXPECT_EQ(*Single("rtc_offset").value, 0);
  EXPECT_EQ(Single("rtc_offset").detail, "Sat 2017-05-06 12:22:00");
  EXPECT_EQ(*Single("rtc_in_local_time_zone").value, 0);
}

TEST_F(RtcCollector, OffsetIsPositiveWhereTheChipIsAhead) {
  AddClock("rtc0", "1494073323\n", "1\n");
  EXPECT_EQ(*Single("rtc_offset").value, 3);
  AddClock("rtc0", "1494073319\n", "1\n");
  EXPECT_EQ(*Single("rtc_offset").value, -1);
}

TEST_F(RtcCollector, HostWithoutAClockHasNoOffset) {
  EXPECT_EQ(*Single("rtc_present").value, 0);
  EXPECT_THAT(Measure("rtc_offset"), IsEmpty());
  host_.root.MakeDirectory("/sys/class/rtc");
  EXPECT_EQ(*Single("rtc_present").value, 0);
  EXPECT_THAT(Measure("rtc_offset"), IsEmpty());
}

TEST_F(RtcCollector, ClockThatSetTheKernelsIsTheOne) {
  AddClock("rtc0", "1000000000\n", "0\n");
  AddClock("rtc1", "1494073325\n", "1\n");
  AddClock("rtc2", "1000000000\n", "0\n");
  EXPECT_EQ(*Single("rtc_offset").value, 5);
}

TEST_F(RtcCollector, WithoutSuchAClockItIsTheFirst) {
  AddClock("rtc1", "1000000000\n", "0\n");
  AddClock("rtc0", "1494073325\n", "0\n");
  AddClock("rtc2", "1000000000\n", "0\n");
  EXPECT_EQ(*Single("rtc_offset").value, 5);
}

TEST_F(RtcCollector, ClockInLocalTimeIsComparedAsUniversalTime) {
  LiveInKaliningrad();
  KeepLocalTime();
  AddClock("rtc0", "1494080523\n", "1\n");
  EXPECT_EQ(*Single("rtc_in_local_time_zone").value, 1);
  EXPECT_EQ(*Single("rtc_offset").value, 3);
  EXPECT_EQ(Single("rtc_offset").detail, "Sat 2017-05-06 14:22:03");
}

TEST_F(RtcCollector, ZoneDoesNotMatterToAClockInUniversalTime) {
  LiveInKaliningrad();
  AddClock("rtc0", "1494073323\n", "1\n");
  EXPECT_EQ(*Single("rtc_offset").value, 3);
  host_.root.Write("/etc/localtime", "not a zone");
  EXPECT_EQ(*Single("rtc_offset").value, 3);
}

TEST_F(RtcCollector, UnknownZoneMakesTheOffsetOfAClockInLocalTimeUnknown) {
  host_.root.Write("/etc/localtime", "not a zone");
  KeepLocalTime();
  AddClock("rtc0", "1494080523\n", "1\n");
  EXPECT_TRUE(absl::IsDataLoss(Single("rtc_offset").value.status()));
  EXPECT_EQ(Single("rtc_offset").detail, "Sat 2017-05-06 14:22:03");
  EXPECT_EQ(*Single("rtc_present").value, 1);
}

TEST_F(RtcCollector, UnknownAdjtimeMakesTheOffsetUnknown) {
  host_.root.Write("/etc/adjtime", "0.0 0 0.0\n0\nMARS\n");
  AddClock("rtc0", "1494073320\n", "1\n");
  EXPECT_TRUE(absl::IsDataLoss(Single("rtc_offset").value.status()));
  EXPECT_TRUE(
      absl::IsDataLoss(Single("rtc_in_local_time_zone").value.status()));
  EXPECT_EQ(*Single("rtc_present").value, 1);
}

TEST_F(RtcCollector, UnreadableAdjtimeIsUnknown) {
  host_.root.MakeDirectory("/etc/adjtime");
  EXPECT_TRUE(
      absl::IsDataLoss(Single("rtc_in_local_time_zone").value.status()));
}

TEST_F(RtcCollector, WithoutTheTimeTheOffsetIsUnknown) {
  host_.kernel.now = absl::UnavailableError("no time");
  AddClock("rtc0", "1494073320\n", "1\n");
  EXPECT_EQ(Single("rtc_offset").value.status(),
            absl::UnavailableError("no time"));
  EXPECT_EQ(*Single("rtc_present").value, 1);
}

TEST_F(RtcCollector, ClockThatShowsNoNumberIsUnknown) {
  for (const char* text : {"", "\n", "now\n", "14940.5\n"}) {
    AddClock("rtc0", text, "1\n");
    const absl::Status status = Single("rtc_offset").value.status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << text;
    EXPECT_THAT(status.message(), HasSubstr("/sys/class/rtc/rtc0/since_epoch"));
    EXPECT_EQ(*Single("rtc_present").value, 1);
  }
}

// As one whose battery is empty.
TEST_F(RtcCollector, ClockThatCannotBeReadIsThereAndItsTimeUnknown) {
  host_.root.Write("/sys/class/rtc/rtc0/hctosys", "1\n");
  EXPECT_TRUE(absl::IsUnavailable(Single("rtc_offset").value.status()));
  EXPECT_EQ(*Single("rtc_present").value, 1);
}

TEST_F(RtcCollector, ClocksThatCannotBeListedAreUnknown) {
  host_.root.Write("/sys/class/rtc", "no directory");
  EXPECT_FALSE(Single("rtc_present").value.ok());
  EXPECT_FALSE(Single("rtc_offset").value.ok());
}

TEST(MakeRtcCollector, RecommendsUniversalTime) {
  const auto collector = MakeRtcCollector();
  const Requirement& requirement =
      RequirementOf(*collector, "rtc_in_local_time_zone");
  EXPECT_FALSE(requirement.required.has_value());
  EXPECT_EQ(Judge(*requirement.recommended, 0.0), Verdict::kMet);
  EXPECT_EQ(Judge(*requirement.recommended, 1.0), Verdict::kUnmet);
  EXPECT_EQ(requirement.remedy, "timedatectl set-local-rtc 0");
}

TEST(MakeRtcCollector, IsRefreshedOffTheScrapePath) {
  const auto cadence = MakeRtcCollector()->cadence();
  ASSERT_TRUE(cadence.has_value());
  EXPECT_LT(cadence->every, cadence->allowance);
}

}  // namespace
}  // namespace mailcow
