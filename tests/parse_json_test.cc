#include "collectors/parse_json.h"

#include <string>

#include "gtest/gtest.h"

namespace mailcow {
namespace {

std::string Mistake(const std::string& text) {
  const auto json = ParseJson(text, "the answer");
  EXPECT_TRUE(absl::IsDataLoss(json.status())) << text;
  return std::string(json.status().message());
}

std::string Nested(int depth) {
  const auto brackets = static_cast<size_t>(depth);
  return std::string(brackets, '[') + std::string(brackets, ']');
}

TEST(ParseJson, ReadsAnyValue) {
  EXPECT_EQ(ParseJson(R"({"a": [1, true, null]})", "")->at("a").size(), 3u);
  EXPECT_EQ(ParseJson("7", "")->get<int>(), 7);
}

TEST(ParseJson, NamesTheLineThatIsNotJson) {
  EXPECT_EQ(Mistake("{\n  \"a\": 1,\n}"), "line 3 of the answer is not JSON");
  EXPECT_EQ(Mistake(""), "line 1 of the answer is not JSON");
}

TEST(ParseJson, NamesTheLineOfAStringThatIsNotClosed) {
  EXPECT_EQ(Mistake("{\n  \"a\": \"b\n}"), "line 2 of the answer is not JSON");
}

TEST(ParseJson, RefusesANumberOutOfRange) {
  EXPECT_EQ(Mistake("[1e999]"), "the answer has a number out of range");
}

TEST(ParseJson, RefusesWhatIsNestedTooDeeply) {
  EXPECT_TRUE(ParseJson(Nested(64), "").ok());
  EXPECT_EQ(Mistake(Nested(66)), "the answer is nested too deeply");
  EXPECT_EQ(Mistake(Nested(400000)), "the answer is nested too deeply");
}

}  // namespace
}  // namespace mailcow
