#include "exporter/options.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

const Topics kAllTopics = {"memory", "disk",   "system",    "ports",
                           "clock",  "docker", "mailcow",   "interference",
                           "ntp",    "rtc",    "time_zone", "time_servers",
                           "dns"};

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
  EXPECT_EQ(options.web_config_file, "");
  EXPECT_EQ(options.max_requests, 40);
  EXPECT_EQ(options.config_file, "");
  EXPECT_FALSE(options.config_check);
  EXPECT_EQ(options.roots.root, "");
  EXPECT_EQ(options.recording, "");
  EXPECT_EQ(options.docker_socket, "/var/run/docker.sock");
  EXPECT_EQ(options.settings.mailcow_directory, "/opt/mailcow-dockerized");
  EXPECT_THAT(options.settings.disk_paths, ElementsAre());
  EXPECT_THAT(options.settings.time_servers.servers, ElementsAre());
  EXPECT_EQ(options.settings.time_servers.max_offset, absl::Seconds(1));
  EXPECT_EQ(options.ntp_interval, absl::Minutes(5));
  EXPECT_THAT(options.settings.limits, IsEmpty());
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

TEST(Options, MaxRequestsIsANumberFromZeroOn) {
  EXPECT_EQ(Accepted({"--web.max-requests=0"}).max_requests, 0);
  EXPECT_EQ(Accepted({"--web.max-requests=10"}).max_requests, 10);
  for (const char* word : {"-1", "1.5", "many", "99999999999"}) {
    const std::string flag = absl::StrCat("--web.max-requests=", word);
    EXPECT_THAT(
        Mistake({flag.c_str()}),
        HasSubstr(absl::StrCat("\"", word, "\" is not a number from 0 on")));
  }
}

TEST(Options, TheFileOfTheWebServerMayBeRelativeAndIsNotLookedFor) {
  EXPECT_EQ(Accepted({"--web.config.file=no/web.yml"}).web_config_file,
            "no/web.yml");
}

TEST(Options, ConfigCheckIsOff) {
  EXPECT_TRUE(Accepted({"--config.check"}).config_check);
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

TEST(Options, DnsIsOfMailcowConfUnlessTheFlagsSayOtherwise) {
  const Options by_default = Accepted({});
  EXPECT_EQ(by_default.settings.dns.hostname, "");
  EXPECT_THAT(by_default.settings.dns.domains, IsEmpty());
  EXPECT_THAT(by_default.settings.dns.blocklists, IsEmpty());
  EXPECT_THAT(by_default.dns_resolvers, IsEmpty());
  EXPECT_EQ(by_default.dns_interval, absl::Minutes(5));
  const Options options = Accepted(
      {"--dns.hostname=mail.example.org", "--dns.domain=example.org",
       "--dns.domain=example.com", "--dns.public-address=192.0.2.1",
       "--dns.public-address=2001:db8::1", "--dns.blocklist=bl.example",
       "--dns.resolver=127.0.0.1:5353", "--dns.resolver=[::1]:53",
       "--dns.trusted-resolver=192.0.2.53", "--dns.interval=60"});
  const DnsSettings& dns = options.settings.dns;
  EXPECT_EQ(dns.hostname, "mail.example.org");
  EXPECT_THAT(dns.domains, ElementsAre("example.org", "example.com"));
  EXPECT_THAT(dns.public_addresses, ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_THAT(dns.blocklists, ElementsAre("bl.example"));
  EXPECT_THAT(options.dns_resolvers, ElementsAre("127.0.0.1:5353", "[::1]:53"));
  EXPECT_THAT(options.dns_trusted_resolvers, ElementsAre("192.0.2.53"));
  EXPECT_EQ(options.dns_interval, absl::Minutes(1));
}

TEST(Options, WhatIsNoNameOrAddressOfDnsIsAMistake) {
  for (const char* argument :
       {"--dns.hostname=mail example", "--dns.domain=a..b",
        "--dns.blocklist=", "--dns.public-address=mail.example.org",
        "--dns.resolver=resolver.example", "--dns.resolver=192.0.2.1:0",
        "--dns.trusted-resolver=x", "--dns.interval=0.5"}) {
    EXPECT_FALSE(Parse({argument}).options.has_value()) << argument;
  }
}

TEST(Options, ZoneIsForTheCommandLineAlone) {
  EXPECT_FALSE(Accepted({}).dns_zone);
  EXPECT_TRUE(Accepted({"check", "--dns.zone"}).dns_zone);
}

TEST(Options, SecondsThatAreNoNumberAreAMistake) {
  for (const char* flag :
       {"--ntp.interval=", "--ntp.max-offset=", "--dns.interval="}) {
    for (const char* word : {"", "5m", "inf", "nan", "-5", "0"}) {
      const std::string argument = absl::StrCat(flag, word);
      EXPECT_FALSE(Parse({argument.c_str()}).options.has_value()) << argument;
    }
  }
}

TEST(Options, ATopicCanBeTurnedOff) {
  EXPECT_EQ(
      Accepted({"--no-collector.clock", "--no-collector.ports"}).topics,
      (Topics{"memory", "disk", "system", "docker", "mailcow", "interference",
              "ntp", "rtc", "time_zone", "time_servers", "dns"}));
}

TEST(Options, DisableDefaultsLeavesTheTopicsThatAreNamed) {
  EXPECT_EQ(Accepted({"--collector.disable-defaults", "--collector.disk",
                      "--collector.clock"})
                .topics,
            (Topics{"disk", "clock"}));
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

// A configuration file, and flags beside it.
class ConfigFileTest : public testing::Test {
 protected:
  ConfigFileTest() { Write(""); }
  void Write(const std::string& text) const { root_.Write("/f.yml", text); }
  std::string file() const { return root_.At("/f.yml"); }

  Options AcceptedWith(std::vector<const char*> arguments) const {
    const std::string flag = absl::StrCat("--config.file=", file());
    arguments.push_back(flag.c_str());
    return Accepted(std::move(arguments));
  }
  Options AcceptedFile(const std::string& text) const {
    Write(text);
    return AcceptedWith({});
  }

  // What is said of the file, without its name.
  std::string MistakeOf(const std::string& text) const {
    Write(text);
    const std::string flag = absl::StrCat("--config.file=", file());
    const std::string mistake = Mistake({flag.c_str()});
    const std::string start =
        absl::StrCat("mailcow_host_exporter: ", file(), ":");
    EXPECT_THAT(mistake, StartsWith(start));
    return mistake.substr(std::min(mistake.size(), start.size()));
  }

 private:
  const FakeRoot root_;
};

TEST_F(ConfigFileTest, SetsWhatFlagsSet) {
  const Options options = AcceptedFile(
      "web.listen-address: [\"127.0.0.1:1\", \"[::1]:2\"]\n"
      "web.telemetry-path: /m\n"
      "web.config.file: web.yml\n"
      "web.max-requests: 10\n"
      "path.rootfs: /usr\n"
      "path.procfs: /etc\n"
      "path.sysfs: /var\n"
      "path.recording: /r.json\n"
      "mailcow.dir: /m\n"
      "docker.socket: /d.sock\n"
      "disk.path:\n  - /srv\n  - /home\n"
      "ntp.server: ntp.example\n"
      "ntp.interval: 60\n"
      "ntp.max-offset: 0.5\n"
      "log.level: warn\n"
      "log.format: json\n");
  EXPECT_THAT(options.listen_addresses, ElementsAre("127.0.0.1:1", "[::1]:2"));
  EXPECT_EQ(options.telemetry_path, "/m");
  EXPECT_EQ(options.web_config_file, "web.yml");
  EXPECT_EQ(options.max_requests, 10);
  EXPECT_EQ(options.roots.root, "/usr");
  EXPECT_EQ(options.roots.proc, "/etc");
  EXPECT_EQ(options.roots.sys, "/var");
  EXPECT_EQ(options.recording, "/r.json");
  EXPECT_EQ(options.settings.mailcow_directory, "/m");
  EXPECT_EQ(options.docker_socket, "/d.sock");
  EXPECT_THAT(options.settings.disk_paths, ElementsAre("/srv", "/home"));
  EXPECT_THAT(options.settings.time_servers.servers,
              ElementsAre("ntp.example"));
  EXPECT_EQ(options.ntp_interval, absl::Minutes(1));
  EXPECT_EQ(options.settings.time_servers.max_offset, absl::Milliseconds(500));
  EXPECT_EQ(options.log_level, LogLevel::kWarn);
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_EQ(options.config_file, file());
}

TEST_F(ConfigFileTest, SetsLimits) {
  EXPECT_THAT(
      AcceptedFile("limits: {memory: {required: 1KiB}}").settings.limits,
      ElementsAre(Pair(Pair("memory", Level::kRequired), 1024)));
}

TEST_F(ConfigFileTest, WithNothingInItTheDefaultsHold) {
  const Options options = AcceptedFile("# nothing\n");
  EXPECT_THAT(options.listen_addresses, ElementsAre("127.0.0.1:9025"));
  EXPECT_EQ(options.topics, kAllTopics);
}

TEST_F(ConfigFileTest, TurnsTopicsOffAndOn) {
  EXPECT_EQ(AcceptedFile("collector.docker: false").topics.count("docker"), 0u);
  EXPECT_EQ(AcceptedFile("collector.docker: true").topics, kAllTopics);
  EXPECT_EQ(AcceptedFile("collector.disable-defaults: true\n"
                         "collector.disk: true\n")
                .topics,
            (Topics{"disk"}));
  EXPECT_EQ(AcceptedFile("collector.disable-defaults: false").topics,
            kAllTopics);
}

TEST_F(ConfigFileTest, TheCommandLineWins) {
  Write(
      "log.level: warn\n"
      "log.format: json\n"
      "disk.path: [/a, /b]\n"
      "collector.docker: false\n"
      "collector.disk: true\n");
  const Options options =
      AcceptedWith({"check", "--log.level=error", "--disk.path=/c",
                    "--collector.docker", "--no-collector.disk"});
  EXPECT_EQ(options.command, Command::kCheck);
  EXPECT_EQ(options.log_level, LogLevel::kError);
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_THAT(options.settings.disk_paths, ElementsAre("/c"));
  EXPECT_EQ(options.topics.count("docker"), 1u);
  EXPECT_EQ(options.topics.count("disk"), 0u);
}

TEST_F(ConfigFileTest, IsReadAnewEachTime) {
  EXPECT_EQ(AcceptedFile("log.level: warn").log_level, LogLevel::kWarn);
  EXPECT_EQ(AcceptedFile("log.level: error").log_level, LogLevel::kError);
}

TEST_F(ConfigFileTest, AValueThatAFlagRefusesHasItsLineAndItsKey) {
  EXPECT_EQ(MistakeOf("disk.path: /srv\nlog.level: loud\n"),
            "2: log.level: \"loud\" is none of debug|info|warn|error (see "
            "--help)\n");
  EXPECT_EQ(MistakeOf("disk.path:\n- /srv\n- srv\n"),
            "3: disk.path: \"srv\" is not an absolute path (see --help)\n");
  EXPECT_THAT(MistakeOf("web.listen-address: localhost:1"),
              StartsWith("1: web.listen-address: \"localhost:1\""));
  EXPECT_THAT(MistakeOf("web.max-requests: -1"),
              StartsWith("1: web.max-requests: \"-1\" is not a number"));
  EXPECT_THAT(MistakeOf("path.rootfs: /no/such"),
              StartsWith("1: path.rootfs: Directory does not exist: /no/such"));
  EXPECT_THAT(MistakeOf("ntp.interval: soon"),
              StartsWith("1: ntp.interval: \"soon\" is not a number of "));
}

TEST_F(ConfigFileTest, EachFlagTakesWhatItTakesOnTheCommandLine) {
  for (const char* key : {"collector.docker", "collector.disable-defaults"}) {
    EXPECT_THAT(MistakeOf(absl::StrCat(key, ": yes")),
                HasSubstr(": neither true nor false"));
  }
  for (const char* key : {"log.level", "web.telemetry-path", "web.max-requests",
                          "ntp.interval", "path.rootfs", "web.config.file"}) {
    EXPECT_THAT(MistakeOf(absl::StrCat(key, ": [/]")),
                HasSubstr(": not a word"));
  }
}

TEST_F(ConfigFileTest, AMistakeIsOneLineWithoutControlCharacters) {
  EXPECT_THAT(MistakeOf("log.level: \"a\\n\\e[31mb\""),
              StartsWith("1: log.level: \"a\\x0a\\x1b[31mb\" is none of "));
}

TEST_F(ConfigFileTest, AMistakeThatTheCommandLineWouldHideIsStillOne) {
  Write("log.level: loud");
  const std::string flag = absl::StrCat("--config.file=", file());
  EXPECT_THAT(Mistake({flag.c_str(), "--log.level=info"}), HasSubstr("loud"));
}

TEST_F(ConfigFileTest, FlagsOfTheCommandLineAloneAreNoKeys) {
  for (const char* key :
       {"config.file", "config.check", "help", "version", "format", "command",
        "no-collector.docker", "h", "", "serve", "collector.weather"}) {
    EXPECT_EQ(MistakeOf(absl::StrCat("\"", key, "\": check")),
              absl::StrCat("1: ", key,
                           ": not a key of the configuration file (see "
                           "--help)\n"));
  }
}

TEST_F(ConfigFileTest, AWordIsNotTakenApart) {
  EXPECT_THAT(AcceptedFile("disk.path: /a b,/c=[d]").settings.disk_paths,
              ElementsAre("/a b,/c=[d]"));
  EXPECT_THAT(AcceptedFile("disk.path: \"/[a,b]\"").settings.disk_paths,
              ElementsAre("/[a,b]"));
  EXPECT_THAT(MistakeOf("ntp.server: \"[a.example,b.example]\""),
              HasSubstr("\"[a.example,b.example]\""));
}

TEST_F(ConfigFileTest, WithEveryTopicOffThereIsNothingToDo) {
  Write("collector.disable-defaults: true");
  const std::string flag = absl::StrCat("--config.file=", file());
  EXPECT_THAT(Mistake({flag.c_str()}), HasSubstr("every topic is turned off"));
}

TEST_F(ConfigFileTest, AFileThatCannotBeReadIsAMistakeThatNamesIt) {
  EXPECT_THAT(Mistake({"--config.file=/no/such.yml"}),
              HasSubstr("/no/such.yml"));
}

TEST_F(ConfigFileTest, HelpAndAMistakeOfTheCommandLineComeFirst) {
  EXPECT_EQ(Parse({"--config.file=/no/such.yml", "--help"}).exit_status, 0);
  EXPECT_THAT(Mistake({"--config.file=/no/such.yml", "--log.level=loud"}),
              HasSubstr("loud"));
}

// A value that is not the default, and whether such a change takes a restart.
struct Change {
  const char* flag;
  const char* value;
  bool needs_restart;
};
constexpr Change kChanges[] = {{"web.listen-address", ":1", true},
                               {"web.telemetry-path", "/m", true},
                               {"web.config.file", "web.yml", true},
                               {"web.max-requests", "1", true},
                               {"path.rootfs", "/usr", true},
                               {"path.procfs", "/usr", true},
                               {"path.sysfs", "/usr", true},
                               {"path.recording", "/r", true},
                               {"docker.socket", "/d", true},
                               {"ntp.interval", "1", true},
                               {"dns.interval", "1", true},
                               {"dns.resolver", "127.0.0.1", true},
                               {"dns.trusted-resolver", "::1", true},
                               {"dns.hostname", "a.example", false},
                               {"dns.domain", "a.example", false},
                               {"dns.blocklist", "a.example", false},
                               {"dns.public-address", "::1", false},

                               {"log.format", "json", true},
                               {"mailcow.dir", "/m", false},
                               {"disk.path", "/d", false},
                               {"ntp.server", "ntp.example", false},
                               {"ntp.max-offset", "2", false},
                               {"log.level", "warn", false}};

TEST(NeedRestart, NamesTheFlagThatChanged) {
  for (const auto& [flag, value, needs_restart] : kChanges) {
    const std::string argument = absl::StrCat("--", flag, "=", value);
    const Options changed = Accepted({argument.c_str()});
    std::vector<std::string> expected;
    if (needs_restart) expected.emplace_back(flag);
    EXPECT_EQ(NeedRestart(Accepted({}), changed), expected);
    EXPECT_EQ(NeedRestart(changed, Accepted({})), expected);
  }
}

TEST(NeedRestart, IsDecidedForEveryFlag) {
  Topics decided = {"--config.check", "--config.file", "--dns.zone", "--format",
                    "--version"};
  for (const Change& change : kChanges) {
    decided.insert(absl::StrCat("--", change.flag));
  }
  const std::string help = Parse({"--help"}).message;
  for (absl::string_view line : absl::StrSplit(help, '\n')) {
    if (!absl::StartsWith(line, "  --")) continue;
    line.remove_prefix(2);
    const std::string flag(line.substr(0, line.find(' ')));
    if (!absl::StrContains(flag, "collector.")) {
      EXPECT_EQ(decided.count(flag), 1u) << flag;
    }
  }
}

TEST(NeedRestart, TopicsAndLimitsDoNot) {
  Options after = Accepted({"--no-collector.docker"});
  after.settings.limits[{"memory", Level::kRequired}] = 5;
  EXPECT_THAT(NeedRestart(Accepted({}), after), IsEmpty());
}

TEST(NeedRestart, NamesAllThatChanged) {
  EXPECT_THAT(NeedRestart(Accepted({}),
                          Accepted({"--path.sysfs=/usr", "--log.format=json"})),
              ElementsAre("path.sysfs", "log.format"));
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
                           "--web.config.file PATH",
                           "--web.max-requests N",
                           "[40]",
                           "--config.file PATH",
                           "--config.check",
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
