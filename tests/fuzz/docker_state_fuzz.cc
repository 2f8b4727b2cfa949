#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "collectors/docker_state.h"

namespace {

void ExpectOkOrDataLoss(const absl::Status& status) {
  if (!status.ok() && !absl::IsDataLoss(status)) std::abort();
}

// A container whose `member` is `value`.
std::string ContainerWith(absl::string_view member, absl::string_view value) {
  return absl::StrCat(
      R"([{"Id": "1", "Names": [], "State": "", "Status": "", ")", member,
      R"(": )", value, "}]");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  ExpectOkOrDataLoss(mailcow::ParseDockerInfo(text).status());
  ExpectOkOrDataLoss(mailcow::ParseContainers(text).status());
  ExpectOkOrDataLoss(mailcow::ParseVolumes(text).status());
  // By chance it would take long to get as far as these.
  for (const absl::string_view member : {"Ports", "Labels", "Names"}) {
    ExpectOkOrDataLoss(
        mailcow::ParseContainers(ContainerWith(member, text)).status());
  }
  ExpectOkOrDataLoss(
      mailcow::ParseVolumes(
          absl::StrCat(R"({"Volumes": [{"Name": "", "Mountpoint": "",)",
                       R"("Options": )", text, "}]}"))
          .status());
  return 0;
}
