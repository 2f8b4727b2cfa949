#include "collectors/time_zone.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// TZif files of version 2 that consist of one type and a rule, as `zic -b slim`
// writes them. `header` counts the types and the characters of their names.
std::string ZoneFile(absl::string_view type, absl::string_view name,
                     absl::string_view rule) {
  const std::string zeros(15, '\0');
  const auto number = [](size_t value) {
    return std::string(3, '\0') + static_cast<char>(value);
  };
  const std::string none = number(0);
  return absl::StrCat("TZif2", zeros, none, none, none, none, none, none,
                      "TZif2", zeros, none, none, none, none, number(1),
                      number(name.size() + 1), type, name, number(0).substr(3),
                      "\n", rule, "\n");
}

std::string Berlin() {
  return ZoneFile(absl::string_view("\0\0\x0e\x10\0\0", 6), "CET",
                  "CET-1CEST,M3.5.0,M10.5.0/3");
}
std::string Kathmandu() {
  return ZoneFile(absl::string_view("\0\0\x50\xdc\0\0", 6), "+0545",
                  "<+0545>-5:45");
}

constexpr char kBerlin[] = "/usr/share/zoneinfo/Europe/Berlin";
constexpr char kLocaltime[] = "/etc/localtime";

// A host at 2017-05-06 12:22:00 UTC.
class TimeZoneCollector : public testing::Test {
 protected:
  TimeZoneCollector() { At(1494073320); }

  void At(int64_t seconds) {
    host_.kernel.now = absl::FromUnixSeconds(seconds);
  }
  void LiveInBerlin() {
    host_.root.Write(kBerlin, Berlin());
    host_.root.Link(kBerlin, kLocaltime);
  }
  std::vector<Reading> Measure(absl::string_view id) {
    return ReadingsOf(host_.CollectWith(*MakeTimeZoneCollector()), id);
  }
  Reading Single(absl::string_view id) {
    const std::vector<Reading> readings = Measure(id);
    EXPECT_THAT(readings, SizeIs(1)) << id;
    return readings.front();
  }
  std::string Zone() {
    const Reading info = Single("time_zone_info");
    EXPECT_EQ(*info.value, 1);
    EXPECT_THAT(info.labels, SizeIs(1));
    EXPECT_EQ(info.labels.front().first, "zone");
    return info.labels.front().second;
  }
  absl::Status Unnamed() { return Single("time_zone_info").value.status(); }
  absl::Status Unknown() {
    const absl::Status status = Single("time_zone_offset").value.status();
    for (const char* id :
         {"dst_active", "dst_last_change", "dst_next_change"}) {
      EXPECT_EQ(Single(id).value.status(), status) << id;
    }
    return status;
  }
  void ExpectUtc() {
    EXPECT_EQ(*Single("time_zone_offset").value, 0);
    EXPECT_EQ(Single("time_zone_offset").detail, "UTC");
    EXPECT_EQ(*Single("dst_active").value, 0);
    EXPECT_THAT(Measure("dst_last_change"), IsEmpty());
    EXPECT_THAT(Measure("dst_next_change"), IsEmpty());
  }

  FakeHost host_;
};

TEST_F(TimeZoneCollector, AbsoluteLinkNamesTheZone) {
  LiveInBerlin();
  EXPECT_EQ(Zone(), "Europe/Berlin");
  EXPECT_EQ(*Single("time_zone_offset").value, 7200);
}

TEST_F(TimeZoneCollector, RelativeLinkNamesTheZone) {
  host_.root.Write(kBerlin, Berlin());
  host_.root.Link("../usr/share/zoneinfo/Europe/Berlin", kLocaltime);
  EXPECT_EQ(Zone(), "Europe/Berlin");
  EXPECT_EQ(*Single("time_zone_offset").value, 7200);
}

TEST_F(TimeZoneCollector, NameMayHaveThreePartsOrOne) {
  for (const char* zone : {"America/Argentina/Salta", "Japan"}) {
    host_.root.Link(absl::StrCat("/usr/share/zoneinfo/", zone), kLocaltime);
    EXPECT_EQ(Zone(), zone);
    std::filesystem::remove(host_.root.At(kLocaltime));
  }
}

TEST_F(TimeZoneCollector, HostWithoutEtcLocaltimeIsAtUtc) {
  EXPECT_EQ(Zone(), "UTC");
  ExpectUtc();
}

TEST_F(TimeZoneCollector, WithoutEtcLocaltimeEtcTimezoneDoesNotMatter) {
  host_.root.Write("/etc/timezone", "Europe/Berlin\n");
  EXPECT_EQ(Zone(), "UTC");
  ExpectUtc();
}

TEST_F(TimeZoneCollector, LinkToAFileThatIsNotThereIsUnknownButNamed) {
  host_.root.Link("/usr/share/zoneinfo/Europe/Berlin", kLocaltime);
  EXPECT_EQ(Zone(), "Europe/Berlin");
  EXPECT_TRUE(absl::IsNotFound(Unknown()));
  EXPECT_THAT(Unknown().message(),
              AllOf(HasSubstr("/etc/localtime"), HasSubstr("Europe/Berlin")));
}

TEST_F(TimeZoneCollector, UtcNeedsNoFile) {
  for (const char* zone : {"UTC", "Etc/UTC"}) {
    host_.root.Link(absl::StrCat("../usr/share/zoneinfo/", zone), kLocaltime);
    EXPECT_EQ(Zone(), zone);
    ExpectUtc();
    std::filesystem::remove(host_.root.At(kLocaltime));
  }
}

TEST_F(TimeZoneCollector, OnlyTheWholeNameIsUtc) {
  for (const char* zone : {"Etc/NOTUTC", "Etc/GMT-1"}) {
    host_.root.Link(absl::StrCat("/usr/share/zoneinfo/", zone), kLocaltime);
    EXPECT_TRUE(absl::IsNotFound(Unknown())) << zone;
    std::filesystem::remove(host_.root.At(kLocaltime));
  }
}

// What a copy lacks, Debian's tzdata writes beside it.
TEST_F(TimeZoneCollector, CopyIsNamedByEtcTimezone) {
  host_.root.Write(kLocaltime, Berlin());
  host_.root.Write("/etc/timezone", "Europe/Berlin\n");
  EXPECT_EQ(Zone(), "Europe/Berlin");
  EXPECT_EQ(*Single("time_zone_offset").value, 7200);
}

// readlink(2) of what is no link and of nothing at all may look alike.
TEST_F(TimeZoneCollector, CopyWithoutEtcTimezoneIsNotUtcButUnnamed) {
  host_.root.Write(kLocaltime, Berlin());
  EXPECT_TRUE(absl::IsNotFound(Unnamed()));
  EXPECT_THAT(Unnamed().message(),
              AllOf(HasSubstr("/etc/localtime"), HasSubstr("/etc/timezone")));
  EXPECT_EQ(*Single("time_zone_offset").value, 7200);
}

TEST_F(TimeZoneCollector, EmptyEtcTimezoneNamesNoZone) {
  host_.root.Write(kLocaltime, Berlin());
  host_.root.Write("/etc/timezone", "\n");
  EXPECT_TRUE(absl::IsNotFound(Unnamed()));
}

TEST_F(TimeZoneCollector, UnreadableEtcTimezoneNamesNoZone) {
  host_.root.Write(kLocaltime, Berlin());
  host_.root.MakeDirectory("/etc/timezone");
  EXPECT_TRUE(absl::IsDataLoss(Unnamed()));
}

TEST_F(TimeZoneCollector, LinkElsewhereIsUnnamedButRead) {
  host_.root.Write("/etc/zones/home", Berlin());
  host_.root.Link("/etc/zones/home", kLocaltime);
  EXPECT_TRUE(absl::IsDataLoss(Unnamed()));
  EXPECT_THAT(Unnamed().message(), HasSubstr("/etc/zones/home"));
  EXPECT_EQ(*Single("time_zone_offset").value, 7200);
}

TEST_F(TimeZoneCollector, LinkToTheDirectoryOfZonesIsUnnamed) {
  host_.root.MakeDirectory("/usr/share/zoneinfo");
  host_.root.Link("/usr/share/zoneinfo/", kLocaltime);
  EXPECT_TRUE(absl::IsDataLoss(Unnamed()));
  EXPECT_TRUE(absl::IsDataLoss(Unknown()));
}

TEST_F(TimeZoneCollector, LinkElsewhereThatDanglesIsUnknown) {
  host_.root.Link("/nowhere", kLocaltime);
  EXPECT_TRUE(absl::IsDataLoss(Unnamed()));
  EXPECT_TRUE(absl::IsNotFound(Unknown()));
}

TEST_F(TimeZoneCollector, FileThatIsNoZoneIsUnknownButNamed) {
  host_.root.Write(kBerlin, "not a zone");
  host_.root.Link(kBerlin, kLocaltime);
  EXPECT_EQ(Zone(), "Europe/Berlin");
  EXPECT_TRUE(absl::IsDataLoss(Unknown()));
}

TEST_F(TimeZoneCollector, RootThatCannotBeLookedUpIsUnknown) {
  std::filesystem::remove_all(host_.root.At(""));
  EXPECT_TRUE(absl::IsUnavailable(Unnamed()));
  EXPECT_TRUE(absl::IsUnavailable(Unknown()));
}

TEST_F(TimeZoneCollector, WithoutTheTimeTheZoneIsStillNamed) {
  LiveInBerlin();
  host_.kernel.now = absl::UnavailableError("no time");
  EXPECT_EQ(Zone(), "Europe/Berlin");
  EXPECT_EQ(Unknown(), absl::UnavailableError("no time"));
}

TEST_F(TimeZoneCollector, InSummerDstIsActive) {
  LiveInBerlin();
  EXPECT_EQ(*Single("time_zone_offset").value, 7200);
  EXPECT_EQ(Single("time_zone_offset").detail, "CEST");
  EXPECT_EQ(*Single("dst_active").value, 1);
  const Reading last = Single("dst_last_change");
  EXPECT_EQ(*last.value, 1490490000);
  EXPECT_EQ(last.detail,
            "DST began at Sun 2017-03-26 01:59:59 CET, then "
            "Sun 2017-03-26 03:00:00 CEST");
  const Reading next = Single("dst_next_change");
  EXPECT_EQ(*next.value, 1509238800);
  EXPECT_EQ(next.detail,
            "DST ends (the clock jumps backwards) at "
            "Sun 2017-10-29 02:59:59 CEST, then Sun 2017-10-29 02:00:00 CET");
}

TEST_F(TimeZoneCollector, InWinterDstIsNotActive) {
  LiveInBerlin();
  At(1513339200);
  EXPECT_EQ(*Single("time_zone_offset").value, 3600);
  EXPECT_EQ(Single("time_zone_offset").detail, "CET");
  EXPECT_EQ(*Single("dst_active").value, 0);
  const Reading last = Single("dst_last_change");
  EXPECT_EQ(*last.value, 1509238800);
  EXPECT_EQ(last.detail,
            "DST ended at Sun 2017-10-29 02:59:59 CEST, then "
            "Sun 2017-10-29 02:00:00 CET");
  const Reading next = Single("dst_next_change");
  EXPECT_EQ(*next.value, 1521939600);
  EXPECT_EQ(next.detail,
            "DST begins (the clock jumps forward) at "
            "Sun 2018-03-25 01:59:59 CET, then Sun 2018-03-25 03:00:00 CEST");
}

TEST_F(TimeZoneCollector, ChangeIsTheLastOneFromItsVerySecond) {
  LiveInBerlin();
  At(1509238799);
  EXPECT_EQ(*Single("dst_active").value, 1);
  EXPECT_EQ(*Single("dst_next_change").value, 1509238800);
  At(1509238800);
  EXPECT_EQ(*Single("dst_active").value, 0);
  EXPECT_EQ(*Single("dst_last_change").value, 1509238800);
}

// Ireland's winter time is the exception: the clock is an hour behind then.
TEST_F(TimeZoneCollector, DstThatIsBehindBeginsWithAJumpBackwards) {
  host_.root.Write(kLocaltime,
                   ZoneFile(absl::string_view("\0\0\x0e\x10\0\0", 6), "IST",
                            "IST-1GMT0,M10.5.0,M3.5.0/1"));
  EXPECT_EQ(*Single("time_zone_offset").value, 3600);
  EXPECT_EQ(*Single("dst_active").value, 0);
  EXPECT_EQ(Single("dst_next_change").detail,
            "DST begins (the clock jumps backwards) at "
            "Sun 2017-10-29 01:59:59 IST, then Sun 2017-10-29 01:00:00 GMT");
}

TEST_F(TimeZoneCollector, ZoneWithoutDstHasNoChanges) {
  host_.root.Write("/usr/share/zoneinfo/Asia/Kathmandu", Kathmandu());
  host_.root.Link("/usr/share/zoneinfo/Asia/Kathmandu", kLocaltime);
  EXPECT_EQ(*Single("time_zone_offset").value, 20700);
  EXPECT_EQ(Single("time_zone_offset").detail, "+0545");
  EXPECT_EQ(*Single("dst_active").value, 0);
  EXPECT_THAT(Measure("dst_last_change"), IsEmpty());
  EXPECT_THAT(Measure("dst_next_change"), IsEmpty());
}

TEST_F(TimeZoneCollector, ZoneIsReadAnewEachTime) {
  LiveInBerlin();
  EXPECT_EQ(*Single("time_zone_offset").value, 7200);
  host_.root.Write(kBerlin, Kathmandu());
  EXPECT_EQ(*Single("time_zone_offset").value, 20700);
}

TEST(MakeTimeZoneCollector, StatesFactsWithoutALimit) {
  const auto collector = MakeTimeZoneCollector();
  for (const char* id : {"time_zone_info", "time_zone_offset", "dst_active",
                         "dst_last_change", "dst_next_change"}) {
    const Requirement& requirement = RequirementOf(*collector, id);
    EXPECT_FALSE(requirement.required.has_value()) << id;
    EXPECT_FALSE(requirement.recommended.has_value()) << id;
  }
}

TEST(MakeTimeZoneCollector, IsRefreshedOffTheScrapePath) {
  const auto cadence = MakeTimeZoneCollector()->cadence();
  ASSERT_TRUE(cadence.has_value());
  EXPECT_LT(cadence->every, cadence->allowance);
}

}  // namespace
}  // namespace mailcow
