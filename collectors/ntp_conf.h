// The configuration of the daemons that are called ntpd: ntp.conf(5), in which
// NTPsec's resembles the one of old, and OpenNTPD's ntpd.conf(5).

#ifndef COLLECTORS_NTP_CONF_H_
#define COLLECTORS_NTP_CONF_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"
#include "collectors/time_sources.h"

namespace mailcow {

// Adds what a file says. Returns the files that it includes.
std::vector<std::string> AddNtpConf(absl::string_view text,
                                    TimeSources& sources);

// None where the daemon has no configuration.
absl::StatusOr<TimeSources> ReadNtpSources(const Files& files);
absl::StatusOr<TimeSources> ReadNtpsecSources(const Files& files);
absl::StatusOr<TimeSources> ReadOpenntpdSources(const Files& files);

}  // namespace mailcow

#endif  // COLLECTORS_NTP_CONF_H_
