#include "exporter/log.h"

#include <unistd.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "exporter/text_format.h"

namespace mailcow {
namespace {

absl::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

// A JSON string; logfmt quotes in the same way.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  const std::string valid = ToValidUtf8(text);
  for (size_t i = 0; i < valid.size(); ++i) {
    const char c = valid[i];
    const auto byte = static_cast<uint8_t>(c);
    // U+0080 to U+009F, which terminals obey as they do escape sequences.
    const bool is_c1 =
        byte == 0xc2 && static_cast<uint8_t>(valid[i + 1]) < 0xa0;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (is_c1) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<uint8_t>(valid[++i]));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string LogfmtValue(absl::string_view text) {
  const bool is_plain =
      !text.empty() && text.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789-_.:/[]+") == absl::string_view::npos;
  return is_plain ? std::string(text) : Quoted(text);
}

}  // namespace

std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level,
                          absl::string_view message, LogFields fields) {
  const std::string stamp =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
  if (format == LogFormat::kLogfmt) {
    std::string line = absl::StrCat("ts=", stamp, " level=", NameOf(level),
                                    " msg=", LogfmtValue(message));
    for (const auto& [key, value] : fields) {
      absl::StrAppend(&line, " ", key, "=", LogfmtValue(value));
    }
    return line + "\n";
  }
  std::string line =
      absl::StrCat("{\"ts\":\"", stamp, "\",\"level\":\"", NameOf(level),
                   "\",\"msg\":", Quoted(message));
  for (const auto& [key, value] : fields) {
    absl::StrAppend(&line, ",\"", key, "\":", Quoted(value));
  }
  return line + "}\n";
}

void Logger::Write(LogLevel level, absl::string_view message,
                   LogFields fields) const {
  if (level < *least_) return;
  const std::string line =
      FormatLogLine(format_, absl::Now(), level, message, fields);
  // A single write keeps lines of several threads whole. Nothing can be done
  // about a log that cannot be written.
  static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
}

}  // namespace mailcow
