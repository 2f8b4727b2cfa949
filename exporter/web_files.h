// Reads the files of the web configuration, and notices that they were changed.

#ifndef EXPORTER_WEB_FILES_H_
#define EXPORTER_WEB_FILES_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "collectors/bounded_wait.h"
#include "collectors/files.h"
#include "exporter/tls_terms.h"
#include "exporter/web_config.h"

namespace mailcow {

struct WebSettings {
  WebConfig config;
  std::shared_ptr<const TlsTerms> tls;  // null for plain HTTP
};

// Tells one version of a file from another: device, inode, size, and when it
// and its inode were changed; or the error where there is none.
using FileStamp = std::array<int64_t, 8>;

// Thread-safe. A file on a mount that hangs is given up after a moment.
class WebFiles {
 public:
  // The path of the configuration, which names the others.
  explicit WebFiles(const std::string& file);

  // Reads all files now. What is wrong with one names it. DeadlineExceeded: one
  // does not answer.
  absl::StatusOr<WebSettings> Read();

  // Whether other files stand there than were last read, and already did when
  // this was last asked: files are not read while they are being written, nor
  // a certificate whose key follows.
  bool HaveSettledChange();

 private:
  using Stamps = std::map<std::string, FileStamp>;
  class Reading;

  absl::StatusOr<FileStamp> StampOf(const std::string& path);

  const Files files_;
  const std::string file_;
  BoundedWait<FileStamp> stamps_;
  absl::Mutex mutex_;
  Stamps read_ ABSL_GUARDED_BY(mutex_);
  Stamps seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_WEB_FILES_H_
