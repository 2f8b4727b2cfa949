#include "collectors/chrony_conf.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collectors/time_server.h"

namespace mailcow {
namespace {

// Debian's place, and that of Red Hat.
constexpr absl::string_view kPaths[] = {"/etc/chrony/chrony.conf",
                                        "/etc/chrony.conf"};

// As many as chronyd follows.
constexpr int kMaxDepth = 10;

using Line = std::vector<std::string>;

// The directives of a file, in words: the first is in lower case.
std::vector<Line> Directives(absl::string_view text) {
  std::vector<Line> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    Line words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    constexpr absl::string_view kComments = "!;#%";
    if (words.empty() || absl::StrContains(kComments, words[0][0])) continue;
    absl::AsciiStrToLower(&words[0]);
    lines.push_back(std::move(words));
  }
  return lines;
}

// "server HOST port 11123 iburst"
void AddServer(const Line& line, TimeSources& sources) {
  if (line.size() < 2) return;
  TimeServerName server{.host = line[1]};
  for (size_t i = 2; i + 1 < line.size(); ++i) {
    uint32_t port = 0;
    if (absl::EqualsIgnoreCase(line[i], "port") &&
        absl::SimpleAtoi(line[i + 1], &port) && port <= 0xffff) {
      server.port = static_cast<uint16_t>(port);
    }
  }
  sources.AddServer(FormatTimeServer(server));
}

// The files of directories that match a pattern, in the order of their names.
// One in an earlier directory hides those of its name in later ones.
absl::StatusOr<std::vector<std::string>> FilesIn(
    const Files& files, absl::Span<const std::string> directories,
    const std::string& pattern) {
  std::map<std::string, std::string> found;
  for (const std::string& directory : directories) {
    const auto names = files.List(directory);
    if (absl::IsNotFound(names.status())) continue;
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
      found.emplace(name, absl::StrCat(directory, "/", name));
    }
  }
  std::vector<std::string> paths;
  for (auto& [name, path] : found) paths.push_back(std::move(path));
  return paths;
}

// What a directive leads to: none for most.
absl::StatusOr<std::vector<std::string>> FilesOf(const Files& files,
                                                 const Line& line) {
  const absl::Span<const std::string> arguments =
      absl::MakeConstSpan(line).subspan(1);
  if (line[0] == "confdir") return FilesIn(files, arguments, "*.conf");
  if (line[0] == "sourcedir") return FilesIn(files, arguments, "*.sources");
  if (line[0] != "include" || arguments.empty()) {
    return std::vector<std::string>();
  }
  const std::string& path = arguments[0];
  const size_t slash = std::min(path.rfind('/'), path.size());
  if (path.substr(0, slash).find_first_of("*?[") != std::string::npos) {
    return absl::UnimplementedError(absl::StrCat("chrony.conf includes ", path,
                                                 ": a pattern of directories"));
  }
  return FilesIn(files, {path.substr(0, slash)},
                 path.substr(std::min(slash + 1, path.size())));
}

absl::Status AddFile(const Files& files, const std::string& path, int depth,
                     TimeSources& sources) {
  if (depth > kMaxDepth) {
    return absl::DataLossError(
        absl::StrCat(path, " is included by files that include each other"));
  }
  const absl::StatusOr<std::string> text = files.Read(path);
  if (!text.ok()) return text.status();
  for (const Line& line : Directives(*text)) {
    const std::string& directive = line[0];
    if (directive == "server" || directive == "pool" || directive == "peer") {
      AddServer(line, sources);
    } else if (directive == "refclock") {
      ++sources.reference_clocks;
    }
    const auto more = FilesOf(files, line);
    if (!more.ok()) return more.status();
    for (const std::string& file : *more) {
      absl::Status status = AddFile(files, file, depth + 1, sources);
      // Gone meanwhile, as DHCP's files come and go, or a link to nothing.
      if (!status.ok() && !absl::IsNotFound(status)) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TimeSources> ReadChronySources(const Files& files) {
  TimeSources sources;
  for (const absl::string_view path : kPaths) {
    const absl::Status status = AddFile(files, std::string(path), 0, sources);
    if (absl::IsNotFound(status)) continue;
    if (!status.ok()) return status;
    break;
  }
  return sources;
}

}  // namespace mailcow
