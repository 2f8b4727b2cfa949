// An IPv4 or IPv6 address as a plain value.

#ifndef COLLECTORS_IP_ADDRESS_H_
#define COLLECTORS_IP_ADDRESS_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mailcow {

struct IpAddress {
  enum class Family { kIpv4, kIpv6 };

  Family family = Family::kIpv4;
  // In network order; IPv4 uses the first four, the rest are zero.
  std::array<uint8_t, 16> bytes = {};

  // 0.0.0.0 or [::].
  bool IsWildcard() const { return bytes == std::array<uint8_t, 16>{}; }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// Reads "192.0.2.1", "2001:db8::1" and "[2001:db8::1]". An IPv4 address
// mapped into IPv6 (::ffff:192.0.2.1) is that IPv4 address. InvalidArgument.
absl::StatusOr<IpAddress> ParseIpAddress(absl::string_view text);

// The same from the first 4 or 16 bytes at `bytes`, in network order.
IpAddress FromBytes(IpAddress::Family family, const void* bytes);

// "192.0.2.1", "2001:db8::1".
std::string ToString(const IpAddress& address);

// "192.0.2.1:25", "[2001:db8::1]:25".
std::string ToString(const IpAddress& address, uint16_t port);

}  // namespace mailcow

#endif  // COLLECTORS_IP_ADDRESS_H_
