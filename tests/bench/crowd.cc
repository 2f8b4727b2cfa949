// Makes the machine crowded until its standard input ends:
//   crowd connections COUNT   established TCP connections on loopback
//   crowd processes COUNT     processes that do nothing
// Says "ready" on a line once all are there.

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace mailcow::bench {
namespace {

// Of one holder, which gives each connection a port of one source address:
// below what the kernel has of ephemeral ports by default.
constexpr uint32_t kMostOfOne = 20000;
constexpr uint32_t kFirstSource = (127U << 24) + (1U << 16) + 1;

using Work = std::function<absl::Status()>;

absl::Status Errno(absl::string_view what) {
  return absl::ErrnoToStatus(errno, what);
}

sockaddr_in AddressOf(uint32_t address, uint16_t port) {
  sockaddr_in result = {};
  result.sin_family = AF_INET;
  result.sin_port = port;
  result.sin_addr.s_addr = htonl(address);
  return result;
}

// Nothing stays behind in TIME_WAIT.
void ResetAtClose(int fd) {
  const linger none = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

absl::Status Connect(int listener, const sockaddr_in& server, uint32_t holder) {
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  if (client < 0) return Errno("socket");
  // Away from 127.0.0.1, where those that are measured need ports.
  const sockaddr_in source = AddressOf(kFirstSource + holder, 0);
  const int on = 1;
  setsockopt(client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  if (bind(client, reinterpret_cast<const sockaddr*>(&source),
           sizeof(source)) != 0) {
    return Errno("bind");
  }
  if (connect(client, reinterpret_cast<const sockaddr*>(&server),
              sizeof(server)) != 0) {
    return Errno("connect");
  }
  const int accepted = accept(listener, nullptr, nullptr);
  if (accepted < 0) return Errno("accept");
  ResetAtClose(client);
  ResetAtClose(accepted);
  return absl::OkStatus();
}

// The end of this process closes them all.
absl::Status MakeConnections(uint32_t holder, uint32_t count) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in server = AddressOf(INADDR_LOOPBACK, 0);
  socklen_t size = sizeof(server);
  auto* const address = reinterpret_cast<sockaddr*>(&server);
  if (bind(listener, address, size) != 0 || listen(listener, 16) != 0 ||
      getsockname(listener, address, &size) != 0) {
    return Errno("listen");
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (absl::Status status = Connect(listener, server, holder); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// A child does its work, says so by a byte and waits to be killed.
[[noreturn]] void BeChild(const Work& work, int ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const absl::Status status = work();
  if (!status.ok()) {
    std::fprintf(stderr, "crowd: %s\n", status.ToString().c_str());
    _exit(1);
  }
  if (write(ready, "", 1) != 1) _exit(1);
  close(ready);
  while (true) pause();
}

void AwaitEndOf(int fd, size_t& bytes) {
  char byte = 0;
  while (read(fd, &byte, 1) > 0) ++bytes;
}

// Forks a child for each work, and ends them all when standard input ends.
absl::Status Hold(const std::vector<Work>& works) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Errno("pipe2");
  std::vector<pid_t> children;
  absl::Status status;
  for (const Work& work : works) {
    const pid_t pid = fork();
    if (pid == 0) BeChild(work, ends[1]);
    if (pid < 0) {
      status = Errno("fork");
      break;
    }
    children.push_back(pid);
  }
  close(ends[1]);
  size_t ready = 0;
  AwaitEndOf(ends[0], ready);
  if (status.ok() && ready == works.size()) {
    std::puts("ready");
    std::fflush(stdout);
    AwaitEndOf(STDIN_FILENO, ready);
  } else if (status.ok()) {
    status = absl::UnavailableError("a child failed");
  }
  for (const pid_t pid : children) kill(pid, SIGKILL);
  for (const pid_t pid : children) waitpid(pid, nullptr, 0);
  return status;
}

// As many holders as it takes with the descriptors that each may have.
absl::Status HoldConnections(uint32_t count) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return Errno("RLIMIT_NOFILE");
  const rlim_t most = std::min<rlim_t>(limit.rlim_max, 2 * kMostOfOne + 16);
  if (most <= 16) return absl::ResourceExhaustedError("RLIMIT_NOFILE");
  const auto share = static_cast<uint32_t>((most - 16) / 2);
  std::vector<Work> works;
  for (uint32_t made = 0; made < count; made += share) {
    const auto holder = static_cast<uint32_t>(works.size());
    const uint32_t part = std::min(share, count - made);
    works.emplace_back(
        [holder, part] { return MakeConnections(holder, part); });
  }
  return Hold(works);
}

absl::Status HoldProcesses(uint32_t count) {
  return Hold(std::vector<Work>(count, [] { return absl::OkStatus(); }));
}

absl::Status Main(int argc, char** argv) {
  const std::vector<absl::string_view> words(argv + 1, argv + argc);
  uint32_t count = 0;
  if (words.size() == 2 && absl::SimpleAtoi(words[1], &count)) {
    if (words[0] == "connections") return HoldConnections(count);
    if (words[0] == "processes") return HoldProcesses(count);
  }
  return absl::InvalidArgumentError("see the comment in crowd.cc");
}

}  // namespace
}  // namespace mailcow::bench

int main(int argc, char** argv) {
  const absl::Status status = mailcow::bench::Main(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "crowd: %s\n", status.ToString().c_str());
  return 1;
}
