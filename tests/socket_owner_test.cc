#include "exporter/socket_owner.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

// As long as a slow machine may take, and as short as who waits for a search
// that hangs may wait.
constexpr absl::Duration kPatient = absl::Minutes(1);
constexpr absl::Duration kImpatient = absl::Milliseconds(1);

uint64_t InodeOf(const std::filesystem::path& path) {
  struct stat status = {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

// A process that holds sockets: its descriptor `fd` is socket `inode`.
void AddProcess(const FakeRoot& root, int pid, const std::string& name, int fd,
                uint64_t inode) {
  root.Write(absl::StrCat("/proc/", pid, "/comm"), name + "\n");
  root.Link(absl::StrCat("socket:[", inode, "]"),
            absl::StrCat("/proc/", pid, "/fd/", fd));
}

// A cgroup v2 with the processes `pids`. Returns its id.
uint64_t AddCgroup(const FakeRoot& root, const std::string& path,
                   const std::string& pids = "") {
  root.Write("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
  root.Write(absl::StrCat("/sys/fs/cgroup", path, "/cgroup.procs"), pids);
  return InodeOf(root.At(absl::StrCat("/sys/fs/cgroup", path)));
}

Listener Socket(uint64_t inode, uint64_t cgroup_id = 0) {
  return {.address = {}, .inode = inode, .cgroup_id = cgroup_id};
}

// Without it, /proc looks as if it hid the processes of others.
void AddInit(const FakeRoot& root) { AddProcess(root, 1, "systemd", 3, 1); }

absl::StatusOr<std::string> ProcessOf(const FakeRoot& root, uint64_t inode) {
  return SocketOwners(root.files(), kPatient)
      .Find({Socket(inode)})
      .front()
      .process;
}

absl::StatusOr<std::string> CgroupOf(const FakeRoot& root, uint64_t id) {
  return SocketOwners(root.files(), kPatient)
      .Find({Socket(0, id)})
      .front()
      .cgroup;
}

TEST(OnThisMachine, AListenerOfThisProcessIsFoundUntilItIsClosed) {
  SocketOwners owners(Files(Files::Roots{}), kPatient);
  uint64_t inode = 0;
  {
    const FileDescriptor listening(
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(listen(listening.get(), 1), 0);
    inode = InodeOf(absl::StrCat("/proc/self/fd/", listening.get()));
    absl::StatusOr<std::string> own =
        Files(Files::Roots{}).Read("/proc/self/comm");
    ASSERT_TRUE(own.ok());
    EXPECT_EQ(owners.Find({Socket(inode)}).front().process.value_or("?"),
              absl::StripSuffix(*own, "\n"));
  }
  EXPECT_FALSE(owners.Find({Socket(inode)}).front().process.ok());
}

TEST(FindProcess, IsTheOneThatHoldsTheSocket) {
  const FakeRoot root;
  AddProcess(root, 700, "nginx", 5, 4710);
  AddProcess(root, 812, "exim4", 5, 4711);
  EXPECT_EQ(ProcessOf(root, 4711).value_or("?"), "exim4");
}

TEST(FindProcess, ComparesTheWholeInode) {
  const FakeRoot root;
  AddInit(root);
  AddProcess(root, 812, "exim4", 5, 47110);
  EXPECT_TRUE(absl::IsNotFound(ProcessOf(root, 4711).status()));
}

TEST(FindProcess, WithoutOneIsNotFoundAndNamesTheSocket) {
  const FakeRoot root;
  AddInit(root);
  AddProcess(root, 812, "exim4", 5, 4712);
  const absl::Status status = ProcessOf(root, 4711).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no process in /proc holds socket 4711");
}

TEST(FindProcess, LooksAtProcessesOnly) {
  const FakeRoot root;
  AddInit(root);
  root.Write("/proc/self/comm", "exim4\n");
  root.Link("socket:[4711]", "/proc/self/fd/5");
  EXPECT_TRUE(absl::IsNotFound(ProcessOf(root, 4711).status()));
}

TEST(FindProcess, HiddenProcessesAreAMissingPrivilege) {
  const FakeRoot root;
  AddProcess(root, 812, "exporter", 5, 4712);
  const absl::Status status = ProcessOf(root, 4711).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_NE(status.message().find("CAP_SYS_PTRACE"), absl::string_view::npos);
}

TEST(FindProcess, FindsSeveralSocketsInOneSearch) {
  const FakeRoot root;
  AddProcess(root, 812, "exim4", 5, 4711);
  AddProcess(root, 900, "nginx", 5, 4712);
  SocketOwners owners(root.files(), kPatient);
  const std::vector<Owner> found =
      owners.Find({Socket(4712), Socket(4711), Socket(4712)});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].process.value_or("?"), "nginx");
  EXPECT_EQ(found[1].process.value_or("?"), "exim4");
  EXPECT_EQ(found[2].process.value_or("?"), "nginx");
}

TEST(FindProcess, OneThatLetGoOfTheSocketIsNotNamedAgain) {
  const FakeRoot root;
  AddProcess(root, 812, "exim4", 5, 4711);
  SocketOwners owners(root.files(), kPatient);
  EXPECT_EQ(owners.Find({Socket(4711)}).front().process.value_or("?"), "exim4");
  std::filesystem::remove(root.At("/proc/812/fd/5"));
  AddProcess(root, 900, "postfix", 3, 4711);
  EXPECT_EQ(owners.Find({Socket(4711)}).front().process.value_or("?"),
            "postfix");
}

TEST(FindProcess, AProcessIsNotSearchedTwiceForTheSameSocket) {
  const FakeRoot root;
  AddInit(root);
  SocketOwners owners(root.files(), kPatient);
  EXPECT_TRUE(
      absl::IsNotFound(owners.Find({Socket(4711)}).front().process.status()));
  AddProcess(root, 812, "exim4", 5, 4711);
  EXPECT_TRUE(
      absl::IsNotFound(owners.Find({Socket(4711)}).front().process.status()));
}

TEST(FindProcess, IsNotSearchedForWhileItHasTheSocket) {
  const FakeRoot root;
  AddProcess(root, 812, "exim4", 5, 4711);
  SocketOwners owners(root.files(), kPatient);
  EXPECT_EQ(owners.Find({Socket(4711)}).front().process.value_or("?"), "exim4");
  // A search would come upon this one first.
  AddProcess(root, 900, "postfix", 3, 4711);
  EXPECT_EQ(owners.Find({Socket(4711)}).front().process.value_or("?"), "exim4");
}

TEST(FindProcess, ADescriptorThatIsNowAnotherSocketIsNotTheOneOfBefore) {
  const FakeRoot root;
  AddInit(root);
  AddProcess(root, 812, "exim4", 5, 4711);
  SocketOwners owners(root.files(), kPatient);
  EXPECT_TRUE(owners.Find({Socket(4711)}).front().process.ok());
  std::filesystem::remove(root.At("/proc/812/fd/5"));
  AddProcess(root, 812, "exim4", 5, 4799);
  EXPECT_TRUE(
      absl::IsNotFound(owners.Find({Socket(4711)}).front().process.status()));
}

TEST(FindProcess, IsCalledByTheNameThatItHasNow) {
  const FakeRoot root;
  AddProcess(root, 812, "exim4", 5, 4711);
  SocketOwners owners(root.files(), kPatient);
  EXPECT_TRUE(owners.Find({Socket(4711)}).front().process.ok());
  root.Write("/proc/812/comm", "nginx\n");
  EXPECT_EQ(owners.Find({Socket(4711)}).front().process.value_or("?"), "nginx");
}

// More sockets than are remembered came and went.
TEST(FindProcess, MakingRoomForANewSocketKeepsThoseThatAreAskedFor) {
  const FakeRoot root;
  AddInit(root);
  AddProcess(root, 812, "exim4", 5, 4711);
  SocketOwners owners(root.files(), kPatient);
  std::vector<Listener> many = {Socket(4711)};
  for (uint64_t inode = 10'000; inode < 12'000; ++inode) {
    many.push_back(Socket(inode));
  }
  EXPECT_TRUE(owners.Find(many).front().process.ok());
  const std::vector<Owner> found = owners.Find({Socket(4711), Socket(4712)});
  EXPECT_EQ(found[0].process.value_or("?"), "exim4")
      << found[0].process.status();
  EXPECT_TRUE(absl::IsNotFound(found[1].process.status()));
}

// systemd keeps the sockets that it opens for a service.
TEST(FindProcess, PrefersTheProcessesOfTheSocketsCgroup) {
  const FakeRoot root;
  for (const int pid : {1, 2, 3, 900, 901}) {
    AddProcess(root, pid, "systemd", 40, 4711);
  }
  AddProcess(root, 812, "exim4", 5, 4711);
  const uint64_t id = AddCgroup(root, "/system.slice/exim4.service", "812\n");
  const Owner owner =
      SocketOwners(root.files(), kPatient).Find({Socket(4711, id)}).front();
  EXPECT_EQ(owner.process.value_or("?"), "exim4");
}

TEST(FindProcess, LooksEverywhereWhenTheCgroupHasNoneThatHoldsIt) {
  const FakeRoot root;
  AddProcess(root, 812, "exim4", 5, 4712);
  AddProcess(root, 1, "systemd", 40, 4711);
  const uint64_t id = AddCgroup(root, "/system.slice/exim4.service", "812\n");
  const Owner owner =
      SocketOwners(root.files(), kPatient).Find({Socket(4711, id)}).front();
  EXPECT_EQ(owner.process.value_or("?"), "systemd");
}

// A process whose descriptors cannot be listed until it is healed: below them
// is a FUSE filesystem whose server never answers.
class HungProcess {
 public:
  HungProcess(const FakeRoot& root, int pid)
      : path_(root.At(absl::StrCat("/proc/", pid, "/fd"))),
        server_(open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
    std::filesystem::create_directories(path_);
    const std::string options = absl::StrCat(
        "fd=", server_->get(), ",rootmode=40000,user_id=0,group_id=0");
    is_mounted_ = mount("hung", path_.c_str(), "fuse", 0, options.c_str()) == 0;
  }
  ~HungProcess() { Heal(); }
  HungProcess(const HungProcess&) = delete;
  HungProcess& operator=(const HungProcess&) = delete;

  bool is_hung() const { return is_mounted_; }
  void Heal() {
    server_.reset();
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
    is_mounted_ = false;
  }

 private:
  const std::filesystem::path path_;
  std::optional<FileDescriptor> server_;
  bool is_mounted_ = false;
};

// A search meets the process that hangs before it comes to exim's.
class SlowSearchTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!hung_.is_hung()) GTEST_SKIP() << "FUSE takes root and /dev/fuse";
    AddInit(root_);
    AddProcess(root_, 812, "exim4", 5, 4711);
  }
  absl::StatusOr<std::string> Ask(uint64_t inode) {
    return owners_->Find({Socket(inode)}).front().process;
  }
  // Asks until it is found, but not for ever.
  std::string Await(uint64_t inode) {
    absl::StatusOr<std::string> process = Ask(inode);
    for (int i = 0; i < 60'000 && !process.ok(); ++i) {
      absl::SleepFor(absl::Milliseconds(1));
      process = Ask(inode);
    }
    return process.value_or("?");
  }

  const FakeRoot root_;
  HungProcess hung_{root_, 900};
  std::optional<SocketOwners> owners_{std::in_place, root_.files(), kImpatient};
};

TEST_F(SlowSearchTest, IsDeadlineExceededAndSaysSo) {
  const absl::Status status = Ask(4711).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "its process is still searched for");
}

TEST_F(SlowSearchTest, ItsFindingsAreThereAtALaterQuestion) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(Ask(4711).status()));
  hung_.Heal();
  EXPECT_EQ(Await(4711), "exim4");
}

TEST_F(SlowSearchTest, DoesNotHoldWhatIsKnown) {
  AddProcess(root_, 901, "nginx", 5, 4712);
  EXPECT_EQ(Await(4712), "nginx");
  const std::vector<Owner> found = owners_->Find({Socket(4711), Socket(4712)});
  EXPECT_TRUE(absl::IsDeadlineExceeded(found[0].process.status()));
  EXPECT_EQ(found[1].process.value_or("?"), "nginx");
}

TEST_F(SlowSearchTest, IsNotBegunAgainWhileItHangs) {
  EXPECT_FALSE(Ask(4711).ok());
  const auto threads = [] {
    return Files(Files::Roots{}).List("/proc/self/task")->size();
  };
  const size_t before = threads();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Ask(4711).ok());
  EXPECT_LE(threads(), before);
}

TEST_F(SlowSearchTest, MayOutliveWhoAsked) {
  EXPECT_FALSE(Ask(4711).ok());
  owners_.reset();
  hung_.Heal();
}

TEST(FindCgroup, IsTheDirectoryWithThatInode) {
  const FakeRoot root;
  AddCgroup(root, "/system.slice/nginx.service");
  const uint64_t id = AddCgroup(root, "/system.slice/exim4.service");
  EXPECT_EQ(CgroupOf(root, id).value_or("?"), "/system.slice/exim4.service");
}

TEST(FindCgroup, TheRootIsASlash) {
  const FakeRoot root;
  EXPECT_EQ(CgroupOf(root, AddCgroup(root, "")).value_or("?"), "/");
}

TEST(FindCgroup, FindsV2BesideV1) {
  const FakeRoot root;
  root.MakeDirectory("/sys/fs/cgroup/memory");
  root.Write("/sys/fs/cgroup/unified/cgroup.controllers", "");
  root.MakeDirectory("/sys/fs/cgroup/unified/system.slice");
  const uint64_t id = InodeOf(root.At("/sys/fs/cgroup/unified/system.slice"));
  EXPECT_EQ(CgroupOf(root, id).value_or("?"), "/system.slice");
}

TEST(FindCgroup, OneThatIsMadeLaterIsFound) {
  const FakeRoot root;
  const uint64_t first = AddCgroup(root, "/a");
  SocketOwners owners(root.files(), kPatient);
  EXPECT_EQ(owners.Find({Socket(0, first)}).front().cgroup.value_or("?"), "/a");
  const uint64_t second = AddCgroup(root, "/b");
  EXPECT_EQ(owners.Find({Socket(0, second)}).front().cgroup.value_or("?"),
            "/b");
}

TEST(FindCgroup, OneThatIsGoneIsNotFound) {
  const FakeRoot root;
  const uint64_t id = AddCgroup(root, "/system.slice");
  // Away rather than removed, so that no other directory gets its inode.
  std::filesystem::rename(root.At("/sys/fs/cgroup/system.slice"),
                          root.At("/elsewhere"));
  const absl::Status status = CgroupOf(root, id).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "the cgroup of the socket is gone");
}

TEST(FindCgroup, WithoutV2IsNotFound) {
  const FakeRoot root;
  root.MakeDirectory("/sys/fs/cgroup/memory");
  const absl::Status status = CgroupOf(root, 4711).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no cgroup v2 is mounted at /sys/fs/cgroup");
}

TEST(FindCgroup, AnOldKernelTellsNone) {
  const FakeRoot root;
  AddCgroup(root, "/system.slice");
  EXPECT_TRUE(absl::IsUnimplemented(CgroupOf(root, 0).status()));
}

}  // namespace
}  // namespace mailcow
