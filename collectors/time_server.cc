#include "collectors/time_server.h"

#include <algorithm>

#include "absl/strings/ascii.h"
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

// Only an IPv6 address has more than one colon.
bool IsIpv6(absl::string_view host) {
  return std::count(host.begin(), host.end(), ':') > 1;
}

// Sets `port` where `text` is `prefix` and a number that one can have.
bool IsPort(absl::string_view text, absl::string_view prefix, uint32_t& port) {
  return absl::ConsumePrefix(&text, prefix) && !text.empty() &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(text, &port) && port > 0 && port <= 0xffff;
}

}  // namespace

absl::StatusOr<TimeServerName> ParseTimeServer(absl::string_view text) {
  absl::string_view host = text;
  uint32_t port = kNtpPort;
  bool is_valid = true;
  if (absl::ConsumePrefix(&host, "[")) {
    const size_t end = std::min(host.find(']'), host.size());
    const absl::string_view rest = host.substr(end);
    host = host.substr(0, end);
    is_valid = IsIpv6(host) && (rest == "]" || IsPort(rest, "]:", port));
  } else if (!IsIpv6(host)) {
    const size_t colon = std::min(host.find(':'), host.size());
    const absl::string_view rest = host.substr(colon);
    host = host.substr(0, colon);
    is_valid = rest.empty() || IsPort(rest, ":", port);
  }
  if (!IsHost(host) || !is_valid) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not HOST, HOST:PORT or [IPV6]:PORT"));
  }
  // Names of one host are one name.
  absl::ConsumeSuffix(&host, ".");
  return TimeServerName{.host = absl::AsciiStrToLower(host),
                        .port = static_cast<uint16_t>(port)};
}

std::string FormatTimeServer(const TimeServerName& server) {
  if (server.port == kNtpPort) return server.host;
  const bool is_ipv6 = server.host.find(':') != std::string::npos;
  return is_ipv6 ? absl::StrCat("[", server.host, "]:", server.port)
                 : absl::StrCat(server.host, ":", server.port);
}

}  // namespace mailcow
