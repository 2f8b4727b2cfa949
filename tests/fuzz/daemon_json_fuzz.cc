#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/match.h"
#include "collectors/daemon_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto daemon =
      mailcow::ParseDaemonJson({reinterpret_cast<const char*>(data), size});
  if (!daemon.ok()) {
    if (!absl::IsDataLoss(daemon.status())) std::abort();
  } else if (!absl::StartsWith(daemon->data_root.value_or("/"), "/")) {
    std::abort();
  }
  return 0;
}
