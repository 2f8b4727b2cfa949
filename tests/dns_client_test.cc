#include "exporter/dns_client.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_resolver.h"

namespace mailcow {
namespace {

// How far ahead of the kernel's the steady clock is.
std::atomic<int64_t> steady_seconds = 0;

}  // namespace
}  // namespace mailcow

// Stands before that of the C library.
extern "C" int clock_gettime(clockid_t id, timespec* now) noexcept {
  const auto result = syscall(SYS_clock_gettime, id, now);
  if (id == CLOCK_MONOTONIC) now->tv_sec += mailcow::steady_seconds;
  return static_cast<int>(result);
}

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Messages = std::vector<std::string>;

// As long as a slow machine may take. Only a test that fails waits so long.
constexpr absl::Duration kSlow = absl::Seconds(60);
// For tests in which nobody answers, who have to wait so long.
constexpr absl::Duration kShort = absl::Milliseconds(200);

constexpr int kServfail = 2;
constexpr int kNxdomain = 3;
constexpr int kRefused = 5;

Messages BeRight(const DnsQuery& query) {
  return {query.Answer({DnsAddress(query.name(), "192.0.2.1")})};
}
Messages BeSilent(const DnsQuery&) { return {}; }
Messages Refuse(const DnsQuery& query) { return {query.Error(kRefused)}; }
Messages ServeFail(const DnsQuery& query) { return {query.Error(kServfail)}; }

const DnsQuestion kQuestion = {.name = "a.example", .type = DnsType::kA};

const Files& NoFiles() {
  static const Files files({.root = "/nonexistent"});
  return files;
}

DnsClient::Settings Asking(const std::vector<std::string>& resolvers) {
  return {.resolvers = resolvers, .every = absl::Hours(1), .deadline = kSlow};
}

absl::StatusOr<DnsAnswer> Ask(const DnsClient& client,
                              const DnsQuestion& question = kQuestion) {
  return client.Ask({question}).front();
}

absl::StatusOr<DnsAnswer> AskOnce(const FakeResolver& resolver,
                                  const DnsQuestion& question = kQuestion) {
  return Ask(DnsClient(Asking({resolver.name()}), NoFiles()), question);
}

class DnsClientTest : public testing::Test {
 protected:
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }
  void TearDown() override { steady_seconds = 0; }

  static void Wait(absl::Duration time) {
    steady_seconds += absl::ToInt64Seconds(time);
  }
};

TEST_F(DnsClientTest, AnswerHasRecordsAndWhoSaidIt) {
  const FakeResolver resolver(BeRight);
  const auto answer = AskOnce(resolver);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->records.size(), 1u);
  EXPECT_EQ(ToString(answer->records.front().address), "192.0.2.1");
  EXPECT_TRUE(answer->name_exists);
  EXPECT_EQ(answer->server, resolver.name());
  EXPECT_GT(answer->round_trip, absl::ZeroDuration());
}

TEST_F(DnsClientTest, QuestionAsksForRecursionProofAndLargeAnswers) {
  const FakeResolver resolver(BeRight);
  ASSERT_TRUE(AskOnce(resolver).ok());
  const std::string message = resolver.queries().front().message;
  EXPECT_EQ(message.substr(2, 10),
            std::string("\x01\x20\x00\x01\0\0\0\0\x00\x01", 10));
  EXPECT_EQ(message.substr(message.size() - 11),
            std::string("\0\x00\x29\x04\xd0\0\0\0\0\0\0", 11));
}

TEST_F(DnsClientTest, NamesAreAskedAsTheyAreWithoutSearchDomains) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    return {query.Error(kNxdomain)};
  });
  ASSERT_TRUE(AskOnce(resolver, {.name = "host"}).ok());
  ASSERT_EQ(resolver.times_asked(), 1u);
  EXPECT_EQ(resolver.queries().front().name(), "host");
}

TEST_F(DnsClientTest, ALastDotAndUpperCaseAreTheSameName) {
  const FakeResolver resolver(BeRight);
  const DnsClient client(Asking({resolver.name()}), NoFiles());
  const auto answers = client.Ask({{.name = "A.Example."}, kQuestion});
  EXPECT_TRUE(answers[0].ok() && answers[1].ok());
  EXPECT_EQ(answers[0]->records, answers[1]->records);
  EXPECT_EQ(resolver.times_asked(), 1u);
}

TEST_F(DnsClientTest, WhatIsNoNameIsNotAsked) {
  const FakeResolver resolver(BeRight);
  for (const std::string name :
       {"a..example", ".a.example", "a b.example", "b\xc3\xbc.example"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskOnce(resolver, {.name = name}).status()))
        << name;
  }
  EXPECT_EQ(resolver.times_asked(), 0u);
}

TEST_F(DnsClientTest, NxdomainIsAnAnswer) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    return {query.Error(kNxdomain)};
  });
  const auto answer = AskOnce(resolver);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->name_exists);
  EXPECT_THAT(answer->records, IsEmpty());
}

TEST_F(DnsClientTest, NoRecordsAreAnAnswer) {
  const FakeResolver resolver(
      [](const DnsQuery& query) -> Messages { return {query.Answer({})}; });
  const auto answer = AskOnce(resolver);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->name_exists);
  EXPECT_THAT(answer->records, IsEmpty());
}

TEST_F(DnsClientTest, ServfailIsUnavailableAndNamesTheResolver) {
  const FakeResolver resolver(ServeFail);
  const absl::Status status = AskOnce(resolver).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(status.message(), resolver.name() + ": SERVFAIL");
}

TEST_F(DnsClientTest, RefusedByAllIsPermissionDenied) {
  const FakeResolver first(Refuse);
  const FakeResolver second(Refuse);
  const absl::Status status =
      Ask(DnsClient(Asking({first.name(), second.name()}), NoFiles())).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(status.message(),
            first.name() + ": REFUSED; " + second.name() + ": REFUSED");
}

TEST_F(DnsClientTest, AnotherResolverIsAskedWhereOneRefusesOrFails) {
  const FakeResolver second(BeRight);
  for (const auto& behaviour : {Refuse, ServeFail}) {
    const FakeResolver first(behaviour);
    const auto answer =
        Ask(DnsClient(Asking({first.name(), second.name()}), NoFiles()));
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->server, second.name());
    EXPECT_EQ(first.times_asked(), 1u);
  }
}

TEST_F(DnsClientTest, AnotherResolverIsAskedWhereOneIsSilent) {
  const FakeResolver first(BeSilent);
  const FakeResolver second(BeRight);
  const auto answer =
      Ask(DnsClient(Asking({first.name(), second.name()}), NoFiles()));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->server, second.name());
}

TEST_F(DnsClientTest, ResolversAreAskedInTheirOrder) {
  const FakeResolver first(BeRight);
  const FakeResolver second(BeRight);
  const auto answer =
      Ask(DnsClient(Asking({first.name(), second.name()}), NoFiles()));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->server, first.name());
  EXPECT_EQ(second.times_asked(), 0u);
}

TEST_F(DnsClientTest, AnswerThatComesAfterTheNextWasAskedCounts) {
  Messages late;
  const FakeResolver first([&](const DnsQuery& query) -> Messages {
    // It answers the first message once the second comes.
    late.push_back(query.Answer({DnsAddress(query.name(), "192.0.2.9")}));
    return late.size() > 2 ? late : Messages();
  });
  const FakeResolver second(BeSilent);
  const auto answer =
      Ask(DnsClient(Asking({first.name(), second.name()}), NoFiles()));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->server, first.name());
}

TEST_F(DnsClientTest, AQuestionThatIsLostIsSentAgain) {
  std::map<std::string, int> times;
  const FakeResolver resolver([&](const DnsQuery& query) {
    return ++times[query.name()] == 1 ? Messages() : BeRight(query);
  });
  EXPECT_TRUE(AskOnce(resolver).ok());
  EXPECT_EQ(resolver.times_asked(), 2u);
}

TEST_F(DnsClientTest, SilenceIsDeadlineExceededAndSaysHowLong) {
  const FakeResolver resolver(BeSilent);
  const DnsClient client({.resolvers = {resolver.name()}, .deadline = kShort},
                         NoFiles());
  const absl::Status status = Ask(client).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_EQ(status.message(),
            resolver.name() + ": no answer within 0.2 seconds");
}

TEST_F(DnsClientTest, ResolversThatAreDeadAreAskedNothingElseForATime) {
  FakeResolver resolver(BeSilent);
  const DnsClient client({.resolvers = {resolver.name()},
                          .every = absl::Minutes(5),
                          .deadline = kShort},
                         NoFiles());
  const auto answers = client.Ask({kQuestion, {.name = "b.example"}});
  EXPECT_TRUE(absl::IsDeadlineExceeded(answers[0].status()));
  EXPECT_EQ(answers[0].status(), answers[1].status());
  resolver.Become(BeRight);
  EXPECT_EQ(Ask(client, {.name = "c.example"}).status(), answers[0].status());
  EXPECT_EQ(resolver.times_asked(), 2u);
  Wait(absl::Seconds(31));
  EXPECT_TRUE(Ask(client, {.name = "d.example"}).ok());
}

// Of more, a resolver loses some before it can read them.
TEST_F(DnsClientTest, NoMoreThanSixtyFourQuestionsAreAskedAtOnce) {
  std::vector<DnsQuestion> questions;
  for (int i = 0; i < 200; ++i) {
    questions.push_back({.name = absl::StrCat("a", i, ".example")});
  }
  FakeResolver resolver(BeSilent);
  const DnsClient client({.resolvers = {resolver.name()},
                          .every = absl::Minutes(5),
                          .deadline = kShort},
                         NoFiles());
  for (const auto& answer : client.Ask(questions)) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status()));
  }
  EXPECT_LE(resolver.times_asked(), 64u);
  resolver.Become(BeRight);
  Wait(absl::Seconds(31));
  for (const auto& answer : client.Ask(questions)) EXPECT_TRUE(answer.ok());
}

TEST_F(DnsClientTest, ANameThatCannotBeResolvedIsNoDeadResolver) {
  const FakeResolver resolver([](const DnsQuery& query) {
    return query.name() == "a.example" ? Messages() : BeRight(query);
  });
  const DnsClient client({.resolvers = {resolver.name()}, .deadline = kShort},
                         NoFiles());
  EXPECT_TRUE(absl::IsDeadlineExceeded(Ask(client).status()));
  EXPECT_TRUE(Ask(client, {.name = "b.example"}).ok());
}

TEST_F(DnsClientTest, NobodyThereIsUnavailable) {
  std::string name;
  {
    const FakeResolver gone(BeRight);
    name = gone.name();
  }
  const absl::Status status =
      Ask(DnsClient(Asking({name}), NoFiles())).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(status.message(), name + ": it cannot be reached");
}

// Whether the right answer is found behind `wrong`, which comes first.
absl::StatusOr<DnsAnswer> AskBehind(
    const std::function<std::string(const DnsQuery&)>& wrong) {
  const FakeResolver resolver([&](const DnsQuery& query) -> Messages {
    return {wrong(query), BeRight(query).front()};
  });
  return AskOnce(resolver);
}

TEST_F(DnsClientTest, AnswerWithAnotherIdIsIgnored) {
  const auto answer = AskBehind([](const DnsQuery& query) {
    std::string forged =
        query.Answer({DnsAddress(query.name(), "203.0.113.66")});
    forged[0] = static_cast<char>(forged[0] ^ 1);
    return forged;
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(ToString(answer->records.front().address), "192.0.2.1");
}

TEST_F(DnsClientTest, AnswerToAnotherQuestionIsIgnored) {
  const auto answer = AskBehind([](const DnsQuery& query) {
    return DnsMessage(query.id(), kDnsAnswers,
                      DnsName("b.example") + DnsNumber(1) + DnsNumber(1),
                      {DnsAddress("a.example", "203.0.113.66")});
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(ToString(answer->records.front().address), "192.0.2.1");
}

TEST_F(DnsClientTest, GarbageIsIgnoredWhereItIsNoAnswerToTheQuestion) {
  const auto answer = AskBehind([](const DnsQuery&) { return "garbage"; });
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST_F(DnsClientTest, AnswerWithAMalformedRecordIsDataLoss) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    return {query.Answer({DnsEntry(query.name(), 1, "abc")})};
  });
  const absl::Status status = AskOnce(resolver).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(DnsClientTest, QuestionThatComesBackIsNoAnswer) {
  const FakeResolver resolver(
      [](const DnsQuery& query) -> Messages { return {query.message}; });
  const absl::Status status = AskOnce(resolver).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST_F(DnsClientTest, WhatIsTruncatedIsFetchedByTcp) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    if (query.is_tcp) return BeRight(query);
    return {query.Answer({}, kDnsAnswers | kDnsTruncated)};
  });
  const auto answer = AskOnce(resolver);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->records.size(), 1u);
  ASSERT_EQ(resolver.times_asked(), 2u);
  EXPECT_TRUE(resolver.queries()[1].is_tcp);
}

TEST_F(DnsClientTest, AnswerThatIsCutShortByTcpIsDataLoss) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    return {query.Answer({}, kDnsAnswers | kDnsTruncated)};
  });
  EXPECT_TRUE(absl::IsDataLoss(AskOnce(resolver).status()));
}

TEST_F(DnsClientTest, AnswerOfMoreThan512BytesComesByUdp) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    return {query.Answer({40, DnsAddress(query.name(), "192.0.2.1")})};
  });
  const auto answer = AskOnce(resolver);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->records.size(), 40u);
  EXPECT_EQ(resolver.times_asked(), 1u);
}

TEST_F(DnsClientTest, ServersThatKnowNoEdnsAreAskedWithoutAllAtOnce) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    if (query.message[11] == 0) return BeRight(query);
    return {query.Error(1)};
  });
  const DnsClient client(Asking({resolver.name()}), NoFiles());
  for (const auto& answer :
       client.Ask({kQuestion, {.name = "b.example"}, {.name = "c.example"}})) {
    EXPECT_TRUE(answer.ok()) << answer.status();
  }
}

TEST_F(DnsClientTest, ProofIsBelievedFromLoopback) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    return {query.Answer(
        {}, kDnsAnswers | (query.name() == "a.example" ? kDnsAuthentic : 0))};
  });
  EXPECT_TRUE(AskOnce(resolver)->is_authenticated);
  EXPECT_FALSE(AskOnce(resolver, {.name = "b.example"})->is_authenticated);
}

TEST(NameResolvers, TrustsLoopbackAndThoseThatAreNamed) {
  const auto trusts = [](const std::string& resolver) {
    return NameResolvers({resolver}, {"192.0.2.1", "[2001:db8::1]:5353"})
        .front()
        .is_trusted;
  };
  EXPECT_TRUE(trusts("127.0.0.53"));
  EXPECT_TRUE(trusts("[::1]:5353"));
  EXPECT_TRUE(trusts("192.0.2.1:53"));
  EXPECT_TRUE(trusts("[2001:db8::1]:5353"));
  EXPECT_FALSE(trusts("192.0.2.1:54"));
  EXPECT_FALSE(trusts("192.0.2.2"));
  EXPECT_FALSE(trusts("2001:db8::1"));
}

TEST_F(DnsClientTest, AliasThatLeadsOutOfTheAnswerIsFollowed) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    if (query.name() != "a.example") return BeRight(query);
    return {query.Answer({DnsAlias("a.example", "b.example")},
                         kDnsAnswers | kDnsAuthentic)};
  });
  const auto answer = AskOnce(resolver);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->aliases, ElementsAre("b.example"));
  EXPECT_EQ(answer->records.size(), 1u);
  EXPECT_FALSE(answer->is_authenticated);
}

TEST_F(DnsClientTest, AliasesThatGoRoundInACircleAreDataLoss) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    if (query.is_harmless()) return {query.Answer({})};
    return {query.Answer(
        {DnsAlias(query.name(),
                  query.name() == "a.example" ? "b.example" : "a.example")})};
  });
  EXPECT_TRUE(absl::IsDataLoss(AskOnce(resolver).status()));
  EXPECT_EQ(resolver.times_asked(), 2u);
}

TEST_F(DnsClientTest, AliasesWithoutEndAreAskedEightTimes) {
  const FakeResolver resolver([](const DnsQuery& query) -> Messages {
    if (query.is_harmless()) return {query.Answer({})};
    return {query.Answer({DnsAlias(query.name(), "x." + query.name())})};
  });
  EXPECT_TRUE(absl::IsDataLoss(AskOnce(resolver).status()));
  EXPECT_EQ(resolver.times_asked(), 8u);
}

TEST_F(DnsClientTest, AnswerCountsForAnIntervalAndAges) {
  const FakeResolver resolver(BeRight);
  const DnsClient client(Asking({resolver.name()}), NoFiles());
  EXPECT_LT(Ask(client)->age, absl::Minutes(1));
  Wait(absl::Minutes(59));
  EXPECT_GE(Ask(client)->age, absl::Minutes(59));
  EXPECT_EQ(resolver.times_asked(), 1u);
  Wait(absl::Minutes(1));
  EXPECT_LT(Ask(client)->age, absl::Minutes(1));
  EXPECT_EQ(resolver.times_asked(), 2u);
}

TEST_F(DnsClientTest, AFailureCountsForATenthOfIt) {
  FakeResolver resolver(ServeFail);
  const DnsClient client(Asking({resolver.name()}), NoFiles());
  EXPECT_FALSE(Ask(client).ok());
  resolver.Become(BeRight);
  Wait(absl::Minutes(5));
  EXPECT_FALSE(Ask(client).ok());
  EXPECT_EQ(resolver.times_asked(), 1u);
  Wait(absl::Minutes(1));
  EXPECT_TRUE(Ask(client).ok());
}

TEST_F(DnsClientTest, ThreadsThatAskTheSameShareTheAnswer) {
  const FakeResolver resolver(BeRight);
  const DnsClient client(Asking({resolver.name()}), NoFiles());
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(Ask(client).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(resolver.times_asked(), 1u);
}

TEST_F(DnsClientTest, SilenceLeavesNoDescriptorBehind) {
  const auto count = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  const FakeResolver resolver(BeSilent);
  const DnsClient client({.resolvers = {resolver.name()},
                          .every = absl::ZeroDuration(),
                          .deadline = absl::Milliseconds(10)},
                         NoFiles());
  const auto before = count();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(Ask(client).ok());
  EXPECT_EQ(count(), before);
}

TEST_F(DnsClientTest, ResolversAreThoseOfResolvConfOfTheHostAsItIsNow) {
  const std::string root = testing::TempDir() + "/resolv_conf_root";
  std::filesystem::create_directories(root + "/etc");
  const auto write = [&](const std::string& address) {
    std::ofstream(root + "/etc/resolv.conf") << "nameserver " << address;
  };
  const Files files({.root = root});
  // Nobody answers there, but the error says who was asked.
  const DnsClient client(
      {.every = absl::ZeroDuration(), .deadline = absl::Milliseconds(10)},
      files);
  write("127.0.0.77");
  EXPECT_THAT(std::string(Ask(client).status().message()),
              HasSubstr("127.0.0.77:53"));
  write("127.0.0.78");
  EXPECT_THAT(std::string(Ask(client).status().message()),
              HasSubstr("127.0.0.78:53"));
}

TEST_F(DnsClientTest, WithoutResolvConfNoResolverIsKnown) {
  const DnsClient client({}, NoFiles());
  EXPECT_TRUE(absl::IsUnavailable(Ask(client).status()));
  EXPECT_FALSE(client.Servers().ok());
}

TEST_F(DnsClientTest, ResolverWhoseAddressIsWrongIsUnavailableAndSkipped) {
  const FakeResolver resolver(BeRight);
  const DnsClient client(Asking({"[fe80::1%eth0]:53", resolver.name()}),
                         NoFiles());
  const auto answer = Ask(client);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->server, resolver.name());
  EXPECT_TRUE(absl::IsUnavailable(client.Servers()->front().udp.status()));
}

TEST_F(DnsClientTest, ServersAreMeasuredOverBothProtocolsOnceInAnInterval) {
  const FakeResolver resolver(BeRight);
  const DnsClient client(Asking({resolver.name()}), NoFiles());
  for (int i = 0; i < 2; ++i) {
    const auto servers = client.Servers();
    ASSERT_TRUE(servers.ok()) << servers.status();
    ASSERT_EQ(servers->size(), 1u);
    EXPECT_EQ(servers->front().address, resolver.name());
    EXPECT_GT(*servers->front().udp, absl::ZeroDuration());
    EXPECT_GT(*servers->front().tcp, absl::ZeroDuration());
  }
  EXPECT_EQ(resolver.times_asked_harmless(), 2u);
}

TEST_F(DnsClientTest, AServerWithoutTcpIsReachedOverUdpAlone) {
  const FakeResolver resolver([](const DnsQuery& query) {
    return query.is_tcp ? Messages() : BeRight(query);
  });
  const DnsClient client(
      {.resolvers = {resolver.name()}, .deadline = absl::Seconds(1)},
      NoFiles());
  const DnsServer server = client.Servers()->front();
  EXPECT_TRUE(server.udp.ok()) << server.udp.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(server.tcp.status()));
}

TEST_F(DnsClientTest, AServerWithoutUdpIsNotMeasuredByTcpInstead) {
  const FakeResolver resolver([](const DnsQuery& query) {
    return query.is_tcp ? BeRight(query) : Messages();
  });
  const DnsClient client(
      {.resolvers = {resolver.name()}, .deadline = absl::Seconds(1)},
      NoFiles());
  const DnsServer server = client.Servers()->front();
  EXPECT_TRUE(absl::IsDeadlineExceeded(server.udp.status()));
  EXPECT_TRUE(server.tcp.ok()) << server.tcp.status();
}

}  // namespace
}  // namespace mailcow
