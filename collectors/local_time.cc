#include "collectors/local_time.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mailcow {

std::string FormatLocalTime(absl::Time time, const LocalTimeType& type) {
  // Shifted, so that no time zone needs to be loaded.
  const absl::Time shown = time + absl::Seconds(type.utc_offset_seconds);
  return absl::StrCat(
      absl::FormatTime("%a %Y-%m-%d %H:%M:%S", shown, absl::UTCTimeZone()),
      type.abbreviation.empty() ? "" : " ", type.abbreviation);
}

std::string FormatUniversalTime(absl::Time time) {
  return FormatLocalTime(time, {.abbreviation = "UTC"});
}

std::string FormatUtcOffset(int64_t utc_offset_seconds) {
  const int64_t minutes = std::abs(utc_offset_seconds) / 60;
  return absl::StrFormat("%s%02d%02d", utc_offset_seconds < 0 ? "-" : "+",
                         minutes / 60, minutes % 60);
}

}  // namespace mailcow
