#include "collectors/attribution.h"

#include <algorithm>
#include <optional>
#include <string>

#include "collectors/cgroup.h"
#include "collectors/mailcow_project.h"
#include "collectors/requirement.h"

namespace mailcow {
namespace {

// Engines before 20.10.2 tell 0.0.0.0 of a port whose docker-proxy listens on
// [::] for both families.
bool IsAt(const PublishedPort& published, const Listener& listener) {
  const bool is_on_both = published.address.IsWildcard() &&
                          listener.address.IsWildcard() && !listener.ipv6_only;
  return published.port == listener.port &&
         (published.address == listener.address ||
          (is_on_both && listener.address.family == IpAddress::Family::kIpv6));
}

absl::StatusOr<bool> IsForeign(const Container& container,
                               const DockerView& view) {
  return IfKnown(view.project, [&container](const std::string& project) {
    return !IsOfMailcow(container, project);
  });
}

// Newer engines open the socket themselves and hand it to docker-proxy, which
// runs in the unit of the engine.
bool IsDockers(const Owner& owner, const std::string& unit) {
  if (!owner.process.ok()) return IsDockerUnit(unit);
  return *owner.process == "docker-proxy" || *owner.process == "dockerd";
}

// Whether the containers that Docker named are those of now, for `listener`.
absl::Status IsCovered(const Listener& listener, const DockerState& docker) {
  if (!docker.containers.ok()) return docker.containers.status();
  if (docker.listeners.count(listener.inode) > 0) return absl::OkStatus();
  return absl::UnavailableError(
      "it appeared after Docker was last asked whose it is");
}

// The container whose process the listener is: it uses the host's network.
void AttributeById(const std::string& id, const DockerView& view,
                   Holder& holder) {
  for (const Container& container : *view.docker.containers) {
    if (container.id != id) continue;
    holder.container = container.name;
    holder.is_foreign = IsForeign(container, view);
  }
}

// The container for which docker-proxy, or the engine, listens.
void AttributeByPort(const Listener& listener, const DockerView& view,
                     Holder& holder) {
  // One that just starts may not be named yet; what stays without is left over
  // from another engine or an earlier run.
  holder.is_foreign = absl::NotFoundError("no container publishes it yet");
  if (view.docker.settled_listeners.count(listener.inode) > 0) {
    holder.is_foreign = true;
  }
  for (const Container& container : *view.docker.containers) {
    const auto is_here = [&listener](const PublishedPort& published) {
      return IsAt(published, listener);
    };
    if (std::any_of(container.ports.begin(), container.ports.end(), is_here)) {
      holder.container = container.name;
      holder.is_foreign = IsForeign(container, view);
    }
  }
}

}  // namespace

Holder HeldBy(const Listener& listener, const Owner& owner,
              const DockerView& view) {
  Holder holder{.address = listener.address,
                .port = listener.port,
                .owner = owner,
                .is_foreign = true};
  const std::string cgroup = owner.cgroup.value_or("");
  const std::string unit = UnitOf(cgroup);
  const std::string id = ContainerIdOf(cgroup);
  holder.container = id.substr(0, 12);
  if (id.empty() && !IsDockers(owner, unit)) {
    const bool is_known = owner.process.ok() || !unit.empty();
    if (!is_known) holder.is_foreign = owner.process.status();
  } else if (const absl::Status covered = IsCovered(listener, view.docker);
             !covered.ok()) {
    holder.is_foreign = covered;
  } else if (!id.empty()) {
    AttributeById(id, view, holder);
  } else {
    AttributeByPort(listener, view, holder);
  }
  return holder;
}

std::vector<Holder> HeldWithoutListener(const Bind& bind,
                                        const std::vector<Listener>& listeners,
                                        const DockerView& view) {
  std::vector<Holder> holders;
  if (!view.docker.containers.ok()) return holders;
  for (const Container& container : *view.docker.containers) {
    for (const PublishedPort& published : container.ports) {
      const auto is_here = [&published](const Listener& listener) {
        return IsAt(published, listener);
      };
      if (!Overlap(bind, {published.address, published.port}) ||
          std::any_of(listeners.begin(), listeners.end(), is_here)) {
        continue;
      }
      holders.push_back({.address = published.address,
                         .port = published.port,
                         .owner = std::nullopt,
                         .container = container.name,
                         .is_foreign = IsForeign(container, view)});
    }
  }
  return holders;
}

}  // namespace mailcow
