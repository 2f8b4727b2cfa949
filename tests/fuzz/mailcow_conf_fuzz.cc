#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/mailcow_conf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto conf =
      mailcow::MailcowConf::Parse({reinterpret_cast<const char*>(data), size});
  if (!conf.ok()) {
    if (!absl::IsDataLoss(conf.status())) std::abort();
    return 0;
  }
  const auto value = conf->Get("SMTP_PORT", "25");
  // A value that is empty is missing.
  if (value.ok() ? value->empty() : !absl::IsDataLoss(value.status())) {
    std::abort();
  }
  if (conf->Times("SMTP_PORT") == 0 && value.value_or("") != "25") std::abort();
  static_cast<void>(conf->IsYes("SKIP_CLAMD"));
  return 0;
}
