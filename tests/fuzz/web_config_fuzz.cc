#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "exporter/web_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = mailcow::ParseWebConfig(text, "/etc/web.yml");
  if (!config.ok()) {
    if (!absl::IsInvalidArgument(config.status())) std::abort();
    // Nothing of a hash, however it was written.
    if (absl::StrContains(config.status().message(), "$2")) std::abort();
    if (!absl::StartsWith(config.status().message(), "/etc/web.yml:")) {
      std::abort();
    }
    return 0;
  }
  for (const auto& [user, hash] : config->basic_auth_users) {
    if (hash.size() != 60) std::abort();
  }
  for (const auto& [header, value] : config->headers) {
    if (value.find_first_of(std::string("\r\n\0", 3)) != std::string::npos) {
      std::abort();
    }
  }
  return 0;
}
