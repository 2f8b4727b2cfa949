// The list of all topics, in report order.

#ifndef COLLECTORS_ALL_H_
#define COLLECTORS_ALL_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "collectors/collector.h"
#include "collectors/dns_wanted.h"
#include "collectors/limits.h"
#include "collectors/time_servers.h"

namespace mailcow {

// What the administrator sets for the topics.
struct Settings {
  // Where mailcow.conf lies.
  std::string mailcow_directory = "/opt/mailcow-dockerized";
  // Watched beside Docker's data root.
  std::vector<std::string> disk_paths = {};
  TimeServerSettings time_servers = {};
  DnsSettings dns = {};
  Limits limits = {};  // in place of mailcow's
};

using Collectors = std::vector<std::unique_ptr<Collector>>;
Collectors AllCollectors(const Settings& settings);

// Names of topics.
using Topics = std::set<std::string, std::less<>>;

// Those of the topics that are chosen.
Collectors ChosenCollectors(const Settings& settings, const Topics& topics);

// Whether the topic needs to know what Docker says.
bool AsksDocker(absl::string_view topic);

}  // namespace mailcow

#endif  // COLLECTORS_ALL_H_
