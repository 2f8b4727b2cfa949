#include "collectors/spf.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// The cases are those of the public test suite for RFC 7208, and beyond.

using enum DnsType;

struct Entry {
  std::string name;
  DnsType type;
  std::string value;  // an address, a name or a text
};

IpAddress Address(absl::string_view text) {
  const auto address = ParseIpAddress(text);
  EXPECT_TRUE(address.ok()) << text;
  return address.value_or(IpAddress());
}

// Asks a zone in memory. What it is asked for is kept.
class Spf : public testing::Test {
 protected:
  void Add(std::initializer_list<Entry> entries) {
    entries_.insert(entries_.end(), entries);
  }

  // All that is asked of the name ends so.
  void Fail(const std::string& name, absl::Status status) {
    failing_[name] = std::move(status);
  }

  SpfVerdict Check(absl::string_view client,
                   absl::string_view domain = "example.com",
                   absl::string_view helo = "mail.example.com") {
    questions_.clear();
    return CheckSpf(
        Address(client), domain, helo,
        [this](const DnsQuestion& question) { return Answer(question); });
  }

  SpfResult Result(absl::string_view client,
                   absl::string_view domain = "example.com",
                   absl::string_view helo = "mail.example.com") {
    return Check(client, domain, helo).result;
  }

  // Of a record that stands alone.
  SpfResult ResultOf(absl::string_view record, absl::string_view client) {
    Add({{"record.example", kTxt, std::string(record)}});
    const SpfResult result = Result(client, "record.example");
    entries_.pop_back();
    return result;
  }

  void Clear() { entries_.clear(); }

  const std::vector<DnsQuestion>& questions() const { return questions_; }

 private:
  absl::StatusOr<DnsAnswer> Answer(const DnsQuestion& question) {
    questions_.push_back(question);
    EXPECT_EQ(question.name, absl::AsciiStrToLower(question.name));
    if (const auto found = failing_.find(question.name);
        found != failing_.end()) {
      return found->second;
    }
    DnsAnswer answer{.name_exists = false};
    for (const Entry& entry : entries_) {
      if (entry.name != question.name) continue;
      answer.name_exists = true;
      if (entry.type != question.type) continue;
      DnsRecord record;
      if (entry.type == kTxt) {
        record.text = entry.value;
      } else if (entry.type == kA || entry.type == kAaaa) {
        record.address = Address(entry.value);
      } else {
        record.name = entry.value;
      }
      answer.records.push_back(std::move(record));
    }
    return answer;
  }

  std::vector<Entry> entries_;
  std::map<std::string, absl::Status> failing_;
  std::vector<DnsQuestion> questions_;
};

// Initial processing.

TEST_F(Spf, DomainThatCannotBeOneHasNone) {
  for (const std::string& domain : std::vector<std::string>{
           absl::StrCat(std::string(64, 'a'), ".example.com"),
           "a...example.com", ".example.com", "oemcomputer", "oemcomputer.", "",
           ".", "..", "a.\x80.example.com",
           absl::StrCat(std::string(63, 'a'), ".", std::string(63, 'a'), ".",
                        std::string(63, 'a'), ".", std::string(62, 'a'))}) {
    EXPECT_EQ(Result("192.0.2.3", domain), SpfResult::kNone) << domain;
    EXPECT_THAT(questions(), SizeIs(0)) << domain;
  }
}

TEST_F(Spf, DomainMayHaveLongLabels) {
  const std::string domain = absl::StrCat(std::string(63, 'a'), ".example.com");
  Add({{domain, kTxt, "v=spf1 -all"}});
  EXPECT_EQ(Result("192.0.2.3", domain), SpfResult::kFail);
}

TEST_F(Spf, DomainIsInAnyCaseAndMayEndInADot) {
  Add({{"example.com", kTxt, "v=spf1 -all"}});
  EXPECT_EQ(Result("192.0.2.3", "Example.COM."), SpfResult::kFail);
}

TEST_F(Spf, LocalPartIsPostmaster) {
  Add({{"example.com", kTxt, "v=spf1 exists:%{l}.%{o} -all"},
       {"postmaster.example.com", kA, "127.0.0.2"}});
  EXPECT_EQ(Result("192.0.2.3"), SpfResult::kPass);
}

// Records: which one, and how they are looked up.

TEST_F(Spf, DomainWithoutRecordHasNone) {
  Add({{"example.com", kTxt, "google-site-verification=x"},
       {"example.com", kTxt, "v=spf10 -all"}});
  EXPECT_EQ(Check("192.0.2.3"),
            (SpfVerdict{SpfResult::kNone, "example.com has no SPF record"}));
  EXPECT_EQ(Result("192.0.2.3", "absent.example"), SpfResult::kNone);
}

TEST_F(Spf, LookupThatFailsIsTemporary) {
  for (const absl::Status& status :
       {absl::DeadlineExceededError("timeout"),
        absl::UnavailableError("SERVFAIL"),
        absl::PermissionDeniedError("refused"), absl::DataLossError("short")}) {
    Fail("example.com", status);
    const SpfVerdict verdict = Check("192.0.2.3");
    EXPECT_EQ(verdict.result, SpfResult::kTempError) << status;
    EXPECT_EQ(verdict.reason, absl::StrCat("example.com: ", status.message()));
  }
}

TEST_F(Spf, NameThatCannotBeAskedForDoesNotExist) {
  Fail("example.com", absl::InvalidArgumentError("no name"));
  EXPECT_EQ(Result("192.0.2.3"), SpfResult::kNone);
}

TEST_F(Spf, OtherTextsAreNoneOfItsBusiness) {
  Add({{"example.com", kTxt, "\x96"},
       {"example.com", kTxt, "v=spf10"},
       {"example.com", kTxt, "V=sPf1 ~all"}});
  EXPECT_EQ(Result("192.0.2.3"), SpfResult::kSoftFail);
}

TEST_F(Spf, SeveralRecordsAreAnError) {
  Add({{"example.com", kTxt, "v=spf1 -all"},
       {"example.com", kTxt, "V=SPF1 -all"}});
  EXPECT_EQ(Check("192.0.2.3"),
            (SpfVerdict{SpfResult::kPermError,
                        "example.com has 2 SPF records, one is allowed"}));
}

TEST_F(Spf, EmptyRecordIsNeutral) {
  EXPECT_EQ(ResultOf("v=spf1", "192.0.2.3"), SpfResult::kNeutral);
}

// The evaluation of records.

TEST_F(Spf, NoMatchIsNeutral) {
  Add({{"example.com", kTxt, "v=spf1 ip4:192.0.2.4 default=pass"}});
  EXPECT_EQ(Check("192.0.2.5"),
            (SpfVerdict{SpfResult::kNeutral,
                        "example.com says nothing of this host"}));
}

TEST_F(Spf, ReasonIsTheTermThatMatches) {
  Add({{"example.com", kTxt, "v=spf1 ip4:192.0.2.4 ~all"}});
  EXPECT_EQ(Check("192.0.2.5"),
            (SpfVerdict{SpfResult::kSoftFail, "example.com says ~all"}));
  EXPECT_EQ(Check("192.0.2.4"),
            (SpfVerdict{SpfResult::kPass, "example.com says ip4:192.0.2.4"}));
}

TEST_F(Spf, SyntaxErrorBehindAMatchIsAnError) {
  Add({{"example.com", kTxt, "v=spf1 ip4:192.0.2.4 -all moo"}});
  EXPECT_EQ(Check("192.0.2.4"),
            (SpfVerdict{SpfResult::kPermError,
                        "the SPF record of example.com: \"moo\": is no "
                        "mechanism"}));
}

TEST_F(Spf, SyntaxErrorAsksNothing) {
  ResultOf("v=spf1 a:b.example moo", "192.0.2.4");
  EXPECT_THAT(questions(), SizeIs(1));
}

TEST_F(Spf, FirstMatchCounts) {
  EXPECT_EQ(ResultOf("v=spf1 ?all -all", "192.0.2.3"), SpfResult::kNeutral);
  EXPECT_EQ(ResultOf("v=spf1 all -all", "192.0.2.3"), SpfResult::kPass);
}

TEST_F(Spf, RedirectCountsBehindAllMechanisms) {
  Add({{"other.example", kTxt, "v=spf1 -all"}});
  EXPECT_EQ(
      ResultOf("v=spf1 redirect=other.example ip4:192.0.2.4", "192.0.2.4"),
      SpfResult::kPass);
  EXPECT_EQ(
      ResultOf("v=spf1 redirect=other.example ip4:192.0.2.4", "192.0.2.5"),
      SpfResult::kFail);
}

TEST_F(Spf, RedirectIsNotUsedBesideAll) {
  Add({{"example.com", kTxt, "v=spf1 redirect=example.com ~all"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kSoftFail);
}

TEST_F(Spf, RedirectChangesTheImplicitDomain) {
  Add({{"example.com", kTxt, "v=spf1 redirect=other.example"},
       {"example.com", kA, "192.0.2.1"},
       {"other.example", kTxt, "v=spf1 a -all"},
       {"other.example", kA, "192.0.2.2"}});
  EXPECT_EQ(Check("192.0.2.2"),
            (SpfVerdict{SpfResult::kPass, "other.example says a"}));
  EXPECT_EQ(Result("192.0.2.1"), SpfResult::kFail);
}

TEST_F(Spf, RedirectToNoRecordIsAnError) {
  EXPECT_EQ(ResultOf("v=spf1 redirect=absent.example", "192.0.2.3"),
            SpfResult::kPermError);
  EXPECT_EQ(ResultOf("v=spf1 redirect=a...example", "192.0.2.3"),
            SpfResult::kPermError);
}

TEST_F(Spf, RedirectThatFailsIsTemporary) {
  Fail("other.example", absl::UnavailableError("SERVFAIL"));
  EXPECT_EQ(ResultOf("v=spf1 redirect=other.example", "192.0.2.3"),
            SpfResult::kTempError);
}

TEST_F(Spf, ExplanationIsNotAskedFor) {
  EXPECT_EQ(ResultOf("v=spf1 exp=why.example -all", "192.0.2.3"),
            SpfResult::kFail);
  EXPECT_THAT(questions(), SizeIs(1));
}

TEST_F(Spf, TargetThatIsNoNameDoesNotMatch) {
  for (const std::string& record : std::vector<std::string>{
           "v=spf1 a:mail.example...com -all",
           absl::StrCat("v=spf1 a:", std::string(64, 'a'), ".example -all"),
           "v=spf1 a:%{H}.bar -all"}) {
    Add({{"example.com", kTxt, record}});
    EXPECT_EQ(Result("192.0.2.3", "example.com", std::string(22, '%')),
              SpfResult::kFail)
        << record;
    EXPECT_THAT(questions(), SizeIs(1)) << record;
    Clear();
  }
}

// a

TEST_F(Spf, AMatchesAnyAddress) {
  Add({{"foo.example", kA, "203.0.113.1"}, {"foo.example", kA, "192.0.2.5"}});
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/24 -all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/24 -all", "203.0.113.2"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example -all", "192.0.2.4"),
            SpfResult::kFail);
}

TEST_F(Spf, ALengthsAreOfTheClientsFamily) {
  Add({{"foo.example", kA, "192.0.2.5"},
       {"foo.example", kAaaa, "2001:db8:1234::dead:beef"}});
  constexpr char kClient6[] = "2001:db8:1234::cafe:babe";
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/24//64 -all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/24//64 -all", kClient6),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example//64 -all", "192.0.2.4"),
            SpfResult::kFail);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/24 -all", kClient6),
            SpfResult::kFail);
}

TEST_F(Spf, LengthsCountBits) {
  Add({{"foo.example", kA, "192.0.2.128"}});
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/25 -all", "192.0.2.255"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/25 -all", "192.0.2.127"),
            SpfResult::kFail);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/31 -all", "192.0.2.129"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example/31 -all", "192.0.2.130"),
            SpfResult::kFail);
}

TEST_F(Spf, AWithoutAddressesDoesNotMatchAnyLength) {
  Add({{"four.example", kA, "192.0.2.5"},
       {"six.example", kAaaa, "2001:db8::1"}});
  EXPECT_EQ(ResultOf("v=spf1 a/0//0 -all", "192.0.2.4"), SpfResult::kFail);
  EXPECT_EQ(ResultOf("v=spf1 a:four.example/0//0 -all", "203.0.113.1"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:four.example/0//0 -all", "2001:db8::2"),
            SpfResult::kFail);
  EXPECT_EQ(ResultOf("v=spf1 a:six.example/0//0 -all", "2001:db9::1"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:six.example/0//0 -all", "192.0.2.4"),
            SpfResult::kFail);
}

TEST_F(Spf, MappedClientIsIpv4) {
  Add({{"foo:bar/baz.example", kA, "192.0.2.4"},
       {"six.example", kAaaa, "2001:db8::1"}});
  EXPECT_EQ(ResultOf("v=spf1 a:foo:bar/baz.example", "::ffff:192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:six.example//0 -all", "::ffff:192.0.2.4"),
            SpfResult::kFail);
}

TEST_F(Spf, ALookupThatFailsIsTemporary) {
  Fail("foo.example", absl::UnavailableError("SERVFAIL"));
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example -all", "192.0.2.4"),
            SpfResult::kTempError);
}

TEST_F(Spf, AHasNoLimitOfAddresses) {
  for (int i = 1; i <= 12; ++i) {
    Add({{"foo.example", kA, absl::StrCat("192.0.2.", i)}});
  }
  EXPECT_EQ(ResultOf("v=spf1 a:foo.example -all", "192.0.2.12"),
            SpfResult::kPass);
}

TEST_F(Spf, DomainMayEndInADot) {
  Add({{"foo.example", kA, "192.0.2.4"}});
  EXPECT_EQ(ResultOf("v=spf1 a:Foo.Example.", "192.0.2.4"), SpfResult::kPass);
}

// mx

TEST_F(Spf, MxMatchesAnyAddressOfAnyExchanger) {
  Add({{"foo.example", kMx, "mx1.example"},
       {"foo.example", kMx, "mx2.example"},
       {"mx1.example", kA, "203.0.113.1"},
       {"mx2.example", kA, "203.0.113.2"},
       {"mx2.example", kA, "192.0.2.5"},
       {"mx2.example", kAaaa, "2001:db8::5"}});
  EXPECT_EQ(ResultOf("v=spf1 mx:foo.example/24 -all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 mx:foo.example -all", "203.0.113.1"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 mx:foo.example -all", "192.0.2.4"),
            SpfResult::kFail);
  EXPECT_EQ(ResultOf("v=spf1 mx:foo.example/0//64 -all", "2001:db8::4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 mx:foo.example/0 -all", "2001:db8::4"),
            SpfResult::kFail);
}

TEST_F(Spf, MxThatIsNullDoesNotMatch) {
  Add({{"example.com", kTxt, "v=spf1 mx"},
       {"example.com", kMx, ""},
       {"example.com", kA, "192.0.2.4"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kNeutral);
}

TEST_F(Spf, MxIsNotTheDomainItself) {
  Add({{"example.com", kTxt, "v=spf1 mx"}, {"example.com", kA, "192.0.2.4"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kNeutral);
}

TEST_F(Spf, MxWithoutAddressesDoesNotMatchAnyLength) {
  Add({{"example.com", kTxt, "v=spf1 mx/0//0 -all"},
       {"example.com", kMx, "absent.example"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kFail);
}

TEST_F(Spf, MxLookupThatFailsIsTemporary) {
  Add({{"foo.example", kMx, "mx.example"}});
  Fail("mx.example", absl::DeadlineExceededError("timeout"));
  EXPECT_EQ(ResultOf("v=spf1 mx:foo.example -all", "192.0.2.4"),
            SpfResult::kTempError);
}

// ptr

TEST_F(Spf, PtrMatchesNamesBelowTheDomain) {
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "mail.example.net"},
       {"mail.example.net", kA, "192.0.2.4"}});
  EXPECT_EQ(ResultOf("v=spf1 ptr:example.net -all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 ptr:Mail.Example.Net -all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 ptr:il.example.net -all", "192.0.2.4"),
            SpfResult::kFail);
}

TEST_F(Spf, PtrIsOfTheRecordsDomain) {
  Add({{"example.com", kTxt, "v=spf1 ptr -all"},
       {"4.2.0.192.in-addr.arpa", kPtr, "example.com"},
       {"example.com", kA, "192.0.2.4"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
}

TEST_F(Spf, PtrMustLeadBackToTheClient) {
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "mail.example.net"},
       {"mail.example.net", kA, "192.0.2.5"}});
  EXPECT_EQ(ResultOf("v=spf1 ptr:example.net -all", "192.0.2.4"),
            SpfResult::kFail);
}

TEST_F(Spf, PtrIsOfIpv6AsWell) {
  Add({{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
        "ip6.arpa",
        kPtr, "mail.example.net"},
       {"mail.example.net", kAaaa, "2001:db8::1"}});
  EXPECT_EQ(ResultOf("v=spf1 ptr:example.net -all", "2001:db8::1"),
            SpfResult::kPass);
}

TEST_F(Spf, PtrLookupsThatFailDoNotMatch) {
  Fail("4.2.0.192.in-addr.arpa", absl::UnavailableError("SERVFAIL"));
  EXPECT_EQ(ResultOf("v=spf1 ptr:example.net -all", "192.0.2.4"),
            SpfResult::kFail);
  Add({{"5.2.0.192.in-addr.arpa", kPtr, "dead.example.net"},
       {"5.2.0.192.in-addr.arpa", kPtr, "mail.example.net"},
       {"mail.example.net", kA, "192.0.2.5"}});
  Fail("dead.example.net", absl::UnavailableError("SERVFAIL"));
  EXPECT_EQ(ResultOf("v=spf1 ptr:example.net -all", "192.0.2.5"),
            SpfResult::kPass);
}

// include

TEST_F(Spf, IncludeMatchesWhatPasses) {
  Add({{"fail.example", kTxt, "v=spf1 ip4:192.0.2.5 -all"},
       {"soft.example", kTxt, "v=spf1 ip4:192.0.2.5 ~all"},
       {"neutral.example", kTxt, "v=spf1 ip4:192.0.2.5 ?all"}});
  EXPECT_EQ(ResultOf("v=spf1 include:fail.example ~all", "192.0.2.4"),
            SpfResult::kSoftFail);
  EXPECT_EQ(ResultOf("v=spf1 include:soft.example all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 include:neutral.example -all", "192.0.2.4"),
            SpfResult::kFail);
  EXPECT_EQ(ResultOf("v=spf1 ?include:fail.example -all", "192.0.2.5"),
            SpfResult::kNeutral);
}

TEST_F(Spf, IncludeHandsErrorsOn) {
  Fail("dead.example", absl::DeadlineExceededError("timeout"));
  Add({{"bad.example", kTxt, "v=spf1 include +all"}});
  EXPECT_EQ(ResultOf("v=spf1 include:dead.example -all", "192.0.2.4"),
            SpfResult::kTempError);
  EXPECT_EQ(ResultOf("v=spf1 include:bad.example -all", "192.0.2.4"),
            SpfResult::kPermError);
}

TEST_F(Spf, IncludeOfNoRecordIsAnError) {
  Add({{"other.example", kTxt, "v=spfl am not an SPF record"},
       {"example.com", kTxt, "v=spf1 include:other.example -all"}});
  EXPECT_EQ(
      Check("192.0.2.4"),
      (SpfVerdict{SpfResult::kPermError, "other.example has no SPF record"}));
  EXPECT_EQ(ResultOf("v=spf1 include:a...example -all", "192.0.2.4"),
            SpfResult::kPermError);
}

TEST_F(Spf, IncludedRecordIsOfItsOwnDomain) {
  Add({{"example.com", kTxt, "v=spf1 include:other.example a -all"},
       {"example.com", kA, "192.0.2.4"},
       {"other.example", kTxt, "v=spf1 -a exists:%{d}.%{o} -all"},
       {"other.example", kA, "192.0.2.5"},
       {"other.example.example.com", kA, "127.0.0.2"}});
  EXPECT_EQ(Check("192.0.2.6").reason,
            "example.com says "
            "include:other.example");
  EXPECT_EQ(Check("192.0.2.5").reason, "example.com says -all");
}

// exists, ip4, ip6, all

TEST_F(Spf, ExistsAsksForIpv4Addresses) {
  Add({{"mail.example", kA, "192.0.2.4"},
       {"six.example", kAaaa, "2001:db8::4"}});
  for (const absl::string_view client : {"203.0.113.1", "2001:db8::3"}) {
    EXPECT_EQ(ResultOf("v=spf1 exists:mail.example -all", client),
              SpfResult::kPass);
    EXPECT_EQ(ResultOf("v=spf1 exists:six.example -all", client),
              SpfResult::kFail);
  }
}

TEST_F(Spf, ExistsLookupThatFailsIsTemporary) {
  Fail("dead.example", absl::DeadlineExceededError("timeout"));
  EXPECT_EQ(ResultOf("v=spf1 exists:dead.example -all", "192.0.2.4"),
            SpfResult::kTempError);
}

TEST_F(Spf, Ip4MatchesItsNetwork) {
  EXPECT_EQ(ResultOf("v=spf1 ip4:203.0.113.1/0 -all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 ip4:192.0.2.4/32 -all", "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 ip4:192.0.2.4/32 -all", "192.0.2.5"),
            SpfResult::kFail);
  EXPECT_EQ(ResultOf("v=spf1 ip4:192.0.2.4/0 -all", "2001:db8::1"),
            SpfResult::kFail);
}

TEST_F(Spf, Ip6MatchesItsNetwork) {
  EXPECT_EQ(ResultOf("v=spf1 ip6:::1.1.1.1/0", "2001:db8::1"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 ip6:2001:DB8:8000::/33", "2001:db8:8000::1"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 ip6:2001:DB8:8000::/33", "2001:db8:7fff::1"),
            SpfResult::kNeutral);
}

TEST_F(Spf, Ip4ClientDoesNotMatchIp6) {
  for (const absl::string_view client : {"192.0.2.4", "::ffff:192.0.2.4"}) {
    EXPECT_EQ(ResultOf("v=spf1 ip6:::1.1.1.1/0", client), SpfResult::kNeutral);
    EXPECT_EQ(ResultOf("v=spf1 -ip4:192.0.2.4 ip6:::ffff:192.0.2.4", client),
              SpfResult::kFail);
    EXPECT_EQ(ResultOf("v=spf1 ip6:::ffff:192.0.2.4", client),
              SpfResult::kNeutral);
  }
}

TEST_F(Spf, AddressesAreNotAskedFor) {
  ResultOf("v=spf1 ip4:192.0.2.4 ip6:2001:db8::1 -all", "192.0.2.5");
  EXPECT_THAT(questions(), SizeIs(1));
}

// Macros.

TEST_F(Spf, MacrosMakeNames) {
  Add({{"example.com", kTxt, "v=spf1 redirect=%{d}.d.spf.example.com."},
       {"example.com.d.spf.example.com", kTxt,
        "v=spf1 include:o.spf.example.com. ~all"},
       {"o.spf.example.com", kTxt, "v=spf1 ip4:192.0.2.40"}});
  EXPECT_EQ(Result("192.0.2.40"), SpfResult::kPass);
  EXPECT_EQ(Result("192.0.2.41"), SpfResult::kSoftFail);
}

TEST_F(Spf, NamesMayHoldSpacesAndPercents) {
  Add({{"macro%percent  space%20url-space.example", kA, "192.0.2.4"}});
  EXPECT_EQ(ResultOf("v=spf1 a:macro%%percent%_%_space%-url-space.example -all",
                     "192.0.2.4"),
            SpfResult::kPass);
}

TEST_F(Spf, LongNamesAreShortened) {
  const std::string label(61, 'a');
  Add({{absl::StrCat(label, ".", label, ".", label, ".", label, ".com"), kA,
        "127.0.0.2"}});
  EXPECT_EQ(ResultOf(absl::StrCat("v=spf1 exists:too.long.", label, ".", label,
                                  ".", label, ".", label, ".com -all"),
                     "192.0.2.4"),
            SpfResult::kPass);
}

TEST_F(Spf, HeloMayBeAnything) {
  Add({{"example.com", kTxt, "v=spf1 a:%{H} -all"},
       {"mail.example.com", kA, "192.0.2.4"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
  for (const absl::string_view helo :
       {"", "JUMPIN' JUPITER", "[192.0.2.4]", "\x80", "a\nb"}) {
    EXPECT_EQ(Result("192.0.2.4", "example.com", helo), SpfResult::kFail);
  }
}

TEST_F(Spf, PolicyCanAskForAValidHelo) {
  Add({{"example.com", kTxt,
        "v=spf1 -include:_spfh.%{d2} ip4:192.0.2.0/24 -all"},
       {"_spfh.example.com", kTxt, "v=spf1 -a:%{h} +all"},
       {"mail.example.com", kA, "192.0.2.4"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
  EXPECT_EQ(Result("192.0.2.4", "example.com", "OEMCOMPUTER"),
            SpfResult::kFail);
}

TEST_F(Spf, ClientNameIsBestTheDomain) {
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "mx.example.net"},
       {"4.2.0.192.in-addr.arpa", kPtr, "mx.example.com"},
       {"4.2.0.192.in-addr.arpa", kPtr, "example.com"},
       {"mx.example.net", kA, "192.0.2.4"},
       {"mx.example.com", kA, "192.0.2.4"},
       {"example.com", kA, "192.0.2.4"},
       {"example.com", kTxt, "v=spf1 exists:%{p}.p.example -all"},
       {"example.com.p.example", kA, "127.0.0.2"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
}

TEST_F(Spf, ClientNameIsBetterBelowTheDomain) {
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "mx.example.net"},
       {"4.2.0.192.in-addr.arpa", kPtr, "mx.example.com"},
       {"mx.example.net", kA, "192.0.2.4"},
       {"mx.example.com", kA, "192.0.2.4"},
       {"example.com", kTxt, "v=spf1 exists:%{p}.p.example -all"},
       {"mx.example.com.p.example", kA, "127.0.0.2"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
}

TEST_F(Spf, ClientNameMayBeAnyThatIsProved) {
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "mx.example.org"},
       {"4.2.0.192.in-addr.arpa", kPtr, "mx.example.net"},
       {"mx.example.net", kA, "192.0.2.4"},
       {"example.com", kTxt, "v=spf1 exists:%{p}.p.example -all"},
       {"mx.example.net.p.example", kA, "127.0.0.2"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
}

TEST_F(Spf, ClientWithoutNameIsUnknown) {
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "mx.example.net"},
       {"example.com", kTxt, "v=spf1 exists:%{p}.p.example -all"},
       {"unknown.p.example", kA, "127.0.0.2"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
  EXPECT_EQ(Result("192.0.2.5"), SpfResult::kPass);
  Fail("4.2.0.192.in-addr.arpa", absl::UnavailableError("SERVFAIL"));
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
}

// Limits.

TEST_F(Spf, LoopsEnd) {
  Add({{"example.com", kTxt, "v=spf1 ip4:203.0.113.1 redirect=example.com"},
       {"one.example", kTxt, "v=spf1 include:two.example"},
       {"two.example", kTxt, "v=spf1 include:one.example"}});
  EXPECT_EQ(
      Check("192.0.2.4"),
      (SpfVerdict{SpfResult::kPermError, "more than ten look-ups are needed"}));
  EXPECT_THAT(questions(), SizeIs(11));
  EXPECT_EQ(Result("192.0.2.4", "one.example"), SpfResult::kPermError);
  EXPECT_THAT(questions(), SizeIs(11));
}

TEST_F(Spf, TenTermsMayAsk) {
  Add({{"example.com", kTxt,
        "v=spf1 a mx a mx a mx a mx exists:b.example ptr ip4:192.0.2.4 -all"},
       {"example.com", kA, "192.0.2.8"},
       {"example.com", kMx, "example.com"},
       {"b.example", kAaaa, "2001:db8::1"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
}

TEST_F(Spf, ElevenTermsMayNotAsk) {
  Add({{"example.com", kTxt,
        "v=spf1 a mx a mx a mx a mx a ptr a ip4:192.0.2.4 -all"},
       {"example.com", kA, "192.0.2.8"},
       {"example.com", kMx, "example.com"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPermError);
}

TEST_F(Spf, TermsThatAreNotReachedDoNotCount) {
  EXPECT_EQ(ResultOf("v=spf1 ip4:192.0.2.4 a a a a a a a a a a a", "192.0.2.4"),
            SpfResult::kPass);
}

TEST_F(Spf, IncludedTermsCount) {
  Add({{"a.example", kA, "192.0.2.8"},
       {"eight.example", kTxt,
        "v=spf1 a:a.example a:a.example a:a.example a:a.example a:a.example "
        "a:a.example a:a.example a:a.example"}});
  EXPECT_EQ(ResultOf("v=spf1 a:a.example include:eight.example ip4:192.0.2.4",
                     "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:a.example include:eight.example a:a.example "
                     "ip4:192.0.2.4",
                     "192.0.2.4"),
            SpfResult::kPermError);
}

TEST_F(Spf, RedirectCounts) {
  Add({{"a.example", kA, "192.0.2.8"}, {"b.example", kTxt, "v=spf1 all"}});
  std::string record = "v=spf1 redirect=b.example";
  for (int i = 0; i < 9; ++i) absl::StrAppend(&record, " a:a.example");
  EXPECT_EQ(ResultOf(record, "192.0.2.4"), SpfResult::kPass);
  absl::StrAppend(&record, " a:a.example");
  EXPECT_EQ(ResultOf(record, "192.0.2.4"), SpfResult::kPermError);
}

TEST_F(Spf, TenExchangersAreAskedFor) {
  Add({{"example.com", kTxt, "v=spf1 mx"}});
  for (int i = 0; i < 10; ++i) {
    Add({{"example.com", kMx, absl::StrCat("mx", i, ".example")}});
  }
  Add({{"mx9.example", kA, "192.0.2.4"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
  Add({{"example.com", kMx, "mx10.example"}});
  EXPECT_EQ(Check("192.0.2.4"),
            (SpfVerdict{SpfResult::kPermError,
                        "example.com has 11 MX records, mx may ask for ten"}));
  EXPECT_THAT(questions(), SizeIs(2));
}

TEST_F(Spf, QuestionsHaveALimit) {
  Add({{"example.com", kTxt, "v=spf1 mx mx mx mx mx mx mx mx mx mx ~all"}});
  for (int i = 0; i < 10; ++i) {
    Add({{"example.com", kMx, absl::StrCat("mx", i, ".example")}});
  }
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kSoftFail);
  EXPECT_THAT(questions(), SizeIs(kMaxSpfQuestions));
}

TEST_F(Spf, NamesOfTheClientBeyondTenAreIgnored) {
  Add({{"example.com", kTxt, "v=spf1 ptr"}, {"example.com", kA, "192.0.2.4"}});
  for (int i = 0; i < 10; ++i) {
    Add({{"4.2.0.192.in-addr.arpa", kPtr, absl::StrCat("n", i, ".example")}});
  }
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "example.com"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kNeutral);
  EXPECT_THAT(questions(), SizeIs(12));
}

TEST_F(Spf, TenthNameOfTheClientCounts) {
  Add({{"example.com", kTxt, "v=spf1 ptr"}, {"example.com", kA, "192.0.2.4"}});
  for (int i = 0; i < 9; ++i) {
    Add({{"4.2.0.192.in-addr.arpa", kPtr, absl::StrCat("n", i, ".example")}});
  }
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "example.com"}});
  EXPECT_EQ(Result("192.0.2.4"), SpfResult::kPass);
}

TEST_F(Spf, NamesOfTheClientAreAskedForOnce) {
  Add({{"4.2.0.192.in-addr.arpa", kPtr, "mx.example.net"},
       {"mx.example.net", kA, "192.0.2.4"}});
  ResultOf("v=spf1 ptr ptr:a.example exists:%{p}.example ptr", "192.0.2.4");
  EXPECT_THAT(questions(),
              ElementsAre(DnsQuestion{"record.example", kTxt},
                          DnsQuestion{"4.2.0.192.in-addr.arpa", kPtr},
                          DnsQuestion{"mx.example.net", kA},
                          DnsQuestion{"mx.example.net.example", kA}));
}

TEST_F(Spf, NameOfTheClientCountsAsALookup) {
  Add({{"unknown.example", kA, "192.0.2.8"}});
  EXPECT_EQ(ResultOf("v=spf1 a:unknown.example a:unknown.example "
                     "a:unknown.example a:unknown.example a:unknown.example "
                     "a:unknown.example a:unknown.example a:unknown.example "
                     "a:%{p}.example all",
                     "192.0.2.4"),
            SpfResult::kPass);
  EXPECT_EQ(ResultOf("v=spf1 a:unknown.example a:unknown.example "
                     "a:unknown.example a:unknown.example a:unknown.example "
                     "a:unknown.example a:unknown.example a:unknown.example "
                     "a:unknown.example a:%{p}.example all",
                     "192.0.2.4"),
            SpfResult::kPermError);
}

TEST_F(Spf, TwoLookupsMayFindNothing) {
  Add({{"six.example", kAaaa, "2001:db8::1"}});
  EXPECT_EQ(
      ResultOf("v=spf1 a:absent.example mx:six.example ?all", "192.0.2.4"),
      SpfResult::kNeutral);
}

TEST_F(Spf, ThreeLookupsMayNotFindNothing) {
  Add({{"example.com", kTxt,
        "v=spf1 a:absent.example mx:absent.example exists:absent.example all"},
       {"other.example", kTxt,
        "v=spf1 ptr a:absent.example a:absent.example all"}});
  const SpfVerdict error = {SpfResult::kPermError,
                            "more than two look-ups find nothing"};
  EXPECT_EQ(Check("192.0.2.4"), error);
  EXPECT_EQ(Check("192.0.2.4", "other.example"), error);
}

TEST_F(Spf, ExchangersMayLackAnAddressOfTheFamily) {
  Add({{"example.com", kTxt, "v=spf1 mx -all"},
       {"example.com", kMx, "mx1.example"},
       {"example.com", kMx, "mx2.example"},
       {"example.com", kMx, "mx3.example"},
       {"example.com", kMx, "mx4.example"},
       {"mx1.example", kA, "192.0.2.1"},
       {"mx2.example", kA, "192.0.2.2"},
       {"mx3.example", kA, "192.0.2.3"},
       {"mx4.example", kAaaa, "2001:db8::4"}});
  EXPECT_EQ(Result("2001:db8::4"), SpfResult::kPass);
}

TEST(NameOfSpfResult, IsThatOfTheRfc) {
  EXPECT_EQ(Name(SpfResult::kNone), "none");
  EXPECT_EQ(Name(SpfResult::kNeutral), "neutral");
  EXPECT_EQ(Name(SpfResult::kPass), "pass");
  EXPECT_EQ(Name(SpfResult::kFail), "fail");
  EXPECT_EQ(Name(SpfResult::kSoftFail), "softfail");
  EXPECT_EQ(Name(SpfResult::kTempError), "temperror");
  EXPECT_EQ(Name(SpfResult::kPermError), "permerror");
}

}  // namespace
}  // namespace mailcow
