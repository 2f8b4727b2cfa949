#include "exporter/time_block.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "collectors/local_time.h"
#include "exporter/human.h"

namespace mailcow {
namespace {

// The row that is said to be there; null where it is not.
const Row* Find(const std::vector<Row>& rows, absl::string_view id) {
  const auto row = std::find_if(rows.begin(), rows.end(), [id](const Row& r) {
    return r.requirement().id == id;
  });
  return row == rows.end() ? nullptr : &*row;
}

bool IsKnown(const Row* row) {
  return row != nullptr && row->reading().value.ok();
}

// What the clocks of the host's zone show, and by how much.
LocalTimeType ZoneOf(const Row& offset) {
  return {.utc_offset_seconds = std::llround(*offset.reading().value),
          .abbreviation = offset.reading().detail};
}

std::string LocalTime(const std::vector<Row>& rows, const Row& time) {
  const Row* offset = Find(rows, "time_zone_offset");
  if (!IsKnown(offset)) return "?";
  return FormatLocalTime(
      absl::UnixEpoch() + absl::Seconds(*time.reading().value),
      ZoneOf(*offset));
}

std::string ZoneLine(const std::vector<Row>& rows, const Row& info) {
  const std::string& zone = info.reading().labels.front().second;
  const Row* offset = Find(rows, "time_zone_offset");
  if (!IsKnown(offset)) return zone;
  const LocalTimeType type = ZoneOf(*offset);
  return absl::StrCat(zone, " (", type.abbreviation, ", ",
                      FormatUtcOffset(type.utc_offset_seconds), ")");
}

std::string Detail(const std::vector<Row>&, const Row& row) {
  return row.reading().detail;
}

std::string Value(const std::vector<Row>&, const Row& row) {
  return HumanValue(row);
}

// The time that the chip shows, and how far it is off if it is.
std::string RtcTime(const std::vector<Row>&, const Row& offset) {
  const std::string& shown = offset.reading().detail;
  if (*offset.reading().value == 0) return shown;
  return absl::StrCat(shown, " (", HumanValue(offset), ")");
}

struct Title {
  absl::string_view title;
  absl::string_view id;
  std::string (*text)(const std::vector<Row>& rows, const Row& row);
};

constexpr Title kTitles[] = {
    {"Local time", "time", LocalTime},
    {"Universal time", "time", Detail},
    {"RTC time", "rtc_offset", RtcTime},
    {"Time zone", "time_zone_info", ZoneLine},
    {"NTP enabled", "ntp_enabled", Value},
    {"NTP synchronized", "ntp_synchronized", Value},
    {"RTC in local TZ", "rtc_in_local_time_zone", Value},
    {"DST active", "dst_active", Value},
    {"Last DST change", "dst_last_change", Detail},
    {"Next DST change", "dst_next_change", Detail},
};

}  // namespace

std::vector<TimeLine> TimeBlock(const std::vector<Row>& rows) {
  std::vector<TimeLine> lines;
  for (const Title& title : kTitles) {
    const Row* row = Find(rows, title.id);
    if (row == nullptr) continue;
    lines.push_back({.title = std::string(title.title),
                     .text = IsKnown(row) ? title.text(rows, *row) : "?",
                     .row = row});
  }
  return lines;
}

bool IsInTimeBlock(const Row& row) {
  const absl::string_view id = row.requirement().id;
  return id == "time_zone_offset" ||
         std::any_of(std::begin(kTitles), std::end(kTitles),
                     [id](const Title& title) { return title.id == id; });
}

}  // namespace mailcow
