#include "exporter/socket_search.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collectors/processes.h"

namespace mailcow {
namespace {

// Where cgroup v2 is mounted: alone, or beside v1 (systemd's hybrid layout).
constexpr absl::string_view kCgroupRoots[] = {"/sys/fs/cgroup",
                                              "/sys/fs/cgroup/unified"};

absl::StatusOr<std::string> CgroupRoot(const Files& files) {
  for (const absl::string_view root : kCgroupRoots) {
    const absl::StatusOr<bool> is_v2 =
        files.Exists(absl::StrCat(root, "/cgroup.controllers"));
    if (!is_v2.ok()) return is_v2.status();
    if (*is_v2) return std::string(root);
  }
  return absl::NotFoundError("no cgroup v2 is mounted at /sys/fs/cgroup");
}

// Adds the id of every cgroup at or below `path`: it is the inode number of the
// cgroup's directory.
void WalkCgroups(const Files& files, const std::string& root,
                 const std::string& path,
                 std::map<uint64_t, std::string>& found) {
  const absl::StatusOr<FileDescriptor> directory =
      files.Open(absl::StrCat(root, path), O_PATH | O_DIRECTORY);
  struct stat status;
  if (!directory.ok() || fstat(directory->get(), &status) != 0) return;
  found[status.st_ino] = path.empty() ? "/" : path;
  const auto names = files.ListDirectories(absl::StrCat(root, path));
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    WalkCgroups(files, root, absl::StrCat(path, "/", name), found);
  }
}

// A walk through processes for the sockets that are wanted.
struct Walk {
  std::map<std::string, uint64_t> wanted;  // inodes, by their link's target
  std::map<uint64_t, Sighting> found;
  bool was_denied_list = false;
  bool was_denied_link = false;
};

void LookInto(const Files& files, const std::string& pid, Walk& walk) {
  const auto links = files.ReadLinks(absl::StrCat("/proc/", pid, "/fd"));
  walk.was_denied_list |= absl::IsPermissionDenied(links.status());
  if (!links.ok()) return;
  for (const auto& [fd, target] : *links) {
    walk.was_denied_link |= absl::IsPermissionDenied(target.status());
    const auto wanted = walk.wanted.find(target.value_or(""));
    if (wanted == walk.wanted.end()) continue;
    walk.found[wanted->second] = {pid, fd};
    walk.wanted.erase(wanted);
  }
}

void LookInto(const Files& files, const std::vector<std::string>& pids,
              Walk& walk) {
  for (const std::string& pid : pids) {
    if (walk.wanted.empty()) return;
    LookInto(files, pid, walk);
  }
}

absl::Status NotFound(uint64_t inode, const Walk& walk) {
  if (walk.was_denied_list) {
    return absl::PermissionDeniedError(
        "reading /proc/*/fd of other users takes the capabilities "
        "CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE");
  }
  if (walk.was_denied_link) {
    return absl::PermissionDeniedError(
        "following /proc/*/fd/* of other processes takes the capability "
        "CAP_SYS_PTRACE");
  }
  return absl::NotFoundError(
      absl::StrCat("no process in /proc holds socket ", inode));
}

// The processes of a cgroup are few; those of the machine are not.
std::vector<std::string> ProcessesOf(const Files& files,
                                     const std::string& cgroup) {
  const absl::StatusOr<std::string> root = CgroupRoot(files);
  if (!root.ok() || cgroup == "/") return {};
  return absl::StrSplit(
      files.Read(absl::StrCat(*root, cgroup, "/cgroup.procs")).value_or(""),
      '\n', absl::SkipEmpty());
}

std::vector<std::string> AllProcesses(const Files& files, Walk& walk) {
  const absl::StatusOr<Processes> processes = ListProcesses(files);
  walk.was_denied_list |= !processes.ok() || processes->hides_others;
  return processes.ok() ? processes->pids : std::vector<std::string>();
}

}  // namespace

absl::StatusOr<std::map<uint64_t, std::string>> FindCgroups(
    const Files& files) {
  const absl::StatusOr<std::string> root = CgroupRoot(files);
  if (!root.ok()) return root.status();
  std::map<uint64_t, std::string> cgroups;
  WalkCgroups(files, *root, "", cgroups);
  return cgroups;
}

std::string LinkTo(uint64_t inode) {
  return absl::StrCat("socket:[", inode, "]");
}

std::map<uint64_t, absl::StatusOr<Sighting>> FindSockets(
    const Files& files, const std::set<uint64_t>& inodes,
    const std::set<std::string>& cgroups) {
  Walk walk;
  for (const uint64_t inode : inodes) walk.wanted[LinkTo(inode)] = inode;
  for (const std::string& cgroup : cgroups) {
    LookInto(files, ProcessesOf(files, cgroup), walk);
  }
  // A new socket is most likely that of a new process, which comes first.
  if (!walk.wanted.empty()) LookInto(files, AllProcesses(files, walk), walk);
  std::map<uint64_t, absl::StatusOr<Sighting>> answers;
  for (const auto& [inode, sighting] : walk.found) {
    answers.emplace(inode, sighting);
  }
  for (const auto& [target, inode] : walk.wanted) {
    answers.emplace(inode, NotFound(inode, walk));
  }
  return answers;
}

}  // namespace mailcow
