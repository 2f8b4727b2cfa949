#include "exporter/docker_watch.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "exporter/docker_client.h"
#include "exporter/sock_diag.h"
#include "exporter/systemd_bus.h"

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

std::set<uint64_t> Both(const std::set<uint64_t>& one,
                        const std::set<uint64_t>& other) {
  std::set<uint64_t> both;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(),
                        std::inserter(both, both.end()));
  return both;
}

// Whether connecting to `socket` would start an engine that somebody stopped.
bool WouldStartEngine(const Bus& bus, absl::string_view socket) {
  if (socket != "/var/run/docker.sock" && socket != "/run/docker.sock") {
    return false;
  }
  const auto units = bus.Units({"docker.socket", "docker.service"});
  return units.ok() && units->front().active_state == "active" &&
         (units->back().active_state == "inactive" ||
          units->back().active_state == "failed");
}

}  // namespace

// What the thread and the watch have in common: the thread may outlive it.
struct DockerWatch::Shared {
  Shared(const Files& files, const std::string& socket_path, const Pace& p)
      : client(files, socket_path), bus(files), socket(socket_path), pace(p) {}

  void KeepAsking();
  absl::Status Ask(bool with_inventory);
  absl::StatusOr<std::string> AskForContainers() const;
  void AskForInventory();
  void StoreContainers(const absl::StatusOr<std::string>& body,
                       std::set<uint64_t> listeners,
                       Clock::time_point asked_at);
  DockerState Take() const;
  bool IsFresh(const std::optional<Clock::time_point>& time) const;
  absl::Status Silence(const std::optional<Clock::time_point>& time) const;

  const DockerClient client;
  const SystemdBus bus;
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
  std::optional<Clock::time_point> containers_at ABSL_GUARDED_BY(mutex);
  std::optional<Clock::time_point> engine_at ABSL_GUARDED_BY(mutex);
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
  std::set<uint64_t> listeners = InodesOf(SockDiag().Listeners());
  const absl::StatusOr<std::string> body = AskForContainers();
  if (absl::IsDeadlineExceeded(body.status())) return body.status();
  StoreContainers(body, std::move(listeners), asked_at);
  if (body.ok() && with_inventory) AskForInventory();
  return body.status();
}

absl::StatusOr<std::string> DockerWatch::Shared::AskForContainers() const {
  if (WouldStartEngine(bus, socket)) {
    return absl::NotFoundError(absl::StrCat(
        "Docker's engine is stopped; systemd listens at ", socket));
  }
  const auto bodies = client.Get({kContainers}, pace.allowance);
  if (!bodies.ok()) return bodies.status();
  return bodies->front();
}

void DockerWatch::Shared::StoreContainers(
    const absl::StatusOr<std::string>& body, std::set<uint64_t> listeners,
    Clock::time_point asked_at) {
  absl::MutexLock lock(&mutex);
  state.settled_listeners = Both(state.listeners, listeners);
  state.listeners = std::move(listeners);
  containers_at = asked_at;
  if (body.ok()) {
    state.containers = ParseContainers(*body);
  } else {
    state.containers = body.status();
    state.engine = body.status();
    engine_at = asked_at;
  }
}

// Each is asked for alone: a volume's driver may be silent.
void DockerWatch::Shared::AskForInventory() {
  const Clock::time_point asked_at = Clock::now();
  const auto info = client.Get({kInfo}, pace.inventory_patience);
  if (!absl::IsDeadlineExceeded(info.status())) {
    absl::MutexLock lock(&mutex);
    engine_at = asked_at;
    state.engine = info.ok() ? ParseDockerInfo(info->front()) : info.status();
    if (state.engine.ok()) state.data_root = state.engine->data_root;
  }
  const auto bodies = client.Get({kVolumes}, pace.inventory_patience);
  if (!bodies.ok()) return;
  auto volumes = ParseVolumes(bodies->front());
  absl::MutexLock lock(&mutex);
  if (volumes.ok()) state.volumes = *std::move(volumes);
}

bool DockerWatch::Shared::IsFresh(
    const std::optional<Clock::time_point>& time) const {
  return time.has_value() &&
         Clock::now() - *time <= absl::ToChronoNanoseconds(pace.allowance);
}

absl::Status DockerWatch::Shared::Silence(
    const std::optional<Clock::time_point>& time) const {
  const absl::Duration since =
      absl::FromChrono(Clock::now() - time.value_or(begin));
  return absl::DeadlineExceededError(
      absl::StrCat("Docker's engine at ", socket, " is silent since ",
                   absl::ToInt64Seconds(since), " seconds"));
}

DockerState DockerWatch::Shared::Take() const {
  absl::MutexLock lock(&mutex);
  DockerState taken = state;
  taken.age = absl::FromChrono(Clock::now() - containers_at.value_or(begin));
  if (!IsFresh(containers_at)) taken.containers = Silence(containers_at);
  if (!IsFresh(engine_at)) taken.engine = Silence(engine_at);
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
