#include "exporter/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

sockaddr* Generic(sockaddr_storage& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

sockaddr_storage OwnAddress(const FileDescriptor& socket) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  EXPECT_EQ(getsockname(socket.get(), Generic(address), &size), 0);
  return address;
}

// The port stands at the same place for both families.
uint16_t PortOf(const FileDescriptor& socket) {
  const sockaddr_storage address = OwnAddress(socket);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

// A socket that listens on 127.0.0.1 at a free port.
FileDescriptor ListenOnIpv4() {
  FileDescriptor listening(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = {.sin_family = AF_INET,
                               .sin_port = 0,
                               .sin_addr = {htonl(INADDR_LOOPBACK)},
                               .sin_zero = {}};
  EXPECT_EQ(bind(listening.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)),
            0);
  EXPECT_EQ(listen(listening.get(), 1), 0);
  return listening;
}

// A socket that listens on [::] at a free port.
FileDescriptor ListenOnIpv6(int ipv6_only) {
  FileDescriptor listening(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  setsockopt(listening.get(), IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only,
             sizeof(ipv6_only));
  const sockaddr_in6 address = {.sin6_family = AF_INET6,
                                .sin6_port = 0,
                                .sin6_flowinfo = 0,
                                .sin6_addr = IN6ADDR_ANY_INIT,
                                .sin6_scope_id = 0};
  EXPECT_EQ(bind(listening.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)),
            0);
  EXPECT_EQ(listen(listening.get(), 1), 0);
  return listening;
}

uint64_t InodeOf(const FileDescriptor& socket) {
  struct stat status = {};
  EXPECT_EQ(fstat(socket.get(), &status), 0);
  return status.st_ino;
}

std::optional<Listener> Dumped(uint64_t inode, SockDiag& sock_diag) {
  const absl::StatusOr<std::vector<Listener>> listeners = sock_diag.Listeners();
  EXPECT_TRUE(listeners.ok()) << listeners.status();
  if (!listeners.ok()) return std::nullopt;
  for (const Listener& listener : *listeners) {
    if (listener.inode == inode) return listener;
  }
  return std::nullopt;
}

std::optional<Listener> Dumped(uint64_t inode) {
  SockDiag sock_diag;
  return Dumped(inode, sock_diag);
}

// How many times the listener is in one dump.
auto CountIn(const std::vector<Listener>& listeners, uint64_t inode) {
  return std::count_if(
      listeners.begin(), listeners.end(),
      [inode](const Listener& listener) { return listener.inode == inode; });
}

TEST(SockDiag, SeesAnIpv4Listener) {
  const FileDescriptor socket = ListenOnIpv4();
  const std::optional<Listener> listener = Dumped(InodeOf(socket));
  ASSERT_TRUE(listener.has_value());
  EXPECT_EQ(ToString(listener->address), "127.0.0.1");
  EXPECT_EQ(listener->port, PortOf(socket));
  EXPECT_FALSE(listener->ipv6_only);
}

TEST(SockDiag, SeesAnIpv6ListenerThatTakesIpv4Too) {
  const FileDescriptor socket = ListenOnIpv6(0);
  const std::optional<Listener> listener = Dumped(InodeOf(socket));
  ASSERT_TRUE(listener.has_value());
  EXPECT_EQ(ToString(listener->address, listener->port),
            absl::StrCat("[::]:", PortOf(socket)));
  EXPECT_FALSE(listener->ipv6_only);
}

TEST(SockDiag, SeesThatAListenerIsIpv6Only) {
  const FileDescriptor socket = ListenOnIpv6(1);
  const std::optional<Listener> listener = Dumped(InodeOf(socket));
  ASSERT_TRUE(listener.has_value());
  EXPECT_TRUE(listener->ipv6_only);
}

TEST(SockDiag, NoLongerSeesAListenerThatIsClosed) {
  uint64_t inode = 0;
  {
    const FileDescriptor socket = ListenOnIpv4();
    inode = InodeOf(socket);
    EXPECT_TRUE(Dumped(inode).has_value());
  }
  EXPECT_FALSE(Dumped(inode).has_value());
}

TEST(SockDiag, DoesNotSeeASocketThatOnlyHasAPort) {
  const FileDescriptor bound(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  ASSERT_EQ(bind(bound.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)),
            0);
  EXPECT_FALSE(Dumped(InodeOf(bound)).has_value());
}

TEST(SockDiag, DoesNotSeeConnections) {
  const FileDescriptor listening = ListenOnIpv4();
  sockaddr_storage address = OwnAddress(listening);
  const FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), Generic(address), sizeof(sockaddr_in)), 0);
  const FileDescriptor accepted(accept(listening.get(), nullptr, nullptr));
  ASSERT_GE(accepted.get(), 0);
  EXPECT_FALSE(Dumped(InodeOf(client)).has_value());
  EXPECT_FALSE(Dumped(InodeOf(accepted)).has_value());
}

// It asks over the same socket again.
TEST(SockDiag, AskedAgainItSeesWhatCameAndWhatWentInBetween) {
  SockDiag sock_diag;
  FileDescriptor first = ListenOnIpv4();
  const uint64_t first_inode = InodeOf(first);
  EXPECT_TRUE(Dumped(first_inode, sock_diag).has_value());
  const FileDescriptor second = ListenOnIpv6(0);
  EXPECT_TRUE(Dumped(InodeOf(second), sock_diag).has_value());
  EXPECT_TRUE(Dumped(first_inode, sock_diag).has_value());
  { const FileDescriptor closed = std::move(first); }
  EXPECT_FALSE(Dumped(first_inode, sock_diag).has_value());
  EXPECT_TRUE(Dumped(InodeOf(second), sock_diag).has_value());
}

TEST(SockDiag, KeepsOneSocketHoweverOftenItIsAsked) {
  // The number that its socket will have: the lowest that is free.
  const int number = FileDescriptor(dup(STDIN_FILENO)).get();
  SockDiag sock_diag;
  ASSERT_TRUE(sock_diag.Listeners().ok());
  struct stat before = {};
  ASSERT_EQ(fstat(number, &before), 0);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sock_diag.Listeners().ok());
  struct stat after = {};
  ASSERT_EQ(fstat(number, &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(FileDescriptor(dup(STDIN_FILENO)).get(), number + 1);
}

// More than one datagram holds; none may be left for the next answer.
TEST(SockDiag, SeesManyListenersOnceEachTime) {
  std::vector<FileDescriptor> listening;
  for (int i = 0; i < 300; ++i) listening.push_back(ListenOnIpv4());
  SockDiag sock_diag;
  for (int i = 0; i < 3; ++i) {
    const absl::StatusOr<std::vector<Listener>> listeners =
        sock_diag.Listeners();
    ASSERT_TRUE(listeners.ok()) << listeners.status();
    for (const FileDescriptor& socket : listening) {
      EXPECT_EQ(CountIn(*listeners, InodeOf(socket)), 1);
    }
  }
}

TEST(SockDiag, AnswersSeveralThreadsAtOnce) {
  std::vector<FileDescriptor> listening;
  for (int i = 0; i < 100; ++i) listening.push_back(ListenOnIpv4());
  SockDiag sock_diag;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        const absl::StatusOr<std::vector<Listener>> listeners =
            sock_diag.Listeners();
        ASSERT_TRUE(listeners.ok()) << listeners.status();
        EXPECT_EQ(CountIn(*listeners, InodeOf(listening.front())), 1);
        EXPECT_EQ(CountIn(*listeners, InodeOf(listening.back())), 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The bytes of a value, as the kernel sends it.
template <typename T>
std::string Bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string Message(uint16_t type, const std::string& payload,
                    uint16_t flags = NLM_F_MULTI) {
  nlmsghdr head = {};
  head.nlmsg_len = static_cast<uint32_t>(sizeof(head) + payload.size());
  head.nlmsg_type = type;
  head.nlmsg_flags = flags;
  return Bytes(head) + payload;
}

std::string Attribute(uint16_t type, const std::string& value) {
  rtattr head = {};
  head.rta_len = static_cast<uint16_t>(sizeof(head) + value.size());
  head.rta_type = type;
  std::string attribute = Bytes(head) + value;
  attribute.resize(RTA_ALIGN(attribute.size()));
  return attribute;
}

// A socket that listens on [::]:25, with inode 4711.
std::string SocketMessage(const std::string& attributes = "") {
  inet_diag_msg socket = {};
  socket.idiag_family = AF_INET6;
  socket.id.idiag_sport = htons(25);
  socket.idiag_inode = 4711;
  return Message(TCPDIAG_GETSOCK, Bytes(socket) + attributes);
}

std::string Done() { return Message(NLMSG_DONE, Bytes(0)); }

TEST(ParseDiagDatagram, ReadsSocketsAndTheirEnd) {
  const absl::StatusOr<DiagDatagram> datagram =
      ParseDiagDatagram(SocketMessage() + SocketMessage() + Done());
  ASSERT_TRUE(datagram.ok());
  EXPECT_TRUE(datagram->is_last);
  ASSERT_EQ(datagram->listeners.size(), 2u);
  const Listener& listener = datagram->listeners.front();
  EXPECT_EQ(ToString(listener.address, listener.port), "[::]:25");
  EXPECT_EQ(listener.inode, 4711u);
  EXPECT_EQ(listener.cgroup_id, 0u);
}

TEST(ParseDiagDatagram, WithoutItsEndMoreIsToCome) {
  const absl::StatusOr<DiagDatagram> datagram =
      ParseDiagDatagram(SocketMessage());
  ASSERT_TRUE(datagram.ok());
  EXPECT_FALSE(datagram->is_last);
}

TEST(ParseDiagDatagram, ReadsTheAttributesItKnowsAmongOthers) {
  constexpr uint16_t kInetDiagCgroupId = 21;
  const absl::StatusOr<DiagDatagram> datagram = ParseDiagDatagram(SocketMessage(
      Attribute(INET_DIAG_SHUTDOWN, Bytes(uint8_t{3})) +
      Attribute(INET_DIAG_SKV6ONLY, Bytes(uint8_t{1})) +
      Attribute(kInetDiagCgroupId, Bytes(uint64_t{0x1'0000'0002}))));
  ASSERT_TRUE(datagram.ok());
  ASSERT_EQ(datagram->listeners.size(), 1u);
  EXPECT_TRUE(datagram->listeners.front().ipv6_only);
  EXPECT_EQ(datagram->listeners.front().cgroup_id, 0x1'0000'0002u);
}

TEST(ParseDiagDatagram, SaysThatTheDumpWasInterrupted) {
  EXPECT_TRUE(ParseDiagDatagram(
                  Message(NLMSG_DONE, Bytes(0), NLM_F_MULTI | NLM_F_DUMP_INTR))
                  ->was_interrupted);
  EXPECT_FALSE(ParseDiagDatagram(Done())->was_interrupted);
}

TEST(ParseDiagDatagram, AnErrorIsTheKernels) {
  EXPECT_TRUE(absl::IsPermissionDenied(
      ParseDiagDatagram(Message(NLMSG_ERROR, Bytes(-EPERM))).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(
      ParseDiagDatagram(Message(NLMSG_DONE, Bytes(-EPERM))).status()));
}

// Found by fuzzing: this number has no positive counterpart.
TEST(ParseDiagDatagram, AnErrorNumberOutOfRangeIsStillAnError) {
  constexpr int kLeast = std::numeric_limits<int>::min();
  EXPECT_FALSE(
      ParseDiagDatagram(Message(NLMSG_ERROR, Bytes(kLeast))).status().ok());
}

TEST(ParseDiagDatagram, AnErrorWithoutItsNumberIsDataLoss) {
  EXPECT_TRUE(
      absl::IsDataLoss(ParseDiagDatagram(Message(NLMSG_ERROR, "")).status()));
}

TEST(ParseDiagDatagram, NoBytesAreDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(ParseDiagDatagram("").status()));
}

TEST(ParseDiagDatagram, AMessageThatIsCutShortIsDataLoss) {
  const std::string whole = SocketMessage();
  for (const size_t size : {size_t{1}, sizeof(nlmsghdr), whole.size() - 1}) {
    EXPECT_TRUE(
        absl::IsDataLoss(ParseDiagDatagram(whole.substr(0, size)).status()))
        << size;
  }
}

TEST(ParseDiagDatagram, ASocketThatIsCutShortIsDataLoss) {
  const std::string payload(sizeof(inet_diag_msg) - 1, '\0');
  EXPECT_TRUE(absl::IsDataLoss(
      ParseDiagDatagram(Message(TCPDIAG_GETSOCK, payload) + Done()).status()));
}

TEST(ParseDiagDatagram, ALengthBelowAHeadersIsDataLoss) {
  nlmsghdr head = {};
  head.nlmsg_len = sizeof(head) - 1;
  EXPECT_TRUE(absl::IsDataLoss(ParseDiagDatagram(Bytes(head)).status()));
}

}  // namespace
}  // namespace mailcow
