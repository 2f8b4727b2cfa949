// The report for other programs: `check --format=json`.

#ifndef EXPORTER_JSON_H_
#define EXPORTER_JSON_H_

#include <string>

#include "exporter/report.h"

namespace mailcow {

// One object; README describes its keys.
std::string RenderJson(const Report& report);

}  // namespace mailcow

#endif  // EXPORTER_JSON_H_
