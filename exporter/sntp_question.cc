#include "exporter/sntp_question.h"

#include <netdb.h>
#include <poll.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
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

constexpr size_t kMaxAddresses = 2;

absl::StatusOr<Addresses> LookUp(const TimeServerName& server) {
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

std::string TextOf(const addrinfo& address) {
  std::array<char, NI_MAXHOST> host = {};
  std::array<char, NI_MAXSERV> port = {};
  getnameinfo(address.ai_addr, address.ai_addrlen, host.data(), host.size(),
              port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
  return absl::StrCat(host.data(), " port ", port.data());
}

uint64_t Nonce() {
  uint64_t nonce = 0;
  // Does not fail for so few bytes.
  if (getrandom(&nonce, sizeof nonce, 0) < 0) std::abort();
  return nonce;
}

SntpResult Unanswered(absl::Status status) {
  return {.answer = std::move(status),
          .is_unanswered = true,
          .at = Clock::now(),
          .time_of_boot = std::nullopt};
}

// Waits until something comes, no longer than `deadline`.
bool AwaitDatagram(int fd, Clock::time_point deadline) {
  pollfd poll_fd = {.fd = fd, .events = POLLIN, .revents = 0};
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) return false;
  return poll(&poll_fd, 1, static_cast<int>(left.count())) > 0;
}

// What is no answer to the question may be forged: the true one may follow.
SntpResult AwaitAnswer(int fd, uint64_t nonce, absl::Time asked_at,
                       Clock::time_point begin) {
  absl::Status why_not = absl::DeadlineExceededError("it does not answer");
  while (AwaitDatagram(fd, begin + kPatience)) {
    std::array<char, 512> buffer;
    const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    const Clock::time_point now = Clock::now();
    const SntpExchange exchange = {.asked_at = asked_at,
                                   .answered_at = TimeOfDay(),
                                   .elapsed = absl::FromChrono(now - begin)};
    if (size < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return Unanswered(absl::UnavailableError(
          absl::StrCat("it refuses: ", std::strerror(errno))));
    }
    const auto answer =
        ParseSntpAnswer({buffer.data(), static_cast<size_t>(size)}, nonce);
    why_not = answer.status();
    // It is an answer, even if one that is of no use.
    if (answer.ok() || !absl::IsDataLoss(why_not)) {
      return {
          .answer = answer.ok() ? MeasureServer(*answer, exchange) : why_not,
          .at = now,
          .time_of_boot = TimeOfBoot()};
    }
  }
  return Unanswered(why_not);
}

}  // namespace

absl::StatusOr<std::vector<ServerAddress>> LookUpTimeServer(
    const std::string& server) {
  const absl::StatusOr<TimeServerName> name = ParseTimeServer(server);
  if (!name.ok()) return name.status();
  const absl::StatusOr<Addresses> found = LookUp(*name);
  if (!found.ok()) return found.status();
  std::vector<ServerAddress> addresses;
  for (const addrinfo* info = found->get();
       info != nullptr && addresses.size() < kMaxAddresses;
       info = info->ai_next) {
    ServerAddress& address = addresses.emplace_back();
    std::memcpy(&address.bytes, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
    address.text = TextOf(*info);
  }
  return addresses;
}

SntpResult AskTimeServer(const ServerAddress& address) {
  const FileDescriptor fd(
      socket(address.bytes.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) {
    return Unanswered(
        absl::InternalError(absl::StrCat("socket: ", std::strerror(errno))));
  }
  const uint64_t nonce = Nonce();
  const std::string question = SntpQuestion(nonce);
  const Clock::time_point begin = Clock::now();
  const absl::Time asked_at = TimeOfDay();
  // What comes from another address, the kernel drops.
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes),
              address.size) != 0 ||
      send(fd.get(), question.data(), question.size(), 0) < 0) {
    return Unanswered(absl::UnavailableError(
        absl::StrCat("it cannot be reached: ", std::strerror(errno))));
  }
  SntpResult result = AwaitAnswer(fd.get(), nonce, asked_at, begin);
  if (result.answer.ok()) result.answer->address = address.text;
  return result;
}

}  // namespace mailcow
