// A file that every scrape needs and that may lie on a mount that hangs: a
// thread of its own reads it, and the scrape takes what that last read.

#ifndef COLLECTORS_WATCHED_FILE_H_
#define COLLECTORS_WATCHED_FILE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace mailcow {

class FileDescriptor;

// Thread-safe.
class WatchedFile {
 public:
  // How the thread reaches the file, which may block.
  struct Access {
    std::function<absl::StatusOr<std::string>()> read;
    // The directory that holds it, opened with O_PATH: the kernel tells of
    // changes in it.
    std::function<absl::StatusOr<FileDescriptor>()> open_directory;
  };

  // Begins to read. `name` is what errors call the file.
  WatchedFile(std::string name, Access access);
  // Does not wait: a thread that hangs goes on hanging.
  ~WatchedFile();
  WatchedFile(const WatchedFile&) = delete;
  WatchedFile& operator=(const WatchedFile&) = delete;

  // What it held when it last changed: a moment ago at most, a few seconds
  // where the kernel tells of no changes. Only the first content is waited for,
  // as long as a disk may take. DeadlineExceeded once the file can no longer be
  // looked at, until it can again.
  absl::StatusOr<std::string> Latest() const;

 private:
  struct Shared;
  static void Watch(const std::shared_ptr<Shared>& shared);

  const std::shared_ptr<Shared> shared_;
};

}  // namespace mailcow

#endif  // COLLECTORS_WATCHED_FILE_H_
