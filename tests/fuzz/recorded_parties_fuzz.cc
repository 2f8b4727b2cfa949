// All of them read the same file, which the kernel's answers are read from too.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exporter/recorded_parties.h"

namespace {

void AskTimeServers(absl::string_view text) {
  const auto servers = mailcow::RecordedTimeServers::Parse(text);
  if (!servers.ok()) {
    if (!absl::IsInvalidArgument(servers.status())) std::abort();
    return;
  }
  const auto answers = servers->Ask({"ntp.example", "ntp.example"});
  if (answers.size() != 2) std::abort();
  const bool is_error = absl::IsUnavailable(answers.front().status());
  if (!answers.front().ok() && !is_error) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  AskTimeServers(text);
  const auto docker = mailcow::RecordedDocker::Parse(text);
  if (docker.ok()) {
    const mailcow::DockerState state = docker->Latest();
    // A data root is the engine's own word.
    if (state.data_root != (state.engine.ok() ? state.engine->data_root : "")) {
      std::abort();
    }
    // Each listener takes two bytes or more.
    if (state.listeners.size() > size) std::abort();
  } else if (!absl::IsInvalidArgument(docker.status())) {
    std::abort();
  }
  const auto bus = mailcow::RecordedBus::Parse(text);
  if (!bus.ok()) {
    if (!absl::IsInvalidArgument(bus.status())) std::abort();
    return 0;
  }
  const auto units = bus->Units({"exim4.service", "exim4.service"});
  if (units.ok() && units->size() != 2) std::abort();
  return 0;
}
