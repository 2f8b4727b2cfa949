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
  // What is wrong in a file, with its remedy; empty where nothing is.
  std::string mistake = "";
  std::string remedy = "";

  // One that is named already is left out, and so is what names none.
  void AddServer(absl::string_view name);
};

}  // namespace mailcow

#endif  // COLLECTORS_TIME_SOURCES_H_
