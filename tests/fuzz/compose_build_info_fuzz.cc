#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/docker_compose.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& version : {mailcow::ParseComposeBuildInfo(text),
                              mailcow::ParseComposeScript(text)}) {
    if (version.ok() ? version->major < 0 || version->minor < 0
                     : !absl::IsDataLoss(version.status())) {
      std::abort();
    }
  }
  return 0;
}
