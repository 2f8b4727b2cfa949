#include "collectors/memory.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;

constexpr char kMeminfo[] =
    "MemTotal:        8130428 kB\n"
    "MemFree:         3408608 kB\n"
    "MemAvailable:    6817216 kB\n"
    "SwapCached:            0 kB\n"
    "SwapTotal:       2097148 kB\n"
    "SwapFree:        2097000 kB\n";

TEST(ParseMeminfo, NumbersAreBytes) {
  const Meminfo meminfo = ParseMeminfo(kMeminfo);
  EXPECT_EQ(*meminfo.total_bytes, 8130428.0 * 1024);
  EXPECT_EQ(*meminfo.available_bytes, 6817216.0 * 1024);
  EXPECT_EQ(*meminfo.swap_total_bytes, 2097148.0 * 1024);
  EXPECT_EQ(*meminfo.swap_free_bytes, 2097000.0 * 1024);
}

TEST(ParseMeminfo, NoSwapIsZeroNotUnknown) {
  EXPECT_EQ(*ParseMeminfo("SwapTotal: 0 kB\n").swap_total_bytes, 0);
}

TEST(ParseMeminfo, AnAbsentLineSpoilsItsOwnNumberOnly) {
  const Meminfo meminfo = ParseMeminfo("MemTotal:  1024 kB\n");
  EXPECT_EQ(*meminfo.total_bytes, 1024.0 * 1024);
  EXPECT_TRUE(absl::IsDataLoss(meminfo.available_bytes.status()));
  EXPECT_EQ(meminfo.available_bytes.status().message(),
            "/proc/meminfo lacks MemAvailable");
}

TEST(ParseMeminfo, OtherUnitsAndGarbageAreRefused) {
  for (const char* text :
       {"MemTotal: 8 MB\n", "MemTotal: many kB\n", "MemTotal: -1 kB\n",
        "MemTotal: 99999999999999999999 kB\n", "MemTotal:\n", "MemTotal"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseMeminfo(text).total_bytes.status()))
        << text;
  }
}

// A machine with that much RAM, and mailcow.conf if there is one.
class MemoryCollector : public testing::Test {
 protected:
  Reading Measure(absl::string_view id, int64_t total_kib,
                  const std::string& conf = "") {
    const FakeHost host;
    host.root.Write("/proc/meminfo",
                    absl::StrCat("MemTotal: ", total_kib,
                                 " kB\nSwapTotal: ", total_kib, " kB\n"));
    if (!conf.empty()) host.root.Write("/mailcow/mailcow.conf", conf);
    return ReadingsOf(host.CollectWith(*collector_), id).front();
  }
  Verdict JudgeMemory(Level level, int64_t total_kib) {
    const auto& bound = BoundOf(RequirementOf(*collector_, "memory"), level);
    return Judge(*bound, Measure("memory", total_kib).value);
  }

  const std::unique_ptr<Collector> collector_ = MakeMemoryCollector("/mailcow");
};

TEST_F(MemoryCollector, OneGibibyteIsRequiredLessWhatTheKernelTakes) {
  EXPECT_EQ(JudgeMemory(Level::kRequired, 896 << 10), Verdict::kMet);
  EXPECT_EQ(JudgeMemory(Level::kRequired, (896 << 10) - 1), Verdict::kUnmet);
}

TEST_F(MemoryCollector, SixGibibytesAreRecommendedLessWhatTheKernelTakes) {
  EXPECT_EQ(JudgeMemory(Level::kRecommended, 5376 << 10), Verdict::kMet);
  EXPECT_EQ(JudgeMemory(Level::kRecommended, (5376 << 10) - 1),
            Verdict::kUnmet);
}

TEST_F(MemoryCollector, MachinesSoldAsOneAndSixGibibytesAreMet) {
  EXPECT_EQ(JudgeMemory(Level::kRequired, 980756), Verdict::kMet);
  EXPECT_EQ(JudgeMemory(Level::kRecommended, 6088396), Verdict::kMet);
}

TEST_F(MemoryCollector, SwapFileOfOneGibibyteIsMetDespiteItsHeaderPage) {
  const auto& bound = RequirementOf(*collector_, "swap").recommended;
  EXPECT_EQ(Judge(*bound, Measure("swap", 1048572).value), Verdict::kMet);
  EXPECT_EQ(Judge(*bound, Measure("swap", 1048511).value), Verdict::kUnmet);
}

TEST_F(MemoryCollector, ClamavIsTooMuchUpToTheLimitOfMailcowsScript) {
  EXPECT_EQ(*Measure("clamav_memory_sufficient", 2621440).value, 0);
  EXPECT_EQ(*Measure("clamav_memory_sufficient", 2621441).value, 1);
}

TEST_F(MemoryCollector, ClamavTurnedOffNeedsNoMemory) {
  EXPECT_EQ(
      *Measure("clamav_memory_sufficient", 1000000, "SKIP_CLAMD=y\n").value, 1);
  EXPECT_EQ(
      *Measure("clamav_memory_sufficient", 1000000, "SKIP_CLAMD=n\n").value, 0);
}

TEST_F(MemoryCollector, UnreadableConfMattersToASmallMachineOnly) {
  const std::string broken = "no assignment\n";
  EXPECT_TRUE(absl::IsDataLoss(
      Measure("clamav_memory_sufficient", 1000000, broken).value.status()));
  EXPECT_EQ(*Measure("clamav_memory_sufficient", 9000000, broken).value, 1);
}

TEST_F(MemoryCollector, WithoutMeminfoEveryNumberIsUnknownByThatReason) {
  const FakeHost host;
  host.root.MakeDirectory("/proc");
  const Collected collected = host.CollectWith(*collector_);
  EXPECT_EQ(collected.findings.size(), 5);
  for (const Finding& finding : collected.findings) {
    EXPECT_TRUE(absl::IsNotFound(finding.reading.value.status()));
    EXPECT_THAT(finding.reading.value.status().message(),
                HasSubstr("/proc/meminfo"));
  }
}

}  // namespace
}  // namespace mailcow
