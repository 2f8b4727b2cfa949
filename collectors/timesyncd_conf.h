// The configuration of systemd-timesyncd: timesyncd.conf(5) and its drop-ins.

#ifndef COLLECTORS_TIMESYNCD_CONF_H_
#define COLLECTORS_TIMESYNCD_CONF_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"
#include "collectors/time_sources.h"

namespace mailcow {

// What the files say that were read so far, a later one after an earlier.
struct TimesyncdConf {
  std::vector<std::string> ntp;
  std::vector<std::string> fallback;
  bool has_fallback = false;  // even if that takes back what there was
  // The last file that calls NTP= by its old name, Servers=, which systemd
  // still obeys and documents nowhere; empty where none does.
  std::string outdated_file;
};

// Adds what the file named `path` says.
void AddTimesyncdConf(absl::string_view text, absl::string_view path,
                      TimesyncdConf& conf);

// NTP= and what the network told systemd-networkd; where that is nothing,
// FallbackNTP=.
absl::StatusOr<TimeSources> ReadTimesyncdSources(const Files& files);

}  // namespace mailcow

#endif  // COLLECTORS_TIMESYNCD_CONF_H_
