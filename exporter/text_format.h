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

// The shortest text that reads back as the same number; "+Inf", "-Inf", "NaN".
std::string FormatNumber(double value);

// `text` with U+FFFD for each byte that is no UTF-8: Prometheus refuses a whole
// scrape for one such byte.
std::string ToValidUtf8(absl::string_view text);

}  // namespace mailcow

#endif  // EXPORTER_TEXT_FORMAT_H_
