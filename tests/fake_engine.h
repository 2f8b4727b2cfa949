// An engine of Docker's for tests, which can also misbehave: it answers on a
// Unix socket what the test tells it to.

#ifndef TESTS_FAKE_ENGINE_H_
#define TESTS_FAKE_ENGINE_H_

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "collectors/files.h"
#include "gtest/gtest.h"

namespace mailcow {

// As long as a slow machine may take. Only a test that fails waits so long.
inline constexpr absl::Duration kSlow = absl::Seconds(60);

// Waits until `condition` holds. Says whether it ever did.
template <typename Condition>
bool Eventually(Condition condition) {
  for (const absl::Time end = absl::Now() + kSlow; absl::Now() < end;
       absl::SleepFor(absl::Milliseconds(1))) {
    if (condition()) return true;
  }
  return false;
}

// A Unix socket that listens at `path`, however long that is.
inline FileDescriptor ListenAt(const std::filesystem::path& path,
                               int backlog = 64) {
  std::filesystem::create_directories(path.parent_path());
  const FileDescriptor directory(
      open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string place = absl::StrCat("/proc/self/fd/", directory.get(), "/",
                                         path.filename().string());
  FileDescriptor listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  place.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(bind(listening.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)),
            0)
      << path;
  EXPECT_EQ(listen(listening.get(), backlog), 0);
  return listening;
}

inline std::string HttpAnswer(int status, const std::string& body,
                              const std::string& headers = "") {
  return absl::StrCat("HTTP/1.1 ", status, " OK\r\n", headers,
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
}

// Serves one connection after the other. It speaks version 1.41 and answers 404
// to the rest, unless it is told otherwise, also while it serves.
class FakeEngine {
 public:
  FakeEngine() {
    Send("/_ping", HttpAnswer(200, "OK", "Api-Version: 1.41\r\n"));
  }
  ~FakeEngine() {
    {
      absl::MutexLock lock(&mutex_);
      is_ending_ = true;
      if (connection_ >= 0) shutdown(connection_, SHUT_RDWR);
    }
    shutdown(listening_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    std::filesystem::remove(path_);
  }
  FakeEngine(const FakeEngine&) = delete;
  FakeEngine& operator=(const FakeEngine&) = delete;

  void Start(const std::filesystem::path& path) {
    path_ = path;
    listening_ = ListenAt(path);
    thread_ = std::thread([this] { Serve(); });
  }

  // The body of the answer to `target`: "/v1.41/info".
  void Answer(const std::string& target, const std::string& body) {
    Send(target, HttpAnswer(200, body));
  }
  // The bytes of the answer, whatever they are.
  void Send(const std::string& target, const std::string& bytes) {
    absl::MutexLock lock(&mutex_);
    answers_[target] = bytes;
  }
  // From now on, closes the connection after the answer to `target`.
  void CloseAfter(const std::string& target) {
    absl::MutexLock lock(&mutex_);
    closing_at_ = target;
  }
  // From now on, the answer to `target` goes on until the client hangs up, or
  // has had `bytes` more than it should take.
  void FloodAfter(const std::string& target, size_t bytes) {
    absl::MutexLock lock(&mutex_);
    flooding_at_ = target;
    flood_bytes_ = bytes;
  }
  // From now on, no question is answered until Release().
  void Hold() {
    absl::MutexLock lock(&mutex_);
    is_holding_ = true;
  }
  void Release() {
    absl::MutexLock lock(&mutex_);
    is_holding_ = false;
  }

  // Waits until a question is held. Says whether one ever was.
  bool AwaitHeld() {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&has_held_), kSlow);
  }
  // Whether the one whose question is held still waits for the answer.
  bool IsAwaited() {
    absl::MutexLock lock(&mutex_);
    char byte;
    return has_held_ &&
           recv(connection_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  // Waits until `target` was asked for that often.
  bool AwaitAsked(const std::string& target, size_t count) {
    return Eventually([&] { return TimesAsked(target) >= count; });
  }

  size_t TimesAsked(const std::string& target) {
    const std::vector<std::string> asked = requests();
    return static_cast<size_t>(
        std::count_if(asked.begin(), asked.end(), [&](const auto& request) {
          return absl::StartsWith(request, absl::StrCat("GET ", target, " "));
        }));
  }
  // The requests as they came, up to their empty line.
  std::vector<std::string> requests() {
    absl::MutexLock lock(&mutex_);
    return requests_;
  }
  // How many connections there were on which something was asked.
  int connections() {
    absl::MutexLock lock(&mutex_);
    return connections_;
  }
  // What was sent in excess before the client hung up.
  size_t flooded_bytes() {
    absl::MutexLock lock(&mutex_);
    return flooded_bytes_;
  }

 private:
  void Serve() {
    for (;;) {
      const FileDescriptor connection(
          accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (connection.get() < 0) return;
      {
        absl::MutexLock lock(&mutex_);
        if (is_ending_) return;
        connection_ = connection.get();
      }
      bool is_first = true;
      while (AnswerNext(connection.get(), is_first)) is_first = false;
      absl::MutexLock lock(&mutex_);
      connection_ = -1;
    }
  }

  // False where the connection ends.
  bool AnswerNext(int connection, bool is_first) {
    std::string request;
    while (!absl::EndsWith(request, "\r\n\r\n")) {
      char byte;
      if (recv(connection, &byte, 1, 0) != 1) return false;
      request += byte;
    }
    const std::vector<std::string> words = absl::StrSplit(request, ' ');
    const std::string& target = words.at(1);
    std::string answer;
    bool is_last = false;
    size_t flood_bytes = 0;
    {
      absl::MutexLock lock(&mutex_);
      requests_.push_back(request);
      if (is_first) ++connections_;
      has_held_ = is_holding_;
      mutex_.Await(absl::Condition(this, &FakeEngine::MayAnswer));
      has_held_ = false;
      const auto known = answers_.find(target);
      answer = known == answers_.end() ? HttpAnswer(404, "") : known->second;
      is_last = target == closing_at_;
      if (target == flooding_at_) flood_bytes = flood_bytes_;
    }
    return send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(answer.size()) &&
           Flood(connection, flood_bytes) && !is_last;
  }

  bool Flood(int connection, size_t bytes) {
    const std::string filler(1 << 16, 'x');
    for (size_t sent = 0; sent < bytes; sent += filler.size()) {
      if (send(connection, filler.data(), filler.size(), MSG_NOSIGNAL) < 0) {
        return false;
      }
      absl::MutexLock lock(&mutex_);
      flooded_bytes_ += filler.size();
    }
    return bytes == 0;
  }

  bool MayAnswer() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !is_holding_ || is_ending_;
  }

  std::filesystem::path path_;
  FileDescriptor listening_{-1};
  absl::Mutex mutex_;
  std::map<std::string, std::string> answers_ ABSL_GUARDED_BY(mutex_);
  std::string closing_at_ ABSL_GUARDED_BY(mutex_);
  std::string flooding_at_ ABSL_GUARDED_BY(mutex_);
  size_t flood_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t flooded_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_holding_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_held_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;
  int connection_ ABSL_GUARDED_BY(mutex_) = -1;
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace mailcow

#endif  // TESTS_FAKE_ENGINE_H_
