#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exporter/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mailcow::DnsType;
  const absl::string_view message(reinterpret_cast<const char*>(data), size);
  for (const DnsType type : {DnsType::kA, DnsType::kCname, DnsType::kPtr,
                             DnsType::kMx, DnsType::kTxt, DnsType::kAaaa,
                             DnsType::kSrv, DnsType::kTlsa, DnsType::kCaa}) {
    const auto reply =
        mailcow::ParseDnsReply(message, {.name = "a.example", .type = type});
    if (!reply.ok()) {
      if (absl::IsDataLoss(reply.status()) ||
          absl::IsUnavailable(reply.status()) ||
          absl::IsPermissionDenied(reply.status())) {
        continue;
      }
      std::abort();
    }
    if (reply->aliases.size() > mailcow::kMaxDnsAliases) std::abort();
    if (type == DnsType::kCname && !reply->aliases.empty()) std::abort();
    if (reply->is_complete) continue;
    // What it leads to can be asked.
    const auto next = mailcow::NormalDnsName(reply->aliases.back());
    if (next.ok() && *next != reply->aliases.back()) std::abort();
  }
  return 0;
}
