#include "exporter/recorded_dns.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

absl::StatusOr<DnsAnswer> Ask(absl::string_view json,
                              const DnsQuestion& question) {
  const absl::StatusOr<RecordedDns> dns = RecordedDns::Parse(json);
  EXPECT_TRUE(dns.ok()) << dns.status();
  if (!dns.ok()) return dns.status();
  return dns->Ask({question}).front();
}

// The records of a.example, of which this is the recorded one.
std::vector<DnsRecord> Read(DnsType type, absl::string_view name,
                            absl::string_view record) {
  const auto answer =
      Ask(absl::StrCat(R"({"dns": {"answers": {"a.example )", name,
                       R"(": {"records": [)", record, "]}}}}"),
          {.name = "a.example", .type = type});
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? answer->records : std::vector<DnsRecord>();
}

absl::Status Mistake(absl::string_view json) {
  return RecordedDns::Parse(json).status();
}

TEST(RecordedDns, AnswersWhatTheResolverDid) {
  const auto answer = Ask(R"({"dns": {"answers": {"a.example A": {
      "records": ["192.0.2.1", "192.0.2.2"], "aliases": ["b.example"],
      "is_authenticated": true, "server": "127.0.0.1:53",
      "round_trip_seconds": 0.25, "age_seconds": 90}}}})",
                          {.name = "a.example", .type = DnsType::kA});
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->records.size(), 2u);
  EXPECT_EQ(ToString(answer->records[1].address), "192.0.2.2");
  EXPECT_THAT(answer->aliases, ElementsAre("b.example"));
  EXPECT_TRUE(answer->name_exists);
  EXPECT_TRUE(answer->is_authenticated);
  EXPECT_EQ(answer->server, "127.0.0.1:53");
  EXPECT_EQ(answer->round_trip, absl::Milliseconds(250));
  EXPECT_EQ(answer->age, absl::Seconds(90));
}

TEST(RecordedDns, ReadsRecordsOfEachType) {
  EXPECT_EQ(
      ToString(
          Read(DnsType::kAaaa, "AAAA", R"("2001:db8::1")").front().address),
      "2001:db8::1");
  EXPECT_THAT(Read(DnsType::kCname, "CNAME", R"("b.example")"),
              ElementsAre(DnsRecord{.name = "b.example"}));
  EXPECT_THAT(Read(DnsType::kPtr, "PTR", R"("b.example")"),
              ElementsAre(DnsRecord{.name = "b.example"}));
  EXPECT_THAT(Read(DnsType::kTxt, "TXT", R"("v=spf1 mx -all")"),
              ElementsAre(DnsRecord{.text = "v=spf1 mx -all"}));
  EXPECT_THAT(
      Read(DnsType::kMx, "MX", R"({"preference": 10, "name": "b.example"})"),
      ElementsAre(DnsRecord{.name = "b.example", .preference = 10}));
  EXPECT_THAT(
      Read(DnsType::kSrv, "SRV",
           R"({"preference": 1, "weight": 2, "port": 443, "name": "b"})"),
      ElementsAre(
          DnsRecord{.name = "b", .preference = 1, .weight = 2, .port = 443}));
  EXPECT_THAT(
      Read(DnsType::kCaa, "CAA",
           R"({"is_critical": true, "tag": "issue", "value": "ca.example"})"),
      ElementsAre(DnsRecord{
          .text = "ca.example", .tag = "issue", .is_critical = true}));
  EXPECT_THAT(
      Read(DnsType::kTlsa, "TLSA",
           R"({"usage": 3, "selector": 1, "matching": 2, "data": "6162"})"),
      ElementsAre(
          DnsRecord{.text = "ab", .usage = 3, .selector = 1, .matching = 2}));
}

TEST(RecordedDns, ANameThatIsNotThereIsAnAnswer) {
  const auto answer =
      Ask(R"({"dns": {"answers": {"a.example MX": {"name_exists": false}}}})",
          {.name = "a.example", .type = DnsType::kMx});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->name_exists);
  EXPECT_THAT(answer->records, IsEmpty());
}

TEST(RecordedDns, AnErrorIsUnavailableAndRepeated) {
  const absl::Status status =
      Ask(R"({"dns": {"answers": {"a.example A": {"error": "SERVFAIL"}}}})",
          {.name = "a.example"})
          .status();
  EXPECT_EQ(status, absl::UnavailableError("SERVFAIL"));
}

TEST(RecordedDns, AnswersForEachQuestionInItsOrder) {
  const auto dns = RecordedDns::Parse(R"({"dns": {"answers": {
      "a.example A": {"records": ["192.0.2.1"]},
      "b.example A": {"records": []}}}})");
  ASSERT_TRUE(dns.ok()) << dns.status();
  const auto answers = dns->Ask({{.name = "b.example"},
                                 {.name = "a.example", .type = DnsType::kMx},
                                 {.name = "a.example"}});
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_THAT(answers[0]->records, IsEmpty());
  EXPECT_EQ(answers[1].status(),
            absl::UnavailableError("the recording has no dns a.example MX"));
  EXPECT_EQ(answers[2]->records.size(), 1u);
}

TEST(RecordedDns, WhatTheRecordingLacksIsUnavailableNotMissing) {
  EXPECT_EQ(Ask("{}", {.name = "a.example"}).status(),
            absl::UnavailableError("the recording has no dns"));
  EXPECT_EQ(RecordedDns::Parse("{}")->Servers().status(),
            absl::UnavailableError("the recording has no dns"));
}

TEST(RecordedDns, NullIsAHostThatKnowsNoResolver) {
  const auto dns = RecordedDns::Parse(R"({"dns": null})");
  ASSERT_TRUE(dns.ok()) << dns.status();
  EXPECT_TRUE(absl::IsNotFound(dns->Servers().status()));
  EXPECT_TRUE(
      absl::IsUnavailable(dns->Ask({{.name = "a.example"}}).front().status()));
}

TEST(RecordedDns, ServersHaveARoundTripOrAnErrorOverEachProtocol) {
  const auto dns = RecordedDns::Parse(R"({"dns": {"servers": [
      {"address": "192.0.2.1:53", "udp_seconds": 0.5,
       "tcp_error": "no answer"}]}})");
  ASSERT_TRUE(dns.ok()) << dns.status();
  const auto servers = dns->Servers();
  ASSERT_TRUE(servers.ok()) << servers.status();
  ASSERT_EQ(servers->size(), 1u);
  EXPECT_EQ(servers->front().address, "192.0.2.1:53");
  EXPECT_EQ(*servers->front().udp, absl::Milliseconds(500));
  EXPECT_EQ(servers->front().tcp.status(), absl::UnavailableError("no answer"));
}

TEST(RecordedDns, OfAnotherFormIsInvalidAndNamed) {
  for (const char* value :
       {"7",
        "[]",
        R"({"answers": 7})",
        R"({"answers": {"a.example": {}}})",
        R"({"answers": {"a.example NS": {}}})",
        R"({"answers": {"a A": 7}})",
        R"({"answers": {"a A": null}})",
        R"({"answers": {"a A": {"records": 7}}})",
        R"({"answers": {"a A": {"records": [7]}}})",
        R"({"answers": {"a A": {"records": ["::1"]}}})",
        R"({"answers": {"a AAAA": {"records": ["192.0.2.1"]}}})",
        R"({"answers": {"a A": {"records": [{}]}}})",
        R"({"answers": {"a MX": {"records": ["b"]}}})",
        R"({"answers": {"a MX": {"records": [{"name": "b"}]}}})",
        R"({"answers": {"a A": {"error": 7}}})",
        R"({"answers": {"a A": {"name_exists": 7}}})",
        R"({"answers": {"a A": {"aliases": "b"}}})",
        R"({"servers": 7})",
        R"({"servers": [{"address": "192.0.2.1:53"}]})",
        R"({"servers": [{"udp_seconds": 1, "tcp_seconds": 1}]})"}) {
    const absl::Status status = Mistake(absl::StrCat("{\"dns\": ", value, "}"));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << value;
    EXPECT_THAT(std::string(status.message()), HasSubstr("dns")) << value;
  }
}

TEST(RecordedDns, NumbersThatDoNotFitAreInvalid) {
  for (const char* preference : {"65536", "-1", "1.5", "true"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Mistake(absl::StrCat(
        R"({"dns": {"answers": {"a MX": {"records": [{"name": "b", )",
        R"("preference": )", preference, "}]}}}}"))))
        << preference;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Mistake(
      R"({"dns": {"answers": {"a TLSA": {"records": [
          {"usage": 256, "selector": 1, "matching": 1, "data": "ab"}]}}}})")));
}

TEST(RecordedDns, DataThatIsNotHexadecimalIsInvalid) {
  for (const char* data : {"abc", "xy", "AB"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Mistake(absl::StrCat(
        R"({"dns": {"answers": {"a TLSA": {"records": [{"usage": 3, )",
        R"("selector": 1, "matching": 1, "data": ")", data, "\"}]}}}}"))))
        << data;
  }
}

TEST(RecordedDns, WhatIsNoJsonObjectIsInvalid) {
  for (const char* json : {"", "{", "[]", "null", "\xff"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Mistake(json))) << json;
  }
}

}  // namespace
}  // namespace mailcow
