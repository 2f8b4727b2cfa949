// The configuration of chronyd: chrony.conf(5) and the files that it includes.

#ifndef COLLECTORS_CHRONY_CONF_H_
#define COLLECTORS_CHRONY_CONF_H_

#include "absl/status/statusor.h"
#include "collectors/files.h"
#include "collectors/time_sources.h"

namespace mailcow {

// None where there is no chrony.conf. DataLoss for files that include each
// other.
absl::StatusOr<TimeSources> ReadChronySources(const Files& files);

}  // namespace mailcow

#endif  // COLLECTORS_CHRONY_CONF_H_
