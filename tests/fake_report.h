// Requirements and reports for the tests of what is made of findings.

#ifndef TESTS_FAKE_REPORT_H_
#define TESTS_FAKE_REPORT_H_

#include <utility>
#include <vector>

#include "collectors/requirement.h"
#include "exporter/report.h"

namespace mailcow {

inline constexpr Requirement kMemory = {.id = "memory",
                                        .unit = Unit::kBytes,
                                        .required = AtLeast(1 * kGiB),
                                        .recommended = AtLeast(6 * kGiB),
                                        .what = "",
                                        .remedy = "add RAM",
                                        .source = ""};
inline constexpr Requirement kForeign = {.id = "foreign_listeners",
                                         .unit = Unit::kCount,
                                         .required = AtMost(0),
                                         .what = "",
                                         .remedy = "stop the service",
                                         .source = ""};
inline constexpr Requirement kSwap = {
    .id = "swap", .unit = Unit::kBytes, .what = "", .source = ""};
inline constexpr Requirement kOs = {
    .id = "os_info", .unit = Unit::kInfo, .what = "", .source = ""};

// A report of one topic, called "topic".
inline Report ReportOf(std::vector<Finding> findings) {
  return {.sections = {{.topic = "topic",
                        .cadence = std::nullopt,
                        .findings = std::move(findings)}}};
}

}  // namespace mailcow

#endif  // TESTS_FAKE_REPORT_H_
