#include "exporter/text_format.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <ostream>

#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

absl::string_view TypeName(MetricType type) {
  if (type == MetricType::Counter) return "counter";
  if (type == MetricType::Gauge) return "gauge";
  return "untyped";
}

double ValueOf(const ClientMetric& metric, MetricType type) {
  if (type == MetricType::Counter) return metric.counter.value;
  if (type == MetricType::Gauge) return metric.gauge.value;
  return metric.untyped.value;
}

void AppendEscaped(absl::string_view text, bool in_quotes, std::string& out) {
  for (const char c : ToValidUtf8(text)) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && in_quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void AppendSample(const MetricFamily& family, const ClientMetric& metric,
                  std::string& out) {
  out += family.name;
  char separator = '{';
  for (const ClientMetric::Label& label : metric.label) {
    out += separator;
    separator = ',';
    absl::StrAppend(&out, label.name, "=\"");
    AppendEscaped(label.value, true, out);
    out += '"';
  }
  if (!metric.label.empty()) out += '}';
  absl::StrAppend(&out, " ", FormatNumber(ValueOf(metric, family.type)), "\n");
}

// The length of the UTF-8 sequence at the start of `text`, 0 if there is none.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if ((byte(0) == 0xe0 && byte(1) < 0xa0) ||
      (byte(0) == 0xed && byte(1) > 0x9f) ||
      (byte(0) == 0xf0 && byte(1) < 0x90) ||
      (byte(0) == 0xf4 && byte(1) > 0x8f)) {
    return 0;
  }
  return length;
}

}  // namespace

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> text;
  const auto result =
      std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

std::string ToValidUtf8(absl::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) {
      valid += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else {
      valid.append(text.data(), length);
      text.remove_prefix(length);
    }
  }
  return valid;
}

void AppendHead(const MetricFamily& family, std::string& out) {
  absl::StrAppend(&out, "# HELP ", family.name, " ");
  AppendEscaped(family.help, false, out);
  absl::StrAppend(&out, "\n# TYPE ", family.name, " ", TypeName(family.type),
                  "\n");
}

void AppendSamples(const MetricFamily& family, std::string& out) {
  for (const ClientMetric& metric : family.metric) {
    AppendSample(family, metric, out);
  }
}

SampleText::SampleText(const MetricFamily& family) {
  AppendSamples(family, before_value_);
  before_value_.resize(before_value_.rfind(' ') + 1);
}

SampleText SampleText::WithHead(const MetricFamily& family) {
  SampleText text(family);
  std::string head;
  AppendHead(family, head);
  text.before_value_.insert(0, head);
  return text;
}

void SampleText::Append(double value, std::string& out) const {
  absl::StrAppend(&out, before_value_, FormatNumber(value), "\n");
}

std::string TextFormat::Serialize(
    const std::vector<MetricFamily>& families) const {
  std::string out;
  for (const MetricFamily& family : families) {
    AppendHead(family, out);
    AppendSamples(family, out);
  }
  return out;
}

void TextFormat::Serialize(std::ostream& out,
                           const std::vector<MetricFamily>& families) const {
  out << Serialize(families);
}

}  // namespace mailcow
