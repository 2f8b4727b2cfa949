#include "collectors/mail_service.h"

#include <algorithm>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// The mail services that a process would be of; in `command_line` a blank
// stands for the zero byte.
std::vector<std::string> ServicesOf(absl::string_view name,
                                    absl::string_view command_line) {
  const std::string words =
      absl::StrReplaceAll(command_line, {{" ", absl::string_view("\0", 1)}});
  std::vector<std::string> services;
  for (const MailService& service : MailServices()) {
    if (IsProcessOf(service, name, words)) services.emplace_back(service.name);
  }
  return services;
}

TEST(MailServices, AreThoseOfMailcowsPageAndTheirLike) {
  std::vector<std::string> names;
  for (const MailService& service : MailServices()) {
    names.emplace_back(service.name);
    EXPECT_FALSE(service.units.empty()) << service.name;
    EXPECT_FALSE(service.processes.empty()) << service.name;
  }
  EXPECT_THAT(names, ElementsAre("exim4", "postfix", "sendmail", "dovecot",
                                 "courier", "cyrus", "opensmtpd"));
}

TEST(IsProcessOf, EximIsTheDaemon) {
  EXPECT_THAT(ServicesOf("exim4", "/usr/sbin/exim4 -bd -q30m "),
              ElementsAre("exim4"));
  EXPECT_THAT(ServicesOf("exim", "/usr/sbin/exim -bd -q1h "),
              ElementsAre("exim4"));
}

TEST(IsProcessOf, EximThatIsCalledAsSendmailDeliversOneMessage) {
  EXPECT_THAT(ServicesOf("exim4", "/usr/sbin/sendmail -t -oi "), IsEmpty());
  EXPECT_THAT(ServicesOf("sendmail", "/usr/sbin/sendmail -t -oi "), IsEmpty());
}

TEST(IsProcessOf, PostfixAndCyrusBothHaveAMaster) {
  EXPECT_THAT(ServicesOf("master", "/usr/lib/postfix/sbin/master -w "),
              ElementsAre("postfix"));
  EXPECT_THAT(ServicesOf("master", "/usr/libexec/postfix/master -w "),
              ElementsAre("postfix"));
  EXPECT_THAT(ServicesOf("master", "/usr/lib/cyrus/bin/master -d "),
              ElementsAre("cyrus"));
  EXPECT_THAT(ServicesOf("master", "/usr/bin/master "), IsEmpty());
}

TEST(IsProcessOf, SendmailSaysWhatItDoes) {
  EXPECT_THAT(
      ServicesOf("sendmail-mta", "sendmail: MTA: accepting connections"),
      ElementsAre("sendmail"));
  EXPECT_THAT(ServicesOf("sendmail", "sendmail: accepting connections"),
              ElementsAre("sendmail"));
  EXPECT_THAT(ServicesOf("sendmail", "/usr/sbin/sendmail -bd -q1h "),
              ElementsAre("sendmail"));
}

TEST(IsProcessOf, DovecotCourierAndCyrusGoByTheirNames) {
  EXPECT_THAT(ServicesOf("dovecot", "/usr/sbin/dovecot -F "),
              ElementsAre("dovecot"));
  EXPECT_THAT(ServicesOf("couriertcpd", "/usr/sbin/couriertcpd -address=0 "),
              ElementsAre("courier"));
  EXPECT_THAT(ServicesOf("courierd", "/usr/lib/courier/courierd "),
              ElementsAre("courier"));
  EXPECT_THAT(ServicesOf("cyrmaster", "/usr/sbin/cyrmaster -d "),
              ElementsAre("cyrus"));
  EXPECT_THAT(ServicesOf("cyrus-master", "/usr/libexec/cyrus-master "),
              ElementsAre("cyrus"));
}

TEST(IsProcessOf, OpensmtpdHasAPathOrSaysWhatItDoes) {
  EXPECT_THAT(ServicesOf("smtpd", "/usr/sbin/smtpd "),
              ElementsAre("opensmtpd"));
  EXPECT_THAT(ServicesOf("smtpd", "smtpd: control"), ElementsAre("opensmtpd"));
}

TEST(IsProcessOf, PostfixsSmtpdIsNotOpensmtpd) {
  EXPECT_THAT(
      ServicesOf("smtpd", "smtpd -n smtps -o tls_cert_file=/etc/smtpd.pem "),
      IsEmpty());
  EXPECT_THAT(ServicesOf("smtpd", "smtpd -n smtp -t inet -u -c -o stress= "),
              IsEmpty());
}

TEST(IsProcessOf, OtherProgramsAreNone) {
  EXPECT_THAT(ServicesOf("bash", "bash -c exim4 -bd "), IsEmpty());
  EXPECT_THAT(ServicesOf("", ""), IsEmpty());
}

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

class MailProcesses : public testing::Test {
 protected:
  MailProcesses() { Start(1, "systemd", "NSpid:\t1\n", "/sbin/init"); }

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
    return FindMailProcesses(root_.files());
  }

  FakeRoot root_;
};

TEST_F(MailProcesses, NamesServiceAndProcess) {
  Start(812, "exim4", "NSpid:\t812\n", "/usr/sbin/exim4 -bd ");
  Start(900, "master", "NSpid:\t900\n", "/usr/lib/postfix/sbin/master -w ");
  EXPECT_THAT(*Find(),
              ElementsAre(Pair("exim4", "exim4"), Pair("postfix", "master")));
}

TEST_F(MailProcesses, HostWithoutAnyHasNone) {
  Start(812, "sshd", "NSpid:\t812\n", "/usr/sbin/sshd -D ");
  EXPECT_THAT(*Find(), IsEmpty());
}

TEST_F(MailProcesses, ThoseInContainersAreLeftOut) {
  Start(812, "dovecot", "NSpid:\t812\t1\n", "/usr/sbin/dovecot -F ");
  EXPECT_THAT(*Find(), IsEmpty());
}

TEST_F(MailProcesses, OneThatEndsMeanwhileIsNone) {
  root_.Write("/proc/812/comm", "dovecot\n");
  root_.MakeDirectory("/proc/813");
  EXPECT_THAT(*Find(), IsEmpty());
}

TEST_F(MailProcesses, DirectoriesThatAreNoProcessesAreNone) {
  root_.Write("/proc/fs/comm", "dovecot\n");
  root_.Write("/proc/fs/status", "NSpid:\t1\n");
  EXPECT_THAT(*Find(), IsEmpty());
}

// Linux tells the numbers since 4.1; Debian 8 began with 3.16.
TEST_F(MailProcesses, ProcessOnAKernelWithoutNSpidIsNotTakenForAbsent) {
  Start(812, "exim4", "Name:\texim4\nPid:\t812\n", "/usr/sbin/exim4 -bd ");
  const auto found = Find();
  EXPECT_TRUE(!found.ok() || found->count("exim4") == 1);
}

TEST(FindMailProcesses, HiddenProcHidesWhatThereIs) {
  const FakeRoot root;
  root.MakeDirectory("/proc/812");
  EXPECT_TRUE(
      absl::IsPermissionDenied(FindMailProcesses(root.files()).status()));
}

TEST(FindMailProcesses, WithoutProcNothingIsKnown) {
  const FakeRoot root;
  EXPECT_FALSE(FindMailProcesses(root.files()).ok());
}

}  // namespace
}  // namespace mailcow
