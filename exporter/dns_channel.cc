#include "exporter/dns_channel.h"

#include <ares.h>
#include <poll.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "exporter/dns_message.h"

namespace mailcow {
namespace {

constexpr auto kFirstWait = std::chrono::seconds(1);

// More than any deadline of ours.
constexpr int kNeverMilliseconds = 3'600'000;

int FlagsOf(DnsChannel::Protocol protocol) {
  // Errors of the resolver are for us to judge. A larger answer than without
  // EDNS would otherwise be taken for a truncated one.
  constexpr int kFlags =
      ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS;
  switch (protocol) {
    case DnsChannel::Protocol::kUdp:
      return kFlags;
    case DnsChannel::Protocol::kUdpOnly:
      return kFlags | ARES_FLAG_IGNTC;
    case DnsChannel::Protocol::kTcp:
      return kFlags | ARES_FLAG_USEVC;
  }
  return kFlags;
}

absl::Status CaresError(int status) {
  if (status == ARES_ETIMEOUT) return absl::DeadlineExceededError("no answer");
  if (status == ARES_ECONNREFUSED) {
    return absl::UnavailableError("it cannot be reached");
  }
  return absl::UnavailableError(ares_strerror(status));
}

int SetResolver(ares_channel channel, const NameServer& resolver) {
  ares_addr_port_node node = {};
  const bool is_ipv4 = resolver.address.family == IpAddress::Family::kIpv4;
  node.family = is_ipv4 ? AF_INET : AF_INET6;
  std::memcpy(&node.addr, resolver.address.bytes.data(), is_ipv4 ? 4 : 16);
  node.udp_port = resolver.port;
  node.tcp_port = resolver.port;
  return ares_set_servers_ports(channel, &node);
}

// What it waits for.
std::vector<pollfd> SocketsOf(ares_channel channel) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets = {};
  const int wanted = ares_getsock(channel, sockets.data(), sockets.size());
  std::vector<pollfd> polled;
  for (unsigned i = 0; i < sockets.size(); ++i) {
    const bool is_read = ARES_GETSOCK_READABLE(wanted, i);
    const bool is_written = ARES_GETSOCK_WRITABLE(wanted, i);
    if (!is_read && !is_written) continue;
    const int events = (is_read ? POLLIN : 0) | (is_written ? POLLOUT : 0);
    polled.push_back({.fd = sockets.at(i),
                      .events = static_cast<int16_t>(events),
                      .revents = 0});
  }
  return polled;
}

}  // namespace

// A question that is under way; c-ares tells of each exactly once.
struct DnsChannel::Waiting {
  DnsChannel* channel;
  size_t key;
};

absl::StatusOr<std::unique_ptr<DnsChannel>> DnsChannel::Open(
    const NamedResolver& resolver, Protocol protocol) {
  if (!resolver.resolver.ok()) return resolver.resolver.status();
  std::array<char, 2> lookups = {'b', '\0'};
  ares_options options = {};
  options.flags = FlagsOf(protocol);
  options.timeout = kNeverMilliseconds;
  // Sending again would hide from c-ares that nobody is there: what one
  // question is told of it, the next one on that socket is not.
  options.tries = 1;
  options.ndots = 1;
  options.lookups = lookups.data();
  options.ednspsz = kDnsPayloadBytes;
  // What is not set is read from the /etc of this machine, which may not be
  // that of the host.
  constexpr int kSet = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                       ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_EDNSPSZ |
                       ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
                       ARES_OPT_NOROTATE;
  ares_channel channel = nullptr;
  int status = ares_init_options(&channel, &options, kSet);
  if (status != ARES_SUCCESS) return CaresError(status);
  // Owned from here on.
  std::unique_ptr<DnsChannel> opened(new DnsChannel(channel, protocol));
  status = SetResolver(channel, *resolver.resolver);
  if (status != ARES_SUCCESS) return CaresError(status);
  return opened;
}

DnsChannel::~DnsChannel() { ares_destroy(channel_); }

void DnsChannel::OnAnswer(void* waiting, int status, int /*timeouts*/,
                          unsigned char* bytes, int size) {
  const std::unique_ptr<Waiting> answered(static_cast<Waiting*>(waiting));
  DnsChannel& channel = *answered->channel;
  // It may have been sent, and answered, twice.
  if (channel.open_.erase(answered->key) == 0) return;
  absl::StatusOr<std::string> message = CaresError(status);
  if (status == ARES_SUCCESS) {
    message = std::string(reinterpret_cast<const char*>(bytes),
                          static_cast<size_t>(size));
  }
  channel.events_.push_back({answered->key, std::move(message), Clock::now()});
}

void DnsChannel::Send(const std::string& message, size_t key) {
  open_[key] = {.message = message,
                .wait = kFirstWait,
                .again_at = Clock::now() + kFirstWait};
  SendNow(message, key);
}

void DnsChannel::SendNow(const std::string& message, size_t key) {
  auto waiting =
      std::make_unique<Waiting>(Waiting{.channel = this, .key = key});
  ares_send(channel_, reinterpret_cast<const unsigned char*>(message.data()),
            static_cast<int>(message.size()), OnAnswer, waiting.release());
}

void DnsChannel::SendAgain() {
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<std::string, size_t>> late;
  for (auto& [key, open] : open_) {
    if (protocol_ == Protocol::kTcp || now < open.again_at) continue;
    open.wait *= 2;
    open.again_at = now + open.wait;
    late.emplace_back(open.message, key);
  }
  for (const auto& [message, key] : late) SendNow(message, key);
}

std::vector<DnsChannel::Event> DnsChannel::TakeEvents() {
  return std::exchange(events_, {});
}

void DnsChannel::Await(const std::vector<std::unique_ptr<DnsChannel>>& channels,
                       Clock::time_point until) {
  using std::chrono::milliseconds;
  std::vector<pollfd> polled;
  std::vector<ares_channel> owners;  // of each that is polled
  for (const std::unique_ptr<DnsChannel>& channel : channels) {
    if (channel == nullptr) continue;
    if (channel->has_events()) return;
    for (const pollfd& socket : SocketsOf(channel->channel_)) {
      polled.push_back(socket);
      owners.push_back(channel->channel_);
    }
    if (channel->protocol_ == Protocol::kTcp) continue;
    for (const auto& [key, open] : channel->open_) {
      until = std::min(until, open.again_at);
    }
  }
  const auto wait = std::max(
      std::chrono::ceil<milliseconds>(until - Clock::now()), milliseconds(0));
  poll(polled.data(), polled.size(), static_cast<int>(wait.count()));
  for (size_t i = 0; i < polled.size(); ++i) {
    // One that failed is readable: reading says why.
    const int fd = polled[i].fd;
    const bool is_writable = (polled[i].revents & POLLOUT) != 0;
    const bool is_readable = (polled[i].revents & ~POLLOUT) != 0;
    ares_process_fd(owners[i], is_readable ? fd : ARES_SOCKET_BAD,
                    is_writable ? fd : ARES_SOCKET_BAD);
  }
  for (const auto& channel : channels) {
    if (channel != nullptr) channel->SendAgain();
  }
}

uint16_t NewDnsId(std::set<uint16_t>& ids) {
  uint16_t id = 0;
  do {
    // Does not fail for so few bytes.
    if (getrandom(&id, sizeof id, 0) < 0) std::abort();
  } while (!ids.insert(id).second);
  return id;
}

absl::Status NoDnsAnswer(absl::Duration deadline) {
  return absl::DeadlineExceededError(absl::StrCat(
      "no answer within ", absl::ToDoubleSeconds(deadline), " seconds"));
}

}  // namespace mailcow
