#include "exporter/human.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HumanNumber, BytesTakeTheLargestBinaryUnitThatFits) {
  EXPECT_EQ(HumanNumber(1023, Unit::kBytes), "1023 B");
  EXPECT_EQ(HumanNumber(1024, Unit::kBytes), "1 KiB");
  EXPECT_EQ(HumanNumber(25276502016, Unit::kBytes), "23.5 GiB");
  EXPECT_EQ(HumanNumber(4096 * kGiB, Unit::kBytes), "4 TiB");
}

TEST(HumanNumber, BytesThatRoundTo1024AreOneOfTheNextUnit) {
  EXPECT_EQ(HumanNumber(1023.4 * 1024, Unit::kBytes), "1023 KiB");
  EXPECT_EQ(HumanNumber(1023.6 * 1024, Unit::kBytes), "1 MiB");
}

TEST(HumanNumber, BytesBeyondTheLastUnitStayInIt) {
  EXPECT_EQ(HumanNumber(2048 * 1024.0 * 1024 * kGiB, Unit::kBytes), "2048 PiB");
}

TEST(HumanNumber, SecondsBelowOneAreMilliOrMicroseconds) {
  EXPECT_EQ(HumanNumber(16, Unit::kSeconds), "16 s");
  EXPECT_EQ(HumanNumber(1, Unit::kSeconds), "1 s");
  EXPECT_EQ(HumanNumber(0.0012, Unit::kSeconds), "1.2 ms");
  EXPECT_EQ(HumanNumber(0.000012, Unit::kSeconds), "12 us");
  EXPECT_EQ(HumanNumber(0, Unit::kSeconds), "0 s");
}

TEST(HumanNumber, ANegativeOffsetHasTheUnitOfItsSize) {
  EXPECT_EQ(HumanNumber(-0.0025, Unit::kSeconds), "-2.5 ms");
}

TEST(HumanNumber, JustBelowAThousandIsWrittenWithoutAnExponent) {
  EXPECT_THAT(HumanNumber(0.99996, Unit::kSeconds), Not(HasSubstr("e+")));
  EXPECT_THAT(HumanNumber(999.7 * kGiB, Unit::kBytes), Not(HasSubstr("e+")));
}

TEST(HumanNumber, ACountIsWrittenWithoutAnExponent) {
  EXPECT_EQ(HumanNumber(3, Unit::kCount), "3");
  EXPECT_EQ(HumanNumber(6000000, Unit::kCount), "6000000");
}

TEST(HumanNumber, ATotalIsACount) {
  EXPECT_EQ(HumanNumber(0, Unit::kTotal), "0");
  EXPECT_EQ(HumanNumber(6000000, Unit::kTotal), "6000000");
}

TEST(HumanNumber, ATimestampIsADateAndATimeInUtc) {
  EXPECT_EQ(HumanNumber(0, Unit::kTimestamp), "1970-01-01T00:00:00Z");
  EXPECT_EQ(HumanNumber(1774746000, Unit::kTimestamp), "2026-03-29T01:00:00Z");
  EXPECT_EQ(HumanNumber(4102444800, Unit::kTimestamp), "2100-01-01T00:00:00Z");
  EXPECT_EQ(HumanNumber(-1, Unit::kTimestamp), "1969-12-31T23:59:59Z");
}

TEST(HumanNumber, ATimestampIsRoundedToTheSecond) {
  EXPECT_EQ(HumanNumber(1774746000.4, Unit::kTimestamp),
            "2026-03-29T01:00:00Z");
  EXPECT_EQ(HumanNumber(1774745999.6, Unit::kTimestamp),
            "2026-03-29T01:00:00Z");
}

TEST(HumanNumber, ABoolIsYesOrNo) {
  EXPECT_EQ(HumanNumber(1, Unit::kBool), "yes");
  EXPECT_EQ(HumanNumber(0, Unit::kBool), "no");
}

TEST(HumanValue, AnUnknownValueIsAQuestionMark) {
  const Requirement memory = {
      .id = "memory", .unit = Unit::kBytes, .what = "", .source = ""};
  const Finding finding = {&memory,
                           {.labels = {}, .value = absl::DataLossError("")}};
  EXPECT_EQ(HumanValue({nullptr, &finding, std::nullopt, Verdict::kFact}), "?");
}

TEST(HumanValue, InformationIsItsLabels) {
  const Requirement os = {
      .id = "os_info", .unit = Unit::kInfo, .what = "", .source = ""};
  const Finding finding = {
      &os, {.labels = {{"id", "debian"}, {"version", "12"}}, .value = 1}};
  EXPECT_EQ(HumanValue({nullptr, &finding, std::nullopt, Verdict::kFact}),
            "id=debian version=12");
}

TEST(HumanBound, SaysTheDirectionAndTheNominalLimit) {
  EXPECT_EQ(HumanBound(AtLeast(kGiB, 0.1 * kGiB), Unit::kBytes), ">= 1 GiB");
  EXPECT_EQ(HumanBound(AtMost(0), Unit::kCount), "<= 0");
}

TEST(HumanBound, OfABoolIsTheWantedWord) {
  EXPECT_EQ(HumanBound(Yes(), Unit::kBool), "yes");
}

TEST(Printable, KeepsPlainAndInternationalText) {
  EXPECT_EQ(Printable("Größe \xe2\x82\xac"), "Größe \xe2\x82\xac");
}

TEST(Printable, ShowsControlCharactersInsteadOfSendingThem) {
  EXPECT_EQ(Printable("\033[31m"), "\\x1b[31m");
  EXPECT_EQ(Printable("a\nb\rc\x7f"), "a\\x0ab\\x0dc\\x7f");
}

TEST(Printable, ShowsC1ControlsButNotTheirNeighbours) {
  EXPECT_EQ(Printable("\xc2\x9b"), "\\x9b");  // U+009B, a one-byte ESC [
  EXPECT_EQ(Printable("\xc2\xa0"), "\xc2\xa0");
}

TEST(Printable, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(Printable("a\x9b"), "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace mailcow
