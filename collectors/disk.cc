#include "collectors/disk.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "collectors/daemon_json.h"
#include "collectors/mailcow_conf.h"
#include "collectors/mailcow_project.h"

namespace mailcow {
namespace {

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

// Docker's data root, as its engine says; before that was ever asked, as the
// engine's configuration does.
absl::StatusOr<std::string> DataRoot(const Host& host,
                                     const DockerState& docker) {
  if (absl::StartsWith(docker.data_root, "/")) return docker.data_root;
  const absl::StatusOr<DaemonJson> daemon = ReadDaemonJson(host.files);
  if (!daemon.ok()) return daemon.status();
  return daemon->data_root.value_or(std::string(kDefaultDataRoot));
}

// Where mailcow keeps the mail; empty where it has no volume for it yet.
std::string MailDirectory(const Host& host, const DockerState& docker,
                          absl::string_view mailcow_directory) {
  const absl::StatusOr<std::string> project =
      ProjectOf(ReadMailcowConf(host.files, mailcow_directory));
  if (!project.ok()) return "";
  for (const Volume& volume : docker.volumes) {
    if (IsMailVolume(volume, *project)) return volume.directory;
  }
  return "";
}

// What each path says, asked together: one that hangs delays no other.
DiskFacts Observe(const Host& host, absl::string_view mailcow_directory,
                  std::vector<std::string> more_paths) {
  const DockerState docker = host.docker.Latest();
  const absl::StatusOr<std::string> root = DataRoot(host, docker);
  std::string mail = MailDirectory(host, docker, mailcow_directory);
  if (!mail.empty()) more_paths.insert(more_paths.begin(), std::move(mail));
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

std::unique_ptr<Collector> MakeDiskCollector(
    std::string mailcow_directory, std::vector<std::string> more_paths) {
  return std::make_unique<RuleCollector<DiskFacts>>(Topic<DiskFacts>{
      .name = "disk",
      .observe =
          [directory = std::move(mailcow_directory),
           paths = std::move(more_paths)](const Host& host) {
            return Observe(host, directory, paths);
          },
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(15), .allowance = absl::Seconds(60)}});
}

}  // namespace mailcow
