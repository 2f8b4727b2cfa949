#include "collectors/clock.h"

#include "collectors/local_time.h"

namespace mailcow {
namespace {

// systemd's ntp_synced(), which timedatectl shows. STA_UNSYNC alone misleads:
// chrony without rtcsync leaves it set on a clock that is right.
constexpr double kSynchronizedMaxErrorSeconds = 16;

std::vector<Reading> Measure(const ClockFacts& facts,
                             double (*number)(const ClockState&)) {
  return One(IfKnown(facts.kernel, number));
}

std::vector<Reading> Time(const ClockFacts& facts) {
  if (!facts.now.ok()) return One(facts.now.status());
  return One(absl::ToDoubleSeconds(*facts.now - absl::UnixEpoch()),
             FormatUniversalTime(*facts.now));
}

constexpr Rule<ClockFacts> kRules[] = {
    {{.id = "time",
      .unit = Unit::kSeconds,
      .what = "The time of day, in seconds since the Unix epoch",
      .source = "clock_gettime(2)"},
     Time},
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
    {{.id = "leap_second_pending",
      .what = "The day ends with a leap second, inserted or left out",
      .source = "adjtimex(2)"},
     [](const ClockFacts& facts) {
       return Measure(facts, [](const ClockState& clock) {
         return clock.leap_second_pending ? 1.0 : 0.0;
       });
     }},
    {{.id = "clock_steps",
      .unit = Unit::kTotal,
      .what = "How often the clock was found set to another time since the "
              "exporter started; one that is slewed is not",
      .source = "CLOCK_REALTIME against CLOCK_BOOTTIME"},
     [](const ClockFacts& facts) { return One(facts.steps); }},
};

}  // namespace

std::unique_ptr<Collector> MakeClockCollector() {
  return std::make_unique<RuleCollector<ClockFacts>>(Topic<ClockFacts>{
      .name = "clock",
      .observe =
          [](const Host& host) {
            return ClockFacts{.now = host.kernel.Now(),
                              .kernel = host.kernel.Adjtimex(),
                              .steps = host.kernel.ClockSteps()};
          },
      .rules = kRules});
}

}  // namespace mailcow
