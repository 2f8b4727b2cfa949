// Threads for work that may never end. A thread is reused once its work is
// done, so that there are hardly more than were ever busy at the same time.

#ifndef COLLECTORS_WORKERS_H_
#define COLLECTORS_WORKERS_H_

#include <functional>
#include <memory>

namespace mailcow {

// Thread-safe.
class Workers {
 public:
  Workers();
  // Does not wait: work that hangs goes on hanging, idle threads end.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Begins `work` at once, whatever the other threads are doing.
  void Run(std::function<void()> work);

 private:
  struct Shared;
  static void Serve(const std::shared_ptr<Shared>& shared);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace mailcow

#endif  // COLLECTORS_WORKERS_H_
