#include "collectors/service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

bool IsNameOfAny(absl::Span<const Service> services, absl::string_view name) {
  return std::any_of(
      services.begin(), services.end(), [name](const auto& service) {
        return std::any_of(
            service.processes.begin(), service.processes.end(),
            [name](const ProcessMark& mark) { return mark.name == name; });
      });
}

// Adds the process if it is one of a service. One that ended meanwhile is
// none.
void LookAt(absl::Span<const Service> services, const Files& files,
            const std::string& pid, const std::string& name,
            std::map<std::string, std::string>& found) {
  if (!IsNameOfAny(services, name)) return;
  const auto read = [&files, &pid](absl::string_view file) {
    return files.Read(absl::StrCat("/proc/", pid, "/", file)).value_or("");
  };
  const std::string status = read("status");
  // Kernels before 4.1 do not tell: better a container's than none.
  if (status.empty() || IsInContainer(status).value_or(false)) return;
  const std::string command_line = read("cmdline");
  for (const Service& service : services) {
    if (!IsProcessOf(service, name, command_line)) continue;
    found.emplace(service.name, name);
  }
}

}  // namespace

bool IsProcessOf(const Service& service, absl::string_view name,
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

absl::StatusOr<std::map<std::string, std::string>> FindProcessesOf(
    absl::Span<const Service> services, const ProcessNames& processes,
    const Files& files) {
  const auto names = processes.Latest();
  if (!names.ok()) return names.status();
  std::map<std::string, std::string> found;
  for (const auto& [pid, name] : **names) {
    LookAt(services, files, pid, name, found);
  }
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
