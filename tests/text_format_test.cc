#include "exporter/text_format.h"

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
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

TEST(TextFormat, AFamilyWithoutSamplesIsAHeadAlone) {
  MetricFamily family = Family("h", {});
  family.metric.clear();
  EXPECT_EQ(TextFormat().Serialize({family}), "# HELP m h\n# TYPE m gauge\n");
}

TEST(AppendHead, AppendsHelpAndTypeEscaped) {
  MetricFamily family = Family("a \\ \"b\"\n\xff", {{"a", "1"}});
  std::string out = "before\n";
  AppendHead(family, out);
  family.type = MetricType::Counter;
  AppendHead(family, out);
  EXPECT_EQ(out,
            "before\n"
            "# HELP m a \\\\ \"b\"\\n\xef\xbf\xbd\n# TYPE m gauge\n"
            "# HELP m a \\\\ \"b\"\\n\xef\xbf\xbd\n# TYPE m counter\n");
}

TEST(AppendSamples, AppendsEachSampleAndNoHead) {
  MetricFamily family = Family("h", {{"a", "\"\n"}, {"b", "2"}});
  family.metric.resize(2);
  family.metric.back().gauge.value = 0.5;
  std::string out = "before\n";
  AppendSamples(family, out);
  EXPECT_EQ(out, "before\nm{a=\"\\\"\\n\",b=\"2\"} 7\nm 0.5\n");
}

TEST(AppendSamples, OfAFamilyWithoutSamplesAppendsNothing) {
  MetricFamily family = Family("h", {});
  family.metric.clear();
  std::string out = "before\n";
  AppendSamples(family, out);
  EXPECT_EQ(out, "before\n");
}

TEST(TextFormat, IsHeadsAndSamplesInTurn) {
  const std::vector<MetricFamily> families = {Family("h", {{"a", "b"}}),
                                              Family("other", {})};
  std::string out;
  for (const MetricFamily& family : families) {
    AppendHead(family, out);
    AppendSamples(family, out);
  }
  EXPECT_EQ(TextFormat().Serialize(families), out);
}

// What `text` appends for a value.
std::string Appended(const SampleText& text, double value) {
  std::string out = "before\n";
  text.Append(value, out);
  return out;
}

TEST(SampleText, IsTheSampleWithAnotherValue) {
  const SampleText text(Family("h", {{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(Appended(text, 8), "before\nm{a=\"1\",b=\"2\"} 8\n");
  EXPECT_EQ(Appended(text, 0.25), "before\nm{a=\"1\",b=\"2\"} 0.25\n");
}

TEST(SampleText, WithoutLabelsIsNameAndValue) {
  EXPECT_EQ(Appended(SampleText(Family("h", {})), 8), "before\nm 8\n");
}

TEST(SampleText, WithHeadHasTheHeadBeforeEach) {
  const SampleText text = SampleText::WithHead(Family("a help", {{"a", "1"}}));
  std::string out;
  text.Append(8, out);
  text.Append(9, out);
  EXPECT_EQ(out,
            "# HELP m a help\n# TYPE m gauge\nm{a=\"1\"} 8\n"
            "# HELP m a help\n# TYPE m gauge\nm{a=\"1\"} 9\n");
}

TEST(SampleText, TheTypeIsThatOfTheFamily) {
  MetricFamily family = Family("h", {});
  family.type = MetricType::Counter;
  family.metric.front().counter.value = 12345;
  EXPECT_EQ(Appended(SampleText::WithHead(family), 8),
            "before\n# HELP m h\n# TYPE m counter\nm 8\n");
}

// The value is what follows the last blank.
TEST(SampleText, LabelsMayHoldBlanksAndEndInOne) {
  for (const std::string value : {"a b", "a ", " ", "", "} 7", "\" 7"}) {
    const MetricFamily family = Family("h", {{"a", value}});
    EXPECT_EQ("before\n" + TextFormat().Serialize({family}),
              Appended(SampleText::WithHead(family), 7));
  }
  EXPECT_EQ(Appended(SampleText(Family("h", {{"a", "b "}})), 8),
            "before\nm{a=\"b \"} 8\n");
}

TEST(SampleText, WritesValuesAsSamplesAreWritten) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.0, -0.1, 0.1 + 0.2, 25276502016.0, 1e-300, 1e300,
                             kInfinity, -kInfinity, std::nan("")}) {
    MetricFamily family = Family("h", {{"a", "b"}});
    const SampleText text = SampleText::WithHead(family);
    family.metric.front().gauge.value = value;
    EXPECT_EQ(Appended(text, value),
              "before\n" + TextFormat().Serialize({family}));
  }
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
