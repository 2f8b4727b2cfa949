#include "collectors/ports.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/mailcow_conf.h"

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
    const absl::StatusOr<bool> is_foreign = IsForeign(holder.owner);
    if (!is_foreign.ok()) {
      otherwise = absl::Status(
          is_foreign.status().code(),
          absl::StrCat("owner of the listener at ",
                       ToString(holder.listener.address, holder.listener.port),
                       ": ", is_foreign.status().message()));
    } else if (*is_foreign) {
      foreign.push_back(holder);
    }
  }
  // One is enough for the verdict, even if another's owner is not known.
  if (foreign.empty()) return {.labels = LabelsOf(port), .value = otherwise};
  return {.labels = LabelsOf(port),
          .value = static_cast<double>(foreign.size()),
          .detail = Describe(foreign),
          .remedy = StopUnits(foreign)};
}

std::vector<Reading> ForeignListeners(const PortsFacts& facts) {
  std::vector<Reading> readings;
  for (const PortFacts& port : facts.ports) {
    readings.push_back(ForeignListenersOf(port));
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
      const auto& [listener, owner] = (*port.holders)[i];
      seen.insert({{"port", absl::StrCat(listener.port)},
                   {"process", owner.process.value_or("")},
                   {"address", ToString(listener.address)}});
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
      .what = "Something listens where mailcow's service is to listen",
      .source = "sock_diag(7), mailcow.conf"},
     PortInUse},
    {{.id = "port_foreign_listeners",
      .unit = Unit::kCount,
      .required = AtMost(0),
      .what = "Listeners in the way of mailcow's service that are not Docker's",
      .remedy = "stop and disable the program that listens there, or move "
                "mailcow's port in mailcow.conf",
      .source = "sock_diag(7), cgroup or process of the socket, mailcow.conf"},
     ForeignListeners},
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

// Who holds the port, their owners still to be found.
absl::StatusOr<std::vector<Holder>> HoldersOf(
    const absl::StatusOr<Bind>& bind,
    const absl::StatusOr<std::vector<Listener>>& listeners) {
  if (!bind.ok()) return bind.status();
  if (!listeners.ok()) return listeners.status();
  std::vector<Holder> holders;
  for (const Listener& listener : *listeners) {
    if (Conflicts(*bind, listener)) holders.push_back({listener, Owner()});
  }
  return holders;
}

// Whose the listeners of all ports are, asked together: finding the processes
// behind new ones takes a walk through all processes.
void FindOwners(const Kernel& kernel, PortsFacts& facts) {
  std::vector<Listener> listeners;
  for (const PortFacts& port : facts.ports) {
    if (!port.holders.ok()) continue;
    for (const Holder& holder : *port.holders) {
      listeners.push_back(holder.listener);
    }
  }
  const std::vector<Owner> owners = kernel.OwnersOf(listeners);
  auto owner = owners.begin();
  for (PortFacts& port : facts.ports) {
    if (!port.holders.ok()) continue;
    for (Holder& holder : *port.holders) holder.owner = *owner++;
  }
}

// Docker publishes an address and port once.
void RefuseSharing(const PortFacts& earlier, PortValue& value) {
  if (!earlier.value.bind.ok() || !value.bind.ok() || !value.complaint.ok() ||
      !value.complaint->empty() || !Overlap(*earlier.value.bind, *value.bind)) {
    return;
  }
  value.complaint = absl::StrCat("port ", value.bind->port, " is also that of ",
                                 earlier.definition->variable);
}

PortsFacts Observe(const Host& host, absl::string_view mailcow_directory) {
  const absl::StatusOr<MailcowConf> conf =
      ReadMailcowConf(host.files, mailcow_directory);
  const auto listeners = host.kernel.Listeners();
  const auto addresses = host.kernel.Addresses();
  PortsFacts facts;
  for (const PortDefinition& definition : PortDefinitions()) {
    PortValue value = conf.ok() ? ParsePortValue(definition, *conf, addresses)
                                : PortValue{.bind = conf.status(),
                                            .complaint = conf.status()};
    for (const PortFacts& earlier : facts.ports) RefuseSharing(earlier, value);
    auto holders = HoldersOf(value.bind, listeners);
    facts.ports.push_back(
        {.definition = &definition,
         .value = std::move(value),
         .times_set = conf.ok() ? conf->Times(definition.variable) : 0,
         .holders = std::move(holders)});
  }
  FindOwners(host.kernel, facts);
  return facts;
}

}  // namespace

std::unique_ptr<Collector> MakePortsCollector(std::string mailcow_directory) {
  return std::make_unique<RuleCollector<PortsFacts>>(Topic<PortsFacts>{
      .name = "ports",
      .observe = [directory = std::move(mailcow_directory)](
                     const Host& host) { return Observe(host, directory); },
      .rules = kRules});
}

}  // namespace mailcow
