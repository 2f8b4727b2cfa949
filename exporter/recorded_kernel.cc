#include "exporter/recorded_kernel.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace mailcow {
namespace {

using nlohmann::json;

// nlohmann throws on what has another form than asked for: Parse() catches it.
SystemName ReadUname(const json& in) {
  return {.machine = in.at("machine"), .release = in.at("release")};
}

ClockState ReadClock(const json& in) {
  return {.offset_seconds = in.at("offset_seconds"),
          .max_error_seconds = in.at("max_error_seconds"),
          .unsynchronized_flag = in.at("unsynchronized_flag")};
}

Filesystem ReadFilesystem(const json& in) {
  return {.size_bytes = in.at("size_bytes"),
          .available_bytes = in.at("available_bytes"),
          .inodes_available = in.at("inodes_available"),
          .has_inodes = in.value("has_inodes", true),
          .read_only = in.value("read_only", false)};
}

absl::StatusOr<Listener> ReadListener(const json& in) {
  const absl::StatusOr<IpAddress> address =
      ParseIpAddress(in.at("address").get_ref<const std::string&>());
  if (!address.ok()) return address.status();
  return Listener{.address = *address,
                  .port = in.at("port"),
                  .ipv6_only = in.value("ipv6_only", false)};
}

absl::StatusOr<std::string> TextOr(const json& in, const char* key) {
  if (in.contains(key)) return in.at(key).get<std::string>();
  return absl::PermissionDeniedError(
      absl::StrCat("the recording has no ", key, " for it"));
}

}  // namespace

absl::StatusOr<RecordedKernel> RecordedKernel::Parse(absl::string_view text) {
  RecordedKernel kernel;
  const auto unless_given = [](const char* answer) {
    return absl::UnavailableError(
        absl::StrCat("the recording has no ", answer));
  };
  kernel.uname_ = unless_given("uname");
  kernel.clock_ = unless_given("clock");
  kernel.filesystems_ = unless_given("filesystems");
  kernel.listeners_ = unless_given("listeners");
  kernel.addresses_ = unless_given("addresses");
  try {
    const json in = json::parse(text.begin(), text.end());
    if (in.contains("uname")) kernel.uname_ = ReadUname(in.at("uname"));
    if (in.contains("clock")) kernel.clock_ = ReadClock(in.at("clock"));
    if (in.contains("filesystems")) {
      kernel.filesystems_.emplace();
      for (const auto& [path, filesystem] : in.at("filesystems").items()) {
        kernel.filesystems_->emplace(path, ReadFilesystem(filesystem));
      }
    }
    if (in.contains("listeners")) {
      kernel.listeners_.emplace();
      for (const json& entry : in.at("listeners")) {
        absl::StatusOr<Listener> listener = ReadListener(entry);
        if (!listener.ok()) return listener.status();
        listener->inode = kernel.listeners_->size() + 1;
        kernel.owners_.emplace(listener->inode,
                               Owner{.process = TextOr(entry, "process"),
                                     .cgroup = TextOr(entry, "cgroup")});
        kernel.listeners_->push_back(*listener);
      }
    }
    if (in.contains("addresses")) {
      kernel.addresses_.emplace();
      for (const json& entry : in.at("addresses")) {
        const absl::StatusOr<IpAddress> address =
            ParseIpAddress(entry.get_ref<const std::string&>());
        if (!address.ok()) return address.status();
        kernel.addresses_->push_back(*address);
      }
    }
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
  return kernel;
}

absl::StatusOr<Filesystem> RecordedKernel::Statvfs(
    absl::string_view path) const {
  if (!filesystems_.ok()) return filesystems_.status();
  const auto found = filesystems_->find(path);
  if (found != filesystems_->end()) return found->second;
  return absl::NotFoundError(absl::StrCat(path, " was not recorded"));
}

Owner RecordedKernel::OwnerOf(const Listener& listener) const {
  return owners_.at(listener.inode);
}

}  // namespace mailcow
