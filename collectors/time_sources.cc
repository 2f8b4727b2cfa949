#include "collectors/time_sources.h"

#include <algorithm>
#include <utility>

#include "collectors/time_server.h"

namespace mailcow {

void TimeSources::AddServer(absl::string_view name) {
  const absl::StatusOr<TimeServerName> server = ParseTimeServer(name);
  if (!server.ok()) return;
  std::string canonical = FormatTimeServer(*server);
  if (std::find(servers.begin(), servers.end(), canonical) == servers.end()) {
    servers.push_back(std::move(canonical));
  }
}

}  // namespace mailcow
