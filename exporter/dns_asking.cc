#include "exporter/dns_asking.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mailcow {
namespace {

// Messages that are asked for to follow one chain of aliases.
constexpr int kMaxSteps = 8;

}  // namespace

size_t DnsAsking::TakeNext(absl::Status silence) {
  open_.insert(next_);
  said_.insert_or_assign(next_, std::move(silence));
  return next_++;
}

void DnsAsking::Fail(size_t resolver, const absl::Status& status) {
  open_.erase(resolver);
  said_.insert_or_assign(resolver, status);
}

void DnsAsking::Accept(size_t resolver, DnsReply reply,
                       absl::Duration round_trip) {
  const NamedResolver& server = (*resolvers_)[resolver];
  answer_.name_exists = reply.name_exists;
  answer_.records = std::move(reply.records);
  answer_.aliases.insert(answer_.aliases.end(), reply.aliases.begin(),
                         reply.aliases.end());
  answer_.is_authenticated =
      answer_.is_authenticated && server.is_trusted && reply.is_authenticated;
  answer_.server = server.name;
  answer_.round_trip += round_trip;
  if (reply.is_complete) return Finish(absl::OkStatus());
  if (!names_.insert(answer_.aliases.back()).second) {
    return Finish(absl::DataLossError(absl::StrCat(
        server.name, ": its answers have aliases that go round in a circle")));
  }
  if (steps_ == kMaxSteps) {
    return Finish(absl::DataLossError(
        absl::StrCat(server.name, ": the aliases do not end after ", kMaxSteps,
                     " answers")));
  }
  ++steps_;
  question_.name = answer_.aliases.back();
  next_ = resolver;
  open_.clear();
  said_.clear();
}

void DnsAsking::Finish(absl::Status status) {
  is_done_ = true;
  status_ = std::move(status);
}

absl::StatusOr<DnsAnswer> DnsAsking::Result() const {
  if (is_done_ && status_.ok()) return answer_;
  if (is_done_) return status_;
  if (said_.empty()) return absl::UnavailableError("no resolver is known");
  std::vector<std::string> texts;
  absl::StatusCode code = said_.begin()->second.code();
  for (const auto& [resolver, status] : said_) {
    texts.push_back(
        absl::StrCat((*resolvers_)[resolver].name, ": ", status.message()));
    if (status.code() != code) code = absl::StatusCode::kUnavailable;
  }
  return absl::Status(code, absl::StrJoin(texts, "; "));
}

}  // namespace mailcow
