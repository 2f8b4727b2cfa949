// The report as a monitoring plugin prints it: `check --format=nagios`.

#ifndef EXPORTER_NAGIOS_H_
#define EXPORTER_NAGIOS_H_

#include <string>

#include "exporter/report.h"

namespace mailcow {

// The exit status of `check` in any format: 0 ready, 1 a required requirement
// is unmet, 3 a required one is unknown and none unmet. Monitoring systems
// call these OK, WARNING and UNKNOWN.
int CheckExitStatus(const Counts& counts);

// The status, what is wrong, and the measured numbers as performance data:
// 'LABEL'=VALUE[UNIT];RECOMMENDED;REQUIRED, the limits as Nagios ranges.
std::string RenderNagios(const Report& report);

}  // namespace mailcow

#endif  // EXPORTER_NAGIOS_H_
