// Scrapes a port of 127.0.0.1, and says how long that took:
//   load scrape PORT COUNT PACE_MS kept|fresh plain|gzip
//   load start PORT PROGRAM [ARGUMENT...]
// The second starts the program, asks it until it answers with a sample, ends
// it, and says how long it was from the start to that answer. Prints one JSON
// object; times are in seconds.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/scrape.h"

namespace mailcow::bench {
namespace {

constexpr std::chrono::seconds kStartDeadline(30);
constexpr std::chrono::microseconds kBetweenAttempts(200);

struct Work {
  uint16_t port = 0;
  uint32_t count = 0;
  std::chrono::milliseconds pace{0};
  bool keeps_connection = false;
  bool offers_gzip = false;
};

double Seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The smallest value that is not below `share` of them.
double Quantile(const std::vector<double>& sorted, double share) {
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(rank) - 1];
}

absl::StatusOr<Answer> ScrapeOnce(const Work& work,
                                  std::optional<Connection>& kept) {
  if (!kept.has_value()) {
    absl::StatusOr<Connection> opened = Connection::Open(work.port);
    if (!opened.ok()) return opened.status();
    kept = *std::move(opened);
  }
  absl::StatusOr<Answer> answer = kept->Scrape(work.offers_gzip);
  if (!work.keeps_connection) kept.reset();
  if (answer.ok() && answer->status != 200) {
    return absl::UnavailableError(absl::StrCat("status ", answer->status));
  }
  return answer;
}

absl::Status Scrape(const Work& work) {
  std::optional<Connection> kept;
  std::vector<double> latencies;
  Answer last;
  Clock::time_point next = Clock::now();
  for (uint32_t i = 0; i < work.count; ++i) {
    // The wait comes first: the program is measured for as many seconds as it
    // is scraped, and what it does in between counts.
    next += work.pace;
    if (work.pace.count() > 0) std::this_thread::sleep_until(next);
    const Clock::time_point start = Clock::now();
    absl::StatusOr<Answer> answer = ScrapeOnce(work, kept);
    if (!answer.ok()) return answer.status();
    latencies.push_back(Seconds(Clock::now() - start));
    last = *std::move(answer);
  }
  std::sort(latencies.begin(), latencies.end());
  std::printf(
      "{\"p50\": %.9f, \"p99\": %.9f, \"bytes\": %zu, \"series\": %zu}\n",
      Quantile(latencies, 0.5), Quantile(latencies, 0.99), last.bytes,
      work.offers_gzip ? 0 : CountSeries(last.body));
  return absl::OkStatus();
}

absl::StatusOr<pid_t> Start(char* const* command) {
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid > 0) return pid;
  // Does not outlive this process, however that ends.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    dup2(nothing, fd);
  }
  execvp(command[0], command);
  _exit(127);
}

absl::Status AwaitAnswer(uint16_t port) {
  const Clock::time_point deadline = Clock::now() + kStartDeadline;
  while (Clock::now() < deadline) {
    absl::StatusOr<Connection> connection = Connection::Open(port);
    if (connection.ok()) {
      const absl::StatusOr<Answer> answer = connection->Scrape(false);
      if (answer.ok() && answer->status == 200 &&
          CountSeries(answer->body) > 0) {
        return absl::OkStatus();
      }
    }
    std::this_thread::sleep_for(kBetweenAttempts);
  }
  return absl::DeadlineExceededError("the program does not answer");
}

absl::Status TimeStart(uint16_t port, char* const* command) {
  const Clock::time_point start = Clock::now();
  const absl::StatusOr<pid_t> pid = Start(command);
  if (!pid.ok()) return pid.status();
  absl::Status status = AwaitAnswer(port);
  const double seconds = Seconds(Clock::now() - start);
  kill(*pid, SIGKILL);
  waitpid(*pid, nullptr, 0);
  if (status.ok()) std::printf("{\"start\": %.9f}\n", seconds);
  return status;
}

absl::Status Main(int argc, char** argv) {
  const std::vector<absl::string_view> words(argv + 1, argv + argc);
  uint32_t port = 0;
  uint32_t pace = 0;
  Work work;
  if (words.size() >= 3 && absl::SimpleAtoi(words[1], &port)) {
    work.port = static_cast<uint16_t>(port);
    if (words[0] == "start") return TimeStart(work.port, argv + 3);
    if (words[0] == "scrape" && words.size() == 6 &&
        absl::SimpleAtoi(words[2], &work.count) && work.count > 0 &&
        absl::SimpleAtoi(words[3], &pace)) {
      work.pace = std::chrono::milliseconds(pace);
      work.keeps_connection = words[4] == "kept";
      work.offers_gzip = words[5] == "gzip";
      return Scrape(work);
    }
  }
  return absl::InvalidArgumentError("see the comment in load.cc");
}

}  // namespace
}  // namespace mailcow::bench

int main(int argc, char** argv) {
  const absl::Status status = mailcow::bench::Main(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "load: %s\n", status.ToString().c_str());
  return 1;
}
