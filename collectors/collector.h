// A collector reads the facts of one topic from a host and turns them into the
// numbers that the topic's requirements are judged by. A topic is written as a
// table of rules; RuleCollector makes a Collector of it.

#ifndef COLLECTORS_COLLECTOR_H_
#define COLLECTORS_COLLECTOR_H_

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "collectors/host.h"
#include "collectors/limits.h"
#include "collectors/requirement.h"

namespace mailcow {

// A number of a requirement, not yet judged.
struct Finding {
  const Requirement* requirement;
  Reading reading;

  bool operator==(const Finding&) const = default;
};

// Findings that never change and that reports share: most are the same from one
// report to the next.
class Findings {
 public:
  Findings() : Findings(std::vector<Finding>()) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Findings(std::vector<Finding> findings)
      : findings_(
            std::make_shared<const std::vector<Finding>>(std::move(findings))) {
  }
  Findings(std::initializer_list<Finding> findings)
      : Findings(std::vector<Finding>(findings)) {}

  auto begin() const { return findings_->begin(); }
  auto end() const { return findings_->end(); }
  size_t size() const { return findings_->size(); }
  const Finding& front() const { return findings_->front(); }

  // Whether they are shared: whatever follows from one follows from the other.
  bool AreSameAs(const Findings& other) const {
    return findings_ == other.findings_;
  }

 private:
  std::shared_ptr<const std::vector<Finding>> findings_;
};

// What a collector found. Where it was told by another party, `age` is how long
// ago that was.
struct Collected {
  Findings findings;
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

  // Puts those of `limits` that are the topic's in force. Before requirements()
  // and Collect(), whose results refer to what it changes.
  virtual void Override(const Limits& limits) = 0;

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

// Describes a topic; of `rules` the collector keeps a copy. Facts that another
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
  explicit RuleCollector(Topic<Facts> topic)
      : name_(topic.name),
        observe_(std::move(topic.observe)),
        rules_(topic.rules.begin(), topic.rules.end()),
        cadence_(topic.cadence) {}

  absl::string_view topic() const override { return name_; }

  std::vector<const Requirement*> requirements() const override {
    std::vector<const Requirement*> requirements;
    for (const auto& rule : rules_) {
      requirements.push_back(&rule.requirement);
    }
    return requirements;
  }

  void Override(const Limits& limits) override {
    for (auto& rule : rules_) mailcow::Override(limits, rule.requirement);
  }

  Collected Collect(const Host& host) const override {
    Facts facts = observe_(host);
    Collected collected;
    if constexpr (requires { facts.age; }) collected.age = facts.age;
    if constexpr (std::equality_comparable<Facts>) {
      // Most facts stay the same from one scrape to the next.
      absl::MutexLock lock(&mutex_);
      if constexpr (requires { facts.age; }) facts.age = absl::ZeroDuration();
      if (last_facts_ == facts) {
        collected.findings = last_findings_;
        return collected;
      }
      collected.findings = Measure(facts);
      last_facts_ = std::move(facts);
      last_findings_ = collected.findings;
    } else {
      collected.findings = Measure(facts);
    }
    return collected;
  }

  std::optional<Cadence> cadence() const override { return cadence_; }

 private:
  std::vector<Finding> Measure(const Facts& facts) const {
    std::vector<Finding> findings;
    for (const auto& rule : rules_) {
      for (Reading& reading : rule.measure(facts)) {
        findings.push_back({&rule.requirement, std::move(reading)});
      }
    }
    return findings;
  }

  const absl::string_view name_;
  const std::function<Facts(const Host&)> observe_;
  std::vector<Rule<Facts>> rules_;
  const std::optional<Cadence> cadence_;
  mutable absl::Mutex mutex_;
  mutable std::optional<Facts> last_facts_ ABSL_GUARDED_BY(mutex_);
  mutable Findings last_findings_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // COLLECTORS_COLLECTOR_H_
