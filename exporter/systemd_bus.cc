#include "exporter/systemd_bus.h"

#include <fcntl.h>
#include <systemd/sd-bus.h>

#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace mailcow {
namespace {

constexpr absl::Duration kDeadline = absl::Seconds(4);

constexpr char kSocket[] = "/run/dbus/system_bus_socket";
constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kObject[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";

using BusConnection = std::unique_ptr<sd_bus, sd_bus* (*)(sd_bus*)>;
using BusMessage =
    std::unique_ptr<sd_bus_message, sd_bus_message* (*)(sd_bus_message*)>;

BusMessage Own(sd_bus_message* message) {
  return {message, sd_bus_message_unref};
}

// What a call was answered with instead of a reply.
struct CallError {
  CallError() = default;
  ~CallError() { sd_bus_error_free(&error); }
  CallError(const CallError&) = delete;
  CallError& operator=(const CallError&) = delete;

  sd_bus_error error = SD_BUS_ERROR_NULL;
};

// sd-bus returns errors as negative numbers of errno(3). It takes any failure
// of the other side for EACCES; only its name tells.
absl::Status Failed(int result, absl::string_view what,
                    const CallError& call = CallError()) {
  if (sd_bus_error_has_name(&call.error, SD_BUS_ERROR_ACCESS_DENIED) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(what, " is not for us"));
  }
  if (result == -ETIMEDOUT) {
    return absl::DeadlineExceededError(absl::StrCat(what, " is silent"));
  }
  return absl::UnavailableError(absl::ErrnoToStatus(-result, what).message());
}

absl::StatusOr<BusConnection> Connect(const Files& files) {
  const absl::StatusOr<FileDescriptor> place = files.Open(kSocket, O_PATH);
  if (absl::IsNotFound(place.status())) {
    return absl::UnavailableError(
        absl::StrCat("there is no system bus at ", kSocket));
  }
  if (!place.ok()) return place.status();
  sd_bus* bus = nullptr;
  sd_bus_new(&bus);
  BusConnection connection(bus, sd_bus_close_unref);
  // Leads to the socket whatever root it was found below.
  const std::string address =
      absl::StrCat("unix:path=/proc/self/fd/", place->get());
  int result = sd_bus_set_address(bus, address.c_str());
  if (result >= 0) result = sd_bus_set_bus_client(bus, 1);
  if (result >= 0) {
    result = sd_bus_set_method_call_timeout(
        bus, static_cast<uint64_t>(absl::ToInt64Microseconds(kDeadline)));
  }
  if (result >= 0) result = sd_bus_start(bus);
  if (result < 0) return Failed(result, kSocket);
  return connection;
}

// The active and the sub state of each unit that systemd knows.
using States = std::map<std::string, std::pair<std::string, std::string>>;
absl::StatusOr<States> ActiveStates(sd_bus* bus,
                                    const std::vector<std::string>& names) {
  sd_bus_message* made = nullptr;
  int result = sd_bus_message_new_method_call(bus, &made, kService, kObject,
                                              kManager, "ListUnitsByNames");
  const BusMessage call = Own(made);
  if (result >= 0) {
    result = sd_bus_message_open_container(made, SD_BUS_TYPE_ARRAY, "s");
  }
  for (const std::string& name : names) {
    if (result >= 0) {
      result =
          sd_bus_message_append_basic(made, SD_BUS_TYPE_STRING, name.c_str());
    }
  }
  if (result >= 0) result = sd_bus_message_close_container(made);
  CallError error;
  sd_bus_message* got = nullptr;
  if (result >= 0) result = sd_bus_call(bus, made, 0, &error.error, &got);
  const BusMessage reply = Own(got);
  if (result >= 0) {
    result =
        sd_bus_message_enter_container(got, SD_BUS_TYPE_ARRAY, "(ssssssouso)");
  }
  States states;
  while (result >= 0) {
    // The name, description, load state, active state and sub state; the rest
    // is not used.
    const char* name = nullptr;
    const char* state = nullptr;
    const char* sub_state = nullptr;
    result = sd_bus_message_read(got, "(ssssssouso)", &name, nullptr, nullptr,
                                 &state, &sub_state, nullptr, nullptr, nullptr,
                                 nullptr, nullptr);
    if (result == 0) return states;
    if (result > 0) states[name] = {state, sub_state};
  }
  return Failed(result, "systemd's ListUnitsByNames", error);
}

// Empty where the unit has no file.
absl::StatusOr<std::string> FileState(sd_bus* bus, const std::string& name) {
  CallError error;
  sd_bus_message* got = nullptr;
  int result =
      sd_bus_call_method(bus, kService, kObject, kManager, "GetUnitFileState",
                         &error.error, &got, "s", name.c_str());
  const BusMessage reply = Own(got);
  // The latter: an alias that a removed package left, and that leads nowhere.
  if (result == -ENOENT || result == -ENOLINK) return "";
  // systemctl's word for a file that systemd cannot make sense of.
  if (result == -ELOOP || result == -EINVAL || result == -EBADMSG) return "bad";
  const char* state = nullptr;
  if (result >= 0) result = sd_bus_message_read(got, "s", &state);
  if (result < 0) return Failed(result, "systemd's GetUnitFileState", error);
  return std::string(state);
}

absl::StatusOr<std::vector<SystemdUnit>> Ask(
    const Files& files, const std::vector<std::string>& names) {
  // What sd_booted(3) asks, below the host's root.
  const absl::StatusOr<bool> has_systemd = files.Exists("/run/systemd/system");
  if (!has_systemd.ok()) return has_systemd.status();
  if (!*has_systemd) {
    return absl::NotFoundError("systemd does not run this host");
  }
  const absl::StatusOr<BusConnection> bus = Connect(files);
  if (!bus.ok()) return bus.status();
  const auto active_states = ActiveStates(bus->get(), names);
  if (!active_states.ok()) return active_states.status();
  std::vector<SystemdUnit> units;
  for (const std::string& name : names) {
    absl::StatusOr<std::string> file_state = FileState(bus->get(), name);
    if (!file_state.ok()) return file_state.status();
    SystemdUnit unit{.active_state = "inactive",
                     .file_state = *std::move(file_state)};
    if (const auto known = active_states->find(name);
        known != active_states->end()) {
      std::tie(unit.active_state, unit.sub_state) = known->second;
    }
    units.push_back(std::move(unit));
  }
  return units;
}

}  // namespace

SystemdBus::SystemdBus(const Files& files)
    : files_(files), questions_(kDeadline) {}

absl::StatusOr<std::vector<SystemdUnit>> SystemdBus::Units(
    const std::vector<std::string>& names) const {
  if (names.empty()) return std::vector<SystemdUnit>();
  // Questions of the same name share their answer. A copy of all: one that
  // hangs may outlive this object.
  absl::StatusOr<std::vector<SystemdUnit>> units =
      questions_.Ask(absl::StrJoin(names, " "),
                     [files = files_, names] { return Ask(files, names); });
  if (!absl::IsDeadlineExceeded(units.status())) return units;
  return absl::DeadlineExceededError("systemd is silent on the system bus");
}

}  // namespace mailcow
