#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/disk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto root =
      mailcow::ParseDataRoot({reinterpret_cast<const char*>(data), size});
  if (root.ok() ? root->front() != '/' : !absl::IsDataLoss(root.status())) {
    std::abort();
  }
  return 0;
}
