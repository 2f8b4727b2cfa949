#include "exporter/log.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const absl::Time kTime = absl::FromUnixMillis(1709305200042);

std::string Logfmt(absl::string_view message, LogFields fields = {}) {
  return FormatLogLine(LogFormat::kLogfmt, kTime, LogLevel::kInfo, message,
                       fields);
}

std::string Json(absl::string_view message, LogFields fields = {}) {
  return FormatLogLine(LogFormat::kJson, kTime, LogLevel::kInfo, message,
                       fields);
}

TEST(Logfmt, IsOneLineWithTimeInUtcLevelMessageAndFields) {
  EXPECT_EQ(Logfmt("listening", {{"port", "9025"}, {"path", "/metrics"}}),
            "ts=2024-03-01T15:00:00.042Z level=info msg=listening port=9025 "
            "path=/metrics\n");
}

TEST(Logfmt, QuotesAValueThatIsNotOneWord) {
  EXPECT_THAT(Logfmt("m", {{"err", "no such file"}}),
              EndsWith(" err=\"no such file\"\n"));
  EXPECT_THAT(Logfmt("m", {{"err", "a=b"}}), EndsWith(" err=\"a=b\"\n"));
}

TEST(Logfmt, QuotesAnEmptyValue) {
  EXPECT_THAT(Logfmt("m", {{"err", ""}}), EndsWith(" err=\"\"\n"));
}

TEST(Logfmt, AValueCannotBeginAnotherLineOrField) {
  EXPECT_THAT(Logfmt("m", {{"err", "a\nlevel=error \"b\\"}}),
              EndsWith(" err=\"a\\u000alevel=error \\\"b\\\\\"\n"));
}

TEST(Json, IsOneObjectOfStrings) {
  EXPECT_EQ(Json("listening", {{"port", "9025"}}),
            "{\"ts\":\"2024-03-01T15:00:00.042Z\",\"level\":\"info\","
            "\"msg\":\"listening\",\"port\":\"9025\"}\n");
}

TEST(Json, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_THAT(Json("a\"b\\c\n\033"),
              HasSubstr("\"msg\":\"a\\\"b\\\\c\\u000a\\u001b\"}"));
}

TEST(LogLine, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_THAT(Json("\xff"), HasSubstr("\"msg\":\"\xef\xbf\xbd\""));
  EXPECT_THAT(Logfmt("\xff"), HasSubstr("msg=\"\xef\xbf\xbd\""));
}

TEST(LogLine, NamesEachLevel) {
  const auto line = [](LogLevel level) {
    return FormatLogLine(LogFormat::kLogfmt, kTime, level, "m", {});
  };
  EXPECT_THAT(line(LogLevel::kDebug), HasSubstr("level=debug"));
  EXPECT_THAT(line(LogLevel::kInfo), HasSubstr("level=info"));
  EXPECT_THAT(line(LogLevel::kWarn), HasSubstr("level=warn"));
  EXPECT_THAT(line(LogLevel::kError), HasSubstr("level=error"));
}

// Terminals obey U+009B as they do an escape sequence.
TEST(LogLine, WhatTerminalsObeyIsEscaped) {
  EXPECT_THAT(Json("a\xc2\x9b"
                   "1m"),
              HasSubstr("\"msg\":\"a\\u009b1m\""));
  EXPECT_THAT(Logfmt("a\xc2\x9b"
                     "1m"),
              HasSubstr("msg=\"a\\u009b1m\""));
  EXPECT_THAT(Json("\xc2\xa0"), HasSubstr("\"msg\":\"\xc2\xa0\""));
}

TEST(Logger, WritesToStderrInItsFormat) {
  testing::internal::CaptureStderr();
  Logger(LogLevel::kInfo, LogFormat::kJson).Error("cannot serve");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              EndsWith("\"level\":\"error\",\"msg\":\"cannot serve\"}\n"));
}

TEST(Logger, WritesItsLeastLevelAndAboveOnly) {
  testing::internal::CaptureStderr();
  const Logger logger(LogLevel::kError, LogFormat::kLogfmt);
  logger.Info("quiet");
  logger.Error("loud");
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      testing::AllOf(HasSubstr("msg=loud"), testing::Not(HasSubstr("quiet"))));
}

TEST(Logger, WritesInfoWhenInfoIsTheLeastLevel) {
  testing::internal::CaptureStderr();
  Logger(LogLevel::kInfo, LogFormat::kLogfmt).Info("listening");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("msg=listening"));
}

}  // namespace
}  // namespace mailcow
