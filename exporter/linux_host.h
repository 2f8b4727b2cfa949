// The real kernel: the only room with system calls, netlink and sockets.

#ifndef EXPORTER_LINUX_HOST_H_
#define EXPORTER_LINUX_HOST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/host.h"
#include "exporter/bounded_wait.h"
#include "exporter/socket_owner.h"

namespace mailcow {

class LinuxKernel : public Kernel {
 public:
  // `files` locates what statvfs(3) is asked of, and /proc and /sys.
  explicit LinuxKernel(const Files& files);

  absl::StatusOr<SystemName> Uname() const override;
  absl::StatusOr<ClockState> Adjtimex() const override;
  absl::StatusOr<Filesystem> Statvfs(absl::string_view path) const override;
  absl::StatusOr<std::vector<Listener>> Listeners() const override;
  Owner OwnerOf(const Listener& listener) const override;
  absl::StatusOr<std::vector<IpAddress>> Addresses() const override;

 private:
  const Files files_;
  mutable BoundedWait<Filesystem> mounts_;
  mutable SocketOwners owners_;
};

// Whether /proc/self/mountinfo shows the filesystem with device number
// `device` ("8:1") as read-only itself, whatever this mount of it is.
bool IsSuperblockReadOnly(absl::string_view mountinfo,
                          absl::string_view device);

}  // namespace mailcow

#endif  // EXPORTER_LINUX_HOST_H_
