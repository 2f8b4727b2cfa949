// Docker's engine, systemd and time servers as a recording has them: the file
// that also holds the answers of the kernel (recorded_kernel.h).

#ifndef EXPORTER_RECORDED_PARTIES_H_
#define EXPORTER_RECORDED_PARTIES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/host.h"

namespace mailcow {

// In the recording, `docker` holds the bodies that the engine answered GET of
// each path with; null stands for a host without an engine.
class RecordedDocker : public Docker {
 public:
  // What the recording lacks could not be had. InvalidArgument says what in it
  // is wrong.
  static absl::StatusOr<RecordedDocker> Parse(absl::string_view json);

  DockerState Latest() const override { return state_; }

 private:
  explicit RecordedDocker(DockerState state) : state_(std::move(state)) {}

  const DockerState state_;
};

// In the recording, `systemd` holds the units that it knows; null stands for a
// host without systemd.
class RecordedBus : public Bus {
 public:
  // As above.
  static absl::StatusOr<RecordedBus> Parse(absl::string_view json);

  absl::StatusOr<std::vector<SystemdUnit>> Units(
      const std::vector<std::string>& names) const override;

 private:
  using Known = absl::StatusOr<std::map<std::string, SystemdUnit>>;

  explicit RecordedBus(Known units) : units_(std::move(units)) {}

  const Known units_;
};

// In the recording, `time_servers` holds what each says, or the `error` of one
// that could not be asked.
class RecordedTimeServers : public TimeServers {
 public:
  // As above.
  static absl::StatusOr<RecordedTimeServers> Parse(absl::string_view json);

  std::vector<absl::StatusOr<ServerTime>> Ask(
      const std::vector<std::string>& servers) const override;

 private:
  using Known = std::map<std::string, absl::StatusOr<ServerTime>>;

  explicit RecordedTimeServers(Known servers) : servers_(std::move(servers)) {}

  const Known servers_;
};

}  // namespace mailcow

#endif  // EXPORTER_RECORDED_PARTIES_H_
