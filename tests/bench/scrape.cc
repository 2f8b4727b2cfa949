#include "tests/bench/scrape.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow::bench {
namespace {

constexpr timeval kDeadline = {.tv_sec = 10, .tv_usec = 0};

struct Header {
  int status = 0;
  bool is_chunked = false;
  size_t content_length = 0;
};

absl::StatusOr<Header> ParseHeader(absl::string_view text) {
  Header header;
  if (!absl::ConsumePrefix(&text, "HTTP/1.1 ") ||
      !absl::SimpleAtoi(text.substr(0, 3), &header.status)) {
    return absl::DataLossError("the answer is not HTTP/1.1");
  }
  for (const absl::string_view line : absl::StrSplit(text, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view value = absl::StripAsciiWhitespace(field.second);
    if (absl::EqualsIgnoreCase(field.first, "Transfer-Encoding")) {
      header.is_chunked = absl::EqualsIgnoreCase(value, "chunked");
    } else if (absl::EqualsIgnoreCase(field.first, "Content-Length") &&
               !absl::SimpleAtoi(value, &header.content_length)) {
      return absl::DataLossError(absl::StrCat("Content-Length is ", value));
    }
  }
  return header;
}

}  // namespace

size_t CountSeries(absl::string_view body) {
  size_t count = 0;
  for (const absl::string_view line : absl::StrSplit(body, '\n')) {
    if (!line.empty() && line[0] != '#') ++count;
  }
  return count;
}

absl::StatusOr<std::string> DecodeChunks(absl::string_view message) {
  const absl::Status incomplete = absl::OutOfRangeError("more is to come");
  std::string body;
  while (true) {
    const size_t end = message.find("\r\n");
    if (end == absl::string_view::npos) return incomplete;
    uint32_t size = 0;
    if (!absl::SimpleHexAtoi(message.substr(0, end), &size)) {
      return absl::DataLossError("a chunk has no size");
    }
    message.remove_prefix(end + 2);
    if (message.size() < size_t{size} + 2) return incomplete;
    if (size == 0) return body;
    absl::StrAppend(&body, message.substr(0, size));
    message.remove_prefix(size_t{size} + 2);
  }
}

absl::StatusOr<Connection> Connection::Open(uint16_t port) {
  Connection connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(connection.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(connection.fd_, SOL_SOCKET, SO_RCVTIMEO, &kDeadline,
             sizeof(kDeadline));
  if (connect(connection.fd_, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    return absl::UnavailableError(absl::StrCat("connect: errno ", errno));
  }
  return connection;
}

Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      received_(std::move(other.received_)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(received_, other.received_);
  return *this;
}

Connection::~Connection() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Connection::Receive() {
  std::array<char, 262144> buffer;
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  if (count < 0) return absl::DeadlineExceededError("no answer");
  if (count == 0) return absl::UnavailableError("closed in mid-answer");
  received_.append(buffer.data(), static_cast<size_t>(count));
  return absl::OkStatus();
}

absl::StatusOr<Answer> Connection::Scrape(bool offers_gzip) {
  const std::string question = absl::StrCat(
      "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: "
      "text/plain;version=0.0.4\r\n",
      offers_gzip ? "Accept-Encoding: gzip\r\n" : "", "\r\n");
  if (send(fd_, question.data(), question.size(), MSG_NOSIGNAL) < 0) {
    return absl::UnavailableError(absl::StrCat("send: errno ", errno));
  }
  received_.clear();
  size_t header_end = std::string::npos;
  while ((header_end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (absl::Status status = Receive(); !status.ok()) return status;
  }
  const size_t start = header_end + 4;
  const auto header = ParseHeader(received_.substr(0, header_end));
  if (!header.ok()) return header.status();
  while (true) {
    const absl::string_view rest = absl::string_view(received_).substr(start);
    absl::StatusOr<std::string> body = absl::OutOfRangeError("");
    if (header->is_chunked) {
      if (absl::EndsWith(rest, "0\r\n\r\n")) body = DecodeChunks(rest);
    } else if (rest.size() >= header->content_length) {
      body = std::string(rest);
    }
    if (body.ok()) {
      return Answer{.status = header->status,
                    .body = *std::move(body),
                    .bytes = received_.size()};
    }
    if (!absl::IsOutOfRange(body.status())) return body.status();
    if (absl::Status status = Receive(); !status.ok()) return status;
  }
}

}  // namespace mailcow::bench
