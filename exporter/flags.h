// The flags of the command line, as CLI11 takes them.

#ifndef EXPORTER_FLAGS_H_
#define EXPORTER_FLAGS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "collectors/all.h"
#include "exporter/options.h"

namespace mailcow {

// The command and every flag but those of topics. Parsing writes to `options`.
void AddFlags(CLI::App& app, Options& options);

// A flag for each topic, and after parsing the topics that are on.
class TopicFlags {
 public:
  explicit TopicFlags(CLI::App& app);

  Topics Chosen() const;

 private:
  struct Flag {
    bool IsOn(bool by_default) const {
      return option->count() > 0 ? is_on : by_default;
    }

    std::string topic;
    bool is_on = false;
    CLI::Option* option = nullptr;
  };
  std::vector<Flag> flags_;
  Flag disable_defaults_;
};

}  // namespace mailcow

#endif  // EXPORTER_FLAGS_H_
