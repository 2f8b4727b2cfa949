// The topic docker: whether there is an engine and a Compose that mailcow can
// use.

#ifndef COLLECTORS_DOCKER_H_
#define COLLECTORS_DOCKER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/collector.h"
#include "collectors/docker_state.h"
#include "collectors/os_release.h"

namespace mailcow {

struct DockerFacts {
  absl::StatusOr<DockerEngine> engine;
  absl::Duration age = absl::ZeroDuration();  // of `engine`
  // Whether the engine's configuration is one that it starts with.
  absl::Status daemon_json;
  // Whether published ports are held by docker-proxy, or only by rules of the
  // kernel.
  absl::StatusOr<bool> userland_proxy;
  absl::StatusOr<std::string> compose;  // where it is
  absl::StatusOr<Version> compose_version;
};

// What the engine's configuration or command line says; an error where neither
// can be known.
absl::StatusOr<bool> UsesUserlandProxy(const Files& files);

// Looks into programs on disk, so the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeDockerCollector();

}  // namespace mailcow

#endif  // COLLECTORS_DOCKER_H_
