#include "collectors/virtualization.h"

#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

// A machine without a hypervisor, to which a test adds what it is about.
class DetectVirtualizationTest : public testing::Test {
 protected:
  DetectVirtualizationTest() {
    root_.Write("/proc/cpuinfo", "flags\t\t: fpu vme de\n");
  }
  Virtualization Detect() { return *DetectVirtualization(root_.files()); }

  FakeRoot root_;
};

TEST_F(DetectVirtualizationTest, MachineIsNone) {
  EXPECT_EQ(Detect().name, "none");
  EXPECT_FALSE(Detect().is_container);
}

TEST_F(DetectVirtualizationTest, VirtualMachineIsNoContainer) {
  root_.Write("/proc/cpuinfo", "flags\t\t: fpu hypervisor lahf_lm\n");
  root_.Write("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  EXPECT_EQ(Detect().name, "qemu");
  EXPECT_FALSE(Detect().is_container);
}

TEST_F(DetectVirtualizationTest, HypervisorWithoutDmiIsSomeOther) {
  root_.Write("/proc/cpuinfo", "flags\t\t: fpu hypervisor lahf_lm\n");
  EXPECT_EQ(Detect().name, "vm-other");
}

TEST_F(DetectVirtualizationTest, ContainerManagersLeaveTheirMark) {
  root_.Write("/run/systemd/container", "lxc\n");
  EXPECT_EQ(Detect().name, "lxc");
  EXPECT_TRUE(Detect().is_container);
  EXPECT_EQ(Detect().evidence, "/run/systemd/container");
}

TEST_F(DetectVirtualizationTest, MarkWithoutANameIsSomeOtherContainer) {
  for (const char* content : {"", "<b>lxc</b>\n"}) {
    root_.Write("/run/systemd/container", content);
    EXPECT_EQ(Detect().name, "container-other");
    EXPECT_TRUE(Detect().is_container);
  }
}

TEST_F(DetectVirtualizationTest, BoardOfACloudsVendorIsAMachine) {
  root_.Write("/sys/class/dmi/id/sys_vendor", "Google\n");
  EXPECT_EQ(Detect().name, "none");
}

TEST_F(DetectVirtualizationTest, DockerLeavesAFile) {
  root_.Write("/.dockerenv", "");
  EXPECT_EQ(Detect().name, "docker");
  EXPECT_TRUE(Detect().is_container);
}

TEST_F(DetectVirtualizationTest, EnvironmentOfInitNamesTheManager) {
  root_.Write("/proc/1/environ",
              std::string("TERM=linux\0container=lxc\0", 25));
  EXPECT_EQ(Detect().name, "lxc");
  EXPECT_TRUE(Detect().is_container);
}

TEST_F(DetectVirtualizationTest, OpenVzGuestLacksWhatItsHostHas) {
  root_.MakeDirectory("/proc/vz");
  EXPECT_EQ(Detect().name, "openvz");
  EXPECT_TRUE(Detect().is_container);
  root_.MakeDirectory("/proc/bc");
  EXPECT_FALSE(Detect().is_container);
}

TEST_F(DetectVirtualizationTest, MountsOfAnExporterBesideTheHostDoNotCount) {
  root_.Write("/proc/mounts", "lxcfs /proc/meminfo fuse.lxcfs rw,nosuid 0 0\n");
  EXPECT_FALSE(Detect().is_container);
}

TEST_F(DetectVirtualizationTest, UnreadableMarkIsUnknownNotAbsent) {
  root_.MakeDirectory("/run/systemd/container");
  EXPECT_TRUE(absl::IsDataLoss(DetectVirtualization(root_.files()).status()));
}

TEST(DetectVirtualization, EmptyProcIsUnknownNotAMachine) {
  const FakeRoot root;
  EXPECT_TRUE(absl::IsUnavailable(DetectVirtualization(root.files()).status()));
  root.MakeDirectory("/proc");
  EXPECT_TRUE(absl::IsNotFound(DetectVirtualization(root.files()).status()));
}

TEST(HasLxcfsOverProc, TellsAGuestFromItsHost) {
  EXPECT_TRUE(
      HasLxcfsOverProc("proc /proc proc rw 0 0\n"
                       "lxcfs /proc/cpuinfo fuse.lxcfs rw,nosuid,nodev 0 0\n"));
  EXPECT_FALSE(HasLxcfsOverProc(
      "proc /proc proc rw 0 0\n"
      "lxcfs /var/lib/lxcfs fuse.lxcfs rw,nosuid,nodev 0 0\n"));
  EXPECT_FALSE(HasLxcfsOverProc(""));
}

TEST(NameVirtualMachine, CloudsGoBeforeTheHypervisorTheyRun) {
  EXPECT_EQ(NameVirtualMachine("Amazon EC2\nKVM\n"), "amazon");
  EXPECT_EQ(NameVirtualMachine("Hetzner\nvServer\n"), "kvm");
  EXPECT_EQ(NameVirtualMachine("Dell Inc.\n"), "vm-other");
}

}  // namespace
}  // namespace mailcow
