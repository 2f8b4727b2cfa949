#include "collectors/mail_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/processes.h"

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

constexpr MailService kServices[] = {
    {"exim4", kEximUnits, kEximProcesses},
    {"postfix", kPostfixUnits, kPostfixProcesses},
    {"sendmail", kSendmailUnits, kSendmailProcesses},
    {"dovecot", kDovecotUnits, kDovecotProcesses},
    {"courier", kCourierUnits, kCourierProcesses},
    {"cyrus", kCyrusUnits, kCyrusProcesses},
    {"opensmtpd", kOpensmtpdUnits, kOpensmtpdProcesses},
};

// As most processes are none of these, only their names are read.
bool IsNameOfAny(absl::string_view name) {
  return std::any_of(
      std::begin(kServices), std::end(kServices), [name](const auto& service) {
        return std::any_of(
            service.processes.begin(), service.processes.end(),
            [name](const ProcessMark& mark) { return mark.name == name; });
      });
}

// Adds the process if it is one of a mail service. One that ended meanwhile is
// none.
void LookAt(const Files& files, absl::string_view pid,
            std::map<std::string, std::string>& found) {
  const auto read = [&files, pid](absl::string_view name) {
    return files.Read(absl::StrCat("/proc/", pid, "/", name)).value_or("");
  };
  const std::string comm = read("comm");
  const absl::string_view name = absl::StripTrailingAsciiWhitespace(comm);
  if (!IsNameOfAny(name)) return;
  const std::string status = read("status");
  // Kernels before 4.1 do not tell: better a container's than none.
  if (status.empty() || IsInContainer(status).value_or(false)) return;
  const std::string command_line = read("cmdline");
  for (const MailService& service : kServices) {
    if (!IsProcessOf(service, name, command_line)) continue;
    found.emplace(service.name, name);
  }
}

}  // namespace

absl::Span<const MailService> MailServices() { return kServices; }

bool IsProcessOf(const MailService& service, absl::string_view name,
                 absl::string_view command_line) {
  const absl::string_view program =
      command_line.substr(0, command_line.find('\0'));
  const std::string words =
      absl::StrReplaceAll(command_line, {{absl::string_view("\0", 1), " "}});
  return std::any_of(service.processes.begin(), service.processes.end(),
                     [name, program, &words](const ProcessMark& mark) {
                       return mark.name == name &&
                              absl::StrContains(program, mark.program) &&
                              absl::StrContains(words, mark.words);
                     });
}

absl::StatusOr<std::map<std::string, std::string>> FindMailProcesses(
    const Files& files) {
  const absl::StatusOr<Processes> processes = ListProcesses(files);
  if (!processes.ok()) return processes.status();
  if (processes->hides_others) {
    return absl::PermissionDeniedError(
        "/proc does not show the processes of other users");
  }
  std::map<std::string, std::string> found;
  for (const std::string& pid : processes->pids) LookAt(files, pid, found);
  return found;
}

absl::StatusOr<bool> IsInContainer(absl::string_view proc_status) {
  for (absl::string_view line : absl::StrSplit(proc_status, '\n')) {
    if (!absl::ConsumePrefix(&line, "NSpid:")) continue;
    const std::vector<absl::string_view> numbers =
        absl::StrSplit(line, absl::ByAnyChar("\t "), absl::SkipEmpty());
    return numbers.size() > 1;
  }
  return absl::DataLossError("/proc/PID/status lacks NSpid");
}

}  // namespace mailcow
