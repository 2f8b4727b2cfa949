#include "exporter/docker_watch.h"

#include <chrono>
#include <future>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "exporter/docker_client.h"
#include "exporter/sock_diag.h"

namespace mailcow {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kContainers[] = "/containers/json?all=true";
constexpr char kInfo[] = "/info";
constexpr char kVolumes[] = "/volumes";

std::set<uint64_t> InodesOf(const absl::StatusOr<std::vector<Listener>>& all) {
  std::set<uint64_t> inodes;
  if (!all.ok()) return inodes;
  for (const Listener& listener : *all) inodes.insert(listener.inode);
  return inodes;
}

}  // namespace

// What the thread and the watch have in common: the thread may outlive it.
struct DockerWatch::Shared {
  Shared(const Files& files, const std::string& socket_path, const Pace& p)
      : client(files, socket_path), socket(socket_path), pace(p) {}

  void KeepAsking();
  void Ask(const DockerState& last, bool with_inventory);
  void Store(DockerState state, Clock::time_point asked_at);
  DockerState Take() const;

  const DockerClient client;
  const std::string socket;
  const Pace pace;
  const Clock::time_point begin = Clock::now();
  // Futures wait by the steady clock.
  std::promise<void> stop;
  const std::shared_future<void> stopped = stop.get_future().share();
  std::promise<void> first;
  const std::shared_future<void> answered = first.get_future().share();
  mutable absl::Mutex mutex;
  DockerState state ABSL_GUARDED_BY(mutex);
  Clock::time_point at ABSL_GUARDED_BY(mutex);
};

void DockerWatch::Shared::KeepAsking() {
  Clock::time_point inventory_at;
  do {
    const DockerState last = Take();
    const Clock::time_point now = Clock::now();
    const bool with_inventory =
        !last.engine.ok() ||
        now - inventory_at > absl::ToChronoNanoseconds(pace.every_inventory);
    if (with_inventory) inventory_at = now;
    Ask(last, with_inventory);
  } while (stopped.wait_for(absl::ToChronoNanoseconds(pace.every)) !=
           std::future_status::ready);
}

void DockerWatch::Shared::Ask(const DockerState& last, bool with_inventory) {
  // What is found may be as old as the question. A listener that is there now
  // is in the answer if it is a container's.
  const Clock::time_point asked_at = Clock::now();
  DockerState found{.engine = last.engine,
                    .containers = std::vector<Container>(),
                    .data_root = last.data_root,
                    .volumes = last.volumes,
                    .listeners = InodesOf(DumpListeners())};
  std::vector<std::string> paths = {kContainers};
  if (with_inventory) paths.insert(paths.end(), {kInfo, kVolumes});
  const absl::StatusOr<std::vector<std::string>> bodies = client.Get(paths);
  if (absl::IsDeadlineExceeded(bodies.status())) return;
  if (!bodies.ok()) {
    found.engine = bodies.status();
    found.containers = bodies.status();
    Store(std::move(found), asked_at);
    return;
  }
  found.containers = ParseContainers((*bodies)[0]);
  if (with_inventory) {
    found.engine = ParseDockerInfo((*bodies)[1]);
    if (found.engine.ok()) found.data_root = found.engine->data_root;
    absl::StatusOr<std::vector<Volume>> volumes = ParseVolumes((*bodies)[2]);
    if (volumes.ok()) found.volumes = *std::move(volumes);
  }
  Store(std::move(found), asked_at);
}

void DockerWatch::Shared::Store(DockerState found, Clock::time_point asked_at) {
  {
    absl::MutexLock lock(&mutex);
    state = std::move(found);
    at = asked_at;
  }
  if (answered.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    first.set_value();
  }
}

DockerState DockerWatch::Shared::Take() const {
  const bool is_answered =
      answered.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  absl::MutexLock lock(&mutex);
  DockerState taken = state;
  taken.age = absl::FromChrono(Clock::now() - (is_answered ? at : begin));
  if (is_answered && taken.age <= pace.allowance) return taken;
  taken.engine = absl::DeadlineExceededError(
      absl::StrCat("Docker's engine at ", socket, " is silent since ",
                   absl::ToInt64Seconds(taken.age), " seconds"));
  taken.containers = taken.engine.status();
  return taken;
}

DockerWatch::DockerWatch(const Files& files, const std::string& socket,
                         const Pace& pace)
    : shared_(std::make_shared<Shared>(files, socket, pace)) {
  workers_.Run([shared = shared_] { shared->KeepAsking(); });
}

DockerWatch::~DockerWatch() { shared_->stop.set_value(); }

DockerState DockerWatch::Latest() const { return shared_->Take(); }

bool DockerWatch::AwaitFirst(absl::Duration deadline) const {
  return shared_->answered.wait_for(absl::ToChronoNanoseconds(deadline)) ==
         std::future_status::ready;
}

}  // namespace mailcow
