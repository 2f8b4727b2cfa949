// What `timedatectl status` shows, in the words that mailcow's page has of it:
// the form in which a person knows the time of a host.

#ifndef EXPORTER_TIME_BLOCK_H_
#define EXPORTER_TIME_BLOCK_H_

#include <string>
#include <vector>

#include "exporter/report.h"

namespace mailcow {

struct TimeLine {
  std::string title;  // "NTP enabled"
  std::string text;   // "yes"; "?" while it is not known
  // What it is about. Only this says the verdict.
  const Row* row;
};

// The lines of which the report knows something. Points into `rows`.
std::vector<TimeLine> TimeBlock(const std::vector<Row>& rows);

// Whether the block says what the row does.
bool IsInTimeBlock(const Row& row);

}  // namespace mailcow

#endif  // EXPORTER_TIME_BLOCK_H_
