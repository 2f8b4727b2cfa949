#include "exporter/socket_owner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mailcow {
namespace {

using Clock = std::chrono::steady_clock;

// Sockets and cgroups come and go; what is remembered of gone ones is bounded.
constexpr size_t kMaxRemembered = 1024;

// What was not found is not searched for at every scrape.
constexpr std::chrono::minutes kRetryAfter{1};

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

std::string TargetOf(uint64_t inode) {
  return absl::StrCat("socket:[", inode, "]");
}

// A walk through processes for the sockets that are wanted.
struct Walk {
  std::map<std::string, uint64_t> wanted;  // inodes, by their link's target
  std::map<uint64_t, Sighting> found;
  bool was_denied_list = false;
  bool was_denied_link = false;
};

void LookInto(const Files& files, const std::string& pid, Walk& walk) {
  const std::string directory = absl::StrCat("/proc/", pid, "/fd");
  const absl::StatusOr<std::vector<std::string>> fds = files.List(directory);
  walk.was_denied_list |= absl::IsPermissionDenied(fds.status());
  if (!fds.ok()) return;
  for (const std::string& fd : *fds) {
    const absl::StatusOr<std::string> target =
        files.ReadLink(absl::StrCat(directory, "/", fd));
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
  std::vector<std::string> pids =
      files.ListDirectories("/proc").value_or(std::vector<std::string>());
  pids.erase(std::remove_if(pids.begin(), pids.end(),
                            [](const auto& name) { return !IsNumber(name); }),
             pids.end());
  // With hidepid, the processes of others are not even listed.
  walk.was_denied_list |= std::count(pids.begin(), pids.end(), "1") == 0;
  return pids;
}

}  // namespace

std::vector<Owner> SocketOwners::Find(const std::vector<Listener>& listeners) {
  absl::MutexLock lock(&mutex_);
  SearchFor(listeners);
  std::vector<Owner> owners;
  for (const Listener& listener : listeners) {
    owners.push_back({.process = NameOf(searches_.at(listener.inode)),
                      .cgroup = FindCgroup(listener.cgroup_id)});
  }
  return owners;
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
  // An id is never used again, so one that is missing now stays missing.
  std::erase_if(cgroups_,
                [](const auto& known) { return !known.second.empty(); });
  if (cgroups_.size() > kMaxRemembered) cgroups_.clear();
  cgroups_[id] = "";
  WalkCgroups(files_, *root, "", cgroups_);
  return FindCgroup(id);
}

bool SocketOwners::IsStillValid(uint64_t inode, const Search& search) const {
  if (!search.sighting.ok()) return Clock::now() < search.at + kRetryAfter;
  const auto& [pid, fd] = *search.sighting;
  return files_.ReadLink(absl::StrCat("/proc/", pid, "/fd/", fd))
             .value_or("") == TargetOf(inode);
}

void SocketOwners::SearchFor(const std::vector<Listener>& listeners) {
  if (searches_.size() > kMaxRemembered) searches_.clear();
  Walk walk;
  std::set<std::string> cgroups;
  for (const Listener& listener : listeners) {
    const auto known = searches_.find(listener.inode);
    if (known != searches_.end() &&
        IsStillValid(listener.inode, known->second)) {
      continue;
    }
    walk.wanted[TargetOf(listener.inode)] = listener.inode;
    cgroups.insert(FindCgroup(listener.cgroup_id).value_or("/"));
  }
  for (const std::string& cgroup : cgroups) {
    LookInto(files_, ProcessesOf(files_, cgroup), walk);
  }
  if (!walk.wanted.empty()) LookInto(files_, AllProcesses(files_, walk), walk);
  const auto now = Clock::now();
  for (const auto& [inode, sighting] : walk.found) {
    searches_.insert_or_assign(inode, Search{sighting, now});
  }
  for (const auto& [target, inode] : walk.wanted) {
    searches_.insert_or_assign(inode, Search{NotFound(inode, walk), now});
  }
}

absl::StatusOr<std::string> SocketOwners::NameOf(const Search& search) const {
  if (!search.sighting.ok()) return search.sighting.status();
  absl::StatusOr<std::string> name =
      files_.Read(absl::StrCat("/proc/", search.sighting->pid, "/comm"));
  if (name.ok()) absl::StripTrailingAsciiWhitespace(&*name);
  return name;
}

}  // namespace mailcow
