// The list of all topics, in report order.

#ifndef COLLECTORS_ALL_H_
#define COLLECTORS_ALL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "collectors/collector.h"
#include "collectors/time_servers.h"

namespace mailcow {

// What the administrator sets for the topics.
struct Settings {
  // Where mailcow.conf lies.
  std::string mailcow_directory = "/opt/mailcow-dockerized";
  // Watched beside Docker's data root.
  std::vector<std::string> disk_paths = {};
  TimeServerSettings time_servers = {};
};

std::vector<std::unique_ptr<Collector>> AllCollectors(const Settings& settings);

// Whether the topic needs to know what Docker says.
bool AsksDocker(absl::string_view topic);

}  // namespace mailcow

#endif  // COLLECTORS_ALL_H_
