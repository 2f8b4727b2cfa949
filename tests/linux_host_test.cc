#include "exporter/linux_host.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

// How far ahead of the kernel's time of day the tests have set it.
int64_t seconds_ahead = 0;

}  // namespace
}  // namespace mailcow

// Stands before that of the C library.
extern "C" int clock_gettime(clockid_t id, timespec* now) noexcept {
  const long result = syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_REALTIME) now->tv_sec += mailcow::seconds_ahead;
  return static_cast<int>(result);
}

namespace mailcow {
namespace {

using testing::Contains;
using testing::HasSubstr;

class LinuxKernelTest : public testing::Test {
 protected:
  ~LinuxKernelTest() override { seconds_ahead = 0; }

  // As patient as a slow machine needs.
  const LinuxKernel kernel_{Files(Files::Roots{}), absl::Minutes(1)};
};

TEST_F(LinuxKernelTest, UnameIsThatOfTheSystemCall) {
  utsname expected;
  ASSERT_EQ(uname(&expected), 0);
  const absl::StatusOr<SystemName> name = kernel_.Uname();
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->machine, expected.machine);
  EXPECT_EQ(name->release, expected.release);
}

TEST_F(LinuxKernelTest, AdjtimexIsThatOfTheSystemCallInSeconds) {
  // The kernel's numbers move: ours lies between one before and one after.
  timex before = {};
  timex after = {};
  const bool is_refused = adjtimex(&before) < 0;
  const absl::StatusOr<ClockState> clock = kernel_.Adjtimex();
  if (is_refused) {
    EXPECT_TRUE(absl::IsPermissionDenied(clock.status()));
    GTEST_SKIP() << "this container refuses adjtimex(2)";
  }
  ASSERT_GE(adjtimex(&after), 0);
  ASSERT_TRUE(clock.ok());
  const auto max_error = std::minmax(before.maxerror, after.maxerror);
  EXPECT_GE(clock->max_error_seconds,
            static_cast<double>(max_error.first) / 1e6);
  EXPECT_LE(clock->max_error_seconds,
            static_cast<double>(max_error.second) / 1e6);
  const double units_per_second = (before.status & STA_NANO) != 0 ? 1e9 : 1e6;
  const auto offset = std::minmax(before.offset, after.offset);
  EXPECT_GE(clock->offset_seconds,
            static_cast<double>(offset.first) / units_per_second);
  EXPECT_LE(clock->offset_seconds,
            static_cast<double>(offset.second) / units_per_second);
  EXPECT_EQ(clock->unsynchronized_flag, (before.status & STA_UNSYNC) != 0);
  EXPECT_EQ(clock->leap_second_pending,
            (before.status & (STA_INS | STA_DEL)) != 0);
}

TEST_F(LinuxKernelTest, NowIsTheTimeOfDay) {
  const auto before = std::chrono::system_clock::now();
  const absl::StatusOr<absl::Time> now = kernel_.Now();
  const auto after = std::chrono::system_clock::now();
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_GE(*now, absl::FromChrono(before) - absl::Milliseconds(10));
  EXPECT_LE(*now, absl::FromChrono(after) + absl::Milliseconds(10));
}

TEST_F(LinuxKernelTest, NowFollowsAStep) {
  const absl::Time before = *kernel_.Now();
  seconds_ahead = 3600;
  EXPECT_GE(*kernel_.Now() - before, absl::Minutes(59));
}

TEST_F(LinuxKernelTest, AClockThatNobodySetIsNotStepped) {
  EXPECT_EQ(kernel_.ClockSteps().value_or(-1), 0);
  EXPECT_EQ(kernel_.ClockSteps().value_or(-1), 0);
}

TEST_F(LinuxKernelTest, StepsCountFromTheBeginningOfTheProgram) {
  seconds_ahead = 3600;
  EXPECT_EQ(kernel_.ClockSteps().value_or(-1), 1);
  EXPECT_EQ(kernel_.ClockSteps().value_or(-1), 1);
  seconds_ahead = 0;
  EXPECT_EQ(kernel_.ClockSteps().value_or(-1), 2);
}

TEST_F(LinuxKernelTest, StatvfsIsThatOfTheSystemCallInBytes) {
  struct statvfs before = {};
  struct statvfs after = {};
  absl::StatusOr<Filesystem> root = absl::UnknownError("not asked");
  // Other processes write meanwhile: this wants a moment when none does.
  for (int i = 0; i < 10000; ++i) {
    ASSERT_EQ(statvfs("/", &before), 0);
    root = kernel_.Statvfs({"/"}).front();
    ASSERT_EQ(statvfs("/", &after), 0);
    if (before.f_bavail == after.f_bavail && before.f_favail == after.f_favail)
      break;
  }
  ASSERT_TRUE(root.ok()) << root.status();
  const auto block = static_cast<double>(before.f_frsize);
  EXPECT_EQ(root->size_bytes, block * static_cast<double>(before.f_blocks));
  EXPECT_EQ(root->available_bytes,
            block * static_cast<double>(before.f_bavail));
  EXPECT_EQ(root->inodes_available, static_cast<double>(before.f_favail));
  EXPECT_EQ(root->has_inodes, before.f_files != 0);
  EXPECT_EQ(*root->read_only, (before.f_flag & ST_RDONLY) != 0);
}

TEST_F(LinuxKernelTest, AFilesystemMayCountNoInodes) {
  const absl::StatusOr<Filesystem> proc = kernel_.Statvfs({"/proc"}).front();
  ASSERT_TRUE(proc.ok());
  EXPECT_FALSE(proc->has_inodes);
}

TEST_F(LinuxKernelTest, StatvfsOfAPathThatIsMissingIsNotFound) {
  const absl::Status status =
      kernel_.Statvfs({"/no/such/path"}).front().status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), HasSubstr("/no/such/path"));
}

TEST_F(LinuxKernelTest, StatvfsLooksBelowTheRootOfTheFiles) {
  const FakeRoot root;
  root.MakeDirectory("/var/vmail");
  const LinuxKernel kernel(root.files());
  const auto answers = kernel.Statvfs({"/var/vmail", "/usr"});
  EXPECT_TRUE(answers[0].ok());
  EXPECT_TRUE(absl::IsNotFound(answers[1].status()));
}

TEST_F(LinuxKernelTest, AddressesContainLoopback) {
  const absl::StatusOr<std::vector<IpAddress>> addresses = kernel_.Addresses();
  ASSERT_TRUE(addresses.ok());
  EXPECT_THAT(*addresses, Contains(*ParseIpAddress("127.0.0.1")));
}

// A socket that listens at a free port.
FileDescriptor Listen() {
  FileDescriptor listening(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(listen(listening.get(), 1), 0);
  return listening;
}

// What `kernel` tells of `socket`; nothing where it does not list it.
std::optional<Listener> ListedBy(const Kernel& kernel,
                                 const FileDescriptor& socket) {
  struct stat status = {};
  EXPECT_EQ(fstat(socket.get(), &status), 0);
  const absl::StatusOr<std::vector<Listener>> listeners = kernel.Listeners();
  EXPECT_TRUE(listeners.ok()) << listeners.status();
  if (!listeners.ok()) return std::nullopt;
  for (const Listener& listener : *listeners) {
    if (listener.inode == status.st_ino) return listener;
  }
  return std::nullopt;
}

TEST_F(LinuxKernelTest, AListenerIsListedAndItsOwnerFound) {
  const FileDescriptor listening = Listen();
  const std::optional<Listener> own = ListedBy(kernel_, listening);
  ASSERT_TRUE(own.has_value());
  EXPECT_TRUE(kernel_.OwnersOf({*own}).front().process.ok());
}

TEST_F(LinuxKernelTest, ListenersAreThoseOfEachMoment) {
  const FileDescriptor first = Listen();
  EXPECT_TRUE(ListedBy(kernel_, first).has_value());
  const FileDescriptor second = Listen();
  EXPECT_TRUE(ListedBy(kernel_, second).has_value());
  EXPECT_TRUE(ListedBy(kernel_, first).has_value());
}

TEST_F(LinuxKernelTest, SeveralThreadsMayAskForListenersAtOnce) {
  const FileDescriptor listening = Listen();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        EXPECT_TRUE(ListedBy(kernel_, listening).has_value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(IsSuperblockReadOnly, IsTheLastColumnNotThatOfTheMount) {
  EXPECT_FALSE(*IsSuperblockReadOnly(
      "36 35 8:1 / /host ro,relatime shared:1 - ext4 /dev/sda1 rw\n", "36"));
  EXPECT_TRUE(*IsSuperblockReadOnly(
      "36 35 8:1 / /host ro,relatime shared:1 - ext4 /dev/sda1 ro\n", "36"));
}

TEST(IsSuperblockReadOnly, ReadsOneOptionAmongOthers) {
  EXPECT_TRUE(*IsSuperblockReadOnly(
      "36 35 8:1 / / ro - ext4 /dev/sda1 ro,seclabel,data=ordered", "36"));
  EXPECT_TRUE(*IsSuperblockReadOnly(
      "36 35 8:1 / / ro - ext4 /dev/sda1 seclabel,ro", "36"));
  EXPECT_FALSE(*IsSuperblockReadOnly(
      "36 35 8:1 / / ro - ext4 /dev/sda1 rw,errors=remount-ro,prot", "36"));
}

TEST(IsSuperblockReadOnly, LooksAtTheLineOfTheMount) {
  constexpr absl::string_view kMounts =
      "22 35 0:21 / /proc rw - proc proc rw\n"
      "361 1 8:11 / / rw - ext4 /dev/sdb1 ro\n"
      "36 35 0:44 / /host ro shared:1 master:2 - btrfs /dev/sda1 rw\n";
  EXPECT_FALSE(*IsSuperblockReadOnly(kMounts, "36"));
  EXPECT_TRUE(*IsSuperblockReadOnly(kMounts, "361"));
}

TEST(IsSuperblockReadOnly, MountThatIsNotListedIsUnknownNotReadOnly) {
  EXPECT_TRUE(absl::IsNotFound(IsSuperblockReadOnly("", "36").status()));
  EXPECT_TRUE(absl::IsNotFound(
      IsSuperblockReadOnly("36 35 8:1 / / ro - ext4\n36 35 8:1\n36\n", "36")
          .status()));
}

}  // namespace
}  // namespace mailcow
