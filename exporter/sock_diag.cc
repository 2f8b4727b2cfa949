#include "exporter/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace mailcow {
namespace {

constexpr absl::string_view kWhat = "sock_diag";
constexpr int kMaxTries = 5;

// In include/uapi/linux/inet_diag.h since Linux 5.11; Debian 12 has it, the
// name is kept here to build with older headers.
constexpr uint16_t kCgroupId = 21;

// A copy, since nothing says that the bytes are aligned; nothing where the
// bytes end too early.
template <typename T>
std::optional<T> ReadAs(absl::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

absl::string_view Skip(absl::string_view bytes, size_t count) {
  return bytes.substr(std::min(count, bytes.size()));
}

void ReadAttributes(absl::string_view bytes, Listener& listener) {
  while (const std::optional<rtattr> head = ReadAs<rtattr>(bytes)) {
    if (head->rta_len < sizeof(rtattr) || head->rta_len > bytes.size()) return;
    const absl::string_view value =
        bytes.substr(RTA_LENGTH(0), head->rta_len - RTA_LENGTH(0));
    if (head->rta_type == INET_DIAG_SKV6ONLY) {
      listener.ipv6_only = ReadAs<uint8_t>(value).value_or(0) != 0;
    } else if (head->rta_type == kCgroupId) {
      listener.cgroup_id = ReadAs<uint64_t>(value).value_or(0);
    }
    bytes = Skip(bytes, RTA_ALIGN(head->rta_len));
  }
}

std::optional<Listener> ReadListener(absl::string_view payload) {
  const std::optional<inet_diag_msg> message = ReadAs<inet_diag_msg>(payload);
  if (!message.has_value()) return std::nullopt;
  Listener listener;
  listener.address =
      FromBytes(message->idiag_family == AF_INET ? IpAddress::Family::kIpv4
                                                 : IpAddress::Family::kIpv6,
                message->id.idiag_src);
  listener.port = ntohs(message->id.idiag_sport);
  listener.inode = message->idiag_inode;
  ReadAttributes(Skip(payload, NLMSG_ALIGN(sizeof(inet_diag_msg))), listener);
  return listener;
}

// The last message of an answer: zero, or a negative error number.
absl::Status ParseEnd(absl::string_view payload) {
  constexpr int kMaxErrno = 4095;
  const std::optional<int> error = ReadAs<int>(payload);
  if (!error.has_value() || *error > 0 || *error < -kMaxErrno) {
    return absl::DataLossError("sock_diag ended with no error number");
  }
  return *error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(-*error, kWhat);
}

// The request of old, answered for both families in one pass.
absl::Status SendRequest(const FileDescriptor& socket) {
  struct {
    nlmsghdr head;
    inet_diag_req request;
  } message = {};
  message.head.nlmsg_len = sizeof(message);
  message.head.nlmsg_type = TCPDIAG_GETSOCK;
  message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.request.idiag_family = AF_INET;
  message.request.idiag_states = 1 << TCP_LISTEN;
  if (send(socket.get(), &message, sizeof(message), 0) < 0) {
    return absl::ErrnoToStatus(errno, kWhat);
  }
  return absl::OkStatus();
}

absl::StatusOr<FileDescriptor> OpenSocket() {
  FileDescriptor socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (socket.get() < 0) return absl::ErrnoToStatus(errno, kWhat);
  const timeval deadline = {.tv_sec = 1, .tv_usec = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline,
             sizeof(deadline));
  return socket;
}

}  // namespace

absl::StatusOr<DiagDatagram> ParseDiagDatagram(absl::string_view datagram) {
  DiagDatagram parsed;
  if (datagram.empty()) return absl::DataLossError("sock_diag sent nothing");
  while (!datagram.empty()) {
    const std::optional<nlmsghdr> head = ReadAs<nlmsghdr>(datagram);
    if (!head.has_value() || head->nlmsg_len < sizeof(nlmsghdr) ||
        head->nlmsg_len > datagram.size()) {
      return absl::DataLossError("sock_diag sent a message cut short");
    }
    const absl::string_view payload =
        datagram.substr(NLMSG_HDRLEN, head->nlmsg_len - NLMSG_HDRLEN);
    parsed.was_interrupted |= (head->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR) {
      if (absl::Status status = ParseEnd(payload); !status.ok()) return status;
      parsed.is_last = true;
      return parsed;
    }
    const std::optional<Listener> listener = ReadListener(payload);
    if (!listener.has_value()) {
      return absl::DataLossError("sock_diag sent a socket cut short");
    }
    parsed.listeners.push_back(*listener);
    datagram = Skip(datagram, NLMSG_ALIGN(head->nlmsg_len));
  }
  return parsed;
}

absl::StatusOr<std::vector<Listener>> SockDiag::Dump(bool& was_interrupted) {
  if (const absl::Status sent = SendRequest(socket_); !sent.ok()) return sent;
  std::vector<Listener> listeners;
  std::array<char, 32768> buffer;
  for (;;) {
    const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, kWhat);
    absl::StatusOr<DiagDatagram> datagram =
        ParseDiagDatagram({buffer.data(), static_cast<size_t>(got)});
    if (!datagram.ok()) return datagram.status();
    listeners.insert(listeners.end(), datagram->listeners.begin(),
                     datagram->listeners.end());
    was_interrupted |= datagram->was_interrupted;
    if (datagram->is_last) return listeners;
  }
}

absl::StatusOr<std::vector<Listener>> SockDiag::Listeners() {
  absl::MutexLock lock(&mutex_);
  for (int i = 0; i < kMaxTries; ++i) {
    if (socket_.get() < 0) {
      absl::StatusOr<FileDescriptor> socket = OpenSocket();
      if (!socket.ok()) return socket.status();
      socket_ = *std::move(socket);
    }
    bool was_interrupted = false;
    absl::StatusOr<std::vector<Listener>> listeners = Dump(was_interrupted);
    // The rest of a broken answer would be taken for the next one.
    if (!listeners.ok()) socket_ = FileDescriptor(-1);
    if (!listeners.ok() || !was_interrupted) return listeners;
  }
  return absl::UnavailableError(
      "sock_diag's table of listeners kept changing while it was read");
}

}  // namespace mailcow
