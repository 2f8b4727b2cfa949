#include "exporter/dns_client.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/resolv_conf.h"
#include "exporter/dns_message.h"
#include "exporter/dns_probe.h"
#include "exporter/dns_round.h"

namespace mailcow {
namespace {

// More would not fit into the buffers of a resolver's socket, or of ours.
constexpr ptrdiff_t kQuestionsAtOnce = 64;

// How much of an interval a failure counts for.
constexpr int kFailureShare = 10;

std::chrono::steady_clock::time_point Until(absl::Duration wait) {
  return std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(wait);
}

bool HasFailed(const DnsServer& server) {
  return !server.udp.ok() || !server.tcp.ok();
}

}  // namespace

std::vector<absl::StatusOr<DnsAnswer>> DnsClient::Ask(
    const std::vector<DnsQuestion>& questions) const {
  std::vector<absl::StatusOr<DnsQuestion>> normal;
  for (const DnsQuestion& question : questions) {
    const absl::StatusOr<std::string> name = NormalDnsName(question.name);
    if (name.ok()) {
      normal.push_back(DnsQuestion{*name, question.type});
    } else {
      normal.push_back(name.status());
    }
  }
  std::map<DnsQuestion, std::shared_future<Known>> replies;
  std::map<DnsQuestion, std::promise<Known>> due;
  {
    absl::MutexLock lock(&mutex_);
    Forget();
    for (const auto& question : normal) {
      if (!question.ok()) continue;
      const auto [known, is_due] = known_.try_emplace(*question);
      if (is_due) known->second = due[*question].get_future().share();
      replies[*question] = known->second;
    }
  }
  Resolve(due);
  Answers answers;
  for (const auto& question : normal) {
    if (!question.ok()) {
      answers.push_back(question.status());
      continue;
    }
    // Others who ask began before this, and each part of what they ask has the
    // same deadline.
    const Known& known = replies[*question].get();
    answers.push_back(known.answer);
    if (!known.answer.ok()) continue;
    answers.back()->age = absl::FromChrono(Clock::now() - known.at);
  }
  return answers;
}

// Forgets what no longer counts.
void DnsClient::Forget() const {
  std::erase_if(known_, [](const auto& known) {
    const std::shared_future<Known>& reply = known.second;
    return reply.wait_for(std::chrono::seconds(0)) ==
               std::future_status::ready &&
           Clock::now() >= reply.get().until;
  });
}

void DnsClient::Resolve(std::map<DnsQuestion, std::promise<Known>>& due) const {
  if (due.empty()) return;
  std::vector<DnsQuestion> questions;
  for (const auto& [question, promise] : due) questions.push_back(question);
  Answers answers = AskNow(questions);
  auto answer = answers.begin();
  for (auto& [question, promise] : due) {
    const absl::Duration wait =
        answer->ok() ? settings_.every : settings_.every / kFailureShare;
    promise.set_value({.answer = std::move(*answer),
                       .at = Clock::now(),
                       .until = Until(wait)});
    ++answer;
  }
}

absl::StatusOr<DnsClient::Resolvers> DnsClient::FindResolvers() const {
  std::vector<std::string> names = settings_.resolvers;
  if (names.empty()) {
    const absl::StatusOr<std::string> text = files_.Read("/etc/resolv.conf");
    if (!text.ok()) return text.status();
    for (const NameServer& server : ParseResolvConf(*text)) {
      names.push_back(ToString(server));
    }
  }
  return NameResolvers(names, settings_.trusted);
}

DnsClient::Answers DnsClient::AskNow(
    const std::vector<DnsQuestion>& due) const {
  const absl::StatusOr<Resolvers> resolvers = FindResolvers();
  if (!resolvers.ok()) {
    return Answers(due.size(),
                   absl::UnavailableError(resolvers.status().message()));
  }
  {
    absl::MutexLock lock(&mutex_);
    if (dead_.has_value() && dead_->resolvers == *resolvers &&
        Clock::now() < dead_->until) {
      return Answers(due.size(), dead_->status);
    }
  }
  Answers answers;
  while (answers.size() < due.size()) {
    const auto first = due.begin() + static_cast<ptrdiff_t>(answers.size());
    const auto last =
        first + std::min<ptrdiff_t>(kQuestionsAtOnce, due.end() - first);
    DnsRound round =
        AskResolvers(*resolvers, {first, last}, settings_.deadline);
    std::move(round.answers.begin(), round.answers.end(),
              std::back_inserter(answers));
    absl::MutexLock lock(&mutex_);
    dead_.reset();
    if (round.is_answered) continue;
    dead_ = Dead{.resolvers = *resolvers,
                 .status = answers.back().status(),
                 .until = Until(settings_.every / kFailureShare)};
    answers.resize(due.size(), dead_->status);
  }
  return answers;
}

absl::StatusOr<std::vector<DnsServer>> DnsClient::Servers() const {
  const absl::StatusOr<Resolvers> resolvers = FindResolvers();
  if (!resolvers.ok()) return resolvers.status();
  absl::MutexLock lock(&probe_mutex_);
  if (!probed_.has_value() || probed_->resolvers != *resolvers ||
      Clock::now() >= probed_->until) {
    probed_ = Probed{.resolvers = *resolvers,
                     .servers = ProbeResolvers(*resolvers, settings_.deadline)};
    const bool has_failed = std::any_of(probed_->servers.begin(),
                                        probed_->servers.end(), HasFailed);
    probed_->until =
        Until(has_failed ? settings_.every / kFailureShare : settings_.every);
  }
  return probed_->servers;
}

}  // namespace mailcow
