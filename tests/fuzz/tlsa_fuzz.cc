#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/caa.h"
#include "collectors/tlsa.h"

// A TLSA record from its bytes, and a CAA record of the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kHeader = 3;
  if (size < kHeader) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + kHeader,
                         size - kHeader);
  const mailcow::DnsRecord record{.text = text,
                                  .tag = data[0] % 2 == 0 ? "issue" : text,
                                  .is_critical = data[1] % 2 == 0,
                                  .usage = data[0],
                                  .selector = data[1],
                                  .matching = data[2]};
  const absl::Status status = CheckTlsa(record);
  if (!status.ok() && !absl::IsDataLoss(status)) std::abort();
  if (status.ok() && (record.usage < 2 || text.empty())) std::abort();
  const auto verdict = mailcow::JudgeCaa({record}, "letsencrypt.org");
  if (!verdict.permits && verdict.why.empty()) std::abort();
  return 0;
}
