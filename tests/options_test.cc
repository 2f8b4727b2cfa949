#include "exporter/options.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::set<std::string> kAllTopics = {
    "memory",  "disk",         "system", "ports", "clock",     "docker",
    "mailcow", "interference", "ntp",    "rtc",   "time_zone", "time_servers"};

ParsedOptions Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "mailcow_host_exporter");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

// Of a command line that is right.
Options Accepted(std::vector<const char*> arguments) {
  ParsedOptions parsed = Parse(std::move(arguments));
  EXPECT_TRUE(parsed.options.has_value()) << parsed.message;
  return parsed.options.value_or(Options{});
}

// What is said of a command line that is wrong.
std::string Mistake(std::vector<const char*> arguments) {
  const ParsedOptions parsed = Parse(std::move(arguments));
  EXPECT_FALSE(parsed.options.has_value());
  EXPECT_EQ(parsed.exit_status, 2);
  EXPECT_THAT(parsed.message, AllOf(StartsWith("mailcow_host_exporter: "),
                                    EndsWith(" (see --help)\n")));
  return parsed.message;
}

TEST(Options, WithoutArgumentsItServesOnLoopbackWhatItFindsOnThisHost) {
  const Options options = Accepted({});
  EXPECT_EQ(options.command, Command::kServe);
  EXPECT_EQ(options.format, CheckFormat::kText);
  EXPECT_THAT(options.listen_addresses, ElementsAre("127.0.0.1:9025"));
  EXPECT_EQ(options.telemetry_path, "/metrics");
  EXPECT_EQ(options.roots.root, "");
  EXPECT_EQ(options.recording, "");
  EXPECT_EQ(options.docker_socket, "/var/run/docker.sock");
  EXPECT_EQ(options.settings.mailcow_directory, "/opt/mailcow-dockerized");
  EXPECT_THAT(options.settings.disk_paths, ElementsAre());
  EXPECT_THAT(options.settings.time_servers.servers, ElementsAre());
  EXPECT_EQ(options.settings.time_servers.max_offset, absl::Seconds(1));
  EXPECT_EQ(options.ntp_interval, absl::Minutes(5));
  EXPECT_EQ(options.topics, kAllTopics);
  EXPECT_EQ(options.log_level, LogLevel::kInfo);
  EXPECT_EQ(options.log_format, LogFormat::kLogfmt);
}

TEST(Options, TheCommandIsOneOfThreeWords) {
  EXPECT_EQ(Accepted({"serve"}).command, Command::kServe);
  EXPECT_EQ(Accepted({"check"}).command, Command::kCheck);
  EXPECT_EQ(Accepted({"list"}).command, Command::kList);
  EXPECT_THAT(Mistake({"scan"}), HasSubstr("\"scan\" is none of "));
}

TEST(Options, ASecondCommandIsAMistake) {
  EXPECT_THAT(Mistake({"check", "list"}), HasSubstr("list"));
}

TEST(Options, FormatIsOneOfThreeWords) {
  EXPECT_EQ(Accepted({"check", "--format=text"}).format, CheckFormat::kText);
  EXPECT_EQ(Accepted({"check", "--format=json"}).format, CheckFormat::kJson);
  EXPECT_EQ(Accepted({"check", "--format=nagios"}).format,
            CheckFormat::kNagios);
  EXPECT_THAT(Mistake({"check", "--format=xml"}),
              HasSubstr("\"xml\" is none of text|json|nagios"));
}

TEST(Options, ListenAddressIsRepeatableAndReplacesTheDefault) {
  EXPECT_THAT(
      Accepted({"--web.listen-address=[::1]:9025", "--web.listen-address=:80"})
          .listen_addresses,
      ElementsAre("[::1]:9025", ":80"));
}

TEST(Options, AListenAddressThatIsNoneIsAMistakeThatRepeatsIt) {
  EXPECT_THAT(Mistake({"--web.listen-address=localhost:9025"}),
              HasSubstr("\"localhost:9025\""));
}

TEST(Options, TelemetryPathIsAbsolute) {
  EXPECT_EQ(Accepted({"--web.telemetry-path=/m"}).telemetry_path, "/m");
  EXPECT_THAT(Mistake({"--web.telemetry-path=metrics"}),
              HasSubstr("\"metrics\" is not an absolute path"));
}

TEST(Options, EachPathFlagSetsItsOwnPath) {
  const Options options =
      Accepted({"--path.rootfs=/usr", "--path.procfs=/etc", "--path.sysfs=/var",
                "--path.recording=/k.json", "--mailcow.dir=/m",
                "--docker.socket=/d.sock"});
  EXPECT_EQ(options.roots.root, "/usr");
  EXPECT_EQ(options.roots.proc, "/etc");
  EXPECT_EQ(options.roots.sys, "/var");
  EXPECT_EQ(options.recording, "/k.json");
  EXPECT_EQ(options.docker_socket, "/d.sock");
  EXPECT_EQ(options.settings.mailcow_directory, "/m");
}

TEST(Options, ARelativePathIsAMistakeOfEveryPathFlag) {
  for (const char* flag :
       {"--path.rootfs=host", "--path.procfs=host", "--path.sysfs=host",
        "--path.recording=host", "--mailcow.dir=host", "--docker.socket=host",
        "--disk.path=host"}) {
    EXPECT_THAT(Mistake({flag}), HasSubstr("\"host\" is not an absolute path"));
  }
}

TEST(Options, ARootThatIsNoDirectoryIsAMistake) {
  for (const char* flag :
       {"--path.rootfs=/no/such", "--path.procfs=/no/such",
        "--path.sysfs=/no/such", "--path.rootfs=/etc/passwd"}) {
    EXPECT_THAT(Mistake({flag}), HasSubstr(flag + 14)) << flag;
  }
}

TEST(Options, DiskPathIsRepeatable) {
  EXPECT_THAT(Accepted({"--disk.path=/srv", "--disk.path=/var/vmail"})
                  .settings.disk_paths,
              ElementsAre("/srv", "/var/vmail"));
}

TEST(Options, ACommandMayFollowARepeatableFlag) {
  EXPECT_EQ(Accepted({"--disk.path=/srv", "check"}).command, Command::kCheck);
  EXPECT_EQ(Accepted({"--web.listen-address=:80", "serve"}).command,
            Command::kServe);
}

TEST(Options, NtpServerIsRepeatableAndTakesAPort) {
  EXPECT_THAT(Accepted({"--ntp.server=ntp.example", "--ntp.server=[::1]:1123",
                        "--ntp.server=192.0.2.1"})
                  .settings.time_servers.servers,
              ElementsAre("ntp.example", "[::1]:1123", "192.0.2.1"));
  EXPECT_EQ(Accepted({"--ntp.server", "ntp.example", "check"}).command,
            Command::kCheck);
}

TEST(Options, AnNtpServerThatIsNoneIsAMistakeThatRepeatsIt) {
  EXPECT_THAT(Mistake({"--ntp.server=ntp.example:0"}),
              HasSubstr("\"ntp.example:0\""));
  EXPECT_THAT(Mistake({"--ntp.server=ntp example"}),
              HasSubstr("\"ntp example\""));
  EXPECT_FALSE(Parse({"--ntp.server="}).options.has_value());
}

TEST(Options, NtpIntervalIsASecondOrMore) {
  EXPECT_EQ(Accepted({"--ntp.interval=1"}).ntp_interval, absl::Seconds(1));
  EXPECT_EQ(Accepted({"--ntp.interval=1.5"}).ntp_interval,
            absl::Milliseconds(1500));
  EXPECT_EQ(Accepted({"--ntp.interval=86400"}).ntp_interval, absl::Hours(24));
  EXPECT_THAT(Mistake({"--ntp.interval=0.999"}),
              HasSubstr("\"0.999\" is not a number of seconds from 1 on"));
}

TEST(Options, NtpMaxOffsetIsAMillisecondOrMore) {
  EXPECT_EQ(
      Accepted({"--ntp.max-offset=0.001"}).settings.time_servers.max_offset,
      absl::Milliseconds(1));
  EXPECT_EQ(Accepted({"--ntp.max-offset=2"}).settings.time_servers.max_offset,
            absl::Seconds(2));
  EXPECT_THAT(Mistake({"--ntp.max-offset=0.0009"}),
              HasSubstr("\"0.0009\" is not a number of seconds from 0.001 on"));
}

TEST(Options, SecondsThatAreNoNumberAreAMistake) {
  for (const char* flag : {"--ntp.interval=", "--ntp.max-offset="}) {
    for (const char* word : {"", "5m", "inf", "nan", "-5", "0"}) {
      const std::string argument = absl::StrCat(flag, word);
      EXPECT_FALSE(Parse({argument.c_str()}).options.has_value()) << argument;
    }
  }
}

TEST(Options, ATopicCanBeTurnedOff) {
  EXPECT_EQ(Accepted({"--no-collector.clock", "--no-collector.ports"}).topics,
            (std::set<std::string>{"memory", "disk", "system", "docker",
                                   "mailcow", "interference", "ntp", "rtc",
                                   "time_zone", "time_servers"}));
}

TEST(Options, DisableDefaultsLeavesTheTopicsThatAreNamed) {
  EXPECT_EQ(Accepted({"--collector.disable-defaults", "--collector.disk",
                      "--collector.clock"})
                .topics,
            (std::set<std::string>{"disk", "clock"}));
}

TEST(Options, NamingATopicThatIsOnChangesNothing) {
  EXPECT_EQ(Accepted({"--collector.disk"}).topics, kAllTopics);
}

TEST(Options, WithEveryTopicOffThereIsNothingToDo) {
  EXPECT_THAT(Mistake({"--collector.disable-defaults"}),
              HasSubstr("every topic is turned off"));
}

TEST(Options, LogLevelAndFormatAreChosenByWord) {
  const Options options = Accepted({"--log.level=debug", "--log.format=json"});
  EXPECT_EQ(options.log_level, LogLevel::kDebug);
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_EQ(Accepted({"--log.level=warn"}).log_level, LogLevel::kWarn);
  EXPECT_EQ(Accepted({"--log.level=error"}).log_level, LogLevel::kError);
  EXPECT_THAT(Mistake({"--log.level=loud"}), HasSubstr("\"loud\""));
  EXPECT_THAT(Mistake({"--log.format=xml"}), HasSubstr("\"xml\""));
}

TEST(Options, AnUnknownFlagIsAMistakeThatRepeatsIt) {
  EXPECT_THAT(Mistake({"--web.listen"}), HasSubstr("--web.listen"));
  EXPECT_THAT(Mistake({"--collector.weather"}),
              HasSubstr("--collector.weather"));
}

TEST(Options, AnEmptyValueIsAMistake) {
  for (const char* flag : {"--web.listen-address=", "--web.telemetry-path=",
                           "--path.rootfs=", "--format="}) {
    EXPECT_FALSE(Parse({flag}).options.has_value()) << flag;
  }
}

TEST(Options, VersionNamesTheProgramAndExitsWithSuccess) {
  const ParsedOptions parsed = Parse({"--version"});
  EXPECT_FALSE(parsed.options.has_value());
  EXPECT_EQ(parsed.exit_status, 0);
  EXPECT_THAT(parsed.message, StartsWith("mailcow_host_exporter, version 0."));
}

TEST(Help, ExitsWithSuccess) {
  const ParsedOptions parsed = Parse({"--help"});
  EXPECT_FALSE(parsed.options.has_value());
  EXPECT_EQ(parsed.exit_status, 0);
}

TEST(Help, EveryFlagHasOneLineWithItsDescription) {
  const std::string help = Parse({"--help"}).message;
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    // A flag's line is indented by two; a continuation would be by more.
    EXPECT_FALSE(absl::StartsWith(line, "   ")) << line;
    if (absl::StartsWith(line, "  -")) {
      EXPECT_GT(line.size(), 40u) << line;
      EXPECT_NE(line.substr(39, 2), "  ") << line;
    }
  }
}

TEST(Help, NamesEveryFlagAndItsDefault) {
  const std::string help = Parse({"--help"}).message;
  for (const char* flag : {"--format text|json|nagios",
                           "--web.listen-address ADDRESS:PORT",
                           "[127.0.0.1:9025]",
                           "--web.telemetry-path PATH",
                           "[/metrics]",
                           "--path.rootfs PATH",
                           "--path.procfs PATH",
                           "--path.sysfs PATH",
                           "--path.recording PATH",
                           "--mailcow.dir PATH",
                           "[/opt/mailcow-dockerized]",
                           "--disk.path PATH",
                           "--ntp.server HOST[:PORT]",
                           "--ntp.interval SECONDS",
                           "[300]",
                           "--ntp.max-offset SECONDS",
                           "[1]",
                           "--collector.disable-defaults",
                           "--log.level",
                           "[info]",
                           "--log.format",
                           "[logfmt]",
                           "--version"}) {
    EXPECT_THAT(help, HasSubstr(flag));
  }
  for (const std::string& topic : kAllTopics) {
    EXPECT_THAT(help, HasSubstr("--[no-]collector." + topic + " "));
  }
}

}  // namespace
}  // namespace mailcow
