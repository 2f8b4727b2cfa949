#include "exporter/self_metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "absl/time/clock.h"
#include "collectors/files.h"
#include "exporter/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// The only sample of a family; the test fails where there is no such family.
prometheus::ClientMetric SampleOf(absl::string_view name, MetricType type) {
  for (const MetricFamily& family : SelfFamilies()) {
    if (family.name != name) continue;
    EXPECT_EQ(family.type, type);
    EXPECT_EQ(family.metric.size(), 1u);
    return family.metric.front();
  }
  ADD_FAILURE() << "no family " << name;
  return {};
}

double GaugeOf(absl::string_view name) {
  return SampleOf(name, MetricType::Gauge).gauge.value;
}

TEST(ParseProcessStat, ReadsTheFieldsOfProc5) {
  const absl::StatusOr<ProcessStat> stat = ParseProcessStat(
      "812 (exporter) S 1 812 812 0 -1 4194560 1000 0 3 0 250 150 0 0 20 0 18 "
      "0 4711 123456789 2048 18446744073709551615 1 1\n");
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat->cpu_ticks, 400);
  EXPECT_EQ(stat->start_ticks, 4711);
  EXPECT_EQ(stat->virtual_bytes, 123456789);
  EXPECT_EQ(stat->resident_pages, 2048);
}

TEST(ParseProcessStat, TheNameMayHoldAnything) {
  const absl::StatusOr<ProcessStat> stat = ParseProcessStat(
      "812 (a) S 9) (b) S 1 812 812 0 -1 4194560 1000 0 3 0 250 150 0 0 20 0 "
      "18 0 4711 123456789 2048 1\n");
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat->start_ticks, 4711);
}

TEST(ParseProcessStat, TextThatIsCutShortIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(ParseProcessStat("").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseProcessStat("812 (exporter").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseProcessStat("812 (exporter)").status()));
  // Its last field is the virtual size, the 23rd.
  EXPECT_TRUE(absl::IsDataLoss(
      ParseProcessStat("812 (exporter) S 1 812 812 0 -1 4194560 1000 0 3 0 250 "
                       "150 0 0 20 0 18 0 4711 123456789\n")
          .status()));
}

TEST(ParseProcessStat, AFieldThatIsNoNumberIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(
      ParseProcessStat("812 (exporter) S 1 812 812 0 -1 4194560 1000 0 3 0 250 "
                       "x 0 0 20 0 18 0 4711 123456789 2048 1\n")
          .status()));
}

TEST(ParseBootTime, IsTheLineBtime) {
  const absl::StatusOr<double> seconds = ParseBootTime(
      "cpu  10 0 20\nintr 99 0\nctxt 7\nbtime 1709305200\nprocesses 9\n");
  ASSERT_TRUE(seconds.ok());
  EXPECT_EQ(*seconds, 1709305200);
}

TEST(ParseBootTime, WithoutTheLineIsDataLoss) {
  const absl::Status status = ParseBootTime("cpu  10 0 20\nctxt 7\n").status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), "/proc/stat lacks btime");
}

TEST(ParseBootTime, ALineThatHoldsNoNumberIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(ParseBootTime("btime soon\n").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseBootTime("btime \n").status()));
}

TEST(SelfFamilies, BuildInfoIsOneWithTheBuildInItsLabels) {
  const prometheus::ClientMetric sample =
      SampleOf("mailcow_host_exporter_build_info", MetricType::Gauge);
  EXPECT_EQ(sample.gauge.value, 1);
  ASSERT_EQ(sample.label.size(), 3u);
  EXPECT_EQ(sample.label[0].name, "version");
  EXPECT_EQ(sample.label[0].value, kVersion);
  EXPECT_EQ(sample.label[1].name, "revision");
  EXPECT_EQ(sample.label[1].value, kRevision);
  EXPECT_EQ(sample.label[2].name, "compiler");
  EXPECT_EQ(sample.label[2].value, kCompiler);
}

TEST(SelfFamilies, CpuSecondsAreACounterThatOnlyGrows) {
  const auto seconds = [] {
    return SampleOf("process_cpu_seconds_total", MetricType::Counter)
        .counter.value;
  };
  const double before = seconds();
  EXPECT_GE(before, 0);
  EXPECT_GE(seconds(), before);
}

TEST(SelfFamilies, TheProcessStartedAfterTheBootAndBeforeNow) {
  const absl::StatusOr<std::string> proc_stat =
      Files(Files::Roots{}).Read("/proc/stat");
  ASSERT_TRUE(proc_stat.ok());
  const double started = GaugeOf("process_start_time_seconds");
  EXPECT_GT(started, ParseBootTime(*proc_stat).value_or(0));
  // /proc/stat rounds the time of boot to a second.
  EXPECT_LE(started, static_cast<double>(absl::ToUnixSeconds(absl::Now())) + 2);
}

TEST(SelfFamilies, ResidentMemoryIsInBytesAndPartOfTheVirtual) {
  const double resident = GaugeOf("process_resident_memory_bytes");
  EXPECT_GT(resident, 1 << 20);
  EXPECT_LT(resident, GaugeOf("process_virtual_memory_bytes"));
}

TEST(SelfFamilies, OpenDescriptorsAreCountedButNotTheOneThatCounts) {
  const FileDescriptor one(open("/dev/null", O_RDONLY));
  // Closed by the time of the comparison, so it counted one too many.
  const auto listed =
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  EXPECT_EQ(GaugeOf("process_open_fds"), static_cast<double>(listed) - 1);
}

TEST(SelfFamilies, MaximumOfDescriptorsIsTheSoftLimit) {
  EXPECT_EQ(GaugeOf("process_max_fds"),
            static_cast<double>(sysconf(_SC_OPEN_MAX)));
}

TEST(SelfFamilies, TellsTheLimitOfVirtualMemory) {
  EXPECT_GT(GaugeOf("process_virtual_memory_max_bytes"), 0);
}

}  // namespace
}  // namespace mailcow
