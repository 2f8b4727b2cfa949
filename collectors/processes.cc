#include "collectors/processes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"

namespace mailcow {
namespace {

bool IsNumber(absl::string_view text) {
  return text.find_first_not_of("0123456789") == absl::string_view::npos;
}

}  // namespace

absl::StatusOr<Processes> ListProcesses(const Files& files) {
  absl::StatusOr<std::vector<std::string>> names =
      files.ListDirectories("/proc");
  if (!names.ok()) return names.status();
  Processes processes{.pids = *std::move(names)};
  std::vector<std::string>& pids = processes.pids;
  std::erase_if(pids, [](const auto& name) { return !IsNumber(name); });
  std::sort(pids.begin(), pids.end(), [](const auto& one, const auto& other) {
    return std::make_pair(one.size(), one) >
           std::make_pair(other.size(), other);
  });
  // The first process is root's, and always there.
  processes.hides_others = pids.empty() || pids.back() != "1";
  return processes;
}

}  // namespace mailcow
