// mailcow.conf, as far as it decides what mailcow asks of the host. It is never
// executed: bash sources it, Compose reads it as .env, and what both agree on
// is read here. It holds passwords, so no error carries text of it.

#ifndef COLLECTORS_MAILCOW_CONF_H_
#define COLLECTORS_MAILCOW_CONF_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"

namespace mailcow {

class MailcowConf {
 public:
  // DataLoss names the line that is neither KEY=value, nor a comment, nor
  // empty.
  static absl::StatusOr<MailcowConf> Parse(absl::string_view text);

  // Whether there is such a file: mailcow's installation begins with it.
  bool is_present() const { return is_present_; }

  // The value of `key`, or `missing` where it is absent or empty, as Compose's
  // ${KEY:-missing} has it. DataLoss for a value whose quotes do not match.
  absl::StatusOr<std::string> Get(absl::string_view key,
                                  absl::string_view missing) const;

  // Whether `key` is y or yes in any case.
  absl::StatusOr<bool> IsYes(absl::string_view key) const;

  // How many lines set `key`; the last one counts.
  int Times(absl::string_view key) const;

 private:
  struct Entry {
    absl::StatusOr<std::string> value;
    int times = 0;
  };
  bool is_present_ = false;
  std::map<std::string, Entry, std::less<>> entries_;
};

// The file in `directory`. Where there is none mailcow is not installed yet:
// every key is missing. Any other error means that nothing is known.
absl::StatusOr<MailcowConf> ReadMailcowConf(const Files& files,
                                            absl::string_view directory);

}  // namespace mailcow

#endif  // COLLECTORS_MAILCOW_CONF_H_
