#include "collectors/port_facts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/attribution.h"
#include "collectors/cgroup.h"
#include "collectors/daemon_json.h"
#include "collectors/docker.h"
#include "collectors/mailcow_conf.h"
#include "collectors/mailcow_project.h"

namespace mailcow {
namespace {

// Those of `listeners` that stand in the way of the port.
std::vector<Listener> InTheWay(const PortFacts& port,
                               const std::vector<Listener>& listeners) {
  std::vector<Listener> found;
  if (!port.value.bind.ok()) return found;
  for (const Listener& listener : listeners) {
    if (Conflicts(*port.value.bind, listener)) found.push_back(listener);
  }
  return found;
}

// Why a port that nothing listens on may be taken all the same.
absl::Status Silence(const Host& host, const DockerState& docker) {
  const absl::Status& status = docker.containers.status();
  if (status.ok()) return status;
  if (absl::IsNotFound(status)) {
    const absl::StatusOr<DaemonJson> daemon = ReadDaemonJson(host.files);
    const bool keeps_containers =
        daemon.ok() && daemon->live_restore.value_or(false);
    return keeps_containers ? status : absl::OkStatus();
  }
  const absl::StatusOr<bool> has_listeners = UsesUserlandProxy(host.files);
  return has_listeners.value_or(true) ? absl::OkStatus() : status;
}

// Whether systemd made the listener's unit from a script in /etc/init.d.
bool IsGenerated(const Files& files, const Owner& owner) {
  const std::string unit = owner.cgroup.ok() ? UnitOf(*owner.cgroup) : "";
  return !unit.empty() &&
         files.Exists(absl::StrCat("/run/systemd/generator.late/", unit))
             .value_or(false);
}

// Fills in who holds each port. Whose the listeners are is asked together:
// finding the processes behind new ones takes a walk through all processes.
void FindHolders(const Host& host, const DockerView& view, PortsFacts& facts) {
  const auto listeners = host.kernel.Listeners();
  std::vector<std::vector<Listener>> in_the_way;
  std::vector<Listener> asked;
  for (const PortFacts& port : facts.ports) {
    in_the_way.push_back(
        InTheWay(port, listeners.value_or(std::vector<Listener>())));
    asked.insert(asked.end(), in_the_way.back().begin(),
                 in_the_way.back().end());
  }
  const std::vector<Owner> owners = host.kernel.OwnersOf(asked);
  const absl::Status silence = Silence(host, view.docker);
  auto owner = owners.begin();
  for (size_t i = 0; i < facts.ports.size(); ++i) {
    const absl::StatusOr<Bind>& bind = facts.ports[i].value.bind;
    absl::StatusOr<std::vector<Holder>>& holders = facts.ports[i].holders;
    if (!bind.ok()) {
      holders = bind.status();
      continue;
    }
    if (!listeners.ok()) {
      holders = listeners.status();
      continue;
    }
    holders = HeldWithoutListener(*bind, in_the_way[i], view);
    for (const Listener& listener : in_the_way[i]) {
      Holder& holder = holders->emplace_back(HeldBy(listener, *owner, view));
      holder.is_generated = IsGenerated(host.files, *owner++);
    }
    if (holders->empty() && !silence.ok()) holders = silence;
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

}  // namespace

PortsFacts ObservePorts(const Host& host, absl::string_view mailcow_directory) {
  const absl::StatusOr<MailcowConf> conf =
      ReadMailcowConf(host.files, mailcow_directory);
  const auto addresses = [&host] { return host.kernel.Addresses(); };
  const DockerView view{.docker = host.docker.Latest(),
                        .project = ProjectOf(conf)};
  PortsFacts facts{.ports = {},
                   .containers = MailcowContainers(conf, view.docker),
                   .directory = mailcow_directory,
                   .age = view.docker.age};
  for (const PortDefinition& definition : PortDefinitions()) {
    PortValue value = conf.ok() ? ParsePortValue(definition, *conf, addresses)
                                : PortValue{.bind = conf.status(),
                                            .complaint = conf.status()};
    for (const PortFacts& earlier : facts.ports) RefuseSharing(earlier, value);
    facts.ports.push_back(
        {.definition = &definition,
         .value = std::move(value),
         .times_set = conf.ok() ? conf->Times(definition.variable) : 0,
         .holders = std::vector<Holder>()});
  }
  FindHolders(host, view, facts);
  return facts;
}

}  // namespace mailcow
