// What Docker's engine says of itself, its containers and its volumes, and the
// parsers of its answers (https://docs.docker.com/reference/api/engine/).

#ifndef COLLECTORS_DOCKER_STATE_H_
#define COLLECTORS_DOCKER_STATE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/ip_address.h"

namespace mailcow {

struct DockerEngine {
  std::string version;         // "24.0.7"
  std::string storage_driver;  // "overlay2"
  std::string data_root;       // "/var/lib/docker"
};

// A TCP port of the host that leads into a container.
struct PublishedPort {
  IpAddress address;  // 0.0.0.0 and :: are every address of their family
  uint16_t port = 0;

  bool operator==(const PublishedPort&) const = default;
};

struct Container {
  std::string id;       // 64 hexadecimal digits
  std::string name;     // "mailcowdockerized-postfix-mailcow-1"
  std::string project;  // of Compose; empty where Compose did not make it
  std::string service;  // of Compose: "postfix-mailcow"
  std::string state;    // "running", "exited", "created", "restarting", ...
  std::string status;   // the same for people: "Up 2 hours (healthy)"
  std::vector<PublishedPort> ports;  // none unless it runs

  bool is_running() const { return state == "running"; }
  bool operator==(const Container&) const = default;
};

struct Volume {
  std::string name;
  // Where its files lie: the directory it is bound to, or Docker's own.
  std::string directory;
};

// One look at the engine. NotFound: no engine answers there.
struct DockerState {
  absl::StatusOr<DockerEngine> engine;
  absl::StatusOr<std::vector<Container>> containers;
  // Where the engine keeps its files, as it last said: that does not change
  // while it is silent. Empty where it never said.
  std::string data_root = "";
  std::vector<Volume> volumes = {};
  // The inodes of the sockets that listened on the host when the engine was
  // asked: only of these does `containers` tell whose they are.
  std::set<uint64_t> listeners = {};
  // Those that listened at the look before, too: a container that publishes
  // one is named by now.
  std::set<uint64_t> settled_listeners = {};
  absl::Duration age = absl::ZeroDuration();
};

// The bodies of GET /info, /containers/json and /volumes. DataLoss for what is
// not of that form.
absl::StatusOr<DockerEngine> ParseDockerInfo(absl::string_view json);
absl::StatusOr<std::vector<Container>> ParseContainers(absl::string_view json);
absl::StatusOr<std::vector<Volume>> ParseVolumes(absl::string_view json);

}  // namespace mailcow

#endif  // COLLECTORS_DOCKER_STATE_H_
