#include "exporter/config_file.h"

#include <sys/stat.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::FieldsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const FlagKinds kFlags = {{"log.level", FlagKind::kWord},
                          {"web.max-requests", FlagKind::kWord},
                          {"disk.path", FlagKind::kWords},
                          {"collector.docker", FlagKind::kSwitch}};

// Of a file that is right.
ConfigFile Accepted(const std::string& text) {
  absl::StatusOr<ConfigFile> config = ParseConfigFile(text, "f.yml", kFlags);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.value_or(ConfigFile{});
}

// What is said of a file that is wrong.
std::string Complaint(const std::string& text) {
  const absl::Status status = ParseConfigFile(text, "f.yml", kFlags).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(ParseConfigFile, EmptyTextSetsNothing) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "{}"}) {
    EXPECT_THAT(Accepted(text).words, IsEmpty()) << text;
    EXPECT_THAT(Accepted(text).limits, IsEmpty()) << text;
  }
}

TEST(ParseConfigFile, AFlagHasItsWordAndItsLine) {
  EXPECT_THAT(Accepted("log.level: warn\n\nweb.max-requests: 10\n").words,
              ElementsAre(FieldsAre("log.level", "warn", 1),
                          FieldsAre("web.max-requests", "10", 3)));
}

TEST(ParseConfigFile, ARepeatableFlagTakesAWordOrAList) {
  EXPECT_THAT(Accepted("disk.path: /srv").words,
              ElementsAre(FieldsAre("disk.path", "/srv", 1)));
  EXPECT_THAT(Accepted("disk.path: [/srv, /var]").words,
              ElementsAre(FieldsAre("disk.path", "/srv", 1),
                          FieldsAre("disk.path", "/var", 1)));
}

TEST(ParseConfigFile, AWordOfAListHasItsOwnLine) {
  EXPECT_THAT(Accepted("disk.path:\n  - /srv\n  - /var\n").words,
              ElementsAre(FieldsAre("disk.path", "/srv", 2),
                          FieldsAre("disk.path", "/var", 3)));
}

TEST(ParseConfigFile, ASwitchIsTrueOrFalse) {
  EXPECT_THAT(Accepted("collector.docker: false").words,
              ElementsAre(FieldsAre("collector.docker", "false", 1)));
  EXPECT_THAT(Accepted("collector.docker: true").words,
              ElementsAre(FieldsAre("collector.docker", "true", 1)));
  for (const char* word : {"no", "0", "False", "~", "[true]", "{}", "\"\""}) {
    EXPECT_EQ(Complaint(absl::StrCat("\ncollector.docker: ", word)),
              "f.yml:2: collector.docker: neither true nor false")
        << word;
  }
}

TEST(ParseConfigFile, AnUnknownKeyIsNamedWithItsLine) {
  EXPECT_EQ(Complaint("log.level: warn\nlog.levle: warn\n"),
            "f.yml:2: log.levle: not a key of the configuration file");
  EXPECT_THAT(Complaint("--log.level: warn"), HasSubstr("--log.level: not a"));
  EXPECT_THAT(Complaint("<<: {log.level: warn}"), HasSubstr("<<"));
}

TEST(ParseConfigFile, AKeyThatStandsTwiceIsAMistake) {
  EXPECT_THAT(Complaint("disk.path: /a\n\ndisk.path: /b\n"),
              AllOf(HasSubstr("f.yml:3: "), HasSubstr("\"disk.path\"")));
  EXPECT_THAT(Complaint("limits:\n  swap: {recommended: 1}\n  swap: {}\n"),
              AllOf(HasSubstr("f.yml:3: "), HasSubstr("\"swap\"")));
  EXPECT_THAT(
      Complaint("limits:\n  swap: {recommended: 1,\n    recommended: 2}"),
      AllOf(HasSubstr("f.yml:3: "), HasSubstr("\"recommended\"")));
}

TEST(ParseConfigFile, WhatIsNoWordWhereOneIsDueIsAMistake) {
  for (const char* value :
       {"", "~", "null", "[warn]", "[]", "{level: warn}", "\"\""}) {
    EXPECT_EQ(Complaint(absl::StrCat("\nlog.level: ", value)),
              "f.yml:2: log.level: not a word")
        << value;
  }
}

TEST(ParseConfigFile, WhatIsNoWordInAListIsAMistakeOfItsLine) {
  for (const char* value : {"~", "[/a]", "{a: b}", "\"\""}) {
    EXPECT_EQ(Complaint(absl::StrCat("disk.path:\n- /srv\n- ", value)),
              "f.yml:3: disk.path: not a word")
        << value;
  }
  EXPECT_THAT(Complaint("disk.path: {a: b}"), HasSubstr("disk.path: not a"));
}

TEST(ParseConfigFile, AnEmptyListIsNotTakenForTheDefault) {
  EXPECT_EQ(Complaint("disk.path: []"), "f.yml:1: disk.path: an empty list");
}

TEST(ParseConfigFile, WhatIsNoMappingIsAMistake) {
  EXPECT_THAT(Complaint("- log.level"), HasSubstr("f.yml:1: "));
  EXPECT_THAT(Complaint("log.level"), HasSubstr("f.yml:1: "));
  EXPECT_THAT(Complaint("a: [\n"), HasSubstr("f.yml:"));
  EXPECT_THAT(Complaint("log.level: info\n---\nlog.level: warn\n"),
              HasSubstr("a second document"));
}

TEST(ParseConfigFile, LimitsAreInBaseUnits) {
  EXPECT_THAT(
      Accepted("limits:\n"
               "  memory: {required: 2GiB, recommended: 8 GiB}\n"
               "  disk: {recommended: 53687091200}\n"
               "  port_foreign_listeners: {required: 1}\n")
          .limits,
      ElementsAre(Pair(Pair("disk", Level::kRecommended), 50 * kGiB),
                  Pair(Pair("memory", Level::kRequired), 2 * kGiB),
                  Pair(Pair("memory", Level::kRecommended), 8 * kGiB),
                  Pair(Pair("port_foreign_listeners", Level::kRequired), 1)));
}

TEST(ParseConfigFile, LimitsMayBeAllCommentedOut) {
  EXPECT_THAT(Accepted("limits:\n  # memory: {required: 2GiB}\n").limits,
              IsEmpty());
}

TEST(ParseConfigFile, LimitsThatAreNoMappingAreAMistake) {
  for (const char* value : {"2GiB", "[]", "\"\""}) {
    EXPECT_EQ(Complaint(absl::StrCat("limits: ", value)),
              "f.yml:1: limits: not a mapping of requirements")
        << value;
  }
}

TEST(ParseConfigFile, ALimitOfAnUnknownRequirementNamesIt) {
  EXPECT_EQ(Complaint("limits:\n  memry: {required: 2GiB}\n"),
            "f.yml:2: limits.memry: no requirement has this id");
}

TEST(ParseConfigFile, ALimitOfWhatHasNoNumberToReplaceIsAMistake) {
  EXPECT_EQ(Complaint("limits:\n  ntp_enabled: {required: 0}\n"),
            "f.yml:2: limits.ntp_enabled: a yes or no has no limit to replace");
  EXPECT_EQ(Complaint("limits:\n  memory_available: {required: 1GiB}\n"),
            "f.yml:2: limits.memory_available: a fact has no limit");
}

TEST(ParseConfigFile, ALevelIsRequiredOrRecommendedAndHasALimitAlready) {
  EXPECT_EQ(Complaint("limits:\n  disk:\n    optional: 5\n"),
            "f.yml:3: limits.disk.optional: neither required nor recommended");
  EXPECT_EQ(Complaint("limits:\n  swap:\n    required: 5\n"),
            "f.yml:3: limits.swap.required: there is no required limit to "
            "replace");
}

TEST(ParseConfigFile, ARequirementWithoutALevelIsAMistake) {
  for (const char* value : {"", "{}", "2GiB", "[2GiB]"}) {
    EXPECT_EQ(Complaint(absl::StrCat("limits:\n  disk: ", value)),
              "f.yml:2: limits.disk: not a mapping of required and recommended")
        << value;
  }
}

TEST(ParseConfigFile, ALimitIsANumberInTheUnitOfItsRequirement) {
  EXPECT_THAT(
      Complaint("limits:\n  disk:\n    required: 5GB\n"),
      HasSubstr("f.yml:3: limits.disk.required: \"5GB\" is not a size"));
  EXPECT_EQ(Complaint("limits: {time_daemons: {recommended: 1KiB}}"),
            "f.yml:1: limits.time_daemons.recommended: \"1KiB\" is not a "
            "number from 0 on");
  for (const char* value : {"", "~", "[5]", "{a: 5}", "-1", ".nan", ".inf"}) {
    EXPECT_THAT(
        Complaint(absl::StrCat("limits: {disk: {required: ", value, "}}")),
        HasSubstr("limits.disk.required: "))
        << value;
  }
}

TEST(ReadConfigFile, ReadsAFile) {
  const FakeRoot root;
  root.Write("/f.yml", "log.level: warn\n");
  const auto config = ReadConfigFile(root.At("/f.yml"), kFlags);
  EXPECT_THAT(config->words, ElementsAre(FieldsAre("log.level", "warn", 1)));
}

TEST(ReadConfigFile, ARelativePathCountsFromTheWorkingDirectory) {
  const FakeRoot root;
  root.Write("/f.yml", "log.level: warn\n");
  root.Write("/g.yml", "log.level: 1\nlog.level: 2\n");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(root.At(""));
  const auto config = ReadConfigFile("f.yml", kFlags);
  const auto broken = ReadConfigFile("./g.yml", kFlags);
  std::filesystem::current_path(before);
  EXPECT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(broken.status().message(), testing::StartsWith("./g.yml:2: "));
}

TEST(ReadConfigFile, AFileThatIsNotThereIsNotFoundAndNamed) {
  const absl::Status status = ReadConfigFile("/no/such/f.yml", kFlags).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), HasSubstr("/no/such/f.yml"));
}

TEST(ReadConfigFile, ADirectoryAFifoAndAHugeFileAreNamed) {
  const FakeRoot root;
  root.MakeDirectory("/directory");
  ASSERT_EQ(mkfifo(root.At("/fifo").c_str(), 0600), 0);
  root.Write("/huge", std::string((1 << 20) + 1, '#'));
  for (const char* path : {"/directory", "/fifo", "/huge"}) {
    const absl::Status status = ReadConfigFile(root.At(path), kFlags).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr(root.At(path).string()));
  }
}

}  // namespace
}  // namespace mailcow
