// Who may ask and how often, by the web configuration in force.

#ifndef EXPORTER_WEB_RULES_H_
#define EXPORTER_WEB_RULES_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "exporter/headers.h"
#include "exporter/password_check.h"
#include "exporter/web_config.h"

namespace mailcow {

// The answer to a request that may not pass.
struct Refusal {
  int status;
  std::string body;
  Headers headers;  // its own, beside those of every response
};

// Thread-safe. At first, everybody may pass.
class WebRules {
 public:
  explicit WebRules(PasswordCheck::Hash hash)
      : passwords_(std::move(hash), PasswordCheck::Limits()) {}

  // Counts from the next request on. Who has used up a limit that stays gets
  // nothing by this.
  void Use(WebConfig config);

  // See WebGuard.
  std::optional<Refusal> Refuse(std::optional<absl::string_view> authorization);
  Headers headers() const;
  bool authenticate() const;

 private:
  struct InForce;
  std::shared_ptr<const InForce> Latest() const;

  PasswordCheck passwords_;
  mutable absl::Mutex mutex_;
  // Null at first.
  std::shared_ptr<const InForce> in_force_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_WEB_RULES_H_
