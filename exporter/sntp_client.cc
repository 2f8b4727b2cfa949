#include "exporter/sntp_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "collectors/files.h"
#include "collectors/time_server.h"
#include "exporter/clock_steps.h"
#include "exporter/sntp_packet.h"

namespace mailcow {
namespace {

using Clock = std::chrono::steady_clock;
using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

// An answer that takes longer is of no use.
constexpr auto kPatience = std::chrono::milliseconds(1100);

// Of one name: the second is asked where the first cannot be reached.
constexpr int kMaxAddresses = 2;

absl::StatusOr<Addresses> Resolve(const TimeServerName& server) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  const std::string port = absl::StrCat(server.port);
  int result = getaddrinfo(server.host.c_str(), port.c_str(), &hints, &first);
  if (result == EAI_NONAME || result == EAI_ADDRFAMILY) {
    // Loopback alone does not count as an address of a family.
    hints.ai_flags = AI_NUMERICSERV;
    result = getaddrinfo(server.host.c_str(), port.c_str(), &hints, &first);
  }
  if (result != 0) {
    return absl::NotFoundError(
        absl::StrCat("its name cannot be looked up: ", gai_strerror(result)));
  }
  return Addresses(first, freeaddrinfo);
}

uint64_t Nonce() {
  uint64_t nonce = 0;
  // Does not fail for so few bytes.
  if (getrandom(&nonce, sizeof nonce, 0) < 0) std::abort();
  return nonce;
}

// Waits until something comes, no longer than `deadline`.
bool AwaitDatagram(int fd, Clock::time_point deadline) {
  pollfd poll_fd = {.fd = fd, .events = POLLIN, .revents = 0};
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return poll(&poll_fd, 1,
              static_cast<int>(std::max<int64_t>(left.count(), 0))) > 0;
}

// What is no answer to the question may be forged: the true one may follow.
absl::StatusOr<ServerTime> AwaitAnswer(int fd, uint64_t nonce,
                                       absl::Time asked_at,
                                       Clock::time_point begin) {
  absl::Status why_not = absl::DeadlineExceededError("it does not answer");
  while (AwaitDatagram(fd, begin + kPatience)) {
    std::array<char, 512> buffer;
    const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    const SntpExchange exchange = {
        .asked_at = asked_at,
        .answered_at = absl::Now(),
        .elapsed = absl::FromChrono(Clock::now() - begin)};
    if (size < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return absl::UnavailableError(absl::StrCat(
          "it refuses: ", absl::ErrnoToStatus(errno, "").message()));
    }
    const auto answer =
        ParseSntpAnswer({buffer.data(), static_cast<size_t>(size)}, nonce);
    if (answer.ok()) return MeasureServer(*answer, exchange);
    why_not = answer.status();
    if (!absl::IsDataLoss(why_not)) return why_not;
  }
  return why_not;
}

absl::StatusOr<ServerTime> AskAddress(const addrinfo& address) {
  const FileDescriptor fd(
      socket(address.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // What comes from another address, the kernel drops.
  if (fd.get() < 0 ||
      connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    return absl::UnavailableError(absl::ErrnoToStatus(errno, "").message());
  }
  const uint64_t nonce = Nonce();
  const std::string question = SntpQuestion(nonce);
  const Clock::time_point begin = Clock::now();
  const absl::Time asked_at = absl::Now();
  if (send(fd.get(), question.data(), question.size(), 0) < 0) {
    return absl::UnavailableError(absl::ErrnoToStatus(errno, "").message());
  }
  return AwaitAnswer(fd.get(), nonce, asked_at, begin);
}

}  // namespace

absl::StatusOr<ServerTime> AskTimeServer(const std::string& server) {
  const absl::StatusOr<TimeServerName> name = ParseTimeServer(server);
  if (!name.ok()) return name.status();
  const absl::StatusOr<Addresses> addresses = Resolve(*name);
  if (!addresses.ok()) return addresses.status();
  absl::StatusOr<ServerTime> answer = absl::NotFoundError("it has no address");
  const addrinfo* address = addresses->get();
  for (int i = 0; i < kMaxAddresses && address != nullptr; ++i) {
    answer = AskAddress(*address);
    // Another address would say the same of what this one said.
    const bool is_unreached = absl::IsDeadlineExceeded(answer.status()) ||
                              absl::IsUnavailable(answer.status());
    if (!is_unreached) return answer;
    address = address->ai_next;
  }
  return answer;
}

bool SntpClient::IsDue(const std::string& server, Clock::time_point now) const {
  const auto known = known_.find(server);
  return known == known_.end() ||
         absl::FromChrono(now - known->second.asked_at) >= known->second.wait;
}

void SntpClient::Store(const std::string& server, Clock::time_point asked_at,
                       absl::StatusOr<ServerTime> answer) const {
  absl::MutexLock lock(&mutex_);
  absl::Duration wait = pace_.every;
  if (absl::IsPermissionDenied(answer.status())) {
    wait = absl::InfiniteDuration();
  } else if (absl::IsResourceExhausted(answer.status())) {
    const auto known = known_.find(server);
    wait = 2 * (known == known_.end() ? wait : known->second.wait);
  }
  known_.insert_or_assign(server, Known{.answer = std::move(answer),
                                        .asked_at = asked_at,
                                        .wait = wait,
                                        .time_of_boot = TimeOfBoot()});
}

absl::StatusOr<ServerTime> SntpClient::AnswerNow(const Known& known) {
  absl::StatusOr<ServerTime> answer = known.answer;
  if (!answer.ok()) return answer;
  answer->age = absl::FromChrono(Clock::now() - known.asked_at);
  const std::optional<absl::Duration> time_of_boot = TimeOfBoot();
  if (known.time_of_boot.has_value() && time_of_boot.has_value()) {
    answer->offset_seconds -=
        absl::ToDoubleSeconds(*time_of_boot - *known.time_of_boot);
  }
  return answer;
}

std::vector<absl::StatusOr<ServerTime>> SntpClient::Ask(
    const std::vector<std::string>& servers) const {
  const Clock::time_point now = Clock::now();
  std::vector<std::pair<std::string, BoundedWait<ServerTime>::Question>> due;
  {
    absl::MutexLock lock(&mutex_);
    for (const std::string& server : servers) {
      if (!IsDue(server, now)) continue;
      due.emplace_back(server, [server] { return AskTimeServer(server); });
    }
  }
  std::vector<std::string> asked;
  for (const auto& [server, question] : due) asked.push_back(server);
  auto answers = questions_.AskAll(std::move(due));
  for (size_t i = 0; i < asked.size(); ++i) {
    Store(asked[i], now, std::move(answers[i]));
  }
  absl::MutexLock lock(&mutex_);
  std::vector<absl::StatusOr<ServerTime>> known;
  for (const std::string& server : servers) {
    known.push_back(AnswerNow(known_.at(server)));
  }
  return known;
}

}  // namespace mailcow
