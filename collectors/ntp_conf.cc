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

// Adds what one line says of servers.
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

// As many as ntpd follows.
constexpr int kMaxDepth = 5;

absl::Status AddFile(const Files& files, const std::string& path, int depth,
                     TimeSources& sources) {
  if (depth > kMaxDepth) {
    return absl::DataLossError(
        absl::StrCat(path, " is included by files that include each other"));
  }
  const absl::StatusOr<std::string> text = files.Read(path);
  if (!text.ok()) return text.status();
  for (const std::string& included : AddNtpConf(*text, sources)) {
    const bool is_absolute = absl::StartsWith(included, "/");
    const std::string directory = path.substr(0, path.rfind('/') + 1);
    absl::Status status =
        AddFile(files, is_absolute ? included : directory + included, depth + 1,
                sources);
    // ntpd complains of one that is not there, and goes on.
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

// The first of `paths` that is there, and all of `directory`.
absl::StatusOr<TimeSources> ReadSources(const Files& files,
                                        const std::vector<std::string>& paths,
                                        absl::string_view directory = "") {
  TimeSources sources;
  absl::Status status = absl::NotFoundError("");
  for (size_t i = 0; i < paths.size() && absl::IsNotFound(status); ++i) {
    status = AddFile(files, paths[i], 0, sources);
  }
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  if (directory.empty()) return sources;
  auto names = files.List(directory);
  if (absl::IsNotFound(names.status())) return sources;
  if (!names.ok()) return names.status();
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    if (!absl::EndsWith(name, ".conf")) continue;
    status = AddFile(files, absl::StrCat(directory, "/", name), 0, sources);
    if (!status.ok()) return status;
  }
  return sources;
}

}  // namespace

std::vector<std::string> AddNtpConf(absl::string_view text,
                                    TimeSources& sources) {
  std::vector<std::string> included;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const Line words =
        absl::StrSplit(line.substr(0, line.find('#')), absl::ByAnyChar(" \t\r"),
                       absl::SkipEmpty());
    if (words.empty()) continue;
    AddLine(words, sources);
    if (words[0] == "includefile" && words.size() > 1) {
      included.emplace_back(words[1]);
    }
  }
  return included;
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
