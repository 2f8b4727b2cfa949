#include "collectors/mail_service.h"

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The mail services that a process would be of; in `command_line` a blank
// stands for the zero byte.
std::vector<std::string> ServicesOf(absl::string_view name,
                                    absl::string_view command_line) {
  const std::string words =
      absl::StrReplaceAll(command_line, {{" ", absl::string_view("\0", 1)}});
  std::vector<std::string> services;
  for (const Service& service : MailServices()) {
    if (IsProcessOf(service, name, words)) services.emplace_back(service.name);
  }
  return services;
}

TEST(MailServices, AreThoseOfMailcowsPageAndTheirLike) {
  std::vector<std::string> names;
  for (const Service& service : MailServices()) {
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

}  // namespace
}  // namespace mailcow
