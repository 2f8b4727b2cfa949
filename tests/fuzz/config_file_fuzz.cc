#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "exporter/config_file.h"
#include "exporter/options.h"

namespace {

void Check(const mailcow::ConfigFile& config, const mailcow::FlagKinds& flags) {
  for (const mailcow::FlagWord& word : config.words) {
    const auto flag = flags.find(word.flag);
    if (flag == flags.end() || word.word.empty() || word.line < 1) std::abort();
    if (flag->second == mailcow::FlagKind::kSwitch && word.word != "true" &&
        word.word != "false") {
      std::abort();
    }
  }
  for (const auto& [key, limit] : config.limits) {
    if (!std::isfinite(limit) || limit < 0) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using mailcow::FlagKind;
  static const mailcow::FlagKinds flags = {
      {"log.level", FlagKind::kWord},
      {"ntp.interval", FlagKind::kWord},
      {"web.max-requests", FlagKind::kWord},
      {"disk.path", FlagKind::kWords},
      {"ntp.server", FlagKind::kWords},
      {"web.listen-address", FlagKind::kWords},
      {"collector.ntp", FlagKind::kSwitch}};
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = mailcow::ParseConfigFile(text, "f.yml", flags);
  if (!config.ok()) {
    if (!absl::StartsWith(config.status().message(), "f.yml:")) std::abort();
    return 0;
  }
  Check(*config, flags);
  return 0;
}
