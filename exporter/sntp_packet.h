// The 48 bytes of SNTP (RFC 4330, RFC 5905): a question, and an answer that is
// believed only where everything about it is as it should be.

#ifndef EXPORTER_SNTP_PACKET_H_
#define EXPORTER_SNTP_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/host.h"

namespace mailcow {

inline constexpr size_t kSntpSize = 48;

// A question of a client. `nonce` stands where the time of sending would: the
// server echoes it, and nobody who does not see the question can guess it.
std::string SntpQuestion(uint64_t nonce);

struct SntpAnswer {
  absl::Time received_at;  // by the server's clock, as all of this
  absl::Time sent_at;
  int stratum = 0;
};

// DataLoss for what is cut short, malformed, or no answer to that question;
// Unavailable where the server says that its own time is not right.
// ResourceExhausted where it asks for fewer questions, PermissionDenied where
// it wants none (the kiss of death).
absl::StatusOr<SntpAnswer> ParseSntpAnswer(absl::string_view datagram,
                                           uint64_t nonce);

// A question and its answer by our own clock.
struct SntpExchange {
  absl::Time asked_at;
  absl::Time answered_at;
  // From one to the other by a clock that nobody sets.
  absl::Duration elapsed;
};

// Unavailable where the answer came too late to tell a second by, Aborted where
// our own clock was set meanwhile, DataLoss where it contradicts itself.
absl::StatusOr<ServerTime> MeasureServer(const SntpAnswer& answer,
                                         const SntpExchange& exchange);

}  // namespace mailcow

#endif  // EXPORTER_SNTP_PACKET_H_
