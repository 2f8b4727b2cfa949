#include "exporter/scraper.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

// Whatever hangs, a rendering takes no longer: every question that it asks has
// a deadline. Who is as patient renders on the thread of the request, which is
// cheaper than to hand it over.
constexpr absl::Duration kLongestRendering = absl::Seconds(3);

}  // namespace

absl::StatusOr<Scraper::Text> Scraper::Scrape(const Topics& topics,
                                              absl::Duration patience) {
  {
    absl::MutexLock lock(&mutex_);
    if (max_requests_ > 0 && requests_ >= max_requests_) {
      return absl::UnavailableError(
          absl::StrCat("limit of concurrent scrapes reached (", max_requests_,
                       "), try again later"));
    }
    ++requests_;
  }
  const absl::Cleanup leave = [this] {
    absl::MutexLock lock(&mutex_);
    --requests_;
  };
  const Pending text = Join(topics, patience >= kLongestRendering);
  if (text.wait_for(absl::ToChronoNanoseconds(patience)) !=
      std::future_status::ready) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer within ", absl::FormatDuration(patience)));
  }
  return text.get();
}

// The rendering that is under way, or one that begins now: on this thread where
// that may wait for it.
Scraper::Pending Scraper::Join(const Topics& topics, bool may_wait) {
  const auto promise = std::make_shared<std::promise<Text>>();
  Pending pending;
  {
    absl::MutexLock lock(&mutex_);
    if (const auto known = pending_.find(topics); known != pending_.end()) {
      return known->second;
    }
    pending = promise->get_future().share();
    pending_.emplace(topics, pending);
  }
  if (may_wait) {
    Finish(topics, promise);
  } else {
    absl::Cleanup forget = [this, &topics] { Forget(topics); };
    workers_.Run([this, topics, promise] { Finish(topics, promise); });
    std::move(forget).Cancel();
  }
  return pending;
}

void Scraper::Finish(const Topics& topics,
                     const std::shared_ptr<std::promise<Text>>& promise) {
  try {
    auto text = std::make_shared<const std::string>(render_(topics));
    Forget(topics);
    promise->set_value(std::move(text));
  } catch (...) {
    Forget(topics);
    promise->set_exception(std::current_exception());
  }
}

// Whoever comes from now on begins a rendering of its own.
void Scraper::Forget(const Topics& topics) {
  absl::MutexLock lock(&mutex_);
  pending_.erase(topics);
}

}  // namespace mailcow
