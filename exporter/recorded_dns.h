// The domain name system as a recording has it: the file that also holds the
// answers of the kernel (recorded_kernel.h).

#ifndef EXPORTER_RECORDED_DNS_H_
#define EXPORTER_RECORDED_DNS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/dns_record.h"
#include "collectors/host.h"

namespace mailcow {

// In the recording, `dns` holds the `servers` that are asked and their
// `answers`, by name and type ("a.example MX"): each has `records`, or says
// that the name is not there (`name_exists`), or is the `error` of a question
// that was not answered. Null stands for a host that knows no resolver.
class RecordedDns : public Dns {
 public:
  // What the recording lacks could not be had. InvalidArgument says what in it
  // is wrong.
  static absl::StatusOr<RecordedDns> Parse(absl::string_view json);

  std::vector<absl::StatusOr<DnsAnswer>> Ask(
      const std::vector<DnsQuestion>& questions) const override;

  absl::StatusOr<std::vector<DnsServer>> Servers() const override {
    return servers_;
  }

 private:
  using Answers = std::map<std::string, absl::StatusOr<DnsAnswer>>;

  RecordedDns(absl::StatusOr<Answers> answers,
              absl::StatusOr<std::vector<DnsServer>> servers)
      : answers_(std::move(answers)), servers_(std::move(servers)) {}

  const absl::StatusOr<Answers> answers_;
  const absl::StatusOr<std::vector<DnsServer>> servers_;
};

}  // namespace mailcow

#endif  // EXPORTER_RECORDED_DNS_H_
