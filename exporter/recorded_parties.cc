#include "exporter/recorded_parties.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "collectors/parse_json.h"

namespace mailcow {
namespace {

using nlohmann::json;

absl::StatusOr<json> ParseObject(absl::string_view text) {
  absl::StatusOr<json> in = ParseJson(text, "the recording");
  if (!in.ok()) return absl::InvalidArgumentError(in.status().message());
  if (in->is_object()) return in;
  return absl::InvalidArgumentError("a recording is a JSON object");
}

absl::Status Unrecorded(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat("the recording has no ", what));
}

// Sets `answer` to what `parse` makes of the body that was recorded for `path`.
template <typename Answer>
absl::Status Read(const json& docker, const char* path,
                  absl::StatusOr<Answer> (*parse)(absl::string_view),
                  absl::StatusOr<Answer>& answer) {
  answer = docker.contains(path) ? parse(docker.at(path).dump())
                                 : Unrecorded(absl::StrCat("docker ", path));
  if (answer.ok() || absl::IsUnavailable(answer.status())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(answer.status().message());
}

// recorded_kernel numbers them by their place, from 1.
std::set<uint64_t> Inodes(const json& in) {
  std::set<uint64_t> inodes;
  const size_t count = in.value("listeners", json::array()).size();
  for (size_t i = 1; i <= count; ++i) inodes.insert(i);
  return inodes;
}

absl::StatusOr<std::map<std::string, SystemdUnit>> ReadUnits(const json& in) {
  std::map<std::string, SystemdUnit> units;
  try {
    for (const auto& [name, unit] : in.get_ref<const json::object_t&>()) {
      units[name] = {.active_state = unit.at("active_state"),
                     .file_state = unit.at("file_state"),
                     .sub_state = unit.value("sub_state", "")};
    }
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("systemd: ", error.what()));
  }
  return units;
}

absl::StatusOr<std::map<std::string, absl::StatusOr<ServerTime>>>
ReadTimeServers(const json& in) {
  std::map<std::string, absl::StatusOr<ServerTime>> servers;
  try {
    for (const auto& [name, server] : in.get_ref<const json::object_t&>()) {
      if (server.contains("error")) {
        servers[name] =
            absl::UnavailableError(server.at("error").get<std::string>());
        continue;
      }
      if (!server.at("stratum").is_number_integer()) {
        return absl::InvalidArgumentError(
            absl::StrCat("time_servers: ", name, ": stratum is no integer"));
      }
      servers[name] =
          ServerTime{.offset_seconds = server.at("offset_seconds"),
                     .round_trip_seconds = server.at("round_trip_seconds"),
                     .stratum = server.at("stratum"),
                     .age = absl::Seconds(server.value("age_seconds", 0.0))};
    }
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("time_servers: ", error.what()));
  }
  return servers;
}

}  // namespace

absl::StatusOr<RecordedDocker> RecordedDocker::Parse(absl::string_view text) {
  const absl::StatusOr<json> in = ParseObject(text);
  if (!in.ok()) return in.status();
  const json docker = in->value("docker", json::object());
  DockerState state{.engine = DockerEngine(),
                    .containers = std::vector<Container>(),
                    .listeners = Inodes(*in)};
  state.settled_listeners = state.listeners;
  if (docker.is_null()) {
    state.engine = absl::NotFoundError("there is no Docker engine");
    state.containers = state.engine.status();
    return RecordedDocker(std::move(state));
  }
  if (!docker.is_object()) {
    return absl::InvalidArgumentError("docker: it is no JSON object");
  }
  absl::StatusOr<std::vector<Volume>> volumes;
  for (const absl::Status& status :
       {Read(docker, "/info", ParseDockerInfo, state.engine),
        Read(docker, "/containers/json", ParseContainers, state.containers),
        Read(docker, "/volumes", ParseVolumes, volumes)}) {
    if (!status.ok()) return status;
  }
  if (state.engine.ok()) state.data_root = state.engine->data_root;
  if (volumes.ok()) state.volumes = *std::move(volumes);
  return RecordedDocker(std::move(state));
}

absl::StatusOr<RecordedBus> RecordedBus::Parse(absl::string_view text) {
  const absl::StatusOr<json> in = ParseObject(text);
  if (!in.ok()) return in.status();
  if (!in->contains("systemd")) return RecordedBus(Unrecorded("systemd"));
  const json& systemd = in->at("systemd");
  if (systemd.is_null()) {
    return RecordedBus(absl::NotFoundError("systemd does not run this host"));
  }
  Known units = ReadUnits(systemd);
  if (!units.ok()) return units.status();
  return RecordedBus(std::move(units));
}

absl::StatusOr<RecordedTimeServers> RecordedTimeServers::Parse(
    absl::string_view text) {
  const absl::StatusOr<json> in = ParseObject(text);
  if (!in.ok()) return in.status();
  absl::StatusOr<Known> servers =
      ReadTimeServers(in->value("time_servers", json::object()));
  if (!servers.ok()) return servers.status();
  return RecordedTimeServers(*std::move(servers));
}

std::vector<absl::StatusOr<ServerTime>> RecordedTimeServers::Ask(
    const std::vector<std::string>& servers) const {
  std::vector<absl::StatusOr<ServerTime>> answers;
  for (const std::string& server : servers) {
    const auto found = servers_.find(server);
    answers.push_back(found == servers_.end()
                          ? Unrecorded(absl::StrCat("time server ", server))
                          : found->second);
  }
  return answers;
}

absl::StatusOr<std::vector<SystemdUnit>> RecordedBus::Units(
    const std::vector<std::string>& names) const {
  if (!units_.ok()) return units_.status();
  std::vector<SystemdUnit> answers;
  for (const std::string& name : names) {
    const auto found = units_->find(name);
    answers.push_back(
        found == units_->end()
            ? SystemdUnit{.active_state = "inactive", .file_state = ""}
            : found->second);
  }
  return answers;
}

}  // namespace mailcow
