// Prometheus' text exposition format 0.0.4, exact and escaped.

#ifndef EXPORTER_TEXT_FORMAT_H_
#define EXPORTER_TEXT_FORMAT_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "prometheus/serializer.h"

namespace mailcow {

inline constexpr char kTextFormatContentType[] =
    "text/plain; version=0.0.4; charset=utf-8";

// Gauges, counters and untyped metrics, which is all that an exporter of
// requirements has.
class TextFormat : public prometheus::Serializer {
 public:
  std::string Serialize(
      const std::vector<prometheus::MetricFamily>& families) const override;
  void Serialize(
      std::ostream& out,
      const std::vector<prometheus::MetricFamily>& families) const override;
};

// The parts of a family's text, for those who keep samples from one scrape to
// the next.
void AppendHead(const prometheus::MetricFamily& family, std::string& out);
void AppendSamples(const prometheus::MetricFamily& family, std::string& out);

// The text of a sample whose value changes from one scrape to the next.
class SampleText {
 public:
  SampleText() = default;
  // Of the family's only sample.
  explicit SampleText(const prometheus::MetricFamily& family);
  // The same with the family's head before it.
  static SampleText WithHead(const prometheus::MetricFamily& family);

  void Append(double value, std::string& out) const;

 private:
  std::string before_value_;
};

// The shortest text that reads back as the same number; "+Inf", "-Inf", "NaN".
std::string FormatNumber(double value);

// `text` with U+FFFD for each byte that is no UTF-8: Prometheus refuses a whole
// scrape for one such byte.
std::string ToValidUtf8(absl::string_view text);

}  // namespace mailcow

#endif  // EXPORTER_TEXT_FORMAT_H_
