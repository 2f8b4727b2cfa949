#include "collectors/process_names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/processes.h"

namespace mailcow {
namespace {

// Topics that ask at about the same time share one reading.
constexpr std::chrono::seconds kShared{5};

// A process may give itself another name.
constexpr std::chrono::minutes kAnyway{5};

}  // namespace

absl::StatusOr<std::shared_ptr<const ProcessNames::Names>> ProcessNames::Read()
    const {
  const absl::StatusOr<Processes> processes = ListProcesses(files_);
  if (!processes.ok()) return processes.status();
  if (processes->hides_others) {
    return absl::PermissionDeniedError(
        "/proc does not show the processes of other users");
  }
  std::map<std::string, std::string> before;
  if (names_ != nullptr) before = {names_->begin(), names_->end()};
  std::map<std::string, std::string> settled;
  auto names = std::make_shared<Names>();
  for (const std::string& pid : processes->pids) {
    if (const auto known = settled_.find(pid); known != settled_.end()) {
      names->push_back(*known);
      settled.insert(*known);
      continue;
    }
    absl::StatusOr<std::string> name =
        files_.Read(absl::StrCat("/proc/", pid, "/comm"));
    if (!name.ok()) continue;
    absl::StripTrailingAsciiWhitespace(&*name);
    if (before.count(pid) == 1) settled.emplace(pid, *name);
    names->emplace_back(pid, *std::move(name));
  }
  settled_ = std::move(settled);
  return names;
}

absl::StatusOr<std::shared_ptr<const ProcessNames::Names>>
ProcessNames::Latest() const {
  absl::MutexLock lock(&mutex_);
  const auto now = clock_();
  const std::optional<std::string> forks =
      ParseForks(files_.Read("/proc/stat", size_t{16} << 20).value_or(""));
  const bool is_known = names_ != nullptr && forks.has_value();
  const bool is_same = is_known && forks == forks_;
  if (is_known && now - read_at_ < kShared) return names_;
  // A process takes its name a moment after it was begun: what was read then
  // is read once more.
  const bool is_due = now - all_read_at_ >= kAnyway;
  if (is_same && was_read_twice_ && !is_due) return names_;
  if (is_due || !forks.has_value()) {
    settled_.clear();
    all_read_at_ = now;
  }
  auto names = Read();
  if (!names.ok()) return names;
  names_ = *names;
  read_at_ = now;
  was_read_twice_ = is_same;
  forks_ = forks;
  return names_;
}

std::optional<std::string> ParseForks(absl::string_view proc_stat) {
  for (absl::string_view line : absl::StrSplit(proc_stat, '\n')) {
    if (absl::ConsumePrefix(&line, "processes ")) return std::string(line);
  }
  return std::nullopt;
}

}  // namespace mailcow
