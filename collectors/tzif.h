// The files of /usr/share/zoneinfo (RFC 8536, tzfile(5)): when the clocks of a
// zone change.

#ifndef COLLECTORS_TZIF_H_
#define COLLECTORS_TZIF_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/posix_tz.h"

namespace mailcow {

struct ZoneData {
  LocalTimeType first;                  // before all transitions
  std::vector<Transition> transitions;  // in order
  std::optional<PosixTz> rule;          // for the time after them
};

// DataLoss for what is no such file, or a part of one; Unimplemented for a zone
// that counts leap seconds.
absl::StatusOr<ZoneData> ParseTzif(absl::string_view bytes);

// A change to or from daylight saving time, at seconds since the Unix epoch.
struct DstChange {
  int64_t at = 0;
  LocalTimeType from;
  LocalTimeType to;
};

struct ZoneState {
  LocalTimeType type;
  // Absent where there was, or will be, no change.
  std::optional<DstChange> last_change;
  std::optional<DstChange> next_change;
};

// What holds at `now`, in seconds since the Unix epoch.
ZoneState StateAt(const ZoneData& zone, int64_t now);

}  // namespace mailcow

#endif  // COLLECTORS_TZIF_H_
