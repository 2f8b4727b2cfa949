#include "exporter/self_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/files.h"
#include "exporter/exposition.h"
#include "exporter/version.h"

namespace mailcow {
namespace {

using prometheus::MetricFamily;

MetricFamily One(std::string name, std::string help, double value) {
  return Gauge(std::move(name), std::move(help), {{{}, value}});
}

MetricFamily CpuSeconds(double seconds) {
  MetricFamily family =
      One("process_cpu_seconds_total",
          "Total user and system CPU time spent in seconds", 0);
  family.type = prometheus::MetricType::Counter;
  family.metric.front().counter.value = seconds;
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

void AppendStat(const Files& files, std::vector<MetricFamily>& families) {
  const absl::StatusOr<std::string> text = files.Read("/proc/self/stat");
  if (!text.ok()) return;
  const absl::StatusOr<ProcessStat> stat = ParseProcessStat(*text);
  if (!stat.ok()) return;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  families.push_back(CpuSeconds(stat->cpu_ticks / ticks_per_second));
  families.push_back(One("process_virtual_memory_bytes",
                         "Virtual memory size in bytes", stat->virtual_bytes));
  families.push_back(One("process_resident_memory_bytes",
                         "Resident memory size in bytes",
                         stat->resident_pages * page_bytes));
  const absl::StatusOr<std::string> boot = files.Read("/proc/stat");
  if (!boot.ok()) return;
  const absl::StatusOr<double> boot_seconds = ParseBootTime(*boot);
  if (!boot_seconds.ok()) return;
  families.push_back(
      One("process_start_time_seconds",
          "Start time of the process since the Unix epoch in seconds",
          *boot_seconds + stat->start_ticks / ticks_per_second));
}

}  // namespace

std::vector<MetricFamily> SelfFamilies() {
  std::vector<MetricFamily> families;
  families.push_back(Gauge("mailcow_host_exporter_build_info",
                           "What this build of the exporter is, in its labels",
                           {{{{"version", kVersion},
                              {"revision", kRevision},
                              {"compiler", kCompiler}},
                             1}}));
  const Files own{Files::Roots{}};
  AppendStat(own, families);
  if (const auto open = own.List("/proc/self/fd"); open.ok()) {
    // The descriptor that lists the directory is not counted.
    families.push_back(One("process_open_fds",
                           "Number of open file descriptors",
                           static_cast<double>(open->size()) - 1));
  }
  AppendLimit("process_max_fds", "Maximum number of open file descriptors",
              RLIMIT_NOFILE, families);
  AppendLimit("process_virtual_memory_max_bytes",
              "Maximum amount of virtual memory available in bytes", RLIMIT_AS,
              families);
  return families;
}

absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text) {
  // The name of the program, in parentheses, may hold anything: proc(5) counts
  // it as the second field.
  const size_t name_end = text.rfind(')');
  if (name_end == absl::string_view::npos) {
    return absl::DataLossError("/proc/self/stat has no name");
  }
  const std::vector<absl::string_view> fields =
      absl::StrSplit(text.substr(name_end + 1), ' ', absl::SkipEmpty());
  constexpr size_t kFirst = 3;  // the number of the field behind the name
  const auto number = [&fields](size_t field, double* value) {
    return field - kFirst < fields.size() &&
           absl::SimpleAtod(fields[field - kFirst], value);
  };
  double user_ticks = 0;
  double kernel_ticks = 0;
  ProcessStat stat;
  if (!number(14, &user_ticks) || !number(15, &kernel_ticks) ||
      !number(22, &stat.start_ticks) || !number(23, &stat.virtual_bytes) ||
      !number(24, &stat.resident_pages)) {
    return absl::DataLossError("/proc/self/stat lacks fields");
  }
  stat.cpu_ticks = user_ticks + kernel_ticks;
  return stat;
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
