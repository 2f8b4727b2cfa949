#include "exporter/dns_resolver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace mailcow {

absl::StatusOr<NameServer> ParseDnsResolver(absl::string_view text) {
  const auto whole = ParseIpAddress(text);
  if (whole.ok()) return NameServer{.address = *whole};
  const size_t colon = text.rfind(':');
  if (colon != absl::string_view::npos) {
    const absl::string_view host = text.substr(0, colon);
    const absl::string_view digits = text.substr(colon + 1);
    const auto address = ParseIpAddress(host);
    uint32_t port = 0;
    // Without brackets the port of an IPv6 address could be a part of it.
    if (address.ok() &&
        (host[0] == '[' || host.find(':') == absl::string_view::npos) &&
        std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
        absl::SimpleAtoi(digits, &port) && port > 0 && port <= 0xffff) {
      return NameServer{.address = *address,
                        .port = static_cast<uint16_t>(port)};
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not ADDRESS, IPV4:PORT or [IPV6]:PORT"));
}

bool IsOnLoopback(const NameServer& resolver) {
  const IpAddress& address = resolver.address;
  if (address.family == IpAddress::Family::kIpv4) {
    return address.bytes[0] == 127;
  }
  IpAddress loopback = {.family = IpAddress::Family::kIpv6};
  loopback.bytes.back() = 1;
  return address == loopback;
}

std::vector<NamedResolver> NameResolvers(
    const std::vector<std::string>& resolvers,
    const std::vector<std::string>& trusted) {
  std::vector<NamedResolver> named;
  for (const std::string& text : resolvers) {
    NamedResolver next = {.name = text, .resolver = ParseDnsResolver(text)};
    if (!next.resolver.ok()) {
      next.resolver = absl::UnavailableError(next.resolver.status().message());
    } else {
      next.name = ToString(next.resolver->address, next.resolver->port);
      next.is_trusted =
          IsOnLoopback(*next.resolver) ||
          std::any_of(trusted.begin(), trusted.end(), [&](const auto& other) {
            const auto resolver = ParseDnsResolver(other);
            return resolver.ok() && *resolver == *next.resolver;
          });
    }
    // Nobody is asked twice.
    if (std::find(named.begin(), named.end(), next) == named.end()) {
      named.push_back(std::move(next));
    }
  }
  return named;
}

}  // namespace mailcow
