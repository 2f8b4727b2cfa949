#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/posix_tz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto rule =
      mailcow::ParsePosixTz({reinterpret_cast<const char*>(data), size});
  if (!rule.ok()) {
    if (!absl::IsDataLoss(rule.status())) std::abort();
    return 0;
  }
  if (rule->standard.is_dst) std::abort();
  for (const int64_t year : {1969, 2000, 2023, 2024, 2100}) {
    const auto transitions = TransitionsIn(*rule, year);
    if (transitions.empty() == rule->daylight.has_value()) std::abort();
    if (transitions.empty()) continue;
    const bool is_sound =
        transitions.size() == 2 && transitions[0].at <= transitions[1].at &&
        transitions[0].type.is_dst != transitions[1].type.is_dst;
    if (!is_sound) std::abort();
  }
  return 0;
}
