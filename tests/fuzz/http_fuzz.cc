// What comes over a connection, to the server as it stands: CivetWeb, the check
// of request heads, and a site of canned answers.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "collectors/files.h"
#include "exporter/log.h"
#include "exporter/server.h"
#include "exporter/site.h"
#include "exporter/web_guard.h"

namespace {

using absl::string_view;

constexpr char kMetrics[] = "canned_metric 1\n";

// A byte from 0x80 on stands for one of these: the fuzzer does not see into the
// libraries, and would hardly come by them.
constexpr std::array<string_view, 43> kPieces = {
    "GET ",
    "HEAD ",
    "POST ",
    "PUT ",
    "OPTIONS ",
    "CONNECT ",
    "TRACE ",
    "/metrics",
    "/",
    "/-/healthy",
    "/-/reload",
    "/%6detrics",
    "//metrics",
    "*",
    "http://localhost/metrics",
    "?collect[]=memory",
    "?format=json",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    " HTTP/2.0\r\n",
    "Host: x\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Content-Length",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "0\r\n\r\n",
    "hello",
    "Connection: close\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "Expect: 100-continue\r\n",
    "Authorization: Basic YTpi\r\n",
    "X-Prometheus-Scrape-Timeout-Seconds: 1\r\n",
    "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n",
    "HEAD / HTTP/1.1\r\nHost: x\r\n",
    "POST /-/reload HTTP/1.1\r\nHost: x\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
};

void Require(bool is_true) {
  if (!is_true) std::abort();
}

std::string Expand(const uint8_t* data, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) {
    if (data[i] >= 0x80) {
      absl::StrAppend(&bytes, kPieces[(data[i] - 0x80U) % kPieces.size()]);
    } else {
      bytes += static_cast<char>(data[i]);
    }
  }
  return bytes;
}

int Count(string_view text, string_view what) {
  int count = 0;
  for (size_t at = text.find(what); at != string_view::npos;
       at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

// The server that all inputs are sent to.
class Target {
 public:
  Target()
      : logger_(mailcow::LogLevel::kError, mailcow::LogFormat::kLogfmt),
        guard_(*mailcow::WebGuard::Load("", logger_)),
        site_({.telemetry_path = "/metrics",
               .host_name = "",
               .topics = [] { return mailcow::Topics{"memory"}; },
               .scrape =
                   [](const mailcow::Topics&, absl::Duration) {
                     return std::make_shared<const std::string>(kMetrics);
                   },
               .report = [] { return mailcow::Report(); },
               .reload = [] { return absl::OkStatus(); }}),
        server_(*mailcow::Server::Start({"127.0.0.1:0"}, site_, *guard_)) {}

  // All that is answered until the server closes the connection.
  std::string Ask(const std::string& request) const;

 private:
  const mailcow::Logger logger_;
  const std::unique_ptr<mailcow::WebGuard> guard_;
  const mailcow::Site site_;
  const std::unique_ptr<mailcow::Server> server_;
};

std::string Target::Ask(const std::string& request) const {
  const mailcow::FileDescriptor client(
      socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Ports are used up by connections that wait for stray segments.
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  // Longer than the server waits for the rest of a request.
  const timeval deadline = {.tv_sec = 30, .tv_usec = 0};
  setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline,
             sizeof(deadline));
  const sockaddr_in address = {.sin_family = AF_INET,
                               .sin_port = htons(server_->ports().front()),
                               .sin_addr = {htonl(INADDR_LOOPBACK)},
                               .sin_zero = {}};
  Require(connect(client.get(), reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) == 0);
  // The server may have closed before all of it is sent.
  static_cast<void>(
      !send(client.get(), request.data(), request.size(), MSG_NOSIGNAL));
  shutdown(client.get(), SHUT_WR);
  std::string answer;
  std::array<char, 1 << 14> buffer;
  ssize_t got;
  while ((got = recv(client.get(), buffer.data(), buffer.size(), 0)) > 0) {
    answer.append(buffer.data(), static_cast<size_t>(got));
  }
  Require(got == 0 || errno == ECONNRESET);
  return answer;
}

// How many of the answers are such.
struct Seen {
  int successes = 0;
  int successes_with_body = 0;
  int metrics = 0;
  int without_body = 0;
};

// The value of a header that must be there once; aborts where it is not.
string_view ValueOf(string_view head, string_view name) {
  const std::string start = absl::StrCat("\r\n", name, ": ");
  Require(Count(head, start) == 1);
  head.remove_prefix(head.find(start) + start.size());
  return head.substr(0, head.find("\r\n"));
}

// Takes one well-formed answer off `rest`; aborts where there is none.
void TakeAnswer(string_view& rest, Seen& seen) {
  Require(absl::ConsumePrefix(&rest, "HTTP/1.1 "));
  const bool is_success = absl::StartsWith(rest, "200 OK\r\n");
  const size_t end = rest.find("\r\n\r\n");
  Require(end != string_view::npos);
  const string_view head = rest.substr(0, end + 2);
  rest.remove_prefix(end + 4);
  int status = 0;
  size_t length = 0;
  Require(absl::SimpleAtoi(head.substr(0, 3), &status) && status >= 200);
  Require(absl::SimpleAtoi(ValueOf(head, "Content-Length"), &length));
  seen.successes += is_success ? 1 : 0;
  // The answer to HEAD has the length of what it leaves out.
  if (rest.empty() || absl::StartsWith(rest, "HTTP/1.1 ")) {
    ++seen.without_body;
    return;
  }
  Require(length <= rest.size());
  const string_view body = rest.substr(0, length);
  rest.remove_prefix(length);
  Require(is_success || body != kMetrics);
  seen.successes_with_body += is_success ? 1 : 0;
  seen.metrics += body == kMetrics ? 1 : 0;
  if (ValueOf(head, "Connection") == "close") Require(rest.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // It outlives main(), which does not wait for threads.
  static const Target& target = *new Target();
  const std::string request = Expand(data, size);
  const std::string answer = target.Ask(request);
  Seen seen;
  for (string_view rest = answer; !rest.empty();) TakeAnswer(rest, seen);
  const int asked = Count(request, "GET ") + Count(request, "POST ");
  Require(seen.successes_with_body <= asked);
  Require(seen.successes <= asked + Count(request, "HEAD "));
  Require(seen.without_body <= Count(request, "HEAD "));
  Require(seen.metrics <= Count(request, "GET /metrics ") +
                              Count(request, "GET /metrics?") +
                              Count(request, "://"));
  return 0;
}
