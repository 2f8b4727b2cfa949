#include "exporter/self_metrics.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/files.h"
#include "exporter/exposition.h"
#include "exporter/version.h"

namespace mailcow {
namespace {

using prometheus::MetricFamily;

MetricFamily One(std::string name, std::string help, double value = 0) {
  return Gauge(std::move(name), std::move(help), {{{}, value}});
}

MetricFamily CpuSeconds() {
  MetricFamily family = One("process_cpu_seconds_total",
                            "Total user and system CPU time spent in seconds");
  family.type = prometheus::MetricType::Counter;
  return family;
}

void AppendLimit(std::string name, std::string help,
                 decltype(RLIMIT_AS) resource,
                 std::vector<MetricFamily>& families) {
  rlimit limit;
  if (getrlimit(resource, &limit) != 0) return;
  families.push_back(One(std::move(name), std::move(help),
                         static_cast<double>(limit.rlim_cur)));
}

absl::StatusOr<double> StartSeconds() {
  const Files own{Files::Roots{}};
  const absl::StatusOr<std::string> stat = own.Read("/proc/self/stat");
  if (!stat.ok()) return stat.status();
  const absl::StatusOr<double> start_ticks = ParseStartTicks(*stat);
  if (!start_ticks.ok()) return start_ticks.status();
  const absl::StatusOr<std::string> boot = own.Read("/proc/stat");
  if (!boot.ok()) return boot.status();
  const absl::StatusOr<double> boot_seconds = ParseBootTime(*boot);
  if (!boot_seconds.ok()) return boot_seconds.status();
  return *boot_seconds +
         *start_ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string Constants() {
  std::vector<MetricFamily> families = {
      Gauge("mailcow_host_exporter_build_info",
            "What this build of the exporter is, in its labels",
            {{{{"version", kVersion},
               {"revision", kRevision},
               {"compiler", kCompiler}},
              1}})};
  if (const absl::StatusOr<double> start = StartSeconds(); start.ok()) {
    families.push_back(One(
        "process_start_time_seconds",
        "Start time of the process since the Unix epoch in seconds", *start));
  }
  AppendLimit("process_max_fds", "Maximum number of open file descriptors",
              RLIMIT_NOFILE, families);
  AppendLimit("process_virtual_memory_max_bytes",
              "Maximum amount of virtual memory available in bytes", RLIMIT_AS,
              families);
  return TextFormat().Serialize(families);
}

absl::StatusOr<double> CpuSecondsNow() {
  timespec cpu;
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) != 0) {
    return absl::ErrnoToStatus(errno, "clock_gettime");
  }
  return static_cast<double>(cpu.tv_sec) +
         static_cast<double>(cpu.tv_nsec) / 1e9;
}

absl::StatusOr<double> OpenFds(const Files& own) {
  // Since Linux 6.2 the size of the directory is their number.
  struct stat directory;
  if (stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0) {
    return static_cast<double>(directory.st_size);
  }
  const auto open = own.List("/proc/self/fd");
  if (!open.ok()) return open.status();
  // The descriptor that lists the directory is not counted.
  return static_cast<double>(open->size()) - 1;
}

void AppendIfKnown(const SampleText& text, const absl::StatusOr<double>& value,
                   std::string& out) {
  if (value.ok()) text.Append(*value, out);
}

}  // namespace

SelfMetrics::SelfMetrics()
    : constant_(Constants()),
      cpu_seconds_(SampleText::WithHead(CpuSeconds())),
      virtual_bytes_(SampleText::WithHead(
          One("process_virtual_memory_bytes", "Virtual memory size in bytes"))),
      resident_bytes_(SampleText::WithHead(One(
          "process_resident_memory_bytes", "Resident memory size in bytes"))),
      open_fds_(SampleText::WithHead(
          One("process_open_fds", "Number of open file descriptors"))) {}

void SelfMetrics::Append(std::string& out) const {
  out += constant_;
  AppendIfKnown(cpu_seconds_, CpuSecondsNow(), out);
  if (const auto statm = own_.ReadKept("/proc/self/statm"); statm.ok()) {
    const absl::StatusOr<MemoryPages> pages = ParseStatm(*statm);
    const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
    if (pages.ok()) {
      virtual_bytes_.Append(pages->virtual_pages * page_bytes, out);
      resident_bytes_.Append(pages->resident_pages * page_bytes, out);
    }
  }
  AppendIfKnown(open_fds_, OpenFds(own_), out);
}

absl::StatusOr<double> ParseStartTicks(absl::string_view stat) {
  // The name of the program, in parentheses, may hold anything: proc(5) counts
  // it as the second field.
  const size_t name_end = stat.rfind(')');
  if (name_end == absl::string_view::npos) {
    return absl::DataLossError("/proc/self/stat has no name");
  }
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(name_end + 1), ' ', absl::SkipEmpty());
  constexpr size_t kStart = 22 - 3;  // the first of these is the third of all
  double ticks = 0;
  if (fields.size() <= kStart || !absl::SimpleAtod(fields[kStart], &ticks)) {
    return absl::DataLossError("/proc/self/stat lacks the time of the start");
  }
  return ticks;
}

absl::StatusOr<MemoryPages> ParseStatm(absl::string_view text) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ' ');
  MemoryPages pages;
  if (fields.size() < 2 || !absl::SimpleAtod(fields[0], &pages.virtual_pages) ||
      !absl::SimpleAtod(fields[1], &pages.resident_pages)) {
    return absl::DataLossError("/proc/self/statm lacks fields");
  }
  return pages;
}

absl::StatusOr<double> ParseBootTime(absl::string_view proc_stat) {
  for (absl::string_view line : absl::StrSplit(proc_stat, '\n')) {
    double seconds;
    if (absl::ConsumePrefix(&line, "btime ") &&
        absl::SimpleAtod(line, &seconds)) {
      return seconds;
    }
  }
  return absl::DataLossError("/proc/stat lacks btime");
}

}  // namespace mailcow
