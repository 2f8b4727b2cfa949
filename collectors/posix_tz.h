// The rule that ends a TZif file and holds for all times after those it lists:
// "CET-1CEST,M3.5.0,M10.5.0/3". Its form is that of POSIX's variable TZ, with
// the extensions of RFC 8536, section 3.3.1.

#ifndef COLLECTORS_POSIX_TZ_H_
#define COLLECTORS_POSIX_TZ_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/local_time.h"

namespace mailcow {

// From `at`, in seconds since the Unix epoch, clocks show `type`.
struct Transition {
  int64_t at = 0;
  LocalTimeType type;
};

// A day of every year, and a time of that day.
struct RuleDate {
  enum class Kind {
    kJulianDay,      // 1 to 365: February 29 is never counted
    kZeroBasedDay,   // 0 to 365: February 29 is counted
    kWeekdayOfMonth  // the weekday's first to fourth in the month, or 5: last
  };
  Kind kind = Kind::kJulianDay;
  int day = 0;
  int month = 0;
  int week = 0;
  int weekday = 0;                      // 0 is Sunday
  int64_t seconds = int64_t{2} * 3600;  // from midnight; may lie in another day
};

struct PosixTz {
  struct Daylight {
    LocalTimeType type;
    RuleDate begin;  // in standard time
    RuleDate end;    // in daylight saving time
  };
  LocalTimeType standard;
  std::optional<Daylight> daylight;
};

// DataLoss.
absl::StatusOr<PosixTz> ParsePosixTz(absl::string_view text);

// When daylight saving time begins and ends in that year, in order; none in a
// zone without it.
std::vector<Transition> TransitionsIn(const PosixTz& rule, int64_t year);

}  // namespace mailcow

#endif  // COLLECTORS_POSIX_TZ_H_
