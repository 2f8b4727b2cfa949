#include "exporter/linux_host.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mailcow {
namespace {

// A container sees the host's root through a mount that may be read-only while
// the host's own is not: there only the filesystem itself tells.
absl::StatusOr<bool> IsReadOnly(const Files& files, int fd,
                                const struct statvfs& stats) {
  if ((stats.f_flag & ST_RDONLY) == 0) return false;
  if (!files.HasRoot()) return true;
  struct statx mount;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &mount) != 0) {
    return absl::ErrnoToStatus(errno, "statx");
  }
  const Files own{Files::Roots{}};
  const absl::StatusOr<std::string> mounts =
      own.Read("/proc/self/mountinfo", size_t{16} << 20);
  if (!mounts.ok()) return mounts.status();
  return IsSuperblockReadOnly(*mounts, absl::StrCat(mount.stx_mnt_id));
}

absl::StatusOr<Filesystem> StatvfsNow(const Files& files,
                                      const std::string& path) {
  const absl::StatusOr<FileDescriptor> file = files.Open(path, O_PATH);
  if (!file.ok()) return file.status();
  struct statvfs stats;
  if (fstatvfs(file->get(), &stats) != 0) {
    return absl::ErrnoToStatus(errno, path);
  }
  const auto block = static_cast<double>(stats.f_frsize);
  return Filesystem{
      .size_bytes = block * static_cast<double>(stats.f_blocks),
      .available_bytes = block * static_cast<double>(stats.f_bavail),
      .inodes_available = static_cast<double>(stats.f_favail),
      .has_inodes = stats.f_files != 0,
      .read_only = IsReadOnly(files, file->get(), stats)};
}

}  // namespace

LinuxKernel::LinuxKernel(const Files& files, absl::Duration patience)
    : files_(files), mounts_(kDiskDeadline), owners_(files, patience) {
  clock_steps_.Look(TimeOfBoot());
}

absl::StatusOr<SystemName> LinuxKernel::Uname() const {
  utsname name;
  if (uname(&name) != 0) return absl::ErrnoToStatus(errno, "uname");
  return SystemName{.machine = name.machine, .release = name.release};
}

absl::StatusOr<ClockState> LinuxKernel::Adjtimex() const {
  timex clock = {};
  if (adjtimex(&clock) < 0) {
    // The kernel lets everyone read; the seccomp profiles of containers do not.
    return absl::ErrnoToStatus(errno, errno == EPERM
                                          ? "adjtimex, which in a container "
                                            "takes the capability CAP_SYS_TIME"
                                          : "adjtimex");
  }
  const bool in_nanoseconds = (clock.status & STA_NANO) != 0;
  return ClockState{
      .offset_seconds =
          static_cast<double>(clock.offset) / (in_nanoseconds ? 1e9 : 1e6),
      .max_error_seconds = static_cast<double>(clock.maxerror) / 1e6,
      .unsynchronized_flag = (clock.status & STA_UNSYNC) != 0,
      .leap_second_pending = (clock.status & (STA_INS | STA_DEL)) != 0};
}

absl::StatusOr<absl::Time> LinuxKernel::Now() const { return TimeOfDay(); }

absl::StatusOr<double> LinuxKernel::ClockSteps() const {
  return clock_steps_.Look(TimeOfBoot());
}

std::vector<absl::StatusOr<Filesystem>> LinuxKernel::Statvfs(
    const std::vector<std::string>& paths) const {
  std::vector<std::pair<std::string, BoundedWait<Filesystem>::Question>>
      questions;
  for (const std::string& path : paths) {
    // Copies: a question that hangs may outlive this object.
    questions.emplace_back(
        path, [files = files_, path] { return StatvfsNow(files, path); });
  }
  return mounts_.AskAll(std::move(questions));
}

absl::StatusOr<std::vector<Listener>> LinuxKernel::Listeners() const {
  return sock_diag_.Listeners();
}

std::vector<Owner> LinuxKernel::OwnersOf(
    const std::vector<Listener>& listeners) const {
  return owners_.Find(listeners);
}

absl::StatusOr<std::vector<IpAddress>> LinuxKernel::Addresses() const {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return absl::ErrnoToStatus(errno, "getifaddrs");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, &freeifaddrs);
  std::vector<IpAddress> addresses;
  for (const ifaddrs* entry = first; entry != nullptr;
       entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      const auto* ipv4 = reinterpret_cast<sockaddr_in*>(entry->ifa_addr);
      addresses.push_back(FromBytes(IpAddress::Family::kIpv4, &ipv4->sin_addr));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      const auto* ipv6 = reinterpret_cast<sockaddr_in6*>(entry->ifa_addr);
      addresses.push_back(
          FromBytes(IpAddress::Family::kIpv6, &ipv6->sin6_addr));
    }
  }
  return addresses;
}

absl::StatusOr<bool> IsSuperblockReadOnly(absl::string_view mountinfo,
                                          absl::string_view mount_id) {
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    // proc(5): MOUNT-ID PARENT ... - TYPE SOURCE SUPERBLOCK-OPTIONS
    const std::vector<absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2 || !absl::StartsWith(line, mount_id) ||
        line.substr(mount_id.size(), 1) != " ") {
      continue;
    }
    const std::vector<absl::string_view> type = absl::StrSplit(halves[1], ' ');
    if (type.size() < 3) continue;
    const std::vector<absl::string_view> options = absl::StrSplit(type[2], ',');
    return std::count(options.begin(), options.end(), "ro") > 0;
  }
  return absl::NotFoundError(
      absl::StrCat("/proc/self/mountinfo lacks mount ", mount_id));
}

}  // namespace mailcow
