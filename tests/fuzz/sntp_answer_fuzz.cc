// The bytes come from the network, from whoever can send some.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>

#include "exporter/sntp_packet.h"

namespace {

constexpr size_t kOriginate = 24;

struct Input {
  uint64_t nonce = 0;
  bool is_to_our_question = false;
  // By our own clock, beside that of the server.
  int32_t asked_late_milliseconds = 0;
  int16_t step_milliseconds = 0;
  uint16_t elapsed_milliseconds = 0;
  std::string datagram;
};

template <typename Number>
void Take(const uint8_t*& data, size_t& size, Number& number) {
  const size_t taken = std::min(size, sizeof number);
  std::memcpy(&number, data, taken);
  data += taken;
  size -= taken;
}

Input Read(const uint8_t* data, size_t size) {
  Input input;
  uint8_t flags = 0;
  Take(data, size, input.nonce);
  Take(data, size, flags);
  Take(data, size, input.asked_late_milliseconds);
  Take(data, size, input.step_milliseconds);
  Take(data, size, input.elapsed_milliseconds);
  input.is_to_our_question = (flags & 1) != 0;
  input.datagram.assign(reinterpret_cast<const char*>(data), size);
  // The fuzzer would hardly guess the nonce.
  if (input.is_to_our_question && size >= mailcow::kSntpSize) {
    input.datagram.replace(kOriginate, 8,
                           mailcow::SntpQuestion(input.nonce).substr(40));
  }
  return input;
}

bool IsOneOf(const absl::Status& status,
             std::initializer_list<absl::StatusCode> codes) {
  return std::find(codes.begin(), codes.end(), status.code()) != codes.end();
}

void Measure(const mailcow::SntpAnswer& answer, const Input& input) {
  const absl::Duration elapsed = absl::Milliseconds(input.elapsed_milliseconds);
  const absl::Time asked_at =
      answer.received_at + absl::Milliseconds(input.asked_late_milliseconds);
  const absl::StatusOr<mailcow::ServerTime> server = mailcow::MeasureServer(
      answer, {.asked_at = asked_at,
               .answered_at = asked_at + elapsed +
                              absl::Milliseconds(input.step_milliseconds),
               .elapsed = elapsed});
  if (!server.ok()) {
    if (!IsOneOf(server.status(),
                 {absl::StatusCode::kDataLoss, absl::StatusCode::kUnavailable,
                  absl::StatusCode::kAborted})) {
      std::abort();
    }
    return;
  }
  // It was not busy for longer than we waited, so its clock is as far off as
  // we were late, but for the round trip.
  const double expected = input.asked_late_milliseconds / -1e3;
  const double round_trip = server->round_trip_seconds;
  if (!(round_trip >= 0 && round_trip <= 1)) std::abort();
  if (!(std::abs(server->offset_seconds - expected) <= 0.5 + 0.021)) {
    std::abort();
  }
  if (server->stratum != answer.stratum) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Input input = Read(data, size);
  const absl::StatusOr<mailcow::SntpAnswer> answer =
      mailcow::ParseSntpAnswer(input.datagram, input.nonce);
  if (mailcow::ParseSntpAnswer(input.datagram, input.nonce + 1).ok() &&
      answer.ok()) {
    std::abort();
  }
  if (!answer.ok()) {
    if (!IsOneOf(answer.status(),
                 {absl::StatusCode::kDataLoss, absl::StatusCode::kUnavailable,
                  absl::StatusCode::kResourceExhausted,
                  absl::StatusCode::kPermissionDenied})) {
      std::abort();
    }
    // Its words go to a terminal.
    for (const char c : answer.status().message()) {
      if (c < ' ' || c > '~') std::abort();
    }
    return 0;
  }
  if (input.datagram.size() < mailcow::kSntpSize) std::abort();
  if (answer->stratum < 1 || answer->stratum > 15) std::abort();
  if (absl::ToUnixSeconds(answer->sent_at) < -(int64_t{1} << 32) ||
      absl::ToUnixSeconds(answer->sent_at) > int64_t{1} << 33) {
    std::abort();
  }
  Measure(*answer, input);
  return 0;
}
