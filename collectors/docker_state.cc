#include "collectors/docker_state.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "collectors/parse_json.h"

namespace mailcow {
namespace {

using nlohmann::json;

// nlohmann throws on what has another form than asked for: Parse() catches it.
absl::StatusOr<DockerEngine> ReadInfo(const json& in) {
  return DockerEngine{.version = in.at("ServerVersion"),
                      .storage_driver = in.at("Driver"),
                      .data_root = in.at("DockerRootDir")};
}

// The member `key` of an object; null where it has none. No copy: copying what
// is nested deeply exhausts the stack.
const json& MemberOf(const json& in, const char* key) {
  static const json kNull;
  const auto member = in.find(key);
  return member == in.end() ? kNull : *member;
}

// What the engine leaves out or sets to null is empty.
std::string TextOf(const json& in, const char* key) {
  return in.is_object() && in.contains(key) && !in.at(key).is_null()
             ? in.at(key).get<std::string>()
             : "";
}

absl::StatusOr<std::vector<PublishedPort>> ReadPorts(const json& in) {
  std::vector<PublishedPort> ports;
  for (const json& entry : in) {
    // A port without a public one is open to other containers only.
    if (entry.at("Type") != "tcp" || !entry.contains("PublicPort")) continue;
    // Left out, it is every address.
    const std::string ip = TextOf(entry, "IP");
    const absl::StatusOr<IpAddress> address =
        ParseIpAddress(ip.empty() ? "0.0.0.0" : ip);
    if (!address.ok()) return address.status();
    // nlohmann would cut off what does not fit, in silence.
    const auto port =
        entry.at("PublicPort").get_ref<const json::number_unsigned_t&>();
    if (port == 0 || port > 65535) {
      return absl::DataLossError("PublicPort is not from 1 to 65535");
    }
    ports.push_back({.address = *address, .port = static_cast<uint16_t>(port)});
  }
  return ports;
}

absl::StatusOr<std::vector<Container>> ReadContainers(const json& in) {
  std::vector<Container> containers;
  for (const json& entry : in.get_ref<const json::array_t&>()) {
    const json& labels = MemberOf(entry, "Labels");
    const json& names = entry.at("Names");
    const std::string name =
        names.empty() ? "" : names.at(0).get<std::string>();
    absl::StatusOr<std::vector<PublishedPort>> ports =
        ReadPorts(MemberOf(entry, "Ports"));
    if (!ports.ok()) return ports.status();
    containers.push_back(
        {.id = entry.at("Id"),
         .name = std::string(absl::StripPrefix(name, "/")),
         .project = TextOf(labels, "com.docker.compose.project"),
         .service = TextOf(labels, "com.docker.compose.service"),
         .state = entry.at("State"),
         .status = entry.at("Status"),
         .ports = *std::move(ports)});
  }
  return containers;
}

absl::StatusOr<std::vector<Volume>> ReadVolumes(const json& in) {
  std::vector<Volume> volumes;
  for (const json& entry : in.at("Volumes")) {
    // A bound directory is mounted at the volume's own only while it is used.
    const json& options = MemberOf(entry, "Options");
    const std::string device = TextOf(options, "device");
    const bool is_bound = absl::StrContains(TextOf(options, "o"), "bind") &&
                          absl::StartsWith(device, "/");
    volumes.push_back(
        {.name = entry.at("Name"),
         .directory =
             is_bound ? device : entry.at("Mountpoint").get<std::string>()});
  }
  return volumes;
}

template <typename Answer>
absl::StatusOr<Answer> Parse(absl::string_view text, absl::string_view path,
                             absl::StatusOr<Answer> (*read)(const json&)) {
  const std::string name = absl::StrCat(path, " of Docker's engine");
  const absl::StatusOr<json> in = ParseJson(text, name);
  if (!in.ok()) return in.status();
  std::string wrong;
  try {
    absl::StatusOr<Answer> answer = read(*in);
    if (answer.ok()) return answer;
    wrong = std::string(answer.status().message());
  } catch (const json::exception& error) {
    wrong = error.what();
  }
  return absl::DataLossError(absl::StrCat(name, ": ", wrong));
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
