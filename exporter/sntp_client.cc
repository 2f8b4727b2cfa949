#include "exporter/sntp_client.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "exporter/clock_steps.h"
#include "exporter/sntp_question.h"

namespace mailcow {
namespace {

using Clock = std::chrono::steady_clock;

absl::Duration Since(Clock::time_point time) {
  return absl::FromChrono(Clock::now() - time);
}

SntpResult Unanswered(const absl::Status& status) {
  return {
      .answer = status.ok() ? absl::NotFoundError("it has no address") : status,
      .is_unanswered = true,
      .at = Clock::now(),
      .time_of_boot = std::nullopt};
}

// The offset as it is now: nobody was asked again.
absl::StatusOr<ServerTime> BringUpToDate(const SntpResult& result) {
  absl::StatusOr<ServerTime> answer = result.answer;
  if (!answer.ok()) return answer;
  answer->age = Since(result.at);
  const std::optional<absl::Duration> time_of_boot = TimeOfBoot();
  if (result.time_of_boot.has_value() && time_of_boot.has_value()) {
    answer->offset_seconds -=
        absl::ToDoubleSeconds(*time_of_boot - *result.time_of_boot);
  }
  return answer;
}

}  // namespace

struct SntpClient::Shared {
  // An address that was asked, or is being asked.
  struct Asked {
    Clock::time_point at;
    absl::Duration wait;  // until it may be asked again
    std::shared_future<SntpResult> result;
  };
  // What came of a question, and when the next may be put.
  struct Reply {
    SntpResult result;
    Clock::time_point asked_at;
    absl::Duration wait;
  };

  explicit Shared(const Pace& p) : pace(p) {}

  Reply AskName(const std::string& server);
  Reply AskAddress(const ServerAddress& address);
  void Store(const std::string& server, Reply reply);
  bool IsDue(const std::string& server);
  absl::StatusOr<ServerTime> Latest(const std::string& server);
  void Forget(const std::vector<std::string>& servers);

  const Pace pace;
  absl::Mutex mutex;
  std::map<std::string, Reply> names ABSL_GUARDED_BY(mutex);
  std::map<std::string, Asked> addresses ABSL_GUARDED_BY(mutex);
};

SntpClient::Shared::Reply SntpClient::Shared::AskName(
    const std::string& server) {
  const auto found = LookUpTimeServer(server);
  // A question that did not even leave this host is put again at once.
  Reply reply = {.result = Unanswered(found.status()),
                 .asked_at = Clock::now(),
                 .wait = absl::ZeroDuration()};
  if (!found.ok()) return reply;
  for (const ServerAddress& address : *found) {
    reply = AskAddress(address);
    // Another address would say the same of what this one said.
    if (!reply.result.is_unanswered) break;
  }
  return reply;
}

SntpClient::Shared::Reply SntpClient::Shared::AskAddress(
    const ServerAddress& address) {
  std::promise<SntpResult> promise;
  Asked asked = {.at = Clock::now(),
                 .wait = pace.every,
                 .result = promise.get_future().share()};
  bool is_due = true;
  {
    absl::MutexLock lock(&mutex);
    const auto known = addresses.find(address.text);
    if (known != addresses.end()) {
      asked.wait = known->second.wait;
      is_due = Since(known->second.at) >= known->second.wait;
      if (!is_due) asked = known->second;
    }
    if (is_due) addresses.insert_or_assign(address.text, asked);
  }
  if (!is_due) return {asked.result.get(), asked.at, asked.wait};
  SntpResult result = AskTimeServer(address);
  promise.set_value(result);
  if (absl::IsResourceExhausted(result.answer.status())) asked.wait *= 2;
  if (absl::IsPermissionDenied(result.answer.status())) {
    asked.wait = absl::InfiniteDuration();
  }
  absl::MutexLock lock(&mutex);
  addresses.insert_or_assign(address.text, asked);
  return {std::move(result), asked.at, asked.wait};
}

void SntpClient::Shared::Store(const std::string& server, Reply reply) {
  absl::MutexLock lock(&mutex);
  const auto known = names.find(server);
  const bool is_forgiven = known != names.end() && reply.result.is_unanswered &&
                           known->second.result.answer.ok() &&
                           Since(known->second.result.at) < 2 * pace.every;
  if (is_forgiven) reply.result = known->second.result;
  // An address may want no more questions; the name may lead to another one.
  if (reply.wait == absl::InfiniteDuration()) reply.wait = pace.every;
  names.insert_or_assign(server, std::move(reply));
}

bool SntpClient::Shared::IsDue(const std::string& server) {
  absl::MutexLock lock(&mutex);
  const auto named = names.find(server);
  return named == names.end() ||
         Since(named->second.asked_at) >= named->second.wait;
}

absl::StatusOr<ServerTime> SntpClient::Shared::Latest(
    const std::string& server) {
  absl::MutexLock lock(&mutex);
  const auto named = names.find(server);
  if (named != names.end()) return BringUpToDate(named->second.result);
  return absl::DeadlineExceededError(
      absl::StrCat("its name is not looked up, or it does not answer, in ",
                   absl::FormatDuration(pace.deadline)));
}

// Forgets what is of no use for those that are asked now.
void SntpClient::Shared::Forget(const std::vector<std::string>& servers) {
  absl::MutexLock lock(&mutex);
  std::erase_if(names, [&](const auto& named) {
    return Since(named.second.asked_at) >= named.second.wait &&
           std::find(servers.begin(), servers.end(), named.first) ==
               servers.end();
  });
  std::erase_if(addresses, [&](const auto& asked) {
    return asked.second.wait == pace.every &&
           Since(asked.second.at) > 2 * pace.every;
  });
}

SntpClient::SntpClient(const Pace& pace)
    : shared_(std::make_shared<Shared>(pace)), questions_(pace.deadline) {}

SntpClient::~SntpClient() = default;

std::vector<absl::StatusOr<ServerTime>> SntpClient::Ask(
    const std::vector<std::string>& servers) const {
  shared_->Forget(servers);
  std::vector<std::pair<std::string, BoundedWait<bool>::Question>> due;
  for (const std::string& server : servers) {
    if (!shared_->IsDue(server)) continue;
    due.emplace_back(server, [shared = shared_, server] {
      shared->Store(server, shared->AskName(server));
      return true;
    });
  }
  questions_.AskAll(std::move(due));
  std::vector<absl::StatusOr<ServerTime>> answers;
  for (const std::string& server : servers) {
    answers.push_back(shared_->Latest(server));
  }
  return answers;
}

}  // namespace mailcow
