#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exporter/self_metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ticks = mailcow::ParseStartTicks(text);
  const auto pages = mailcow::ParseStatm(text);
  const auto boot = mailcow::ParseBootTime(text);
  for (const absl::Status& status :
       {ticks.status(), pages.status(), boot.status()}) {
    if (!status.ok() && !absl::IsDataLoss(status)) std::abort();
  }
  return 0;
}
