#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "exporter/basic_auth.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto found = mailcow::ParseBasicAuth(text);
  if (found.has_value()) {
    if (found->user.find(':') != std::string::npos) std::abort();
    // What was read says the same when it is written again.
    const auto again = mailcow::ParseBasicAuth(absl::StrCat(
        "Basic ",
        absl::Base64Escape(absl::StrCat(found->user, ":", found->password))));
    if (!again.has_value() || again->user != found->user ||
        again->password != found->password) {
      std::abort();
    }
  }
  // Whatever a client is called and knows, it can say so.
  const size_t colon = text.find(':');
  const auto said =
      mailcow::ParseBasicAuth(absl::StrCat("basic ", absl::Base64Escape(text)));
  if (said.has_value() != (colon != absl::string_view::npos)) std::abort();
  if (said.has_value() && said->password != text.substr(colon + 1)) {
    std::abort();
  }
  return 0;
}
