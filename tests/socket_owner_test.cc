#include "exporter/socket_owner.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

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
  return SocketOwners(root.files()).Find({Socket(inode)}).front().process;
}

absl::StatusOr<std::string> CgroupOf(const FakeRoot& root, uint64_t id) {
  return SocketOwners(root.files()).Find({Socket(0, id)}).front().cgroup;
}

TEST(OnThisMachine, AListenerOfThisProcessIsFoundUntilItIsClosed) {
  SocketOwners owners{Files(Files::Roots{})};
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
  SocketOwners owners(root.files());
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
  SocketOwners owners(root.files());
  EXPECT_EQ(owners.Find({Socket(4711)}).front().process.value_or("?"), "exim4");
  std::filesystem::remove(root.At("/proc/812/fd/5"));
  AddProcess(root, 900, "postfix", 3, 4711);
  EXPECT_EQ(owners.Find({Socket(4711)}).front().process.value_or("?"),
            "postfix");
}

TEST(FindProcess, AProcessIsNotSearchedTwiceForTheSameSocket) {
  const FakeRoot root;
  AddInit(root);
  SocketOwners owners(root.files());
  EXPECT_TRUE(
      absl::IsNotFound(owners.Find({Socket(4711)}).front().process.status()));
  AddProcess(root, 812, "exim4", 5, 4711);
  EXPECT_TRUE(
      absl::IsNotFound(owners.Find({Socket(4711)}).front().process.status()));
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
      SocketOwners(root.files()).Find({Socket(4711, id)}).front();
  EXPECT_EQ(owner.process.value_or("?"), "exim4");
}

TEST(FindProcess, LooksEverywhereWhenTheCgroupHasNoneThatHoldsIt) {
  const FakeRoot root;
  AddProcess(root, 812, "exim4", 5, 4712);
  AddProcess(root, 1, "systemd", 40, 4711);
  const uint64_t id = AddCgroup(root, "/system.slice/exim4.service", "812\n");
  const Owner owner =
      SocketOwners(root.files()).Find({Socket(4711, id)}).front();
  EXPECT_EQ(owner.process.value_or("?"), "systemd");
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
  SocketOwners owners(root.files());
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
