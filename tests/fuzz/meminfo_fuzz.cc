#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/memory.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const mailcow::Meminfo meminfo =
      mailcow::ParseMeminfo({reinterpret_cast<const char*>(data), size});
  for (const absl::StatusOr<double>* number :
       {&meminfo.total_bytes, &meminfo.available_bytes,
        &meminfo.swap_total_bytes, &meminfo.swap_free_bytes}) {
    const bool is_sound = number->ok()
                              ? std::isfinite(**number) && **number >= 0
                              : absl::IsDataLoss(number->status());
    if (!is_sound) std::abort();
  }
  return 0;
}
