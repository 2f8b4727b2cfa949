#include "exporter/docker_watch.h"

#include <chrono>
#include <future>
#include <optional>
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
  absl::Status Ask(bool with_inventory);
  void AskForInventory(DockerState& found) const;
  void Store(const DockerState& found, Clock::time_point asked_at);
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
  // When the engine was asked for what `state` says.
  std::optional<Clock::time_point> at ABSL_GUARDED_BY(mutex);
};

void DockerWatch::Shared::KeepAsking() {
  bool has_answered = false;
  std::optional<Clock::time_point> inventory_at;
  do {
    const Clock::time_point now = Clock::now();
    const bool is_due =
        !inventory_at.has_value() ||
        now - *inventory_at > absl::ToChronoNanoseconds(pace.every_inventory);
    if (is_due) inventory_at = now;
    const absl::Status status = Ask(is_due);
    // An engine that comes back may be another.
    if (!status.ok()) inventory_at.reset();
    const bool is_silent = absl::IsDeadlineExceeded(status);
    if (!is_silent && !std::exchange(has_answered, true)) first.set_value();
  } while (stopped.wait_for(absl::ToChronoNanoseconds(pace.every)) !=
           std::future_status::ready);
}

// Says how it went with the containers.
absl::Status DockerWatch::Shared::Ask(bool with_inventory) {
  // What is found may be as old as the question. A listener that is there now
  // is in the answer if it is a container's.
  const Clock::time_point asked_at = Clock::now();
  DockerState found = Take();
  found.listeners = InodesOf(DumpListeners());
  const auto bodies = client.Get({kContainers});
  if (absl::IsDeadlineExceeded(bodies.status())) return bodies.status();
  if (!bodies.ok()) {
    found.engine = bodies.status();
    found.containers = bodies.status();
    Store(found, asked_at);
    return bodies.status();
  }
  found.containers = ParseContainers(bodies->front());
  Store(found, asked_at);
  if (!with_inventory) return absl::OkStatus();
  AskForInventory(found);
  Store(found, asked_at);
  return absl::OkStatus();
}

// Each is asked for alone: a volume's driver may be silent.
void DockerWatch::Shared::AskForInventory(DockerState& found) const {
  const auto info = client.Get({kInfo});
  found.engine = info.ok() ? ParseDockerInfo(info->front()) : info.status();
  if (found.engine.ok()) found.data_root = found.engine->data_root;
  const auto volumes = client.Get({kVolumes});
  if (!volumes.ok()) return;
  auto parsed = ParseVolumes(volumes->front());
  if (parsed.ok()) found.volumes = *std::move(parsed);
}

void DockerWatch::Shared::Store(const DockerState& found,
                                Clock::time_point asked_at) {
  absl::MutexLock lock(&mutex);
  state = found;
  at = asked_at;
}

DockerState DockerWatch::Shared::Take() const {
  absl::MutexLock lock(&mutex);
  DockerState taken = state;
  taken.age = absl::FromChrono(Clock::now() - at.value_or(begin));
  if (at.has_value() && taken.age <= pace.allowance) return taken;
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
