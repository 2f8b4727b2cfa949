#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exporter/self_metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto stat = mailcow::ParseProcessStat(text);
  const auto boot = mailcow::ParseBootTime(text);
  if (!stat.ok() && !absl::IsDataLoss(stat.status())) std::abort();
  if (!boot.ok() && !absl::IsDataLoss(boot.status())) std::abort();
  return 0;
}
