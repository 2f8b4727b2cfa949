#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "collectors/dmarc.h"
#include "collectors/mta_sts.h"
#include "collectors/tls_rpt.h"

namespace {

// A record of the kind is right or DataLoss, never missing.
void Check(const absl::Status& status) {
  if (!status.ok() && !absl::IsDataLoss(status)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view tags(reinterpret_cast<const char*>(data), size);
  const auto policy =
      mailcow::FindDmarcPolicy({absl::StrCat("v=DMARC1;", tags)});
  Check(policy.status());
  if (policy.ok() && *policy != "none" && *policy != "quarantine" &&
      *policy != "reject") {
    std::abort();
  }
  Check(mailcow::CheckMtaSts({absl::StrCat("v=STSv1;", tags)}));
  Check(mailcow::CheckTlsRpt({absl::StrCat("v=TLSRPTv1;", tags)}));
  return 0;
}
