// A resolver as it is named: "192.0.2.1", "192.0.2.1:5353", "[::1]:53".

#ifndef EXPORTER_DNS_RESOLVER_H_
#define EXPORTER_DNS_RESOLVER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/resolv_conf.h"

namespace mailcow {

// InvalidArgument. A link-local address with its interface (fe80::1%eth0) is
// none that c-ares could ask.
absl::StatusOr<NameServer> ParseDnsResolver(absl::string_view text);

// Whether nobody stands between this host and it.
bool IsOnLoopback(const NameServer& resolver);

// One that is asked.
struct NamedResolver {
  std::string name;  // "192.0.2.1:53", or as it was given where it is wrong
  absl::StatusOr<NameServer> resolver;  // Unavailable where it is wrong
  // Whether it is believed that DNSSEC proves what it says.
  bool is_trusted = false;

  bool operator==(const NamedResolver&) const = default;
};

// Trusted are those on loopback and those that `trusted` names.
std::vector<NamedResolver> NameResolvers(
    const std::vector<std::string>& resolvers,
    const std::vector<std::string>& trusted);

}  // namespace mailcow

#endif  // EXPORTER_DNS_RESOLVER_H_
