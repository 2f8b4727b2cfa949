// The topic ntp: whether a time daemon is on and has servers to ask, and how
// far the clock is off by what those servers say.

#ifndef COLLECTORS_NTP_H_
#define COLLECTORS_NTP_H_

#include <memory>

#include "collectors/collector.h"
#include "collectors/ntp_facts.h"

namespace mailcow {

// Asks systemd and time servers, so the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeNtpCollector(NtpSettings settings);

}  // namespace mailcow

#endif  // COLLECTORS_NTP_H_
