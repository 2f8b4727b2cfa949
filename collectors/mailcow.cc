#include "collectors/mailcow.h"

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "collectors/mailcow_project.h"

namespace mailcow {
namespace {

// A service of mailcow's docker-compose.yml, and the variable that turns it
// off: its container then has nothing to do.
struct Service {
  absl::string_view name;
  absl::string_view skip_variable = "";
  // Not every version of mailcow has it.
  bool is_optional = false;
};
constexpr Service kServices[] = {
    {"unbound-mailcow"},
    {"mysql-mailcow"},
    {"redis-mailcow"},
    {"clamd-mailcow", "SKIP_CLAMD"},
    {"rspamd-mailcow"},
    {"php-fpm-mailcow"},
    {"sogo-mailcow", "SKIP_SOGO"},
    {"dovecot-mailcow"},
    {"postfix-mailcow"},
    {"memcached-mailcow"},
    {"nginx-mailcow"},
    {"acme-mailcow", "SKIP_LETS_ENCRYPT"},
    {"netfilter-mailcow"},
    {"watchdog-mailcow"},
    {"dockerapi-mailcow"},
    {"olefy-mailcow", "SKIP_OLEFY"},
    {"ofelia-mailcow"},
    {"solr-mailcow", "SKIP_SOLR", true},
};

Labels LabelsOf(const ServiceFacts& service) {
  return {{"service", service.service}};
}

// A reading for each service that is expected; none before mailcow is there.
std::vector<Reading> Each(const MailcowFacts& facts,
                          Reading (*read)(const ServiceFacts&,
                                          absl::string_view directory)) {
  if (facts.is_installed.ok() && !*facts.is_installed) return {};
  std::vector<Reading> readings;
  if (facts.is_installed.ok() && facts.services.ok()) {
    for (const ServiceFacts& service : *facts.services) {
      readings.push_back(read(service, facts.directory));
    }
    return readings;
  }
  const absl::Status why = facts.is_installed.ok()
                               ? facts.services.status()
                               : facts.is_installed.status();
  for (const std::string& service : facts.expected) {
    readings.push_back({.labels = {{"service", service}}, .value = why});
  }
  return readings;
}

Reading Running(const ServiceFacts& service, absl::string_view directory) {
  Reading reading{.labels = LabelsOf(service),
                  .value = 0,
                  .remedy = StartCommand(directory)};
  if (!service.container.has_value()) {
    reading.detail = "it has no container";
  } else if (service.container->is_running()) {
    reading.value = 1;
  } else {
    reading.detail = service.container->status;
  }
  return reading;
}

// Docker says it only in the words that are for people.
Reading Healthy(const ServiceFacts& service, absl::string_view directory) {
  Reading reading = Running(service, directory);
  if (!reading.value.ok() || *reading.value == 0) return reading;
  const std::string& status = service.container->status;
  if (absl::EndsWith(status, "(unhealthy)")) {
    reading.value = 0;
    reading.detail = status;
    reading.remedy = absl::StrCat("look for the cause: cd ", directory,
                                  " && docker compose logs ", service.service);
  } else if (absl::EndsWith(status, "(health: starting)")) {
    reading.value =
        absl::UnavailableError("its first health check is going on");
  }
  return reading;
}

constexpr Rule<MailcowFacts> kRules[] = {
    {{.id = "mailcow_installed",
      .what = "mailcow's containers exist, running or not, as Docker last said",
      .source = "GET /containers/json of Docker's engine, mailcow.conf"},
     [](const MailcowFacts& facts) {
       return One(AsNumber(facts.is_installed));
     }},
    {{.id = "mailcow_container_running",
      .recommended = Yes(),
      .what = "The container of mailcow's service runs, as Docker last said",
      .remedy = "run docker compose up -d in mailcow's directory",
      .source = "GET /containers/json of Docker's engine, SKIP_* of "
                "mailcow.conf"},
     [](const MailcowFacts& facts) { return Each(facts, Running); }},
    {{.id = "mailcow_container_healthy",
      .recommended = Yes(),
      .what = "The container of mailcow's service runs, and its health check "
              "passes if it has one, as Docker last said",
      .remedy = "look for the cause with docker compose logs in mailcow's "
                "directory",
      .source = "GET /containers/json of Docker's engine, SKIP_* of "
                "mailcow.conf"},
     [](const MailcowFacts& facts) { return Each(facts, Healthy); }},
};

std::vector<std::string> OfEveryVersion() {
  std::vector<std::string> names;
  for (const Service& service : kServices) {
    if (!service.is_optional) names.emplace_back(service.name);
  }
  return names;
}

absl::StatusOr<std::vector<ServiceFacts>> ServicesOf(
    const MailcowConf& conf, const std::vector<Container>& containers) {
  const auto names = ExpectedServices(conf, containers);
  if (!names.ok()) return names.status();
  std::vector<ServiceFacts> services;
  for (const std::string& name : *names) {
    ServiceFacts service{.service = name, .container = std::nullopt};
    for (const Container& container : containers) {
      const bool is_better =
          !service.container.has_value() || container.is_running();
      if (container.service == name && is_better) service.container = container;
    }
    services.push_back(std::move(service));
  }
  return services;
}

// The services that were expected when that was last known: while it is not,
// each of them is unknown under its own name.
class LastExpected {
 public:
  // Those of `services`, where they are known.
  std::vector<std::string> Update(
      const absl::StatusOr<std::vector<ServiceFacts>>& services) {
    absl::MutexLock lock(&mutex_);
    if (services.ok() && !services->empty()) {
      names_.clear();
      for (const ServiceFacts& service : *services) {
        names_.push_back(service.service);
      }
    }
    return names_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> names_ ABSL_GUARDED_BY(mutex_) = OfEveryVersion();
};

MailcowFacts Observe(const Host& host, absl::string_view directory) {
  const absl::StatusOr<MailcowConf> conf =
      ReadMailcowConf(host.files, directory);
  const DockerState docker = host.docker.Latest();
  const auto containers = MailcowContainers(conf, docker);
  if (!containers.ok()) {
    return {.is_installed = containers.status(),
            .services = containers.status(),
            .expected = {},
            .directory = directory,
            .age = docker.age};
  }
  return {.is_installed = !containers->empty(),
          .services = ServicesOf(*conf, *containers),
          .expected = {},
          .directory = directory,
          .age = docker.age};
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ExpectedServices(
    const MailcowConf& conf, const std::vector<Container>& containers) {
  std::set<absl::string_view> existing;
  for (const Container& container : containers) {
    existing.insert(container.service);
  }
  std::vector<std::string> expected;
  for (const Service& service : kServices) {
    const bool exists = existing.erase(service.name) > 0;
    const absl::StatusOr<bool> is_skipped = conf.IsYes(service.skip_variable);
    if (!is_skipped.ok()) return is_skipped.status();
    if (*is_skipped || (service.is_optional && !exists)) continue;
    expected.emplace_back(service.name);
  }
  // What newer versions of mailcow bring with them.
  for (const absl::string_view service : existing) {
    expected.emplace_back(service);
  }
  return expected;
}

std::unique_ptr<Collector> MakeMailcowCollector(std::string mailcow_directory) {
  return std::make_unique<RuleCollector<MailcowFacts>>(Topic<MailcowFacts>{
      .name = "mailcow",
      .observe =
          [directory = std::move(mailcow_directory),
           last = std::make_shared<LastExpected>()](const Host& host) {
            MailcowFacts facts = Observe(host, directory);
            facts.expected = last->Update(facts.services);
            return facts;
          },
      .rules = kRules});
}

}  // namespace mailcow
