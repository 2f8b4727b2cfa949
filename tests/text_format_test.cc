#include "exporter/text_format.h"

#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

#include "gtest/gtest.h"

namespace mailcow {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Family(const std::string& help,
                    const std::vector<ClientMetric::Label>& labels) {
  MetricFamily family;
  family.name = "m";
  family.help = help;
  family.type = MetricType::Gauge;
  family.metric.resize(1);
  family.metric.front().label = labels;
  family.metric.front().gauge.value = 7;
  return family;
}

TEST(TextFormat, WritesHelpTypeAndSample) {
  EXPECT_EQ(TextFormat().Serialize({Family("What it is", {})}),
            "# HELP m What it is\n"
            "# TYPE m gauge\n"
            "m 7\n");
}

TEST(TextFormat, WritesAllLabelsInTheirOrder) {
  EXPECT_EQ(TextFormat().Serialize({Family("h", {{"b", "1"}, {"a", "2"}})}),
            "# HELP m h\n# TYPE m gauge\nm{b=\"1\",a=\"2\"} 7\n");
}

TEST(TextFormat, EscapesBackslashAndNewlineInLabelsAndHelp) {
  EXPECT_EQ(TextFormat().Serialize({Family("C:\\n\n", {{"a", "C:\\n\n"}})}),
            "# HELP m C:\\\\n\\n\n"
            "# TYPE m gauge\n"
            "m{a=\"C:\\\\n\\n\"} 7\n");
}

TEST(TextFormat, EscapesQuotesInLabelsButNotInHelp) {
  EXPECT_EQ(TextFormat().Serialize({Family("a \"b\"", {{"a", "\"b\""}})}),
            "# HELP m a \"b\"\n"
            "# TYPE m gauge\n"
            "m{a=\"\\\"b\\\"\"} 7\n");
}

TEST(TextFormat, ReplacesInvalidUtf8InLabelsAndHelp) {
  EXPECT_EQ(TextFormat().Serialize({Family("\xff", {{"a", "\xff"}})}),
            "# HELP m \xef\xbf\xbd\n"
            "# TYPE m gauge\n"
            "m{a=\"\xef\xbf\xbd\"} 7\n");
}

TEST(TextFormat, ACounterHasItsOwnTypeAndValue) {
  MetricFamily family = Family("h", {});
  family.type = MetricType::Counter;
  family.metric.front().counter.value = 3;
  EXPECT_EQ(TextFormat().Serialize({family}),
            "# HELP m h\n# TYPE m counter\nm 3\n");
}

TEST(TextFormat, AnUntypedMetricHasItsOwnTypeAndValue) {
  MetricFamily family = Family("h", {});
  family.type = MetricType::Untyped;
  family.metric.front().untyped.value = 5;
  EXPECT_EQ(TextFormat().Serialize({family}),
            "# HELP m h\n# TYPE m untyped\nm 5\n");
}

TEST(TextFormat, WritesTheSameToAStream) {
  const std::vector<MetricFamily> families = {Family("h", {{"a", "b"}})};
  std::ostringstream stream;
  TextFormat().Serialize(stream, families);
  EXPECT_EQ(stream.str(), TextFormat().Serialize(families));
}

TEST(FormatNumber, IsShortAndExact) {
  EXPECT_EQ(FormatNumber(0), "0");
  EXPECT_EQ(FormatNumber(-0.1), "-0.1");
  EXPECT_EQ(FormatNumber(25276502016), "25276502016");
  EXPECT_EQ(FormatNumber(0.1 + 0.2), "0.30000000000000004");
}

TEST(FormatNumber, SpellsWhatIsNoNumberAsPrometheusDoes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(FormatNumber(kInfinity), "+Inf");
  EXPECT_EQ(FormatNumber(-kInfinity), "-Inf");
  EXPECT_EQ(FormatNumber(std::nan("")), "NaN");
}

TEST(ToValidUtf8, KeepsTheFirstAndLastSequenceOfEachLength) {
  for (const char* valid : {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                            "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                            "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(ToValidUtf8(valid), valid);
  }
}

TEST(ToValidUtf8, ReplacesEachByteThatIsNoUtf8) {
  EXPECT_EQ(ToValidUtf8("a\xff\x80z"), "a\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST(ToValidUtf8, RefusesOverlongSurrogatesAndWhatLiesBeyondUnicode) {
  for (const char* invalid : {"\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                              "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(ToValidUtf8(invalid).substr(0, 3), "\xef\xbf\xbd");
  }
}

TEST(ToValidUtf8, ReplacesASequenceThatIsCutShort) {
  EXPECT_EQ(ToValidUtf8("a\xe2\x82"), "a\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(ToValidUtf8("\xe2\x82z"), "\xef\xbf\xbd\xef\xbf\xbdz");
}

}  // namespace
}  // namespace mailcow
