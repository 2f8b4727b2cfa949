#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "collectors/dns_name.h"
#include "collectors/resolv_conf.h"

namespace {

// What is normalized stays as it is.
void CheckName(absl::string_view text) {
  const auto name = mailcow::NormalizeDnsName(text);
  if (!name.ok()) {
    if (!absl::IsInvalidArgument(name.status())) std::abort();
    return;
  }
  if (name->empty() || name->size() > 253) std::abort();
  if (*mailcow::NormalizeDnsName(*name) != *name) std::abort();
  const absl::Status qualified = mailcow::CheckQualified(*name);
  if (qualified.ok() && mailcow::ParentOf(*name).empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckName(text);
  const auto servers = mailcow::ParseResolvConf(text);
  if (servers.empty() || servers.size() > 3) std::abort();
  // Each comes back from a file that names it.
  for (const mailcow::NameServer& server : servers) {
    const auto again = mailcow::ParseResolvConf(
        absl::StrCat("nameserver ", ToString(server.address),
                     server.scope.empty() ? "" : "%", server.scope, "\n"));
    if (again.size() != 1 || again[0] != server) std::abort();
  }
  return 0;
}
