// The command check: one survey, printed.

#ifndef EXPORTER_CHECK_H_
#define EXPORTER_CHECK_H_

#include "absl/time/time.h"
#include "collectors/host.h"
#include "exporter/options.h"
#include "exporter/sources.h"
#include "exporter/survey.h"

namespace mailcow {

// How long `check` waits for each of those who can be silent.
inline constexpr absl::Duration kCheckPatience = absl::Seconds(5);

// Prints what is known to stdout once all have answered, or have been silent
// for too long; on a terminal it says meanwhile whom it waits for. Returns the
// exit status; the process must then end, for topics may still be asked.
int Check(const Collectors& collectors, const Host& host,
          const Sources& sources, CheckFormat format);

}  // namespace mailcow

#endif  // EXPORTER_CHECK_H_
