#include "exporter/token_bucket.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mailcow {
namespace {

absl::Duration SteadyClock() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

TokenBucket::TokenBucket(const RateLimit& limit)
    : TokenBucket(limit, &SteadyClock) {}

TokenBucket::TokenBucket(const RateLimit& limit, Clock clock)
    : interval_(limit.interval),
      capacity_(limit.interval * limit.burst),
      clock_(std::move(clock)),
      credit_(capacity_),
      last_(clock_()) {}

bool TokenBucket::Take() {
  if (interval_ <= absl::ZeroDuration()) return true;
  absl::MutexLock lock(&mutex_);
  const absl::Duration now = clock_();
  credit_ = std::min(capacity_, credit_ + (now - last_));
  last_ = now;
  if (credit_ < interval_) return false;
  credit_ -= interval_;
  return true;
}

}  // namespace mailcow
