#include "collectors/ntp_conf.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mailcow {
namespace {

using Line = std::vector<absl::string_view>;

// "server -4 HOST iburst": the first word behind the directive that is none of
// the words for an address family.
absl::string_view HostOf(const Line& line) {
  for (size_t i = 1; i < line.size(); ++i) {
    const absl::string_view word = line[i];
    const bool is_family =
        word == "-4" || word == "-6" || word == "ipv4" || word == "ipv6";
    if (!is_family) return word;
  }
  return "";
}

// ntpd calls its drivers by addresses of this network. The first is no source
// of time, but the clock of the host itself.
constexpr absl::string_view kDrivers = "127.127.";
constexpr absl::string_view kOwnClock = "127.127.1.";

void AddLine(const Line& line, TimeSources& sources) {
  const absl::string_view directive = line[0];
  if (directive == "refclock" || directive == "sensor") {
    const bool is_own_clock = line.size() > 1 && line[1] == "local";
    if (!is_own_clock) ++sources.reference_clocks;
    return;
  }
  if (directive != "server" && directive != "servers" && directive != "pool" &&
      directive != "peer") {
    return;
  }
  const absl::string_view host = HostOf(line);
  if (!absl::StartsWith(host, kDrivers)) {
    sources.AddServer(host);
  } else if (!absl::StartsWith(host, kOwnClock)) {
    ++sources.reference_clocks;
  }
}

// The first of `paths` that is there, and all of `directory`.
absl::StatusOr<TimeSources> ReadSources(
    const Files& files, const std::vector<absl::string_view>& paths,
    absl::string_view directory = "") {
  TimeSources sources;
  for (const absl::string_view path : paths) {
    const absl::StatusOr<std::string> text = files.Read(path);
    if (absl::IsNotFound(text.status())) continue;
    if (!text.ok()) return text.status();
    AddNtpConf(*text, sources);
    break;
  }
  if (directory.empty()) return sources;
  auto names = files.List(directory);
  if (absl::IsNotFound(names.status())) return sources;
  if (!names.ok()) return names.status();
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    if (!absl::EndsWith(name, ".conf")) continue;
    const auto text = files.Read(absl::StrCat(directory, "/", name));
    if (!text.ok()) return text.status();
    AddNtpConf(*text, sources);
  }
  return sources;
}

}  // namespace

void AddNtpConf(absl::string_view text, TimeSources& sources) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const Line words =
        absl::StrSplit(line.substr(0, line.find('#')), absl::ByAnyChar(" \t\r"),
                       absl::SkipEmpty());
    if (!words.empty()) AddLine(words, sources);
  }
}

// Debian's scripts for DHCP write a copy that is used instead.
absl::StatusOr<TimeSources> ReadNtpSources(const Files& files) {
  return ReadSources(files, {"/run/ntp.conf.dhcp", "/etc/ntp.conf"});
}

absl::StatusOr<TimeSources> ReadNtpsecSources(const Files& files) {
  return ReadSources(
      files,
      {"/run/ntpsec/ntp.conf.dhcp", "/etc/ntpsec/ntp.conf", "/etc/ntp.conf"},
      "/etc/ntpsec/ntp.d");
}

// Debian's place, and that of Alpine.
absl::StatusOr<TimeSources> ReadOpenntpdSources(const Files& files) {
  return ReadSources(files, {"/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"});
}

}  // namespace mailcow
