#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/os_release.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto release = mailcow::ParseOsRelease(text);
  if (release.ok() ? release->id.empty()
                   : !absl::IsDataLoss(release.status())) {
    std::abort();
  }
  const auto version = mailcow::ParseVersion(text);
  if (version.ok() ? version->major < 0 || version->minor < 0
                   : !absl::IsDataLoss(version.status())) {
    std::abort();
  }
  return 0;
}
