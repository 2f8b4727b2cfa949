// Serves a Site over HTTP with CivetWeb.

#ifndef EXPORTER_SERVER_H_
#define EXPORTER_SERVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "exporter/site.h"
#include "exporter/web_guard.h"

struct mg_context;

namespace mailcow {

class Server {
 public:
  // Listens on every address: "127.0.0.1:9025", "[::1]:9025", or ":9025" for
  // all addresses of both families; port 0 takes a free one. Unavailable says
  // which address could not be had. `site` and `guard` must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const std::vector<std::string>& addresses, const Site& site,
      WebGuard& guard);

  // Waits for the requests under way.
  ~Server();

  // The ports it listens on, in the order of the addresses.
  std::vector<uint16_t> ports() const;

  // Waits until no request is under way, but no longer than `deadline`.
  void AwaitIdle(absl::Duration deadline) const;

 private:
  Server(const Site& site, WebGuard& guard) : site_(site), guard_(guard) {}

  const Site& site_;
  WebGuard& guard_;
  mg_context* context_ = nullptr;
  std::vector<int> listeners_;  // CivetWeb's
  std::atomic<int> connections_ = 0;
  std::atomic<int> requests_ = 0;
  absl::Mutex mutex_;
  // What CivetWeb first complained of; that is why it does not start.
  std::string first_error_ ABSL_GUARDED_BY(mutex_);

  friend struct ServerCallbacks;
};

}  // namespace mailcow

#endif  // EXPORTER_SERVER_H_
