#include "exporter/sources.h"

#include <utility>

#include "exporter/linux_host.h"
#include "exporter/recorded_dns.h"
#include "exporter/recorded_kernel.h"
#include "exporter/recorded_parties.h"
#include "exporter/sntp_client.h"
#include "exporter/systemd_bus.h"

namespace mailcow {
namespace {

// For topics that need nothing of Docker.
class UnaskedDocker : public Docker {
 public:
  DockerState Latest() const override {
    const absl::Status unasked = absl::UnavailableError("Docker was not asked");
    return {.engine = unasked, .containers = unasked};
  }
};

}  // namespace

Sources RealSources(const Files& files, const std::string& docker_socket,
                    absl::Duration patience, absl::Duration ntp_interval,
                    const DnsClient::Settings& dns) {
  Sources sources{.kernel = std::make_unique<LinuxKernel>(files, patience),
                  .docker = std::make_unique<UnaskedDocker>(),
                  .bus = std::make_unique<SystemdBus>(files),
                  .time_servers = std::make_unique<SntpClient>(
                      SntpClient::Pace{.every = ntp_interval}),
                  .dns = std::make_unique<DnsClient>(dns, files)};
  if (docker_socket.empty()) return sources;
  auto watch = std::make_unique<DockerWatch>(files, docker_socket);
  sources.watch = watch.get();
  sources.docker = std::move(watch);
  return sources;
}

absl::StatusOr<Sources> RecordedSources(const std::string& file) {
  const Files own{Files::Roots{}};
  const absl::StatusOr<std::string> text = own.Read(file);
  if (!text.ok()) return text.status();
  absl::StatusOr<RecordedKernel> kernel = RecordedKernel::Parse(*text);
  absl::StatusOr<RecordedDocker> docker = RecordedDocker::Parse(*text);
  absl::StatusOr<RecordedBus> bus = RecordedBus::Parse(*text);
  absl::StatusOr<RecordedTimeServers> time_servers =
      RecordedTimeServers::Parse(*text);
  absl::StatusOr<RecordedDns> dns = RecordedDns::Parse(*text);
  for (const absl::Status& status :
       {kernel.status(), docker.status(), bus.status(), time_servers.status(),
        dns.status()}) {
    if (!status.ok()) return status;
  }
  return Sources{.kernel = std::make_unique<RecordedKernel>(*std::move(kernel)),
                 .docker = std::make_unique<RecordedDocker>(*std::move(docker)),
                 .bus = std::make_unique<RecordedBus>(*std::move(bus)),
                 .time_servers = std::make_unique<RecordedTimeServers>(
                     *std::move(time_servers)),
                 .dns = std::make_unique<RecordedDns>(*std::move(dns))};
}

}  // namespace mailcow
