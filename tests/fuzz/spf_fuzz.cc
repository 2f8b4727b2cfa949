#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "collectors/spf.h"

namespace mailcow {
namespace {

// The input, taken off its front. Beyond its end it is zeros and empty lines.
class Input {
 public:
  explicit Input(absl::string_view bytes) : bytes_(bytes) {}

  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return byte;
  }

  absl::string_view Line() {
    const size_t end = std::min(bytes_.find('\n'), bytes_.size());
    const absl::string_view line = bytes_.substr(0, end);
    bytes_.remove_prefix(std::min(end + 1, bytes_.size()));
    return line;
  }

  IpAddress Address(bool is_ipv4) {
    uint8_t bytes[16] = {};
    bytes[15] = bytes[3] = Byte() % 4;
    return FromBytes(
        is_ipv4 ? IpAddress::Family::kIpv4 : IpAddress::Family::kIpv6, bytes);
  }

 private:
  absl::string_view bytes_;
};

// A zone whose answers are in the input, in the order of the questions.
absl::StatusOr<DnsAnswer> Answer(const DnsQuestion& question, Input& input) {
  const uint8_t kind = input.Byte();
  if (kind == 'T') return absl::UnavailableError("SERVFAIL");
  if (kind == 'I') return absl::InvalidArgumentError("no name");
  DnsAnswer answer;
  const bool is_text = question.type == DnsType::kTxt;
  const int count = is_text ? 1 + (kind == '2') : kind % 16;
  for (int i = 0; i < count; ++i) {
    DnsRecord record;
    if (is_text) {
      record.text = kind == '?' ? std::string(input.Line())
                                : absl::StrCat("v=spf1 ", input.Line());
    } else if (question.type == DnsType::kA ||
               question.type == DnsType::kAaaa) {
      record.address = input.Address(question.type == DnsType::kA);
    } else {
      record.name = absl::AsciiStrToLower(input.Line());
    }
    answer.records.push_back(std::move(record));
  }
  return answer;
}

void Check(Input input) {
  const IpAddress client = input.Address(input.Byte() % 2 == 0);
  const absl::string_view domain = input.Line();
  const absl::string_view helo = input.Line();
  int questions = 0;
  const SpfVerdict verdict =
      CheckSpf(client, domain, helo, [&](const DnsQuestion& question) {
        if (++questions > kMaxSpfQuestions) std::abort();
        if (!IsSpfName(question.name)) std::abort();
        if (question.name != absl::AsciiStrToLower(question.name)) std::abort();
        return Answer(question, input);
      });
  if (verdict.reason.empty() || Name(verdict.result).empty()) std::abort();
  // Whatever was said, none was asked, or it was not SPF's.
  if (verdict.result == SpfResult::kNone && questions > 1) std::abort();
  if (verdict.result != SpfResult::kNone && questions == 0) std::abort();
}

}  // namespace
}  // namespace mailcow

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mailcow::Check(mailcow::Input({reinterpret_cast<const char*>(data), size}));
  return 0;
}
