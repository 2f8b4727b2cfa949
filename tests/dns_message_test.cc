#include "exporter/dns_message.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_resolver.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Entries = std::vector<std::string>;

constexpr int kSoa = 6;
constexpr int kNxdomain = 3;

std::string Message(DnsType type, const Entries& answers,
                    int flags = kDnsAnswers, const Entries& authority = {}) {
  return DnsMessage(
      "id", flags,
      DnsName("a.example") + DnsNumber(static_cast<int>(type)) + DnsNumber(1),
      answers, authority);
}

absl::StatusOr<DnsReply> Parse(DnsType type, const std::string& message) {
  return ParseDnsReply(message, {.name = "a.example", .type = type});
}

// The only record of a message that has this data.
absl::StatusOr<DnsRecord> Read(DnsType type, const std::string& data) {
  const auto reply = Parse(
      type,
      Message(type, {DnsEntry("a.example", static_cast<int>(type), data)}));
  if (!reply.ok()) return reply.status();
  EXPECT_THAT(reply->records, SizeIs(1));
  return reply->records.front();
}

// What says that a zone has no such record.
std::string NoData(absl::string_view zone) {
  return DnsEntry(
      zone, kSoa,
      DnsName("ns.example") + DnsName("admin.example") + std::string(20, '\0'));
}

TEST(NormalDnsName, IsInLowerCaseWithoutTheLastDot) {
  EXPECT_EQ(*NormalDnsName("Mail.Example.ORG."), "mail.example.org");
  EXPECT_EQ(*NormalDnsName("_25._tcp.a.example"), "_25._tcp.a.example");
}

TEST(NormalDnsName, TheRootIsEmpty) {
  EXPECT_EQ(*NormalDnsName(""), "");
  EXPECT_EQ(*NormalDnsName("."), "");
}

TEST(NormalDnsName, EscapesAsAnswersDo) {
  EXPECT_EQ(*NormalDnsName("user@a.example"), "user\\@a.example");
  EXPECT_EQ(*NormalDnsName("user\\@a.example"), "user\\@a.example");
}

TEST(NormalDnsName, WhatIsNoNameIsInvalid) {
  for (const std::string& name :
       {std::string("a..example"), std::string(".example"),
        std::string("a b.example"), std::string("\xc3\xbc.example"),
        std::string("a\0.example", 10), std::string(64, 'a')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(NormalDnsName(name).status())) << name;
  }
  EXPECT_TRUE(NormalDnsName(std::string(63, 'a')).ok());
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  EXPECT_TRUE(NormalDnsName(longest).ok());
  EXPECT_FALSE(NormalDnsName(longest + "a.").ok());
}

TEST(DnsQueryMessage, IsThatOfTheStandard) {
  EXPECT_EQ(*DnsQueryMessage({.name = "a.example", .type = DnsType::kMx},
                             0x1234, /*has_edns=*/true),
            std::string("\x12\x34\x01\x20\0\x01\0\0\0\0\0\x01"
                        "\x01"
                        "a\x07"
                        "example\0\0\x0f\0\x01"
                        "\0\0\x29\x04\xd0\0\0\0\0\0\0",
                        12 + 11 + 4 + 11));
}

TEST(DnsQueryMessage, WithoutEdnsHasNothingElse) {
  const std::string message = *DnsQueryMessage({.name = ""}, 7, false);
  EXPECT_EQ(message,
            std::string("\0\x07\x01\x20\0\x01\0\0\0\0\0\0\0\0\x01\0\x01", 17));
}

TEST(ParseDnsReply, ReadsAddresses) {
  EXPECT_EQ(ToString(Read(DnsType::kA, "\xc0\x01\x02\x03")->address),
            "192.1.2.3");
  EXPECT_EQ(ToString(Read(DnsType::kAaaa,
                          "\x20\x01\x0d\xb8" + std::string(11, '\0') + "\x01")
                         ->address),
            "2001:db8::1");
}

TEST(ParseDnsReply, ReadsNamesInLowerCase) {
  for (const DnsType type : {DnsType::kPtr, DnsType::kCname}) {
    EXPECT_EQ(Read(type, DnsName("Mail.Example"))->name, "mail.example");
  }
}

TEST(ParseDnsReply, ReadsAMailServer) {
  const auto record = Read(DnsType::kMx, "\x01\x02" + DnsName("mail.example"));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(*record, (DnsRecord{.name = "mail.example", .preference = 0x102}));
}

TEST(ParseDnsReply, AMailServerOfNoMailIsTheRoot) {
  const auto record = Read(DnsType::kMx, std::string("\0\0\0", 3));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->name, "");
}

TEST(ParseDnsReply, ReadsAService) {
  const auto record =
      Read(DnsType::kSrv,
           std::string("\0\x01\0\x02\x01\xbb", 6) + DnsName("mail.example"));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(
      *record,
      (DnsRecord{
          .name = "mail.example", .preference = 1, .weight = 2, .port = 443}));
}

TEST(ParseDnsReply, JoinsTheStringsOfAText) {
  const std::string part(255, 'x');
  const auto record = Read(DnsType::kTxt, "\xff" + part + "\x03" + "abc");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->text, part + "abc");
}

TEST(ParseDnsReply, ReadsACertificationAuthority) {
  const auto record = Read(DnsType::kCaa, "\x80\x05IssueCA.example");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(
      *record,
      (DnsRecord{.text = "CA.example", .tag = "issue", .is_critical = true}));
}

TEST(ParseDnsReply, ReadsACertificate) {
  const auto record = Read(DnsType::kTlsa, "\x03\x01\x02\xab\xcd");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(*record,
            (DnsRecord{
                .text = "\xab\xcd", .usage = 3, .selector = 1, .matching = 2}));
}

TEST(ParseDnsReply, RecordsThatAreCutShortOrTooLongAreDataLoss) {
  const std::vector<std::pair<DnsType, std::string>> wrong = {
      {DnsType::kA, "abc"},
      {DnsType::kA, "abcde"},
      {DnsType::kAaaa, "abcd"},
      {DnsType::kMx, "a"},
      {DnsType::kMx, "ab"},
      {DnsType::kMx, "ab" + DnsName("a.example") + "x"},
      {DnsType::kPtr, "\x01"},
      {DnsType::kTxt, ""},
      {DnsType::kTxt,
       "\x04"
       "abc"},
      {DnsType::kSrv, "abcde"},
      {DnsType::kCaa, "\x01"},
      {DnsType::kCaa, "\x01\x05issu"},
      {DnsType::kTlsa, "ab"}};
  for (const auto& [type, data] : wrong) {
    EXPECT_TRUE(absl::IsDataLoss(Read(type, data).status()))
        << static_cast<int>(type) << " " << data;
  }
}

TEST(ParseDnsReply, RecordsOfOtherNamesTypesAndClassesAreNotTheAnswer) {
  std::string chaos = DnsAddress("a.example", "192.0.2.4");
  chaos[DnsName("a.example").size() + 3] = 3;
  const auto reply =
      Parse(DnsType::kA,
            Message(DnsType::kA, {DnsAddress("b.example", "192.0.2.1"),
                                  DnsEntry("a.example", 16, "\x01x"), chaos,
                                  DnsAddress("A.Example", "192.0.2.2")}));
  ASSERT_TRUE(reply.ok()) << reply.status();
  ASSERT_THAT(reply->records, SizeIs(1));
  EXPECT_EQ(ToString(reply->records.front().address), "192.0.2.2");
}

TEST(ParseDnsReply, FollowsAliasesInAnyOrder) {
  const auto reply = Parse(
      DnsType::kA, Message(DnsType::kA, {DnsAddress("c.example", "192.0.2.1"),
                                         DnsAlias("b.example", "c.example"),
                                         DnsAlias("a.example", "b.example")}));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->aliases, ElementsAre("b.example", "c.example"));
  EXPECT_THAT(reply->records, SizeIs(1));
  EXPECT_TRUE(reply->is_complete);
}

TEST(ParseDnsReply, AnAliasThatWasAskedForIsTheAnswer) {
  const auto reply =
      Parse(DnsType::kCname,
            Message(DnsType::kCname, {DnsAlias("a.example", "b.example"),
                                      DnsAlias("b.example", "c.example")}));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->aliases, IsEmpty());
  ASSERT_THAT(reply->records, SizeIs(1));
  EXPECT_EQ(reply->records.front().name, "b.example");
}

TEST(ParseDnsReply, AnAliasThatLeadsOutIsNotComplete) {
  const Entries alias = {DnsAlias("a.example", "b.example")};
  EXPECT_FALSE(Parse(DnsType::kA, Message(DnsType::kA, alias))->is_complete);
  // The zone of another name says nothing of this one.
  EXPECT_FALSE(Parse(DnsType::kA, Message(DnsType::kA, alias, kDnsAnswers,
                                          {NoData("notb.example")}))
                   ->is_complete);
}

TEST(ParseDnsReply, AnAliasOfWhatHasNoRecordsIsComplete) {
  const Entries alias = {DnsAlias("a.example", "b.example")};
  for (const absl::string_view zone : {"b.example", "example", ""}) {
    EXPECT_TRUE(Parse(DnsType::kA,
                      Message(DnsType::kA, alias, kDnsAnswers, {NoData(zone)}))
                    ->is_complete)
        << zone;
  }
  const auto reply =
      Parse(DnsType::kA, Message(DnsType::kA, alias, kDnsAnswers | kNxdomain));
  EXPECT_TRUE(reply->is_complete);
  EXPECT_FALSE(reply->name_exists);
}

TEST(ParseDnsReply, AliasesThatGoRoundInACircleAreDataLoss) {
  for (const Entries& aliases : {Entries{DnsAlias("a.example", "a.example")},
                                 Entries{DnsAlias("a.example", "b.example"),
                                         DnsAlias("b.example", "a.example")},
                                 Entries{DnsAlias("a.example", "b.example"),
                                         DnsAlias("b.example", "c.example"),
                                         DnsAlias("c.example", "b.example")}}) {
    EXPECT_TRUE(absl::IsDataLoss(
        Parse(DnsType::kA, Message(DnsType::kA, aliases)).status()));
  }
}

TEST(ParseDnsReply, MoreThanSixteenAliasesAreDataLoss) {
  Entries aliases = {DnsAlias("a.example", "1.example")};
  for (int i = 1; i < 16; ++i) {
    aliases.push_back(
        DnsAlias(absl::StrCat(i, ".example"), absl::StrCat(i + 1, ".example")));
  }
  EXPECT_TRUE(Parse(DnsType::kA, Message(DnsType::kA, aliases)).ok());
  aliases.push_back(DnsAlias("16.example", "17.example"));
  EXPECT_TRUE(absl::IsDataLoss(
      Parse(DnsType::kA, Message(DnsType::kA, aliases)).status()));
}

TEST(ParseDnsReply, TellsErrorsApart) {
  const auto error = [](int rcode) {
    return Parse(DnsType::kA, Message(DnsType::kA, {}, kDnsAnswers | rcode))
        .status();
  };
  EXPECT_EQ(error(1), absl::UnavailableError("FORMERR"));
  EXPECT_EQ(error(2), absl::UnavailableError("SERVFAIL"));
  EXPECT_EQ(error(4), absl::UnavailableError("NOTIMP"));
  EXPECT_EQ(error(5), absl::PermissionDeniedError("REFUSED"));
  EXPECT_EQ(error(9), absl::UnavailableError("error 9"));
}

TEST(ParseDnsReply, TheErrorOfAnExtensionIsAnError) {
  std::string message = Message(DnsType::kA, {});
  message[11] = 1;
  message += std::string("\0\x00\x29\x04\xd0\x01\0\0\0\0\0", 11);
  EXPECT_EQ(Parse(DnsType::kA, message).status(),
            absl::UnavailableError("error 16"));
}

TEST(ParseDnsReply, KnowsWhatIsTruncatedAndWhatIsProven) {
  const auto plain = Parse(DnsType::kA, Message(DnsType::kA, {}));
  EXPECT_FALSE(plain->is_truncated || plain->is_authenticated);
  EXPECT_TRUE(
      Parse(DnsType::kA, Message(DnsType::kA, {}, kDnsAnswers | kDnsTruncated))
          ->is_truncated);
  EXPECT_TRUE(
      Parse(DnsType::kA, Message(DnsType::kA, {}, kDnsAnswers | kDnsAuthentic))
          ->is_authenticated);
}

TEST(ParseDnsReply, AQuestionIsNoAnswer) {
  EXPECT_TRUE(absl::IsDataLoss(
      Parse(DnsType::kA, Message(DnsType::kA, {}, 0x0100)).status()));
}

TEST(ParseDnsReply, WhateverIsCutShortIsDataLoss) {
  const std::string message =
      Message(DnsType::kA, {DnsAddress("a.example", "192.0.2.1")});
  for (size_t size = 0; size < message.size(); ++size) {
    EXPECT_TRUE(
        absl::IsDataLoss(Parse(DnsType::kA, message.substr(0, size)).status()))
        << size;
  }
}

TEST(ParseDnsReply, NamesThatPointAtThemselvesAreDataLoss) {
  const std::string message = Message(DnsType::kPtr, {});
  // The data begins after the header, the question and the record's own.
  const size_t at = message.size() + DnsName("a.example").size() + 10;
  const std::string pointer = DnsNumber(0xc000 | static_cast<int>(at));
  EXPECT_TRUE(absl::IsDataLoss(Read(DnsType::kPtr, pointer).status()));
}

}  // namespace
}  // namespace mailcow
