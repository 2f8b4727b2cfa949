// A resolver on loopback for tests, which can also misbehave: it answers over
// UDP and TCP what the test tells it to.

#ifndef TESTS_FAKE_RESOLVER_H_
#define TESTS_FAKE_RESOLVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collectors/dns_record.h"
#include "collectors/files.h"
#include "gtest/gtest.h"

namespace mailcow {

inline std::string DnsNumber(int number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number)};
}

// "a.example" as it stands in a message, not compressed.
inline std::string DnsName(absl::string_view name) {
  std::string packed;
  for (absl::string_view label : absl::StrSplit(name, '.', absl::SkipEmpty())) {
    packed.push_back(static_cast<char>(label.size()));
    absl::StrAppend(&packed, label);
  }
  return packed + '\0';
}

// A record of a message, of class IN.
inline std::string DnsEntry(absl::string_view owner, int type,
                            const std::string& data) {
  return absl::StrCat(DnsName(owner), DnsNumber(type), DnsNumber(1),
                      DnsNumber(0), DnsNumber(60),
                      DnsNumber(static_cast<int>(data.size())), data);
}

inline std::string DnsAddress(absl::string_view owner, const char* address) {
  std::string data(4, '\0');
  inet_pton(AF_INET, address, data.data());
  return DnsEntry(owner, 1, data);
}

inline std::string DnsAlias(absl::string_view owner, absl::string_view target) {
  return DnsEntry(owner, 5, DnsName(target));
}

// The bits of a header.
inline constexpr int kDnsAnswers = 0x8180;  // with recursion
inline constexpr int kDnsTruncated = 0x0200;
inline constexpr int kDnsAuthentic = 0x0020;

// An answer that repeats `question` (the part after the header) and has the
// given records.
inline std::string DnsMessage(const std::string& id, int flags,
                              const std::string& question,
                              const std::vector<std::string>& answers,
                              const std::vector<std::string>& authority = {}) {
  std::string message = absl::StrCat(
      id, DnsNumber(flags), DnsNumber(1),
      DnsNumber(static_cast<int>(answers.size())),
      DnsNumber(static_cast<int>(authority.size())), DnsNumber(0), question);
  for (const auto* section : {&answers, &authority}) {
    for (const std::string& entry : *section) message += entry;
  }
  return message;
}

// What a resolver is asked.
struct DnsQuery {
  std::string message;
  bool is_tcp = false;

  std::string id() const { return message.substr(0, 2); }
  // The name in full, and the type: what an answer repeats.
  std::string question() const {
    return message.substr(12, message.find('\0', 12) - 12 + 5);
  }
  // "a.example".
  std::string name() const {
    std::string text;
    for (size_t at = 12; message[at] != '\0';) {
      const auto size = static_cast<size_t>(message[at]);
      absl::StrAppend(&text, text.empty() ? "" : ".",
                      message.substr(at + 1, size));
      at += size + 1;
    }
    return text;
  }
  // What is asked to see whether anybody is there.
  bool is_harmless() const { return name().empty(); }

  std::string Answer(const std::vector<std::string>& answers,
                     int flags = kDnsAnswers,
                     const std::vector<std::string>& authority = {}) const {
    return DnsMessage(id(), flags, question(), answers, authority);
  }
  std::string Error(int rcode) const { return Answer({}, kDnsAnswers | rcode); }
};

class FakeResolver {
 public:
  // The messages that come back, over the same protocol.
  using Behaviour = std::function<std::vector<std::string>(const DnsQuery&)>;

  explicit FakeResolver(Behaviour behaviour)
      : behaviour_(std::move(behaviour)),
        udp_(-1),
        tcp_(-1),
        end_(eventfd(0, EFD_CLOEXEC)) {
    // A port that is free over UDP may not be over TCP.
    for (int tries = 0; tries < 100 && !Bind(); ++tries) continue;
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeResolver() {
    eventfd_write(end_.get(), 1);
    thread_.join();
  }
  FakeResolver(const FakeResolver&) = delete;
  FakeResolver& operator=(const FakeResolver&) = delete;

  std::string name() const { return absl::StrCat("127.0.0.1:", port_); }

  // From the next question on.
  void Become(Behaviour behaviour) {
    absl::MutexLock lock(&mutex_);
    behaviour_ = std::move(behaviour);
  }
  // Without the harmless ones.
  std::vector<DnsQuery> queries() const {
    absl::MutexLock lock(&mutex_);
    return queries_;
  }
  size_t times_asked() const { return queries().size(); }
  size_t times_asked_harmless() const {
    absl::MutexLock lock(&mutex_);
    return harmless_;
  }

 private:
  bool Bind() {
    udp_ = FileDescriptor(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    tcp_ = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(udp_.get(), generic, size) != 0) return false;
    getsockname(udp_.get(), generic, &size);
    port_ = ntohs(address.sin_port);
    return bind(tcp_.get(), generic, size) == 0 && listen(tcp_.get(), 16) == 0;
  }

  std::vector<std::string> Behave(const DnsQuery& query) {
    absl::MutexLock lock(&mutex_);
    if (query.is_harmless()) {
      ++harmless_;
    } else {
      queries_.push_back(query);
    }
    return behaviour_(query);
  }

  void ServeUdp() {
    std::array<char, 4096> bytes;
    sockaddr_in from = {};
    socklen_t size = sizeof from;
    auto* generic = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = recvfrom(udp_.get(), bytes.data(), bytes.size(),
                                 MSG_DONTWAIT, generic, &size);
    if (got < 12) return;
    const DnsQuery query = {
        .message = std::string(bytes.data(), static_cast<size_t>(got))};
    for (const std::string& message : Behave(query)) {
      sendto(udp_.get(), message.data(), message.size(), 0, generic, size);
    }
  }

  // False where the connection is over.
  bool ServeTcp(int connection, std::string& unread) {
    std::array<char, 4096> bytes;
    const ssize_t got = recv(connection, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    unread.append(bytes.data(), static_cast<size_t>(got));
    while (unread.size() >= 2) {
      const size_t size = static_cast<unsigned char>(unread[0]) * 256u +
                          static_cast<unsigned char>(unread[1]);
      if (unread.size() < 2 + size) break;
      const DnsQuery query = {.message = unread.substr(2, size),
                              .is_tcp = true};
      unread.erase(0, 2 + size);
      for (const std::string& message : Behave(query)) {
        const std::string sent =
            absl::StrCat(DnsNumber(static_cast<int>(message.size())), message);
        send(connection, sent.data(), sent.size(), MSG_NOSIGNAL);
      }
    }
    return true;
  }

  void Serve() {
    std::map<int, std::pair<FileDescriptor, std::string>> connections;
    while (true) {
      std::vector<pollfd> polled = {{end_.get(), POLLIN, 0},
                                    {udp_.get(), POLLIN, 0},
                                    {tcp_.get(), POLLIN, 0}};
      for (const auto& [fd, connection] : connections) {
        polled.push_back({fd, POLLIN, 0});
      }
      poll(polled.data(), polled.size(), -1);
      if (polled[0].revents != 0) return;
      if (polled[1].revents != 0) ServeUdp();
      for (size_t i = 3; i < polled.size(); ++i) {
        const int fd = polled[i].fd;
        if (polled[i].revents == 0) continue;
        if (!ServeTcp(fd, connections.at(fd).second)) connections.erase(fd);
      }
      if (polled[2].revents == 0) continue;
      const int accepted = accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted >= 0) {
        connections.emplace(accepted,
                            std::pair(FileDescriptor(accepted), std::string()));
      }
    }
  }

  mutable absl::Mutex mutex_;
  Behaviour behaviour_ ABSL_GUARDED_BY(mutex_);
  std::vector<DnsQuery> queries_ ABSL_GUARDED_BY(mutex_);
  size_t harmless_ ABSL_GUARDED_BY(mutex_) = 0;
  FileDescriptor udp_;
  FileDescriptor tcp_;
  const FileDescriptor end_;
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace mailcow

#endif  // TESTS_FAKE_RESOLVER_H_
