// Which servers the host's time daemons are told to ask.

#ifndef COLLECTORS_DAEMON_SOURCES_H_
#define COLLECTORS_DAEMON_SOURCES_H_

#include "absl/status/statusor.h"
#include "collectors/files.h"
#include "collectors/time_daemon.h"
#include "collectors/time_sources.h"

namespace mailcow {

// Those of the daemons that are on; where none is, of all that are installed;
// where even that is not known, of all whose configuration is there.
absl::StatusOr<TimeSources> ReadSourcesOf(const TimeDaemonsFound& found,
                                          const Files& files);

}  // namespace mailcow

#endif  // COLLECTORS_DAEMON_SOURCES_H_
