#include "collectors/virtualization.h"

#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/requirement.h"

namespace mailcow {
namespace {

struct Marker {
  absl::string_view path;
  absl::string_view name;  // empty: the content is the name
};

// Left by container managers where every process can see them.
constexpr Marker kMarkers[] = {
    {"/run/systemd/container", ""},
    {"/run/host/container-manager", ""},
    {"/.dockerenv", "docker"},
    {"/run/.containerenv", "podman"},
};

// OpenVZ and Virtuozzo show /proc/vz everywhere, /proc/bc on the host alone.
absl::StatusOr<bool> IsOpenVzGuest(const Files& files) {
  absl::StatusOr<bool> vz = files.Exists("/proc/vz");
  if (!vz.ok() || !*vz) return vz;
  return IfKnown(files.Exists("/proc/bc"), std::logical_not<>());
}

absl::StatusOr<std::string> NameIn(const Files& files, const Marker& marker) {
  if (marker.name.empty()) {
    absl::StatusOr<std::string> content = files.Read(marker.path, 4096);
    if (content.ok()) absl::StripAsciiWhitespace(&*content);
    return content;
  }
  const absl::StatusOr<bool> exists = files.Exists(marker.path);
  if (!exists.ok()) return exists.status();
  if (!*exists) return absl::NotFoundError(marker.path);
  return std::string(marker.name);
}

// The manager tells its guest's init; only root may read it.
absl::StatusOr<std::string> NameInInitEnvironment(const Files& files) {
  const absl::StatusOr<std::string> environment = files.Read("/proc/1/environ");
  if (!environment.ok()) return environment.status();
  for (absl::string_view entry : absl::StrSplit(*environment, '\0')) {
    if (absl::ConsumePrefix(&entry, "container=")) return std::string(entry);
  }
  return absl::NotFoundError("/proc/1/environ has no container=");
}

// The name becomes a label, so only what looks like one is taken over.
Virtualization Container(absl::string_view name, absl::string_view evidence) {
  const bool is_name =
      !name.empty() && name.size() <= 32 &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          absl::string_view::npos;
  return {.name = std::string(is_name ? name : "container-other"),
          .is_container = true,
          .evidence = std::string(evidence)};
}

absl::StatusOr<Virtualization> DetectMachine(const Files& files) {
  const absl::StatusOr<std::string> cpuinfo =
      files.Read("/proc/cpuinfo", size_t{16} << 20);
  if (!cpuinfo.ok()) return cpuinfo.status();
  std::string dmi;
  for (const absl::string_view file :
       {"sys_vendor", "product_name", "board_vendor", "bios_vendor"}) {
    dmi += files.Read(absl::StrCat("/sys/class/dmi/id/", file)).value_or("");
  }
  // Only x86 has "flags", and there a hypervisor shows itself among them;
  // elsewhere the vendor's name must do.
  const bool is_x86 = absl::StrContains(*cpuinfo, "flags");
  const bool has_hypervisor_flag = absl::StrContains(*cpuinfo, " hypervisor");
  const absl::string_view name = NameVirtualMachine(dmi);
  if (!has_hypervisor_flag && (is_x86 || name == "vm-other")) {
    return Virtualization{};
  }
  return Virtualization{.name = std::string(name)};
}

}  // namespace

absl::string_view NameVirtualMachine(absl::string_view dmi) {
  // The order matters: clouds run KVM and say so only by their own name.
  constexpr std::pair<absl::string_view, absl::string_view> kNames[] = {
      {"Amazon EC2", "amazon"},
      {"Google", "google"},
      {"KVM", "kvm"},
      {"OpenStack", "kvm"},
      {"Hetzner", "kvm"},
      {"DigitalOcean", "kvm"},
      {"QEMU", "qemu"},
      {"VMware", "vmware"},
      {"VirtualBox", "oracle"},
      {"innotek", "oracle"},
      {"Xen", "xen"},
      {"Parallels", "parallels"},
      {"BHYVE", "bhyve"},
      {"Hyper-V", "microsoft"},
      {"Virtual Machine", "microsoft"}};
  for (const auto& [vendor, name] : kNames) {
    if (absl::StrContains(dmi, vendor)) return name;
  }
  return "vm-other";
}

bool HasLxcfsOverProc(absl::string_view proc_mounts) {
  for (const absl::string_view line : absl::StrSplit(proc_mounts, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    if (fields.size() >= 3 && fields[2] == "fuse.lxcfs" &&
        absl::StartsWith(fields[1], "/proc/")) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<Virtualization> DetectVirtualization(const Files& files) {
  for (const Marker& marker : kMarkers) {
    const absl::StatusOr<std::string> name = NameIn(files, marker);
    if (name.ok()) return Container(*name, marker.path);
    if (!absl::IsNotFound(name.status())) return name.status();
  }
  const absl::StatusOr<bool> openvz = IsOpenVzGuest(files);
  if (!openvz.ok()) return openvz.status();
  if (*openvz) return Container("openvz", "/proc/vz");
  const absl::StatusOr<std::string> name = NameInInitEnvironment(files);
  if (name.ok()) return Container(*name, "/proc/1/environ");
  // These are the mounts this process sees, so they speak of the host only
  // where this process is not itself in a container beside it.
  if (!files.HasRoot() &&
      HasLxcfsOverProc(files.Read("/proc/mounts").value_or(""))) {
    return Container("lxc", "/proc/mounts");
  }
  return DetectMachine(files);
}

}  // namespace mailcow
