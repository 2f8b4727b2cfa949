// Whether resolvers answer, over UDP and over TCP, and how fast.

#ifndef EXPORTER_DNS_PROBE_H_
#define EXPORTER_DNS_PROBE_H_

#include <vector>

#include "absl/time/time.h"
#include "collectors/dns_record.h"
#include "collectors/host.h"
#include "exporter/dns_resolver.h"

namespace mailcow {

// Every resolver answers it, and nobody learns anything from it: the servers of
// the root.
DnsQuestion HarmlessQuestion();

// Asks all at once, with one deadline.
std::vector<DnsServer> ProbeResolvers(
    const std::vector<NamedResolver>& resolvers, absl::Duration deadline);

}  // namespace mailcow

#endif  // EXPORTER_DNS_PROBE_H_
