// What the clocks of a place show, and how that is written.

#ifndef COLLECTORS_LOCAL_TIME_H_
#define COLLECTORS_LOCAL_TIME_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace mailcow {

// What the clocks of a zone show at a time.
struct LocalTimeType {
  int64_t utc_offset_seconds = 0;  // east of Greenwich is positive
  bool is_dst = false;
  std::string abbreviation;  // "CEST"
};

// "Sun 2017-03-26 01:59:59 CET", as timedatectl has it; without a zone where
// the type has no name.
std::string FormatLocalTime(absl::Time time, const LocalTimeType& type);
std::string FormatUniversalTime(absl::Time time);

// "+0545"
std::string FormatUtcOffset(int64_t utc_offset_seconds);

}  // namespace mailcow

#endif  // COLLECTORS_LOCAL_TIME_H_
