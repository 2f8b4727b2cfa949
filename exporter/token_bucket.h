// Limits how often something may happen, as golang.org/x/time/rate does for the
// exporters of the Prometheus family.

#ifndef EXPORTER_TOKEN_BUCKET_H_
#define EXPORTER_TOKEN_BUCKET_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "exporter/web_config.h"

namespace mailcow {

// Thread-safe.
class TokenBucket {
 public:
  // Says how long it is since some moment; the time of day may be set back.
  using Clock = std::function<absl::Duration()>;

  // Is full at first.
  explicit TokenBucket(const RateLimit& limit);
  TokenBucket(const RateLimit& limit, Clock clock);

  // Takes a token. False where there is none: `burst` may be taken at once, and
  // one more every `interval`. An interval of zero limits nothing.
  bool Take();

 private:
  const absl::Duration interval_;
  const absl::Duration capacity_;
  const Clock clock_;
  absl::Mutex mutex_;
  // What was saved up, each token worth one interval: no fraction is lost.
  absl::Duration credit_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_TOKEN_BUCKET_H_
