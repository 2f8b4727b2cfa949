#include "exporter/self_metrics.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "collectors/files.h"
#include "exporter/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// The value of the only sample of a family without labels; the test fails where
// there is no such family of that type.
double ValueIn(absl::string_view text, absl::string_view name,
               absl::string_view type) {
  const std::vector<absl::string_view> parts = absl::StrSplit(
      text, absl::StrCat("\n# TYPE ", name, " ", type, "\n", name, " "));
  EXPECT_EQ(parts.size(), 2u) << name;
  const absl::string_view rest = parts.back();
  const size_t end = rest.find('\n');
  double value = -1;
  EXPECT_TRUE(absl::SimpleAtod(rest.substr(0, end), &value)) << name;
  // Another family follows, or nothing.
  const absl::string_view next = rest.substr(std::min(rest.size(), end + 1));
  EXPECT_TRUE(next.empty() || absl::StartsWith(next, "# HELP ")) << name;
  return value;
}

std::string Render(const SelfMetrics& metrics) {
  std::string text;
  metrics.Append(text);
  return text;
}

double GaugeOf(absl::string_view name) {
  return ValueIn(Render(SelfMetrics()), name, "gauge");
}

TEST(ParseStartTicks, IsTheTwentySecondFieldOfProc5) {
  const absl::StatusOr<double> ticks = ParseStartTicks(
      "812 (exporter) S 1 812 812 0 -1 4194560 1000 0 3 0 250 150 0 0 20 0 18 "
      "0 4711 123456789 2048 18446744073709551615 1 1\n");
  ASSERT_TRUE(ticks.ok());
  EXPECT_EQ(*ticks, 4711);
}

TEST(ParseStartTicks, TheNameMayHoldAnything) {
  EXPECT_EQ(
      ParseStartTicks("812 (a) S 9) (b) S 1 812 812 0 -1 4194560 1000 0 3 "
                      "0 250 150 0 0 20 0 18 0 4711 123456789\n")
          .value_or(0),
      4711);
}

TEST(ParseStartTicks, TextThatIsCutShortIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(ParseStartTicks("").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseStartTicks("812 (exporter").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseStartTicks("812 (exporter)").status()));
  // Its last field is the 21st.
  EXPECT_TRUE(absl::IsDataLoss(
      ParseStartTicks("812 (exporter) S 1 812 812 0 -1 4194560 1000 0 3 0 250 "
                      "150 0 0 20 0 18 0")
          .status()));
}

TEST(ParseStartTicks, AFieldThatIsNoNumberIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(
      ParseStartTicks("812 (exporter) S 1 812 812 0 -1 4194560 1000 0 3 0 250 "
                      "150 0 0 20 0 18 0 x 123456789\n")
          .status()));
}

TEST(ParseStatm, ReadsVirtualAndResidentPages) {
  const absl::StatusOr<MemoryPages> pages =
      ParseStatm("30142 2048 1500 12 0 900 0\n");
  ASSERT_TRUE(pages.ok());
  EXPECT_EQ(pages->virtual_pages, 30142);
  EXPECT_EQ(pages->resident_pages, 2048);
}

TEST(ParseStatm, WhatIsNoSuchTextIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(ParseStatm("").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseStatm("30142").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseStatm("30142 x 1").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseStatm("x 2048 1").status()));
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

TEST(SelfMetrics, BuildInfoIsOneWithTheBuildInItsLabels) {
  EXPECT_THAT(Render(SelfMetrics()),
              HasSubstr(absl::StrCat(
                  "# HELP mailcow_host_exporter_build_info "
                  "What this build of the exporter is, in its labels\n"
                  "# TYPE mailcow_host_exporter_build_info gauge\n"
                  "mailcow_host_exporter_build_info{version=\"",
                  kVersion, "\",revision=\"", kRevision, "\",compiler=\"",
                  kCompiler, "\"} 1\n")));
}

TEST(SelfMetrics, AreAppendedToWhatIsThere) {
  std::string text = "before\n";
  SelfMetrics().Append(text);
  EXPECT_THAT(text, StartsWith("before\n# HELP mailcow_host_exporter_build"));
}

TEST(SelfMetrics, EveryFamilyIsThereOnce) {
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(Render(SelfMetrics()), '\n')) {
    if (!absl::ConsumePrefix(&line, "# HELP ")) continue;
    names.emplace_back(line.substr(0, line.find(' ')));
  }
  EXPECT_THAT(
      names,
      ElementsAre("mailcow_host_exporter_build_info",
                  "process_start_time_seconds", "process_max_fds",
                  "process_virtual_memory_max_bytes",
                  "process_cpu_seconds_total", "process_virtual_memory_bytes",
                  "process_resident_memory_bytes", "process_open_fds"));
}

TEST(SelfMetrics, CpuSecondsAreACounterThatOnlyGrows) {
  const SelfMetrics metrics;
  const auto seconds = [&] {
    return ValueIn(Render(metrics), "process_cpu_seconds_total", "counter");
  };
  const double before = seconds();
  EXPECT_GT(before, 0);
  // The clock of the process is exact enough to see its own rendering.
  EXPECT_GT(seconds(), before);
}

// What changes is told anew, although the rest of the text is kept.
TEST(SelfMetrics, OpenDescriptorsAreThoseOfNow) {
  const SelfMetrics metrics;
  const auto count = [&] {
    return ValueIn(Render(metrics), "process_open_fds", "gauge");
  };
  const double before = count();
  {
    const FileDescriptor one(open("/dev/null", O_RDONLY));
    const FileDescriptor other(open("/dev/null", O_RDONLY));
    EXPECT_EQ(count(), before + 2);
  }
  EXPECT_EQ(count(), before);
}

TEST(SelfMetrics, MemoryIsThatOfNow) {
  const SelfMetrics metrics;
  const auto bytes = [&] {
    return ValueIn(Render(metrics), "process_virtual_memory_bytes", "gauge");
  };
  const double before = bytes();
  constexpr size_t kSize = size_t{64} << 20;
  void* const more = mmap(nullptr, kSize, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(more, MAP_FAILED);
  EXPECT_GE(bytes(), before + static_cast<double>(kSize));
  munmap(more, kSize);
}

TEST(SelfMetrics, TheProcessStartedAfterTheBootAndBeforeNow) {
  const absl::StatusOr<std::string> proc_stat =
      Files(Files::Roots{}).Read("/proc/stat");
  ASSERT_TRUE(proc_stat.ok());
  const double started = GaugeOf("process_start_time_seconds");
  EXPECT_GT(started, ParseBootTime(*proc_stat).value_or(0));
  // /proc/stat rounds the time of boot to a second.
  EXPECT_LE(started, static_cast<double>(absl::ToUnixSeconds(absl::Now())) + 2);
}

TEST(SelfMetrics, ResidentMemoryIsInBytesAndPartOfTheVirtual) {
  const double resident = GaugeOf("process_resident_memory_bytes");
  EXPECT_GT(resident, 1 << 20);
  EXPECT_LT(resident, GaugeOf("process_virtual_memory_bytes"));
}

TEST(SelfMetrics, OpenDescriptorsAreCountedButNotTheOneThatCounts) {
  const SelfMetrics metrics;
  Render(metrics);  // opens what it keeps
  // Closed by the time of the comparison, so it counted one too many.
  const auto listed =
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  EXPECT_EQ(ValueIn(Render(metrics), "process_open_fds", "gauge"),
            static_cast<double>(listed) - 1);
}

TEST(SelfMetrics, MaximumOfDescriptorsIsTheSoftLimit) {
  EXPECT_EQ(GaugeOf("process_max_fds"),
            static_cast<double>(sysconf(_SC_OPEN_MAX)));
}

TEST(SelfMetrics, TellsTheLimitOfVirtualMemory) {
  EXPECT_GT(GaugeOf("process_virtual_memory_max_bytes"), 0);
}

}  // namespace
}  // namespace mailcow
