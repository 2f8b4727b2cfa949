#include "exporter/recorded_kernel.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/parse_json.h"

namespace mailcow {
namespace {

using nlohmann::json;

// nlohmann throws on what has another form than asked for: Read() catches it.
absl::StatusOr<SystemName> ReadUname(const json& in) {
  return SystemName{.machine = in.at("machine"), .release = in.at("release")};
}

absl::StatusOr<ClockState> ReadClock(const json& in) {
  return ClockState{
      .offset_seconds = in.at("offset_seconds"),
      .max_error_seconds = in.at("max_error_seconds"),
      .unsynchronized_flag = in.at("unsynchronized_flag"),
      .leap_second_pending = in.value("leap_second_pending", false)};
}

// In seconds since the Unix epoch.
absl::StatusOr<absl::Time> ReadTime(const json& in) {
  return absl::UnixEpoch() + absl::Seconds(in.get<double>());
}

absl::StatusOr<double> ReadNumber(const json& in) { return in.get<double>(); }

absl::StatusOr<RecordedKernel::Filesystems> ReadFilesystems(const json& in) {
  RecordedKernel::Filesystems filesystems;
  for (const auto& [path, entry] : in.get_ref<const json::object_t&>()) {
    filesystems[path] = {.size_bytes = entry.at("size_bytes"),
                         .available_bytes = entry.at("available_bytes"),
                         .inodes_available = entry.at("inodes_available"),
                         .has_inodes = entry.value("has_inodes", true),
                         .read_only = entry.value("read_only", false)};
  }
  return filesystems;
}

absl::StatusOr<IpAddress> ReadAddress(const json& in) {
  return ParseIpAddress(in.get_ref<const std::string&>());
}

absl::StatusOr<std::string> TextOrError(const json& in, const char* key) {
  if (in.contains(key)) return in.at(key).get<std::string>();
  return absl::PermissionDeniedError(
      absl::StrCat("the recording has no ", key, " for it"));
}

// The inode is the place in the recording, from 1.
absl::StatusOr<RecordedKernel::Listening> ReadListeners(const json& in) {
  RecordedKernel::Listening listening;
  for (const json& entry : in.get_ref<const json::array_t&>()) {
    const absl::StatusOr<IpAddress> address = ReadAddress(entry.at("address"));
    if (!address.ok()) return address.status();
    const auto port = entry.at("port").get<int64_t>();
    if (port < 1 || port > 65535) {
      return absl::InvalidArgumentError("port is not from 1 to 65535");
    }
    listening.listeners.push_back({.address = *address,
                                   .port = static_cast<uint16_t>(port),
                                   .ipv6_only = entry.value("ipv6_only", false),
                                   .inode = listening.listeners.size() + 1});
    listening.owners.push_back({.process = TextOrError(entry, "process"),
                                .cgroup = TextOrError(entry, "cgroup")});
  }
  return listening;
}

absl::StatusOr<std::vector<IpAddress>> ReadAddresses(const json& in) {
  std::vector<IpAddress> addresses;
  for (const json& entry : in.get_ref<const json::array_t&>()) {
    const absl::StatusOr<IpAddress> address = ReadAddress(entry);
    if (!address.ok()) return address.status();
    addresses.push_back(*address);
  }
  return addresses;
}

// Sets `answer` to what `read` makes of in[key], or to an error where the
// recording lacks it. Fails where it is there and is wrong.
template <typename Answer>
absl::Status Read(const json& in, const char* key,
                  absl::StatusOr<Answer> (*read)(const json&),
                  absl::StatusOr<Answer>& answer) {
  if (!in.contains(key)) {
    answer = absl::UnavailableError(absl::StrCat("the recording has no ", key));
    return absl::OkStatus();
  }
  try {
    answer = read(in.at(key));
  } catch (const json::exception& error) {
    answer = absl::InvalidArgumentError(error.what());
  }
  if (answer.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(key, ": ", answer.status().message()));
}

}  // namespace

absl::StatusOr<RecordedKernel> RecordedKernel::Parse(absl::string_view text) {
  const absl::StatusOr<json> in = ParseJson(text, "the recording");
  if (!in.ok()) return absl::InvalidArgumentError(in.status().message());
  if (!in->is_object()) {
    return absl::InvalidArgumentError("a recording is a JSON object");
  }
  RecordedKernel kernel;
  for (const absl::Status& status :
       {Read(*in, "uname", ReadUname, kernel.uname_),
        Read(*in, "clock", ReadClock, kernel.clock_),
        Read(*in, "time", ReadTime, kernel.time_),
        Read(*in, "clock_steps", ReadNumber, kernel.clock_steps_),
        Read(*in, "filesystems", ReadFilesystems, kernel.filesystems_),
        Read(*in, "listeners", ReadListeners, kernel.listening_),
        Read(*in, "addresses", ReadAddresses, kernel.addresses_)}) {
    if (!status.ok()) return status;
  }
  return kernel;
}

std::vector<absl::StatusOr<Filesystem>> RecordedKernel::Statvfs(
    const std::vector<std::string>& paths) const {
  std::vector<absl::StatusOr<Filesystem>> answers;
  for (const std::string& path : paths) {
    if (!filesystems_.ok()) {
      answers.push_back(filesystems_.status());
    } else if (const auto found = filesystems_->find(path);
               found != filesystems_->end()) {
      answers.push_back(found->second);
    } else {
      answers.push_back(
          absl::NotFoundError(absl::StrCat(path, " was not recorded")));
    }
  }
  return answers;
}

absl::StatusOr<std::vector<Listener>> RecordedKernel::Listeners() const {
  if (!listening_.ok()) return listening_.status();
  return listening_->listeners;
}

std::vector<Owner> RecordedKernel::OwnersOf(
    const std::vector<Listener>& listeners) const {
  const absl::Status unknown = absl::NotFoundError("it was not recorded");
  std::vector<Owner> answers;
  for (const Listener& listener : listeners) {
    const bool is_recorded = listening_.ok() && listener.inode != 0 &&
                             listener.inode <= listening_->owners.size();
    answers.push_back(is_recorded
                          ? listening_->owners[listener.inode - 1]
                          : Owner{.process = unknown, .cgroup = unknown});
  }
  return answers;
}

}  // namespace mailcow
