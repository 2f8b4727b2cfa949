#include "collectors/clock.h"

#include <utility>

namespace mailcow {
namespace {

// systemd's ntp_synced(), which timedatectl shows. STA_UNSYNC alone misleads:
// chrony without rtcsync leaves it set on a clock that is right.
constexpr double kSynchronizedMaxErrorSeconds = 16;

std::vector<Reading> Measure(const ClockFacts& facts,
                             double (*number)(const ClockState&),
                             Labels labels = {}) {
  return {
      {.labels = std::move(labels), .value = IfKnown(facts.kernel, number)}};
}

constexpr Rule<ClockFacts> kRules[] = {
    {{.id = "ntp_synchronized",
      .required = Yes(),
      .what = "The clock is kept right by NTP: its possible error is below "
              "16 seconds",
      .remedy = "turn NTP on with timedatectl set-ntp true, and list "
                "time servers in NTP= of /etc/systemd/timesyncd.conf",
      .source = "maxerror of adjtimex(2)"},
     [](const ClockFacts& facts) {
       return Measure(facts, [](const ClockState& clock) {
         return clock.max_error_seconds < kSynchronizedMaxErrorSeconds ? 1.0
                                                                       : 0.0;
       });
     }},
    {{.id = "clock_offset",
      .unit = Unit::kSeconds,
      .what = "Offset of the clock as the source sees it; the kernel's is what "
              "it has yet to slew away",
      .source = "offset of adjtimex(2)"},
     [](const ClockFacts& facts) {
       return Measure(
           facts, [](const ClockState& clock) { return clock.offset_seconds; },
           {{"source", "kernel"}});
     }},
    {{.id = "clock_max_error",
      .unit = Unit::kSeconds,
      .what = "Largest error the clock can have; it grows while nothing "
              "corrects the clock",
      .source = "maxerror of adjtimex(2)"},
     [](const ClockFacts& facts) {
       return Measure(facts, [](const ClockState& clock) {
         return clock.max_error_seconds;
       });
     }},
    {{.id = "clock_unsynchronized_flag",
      .what = "The kernel's flag for an unsynchronized clock, which some time "
              "daemons never clear",
      .source = "STA_UNSYNC of adjtimex(2)"},
     [](const ClockFacts& facts) {
       return Measure(facts, [](const ClockState& clock) {
         return clock.unsynchronized_flag ? 1.0 : 0.0;
       });
     }},
};

}  // namespace

std::unique_ptr<Collector> MakeClockCollector() {
  return std::make_unique<RuleCollector<ClockFacts>>(Topic<ClockFacts>{
      .name = "clock",
      .observe =
          [](const Host& host) {
            return ClockFacts{.kernel = host.kernel.Adjtimex()};
          },
      .rules = kRules});
}

}  // namespace mailcow
