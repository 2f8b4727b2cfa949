#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "collectors/dkim_key.h"

namespace {

void Check(absl::string_view text) {
  const auto key = mailcow::ParseDkimKey(text);
  if (!key.ok()) {
    if (!absl::IsDataLoss(key.status())) std::abort();
    return;
  }
  if (key->algorithm == mailcow::DkimKey::Algorithm::kEd25519) {
    if (key->bits != 256 || key->IsWeak()) std::abort();
  } else if (key->bits < 1024) {
    std::abort();
  }
}

}  // namespace

// As a record, and as the DER in one: few bytes at random are base64.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  Check(text);
  Check(absl::StrCat("p=", absl::Base64Escape(text)));
  return 0;
}
