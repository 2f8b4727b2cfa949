#include "collectors/system.h"

#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

class SystemCollector : public testing::Test {
 protected:
  Reading Measure(absl::string_view id) {
    return ReadingsOf(host_.CollectWith(*MakeSystemCollector()), id).front();
  }
  double Supported(const std::string& id, const std::string& version) {
    host_.root.Write("/etc/os-release",
                     absl::StrCat("ID=", id, "\nVERSION_ID=", version, "\n"));
    return *Measure("os_supported").value;
  }
  absl::StatusOr<double> KernelOn(const std::string& os,
                                  const std::string& release) {
    host_.root.Write("/etc/os-release", os);
    host_.kernel.uname = SystemName{.machine = "x86_64", .release = release};
    return Measure("kernel_supported").value;
  }

  const std::string jessie_ = "ID=debian\nVERSION_ID=8\n";
  FakeHost host_;
};

TEST_F(SystemCollector, ArchitectureIsX86Or64BitArm) {
  for (const auto& [machine, supported] : std::map<std::string, double>{
           {"x86_64", 1}, {"aarch64", 1}, {"i686", 0}, {"armv7l", 0}}) {
    host_.kernel.uname = SystemName{.machine = machine, .release = "6.1.0"};
    EXPECT_EQ(*Measure("architecture_supported").value, supported) << machine;
    EXPECT_EQ(Measure("architecture_supported").detail, machine);
  }
}

TEST_F(SystemCollector, Debian8NeedsLinux49) {
  EXPECT_EQ(*KernelOn(jessie_, "4.9.0-0.bpo.12-amd64"), 1);
  EXPECT_EQ(*KernelOn(jessie_, "4.8.0"), 0);
  EXPECT_EQ(*KernelOn(jessie_, "3.16.0-4-amd64"), 0);
}

TEST_F(SystemCollector, AnyOtherSystemMeetsTheKernelRule) {
  EXPECT_EQ(*KernelOn("ID=debian\nVERSION_ID=9\n", "3.16.0"), 1);
  EXPECT_EQ(*KernelOn("ID=ubuntu\nVERSION_ID=8\n", "3.16.0"), 1);
}

TEST_F(SystemCollector, UnknownSystemMattersToAnOldKernelOnly) {
  EXPECT_EQ(*KernelOn("noise\n", "6.1.0"), 1);
  EXPECT_TRUE(absl::IsDataLoss(KernelOn("noise\n", "3.16.0").status()));
}

TEST_F(SystemCollector, UnknownKernelMattersToDebian8Only) {
  host_.root.Write("/etc/os-release", jessie_);
  EXPECT_TRUE(absl::IsUnavailable(Measure("kernel_supported").value.status()));
  host_.root.Write("/etc/os-release", "ID=debian\nVERSION_ID=12\n");
  EXPECT_EQ(*Measure("kernel_supported").value, 1);
}

TEST_F(SystemCollector, DistributionsAreThoseOfMailcowsPage) {
  EXPECT_EQ(Supported("debian", "10"), 0);
  EXPECT_EQ(Supported("debian", "11"), 1);
  EXPECT_EQ(Supported("debian", "13"), 1);
  EXPECT_EQ(Supported("debian", "14"), 0);
  EXPECT_EQ(Supported("ubuntu", "21.10"), 0);
  EXPECT_EQ(Supported("ubuntu", "22.04"), 1);
  EXPECT_EQ(Supported("ubuntu", "26.04"), 1);
  EXPECT_EQ(Supported("almalinux", "7.9"), 0);
  EXPECT_EQ(Supported("almalinux", "8.10"), 1);
  EXPECT_EQ(Supported("almalinux", "9.4"), 1);
  EXPECT_EQ(Supported("almalinux", "10.0"), 0);
  EXPECT_EQ(Supported("rocky", "8.9"), 0);
  EXPECT_EQ(Supported("rocky", "9.4"), 1);
  EXPECT_EQ(Supported("alpine", "3.18.5"), 0);
  EXPECT_EQ(Supported("alpine", "3.19.1"), 1);
  EXPECT_EQ(Supported("fedora", "40"), 0);
  EXPECT_EQ(Supported("debian", ""), 0);
}

TEST_F(SystemCollector, ContainerIsNotSupportedAndNamed) {
  host_.root.Write("/run/systemd/container", "lxc");
  const Reading reading = Measure("virtualization_supported");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "lxc, as /run/systemd/container tells");
}

TEST_F(SystemCollector, MachineIsSupported) {
  host_.root.Write("/proc/cpuinfo", "flags : fpu\n");
  EXPECT_EQ(*Measure("virtualization_supported").value, 1);
}

TEST_F(SystemCollector, InformationHasEverythingInItsLabels) {
  host_.root.Write("/etc/os-release", "ID=debian\nVERSION_ID=12\n");
  host_.root.Write("/proc/cpuinfo", "flags : fpu\n");
  host_.kernel.uname = SystemName{.machine = "x86_64", .release = "6.1.0"};
  const Reading reading = Measure("system_info");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.labels, (Labels{{"architecture", "x86_64"},
                                    {"kernel", "6.1.0"},
                                    {"os", "debian"},
                                    {"os_version", "12"},
                                    {"virtualization", "none"}}));
}

TEST_F(SystemCollector, OfAnEmptyRootNothingIsKnown) {
  const Collected collected = host_.CollectWith(*MakeSystemCollector());
  EXPECT_EQ(collected.findings.size(), 5);
  for (const Finding& finding : collected.findings) {
    EXPECT_FALSE(finding.reading.value.ok()) << finding.requirement->id;
  }
}

}  // namespace
}  // namespace mailcow
