#include <cstddef>
#include <cstdint>

#include "collectors/virtualization.h"
#include "exporter/linux_host.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  mailcow::HasLxcfsOverProc(text);
  static_cast<void>(mailcow::IsSuperblockReadOnly(text, "36"));
  return 0;
}
