#include "collectors/disk.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace mailcow {
namespace {

constexpr absl::string_view kDaemonJson = "/etc/docker/daemon.json";
constexpr absl::string_view kDefaultDataRoot = "/var/lib/docker";

// `path` and every directory above it: "/a/b", "/a", "/".
std::vector<std::string> WithParents(std::string path) {
  std::vector<std::string> paths = {path};
  while (path != "/") {
    path.resize(std::max<size_t>(path.rfind('/'), 1));
    paths.push_back(path);
  }
  return paths;
}

// What each of `paths` says, asked together: one that hangs delays no other.
DiskFacts Observe(const Host& host,
                  const std::vector<std::string>& more_paths) {
  absl::StatusOr<std::string> json = host.files.Read(kDaemonJson);
  if (absl::IsNotFound(json.status())) json = "{}";
  const absl::StatusOr<std::string> root =
      json.ok() ? ParseDataRoot(*json) : json.status();
  const std::vector<std::string> roots =
      WithParents(root.value_or(std::string(kDefaultDataRoot)));
  std::vector<std::string> paths = roots;
  for (const std::string& path : more_paths) {
    const bool is_seen =
        path == roots.front() ||
        std::find(paths.begin() + static_cast<ptrdiff_t>(roots.size()),
                  paths.end(), path) != paths.end();
    if (!is_seen) paths.push_back(path);
  }
  const std::vector<absl::StatusOr<Filesystem>> filesystems =
      host.kernel.Statvfs(paths);
  // Docker makes its data root when it first starts: before, the filesystem
  // that will hold it is that of the nearest parent.
  size_t at = 0;
  while (at + 1 < roots.size() && absl::IsNotFound(filesystems[at].status())) {
    ++at;
  }
  DiskFacts facts;
  facts.paths.push_back({roots.front(), roots[root.ok() ? at : 0],
                         root.ok() ? filesystems[at] : root.status()});
  for (size_t i = roots.size(); i < paths.size(); ++i) {
    facts.paths.push_back({paths[i], paths[i], filesystems[i]});
  }
  return facts;
}

std::vector<Reading> Each(const DiskFacts& facts,
                          double (*number)(const Filesystem&)) {
  std::vector<Reading> readings;
  for (const WatchedPath& watched : facts.paths) {
    readings.push_back({.labels = {{"path", watched.path}},
                        .value = IfKnown(watched.filesystem, number)});
  }
  return readings;
}

std::vector<Reading> Size(const DiskFacts& facts) {
  std::vector<Reading> readings =
      Each(facts, [](const Filesystem& f) { return f.size_bytes; });
  for (size_t i = 0; i < readings.size(); ++i) {
    const WatchedPath& watched = facts.paths[i];
    if (watched.measured_at == watched.path) continue;
    readings[i].detail = absl::StrCat("of ", watched.measured_at, ": ",
                                      watched.path, " does not exist yet");
  }
  return readings;
}

std::vector<Reading> Writable(const DiskFacts& facts) {
  std::vector<Reading> readings;
  for (const WatchedPath& watched : facts.paths) {
    const absl::StatusOr<bool> read_only = watched.filesystem.ok()
                                               ? watched.filesystem->read_only
                                               : watched.filesystem.status();
    readings.push_back(
        {.labels = {{"path", watched.path}},
         .value = AsNumber(IfKnown(read_only, std::logical_not<>()))});
  }
  return readings;
}

// Filesystems without a fixed number of inodes cannot run out of them.
std::vector<Reading> InodesAvailable(const DiskFacts& facts) {
  DiskFacts counting;
  for (const WatchedPath& watched : facts.paths) {
    if (!watched.filesystem.ok() || watched.filesystem->has_inodes) {
      counting.paths.push_back(watched);
    }
  }
  return Each(counting, [](const Filesystem& f) { return f.inodes_available; });
}

constexpr Rule<DiskFacts> kRules[] = {
    {{.id = "disk",
      .unit = Unit::kBytes,
      .required = AtLeast(5 * kGiB),
      .recommended = AtLeast(20 * kGiB),
      .what = "Size of the filesystem that holds the path",
      .remedy = "enlarge the filesystem, or move Docker's data root to a "
                "larger one (data-root in /etc/docker/daemon.json)",
      .source = "statvfs(3)"},
     Size},
    {{.id = "disk_available",
      .unit = Unit::kBytes,
      .what = "Free space for unprivileged programs on the filesystem that "
              "holds the path",
      .source = "statvfs(3)"},
     [](const DiskFacts& facts) {
       return Each(facts,
                   [](const Filesystem& f) { return f.available_bytes; });
     }},
    {{.id = "disk_inodes_available",
      .unit = Unit::kCount,
      .what = "Free inodes of the filesystem that holds the path, where their "
              "number is fixed",
      .source = "statvfs(3)"},
     InodesAvailable},
    {{.id = "disk_writable",
      .required = Yes(),
      .what = "The filesystem that holds the path is not mounted read-only",
      .remedy = "find in the kernel's log (dmesg) why it turned read-only, "
                "check it with fsck, then mount it read-write",
      .source = "statvfs(3)"},
     Writable},
};

}  // namespace

absl::StatusOr<std::string> ParseDataRoot(absl::string_view daemon_json) {
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(daemon_json.begin(), daemon_json.end());
  } catch (const nlohmann::json::parse_error& error) {
    const absl::string_view read = daemon_json.substr(0, error.byte);
    return absl::DataLossError(
        absl::StrCat("line ", 1 + std::count(read.begin(), read.end(), '\n'),
                     " of ", kDaemonJson, " is not JSON"));
  } catch (const nlohmann::json::exception&) {
    return absl::DataLossError(
        absl::StrCat(kDaemonJson, " has a number out of range"));
  }
  if (!json.is_object()) {
    return absl::DataLossError(
        absl::StrCat(kDaemonJson, " is not a JSON object"));
  }
  const auto root = json.find("data-root");
  if (root == json.end()) return std::string(kDefaultDataRoot);
  const std::string path = root->is_string() ? root->get<std::string>() : "";
  if (!absl::StartsWith(path, "/") || absl::StrContains(path, '\0')) {
    return absl::DataLossError(
        absl::StrCat("data-root of ", kDaemonJson, " is not an absolute path"));
  }
  return path;
}

std::unique_ptr<Collector> MakeDiskCollector(
    std::vector<std::string> more_paths) {
  return std::make_unique<RuleCollector<DiskFacts>>(Topic<DiskFacts>{
      .name = "disk",
      .observe = [paths = std::move(more_paths)](
                     const Host& host) { return Observe(host, paths); },
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(15), .allowance = absl::Seconds(60)}});
}

}  // namespace mailcow
