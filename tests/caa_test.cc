#include "collectors/caa.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kAuthority[] = "letsencrypt.org";

DnsRecord Record(const std::string& tag, const std::string& value) {
  return {.text = value, .tag = tag};
}
DnsRecord Critical(const std::string& tag, const std::string& value) {
  return {.text = value, .tag = tag, .is_critical = true};
}

CaaVerdict Judged(const std::vector<DnsRecord>& records) {
  return JudgeCaa(records, kAuthority);
}
bool Permits(const std::string& value) {
  return PermitsIssue({Record("issue", value)}, kAuthority);
}

TEST(NamesForCaa, AreTheNameAndThoseAboveWithoutTheRoot) {
  EXPECT_THAT(NamesForCaa("mail.example.org"),
              ElementsAre("mail.example.org", "example.org", "org"));
  EXPECT_THAT(NamesForCaa("org"), ElementsAre("org"));
  EXPECT_THAT(NamesForCaa(""), IsEmpty());
}

TEST(JudgeCaa, WithoutAnIssuePropertyEverybodyMay) {
  EXPECT_EQ(Judged({}), CaaVerdict{});
  EXPECT_EQ(Judged({Record("iodef", "mailto:a@example.org")}), CaaVerdict{});
}

TEST(JudgeCaa, NamedAuthorityMay) {
  EXPECT_EQ(Judged({Record("issue", "letsencrypt.org")}), CaaVerdict{});
  EXPECT_EQ(Judged({Record("issue", "ca.example"),
                    Record("issue", "letsencrypt.org")}),
            CaaVerdict{});
}

TEST(JudgeCaa, NameIsInAnyCaseAndSpaceAroundItDoesNotCount) {
  EXPECT_TRUE(Permits(" LetsEncrypt.ORG "));
  EXPECT_TRUE(Permits("letsencrypt.org ;"));
}

TEST(JudgeCaa, OthersMayNot) {
  EXPECT_EQ(Judged({Record("issue", "ca.example")}),
            (CaaVerdict{.permits = false,
                        .why = "no issue property names letsencrypt.org"}));
  EXPECT_FALSE(Permits("www.letsencrypt.org"));
  EXPECT_FALSE(Permits("letsencrypt.org.example"));
}

TEST(JudgeCaa, NobodyMayWhereNobodyIsNamed) {
  EXPECT_FALSE(Permits(";"));
  EXPECT_FALSE(Permits(""));
  EXPECT_FALSE(Permits("; policy=none"));
}

TEST(JudgeCaa, ValueThatCannotBeReadNamesNobody) {
  EXPECT_FALSE(Permits("letsencrypt.org; x"));
  EXPECT_FALSE(Permits("letsencrypt.org;; x=y"));
  EXPECT_FALSE(Permits("letsencrypt.org; a=b c"));
  EXPECT_FALSE(Permits("letsencrypt.org; =b"));
  EXPECT_FALSE(Permits("letsencrypt.org ca.example"));
  EXPECT_FALSE(Permits("\"letsencrypt.org\""));
}

TEST(JudgeCaa, ParametersAreConditions) {
  EXPECT_EQ(Judged({Record("issue",
                           "letsencrypt.org; validationmethods=dns-01 ;"
                           "accounturi=https://example.org/acme/1")}),
            (CaaVerdict{.permits = true,
                        .why = "validationmethods=dns-01; "
                               "accounturi=https://example.org/acme/1"}));
}

TEST(JudgeCaa, OneRecordOfSeveralIsEnough) {
  EXPECT_EQ(Judged({Record("issue", "letsencrypt.org; a=1"),
                    Record("issue", "letsencrypt.org; a=2")}),
            (CaaVerdict{.permits = true, .why = "a=1 or a=2"}));
  EXPECT_EQ(Judged({Record("issue", "letsencrypt.org; a=1"),
                    Record("issue", "letsencrypt.org")}),
            CaaVerdict{});
}

TEST(JudgeCaa, WildcardsAreNotAskedFor) {
  EXPECT_TRUE(Judged({Record("issuewild", ";")}).permits);
  EXPECT_FALSE(
      Judged({Record("issue", ";"), Record("issuewild", "letsencrypt.org")})
          .permits);
}

TEST(JudgeCaa, CriticalPropertyMustBeKnown) {
  EXPECT_EQ(
      Judged({Record("issue", "letsencrypt.org"), Critical("future", "1")}),
      (CaaVerdict{.permits = false,
                  .why = "the property \"future\" is critical and "
                         "unknown"}));
  EXPECT_TRUE(Judged({Record("future", "1")}).permits);
  for (const char* known : {"issuewild", "iodef", "issuemail"}) {
    EXPECT_TRUE(Judged({Critical(known, ";")}).permits) << known;
  }
  EXPECT_TRUE(Judged({Critical("issue", "letsencrypt.org")}).permits);
}

}  // namespace
}  // namespace mailcow
