#include "collectors/interference.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "collectors/stop_units.h"

namespace mailcow {
namespace {

bool IsInstance(absl::string_view unit) { return absl::StrContains(unit, '@'); }

std::string Describe(const Starter& starter) {
  std::vector<absl::string_view> words;
  if (starter.runs) words.push_back("runs");
  if (starter.starts_at_boot) words.push_back("starts at boot");
  return absl::StrCat(starter.name, " ", absl::StrJoin(words, " and "));
}

// The command that ends them for good. An instance goes with its service.
std::string StopCommand(const std::vector<Starter>& starters) {
  std::set<UnitToStop> units;
  for (const Starter& starter : starters) {
    if (IsInstance(starter.name)) continue;
    units.insert({starter.name, starter.is_generated});
  }
  return StopUnits(units);
}

// What is known of it; empty where it is absent.
std::string Describe(const MailServiceFacts& facts) {
  std::vector<std::string> parts;
  bool is_running = false;
  for (const Starter& starter :
       facts.starters.value_or(std::vector<Starter>())) {
    parts.push_back(Describe(starter));
    is_running |= starter.runs;
  }
  const std::string process = facts.process.value_or("");
  if (!is_running && !process.empty()) {
    parts.push_back(absl::StrCat("the process ", process, " runs"));
  }
  return absl::StrJoin(parts, "; ");
}

Reading AbsenceOf(const MailServiceFacts& facts, bool has_systemd) {
  Reading reading{.labels = {{"service", std::string(facts.service->name)}},
                  .value = 1,
                  .detail = Describe(facts)};
  if (!reading.detail.empty()) {
    reading.value = 0;
    const bool has_units = has_systemd && facts.starters.ok();
    if (has_units) reading.remedy = StopCommand(*facts.starters);
  } else if (!facts.starters.ok()) {
    reading.value = facts.starters.status();
  } else if (!has_systemd && !facts.process.ok()) {
    reading.value = facts.process.status();
  }
  return reading;
}

constexpr Rule<InterferenceFacts> kRules[] = {
    {{.id = "mail_service_absent",
      .required = Yes(),
      .what = "The mail service neither runs on the host, outside containers, "
              "nor starts at its boot",
      .remedy = "stop it, and keep it from starting at boot or remove its "
                "package",
      .source = "ListUnitsByNames and GetUnitFileState of systemd, /proc, "
                "/etc/rc?.d"},
     [](const InterferenceFacts& facts) {
       std::vector<Reading> readings;
       for (const MailServiceFacts& service : facts.services) {
         readings.push_back(AbsenceOf(service, facts.has_systemd));
       }
       return readings;
     }},
};

// What starts at boot by a link, as systemd's generator and other inits do it.
absl::StatusOr<std::vector<std::string>> BootLinks(const Files& files) {
  std::vector<std::string> links;
  for (const absl::string_view directory :
       {"/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d",
        "/etc/runlevels/default"}) {
    const absl::StatusOr<std::vector<std::string>> names =
        files.List(directory);
    if (absl::IsNotFound(names.status())) continue;
    if (!names.ok()) return names.status();
    links.insert(links.end(), names->begin(), names->end());
  }
  return links;
}

// SysV calls the link S01exim4, OpenRC exim4.
bool HasLink(const std::vector<std::string>& links, absl::string_view script) {
  return std::any_of(
      links.begin(), links.end(), [script](absl::string_view link) {
        const bool is_sysv = link.size() > 3 && link[0] == 'S' &&
                             link.find_first_not_of("0123456789", 1) == 3;
        return link == script || (is_sysv && link.substr(3) == script);
      });
}

Starter StarterOf(absl::string_view name, const SystemdUnit& unit,
                  const std::vector<std::string>& links, bool has_systemd) {
  const absl::string_view script = absl::StripSuffix(name, ".service");
  // systemd makes units of scripts that have none of their own.
  const bool is_generated = unit.file_state == "generated";
  const bool is_enabled =
      unit.file_state == "enabled" || unit.file_state == "enabled-runtime" ||
      ((is_generated || !has_systemd) && HasLink(links, script));
  return {.name = std::string(has_systemd ? name : script),
          // A unit that did its work once may be active and have no process.
          .runs = unit.sub_state != "exited" &&
                  (unit.active_state == "active" ||
                   unit.active_state == "activating" ||
                   unit.active_state == "reloading"),
          // An instance is started by its service, whatever it says.
          .starts_at_boot = is_enabled && !IsInstance(name),
          .is_generated = is_generated};
}

std::vector<std::string> AllUnits() {
  std::vector<std::string> names;
  for (const Service& service : MailServices()) {
    for (const absl::string_view unit : service.units) {
      names.emplace_back(unit);
    }
  }
  return names;
}

InterferenceFacts Observe(const Host& host) {
  const std::vector<std::string> names = AllUnits();
  absl::StatusOr<std::vector<SystemdUnit>> units = host.bus.Units(names);
  InterferenceFacts facts{.services = {},
                          .has_systemd = !absl::IsNotFound(units.status())};
  if (!facts.has_systemd) units = std::vector<SystemdUnit>(names.size());
  const auto links = BootLinks(host.files);
  const auto processes =
      FindProcessesOf(MailServices(), host.processes, host.files);
  size_t next = 0;
  for (const Service& service : MailServices()) {
    const auto process_of = [&service](const auto& by_service) {
      const auto process = by_service.find(std::string(service.name));
      return process == by_service.end() ? "" : process->second;
    };
    MailServiceFacts& found = facts.services.emplace_back(
        MailServiceFacts{.service = &service,
                         .starters = std::vector<Starter>(),
                         .process = IfKnown(processes, process_of)});
    for (const absl::Status& status : {units.status(), links.status()}) {
      if (!status.ok()) found.starters = status;
    }
    for (size_t i = 0; i < service.units.size() && found.starters.ok(); ++i) {
      Starter starter = StarterOf(service.units[i], (*units)[next + i], *links,
                                  facts.has_systemd);
      if (starter.runs || starter.starts_at_boot) {
        found.starters->push_back(std::move(starter));
      }
    }
    next += service.units.size();
  }
  return facts;
}

}  // namespace

std::unique_ptr<Collector> MakeInterferenceCollector() {
  return std::make_unique<RuleCollector<InterferenceFacts>>(
      Topic<InterferenceFacts>{
          .name = "interference",
          .observe = Observe,
          .rules = kRules,
          .cadence = Cadence{.every = absl::Seconds(15),
                             .allowance = absl::Seconds(60)}});
}

}  // namespace mailcow
