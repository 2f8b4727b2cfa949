#include "collectors/all.h"

#include "collectors/clock.h"
#include "collectors/disk.h"
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

std::vector<std::unique_ptr<Collector>> AllCollectors(
    const Settings& settings) {
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(MakeMemoryCollector(settings.mailcow_directory));
  collectors.push_back(
      MakeDiskCollector(settings.mailcow_directory, settings.disk_paths));
  collectors.push_back(MakeSystemCollector());
  collectors.push_back(MakeDockerCollector());
  collectors.push_back(MakeMailcowCollector(settings.mailcow_directory));
  collectors.push_back(MakePortsCollector(settings.mailcow_directory));
  collectors.push_back(MakeInterferenceCollector());
  collectors.push_back(MakeTimeZoneCollector());
  collectors.push_back(MakeRtcCollector());
  collectors.push_back(MakeNtpCollector());
  collectors.push_back(MakeTimeServersCollector(settings.time_servers));
  collectors.push_back(MakeClockCollector());
  return collectors;
}

bool AsksDocker(absl::string_view topic) {
  return topic == "disk" || topic == "docker" || topic == "mailcow" ||
         topic == "ports";
}

}  // namespace mailcow
