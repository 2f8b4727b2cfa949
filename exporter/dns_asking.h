// One question on its way: which resolver is next, what each said, and how far
// a chain of aliases was followed.

#ifndef EXPORTER_DNS_ASKING_H_
#define EXPORTER_DNS_ASKING_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/dns_record.h"
#include "exporter/dns_message.h"
#include "exporter/dns_resolver.h"

namespace mailcow {

class DnsAsking {
 public:
  // `resolvers` outlive it.
  DnsAsking(DnsQuestion question, const std::vector<NamedResolver>& resolvers)
      : resolvers_(&resolvers),
        question_(std::move(question)),
        names_({question_.name}) {}

  // What is asked now: of the last alias, where some were followed.
  const DnsQuestion& question() const { return question_; }
  // How many messages it took to get there.
  int steps() const { return steps_; }
  bool is_done() const { return is_done_; }
  bool has_next() const { return next_ < resolvers_->size(); }

  // The resolver to ask next. `silence` is its error while it says nothing.
  size_t TakeNext(absl::Status silence);

  // What a resolver has to say instead of an answer.
  void Fail(size_t resolver, const absl::Status& status);

  // What a resolver answers. An alias that leads on becomes the question.
  void Accept(size_t resolver, DnsReply reply, absl::Duration round_trip);

  // Whether nobody is left who could still answer.
  bool is_exhausted() const { return open_.empty() && !has_next(); }

  // The answer, or what each resolver said instead.
  absl::StatusOr<DnsAnswer> Result() const;

 private:
  void Finish(absl::Status status);

  const std::vector<NamedResolver>* resolvers_;
  DnsQuestion question_;
  std::set<std::string> names_;  // that a chain of aliases went through
  DnsAnswer answer_ = {.is_authenticated = true};
  int steps_ = 1;
  size_t next_ = 0;
  std::set<size_t> open_;  // who may still answer
  std::map<size_t, absl::Status> said_;
  bool is_done_ = false;
  absl::Status status_;
};

}  // namespace mailcow

#endif  // EXPORTER_DNS_ASKING_H_
