// The topic dns: whether the world finds this mail host, and believes it.

#ifndef COLLECTORS_DNS_H_
#define COLLECTORS_DNS_H_

#include <memory>
#include <string>

#include "collectors/collector.h"
#include "collectors/dns_wanted.h"

namespace mailcow {

// Asks resolvers, so the topic is refreshed off the scrape path. It has no
// findings where no hostname is known. `mailcow_directory` is where
// mailcow.conf lies.
std::unique_ptr<Collector> MakeDnsCollector(DnsSettings settings,
                                            std::string mailcow_directory);

}  // namespace mailcow

#endif  // COLLECTORS_DNS_H_
