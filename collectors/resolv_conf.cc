#include "collectors/resolv_conf.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

// "192.0.2.1", "fe80::1%eth0".
std::optional<NameServer> ParseServer(absl::string_view text) {
  const size_t percent = std::min(text.find('%'), text.size());
  const absl::string_view scope = text.substr(percent);
  // In brackets it is of other programs.
  if (absl::StartsWith(text, "[")) return std::nullopt;
  const absl::StatusOr<IpAddress> address =
      ParseIpAddress(text.substr(0, percent));
  if (!address.ok()) return std::nullopt;
  const bool is_scope =
      std::all_of(scope.begin(), scope.end(), absl::ascii_isgraph) &&
      !absl::StrContains(scope, ']');
  const bool has_scope =
      scope.size() > 1 && address->family == IpAddress::Family::kIpv6;
  if (!scope.empty() && (!has_scope || !is_scope)) return std::nullopt;
  return NameServer{.address = *address,
                    .scope = std::string(absl::StripPrefix(scope, "%"))};
}

}  // namespace

std::vector<NameServer> ParseResolvConf(absl::string_view text) {
  constexpr size_t kMost = 3;
  std::vector<NameServer> servers;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    // Comments, too, are lines that do not begin so.
    if (!absl::ConsumePrefix(&line, "nameserver")) continue;
    if (!absl::StartsWith(line, " ") && !absl::StartsWith(line, "\t")) continue;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.empty()) continue;
    std::optional<NameServer> server = ParseServer(words.front());
    if (server.has_value() && servers.size() < kMost) {
      servers.push_back(*std::move(server));
    }
  }
  if (servers.empty()) {
    constexpr uint8_t kLoopback[] = {127, 0, 0, 1};
    servers.push_back(
        {.address = FromBytes(IpAddress::Family::kIpv4, kLoopback)});
  }
  return servers;
}

std::string ToString(const NameServer& server) {
  if (server.scope.empty()) return ToString(server.address, server.port);
  return absl::StrCat("[", ToString(server.address), "%", server.scope,
                      "]:", server.port);
}

}  // namespace mailcow
