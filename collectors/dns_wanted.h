// The host and the domains whose records are asked for.

#ifndef COLLECTORS_DNS_WANTED_H_
#define COLLECTORS_DNS_WANTED_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/dns_record.h"
#include "collectors/host.h"
#include "collectors/ip_address.h"

namespace mailcow {

// What the administrator sets of it.
struct DnsSettings {
  // Of the mail host; where empty, MAILCOW_HOSTNAME of mailcow.conf.
  std::string hostname = "";
  // Those it takes mail for; where empty, the parent of its name, or its name
  // where the parent is a top level domain.
  std::vector<std::string> domains = {};
  // Those it is reached at; where empty, the public ones of its interfaces that
  // it has for good.
  std::vector<std::string> public_addresses = {};
  // Zones of blocklists to look its addresses up in.
  std::vector<std::string> blocklists = {};
};

// A service that clients find by an SRV record: "_imaps._tcp".
struct DnsService {
  std::string name;
  uint16_t port = 0;

  bool operator==(const DnsService&) const = default;
};

// The host and its domains, all names absolute.
struct DnsWanted {
  std::string hostname;
  std::vector<std::string> domains;
  // Whether --dns.public-address names the addresses, all of them.
  bool is_given = false;
  // Of one family; an error says why none is known.
  absl::StatusOr<std::vector<IpAddress>> ipv4;
  absl::StatusOr<std::vector<IpAddress>> ipv6;
  // With the ports of mailcow.conf.
  absl::StatusOr<std::vector<DnsService>> services;
  std::vector<std::string> blocklists;

  const absl::StatusOr<std::vector<IpAddress>>& addresses(
      IpAddress::Family family) const {
    return family == IpAddress::Family::kIpv4 ? ipv4 : ipv6;
  }
};

// Absent where no hostname is known: DNS is of no interest then. An error where
// mailcow.conf cannot be read, or where a name in it is none.
absl::StatusOr<std::optional<DnsWanted>> ReadDnsWanted(
    const DnsSettings& settings, absl::string_view mailcow_directory,
    const Host& host);

}  // namespace mailcow

#endif  // COLLECTORS_DNS_WANTED_H_
