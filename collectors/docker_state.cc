#include "collectors/docker_state.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"

namespace mailcow {
namespace {

using nlohmann::json;

// nlohmann throws on what has another form than asked for: Parse() catches it.
DockerEngine ReadInfo(const json& in) {
  return {.version = in.at("ServerVersion"),
          .storage_driver = in.at("Driver"),
          .data_root = in.at("DockerRootDir")};
}

// What the engine leaves out or sets to null is empty.
std::string TextOf(const json& in, const char* key) {
  return in.is_object() && in.contains(key) && !in.at(key).is_null()
             ? in.at(key).get<std::string>()
             : "";
}

std::vector<PublishedPort> ReadPorts(const json& in) {
  std::vector<PublishedPort> ports;
  for (const json& entry : in) {
    // A port without a public one is open to other containers only.
    if (entry.at("Type") != "tcp" || !entry.contains("PublicPort")) continue;
    const absl::StatusOr<IpAddress> address =
        ParseIpAddress(entry.at("IP").get_ref<const std::string&>());
    if (!address.ok()) continue;
    ports.push_back({.address = *address, .port = entry.at("PublicPort")});
  }
  return ports;
}

std::vector<Container> ReadContainers(const json& in) {
  std::vector<Container> containers;
  for (const json& entry : in.get_ref<const json::array_t&>()) {
    const json labels = entry.value("Labels", json());
    const json& names = entry.at("Names");
    const std::string name =
        names.empty() ? "" : names.at(0).get<std::string>();
    containers.push_back(
        {.id = entry.at("Id"),
         .name = std::string(absl::StripPrefix(name, "/")),
         .project = TextOf(labels, "com.docker.compose.project"),
         .service = TextOf(labels, "com.docker.compose.service"),
         .state = entry.at("State"),
         .status = entry.at("Status"),
         .ports = ReadPorts(entry.value("Ports", json()))});
  }
  return containers;
}

std::vector<Volume> ReadVolumes(const json& in) {
  std::vector<Volume> volumes;
  for (const json& entry : in.at("Volumes")) {
    // A bound directory is mounted at the volume's own only while it is used.
    const json options = entry.value("Options", json());
    const std::string device = TextOf(options, "device");
    const bool is_bound = absl::StrContains(TextOf(options, "o"), "bind") &&
                          absl::StartsWith(device, "/");
    std::string directory = entry.at("Mountpoint");
    volumes.push_back({.name = entry.at("Name"),
                       .directory = is_bound ? device : std::move(directory)});
  }
  return volumes;
}

template <typename Answer>
absl::StatusOr<Answer> Parse(absl::string_view text, absl::string_view what,
                             Answer (*read)(const json&)) {
  try {
    return read(json::parse(text.begin(), text.end()));
  } catch (const json::exception& error) {
    return absl::DataLossError(
        absl::StrCat(what, " of Docker's engine: ", error.what()));
  }
}

}  // namespace

absl::StatusOr<DockerEngine> ParseDockerInfo(absl::string_view json) {
  return Parse(json, "/info", ReadInfo);
}

absl::StatusOr<std::vector<Container>> ParseContainers(absl::string_view json) {
  return Parse(json, "/containers/json", ReadContainers);
}

absl::StatusOr<std::vector<Volume>> ParseVolumes(absl::string_view json) {
  return Parse(json, "/volumes", ReadVolumes);
}

}  // namespace mailcow
