#include "collectors/memory.h"

#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/mailcow_conf.h"

namespace mailcow {
namespace {

constexpr absl::string_view kPath = "/proc/meminfo";

// MemTotal is what firmware and kernel leave: between 2 and 12 percent less
// than the machine was sold as. An eighth lets a 1 GiB or 6 GiB machine pass.
constexpr double kShareOfKernel = 1.0 / 8;
constexpr Bound NominalRam(double bytes) {
  return AtLeast(bytes, bytes * kShareOfKernel);
}

// mkswap takes the first page of the area for its header: 64 KiB at most.
constexpr double kSwapHeaderBytes = 64 * 1024;

// generate_config.sh advises SKIP_CLAMD=y up to this MemTotal.
constexpr double kClamavMemoryBytes = 2621440.0 * 1024;

absl::StatusOr<double> FieldBytes(absl::string_view text,
                                  absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, name) || !absl::ConsumePrefix(&line, ":")) {
      continue;
    }
    uint64_t kib;
    if (!absl::ConsumeSuffix(&line, " kB") || !absl::SimpleAtoi(line, &kib)) {
      return absl::DataLossError(
          absl::StrCat(kPath, " has no number of kB for ", name));
    }
    return static_cast<double>(kib) * 1024;
  }
  return absl::DataLossError(absl::StrCat(kPath, " lacks ", name));
}

absl::StatusOr<bool> ClamavMemorySufficient(const MemoryFacts& facts) {
  const absl::StatusOr<double>& total = facts.meminfo.total_bytes;
  if (!total.ok()) return total.status();
  if (*total > kClamavMemoryBytes) return true;
  return facts.clamd_skipped;
}

constexpr Rule<MemoryFacts> kRules[] = {
    {{.id = "memory",
      .unit = Unit::kBytes,
      .required = NominalRam(1 * kGiB),
      .recommended = NominalRam(6 * kGiB),
      .what = "Installed RAM that the kernel can use",
      .remedy = "give the machine more RAM",
      .source = "MemTotal of /proc/meminfo"},
     [](const MemoryFacts& f) { return One(f.meminfo.total_bytes); }},
    {{.id = "memory_available",
      .unit = Unit::kBytes,
      .what = "Free RAM: what programs can still get without swapping",
      .source = "MemAvailable of /proc/meminfo"},
     [](const MemoryFacts& f) { return One(f.meminfo.available_bytes); }},
    {{.id = "swap",
      .unit = Unit::kBytes,
      .recommended = AtLeast(1 * kGiB, kSwapHeaderBytes),
      .what = "Size of all swap areas together",
      .remedy = "add swap: fallocate -l 1G /swapfile && chmod 600 /swapfile && "
                "mkswap /swapfile && swapon /swapfile, and a line in "
                "/etc/fstab",
      .source = "SwapTotal of /proc/meminfo"},
     [](const MemoryFacts& f) { return One(f.meminfo.swap_total_bytes); }},
    {{.id = "swap_free",
      .unit = Unit::kBytes,
      .what = "Unused swap",
      .source = "SwapFree of /proc/meminfo"},
     [](const MemoryFacts& f) { return One(f.meminfo.swap_free_bytes); }},
    {{.id = "clamav_memory_sufficient",
      .recommended = Yes(),
      .what = "RAM above 2.5 GiB, or ClamAV turned off by SKIP_CLAMD=y",
      .remedy = "set SKIP_CLAMD=y in mailcow.conf",
      .source = "MemTotal of /proc/meminfo, SKIP_CLAMD of mailcow.conf"},
     [](const MemoryFacts& f) {
       return One(AsNumber(ClamavMemorySufficient(f)));
     }},
};

}  // namespace

Meminfo ParseMeminfo(absl::string_view text) {
  return {.total_bytes = FieldBytes(text, "MemTotal"),
          .available_bytes = FieldBytes(text, "MemAvailable"),
          .swap_total_bytes = FieldBytes(text, "SwapTotal"),
          .swap_free_bytes = FieldBytes(text, "SwapFree")};
}

std::unique_ptr<Collector> MakeMemoryCollector(std::string mailcow_directory) {
  auto observe = [directory = std::move(mailcow_directory)](const Host& host) {
    const absl::StatusOr<std::string> text = host.files.ReadKept(kPath);
    const absl::StatusOr<MailcowConf> conf =
        ReadMailcowConf(host.files, directory);
    return MemoryFacts{
        .meminfo = text.ok() ? ParseMeminfo(*text)
                             : Meminfo{text.status(), text.status(),
                                       text.status(), text.status()},
        .clamd_skipped = conf.ok() ? conf->IsYes("SKIP_CLAMD") : conf.status()};
  };
  return std::make_unique<RuleCollector<MemoryFacts>>(Topic<MemoryFacts>{
      .name = "memory", .observe = std::move(observe), .rules = kRules});
}

}  // namespace mailcow
