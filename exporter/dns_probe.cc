#include "exporter/dns_probe.h"

#include <cstdint>
#include <memory>
#include <set>
#include <utility>

#include "exporter/dns_channel.h"
#include "exporter/dns_message.h"

namespace mailcow {
namespace {

using Clock = DnsChannel::Clock;
using Protocol = DnsChannel::Protocol;

absl::StatusOr<absl::Duration> Judge(const DnsChannel::Event& event,
                                     Clock::time_point sent_at) {
  if (!event.message.ok()) return event.message.status();
  const auto reply = ParseDnsReply(*event.message, HarmlessQuestion());
  if (!reply.ok()) return reply.status();
  return absl::FromChrono(event.at - sent_at);
}

class Probe {
 public:
  explicit Probe(absl::Duration deadline) : deadline_(deadline) {}

  void Ask(const NamedResolver& resolver, Protocol protocol) {
    results_.push_back(NoDnsAnswer(deadline_));
    auto channel = DnsChannel::Open(resolver, protocol);
    const auto message =
        DnsQueryMessage(HarmlessQuestion(), NewDnsId(ids_), true);
    const bool is_sent = channel.ok() && message.ok();
    if (!channel.ok()) results_.back() = channel.status();
    channels_.push_back(is_sent ? *std::move(channel) : nullptr);
    sent_at_.push_back(Clock::now());
    if (!is_sent) return;
    channels_.back()->Send(*message, channels_.size() - 1);
    ++open_;
  }

  // One for each that was asked.
  std::vector<absl::StatusOr<absl::Duration>> Await() {
    const auto end = Clock::now() + absl::ToChronoNanoseconds(deadline_);
    while (open_ > 0 && Clock::now() < end) {
      DnsChannel::Await(channels_, end);
      for (const auto& channel : channels_) {
        if (channel == nullptr) continue;
        for (const auto& event : channel->TakeEvents()) {
          results_[event.key] = Judge(event, sent_at_[event.key]);
          --open_;
        }
      }
    }
    return results_;
  }

 private:
  const absl::Duration deadline_;
  std::vector<std::unique_ptr<DnsChannel>> channels_;
  std::vector<Clock::time_point> sent_at_;
  std::vector<absl::StatusOr<absl::Duration>> results_;
  std::set<uint16_t> ids_;
  size_t open_ = 0;
};

}  // namespace

DnsQuestion HarmlessQuestion() {
  constexpr uint16_t kNs = 2;
  return {.name = "", .type = static_cast<DnsType>(kNs)};
}

std::vector<DnsServer> ProbeResolvers(
    const std::vector<NamedResolver>& resolvers, absl::Duration deadline) {
  Probe probe(deadline);
  for (const NamedResolver& resolver : resolvers) {
    probe.Ask(resolver, Protocol::kUdpOnly);
    probe.Ask(resolver, Protocol::kTcp);
  }
  const auto results = probe.Await();
  std::vector<DnsServer> servers;
  for (size_t i = 0; i < resolvers.size(); ++i) {
    servers.push_back({.address = resolvers[i].name,
                       .udp = results[2 * i],
                       .tcp = results[2 * i + 1]});
  }
  return servers;
}

}  // namespace mailcow
