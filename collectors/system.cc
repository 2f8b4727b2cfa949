#include "collectors/system.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

// The distributions of mailcow's page of today, with the versions it names.
struct SupportedOs {
  absl::string_view id;
  Version first;
  Version last;
};
constexpr Version kAnyLater = {1 << 30, 0};
constexpr Version kLastMinor = {0, 1 << 30};
constexpr SupportedOs kSupportedOs[] = {
    {"debian", {11, 0}, {13, kLastMinor.minor}},
    {"ubuntu", {22, 4}, kAnyLater},
    {"almalinux", {8, 0}, {9, kLastMinor.minor}},
    {"rocky", {9, 0}, {9, kLastMinor.minor}},
    {"alpine", {3, 19}, kAnyLater},
};

// Debian 8 needs this kernel for containers with health checks.
constexpr Version kJessieKernel = {4, 9};

bool IsSupported(const OsRelease& os) {
  const absl::StatusOr<Version> version = ParseVersion(os.version);
  return version.ok() &&
         std::any_of(std::begin(kSupportedOs), std::end(kSupportedOs),
                     [&](const SupportedOs& supported) {
                       return supported.id == os.id &&
                              supported.first <= *version &&
                              *version <= supported.last;
                     });
}

std::vector<Reading> OsSupported(const SystemFacts& facts) {
  if (!facts.os.ok()) return One(facts.os.status());
  return One(IsSupported(*facts.os) ? 1 : 0, facts.os->name);
}

std::vector<Reading> ArchitectureSupported(const SystemFacts& facts) {
  if (!facts.uname.ok()) return One(facts.uname.status());
  const std::string& machine = facts.uname->machine;
  return One(machine == "x86_64" || machine == "aarch64" ? 1 : 0, machine);
}

std::vector<Reading> KernelSupported(const SystemFacts& facts) {
  const bool is_jessie =
      facts.os.ok() && facts.os->id == "debian" && facts.os->version == "8";
  const std::string release = facts.uname.ok() ? facts.uname->release : "";
  // Only Debian 8 asks for a version: elsewhere the kernel need not be known.
  if (facts.os.ok() && !is_jessie) return One(1, release);
  if (!facts.uname.ok()) return One(facts.uname.status());
  const absl::StatusOr<Version> version = ParseVersion(release);
  if (!version.ok()) return One(version.status());
  if (*version >= kJessieKernel) return One(1, release);
  if (!facts.os.ok()) return One(facts.os.status());
  return One(0, release);
}

std::vector<Reading> VirtualizationSupported(const SystemFacts& facts) {
  if (!facts.virtualization.ok()) return One(facts.virtualization.status());
  const Virtualization& found = *facts.virtualization;
  if (!found.is_container) return One(1, found.name);
  return One(0, absl::StrCat(found.name, ", as ", found.evidence, " tells"));
}

std::vector<Reading> SystemInfo(const SystemFacts& facts) {
  for (const absl::Status& status : {facts.uname.status(), facts.os.status(),
                                     facts.virtualization.status()}) {
    if (!status.ok()) return One(status);
  }
  return {{.labels = {{"architecture", facts.uname->machine},
                      {"kernel", facts.uname->release},
                      {"os", facts.os->id},
                      {"os_version", facts.os->version},
                      {"virtualization", facts.virtualization->name}},
           .value = 1}};
}

constexpr Rule<SystemFacts> kRules[] = {
    {{.id = "architecture_supported",
      .required = Yes(),
      .what = "The architecture is x86_64 or aarch64",
      .remedy = "use a 64-bit x86 or ARM machine",
      .source = "uname(2)"},
     ArchitectureSupported},
    {{.id = "kernel_supported",
      .required = Yes(),
      .what = "The kernel runs containers with health checks: on Debian 8 it "
              "is 4.9 or later",
      .remedy = "install Linux 4.9 from jessie-backports, or a newer Debian",
      .source = "uname(2), /etc/os-release"},
     KernelSupported},
    {{.id = "virtualization_supported",
      .recommended = Yes(),
      .what = "The host is no container: not OpenVZ, Virtuozzo, LXC or another",
      .remedy =
          "move to a physical machine or a full virtual one, such as KVM; if "
          "only this exporter is in a container, mount the host's root "
          "and name it with --path.rootfs",
      .source = "/run/systemd/container, /proc/vz, /proc/1/environ and others"},
     VirtualizationSupported},
    {{.id = "os_supported",
      .recommended = Yes(),
      .what = "The distribution is Debian 11 to 13, Ubuntu 22.04 or later, "
              "AlmaLinux 8 or 9, Rocky Linux 9 or Alpine 3.19 or later",
      .remedy = "move to a distribution that mailcow supports",
      .source = "/etc/os-release"},
     OsSupported},
    {{.id = "system_info",
      .unit = Unit::kInfo,
      .what = "What the host is, in its labels",
      .source = "uname(2), /etc/os-release, /proc, /sys"},
     SystemInfo},
};

}  // namespace

std::unique_ptr<Collector> MakeSystemCollector() {
  return std::make_unique<RuleCollector<SystemFacts>>(Topic<SystemFacts>{
      .name = "system",
      .observe =
          [](const Host& host) {
            return SystemFacts{
                .uname = host.kernel.Uname(),
                .os = ReadOsRelease(host.files),
                .virtualization = DetectVirtualization(host.files)};
          },
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Minutes(1), .allowance = absl::Minutes(5)}});
}

}  // namespace mailcow
