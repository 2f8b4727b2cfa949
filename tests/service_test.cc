#include "collectors/service.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "collectors/mail_service.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(IsInContainer, ProcessThatHasTwoNumbersIs) {
  EXPECT_TRUE(*IsInContainer("Name:\tdovecot\nNSpid:\t4711\t1\n"));
  EXPECT_TRUE(*IsInContainer("NSpid:\t4711\t23\t1\n"));
  EXPECT_FALSE(*IsInContainer("Name:\tdovecot\nNSpid:\t4711\nVmPeak:\t1 kB\n"));
}

TEST(IsInContainer, WithoutTheNumbersItIsUnknown) {
  for (const char* status :
       {"", "Name:\texim4\nPid:\t1\n", "NSpgid:\t1\t2\n"}) {
    EXPECT_TRUE(absl::IsDataLoss(IsInContainer(status).status())) << status;
  }
}

class Processes : public testing::Test {
 protected:
  Processes() { Start(1, "systemd", "NSpid:\t1\n", "/sbin/init"); }

  void Start(int pid, const std::string& name, const std::string& status,
             const std::string& command_line) {
    const std::string directory = absl::StrCat("/proc/", pid);
    root_.Write(directory + "/comm", name + "\n");
    root_.Write(directory + "/status", status);
    root_.Write(
        directory + "/cmdline",
        absl::StrReplaceAll(command_line, {{" ", absl::string_view("\0", 1)}}));
  }
  absl::StatusOr<std::map<std::string, std::string>> Find() {
    return FindProcessesOf(MailServices(), ProcessNames(root_.files()),
                           root_.files());
  }

  FakeRoot root_;
};

TEST_F(Processes, NamesServiceAndProcess) {
  Start(812, "exim4", "NSpid:\t812\n", "/usr/sbin/exim4 -bd ");
  Start(900, "master", "NSpid:\t900\n", "/usr/lib/postfix/sbin/master -w ");
  EXPECT_THAT(*Find(),
              ElementsAre(Pair("exim4", "exim4"), Pair("postfix", "master")));
}

TEST_F(Processes, HostWithoutAnyHasNone) {
  Start(812, "sshd", "NSpid:\t812\n", "/usr/sbin/sshd -D ");
  EXPECT_THAT(*Find(), IsEmpty());
}

TEST_F(Processes, ThoseInContainersAreLeftOut) {
  Start(812, "dovecot", "NSpid:\t812\t1\n", "/usr/sbin/dovecot -F ");
  EXPECT_THAT(*Find(), IsEmpty());
}

TEST_F(Processes, OneThatEndsMeanwhileIsNone) {
  root_.Write("/proc/812/comm", "dovecot\n");
  root_.MakeDirectory("/proc/813");
  EXPECT_THAT(*Find(), IsEmpty());
}

TEST_F(Processes, DirectoriesThatAreNoProcessesAreNone) {
  root_.Write("/proc/fs/comm", "dovecot\n");
  root_.Write("/proc/fs/status", "NSpid:\t1\n");
  EXPECT_THAT(*Find(), IsEmpty());
}

// Linux tells the numbers since 4.1; Debian 8 began with 3.16.
TEST_F(Processes, ProcessOnAKernelWithoutNSpidIsNotTakenForAbsent) {
  Start(812, "exim4", "Name:\texim4\nPid:\t812\n", "/usr/sbin/exim4 -bd ");
  const auto found = Find();
  EXPECT_TRUE(!found.ok() || found->count("exim4") == 1);
}

TEST(FindProcessesOf, HiddenProcHidesWhatThereIs) {
  const FakeRoot root;
  root.MakeDirectory("/proc/812");
  EXPECT_TRUE(absl::IsPermissionDenied(
      FindProcessesOf(MailServices(), ProcessNames(root.files()), root.files())
          .status()));
}

TEST(FindProcessesOf, WithoutProcNothingIsKnown) {
  const FakeRoot root;
  EXPECT_FALSE(
      FindProcessesOf(MailServices(), ProcessNames(root.files()), root.files())
          .ok());
}

}  // namespace
}  // namespace mailcow
