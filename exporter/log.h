// Log lines as the Prometheus family writes them: logfmt or JSON on stderr.

#ifndef EXPORTER_LOG_H_
#define EXPORTER_LOG_H_

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace mailcow {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class LogFormat { kLogfmt, kJson };

using LogFields =
    std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

// One line with its newline; every value is escaped for the format.
std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level,
                          absl::string_view message, LogFields fields);

// Writes whole lines to stderr. Copies share their level. Thread-safe.
class Logger {
 public:
  Logger(LogLevel least, LogFormat format)
      : least_(std::make_shared<std::atomic<LogLevel>>(least)),
        format_(format) {}

  void SetLevel(LogLevel least) { *least_ = least; }

  void Info(absl::string_view message, LogFields fields = {}) const {
    Write(LogLevel::kInfo, message, fields);
  }
  void Warn(absl::string_view message, LogFields fields = {}) const {
    Write(LogLevel::kWarn, message, fields);
  }
  void Error(absl::string_view message, LogFields fields = {}) const {
    Write(LogLevel::kError, message, fields);
  }

 private:
  void Write(LogLevel level, absl::string_view message, LogFields fields) const;

  const std::shared_ptr<std::atomic<LogLevel>> least_;
  const LogFormat format_;
};

}  // namespace mailcow

#endif  // EXPORTER_LOG_H_
