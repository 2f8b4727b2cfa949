#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "exporter/text_format.h"

namespace {

// Decodes as RFC 3629 has it, by value rather than by byte ranges.
bool IsValidUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<uint8_t>(text[i++]);
    const int more = first < 0x80             ? 0
                     : (first & 0xe0) == 0xc0 ? 1
                     : (first & 0xf0) == 0xe0 ? 2
                     : (first & 0xf8) == 0xf0 ? 3
                                              : -1;
    if (more < 0) return false;
    constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    uint32_t code = more == 0 ? first : first & (0x3fu >> more);
    for (int k = 0; k < more; ++k) {
      if (i == text.size() || (text[i] & 0xc0) != 0x80) return false;
      code = code << 6 | (static_cast<uint8_t>(text[i++]) & 0x3fu);
    }
    if (code < kLeast[more] || code > 0x10ffff) return false;
    if (code >= 0xd800 && code <= 0xdfff) return false;
  }
  return true;
}

// Whether the quotes of a label's value are escaped, but for the last.
bool IsOneLabel(absl::string_view sample) {
  constexpr absl::string_view kHead = "m{l=\"";
  constexpr absl::string_view kTail = "\"} 1\n";
  if (sample.size() < kHead.size() + kTail.size() ||
      sample.substr(0, kHead.size()) != kHead ||
      sample.substr(sample.size() - kTail.size()) != kTail) {
    return false;
  }
  sample.remove_prefix(kHead.size());
  sample.remove_suffix(kTail.size());
  for (size_t i = 0; i < sample.size(); ++i) {
    if (sample[i] == '"') return false;
    if (sample[i] == '\\' && ++i == sample.size()) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string valid = mailcow::ToValidUtf8(text);
  if (!IsValidUtf8(valid)) std::abort();
  if (IsValidUtf8(text) && valid != text) std::abort();
  prometheus::MetricFamily family;
  family.name = "m";
  family.help = text;
  family.type = prometheus::MetricType::Gauge;
  family.metric.resize(1);
  family.metric.front().label = {{"l", text}};
  family.metric.front().gauge.value = 1;
  const std::string out = mailcow::TextFormat().Serialize({family});
  // HELP, TYPE and one sample.
  if (!IsValidUtf8(out) || std::count(out.begin(), out.end(), '\n') != 3) {
    std::abort();
  }
  const size_t type = out.find("\n# TYPE m gauge\n");
  if (out.rfind("# HELP m ", 0) != 0 || type == std::string::npos ||
      !IsOneLabel(absl::string_view(out).substr(type + 16))) {
    std::abort();
  }
  return 0;
}
