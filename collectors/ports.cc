#include "collectors/ports.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/mailcow_project.h"
#include "collectors/port_facts.h"

namespace mailcow {
namespace {

// Bounds the series of port_listener_info whatever a host does.
constexpr size_t kMaxListenersPerPort = 8;

// A port that cannot be known keeps the series of its default.
Labels LabelsOf(const PortFacts& port) {
  const uint16_t number = port.value.bind.ok() ? port.value.bind->port
                                               : port.definition->default_port;
  return {{"port", absl::StrCat(number)},
          {"service", std::string(port.definition->service)},
          {"variable", std::string(port.definition->variable)}};
}

std::vector<Reading> PortInUse(const PortsFacts& facts) {
  std::vector<Reading> readings;
  for (const PortFacts& port : facts.ports) {
    const auto is_held = [](const std::vector<Holder>& holders) {
      return holders.empty() ? 0.0 : 1.0;
    };
    readings.push_back(
        {.labels = LabelsOf(port),
         .value = IfKnown(port.holders, is_held),
         .detail = IfKnown(port.holders, Describe).value_or("")});
  }
  return readings;
}

Reading ForeignListenersOf(const PortFacts& port) {
  if (!port.holders.ok()) {
    return {.labels = LabelsOf(port), .value = port.holders.status()};
  }
  std::vector<Holder> foreign;
  absl::StatusOr<double> otherwise = 0;
  for (const Holder& holder : *port.holders) {
    if (!holder.is_foreign.ok()) {
      otherwise = absl::Status(
          holder.is_foreign.status().code(),
          absl::StrCat("owner of ", ToString(holder.address, holder.port), ": ",
                       holder.is_foreign.status().message()));
    } else if (*holder.is_foreign) {
      foreign.push_back(holder);
    }
  }
  // One is enough for the verdict, even if another's owner is not known.
  if (foreign.empty()) return {.labels = LabelsOf(port), .value = otherwise};
  return {.labels = LabelsOf(port),
          .value = static_cast<double>(foreign.size()),
          .detail = Describe(foreign),
          .remedy = StopCommand(foreign)};
}

std::vector<Reading> ForeignListeners(const PortsFacts& facts) {
  std::vector<Reading> readings;
  for (const PortFacts& port : facts.ports) {
    readings.push_back(ForeignListenersOf(port));
  }
  return readings;
}

// Whether `published` is where mailcow.conf wants the service to be.
bool IsAsWanted(const PublishedPort& published, const Bind& bind) {
  if (published.port != bind.port) return false;
  return bind.address.has_value() ? published.address == *bind.address
                                  : published.address.IsWildcard();
}

Reading ServedBy(const std::vector<Container>& containers,
                 const PortFacts& port, absl::string_view directory) {
  if (!port.value.bind.ok()) {
    return {.labels = LabelsOf(port), .value = port.value.bind.status()};
  }
  const Bind& bind = *port.value.bind;
  std::string why = "it has no container";
  std::string remedy = absl::StrCat("free the port if another holds it, then ",
                                    StartCommand(directory));
  for (const Container& container : containers) {
    if (container.service != port.definition->container) continue;
    const auto is_as_wanted = [&bind](const PublishedPort& published) {
      return IsAsWanted(published, bind);
    };
    if (container.is_running() &&
        std::any_of(container.ports.begin(), container.ports.end(),
                    is_as_wanted)) {
      return {.labels = LabelsOf(port),
              .value = 1,
              .detail = absl::StrCat("container ", container.name)};
    }
    why = container.is_running() ? "it runs, but does not publish the port"
                                 : container.status;
    if (container.state == "paused") {
      remedy = absl::StrCat("docker unpause ", container.name);
    }
  }
  return {.labels = LabelsOf(port),
          .value = 0,
          .detail = absl::StrCat(port.definition->container, ": ", why),
          .remedy = std::move(remedy)};
}

std::vector<Reading> PortServed(const PortsFacts& facts) {
  std::vector<Reading> readings;
  if (facts.containers.ok() && facts.containers->empty()) return readings;
  for (const PortFacts& port : facts.ports) {
    readings.push_back(facts.containers.ok()
                           ? ServedBy(*facts.containers, port, facts.directory)
                           : Reading{.labels = LabelsOf(port),
                                     .value = facts.containers.status()});
  }
  return readings;
}

std::vector<Reading> PortValueValid(const PortsFacts& facts) {
  std::vector<Reading> readings;
  for (const PortFacts& port : facts.ports) {
    const absl::StatusOr<std::string>& complaint = port.value.complaint;
    std::string detail = complaint.value_or("");
    if (port.times_set > 1) {
      absl::StrAppend(&detail, detail.empty() ? "" : "; ", "set ",
                      port.times_set, " times, the last one counts");
    }
    const auto is_valid = [](const std::string& text) {
      return text.empty() ? 1.0 : 0.0;
    };
    readings.push_back(
        {.labels = {{"variable", std::string(port.definition->variable)},
                    {"service", std::string(port.definition->service)}},
         .value = IfKnown(complaint, is_valid),
         .detail = std::move(detail)});
  }
  return readings;
}

std::vector<Reading> ListenerInfo(const PortsFacts& facts) {
  std::set<Labels> seen;
  for (const PortFacts& port : facts.ports) {
    if (!port.holders.ok()) continue;
    const size_t count = std::min(port.holders->size(), kMaxListenersPerPort);
    for (size_t i = 0; i < count; ++i) {
      const Holder& holder = (*port.holders)[i];
      if (!holder.owner.has_value()) continue;
      seen.insert({{"port", absl::StrCat(holder.port)},
                   {"process", holder.owner->process.value_or("")},
                   {"address", ToString(holder.address)}});
    }
  }
  std::vector<Reading> readings;
  for (const Labels& labels : seen) {
    readings.push_back({.labels = labels, .value = 1});
  }
  return readings;
}

constexpr Rule<PortsFacts> kRules[] = {
    {{.id = "port_in_use",
      .what = "Something listens, or is published by Docker, where mailcow's "
              "service is to listen",
      .source = "sock_diag(7), GET /containers/json of Docker's engine, "
                "mailcow.conf"},
     PortInUse},
    {{.id = "port_foreign_listeners",
      .unit = Unit::kCount,
      .required = AtMost(0),
      .what = "Listeners and published ports in the way of mailcow's service "
              "that are not mailcow's own",
      .remedy = "stop and disable the program that listens there, or move "
                "mailcow's port in mailcow.conf",
      .source = "sock_diag(7), cgroup or process of the socket, GET "
                "/containers/json of Docker's engine, mailcow.conf"},
     ForeignListeners},
    {{.id = "port_served",
      .required = Yes(),
      .what = "mailcow's container publishes the port, as Docker last said; "
              "asked once mailcow is installed",
      .remedy = "free the port if another holds it, then run docker compose up "
                "-d in mailcow's directory",
      .source = "GET /containers/json of Docker's engine, mailcow.conf"},
     PortServed},
    {{.id = "port_value_valid",
      .required = Yes(),
      .what = "The port's value in mailcow.conf is one that mailcow can use",
      .remedy = "set it to a free port in mailcow.conf, or to IPV4:PORT; for "
                "HTTP_PORT and HTTPS_PORT to a bare port",
      .source = "mailcow.conf, addresses of the host"},
     PortValueValid},
    {{.id = "port_listener_info",
      .unit = Unit::kInfo,
      .what = "Who listens where mailcow's service is to listen, in its labels",
      .source = "sock_diag(7), process of the socket"},
     ListenerInfo},
};

}  // namespace

std::unique_ptr<Collector> MakePortsCollector(std::string mailcow_directory) {
  return std::make_unique<RuleCollector<PortsFacts>>(Topic<PortsFacts>{
      .name = "ports",
      .observe =
          [directory = std::move(mailcow_directory)](const Host& host) {
            return ObservePorts(host, directory);
          },
      .rules = kRules});
}

}  // namespace mailcow
