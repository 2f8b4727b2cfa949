// The resolvers that a host asks: /etc/resolv.conf, as the C library reads it.

#ifndef COLLECTORS_RESOLV_CONF_H_
#define COLLECTORS_RESOLV_CONF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "collectors/ip_address.h"

namespace mailcow {

inline constexpr uint16_t kDnsPort = 53;

struct NameServer {
  IpAddress address;
  // The network interface of a link-local address: "eth0". Mostly empty.
  std::string scope = "";
  uint16_t port = kDnsPort;

  bool operator==(const NameServer&) const = default;
};

// At most the three that are asked. Like the C library, it skips what it cannot
// read, and takes 127.0.0.1 where nothing remains.
std::vector<NameServer> ParseResolvConf(absl::string_view text);

// "192.0.2.1:53", "[fe80::1%eth0]:53".
std::string ToString(const NameServer& server);

}  // namespace mailcow

#endif  // COLLECTORS_RESOLV_CONF_H_
