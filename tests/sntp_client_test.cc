#include "exporter/sntp_client.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "collectors/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

// How far ahead of the kernel's the clocks are, as the tests set them.
struct FakeClocks {
  std::atomic<int64_t> time_of_day_seconds = 0;
  std::atomic<int64_t> steady_seconds = 0;  // of those that nobody sets
};

FakeClocks clocks;

// Looks up numbers as the C library does, and of names those that end in .test.
struct FakeResolver {
  absl::Mutex mutex;
  // Host and port, and "own" where the question is only for the kinds of
  // addresses that this host has.
  std::vector<std::string> asked ABSL_GUARDED_BY(mutex);
  bool is_free ABSL_GUARDED_BY(mutex) = true;
};

FakeResolver resolver;

int LookUp(const char* host, const char* port, const addrinfo* hints,
           addrinfo** found) {
  // Not that of this file.
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const absl::string_view name = host;
  const bool is_for_own = (hints->ai_flags & AI_ADDRCONFIG) != 0;
  {
    absl::MutexLock lock(&resolver.mutex);
    resolver.asked.push_back(
        absl::StrCat(name, " ", port, is_for_own ? " own" : ""));
    resolver.mutex.Await(absl::Condition(&resolver.is_free));
  }
  if (name == "one.test") return real("127.0.0.1", port, hints, found);
  if (name == "loopback.test" && !is_for_own) {
    return real("127.0.0.1", port, hints, found);
  }
  if (name == "three.test") {
    addrinfo** end = found;
    for (const char* address : {"127.0.0.1", "127.0.0.2", "127.0.0.3"}) {
      const int result = real(address, port, hints, end);
      if (result != 0) return result;
      end = &(*end)->ai_next;
    }
    return 0;
  }
  addrinfo numeric = *hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  return real(host, port, &numeric, found);
}

}  // namespace
}  // namespace mailcow

// These stand before those of the C library.
extern "C" int clock_gettime(clockid_t id, timespec* now) noexcept {
  const long result = syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_REALTIME) now->tv_sec += mailcow::clocks.time_of_day_seconds;
  if (id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME) {
    now->tv_sec += mailcow::clocks.steady_seconds;
  }
  return static_cast<int>(result);
}
extern "C" int getaddrinfo(const char* host, const char* port,
                           const addrinfo* hints, addrinfo** found) {
  return mailcow::LookUp(host, port, hints, found);
}

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// As long as a slow machine may take. Only a test that fails waits so long.
constexpr absl::Duration kSlow = absl::Seconds(60);

constexpr SntpClient::Pace kEveryHour = {.every = absl::Hours(1),
                                         .deadline = kSlow};
constexpr SntpClient::Pace kAlways = {.every = absl::ZeroDuration(),
                                      .deadline = kSlow};

// Who asked, as the server sees it.
class Asker {
 public:
  Asker(int socket, const sockaddr_storage& address, std::string question)
      : socket_(socket), address_(address), question_(std::move(question)) {}

  // What the question has where the time of sending would be.
  std::string nonce() const { return question_.substr(40, 8); }
  void Send(const std::string& datagram) const { SendFrom(socket_, datagram); }
  void SendFromAnotherPort(const std::string& datagram) const {
    const FileDescriptor other(
        socket(address_.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    SendFrom(other.get(), datagram);
  }

 private:
  void SendFrom(int socket, const std::string& datagram) const {
    sendto(socket, datagram.data(), datagram.size(), 0,
           reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
  }

  const int socket_;
  const sockaddr_storage address_;
  const std::string question_;
};

using Behaviour = std::function<void(const Asker&)>;

// A time server on loopback.
class FakeServer {
 public:
  explicit FakeServer(Behaviour behaviour,
                      const std::string& address = "127.0.0.1",
                      uint16_t port = 0)
      : socket_(Bind(address, port)), behaviour_(std::move(behaviour)) {
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeServer() {
    const sockaddr_storage own = OwnAddress();
    sendto(socket_.get(), "", 0, 0, reinterpret_cast<const sockaddr*>(&own),
           sizeof own);
    thread_.join();
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  uint16_t port() const {
    const sockaddr_storage own = OwnAddress();
    // It stands at the same place for both families.
    return ntohs(reinterpret_cast<const sockaddr_in&>(own).sin_port);
  }
  std::string name() const { return absl::StrCat("127.0.0.1:", port()); }

  // From the next question on.
  void Become(Behaviour behaviour) {
    absl::MutexLock lock(&mutex_);
    behaviour_ = std::move(behaviour);
  }
  std::vector<std::string> questions() const {
    absl::MutexLock lock(&mutex_);
    return questions_;
  }
  size_t times_asked() const { return questions().size(); }
  void AwaitQuestion() const {
    absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(mutex_.AwaitWithTimeout(
        absl::Condition(this, &FakeServer::IsAsked), kSlow));
  }

 private:
  bool IsAsked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !questions_.empty();
  }

  static FileDescriptor Bind(const std::string& address, uint16_t port) {
    sockaddr_in6 ipv6 = {};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    sockaddr_in ipv4 = {};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    const bool is_ipv4 = inet_pton(AF_INET, address.c_str(), &ipv4.sin_addr);
    inet_pton(AF_INET6, address.c_str(), &ipv6.sin6_addr);
    FileDescriptor bound(
        socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(is_ipv4 ? bind(bound.get(), reinterpret_cast<sockaddr*>(&ipv4),
                             sizeof ipv4)
                      : bind(bound.get(), reinterpret_cast<sockaddr*>(&ipv6),
                             sizeof ipv6),
              0);
    return bound;
  }

  sockaddr_storage OwnAddress() const {
    sockaddr_storage own = {};
    socklen_t size = sizeof own;
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size);
    return own;
  }

  // Until an empty datagram comes.
  void Serve() {
    for (;;) {
      std::array<char, 512> buffer;
      sockaddr_storage asker = {};
      socklen_t asker_size = sizeof asker;
      const ssize_t size =
          recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                   reinterpret_cast<sockaddr*>(&asker), &asker_size);
      if (size <= 0) return;
      const std::string question(buffer.data(), static_cast<size_t>(size));
      Behaviour behaviour;
      {
        absl::MutexLock lock(&mutex_);
        questions_.push_back(question);
        behaviour = behaviour_;
      }
      behaviour(Asker(socket_.get(), asker, question));
    }
  }

  const FileDescriptor socket_;
  mutable absl::Mutex mutex_;
  Behaviour behaviour_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> questions_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// A time as NTP has it.
std::string NtpTime(absl::Time time) {
  const absl::Duration since_1900 =
      time - absl::UnixEpoch() + absl::Seconds(2'208'988'800);
  const auto seconds = static_cast<uint64_t>(absl::ToInt64Seconds(since_1900));
  const auto nanoseconds = static_cast<uint64_t>(
      absl::ToInt64Nanoseconds(since_1900 % absl::Seconds(1)));
  const uint64_t number = seconds << 32 | (nanoseconds << 32) / 1'000'000'000;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(number >> shift & 0xff);
  }
  return bytes;
}

// absl::Now() may not see for a while that the clock was set.
absl::Time Now() { return absl::FromChrono(std::chrono::system_clock::now()); }

// An answer of a server at stratum 2 whose clock is `ahead` of ours.
std::string Answer(const std::string& nonce,
                   absl::Duration ahead = absl::ZeroDuration()) {
  const std::string now = NtpTime(Now() + ahead);
  return absl::StrCat("\x24\x02\x06\xe9", std::string(20, '\0'), nonce, now,
                      now);
}

std::string KissOfDeath(const std::string& nonce, const std::string& code) {
  std::string packet = Answer(nonce);
  packet[1] = 0;
  return packet.replace(12, 4, code);
}

void AnswerRight(const Asker& asker) { asker.Send(Answer(asker.nonce())); }
void AnswerAnHourAhead(const Asker& asker) {
  asker.Send(Answer(asker.nonce(), absl::Hours(1)));
}
void AnswerUnsynchronized(const Asker& asker) {
  asker.Send(Answer(asker.nonce()).replace(1, 1, "\x10"));
}
void BeSilent(const Asker&) {}
Behaviour Kiss(const std::string& code) {
  return [code](const Asker& asker) {
    asker.Send(KissOfDeath(asker.nonce(), code));
  };
}

uint16_t ClosedPort() { return FakeServer(BeSilent).port(); }

class SntpClientTest : public testing::Test {
 protected:
  SntpClientTest() {
    absl::MutexLock lock(&resolver.mutex);
    resolver.asked.clear();
  }
  ~SntpClientTest() override {
    clocks.time_of_day_seconds = 0;
    clocks.steady_seconds = 0;
  }

  // Somebody sets the clock.
  static void Step(absl::Duration by) {
    clocks.time_of_day_seconds += absl::ToInt64Seconds(by);
  }
  // Time goes by.
  static void Wait(absl::Duration time) {
    clocks.time_of_day_seconds += absl::ToInt64Seconds(time);
    clocks.steady_seconds += absl::ToInt64Seconds(time);
  }
  static std::vector<std::string> LookedUp() {
    absl::MutexLock lock(&resolver.mutex);
    return resolver.asked;
  }
};

using AskTimeServerTest = SntpClientTest;

// Asks by a client that never asked before.
absl::StatusOr<ServerTime> AskTimeServer(const std::string& server) {
  return SntpClient(kEveryHour).Ask({server}).front();
}

absl::StatusOr<ServerTime> Ask(const SntpClient& client,
                               const FakeServer& server) {
  return client.Ask({server.name()}).front();
}

TEST_F(AskTimeServerTest, AClockThatAgreesHasNoOffsetBeyondTheRoundTrip) {
  const FakeServer server(AnswerRight);
  const absl::StatusOr<ServerTime> answer = AskTimeServer(server.name());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_LE(std::abs(answer->offset_seconds),
            answer->round_trip_seconds / 2 + 0.001);
  EXPECT_EQ(answer->stratum, 2);
}

TEST_F(AskTimeServerTest, AServerThatIsAheadHasAPositiveOffset) {
  const FakeServer server(AnswerAnHourAhead);
  const absl::StatusOr<ServerTime> answer = AskTimeServer(server.name());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->offset_seconds, 3600, 1);
}

TEST_F(AskTimeServerTest, EachQuestionHasANonceOfItsOwn) {
  const FakeServer server(AnswerRight);
  EXPECT_TRUE(AskTimeServer(server.name()).ok());
  EXPECT_TRUE(AskTimeServer(server.name()).ok());
  const std::vector<std::string> questions = server.questions();
  ASSERT_EQ(questions.size(), 2u);
  for (const std::string& question : questions) {
    EXPECT_EQ(question.size(), 48u);
    EXPECT_THAT(question, StartsWith("\x23" + std::string(39, '\0')));
  }
  EXPECT_NE(questions[0].substr(40), questions[1].substr(40));
}

TEST_F(AskTimeServerTest, AServerThatIsSilentExceedsTheDeadline) {
  const FakeServer server(BeSilent);
  const absl::Status status = AskTimeServer(server.name()).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_EQ(status.message(), "it does not answer");
  EXPECT_EQ(server.times_asked(), 1u);
}

TEST_F(AskTimeServerTest, AnAnswerThatIsTooLateIsNotThatToTheNextQuestion) {
  absl::Notification given_up;
  FakeServer server([&](const Asker& asker) {
    given_up.WaitForNotification();
    asker.Send(Answer(asker.nonce(), absl::Hours(1)));
  });
  EXPECT_TRUE(absl::IsDeadlineExceeded(AskTimeServer(server.name()).status()));
  server.Become(AnswerRight);
  given_up.Notify();
  const absl::StatusOr<ServerTime> answer = AskTimeServer(server.name());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->offset_seconds, 0, 1);
}

TEST_F(AskTimeServerTest, TheRightAnswerMayFollowOnesThatAreNone) {
  const FakeServer server([](const Asker& asker) {
    const std::string forged(8, 'x');
    asker.Send("x");
    asker.Send(Answer(asker.nonce()).substr(0, 47));
    asker.Send(Answer(forged, absl::Hours(1)));
    asker.Send(KissOfDeath(forged, "DENY"));
    asker.Send(Answer(asker.nonce()));
  });
  const absl::StatusOr<ServerTime> answer = AskTimeServer(server.name());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->offset_seconds, 0, 1);
}

TEST_F(AskTimeServerTest, OfTwoRightAnswersTheFirstCounts) {
  const FakeServer server([](const Asker& asker) {
    AnswerRight(asker);
    AnswerAnHourAhead(asker);
  });
  const absl::StatusOr<ServerTime> answer = AskTimeServer(server.name());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->offset_seconds, 0, 1);
}

TEST_F(AskTimeServerTest, WhereNothingButGarbageCameThatIsSaid) {
  const FakeServer server([](const Asker& asker) {
    asker.Send(Answer(asker.nonce()).substr(0, 47));
  });
  const absl::Status status = AskTimeServer(server.name()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(status.message(), "its answer has 47 bytes instead of 48");
}

TEST_F(AskTimeServerTest, AFloodOfGarbageWasReadAlsoAfterTheDeadline) {
  const FakeServer server([](const Asker& asker) {
    Wait(absl::Seconds(10));
    for (int i = 0; i < 100; ++i) {
      asker.Send("x");
      asker.Send(Answer(asker.nonce()));
    }
  });
  // Whether time goes by before it looks, or while it waits.
  const absl::Status status = AskTimeServer(server.name()).status();
  EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsDeadlineExceeded(status))
      << status;
}

TEST_F(AskTimeServerTest, AnAnswerFromAnotherPortIsDropped) {
  FakeServer server([](const Asker& asker) {
    asker.SendFromAnotherPort(Answer(asker.nonce(), absl::Hours(1)));
    asker.Send(Answer(asker.nonce()));
  });
  const absl::StatusOr<ServerTime> answer = AskTimeServer(server.name());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->offset_seconds, 0, 1);
  server.Become([](const Asker& asker) {
    asker.SendFromAnotherPort(Answer(asker.nonce()));
  });
  EXPECT_TRUE(absl::IsDeadlineExceeded(AskTimeServer(server.name()).status()));
}

TEST_F(AskTimeServerTest, ARefusalHadTwoColons) {
  const absl::Status status =
      AskTimeServer(absl::StrCat("127.0.0.1:", ClosedPort())).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(status.message(), "it refuses: Connection refused");
}

TEST_F(AskTimeServerTest, AStepOfOurClockMeanwhileWasNotNoticed) {
  FakeServer server(BeSilent);
  // Long enough for absl::Now() to go on without the kernel.
  AskTimeServer(server.name()).IgnoreError();
  server.Become([](const Asker& asker) {
    Step(absl::Hours(1));
    AnswerRight(asker);
  });
  const absl::Status status = AskTimeServer(server.name()).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(status.message(), "our clock was set while it was asked");
}

TEST_F(AskTimeServerTest, AKissOfDeathIsNotWaitedOut) {
  const FakeServer server([](const Asker& asker) {
    asker.Send(KissOfDeath(asker.nonce(), "DENY"));
    asker.Send(Answer(asker.nonce()));
  });
  EXPECT_TRUE(absl::IsPermissionDenied(AskTimeServer(server.name()).status()));
}

TEST_F(AskTimeServerTest, AskedByNameWithAPort) {
  const FakeServer server(AnswerRight);
  const std::string name = absl::StrCat("one.test:", server.port());
  EXPECT_TRUE(AskTimeServer(name).ok());
  EXPECT_THAT(LookedUp(),
              ElementsAre(absl::StrCat("one.test ", server.port(), " own")));
}

TEST_F(AskTimeServerTest, WithoutAPortItIsThatOfNtp) {
  AskTimeServer("nowhere.test").IgnoreError();
  EXPECT_THAT(LookedUp().front(), StartsWith("nowhere.test 123"));
}

TEST_F(AskTimeServerTest, AskedByIpv6AddressWithAPort) {
  const FileDescriptor probe(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 loopback = {};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  if (bind(probe.get(), reinterpret_cast<const sockaddr*>(&loopback),
           sizeof loopback) != 0) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  const FakeServer server(AnswerRight, "::1");
  const absl::StatusOr<ServerTime> answer =
      AskTimeServer(absl::StrCat("[::1]:", server.port()));
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(AskTimeServerTest, ANameThatLeadsNowhereIsNotFound) {
  const absl::Status status = AskTimeServer("nowhere.test").status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              StartsWith("its name cannot be looked up: "));
}

TEST_F(AskTimeServerTest, LoopbackCountsWhereTheHostHasNothingElse) {
  const FakeServer server(AnswerRight);
  EXPECT_TRUE(
      AskTimeServer(absl::StrCat("loopback.test:", server.port())).ok());
}

TEST_F(AskTimeServerTest, WhatIsNoServersNameIsInvalid) {
  for (const char* name : {"", "[", "a b", "time.test:0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(AskTimeServer(name).status())) << name;
  }
  EXPECT_THAT(LookedUp(), ElementsAre());
}

TEST_F(AskTimeServerTest, WhereTheFirstAddressRefusesTheSecondIsAsked) {
  const FakeServer second(AnswerRight, "127.0.0.2");
  const absl::StatusOr<ServerTime> answer =
      AskTimeServer(absl::StrCat("three.test:", second.port()));
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(AskTimeServerTest, WhereTheFirstAddressIsSilentTheSecondIsAsked) {
  const FakeServer first(BeSilent);
  const FakeServer second(AnswerRight, "127.0.0.2", first.port());
  const absl::StatusOr<ServerTime> answer =
      AskTimeServer(absl::StrCat("three.test:", first.port()));
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(AskTimeServerTest, AThirdAddressIsNotAsked) {
  const FakeServer third(AnswerRight, "127.0.0.3");
  EXPECT_TRUE(absl::IsUnavailable(
      AskTimeServer(absl::StrCat("three.test:", third.port())).status()));
  EXPECT_EQ(third.times_asked(), 0u);
}

TEST_F(AskTimeServerTest, WhatTheFirstAddressAnswersStands) {
  for (const char* code : {"RATE", "DENY", "RSTR"}) {
    const FakeServer first(Kiss(code));
    const FakeServer second(AnswerRight, "127.0.0.2", first.port());
    const absl::Status status =
        AskTimeServer(absl::StrCat("three.test:", first.port())).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr(code));
    EXPECT_EQ(second.times_asked(), 0u) << code;
  }
}

TEST_F(SntpClientTest, UntilItsTimeHasComeTheLastAnswerCounts) {
  FakeServer server(AnswerAnHourAhead);
  const SntpClient client(kEveryHour);
  EXPECT_NEAR(Ask(client, server)->offset_seconds, 3600, 1);
  server.Become(AnswerRight);
  Wait(absl::Minutes(59));
  EXPECT_NEAR(Ask(client, server)->offset_seconds, 3600, 1);
  EXPECT_EQ(server.times_asked(), 1u);
  Wait(absl::Minutes(1));
  EXPECT_NEAR(Ask(client, server)->offset_seconds, 0, 1);
  EXPECT_EQ(server.times_asked(), 2u);
}

TEST_F(SntpClientTest, AnAnswerSaysHowOldItIs) {
  const FakeServer server(AnswerRight);
  const SntpClient client(kEveryHour);
  EXPECT_LT(Ask(client, server)->age, absl::Minutes(1));
  Wait(absl::Minutes(30));
  EXPECT_GE(Ask(client, server)->age, absl::Minutes(30));
  EXPECT_LT(Ask(client, server)->age, absl::Minutes(31));
}

TEST_F(SntpClientTest, WithoutAPaceItIsAskedEachTime) {
  const FakeServer server(AnswerRight);
  const SntpClient client(kAlways);
  for (size_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(Ask(client, server).ok());
    EXPECT_EQ(server.times_asked(), i);
  }
}

TEST_F(SntpClientTest, AServerThatDidNotHelpIsNotAskedMoreOften) {
  for (const Behaviour& behaviour :
       {Behaviour(AnswerUnsynchronized), Kiss("INIT"), Behaviour(BeSilent)}) {
    FakeServer server(behaviour);
    const SntpClient client(kEveryHour);
    const absl::Status status = Ask(client, server).status();
    EXPECT_FALSE(status.ok());
    server.Become(AnswerRight);
    Wait(absl::Minutes(59));
    EXPECT_EQ(Ask(client, server).status(), status);
    EXPECT_EQ(server.times_asked(), 1u);
    Wait(absl::Minutes(1));
    EXPECT_TRUE(Ask(client, server).ok());
  }
}

TEST_F(SntpClientTest, EachServerHasItsOwnPace) {
  const FakeServer one(AnswerRight);
  const FakeServer other(AnswerRight);
  const SntpClient client(kEveryHour);
  EXPECT_TRUE(Ask(client, one).ok());
  Wait(absl::Minutes(30));
  EXPECT_TRUE(Ask(client, other).ok());
  Wait(absl::Minutes(30));
  EXPECT_EQ(client.Ask({one.name(), other.name()}).size(), 2u);
  EXPECT_EQ(one.times_asked(), 2u);
  EXPECT_EQ(other.times_asked(), 1u);
}

TEST_F(SntpClientTest, TheKissRateDoublesTheIntervalEachTime) {
  const FakeServer server(Kiss("RATE"));
  const SntpClient client(kEveryHour);
  EXPECT_TRUE(absl::IsResourceExhausted(Ask(client, server).status()));
  Wait(absl::Minutes(119));
  EXPECT_TRUE(absl::IsResourceExhausted(Ask(client, server).status()));
  EXPECT_EQ(server.times_asked(), 1u);
  Wait(absl::Minutes(1));
  Ask(client, server).IgnoreError();
  EXPECT_EQ(server.times_asked(), 2u);
  Wait(absl::Minutes(239));
  Ask(client, server).IgnoreError();
  EXPECT_EQ(server.times_asked(), 2u);
  Wait(absl::Minutes(1));
  Ask(client, server).IgnoreError();
  EXPECT_EQ(server.times_asked(), 3u);
}

TEST_F(SntpClientTest, AfterTheKissRateTheNextAnswerBroughtTheOldPaceBack) {
  FakeServer server(Kiss("RATE"));
  const SntpClient client(kEveryHour);
  Ask(client, server).IgnoreError();
  server.Become(AnswerRight);
  Wait(absl::Hours(2));
  EXPECT_TRUE(Ask(client, server).ok());
  Wait(absl::Minutes(119));
  EXPECT_TRUE(Ask(client, server).ok());
  EXPECT_EQ(server.times_asked(), 2u);
}

TEST_F(SntpClientTest, AfterTheKissDenyOrRstrItIsNeverAskedAgain) {
  for (const char* code : {"DENY", "RSTR"}) {
    FakeServer server(Kiss(code));
    const SntpClient client(kEveryHour);
    EXPECT_TRUE(absl::IsPermissionDenied(Ask(client, server).status()));
    server.Become(AnswerRight);
    Wait(absl::Hours(24 * 365));
    EXPECT_TRUE(absl::IsPermissionDenied(Ask(client, server).status()));
    EXPECT_EQ(server.times_asked(), 1u) << code;
  }
}

TEST_F(SntpClientTest, AnswersStandInTheOrderOfTheServers) {
  const FakeServer ahead(AnswerAnHourAhead);
  const FakeServer right(AnswerRight);
  const SntpClient client(kEveryHour);
  const auto answers = client.Ask({ahead.name(), "[", right.name()});
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_NEAR(answers[0]->offset_seconds, 3600, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(answers[1].status()));
  EXPECT_NEAR(answers[2]->offset_seconds, 0, 1);
}

TEST_F(SntpClientTest, NoServersHaveNoAnswers) {
  EXPECT_TRUE(SntpClient(kEveryHour).Ask({}).empty());
}

TEST_F(SntpClientTest, ServersAreAskedAtTheSameTime) {
  const FakeServer second(AnswerRight);
  const FakeServer first([&](const Asker& asker) {
    second.AwaitQuestion();
    AnswerRight(asker);
  });
  const SntpClient client(kEveryHour);
  const auto answers = client.Ask({first.name(), second.name()});
  EXPECT_TRUE(answers[0].ok()) << answers[0].status();
  EXPECT_TRUE(answers[1].ok()) << answers[1].status();
}

TEST_F(SntpClientTest, ANameThatIsNotLookedUpInTimeExceedsTheDeadline) {
  const auto free = [](bool is_free) {
    absl::MutexLock lock(&resolver.mutex);
    resolver.is_free = is_free;
  };
  free(false);
  const SntpClient client(
      {.every = absl::Hours(1), .deadline = absl::Milliseconds(1)});
  for (const auto& answer : client.Ask({"slow.test", "slower.test"})) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  }
  free(true);
}

TEST_F(SntpClientTest, AnAnswerThatComesAfterTheDeadlineCountsTheNextTime) {
  const auto free = [](bool is_free) {
    absl::MutexLock lock(&resolver.mutex);
    resolver.is_free = is_free;
  };
  const FakeServer server(AnswerRight);
  const SntpClient client(
      {.every = absl::Hours(1), .deadline = absl::Milliseconds(1)});
  free(false);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Ask(client, server).status()));
  free(true);
  server.AwaitQuestion();
  const absl::Time until = absl::Now() + kSlow;
  while (!Ask(client, server).ok() && absl::Now() < until) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(Ask(client, server).ok());
  EXPECT_EQ(server.times_asked(), 1u);
}

TEST_F(SntpClientTest, TwoNamesOfOneServerShareItsAnswer) {
  const FakeServer server(AnswerRight);
  const SntpClient client(kEveryHour);
  const auto answers =
      client.Ask({server.name(), absl::StrCat("one.test:", server.port())});
  ASSERT_TRUE(answers[0].ok() && answers[1].ok());
  EXPECT_EQ(answers[0]->address, answers[1]->address);
  EXPECT_EQ(server.times_asked(), 1u);
}

TEST_F(SntpClientTest, WhatTheFirstAddressSaysIsNotAskedOfTheSecond) {
  const FakeServer first(AnswerUnsynchronized);
  const FakeServer second(AnswerRight, "127.0.0.2", first.port());
  EXPECT_FALSE(AskTimeServer(absl::StrCat("three.test:", first.port())).ok());
  EXPECT_EQ(second.times_asked(), 0u);
}

TEST_F(SntpClientTest, OneQuestionThatIsLostTakesNothingBack) {
  FakeServer server(AnswerRight);
  const SntpClient client(kEveryHour);
  EXPECT_TRUE(Ask(client, server).ok());
  server.Become(BeSilent);
  Wait(absl::Minutes(61));
  EXPECT_GE(Ask(client, server)->age, absl::Minutes(61));
  EXPECT_EQ(server.times_asked(), 2u);
  Wait(absl::Minutes(61));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Ask(client, server).status()));
}

TEST_F(SntpClientTest, ServerThatSaysItIsNoLongerRightIsNotForgiven) {
  FakeServer server(AnswerRight);
  const SntpClient client(kEveryHour);
  EXPECT_TRUE(Ask(client, server).ok());
  server.Become(AnswerUnsynchronized);
  Wait(absl::Minutes(61));
  EXPECT_TRUE(absl::IsUnavailable(Ask(client, server).status()));
}

TEST_F(SntpClientTest, NameThatWasNotFoundIsLookedUpAgainTheNextTime) {
  const SntpClient client(kEveryHour);
  for (size_t times = 1; times <= 2; ++times) {
    EXPECT_TRUE(
        absl::IsNotFound(client.Ask({"nowhere.test"}).front().status()));
    EXPECT_EQ(LookedUp().size(), 2 * times);
  }
}

TEST_F(SntpClientTest, AStepOfOurClockSinceItWasAskedMovesTheOffset) {
  const FakeServer server(AnswerAnHourAhead);
  const SntpClient client(kEveryHour);
  EXPECT_NEAR(Ask(client, server)->offset_seconds, 3600, 1);
  Step(absl::Hours(1));
  EXPECT_NEAR(Ask(client, server)->offset_seconds, 0, 1);
  Step(-absl::Hours(2));
  EXPECT_NEAR(Ask(client, server)->offset_seconds, 7200, 1);
  EXPECT_EQ(server.times_asked(), 1u);
}

}  // namespace
}  // namespace mailcow
