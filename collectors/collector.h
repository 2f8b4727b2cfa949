// A collector reads the facts of one topic from a host and turns them into the
// numbers that the topic's requirements are judged by. A topic is written as a
// table of rules; RuleCollector makes a Collector of it.

#ifndef COLLECTORS_COLLECTOR_H_
#define COLLECTORS_COLLECTOR_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "collectors/host.h"
#include "collectors/requirement.h"

namespace mailcow {

// A number of a requirement, not yet judged.
struct Finding {
  const Requirement* requirement;
  Reading reading;
};

// What a collector found. Where it was told by another party, `age` is how long
// ago that was.
struct Collected {
  std::vector<Finding> findings;
  absl::Duration age = absl::ZeroDuration();
};

// How a topic that can block is refreshed, off the scrape path.
struct Cadence {
  absl::Duration every;
  // Findings older than this are no longer believed.
  absl::Duration allowance;
};

class Collector {
 public:
  virtual ~Collector() = default;

  // The name of the topic: "memory".
  virtual absl::string_view topic() const = 0;

  // What the topic asks, in report order.
  virtual std::vector<const Requirement*> requirements() const = 0;

  // What cannot be read is a finding with an error. A requirement without a
  // finding has no subject on this host. Thread-safe.
  virtual Collected Collect(const Host& host) const = 0;

  // Absent where the kernel answers at once: such a topic is read at scrape
  // time.
  virtual std::optional<Cadence> cadence() const = 0;
};

// One requirement and how its numbers follow from the facts.
template <typename Facts>
struct Rule {
  Requirement requirement;
  std::vector<Reading> (*measure)(const Facts& facts);
};

// Describes a topic: `rules` must outlive the collector. Facts that another
// party told say how old they are in a member `age`.
template <typename Facts>
struct Topic {
  absl::string_view name;
  std::function<Facts(const Host&)> observe;
  absl::Span<const Rule<Facts>> rules;
  std::optional<Cadence> cadence = std::nullopt;
};

template <typename Facts>
class RuleCollector : public Collector {
 public:
  explicit RuleCollector(Topic<Facts> topic) : topic_(std::move(topic)) {}

  absl::string_view topic() const override { return topic_.name; }

  std::vector<const Requirement*> requirements() const override {
    std::vector<const Requirement*> requirements;
    for (const auto& rule : topic_.rules) {
      requirements.push_back(&rule.requirement);
    }
    return requirements;
  }

  Collected Collect(const Host& host) const override {
    const Facts facts = topic_.observe(host);
    Collected collected;
    if constexpr (requires { facts.age; }) collected.age = facts.age;
    for (const auto& rule : topic_.rules) {
      for (Reading& reading : rule.measure(facts)) {
        collected.findings.push_back({&rule.requirement, std::move(reading)});
      }
    }
    return collected;
  }

  std::optional<Cadence> cadence() const override { return topic_.cadence; }

 private:
  const Topic<Facts> topic_;
};

}  // namespace mailcow

#endif  // COLLECTORS_COLLECTOR_H_
