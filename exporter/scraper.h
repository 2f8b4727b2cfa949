// Answers scrapes: one rendering serves all who ask for the same while it is
// made, and no more than a limit of scrapes wait for one.

#ifndef EXPORTER_SCRAPER_H_
#define EXPORTER_SCRAPER_H_

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collectors/all.h"
#include "collectors/workers.h"

namespace mailcow {

// Thread-safe.
class Scraper {
 public:
  using Render = std::function<std::string(const Topics& topics)>;
  using Text = std::shared_ptr<const std::string>;

  // `render` may be called by several threads at once, for different topics. No
  // more than `max_requests` scrapes are answered at once; 0 is no limit. A
  // rendering that nobody waits for any longer goes on: both must outlive it.
  Scraper(Render render, int max_requests)
      : render_(std::move(render)), max_requests_(max_requests) {}

  // Unavailable: too many scrapes at once. DeadlineExceeded: there is no answer
  // after `patience`.
  absl::StatusOr<Text> Scrape(const Topics& topics, absl::Duration patience);

 private:
  using Pending = std::shared_future<Text>;

  Pending Join(const Topics& topics, bool may_wait);
  void Forget(const Topics& topics);
  void Finish(const Topics& topics, const std::shared_ptr<std::promise<Text>>&);

  const Render render_;
  const int max_requests_;
  Workers workers_;
  absl::Mutex mutex_;
  int requests_ ABSL_GUARDED_BY(mutex_) = 0;
  // The renderings that are under way.
  std::map<Topics, Pending> pending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_SCRAPER_H_
