// Tells whether a password is a user's, against bcrypt hashes.

#ifndef EXPORTER_PASSWORD_CHECK_H_
#define EXPORTER_PASSWORD_CHECK_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "exporter/basic_auth.h"

namespace mailcow {

// The bcrypt hash of `password` with the cost and salt of `setting`, which may
// be a whole hash. Something that equals no hash where there is none.
std::string Bcrypt(const std::string& password, const std::string& setting);

// Thread-safe. Hashing is slow on purpose: one is computed at a time, and
// passwords that were right are remembered, so that a scrape does not pay.
class PasswordCheck {
 public:
  enum class Verdict { kRight, kWrong, kBusy };

  using Hash = std::function<std::string(const std::string& password,
                                         const std::string& setting)>;
  struct Limits {
    // How many may wait while a password is checked, and how long.
    int waiting = 8;
    absl::Duration patience = absl::Seconds(5);
    // How many right passwords are remembered. Wrong ones are not, or whoever
    // guesses would drive out the right ones.
    size_t remembered = 100;
  };

  PasswordCheck() : PasswordCheck(&Bcrypt, Limits()) {}
  PasswordCheck(Hash hash, const Limits& limits);

  // `users` are names and their hashes. A user that is not among them costs as
  // much as the dearest that is. kBusy: too many wait already, or it took too
  // long to get a turn; a password that is remembered never is.
  Verdict Check(const std::map<std::string, std::string>& users,
                const Credentials& credentials);

 private:
  // Stands for one user, hash and password, and tells nothing of them.
  using Mark = std::string;
  Mark MarkOf(const std::string& user, const std::string& hash,
              const std::string& password) const;
  bool IsRemembered(const Mark& mark);
  void Remember(const Mark& mark);

  const Hash hash_;
  const Limits limits_;
  const std::string key_;
  std::atomic<int> present_ = 0;
  // Held while hashing; absl's would wait by the time of day.
  std::timed_mutex turn_;
  absl::Mutex mutex_;
  // The one that was used last comes first.
  std::vector<Mark> remembered_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_PASSWORD_CHECK_H_
