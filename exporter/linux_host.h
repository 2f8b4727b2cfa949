// The real kernel. With sock_diag, socket_owner, clock_steps and sntp_question
// beside it, the room for system calls, netlink and sockets.

#ifndef EXPORTER_LINUX_HOST_H_
#define EXPORTER_LINUX_HOST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/bounded_wait.h"
#include "collectors/host.h"
#include "exporter/clock_steps.h"
#include "exporter/sock_diag.h"
#include "exporter/socket_owner.h"

namespace mailcow {

class LinuxKernel : public Kernel {
 public:
  // `files` locates what statvfs(3) is asked of, and /proc and /sys. OwnersOf()
  // waits for `patience` until it has found the owners of new sockets.
  explicit LinuxKernel(const Files& files,
                       absl::Duration patience = SocketOwners::kPatience);

  absl::StatusOr<SystemName> Uname() const override;
  absl::StatusOr<ClockState> Adjtimex() const override;
  absl::StatusOr<absl::Time> Now() const override;
  absl::StatusOr<double> ClockSteps() const override;
  std::vector<absl::StatusOr<Filesystem>> Statvfs(
      const std::vector<std::string>& paths) const override;
  absl::StatusOr<std::vector<Listener>> Listeners() const override;
  std::vector<Owner> OwnersOf(
      const std::vector<Listener>& listeners) const override;
  absl::StatusOr<std::vector<IpAddress>> Addresses() const override;

 private:
  const Files files_;
  mutable BoundedWait<Filesystem> mounts_;
  mutable SocketOwners owners_;
  mutable SockDiag sock_diag_;
  mutable class ClockSteps clock_steps_;
};

// Whether the filesystem of the mount with number `mount_id` is read-only
// itself, whatever this mount of it is. NotFound where /proc/self/mountinfo
// does not list it.
absl::StatusOr<bool> IsSuperblockReadOnly(absl::string_view mountinfo,
                                          absl::string_view mount_id);

}  // namespace mailcow

#endif  // EXPORTER_LINUX_HOST_H_
