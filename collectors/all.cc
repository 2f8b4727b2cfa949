#include "collectors/all.h"

#include <utility>

#include "collectors/clock.h"
#include "collectors/disk.h"
#include "collectors/dns.h"
#include "collectors/docker.h"
#include "collectors/interference.h"
#include "collectors/mailcow.h"
#include "collectors/memory.h"
#include "collectors/ntp.h"
#include "collectors/ports.h"
#include "collectors/rtc.h"
#include "collectors/system.h"
#include "collectors/time_servers.h"
#include "collectors/time_zone.h"

namespace mailcow {

Collectors AllCollectors(const Settings& settings) {
  Collectors collectors;
  collectors.push_back(MakeMemoryCollector(settings.mailcow_directory));
  collectors.push_back(
      MakeDiskCollector(settings.mailcow_directory, settings.disk_paths));
  collectors.push_back(MakeSystemCollector());
  collectors.push_back(MakeDockerCollector());
  collectors.push_back(MakeMailcowCollector(settings.mailcow_directory));
  collectors.push_back(MakePortsCollector(settings.mailcow_directory));
  collectors.push_back(MakeInterferenceCollector());
  collectors.push_back(
      MakeDnsCollector(settings.dns, settings.mailcow_directory));
  collectors.push_back(MakeTimeZoneCollector());
  collectors.push_back(MakeRtcCollector());
  collectors.push_back(MakeNtpCollector());
  collectors.push_back(MakeTimeServersCollector(settings.time_servers));
  collectors.push_back(MakeClockCollector());
  for (const auto& collector : collectors) {
    collector->Override(settings.limits);
  }
  return collectors;
}

Collectors ChosenCollectors(const Settings& settings, const Topics& topics) {
  Collectors chosen;
  for (auto& collector : AllCollectors(settings)) {
    if (topics.find(collector->topic()) == topics.end()) continue;
    chosen.push_back(std::move(collector));
  }
  return chosen;
}

bool AsksDocker(absl::string_view topic) {
  return topic == "disk" || topic == "docker" || topic == "mailcow" ||
         topic == "ports";
}

}  // namespace mailcow
