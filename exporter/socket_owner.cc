#include "exporter/socket_owner.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "exporter/socket_search.h"

namespace mailcow {
namespace {

using Clock = std::chrono::steady_clock;

// Sockets and cgroups come and go; what is remembered of gone ones is bounded.
constexpr size_t kMaxRemembered = 1024;

// What was not found is not searched for at every scrape.
constexpr std::chrono::minutes kRetryAfter{1};

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
         LinkTo(listener.inode);
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
  const auto all = FindCgroups(files);
  const auto path_of = [&all](uint64_t id) -> absl::StatusOr<std::string> {
    if (!all.ok()) return all.status();
    if (const auto at = all->find(id); at != all->end()) return at->second;
    return absl::NotFoundError("the cgroup of the socket is gone");
  };
  absl::MutexLock lock(&mutex);
  std::set<std::string> found;
  for (const Listener& listener : listeners) {
    const absl::StatusOr<std::string> path = path_of(listener.cgroup_id);
    if (path.ok()) found.insert(*path);
    cgroups.insert_or_assign(listener.cgroup_id,
                             Memo<std::string>{path, Clock::now()});
  }
  return found;
}

void SocketOwners::Known::Search(const std::vector<Listener>& listeners) {
  std::set<uint64_t> inodes;
  for (const Listener& listener : listeners) inodes.insert(listener.inode);
  auto found = FindSockets(files, inodes, SearchCgroups(listeners));
  absl::MutexLock lock(&mutex);
  for (auto& [inode, sighting] : found) {
    sightings.insert_or_assign(
        inode, Memo<Sighting>{std::move(sighting), Clock::now()});
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
