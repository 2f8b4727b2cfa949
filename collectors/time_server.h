// How a time server is named: "HOST", "HOST:PORT" or "[IPV6]:PORT".

#ifndef COLLECTORS_TIME_SERVER_H_
#define COLLECTORS_TIME_SERVER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mailcow {

inline constexpr uint16_t kNtpPort = 123;

struct TimeServerName {
  std::string host;  // a name or an address
  uint16_t port = kNtpPort;
};

// InvalidArgument.
absl::StatusOr<TimeServerName> ParseTimeServer(absl::string_view text);

// The inverse; without the port where it is NTP's.
std::string FormatTimeServer(const TimeServerName& server);

}  // namespace mailcow

#endif  // COLLECTORS_TIME_SERVER_H_
