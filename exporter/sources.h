// What a host is learned from: its kernel, Docker's engine, systemd, time
// servers and DNS, or a recording that stands in for them.

#ifndef EXPORTER_SOURCES_H_
#define EXPORTER_SOURCES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/files.h"
#include "collectors/host.h"
#include "exporter/dns_client.h"
#include "exporter/docker_watch.h"

namespace mailcow {

struct Sources {
  std::unique_ptr<Kernel> kernel;
  std::unique_ptr<Docker> docker;
  std::unique_ptr<Bus> bus;
  std::unique_ptr<TimeServers> time_servers;
  std::unique_ptr<Dns> dns;
  // The same as `docker` where that is asked, to wait for its first answer.
  const DockerWatch* watch = nullptr;
};

// Those of this machine. Docker's engine is asked from now on, unless
// `docker_socket` is empty. `patience` is how long to wait for the owners of
// new sockets. No time server is asked more than once in `ntp_interval`.
// `files` must outlive them.
Sources RealSources(const Files& files, const std::string& docker_socket,
                    absl::Duration patience, absl::Duration ntp_interval,
                    const DnsClient::Settings& dns);

// The recording in `file` (JSON). An error says what in it is wrong.
absl::StatusOr<Sources> RecordedSources(const std::string& file);

}  // namespace mailcow

#endif  // EXPORTER_SOURCES_H_
