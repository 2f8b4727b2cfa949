#include "exporter/socket_owner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"

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

// Where a socket was seen: descriptor `fd` of process `pid`.
struct Sighting {
  std::string pid;
  std::string fd;
};

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
  std::vector<std::string> pids =
      files.ListDirectories("/proc").value_or(std::vector<std::string>());
  pids.erase(std::remove_if(pids.begin(), pids.end(),
                            [](const auto& name) { return !IsNumber(name); }),
             pids.end());
  // A new socket is most likely that of a new process.
  std::sort(pids.begin(), pids.end(), [](const auto& one, const auto& other) {
    return std::make_pair(one.size(), one) >
           std::make_pair(other.size(), other);
  });
  // With hidepid, the processes of others are not even listed.
  walk.was_denied_list |= std::count(pids.begin(), pids.end(), "1") == 0;
  return pids;
}

}  // namespace

// What is remembered of sockets and cgroups.
struct SocketOwners::Known {
  template <typename Answer>
  struct Memo {
    absl::StatusOr<Answer> answer;
    Clock::time_point at;

    bool IsFresh() const {
      return answer.ok() || Clock::now() < at + kRetryAfter;
    }
  };

  explicit Known(const Files& host_files) : files(host_files) {}

  std::vector<Listener> Missing(const std::vector<Listener>& listeners);
  void Search(const std::vector<Listener>& listeners);
  std::set<std::string> SearchCgroups(const std::vector<Listener>& listeners);
  Owner OwnerOf(const Listener& listener);

  bool HasProcess(const Listener& listener)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<std::string> ProcessOf(const Listener& listener)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::StatusOr<std::string> CgroupOf(const Listener& listener)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const Files files;
  absl::Mutex mutex;
  std::map<uint64_t, Memo<std::string>> cgroups ABSL_GUARDED_BY(mutex);
  std::map<uint64_t, Memo<Sighting>> sightings ABSL_GUARDED_BY(mutex);
};

bool SocketOwners::Known::HasProcess(const Listener& listener) {
  const auto known = sightings.find(listener.inode);
  if (known == sightings.end() || !known->second.IsFresh()) return false;
  if (!known->second.answer.ok()) return true;
  const auto& [pid, fd] = *known->second.answer;
  return files.ReadLink(absl::StrCat("/proc/", pid, "/fd/", fd)).value_or("") ==
         TargetOf(listener.inode);
}

// Those of which the cgroup or the process has yet to be searched for.
std::vector<Listener> SocketOwners::Known::Missing(
    const std::vector<Listener>& listeners) {
  absl::MutexLock lock(&mutex);
  if (cgroups.size() > kMaxRemembered) cgroups.clear();
  if (sightings.size() > kMaxRemembered) sightings.clear();
  std::vector<Listener> missing;
  for (const Listener& listener : listeners) {
    const auto cgroup = cgroups.find(listener.cgroup_id);
    const bool has_cgroup =
        listener.cgroup_id == 0 ||
        (cgroup != cgroups.end() && cgroup->second.IsFresh());
    if (!has_cgroup || !HasProcess(listener)) missing.push_back(listener);
  }
  return missing;
}

// Returns the cgroups of the listeners, as far as they are known.
std::set<std::string> SocketOwners::Known::SearchCgroups(
    const std::vector<Listener>& listeners) {
  const absl::StatusOr<std::string> root = CgroupRoot(files);
  std::map<uint64_t, std::string> all;
  if (root.ok()) WalkCgroups(files, *root, "", all);
  absl::MutexLock lock(&mutex);
  std::set<std::string> found;
  for (const Listener& listener : listeners) {
    const uint64_t id = listener.cgroup_id;
    absl::StatusOr<std::string> path =
        absl::NotFoundError("the cgroup of the socket is gone");
    if (!root.ok()) path = root.status();
    if (const auto at = all.find(id); at != all.end()) path = at->second;
    if (path.ok()) found.insert(*path);
    cgroups.insert_or_assign(id, Memo<std::string>{path, Clock::now()});
  }
  return found;
}

void SocketOwners::Known::Search(const std::vector<Listener>& listeners) {
  Walk walk;
  for (const Listener& listener : listeners) {
    walk.wanted[TargetOf(listener.inode)] = listener.inode;
  }
  for (const std::string& cgroup : SearchCgroups(listeners)) {
    LookInto(files, ProcessesOf(files, cgroup), walk);
  }
  if (!walk.wanted.empty()) LookInto(files, AllProcesses(files, walk), walk);
  absl::MutexLock lock(&mutex);
  const Clock::time_point now = Clock::now();
  for (const auto& [inode, sighting] : walk.found) {
    sightings.insert_or_assign(inode, Memo<Sighting>{sighting, now});
  }
  for (const auto& [target, inode] : walk.wanted) {
    sightings.insert_or_assign(inode,
                               Memo<Sighting>{NotFound(inode, walk), now});
  }
}

absl::StatusOr<std::string> SocketOwners::Known::ProcessOf(
    const Listener& listener) {
  const auto known = sightings.find(listener.inode);
  const absl::Status unfinished =
      absl::DeadlineExceededError("its process is still searched for");
  if (known == sightings.end()) return unfinished;
  const absl::StatusOr<Sighting>& sighting = known->second.answer;
  if (!sighting.ok()) return sighting.status();
  if (!HasProcess(listener)) return unfinished;
  absl::StatusOr<std::string> name =
      files.Read(absl::StrCat("/proc/", sighting->pid, "/comm"));
  if (name.ok()) absl::StripTrailingAsciiWhitespace(&*name);
  return name;
}

absl::StatusOr<std::string> SocketOwners::Known::CgroupOf(
    const Listener& listener) {
  if (listener.cgroup_id == 0) {
    return absl::UnimplementedError("this kernel tells no cgroup of a socket");
  }
  const auto known = cgroups.find(listener.cgroup_id);
  if (known == cgroups.end()) {
    return absl::DeadlineExceededError("its cgroup is still searched for");
  }
  return known->second.answer;
}

Owner SocketOwners::Known::OwnerOf(const Listener& listener) {
  absl::MutexLock lock(&mutex);
  return {.process = ProcessOf(listener), .cgroup = CgroupOf(listener)};
}

SocketOwners::SocketOwners(const Files& files, absl::Duration patience)
    : known_(std::make_shared<Known>(files)), searches_(patience) {}

std::vector<Owner> SocketOwners::Find(const std::vector<Listener>& listeners) {
  std::vector<Listener> missing = known_->Missing(listeners);
  if (!missing.empty()) {
    // What it finds stays with `known_`, however long it takes.
    searches_
        .Ask("the search",
             [known = known_, missing] {
               known->Search(missing);
               return true;
             })
        .IgnoreError();
  }
  std::vector<Owner> owners;
  for (const Listener& listener : listeners) {
    owners.push_back(known_->OwnerOf(listener));
  }
  return owners;
}

}  // namespace mailcow
