// A kernel whose answers are read from a JSON file, so that a recorded machine
// can be judged on another: in tests, and to look into a bug report.

#ifndef EXPORTER_RECORDED_KERNEL_H_
#define EXPORTER_RECORDED_KERNEL_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/host.h"

namespace mailcow {

class RecordedKernel : public Kernel {
 public:
  using Filesystems = std::map<std::string, Filesystem, std::less<>>;
  struct Listening {
    std::vector<Listener> listeners;
    std::vector<Owner> owners;  // of each listener
  };

  // `json` as tests/hosts/*/recording.json has it; what it lacks is an answer
  // that could not be had. InvalidArgument says which answer is wrong.
  static absl::StatusOr<RecordedKernel> Parse(absl::string_view json);

  absl::StatusOr<SystemName> Uname() const override { return uname_; }
  absl::StatusOr<ClockState> Adjtimex() const override { return clock_; }
  absl::StatusOr<absl::Time> Now() const override { return time_; }
  absl::StatusOr<double> ClockSteps() const override { return clock_steps_; }
  // NotFound for a path that was not recorded.
  std::vector<absl::StatusOr<Filesystem>> Statvfs(
      const std::vector<std::string>& paths) const override;
  absl::StatusOr<std::vector<Listener>> Listeners() const override;
  std::vector<Owner> OwnersOf(
      const std::vector<Listener>& listeners) const override;
  absl::StatusOr<std::vector<IpAddress>> Addresses() const override {
    return addresses_;
  }

 private:
  RecordedKernel() = default;

  absl::StatusOr<SystemName> uname_;
  absl::StatusOr<ClockState> clock_;
  absl::StatusOr<absl::Time> time_;
  absl::StatusOr<double> clock_steps_;
  absl::StatusOr<Filesystems> filesystems_;
  absl::StatusOr<Listening> listening_;
  absl::StatusOr<std::vector<IpAddress>> addresses_;
};

}  // namespace mailcow

#endif  // EXPORTER_RECORDED_KERNEL_H_
