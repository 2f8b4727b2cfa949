#include "collectors/mail_service.h"

#include "absl/strings/string_view.h"

namespace mailcow {
namespace {

constexpr absl::string_view kEximUnits[] = {"exim4.service", "exim.service"};
constexpr absl::string_view kPostfixUnits[] = {"postfix.service",
                                               "postfix@-.service"};
constexpr absl::string_view kSendmailUnits[] = {"sendmail.service"};
constexpr absl::string_view kDovecotUnits[] = {"dovecot.service",
                                               "dovecot.socket"};
constexpr absl::string_view kCourierUnits[] = {
    "courier-mta.service",      "courier-mta-ssl.service",
    "courier-msa.service",      "courier-imap.service",
    "courier-imap-ssl.service", "courier-pop.service",
    "courier-pop-ssl.service",  "courier-imapd.service",
    "courier.service"};
constexpr absl::string_view kCyrusUnits[] = {"cyrus-imapd.service",
                                             "cyrus.service"};
constexpr absl::string_view kOpensmtpdUnits[] = {"opensmtpd.service",
                                                 "smtpd.service"};

// Without -bd exim delivers one message, called as sendmail(1) by a program.
constexpr ProcessMark kEximProcesses[] = {{"exim4", "", " -bd"},
                                          {"exim", "", " -bd"}};
constexpr ProcessMark kPostfixProcesses[] = {{"master", "/postfix/"}};
// The daemon says in its command line what it does.
constexpr ProcessMark kSendmailProcesses[] = {{"sendmail-mta", "sendmail:"},
                                              {"sendmail", "sendmail:"},
                                              {"sendmail", "", " -bd"}};
constexpr ProcessMark kDovecotProcesses[] = {{"dovecot", ""}};
constexpr ProcessMark kCourierProcesses[] = {{"couriertcpd", ""},
                                             {"courierd", ""}};
constexpr ProcessMark kCyrusProcesses[] = {
    {"cyrmaster", ""}, {"cyrus-master", ""}, {"master", "/cyrus"}};
// Postfix has a process of this name too, without a path.
constexpr ProcessMark kOpensmtpdProcesses[] = {{"smtpd", "/smtpd"},
                                               {"smtpd", "smtpd:"}};

constexpr Service kServices[] = {
    {"exim4", kEximUnits, kEximProcesses},
    {"postfix", kPostfixUnits, kPostfixProcesses},
    {"sendmail", kSendmailUnits, kSendmailProcesses},
    {"dovecot", kDovecotUnits, kDovecotProcesses},
    {"courier", kCourierUnits, kCourierProcesses},
    {"cyrus", kCyrusUnits, kCyrusProcesses},
    {"opensmtpd", kOpensmtpdUnits, kOpensmtpdProcesses},
};

}  // namespace

absl::Span<const Service> MailServices() { return kServices; }

}  // namespace mailcow
