#include "exporter/dns_round.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>

#include "exporter/dns_asking.h"
#include "exporter/dns_channel.h"
#include "exporter/dns_message.h"
#include "exporter/dns_probe.h"

namespace mailcow {
namespace {

using Clock = DnsChannel::Clock;

// How long one resolver may be silent until the next is asked.
constexpr auto kPatience = std::chrono::seconds(1);

// A message that was sent; its place is its key.
struct Sent {
  size_t asking;
  size_t resolver;
  int step;
  bool has_edns;
  Clock::time_point at;
};

class Round {
 public:
  Round(const std::vector<NamedResolver>& resolvers,
        const std::vector<DnsQuestion>& questions, absl::Duration deadline)
      : deadline_(deadline) {
    for (const NamedResolver& resolver : resolvers) {
      auto channel = DnsChannel::Open(resolver, DnsChannel::Protocol::kUdp);
      opened_.push_back(channel.status());
      channels_.push_back(channel.ok() ? *std::move(channel) : nullptr);
    }
    for (const DnsQuestion& question : questions) {
      askings_.emplace_back(question, resolvers);
    }
    // Tells a name that cannot be resolved from resolvers that are dead.
    askings_.emplace_back(HarmlessQuestion(), resolvers);
    patient_till_.resize(askings_.size());
  }

  DnsRound Run();

 private:
  void AskNext(size_t index);
  void Send(const Sent& sent);
  void Handle(const DnsChannel::Event& event);
  void Fail(const Sent& sent, const absl::Status& status);
  Clock::time_point AskWhereSilent();
  bool IsDone() const;

  const absl::Duration deadline_;
  std::vector<std::unique_ptr<DnsChannel>> channels_;  // of each resolver
  std::vector<absl::Status> opened_;                   // those of channels_
  std::vector<DnsAsking> askings_;
  std::vector<Clock::time_point> patient_till_;  // in each of askings_
  std::vector<Sent> sent_;
  std::set<uint16_t> ids_;
  bool is_answered_ = false;
};

DnsRound Round::Run() {
  const auto end = Clock::now() + absl::ToChronoNanoseconds(deadline_);
  for (size_t i = 0; i < askings_.size(); ++i) AskNext(i);
  while (!IsDone() && Clock::now() < end) {
    DnsChannel::Await(channels_, std::min(end, AskWhereSilent()));
    for (const auto& channel : channels_) {
      if (channel == nullptr) continue;
      for (const auto& event : channel->TakeEvents()) Handle(event);
    }
  }
  DnsRound round = {.answers = {}, .is_answered = is_answered_};
  for (size_t i = 0; i + 1 < askings_.size(); ++i) {
    const DnsAsking& asking = is_answered_ ? askings_[i] : askings_.back();
    round.answers.push_back(asking.Result());
  }
  return round;
}

// Asks the next resolver that can be asked, if there is one.
void Round::AskNext(size_t index) {
  DnsAsking& asking = askings_[index];
  patient_till_[index] = Clock::now() + kPatience;
  while (asking.has_next()) {
    const size_t resolver = asking.TakeNext(NoDnsAnswer(deadline_));
    if (opened_[resolver].ok()) {
      return Send({.asking = index,
                   .resolver = resolver,
                   .step = asking.steps(),
                   .has_edns = true,
                   .at = Clock::now()});
    }
    asking.Fail(resolver, opened_[resolver]);
  }
}

void Round::Send(const Sent& sent) {
  const auto message = DnsQueryMessage(askings_[sent.asking].question(),
                                       NewDnsId(ids_), sent.has_edns);
  if (!message.ok()) return Fail(sent, message.status());
  sent_.push_back(sent);
  channels_[sent.resolver]->Send(*message, sent_.size() - 1);
}

void Round::Handle(const DnsChannel::Event& event) {
  Sent sent = sent_[event.key];
  DnsAsking& asking = askings_[sent.asking];
  is_answered_ = is_answered_ || event.message.ok();
  if (asking.is_done() || sent.step != asking.steps()) return;
  if (!event.message.ok()) return Fail(sent, event.message.status());
  if (sent.has_edns && IsFormatError(*event.message)) {
    sent.has_edns = false;
    return Send(sent);
  }
  absl::StatusOr<DnsReply> reply =
      ParseDnsReply(*event.message, asking.question());
  if (!reply.ok()) return Fail(sent, reply.status());
  if (reply->is_truncated) {
    return Fail(sent, absl::DataLossError("its answer is cut short, by TCP"));
  }
  asking.Accept(sent.resolver, *std::move(reply),
                absl::FromChrono(event.at - sent.at));
  if (!asking.is_done()) AskNext(sent.asking);
}

void Round::Fail(const Sent& sent, const absl::Status& status) {
  askings_[sent.asking].Fail(sent.resolver, status);
  AskNext(sent.asking);
}

// Says when the next one was silent for long enough.
Clock::time_point Round::AskWhereSilent() {
  auto next = Clock::time_point::max();
  for (size_t i = 0; i < askings_.size(); ++i) {
    if (askings_[i].is_done() || !askings_[i].has_next()) continue;
    if (Clock::now() >= patient_till_[i]) AskNext(i);
    if (askings_[i].has_next()) next = std::min(next, patient_till_[i]);
  }
  return next;
}

bool Round::IsDone() const {
  const auto is_over = [](const DnsAsking& asking) {
    return asking.is_done() || asking.is_exhausted();
  };
  // The last one matters only until somebody says something.
  return (is_answered_ || is_over(askings_.back())) &&
         std::all_of(askings_.begin(), askings_.end() - 1, is_over);
}

}  // namespace

DnsRound AskResolvers(const std::vector<NamedResolver>& resolvers,
                      const std::vector<DnsQuestion>& questions,
                      absl::Duration deadline) {
  return Round(resolvers, questions, deadline).Run();
}

}  // namespace mailcow
