#include "collectors/time_server.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

bool IsHost(absl::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '[' && c != ']' && c != '/';
  });
}

}  // namespace

absl::StatusOr<TimeServerName> ParseTimeServer(absl::string_view text) {
  absl::string_view host = text;
  absl::string_view port;
  const size_t colon = text.rfind(':');
  if (absl::ConsumePrefix(&host, "[")) {
    const size_t end = host.find(']');
    port = end == absl::string_view::npos ? "" : host.substr(end + 1);
    host = host.substr(0, end);
    if (!absl::ConsumePrefix(&port, ":") && !port.empty()) host = "";
  } else if (colon != absl::string_view::npos && text.find(':') == colon) {
    // An IPv6 address without brackets has more than one.
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) host = "";
  }
  uint32_t number = kNtpPort;
  const bool is_port = port.empty() || (absl::SimpleAtoi(port, &number) &&
                                        number > 0 && number <= 0xffff);
  if (!IsHost(host) || !is_port) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not HOST, HOST:PORT or [IPV6]:PORT"));
  }
  return TimeServerName{.host = std::string(host),
                        .port = static_cast<uint16_t>(number)};
}

std::string FormatTimeServer(const TimeServerName& server) {
  if (server.port == kNtpPort) return server.host;
  const bool is_ipv6 = server.host.find(':') != std::string::npos;
  return is_ipv6 ? absl::StrCat("[", server.host, "]:", server.port)
                 : absl::StrCat(server.host, ":", server.port);
}

}  // namespace mailcow
