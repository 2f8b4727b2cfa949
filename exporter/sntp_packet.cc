#include "exporter/sntp_packet.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

constexpr int kVersion4 = 4;
constexpr int kModeClient = 3;
constexpr int kModeServer = 4;
constexpr int kLeapUnknown = 3;
constexpr int kMaxStratum = 15;

// Where the parts stand.
constexpr size_t kRootDelay = 4;
constexpr size_t kRootDispersion = 8;
constexpr size_t kReferenceId = 12;
constexpr size_t kOriginate = 24;
constexpr size_t kReceive = 32;
constexpr size_t kTransmit = 40;

// NTP's MAXDISP: a server whose way to a reference clock adds up to this is not
// synchronized (RFC 5905, section 7.3).
constexpr absl::Duration kMaxRootDistance = absl::Seconds(16);

// By half of this an answer can be wrong, where one way took all of it.
constexpr absl::Duration kMaxRoundTrip = absl::Seconds(1);

// Beyond what clocks differ by while one is slewed.
constexpr absl::Duration kTolerance = absl::Milliseconds(10);

uint64_t ReadNumber(absl::string_view packet, size_t at, size_t size) {
  uint64_t number = 0;
  for (const char byte : packet.substr(at, size)) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return number;
}

// Seconds in 16 bits, and their fraction in another 16.
absl::Duration ReadShort(absl::string_view packet, size_t at) {
  return absl::Seconds(1) * ReadNumber(packet, at, 4) / (1 << 16);
}

// Seconds since 1900 in 32 bits, and their fraction in another 32. In 2036 they
// begin again: numbers without the first bit are of that era (RFC 4330).
absl::Time ReadTime(absl::string_view packet, size_t at) {
  constexpr int64_t kFrom1900To1970 = 2'208'988'800;
  constexpr int64_t kEra = int64_t{1} << 32;
  auto seconds = static_cast<int64_t>(ReadNumber(packet, at, 4));
  if (seconds < kEra / 2) seconds += kEra;
  const auto fraction = static_cast<double>(ReadNumber(packet, at + 4, 4));
  return absl::FromUnixSeconds(seconds - kFrom1900To1970) +
         absl::Seconds(fraction / static_cast<double>(kEra));
}

// What a server says that has no time to give: a code of four letters.
absl::Status KissOfDeath(absl::string_view packet) {
  std::string code(packet.substr(kReferenceId, 4));
  std::replace_if(
      code.begin(), code.end(), [](char c) { return c < '!' || c > '~'; }, '.');
  const std::string message =
      absl::StrCat("it answers with a kiss of death, ", code);
  if (code == "RATE") return absl::ResourceExhaustedError(message);
  if (code == "DENY" || code == "RSTR") {
    return absl::PermissionDeniedError(message);
  }
  return absl::UnavailableError(message);
}

absl::Status CheckSynchronized(absl::string_view packet, int leap,
                               uint64_t stratum) {
  // Some send it without a code, when they mean that they are not synchronized.
  if (stratum == 0 && packet[kReferenceId] != '\0') return KissOfDeath(packet);
  if (leap == kLeapUnknown) {
    return absl::UnavailableError("it is not synchronized itself (leap 3)");
  }
  if (stratum == 0 || stratum > kMaxStratum) {
    return absl::UnavailableError(
        absl::StrCat("it is not synchronized itself (stratum ", stratum, ")"));
  }
  const absl::Duration distance =
      ReadShort(packet, kRootDelay) / 2 + ReadShort(packet, kRootDispersion);
  if (distance >= kMaxRootDistance) {
    return absl::UnavailableError(absl::StrCat(
        "it may itself be ", absl::ToInt64Seconds(distance), " seconds off"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string SntpQuestion(uint64_t nonce) {
  std::string packet(kSntpSize, '\0');
  packet[0] = kVersion4 << 3 | kModeClient;
  for (size_t i = 0; i < sizeof nonce; ++i) {
    packet[kTransmit + i] = static_cast<char>(nonce >> (56 - 8 * i) & 0xff);
  }
  return packet;
}

absl::StatusOr<SntpAnswer> ParseSntpAnswer(absl::string_view datagram,
                                           uint64_t nonce) {
  if (datagram.size() < kSntpSize) {
    return absl::DataLossError(absl::StrCat("its answer has ", datagram.size(),
                                            " bytes instead of ", kSntpSize));
  }
  const auto first = static_cast<unsigned char>(datagram[0]);
  if ((first & 7) != kModeServer) {
    return absl::DataLossError(
        absl::StrCat("its answer is none of a server (mode ", first & 7, ")"));
  }
  // Forged by somebody who does not see the questions, or an old one.
  if (ReadNumber(datagram, kOriginate, 8) != nonce) {
    return absl::DataLossError("its answer is not to our question");
  }
  const uint64_t stratum = ReadNumber(datagram, 1, 1);
  absl::Status status = CheckSynchronized(datagram, first >> 6, stratum);
  if (!status.ok()) return status;
  if (ReadNumber(datagram, kReceive, 8) == 0 ||
      ReadNumber(datagram, kTransmit, 8) == 0) {
    return absl::DataLossError("its answer has no time");
  }
  return SntpAnswer{.received_at = ReadTime(datagram, kReceive),
                    .sent_at = ReadTime(datagram, kTransmit),
                    .stratum = static_cast<int>(stratum)};
}

absl::StatusOr<ServerTime> MeasureServer(const SntpAnswer& answer,
                                         const SntpExchange& exchange) {
  const absl::Duration by_clock = exchange.answered_at - exchange.asked_at;
  if (absl::AbsDuration(by_clock - exchange.elapsed) > kTolerance) {
    return absl::AbortedError("our clock was set while it was asked");
  }
  const absl::Duration busy = answer.sent_at - answer.received_at;
  const absl::Duration round_trip = exchange.elapsed - busy;
  if (busy < absl::ZeroDuration() || round_trip < -kTolerance) {
    return absl::DataLossError("the times in its answer contradict each other");
  }
  if (round_trip > kMaxRoundTrip) {
    return absl::UnavailableError(
        absl::StrCat("its answer took ", absl::ToDoubleSeconds(round_trip),
                     " seconds, too long to tell a second by"));
  }
  const absl::Duration offset = ((answer.received_at - exchange.asked_at) +
                                 (answer.sent_at - exchange.answered_at)) /
                                2;
  return ServerTime{
      .offset_seconds = absl::ToDoubleSeconds(offset),
      .round_trip_seconds = std::max(absl::ToDoubleSeconds(round_trip), 0.0),
      .stratum = answer.stratum};
}

}  // namespace mailcow
