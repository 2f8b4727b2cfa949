#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/tzif.h"

namespace {

void Check(const mailcow::ZoneData& zone, int64_t now) {
  const mailcow::ZoneState state = StateAt(zone, now);
  if (const auto& last = state.last_change; last.has_value()) {
    if (last->at > now) std::abort();
    if (last->from.is_dst == last->to.is_dst) std::abort();
    if (last->to.is_dst != state.type.is_dst) std::abort();
  }
  if (const auto& next = state.next_change; next.has_value()) {
    if (next->at <= now) std::abort();
    if (next->from.is_dst == next->to.is_dst) std::abort();
    if (next->from.is_dst != state.type.is_dst) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto zone =
      mailcow::ParseTzif({reinterpret_cast<const char*>(data), size});
  if (!zone.ok()) {
    const bool is_sound =
        absl::IsDataLoss(zone.status()) || absl::IsUnimplemented(zone.status());
    if (!is_sound) std::abort();
    return 0;
  }
  for (const int64_t now : {int64_t{-3000000000}, int64_t{0},
                            int64_t{1494073320}, int64_t{4000000000}}) {
    Check(*zone, now);
  }
  // Years of five digits and more are no host's.
  constexpr int64_t kLimit = int64_t{250} * 1000 * 1000 * 1000;
  if (zone->transitions.empty()) return 0;
  const int64_t last = zone->transitions.back().at;
  if (last < -kLimit || last > kLimit) return 0;
  for (const int64_t now : {last - 1, last, last + 1}) Check(*zone, now);
  return 0;
}
