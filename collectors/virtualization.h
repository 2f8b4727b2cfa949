// What the host runs in: a machine, a virtual machine, or a container. Named as
// systemd-detect-virt(1) names it.

#ifndef COLLECTORS_VIRTUALIZATION_H_
#define COLLECTORS_VIRTUALIZATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"

namespace mailcow {

struct Virtualization {
  std::string name = "none";  // "kvm", "lxc", "openvz"
  bool is_container = false;
  std::string evidence = "";  // the file that says so
};

// Asks the host's own files, so that an exporter in a container that sees the
// host's root does not take its own container for the host's. An error where
// they cannot be read, but for /proc/1/environ, which is root's alone: without
// it a guest that leaves no other mark is taken for a machine.
absl::StatusOr<Virtualization> DetectVirtualization(const Files& files);

// The virtual machine that the DMI strings name, or "vm-other".
absl::string_view NameVirtualMachine(absl::string_view dmi);

// Whether lxcfs covers files of /proc, as it does in an LXC guest and not on
// the machine that hosts it.
bool HasLxcfsOverProc(absl::string_view proc_mounts);

}  // namespace mailcow

#endif  // COLLECTORS_VIRTUALIZATION_H_
