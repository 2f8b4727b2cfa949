#include "collectors/docker.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/daemon_json.h"
#include "collectors/docker_compose.h"

namespace mailcow {
namespace {

// mailcow's page of today asks for these.
constexpr Version kEngine = {24, 0};
constexpr Version kCompose = {2, 0};

// 1 where there is one, 0 where there is none, else not known.
template <typename Fact>
absl::StatusOr<double> IsThere(const absl::StatusOr<Fact>& fact) {
  if (absl::IsNotFound(fact.status())) return 0;
  return IfKnown(fact, [](const Fact&) { return 1.0; });
}

// As much of a status as belongs beside a value that is known.
std::string WhyNot(const absl::Status& status) {
  return absl::IsNotFound(status) ? std::string(status.message()) : "";
}

std::vector<Reading> Reachable(const DockerFacts& facts) {
  return One(IsThere(facts.engine),
             facts.engine.ok() ? absl::StrCat(facts.engine->version, ", in ",
                                              facts.engine->data_root)
                               : WhyNot(facts.engine.status()));
}

std::vector<Reading> VersionSupported(const DockerFacts& facts) {
  if (!facts.engine.ok()) {
    return One(IsThere(facts.engine), WhyNot(facts.engine.status()));
  }
  const absl::StatusOr<Version> version = ParseVersion(facts.engine->version);
  if (!version.ok()) return One(version.status());
  return One(*version >= kEngine ? 1 : 0, facts.engine->version);
}

std::vector<Reading> ConfigurationValid(const DockerFacts& facts) {
  if (facts.daemon_json.ok()) return One(1);
  if (!absl::IsDataLoss(facts.daemon_json)) return One(facts.daemon_json);
  return One(0, std::string(facts.daemon_json.message()));
}

std::vector<Reading> ComposeInstalled(const DockerFacts& facts) {
  return One(IsThere(facts.compose),
             facts.compose.value_or(WhyNot(facts.compose.status())));
}

std::vector<Reading> ComposeVersionSupported(const DockerFacts& facts) {
  if (!facts.compose.ok()) {
    return One(IsThere(facts.compose), WhyNot(facts.compose.status()));
  }
  if (!facts.compose_version.ok()) return One(facts.compose_version.status());
  const Version version = *facts.compose_version;
  return One(version >= kCompose ? 1 : 0,
             absl::StrCat("version ", version.major, " at ", *facts.compose));
}

std::vector<Reading> DockerInfo(const DockerFacts& facts) {
  if (!facts.engine.ok()) {
    // Without an engine there is nothing to tell.
    if (absl::IsNotFound(facts.engine.status())) return {};
    return One(facts.engine.status());
  }
  const auto word = [](bool on) { return on ? "true" : "false"; };
  return {
      {.labels = {{"version", facts.engine->version},
                  {"storage_driver", facts.engine->storage_driver},
                  {"userland_proxy",
                   IfKnown(facts.userland_proxy, word).value_or("unknown")}},
       .value = 1}};
}

constexpr Rule<DockerFacts> kRules[] = {
    {{.id = "docker_reachable",
      .required = Yes(),
      .what = "Docker's engine runs and answers",
      .remedy = "install Docker (https://docs.docker.com/engine/install/), or "
                "start it with systemctl enable --now docker",
      .source = "GET /info of Docker's engine"},
     Reachable},
    {{.id = "docker_version_supported",
      .recommended = Yes(),
      .what = "Docker's engine is version 24.0 or later",
      .remedy = "install a newer engine, from Docker's own packages "
                "(https://docs.docker.com/engine/install/)",
      .source = "GET /info of Docker's engine"},
     VersionSupported},
    {{.id = "docker_configuration_valid",
      .required = Yes(),
      .what = "Docker's daemon.json is one that the engine starts with",
      .remedy = "correct /etc/docker/daemon.json, then run systemctl restart "
                "docker",
      .source = "/etc/docker/daemon.json"},
     ConfigurationValid},
    {{.id = "compose_installed",
      .required = Yes(),
      .what = "Docker Compose is installed, as a plugin or standalone",
      .remedy = "install Compose: apt-get install docker-compose-plugin, from "
                "Docker's own packages",
      .source = "Docker's directories of plugins, and those of programs"},
     ComposeInstalled},
    {{.id = "compose_version_supported",
      .recommended = Yes(),
      .what = "Docker Compose is version 2.0 or later",
      .remedy = "install Compose 2: apt-get install docker-compose-plugin, "
                "from Docker's own packages",
      .source = "build information of the program, without running it"},
     ComposeVersionSupported},
    {{.id = "docker_info",
      .unit = Unit::kInfo,
      .what = "What Docker's engine is, in its labels",
      .source = "GET /info of Docker's engine, daemon.json, /proc"},
     DockerInfo},
};

DockerFacts Observe(const Host& host) {
  DockerState docker = host.docker.Latest();
  absl::StatusOr<std::string> compose = FindCompose(host.files);
  absl::StatusOr<Version> compose_version =
      compose.ok() ? ReadComposeVersion(host.files, *compose)
                   : compose.status();
  return {.engine = std::move(docker.engine),
          .age = docker.age,
          .daemon_json = ReadDaemonJson(host.files).status(),
          .userland_proxy = UsesUserlandProxy(host.files),
          .compose = std::move(compose),
          .compose_version = std::move(compose_version)};
}

}  // namespace

absl::StatusOr<bool> UsesUserlandProxy(const Files& files) {
  const absl::StatusOr<DaemonJson> daemon = ReadDaemonJson(files);
  if (!daemon.ok()) return daemon.status();
  if (daemon->userland_proxy.has_value()) return *daemon->userland_proxy;
  absl::StatusOr<std::string> pid = files.Read("/run/docker.pid");
  if (!pid.ok()) return pid.status();
  const absl::StatusOr<std::string> command = files.Read(
      absl::StrCat("/proc/", absl::StripAsciiWhitespace(*pid), "/cmdline"));
  if (!command.ok()) return command.status();
  const std::vector<absl::string_view> words = absl::StrSplit(*command, '\0');
  if (!absl::EndsWith(words.front(), "dockerd")) {
    return absl::UnavailableError("/run/docker.pid is not the engine's");
  }
  // The last one counts; without any, the engine's default is to use it.
  bool uses_it = true;
  for (absl::string_view word : words) {
    if (!absl::ConsumePrefix(&word, "--userland-proxy")) continue;
    if (!word.empty() && !absl::ConsumePrefix(&word, "=")) continue;
    // What Go's strconv.ParseBool takes for false.
    uses_it =
        word.empty() || !(word == "0" || absl::EqualsIgnoreCase(word, "f") ||
                          absl::EqualsIgnoreCase(word, "false"));
  }
  return uses_it;
}

std::unique_ptr<Collector> MakeDockerCollector() {
  return std::make_unique<RuleCollector<DockerFacts>>(Topic<DockerFacts>{
      .name = "docker",
      .observe = Observe,
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(10), .allowance = absl::Seconds(60)}});
}

}  // namespace mailcow
