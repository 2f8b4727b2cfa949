// Keeps an eye on Docker's engine, on a thread of its own.

#ifndef EXPORTER_DOCKER_WATCH_H_
#define EXPORTER_DOCKER_WATCH_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/docker_state.h"
#include "collectors/files.h"
#include "collectors/host.h"
#include "collectors/workers.h"

namespace mailcow {

// An engine that is silent keeps its last answer until that is too old; one
// that is gone, or refuses, does not. One that is stopped is left alone, where
// systemd would start it for whoever connects to its socket. Thread-safe.
class DockerWatch : public Docker {
 public:
  struct Pace {
    absl::Duration every = absl::Seconds(5);
    // Answers older than this are no longer believed.
    absl::Duration allowance = absl::Seconds(30);
    // What hardly changes costs the engine more: it is asked for less often.
    absl::Duration every_inventory = absl::Seconds(10);
    // How long each of that may take, beside which nothing else is asked.
    absl::Duration inventory_patience = absl::Seconds(5);
  };

  // Begins to ask. `socket` is the engine's path on the host.
  DockerWatch(const Files& files, const std::string& socket)
      : DockerWatch(files, socket, Pace()) {}
  DockerWatch(const Files& files, const std::string& socket, const Pace& pace);
  // Does not wait for an engine that is silent.
  ~DockerWatch() override;
  DockerWatch(const DockerWatch&) = delete;
  DockerWatch& operator=(const DockerWatch&) = delete;

  DockerState Latest() const override;

  // Waits until the engine has answered, or cannot be asked, but no longer than
  // `deadline`. Says whether it did.
  bool AwaitFirst(absl::Duration deadline) const;

 private:
  struct Shared;

  const std::shared_ptr<Shared> shared_;
  Workers workers_;
};

}  // namespace mailcow

#endif  // EXPORTER_DOCKER_WATCH_H_
