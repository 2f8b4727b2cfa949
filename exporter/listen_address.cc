#include "exporter/listen_address.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "collectors/ip_address.h"

namespace mailcow {

absl::Status CheckListenAddress(absl::string_view address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos ||
      address.find_first_not_of("0123456789", colon + 1) !=
          absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is not ADDRESS:PORT"));
  }
  const absl::string_view host = address.substr(0, colon);
  const absl::StatusOr<IpAddress> ip = ParseIpAddress(host);
  // The brackets tell the port from the rest of an IPv6 address.
  const bool is_ipv6 = absl::StrContains(host, ':');
  if (!host.empty() && (!ip.ok() || is_ipv6 != absl::StartsWith(host, "["))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", address, "\" names no IP address; IPv6 goes in brackets"));
  }
  return absl::OkStatus();
}

bool IsLoopback(absl::string_view address) {
  const absl::StatusOr<IpAddress> ip =
      ParseIpAddress(address.substr(0, address.rfind(':')));
  if (!ip.ok()) return false;
  return ip->family == IpAddress::Family::kIpv4 ? ip->bytes[0] == 127
                                                : *ip == *ParseIpAddress("::1");
}

}  // namespace mailcow
