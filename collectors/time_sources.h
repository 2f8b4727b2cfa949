// The servers that a time daemon is told to ask, as its configuration has them.

#ifndef COLLECTORS_TIME_SOURCES_H_
#define COLLECTORS_TIME_SOURCES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mailcow {

struct TimeSources {
  std::vector<std::string> servers;  // named as in time_server.h, each once
  // Receivers of radio or GPS and the like, which no network leads to.
  int reference_clocks = 0;
  // Why there are none, where that is worth a word.
  std::string why_none = "";
  // What a file says by a name of old, and how to write it today; empty where
  // it says nothing so.
  std::string outdated = "";
  std::string update = "";

  // One that is named already is left out, and so is what names none.
  void AddServer(absl::string_view name);
};

}  // namespace mailcow

#endif  // COLLECTORS_TIME_SOURCES_H_
