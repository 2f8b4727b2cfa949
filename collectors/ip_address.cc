#include "collectors/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mailcow {

IpAddress FromBytes(IpAddress::Family family, const void* bytes) {
  constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0,    0,
                                                     0, 0, 0, 0, 0xff, 0xff};
  IpAddress address;
  if (family == IpAddress::Family::kIpv4) {
    std::memcpy(address.bytes.data(), bytes, 4);
    return address;
  }
  std::memcpy(address.bytes.data(), bytes, 16);
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(),
                 address.bytes.begin())) {
    return FromBytes(IpAddress::Family::kIpv4, address.bytes.data() + 12);
  }
  address.family = IpAddress::Family::kIpv6;
  return address;
}

absl::StatusOr<IpAddress> ParseIpAddress(absl::string_view text) {
  std::array<uint8_t, 16> bytes;
  if (absl::ConsumePrefix(&text, "[") && !absl::ConsumeSuffix(&text, "]")) {
    return absl::InvalidArgumentError("an address lacks its closing bracket");
  }
  // inet_pton reads a C string: what follows a NUL would go unread.
  const std::string address(text);
  if (address.find('\0') == std::string::npos) {
    if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
      return FromBytes(IpAddress::Family::kIpv4, bytes.data());
    }
    if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) {
      return FromBytes(IpAddress::Family::kIpv6, bytes.data());
    }
  }
  return absl::InvalidArgumentError("not an IP address");
}

std::string ToString(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text;
  const int family =
      address.family == IpAddress::Family::kIpv4 ? AF_INET : AF_INET6;
  return inet_ntop(family, address.bytes.data(), text.data(), text.size());
}

std::string ToString(const IpAddress& address, uint16_t port) {
  if (address.family == IpAddress::Family::kIpv4) {
    return absl::StrCat(ToString(address), ":", port);
  }
  return absl::StrCat("[", ToString(address), "]:", port);
}

}  // namespace mailcow
