#include "exporter/yaml.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What is said against a text that must not parse.
std::string Mistake(const std::string& text) {
  const auto node = ParseYaml(text, "FILE");
  EXPECT_TRUE(absl::IsInvalidArgument(node.status())) << text;
  return std::string(node.status().message());
}

// "KEY@LINE" for each key of a mapping, or what is said against it.
std::string KeysOf(const std::string& text) {
  const auto entries = EntriesOf(ParseYaml(text, "FILE").value(), "FILE");
  if (!entries.ok()) return std::string(entries.status().message());
  std::string keys;
  for (const YamlEntry& entry : *entries) {
    keys += entry.key + "@" + std::to_string(entry.line) + " ";
  }
  return keys;
}

YAML::Node ValueIn(const std::string& text) {
  return EntriesOf(ParseYaml(text, "FILE").value(), "FILE")->front().value;
}

std::string TextIn(const std::string& text) {
  const auto value = StringOf(ValueIn(text), "FILE");
  return value.ok() ? *value : std::string(value.status().message());
}

std::string BoolIn(const std::string& text) {
  const auto value = BoolOf(ValueIn(text), "FILE");
  if (!value.ok()) return std::string(value.status().message());
  return *value ? "true" : "false";
}

TEST(ParseYaml, EmptyTextIsNull) {
  for (const std::string text :
       {"", "\n", "# nothing\n", "---\n", "---", "...\n", "\xef\xbb\xbf"}) {
    EXPECT_TRUE(ParseYaml(text, "FILE")->IsNull()) << text;
  }
}

TEST(ParseYaml, EndOfADocumentMayBeMarked) {
  EXPECT_EQ(KeysOf("---\na: 1\n...\n"), "a@2 ");
  EXPECT_EQ(KeysOf("a: 1\n...\n# nothing\n"), "a@1 ");
}

TEST(ParseYaml, SecondDocumentIsRefused) {
  const std::string message = "a second document, or a value out of place";
  EXPECT_EQ(Mistake("a: 1\n---\nb: 1\n"), "FILE:2: " + message);
  EXPECT_EQ(Mistake("---\n---\n"), "FILE:2: " + message);
  EXPECT_EQ(Mistake("a: 1\n---\n"), "FILE:2: " + message);
  EXPECT_EQ(Mistake(" a: 1\nb: 1\n"), "FILE:2: " + message);
}

// yaml-cpp finds documents without end in it.
TEST(ParseYaml, CommaAtTheStartIsRefused) {
  EXPECT_THAT(Mistake(",a: 1"), HasSubstr("FILE:1: "));
}

TEST(ParseYaml, QuoteOrBracketThatIsNotClosedIsRefused) {
  const std::string message = "a quote or a bracket is not closed";
  EXPECT_EQ(Mistake("a: \"x\nb: y\n"), "FILE:2: " + message);
  EXPECT_EQ(Mistake("a: \"x"), "FILE:1: " + message);
  EXPECT_EQ(Mistake("a: 'x\n  "), "FILE:2: " + message);
  EXPECT_EQ(Mistake("a: [x\n"), "FILE:1: " + message);
  EXPECT_EQ(Mistake("a: {x: y"), "FILE:1: " + message);
}

TEST(ParseYaml, LastKeyWithoutItsColonIsRefused) {
  EXPECT_THAT(Mistake("a: 1\nb\n"), HasSubstr("FILE:2: "));
  EXPECT_THAT(Mistake("a: 1\nb"), HasSubstr("FILE:2: "));
}

TEST(ParseYaml, MistakeIsNamedByFileAndLine) {
  EXPECT_EQ(Mistake("a: 1\nb: c: d\n"), "FILE:2: illegal map value");
  EXPECT_EQ(Mistake("a: 1\n\nb: *c\n"),
            "FILE:3: the referenced anchor is not defined");
}

TEST(ParseYaml, NestingHasALimit) {
  EXPECT_EQ(Mistake(std::string(1000, '[')), "FILE:1: nested too deeply");
  EXPECT_TRUE(
      ParseYaml(std::string(99, '[') + std::string(99, ']'), "FILE").ok());
}

TEST(ParseYaml, ControlCharactersAreRefused) {
  using std::string_literals::operator""s;
  const std::string message = "FILE:2: a control character";
  EXPECT_EQ(Mistake("a: 1\nb: \0\n"s), message);
  EXPECT_EQ(Mistake("a: 1\n# \x1b[1m\n"), message);
  EXPECT_EQ(Mistake("a: 1\n\x7f\n"), message);
  EXPECT_EQ(Mistake("a: 1\nb: \xc2\x80\n"), message);
  EXPECT_EQ(Mistake("a: 1\nb: \xc2\x9f\n"), message);
  EXPECT_EQ(Mistake("a: 1\nb: \xef\xbb\xbf\n"), message);
  EXPECT_EQ(Mistake("a: 1\nb: \xef\xbf\xbe\n"), message);
  EXPECT_EQ(Mistake("a: 1\nb: \xef\xbf\xbf\n"), message);
  EXPECT_EQ(TextIn("a: x\ty\n"), "x\ty");
  EXPECT_EQ(TextIn("a: \xc2\xa0z\n"), "\xc2\xa0z");
}

TEST(ParseYaml, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(Mistake("a: 1\nb: \xff\n"), "FILE:2: not valid UTF-8");
  EXPECT_EQ(TextIn("a: \xc3\xa9"), "\xc3\xa9");
}

// In YAML 1.1 the comment ends there, and b is a key.
TEST(ParseYaml, EndOfLineThatNotAllReadersSeeIsRefused) {
  const std::string message =
      "FILE:1: an end of line that is neither LF nor CR LF";
  EXPECT_EQ(Mistake("a: 1 #\rb: 2\n"), message);
  EXPECT_EQ(Mistake("a: 1 #\xc2\x85"
                    "b: 2\n"),
            message);
  EXPECT_EQ(Mistake("a: 1 #\xe2\x80\xa8"
                    "b: 2\n"),
            message);
  EXPECT_EQ(Mistake("a: 1 #\xe2\x80\xa9"
                    "b: 2\n"),
            message);
  EXPECT_EQ(KeysOf("a: 1 #\r\nb: 2\r\n"), "a@1 b@2 ");
}

TEST(YamlError, NamesFileAndLine) {
  EXPECT_EQ(YamlError("FILE", 3, "x").message(), "FILE:3: x");
}

TEST(YamlError, HidesAHashAndWhatFollows) {
  EXPECT_EQ(YamlError("FILE", 3, "unknown key \"$2y$10$abc\"").message(),
            "FILE:3: unknown key \"(hidden)");
}

TEST(YamlQuoted, StaysOnOneLine) {
  EXPECT_EQ(YamlQuoted("a\n\"é"), "\"a\\n\\\"é\"");
}

TEST(EntriesOf, AreTheKeysInTheirOrderWithTheirLines) {
  EXPECT_EQ(KeysOf("b: 1\n\na: 2\n1: x\n\"q\": y\n"), "b@1 a@3 1@4 q@5 ");
  EXPECT_EQ(KeysOf("{b: 1,\n a}"), "b@1 a@2 ");
}

TEST(EntriesOf, NullHasNone) { EXPECT_EQ(KeysOf("~"), ""); }

TEST(EntriesOf, RefusesWhatIsNoMapping) {
  EXPECT_EQ(KeysOf("word"), "FILE:1: not a mapping of keys to values");
  EXPECT_EQ(KeysOf("\n- a: 1"), "FILE:2: not a mapping of keys to values");
}

TEST(EntriesOf, RefusesADuplicate) {
  EXPECT_EQ(KeysOf("a: 1\nb: 2\n\"a\": 3\n"), "FILE:3: \"a\" stands twice");
}

TEST(EntriesOf, RefusesAKeyThatIsNoWord) {
  EXPECT_EQ(KeysOf("a: 1\n? [b]\n: c\n"), "FILE:2: a key that is not a word");
  EXPECT_EQ(KeysOf("~: 1\n"), "FILE:1: a key that is not a word");
  EXPECT_EQ(KeysOf("!!int 1: 1\n"),
            "FILE:1: the tag \"tag:yaml.org,2002:int\"");
}

TEST(EntriesOf, RefusesAMergeKeyUnlessItIsQuoted) {
  EXPECT_EQ(KeysOf("a: 1\n<<: {b: 1}\n"),
            "FILE:2: the merge key \"<<\": write out what it stands for");
  EXPECT_EQ(KeysOf("\"<<\": 1"), "<<@1 ");
}

TEST(ReadEntries, CallsTheReaderOfEachKey) {
  std::string seen;
  const YamlReader reader = [&](const YamlEntry& entry) {
    seen += entry.key + entry.value.Scalar();
    return absl::OkStatus();
  };
  EXPECT_TRUE(ReadEntries(ParseYaml("b: 1\na: 2\n", "FILE").value(), "FILE",
                          {{"a", reader}, {"b", reader}, {"c", reader}})
                  .ok());
  EXPECT_EQ(seen, "b1a2");
}

TEST(ReadEntries, NullLeavesTheDefault) {
  const YamlReader reader = [](const YamlEntry& entry) {
    return YamlError("FILE", entry.line, "read");
  };
  EXPECT_TRUE(
      ReadEntries(ParseYaml("a: ~\n", "FILE").value(), "FILE", {{"a", reader}})
          .ok());
}

TEST(ReadEntries, RefusesAnUnknownKeyAndWhatAReaderRefuses) {
  const YamlReader reader = [](const YamlEntry& entry) {
    return YamlError("FILE", entry.line, "refused");
  };
  const YAML::Node node = ParseYaml("a: ~\nb: 1\n", "FILE").value();
  EXPECT_EQ(ReadEntries(node, "FILE", {{"a", reader}}).message(),
            "FILE:2: unknown key \"b\"");
  EXPECT_EQ(ReadEntries(node, "FILE", {{"a", reader}, {"b", reader}}).message(),
            "FILE:2: refused");
}

TEST(StringOf, IsTheTextOfWordsAndNumbers) {
  EXPECT_EQ(TextIn("a: b c # d"), "b c");
  EXPECT_EQ(TextIn("a: 010"), "010");
  EXPECT_EQ(TextIn("a: yes"), "yes");
  EXPECT_EQ(TextIn("a: !!str 1"), "1");
  EXPECT_EQ(TextIn("a: \"\\x41\""), "A");
  EXPECT_EQ(TextIn("a: >-\n  b\n  c\n"), "b c");
  EXPECT_EQ(TextIn("a: ~"), "");
}

TEST(StringOf, FollowsAnAlias) {
  const auto entries =
      EntriesOf(ParseYaml("a: &x 1\nb: *x\n", "FILE").value(), "FILE");
  EXPECT_EQ(*StringOf((*entries)[1].value, "FILE"), "1");
}

TEST(StringOf, RefusesWhatIsNoSingleValue) {
  EXPECT_EQ(TextIn("a: [b]"), "FILE:1: not a single value");
  EXPECT_EQ(TextIn("a:\n  b: c"), "FILE:2: not a single value");
  EXPECT_EQ(TextIn("a: &x [*x]"), "FILE:1: not a single value");
}

TEST(StringOf, RefusesATagAndANul) {
  EXPECT_EQ(TextIn("a: !!binary YQ=="),
            "FILE:1: the tag \"tag:yaml.org,2002:binary\"");
  EXPECT_EQ(TextIn("a: !x b"), "FILE:1: the tag \"!x\"");
  EXPECT_EQ(TextIn("a: \"b\\0c\""), "FILE:1: a value with a NUL byte");
}

TEST(BoolOf, KnowsTheWordsOfYaml11) {
  for (const char* word : {"y", "Y", "yes", "Yes", "YES", "true", "True",
                           "TRUE", "on", "On", "ON"}) {
    EXPECT_EQ(BoolIn(std::string("a: ") + word), "true") << word;
  }
  for (const char* word : {"n", "N", "no", "No", "NO", "false", "False",
                           "FALSE", "off", "Off", "OFF"}) {
    EXPECT_EQ(BoolIn(std::string("a: ") + word), "false") << word;
  }
}

TEST(BoolOf, RefusesAllElse) {
  for (const char* word : {"1", "tRUE", "\"true\"", "'no'", "~", "[true]",
                           "!!str true", "{a: b}"}) {
    EXPECT_EQ(BoolIn(std::string("a: ") + word),
              "FILE:1: neither true nor false")
        << word;
  }
}

TEST(ListOf, IsItsEntries) {
  const auto list = ListOf(ValueIn("a: [b, c]"), "FILE").value();
  EXPECT_THAT((std::vector<std::string>{list[0].Scalar(), list[1].Scalar()}),
              ElementsAre("b", "c"));
  EXPECT_EQ(list.size(), 2u);
  EXPECT_TRUE(ListOf(ValueIn("a:"), "FILE")->empty());
  EXPECT_TRUE(ListOf(ValueIn("a: []"), "FILE")->empty());
}

TEST(ListOf, RefusesWhatIsNoList) {
  EXPECT_EQ(ListOf(ValueIn("a:\n  b: c"), "FILE").status().message(),
            "FILE:2: not a list");
  EXPECT_EQ(ListOf(ValueIn("a: b"), "FILE").status().message(),
            "FILE:1: not a list");
}

}  // namespace
}  // namespace mailcow
