#include "exporter/socket_owner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mailcow {
namespace {

// Sockets and cgroups come and go; what is remembered of them is bounded.
constexpr size_t kMaxRemembered = 1024;

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

bool IsNumber(absl::string_view text) {
  return text.find_first_not_of("0123456789") == absl::string_view::npos;
}

}  // namespace

Owner SocketOwners::Find(const Listener& listener) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<std::string> cgroup = FindCgroup(listener.cgroup_id);
  absl::StatusOr<std::string> process =
      FindProcess(listener.inode, cgroup.value_or("/"));
  return {.process = std::move(process), .cgroup = std::move(cgroup)};
}

absl::StatusOr<std::string> SocketOwners::FindCgroup(uint64_t id) {
  if (id == 0) {
    return absl::UnimplementedError("this kernel tells no cgroup of a socket");
  }
  if (const auto known = cgroups_.find(id); known != cgroups_.end()) {
    if (!known->second.empty()) return known->second;
    return absl::NotFoundError("the cgroup of the socket is gone");
  }
  const absl::StatusOr<std::string> root = CgroupRoot(files_);
  if (!root.ok()) return root.status();
  if (cgroups_.size() > kMaxRemembered) cgroups_.clear();
  // An id is never used again, so one that is missing now stays missing.
  cgroups_[id] = "";
  WalkCgroups(files_, *root, "", cgroups_);
  return FindCgroup(id);
}

absl::StatusOr<std::string> SocketOwners::FindProcess(
    uint64_t inode, absl::string_view cgroup) {
  const auto known = sightings_.find(inode);
  if (known != sightings_.end()) {
    if (!known->second.ok()) return known->second.status();
    const auto& [pid, fd] = *known->second;
    if (files_.ReadLink(absl::StrCat("/proc/", pid, "/fd/", fd)).value_or("") !=
        absl::StrCat("socket:[", inode, "]")) {
      sightings_.erase(known);
    }
  }
  if (sightings_.size() > kMaxRemembered) sightings_.clear();
  if (sightings_.count(inode) == 0) {
    sightings_.emplace(inode, Search(inode, cgroup));
  }
  const absl::StatusOr<Sighting>& sighting = sightings_.at(inode);
  if (!sighting.ok()) return sighting.status();
  absl::StatusOr<std::string> name =
      files_.Read(absl::StrCat("/proc/", sighting->pid, "/comm"));
  if (name.ok()) absl::StripTrailingAsciiWhitespace(&*name);
  return name;
}

// The cgroup's own processes are few; those of the machine are not.
absl::StatusOr<SocketOwners::Sighting> SocketOwners::Search(
    uint64_t inode, absl::string_view cgroup) const {
  const absl::StatusOr<std::string> root = CgroupRoot(files_);
  if (root.ok() && cgroup != "/") {
    const absl::StatusOr<std::string> pids =
        files_.Read(absl::StrCat(*root, cgroup, "/cgroup.procs"));
    if (pids.ok()) {
      absl::StatusOr<Sighting> sighting =
          SearchIn(absl::StrSplit(*pids, '\n', absl::SkipEmpty()), inode);
      if (sighting.ok()) return sighting;
    }
  }
  const absl::StatusOr<std::vector<std::string>> pids =
      files_.ListDirectories("/proc");
  if (!pids.ok()) return pids.status();
  return SearchIn(*pids, inode);
}

absl::StatusOr<SocketOwners::Sighting> SocketOwners::SearchIn(
    const std::vector<std::string>& pids, uint64_t inode) const {
  const std::string wanted = absl::StrCat("socket:[", inode, "]");
  bool may_list = true;
  bool may_read = true;
  for (const std::string& pid : pids) {
    if (!IsNumber(pid)) continue;
    const std::string directory = absl::StrCat("/proc/", pid, "/fd");
    const absl::StatusOr<std::vector<std::string>> fds = files_.List(directory);
    may_list &= !absl::IsPermissionDenied(fds.status());
    if (!fds.ok()) continue;
    for (const std::string& fd : *fds) {
      const absl::StatusOr<std::string> target =
          files_.ReadLink(absl::StrCat(directory, "/", fd));
      if (target.ok() && *target == wanted) return Sighting{pid, fd};
      may_read &= !absl::IsPermissionDenied(target.status());
    }
  }
  if (!may_list) {
    return absl::PermissionDeniedError(
        "reading /proc/*/fd of other users takes the capabilities "
        "CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE");
  }
  if (!may_read) {
    return absl::PermissionDeniedError(
        "following /proc/*/fd/* of other processes takes the capability "
        "CAP_SYS_PTRACE");
  }
  return absl::NotFoundError(
      absl::StrCat("no process in /proc holds socket ", inode));
}

}  // namespace mailcow
