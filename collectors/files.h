// Files of the host, below a root: "" on a host, /host in a container, a
// directory of recorded files in a test. All three run the same code. Paths
// are given as they stand on the host, in full.

#ifndef COLLECTORS_FILES_H_
#define COLLECTORS_FILES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/bounded_wait.h"

namespace mailcow {

// Owns an open file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return fd_; }
  // Hands the descriptor to another owner.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

class Files {
 public:
  // Where the host's files are found. An empty `proc` or `sys` is /proc or
  // /sys below `root`.
  struct Roots {
    std::string root = "";
    std::string proc = "";
    std::string sys = "";
  };

  // More than any file that is read here on purpose.
  static constexpr size_t kMaxBytes = 1 << 20;

  explicit Files(Roots roots);

  // The whole content of a regular file. NotFound, PermissionDenied, or
  // DataLoss for what is no file or larger than `max_bytes`. A file on a mount
  // that does not answer is DeadlineExceeded; asking again costs nothing until
  // it does.
  absl::StatusOr<std::string> Read(absl::string_view path,
                                   size_t max_bytes = kMaxBytes) const;

  // The same for a file that every scrape needs; it never waits, but for the
  // first time, since a thread of its own reads the file whenever it changes.
  absl::StatusOr<std::string> ReadWatched(absl::string_view path) const;

  // The same for a file of /proc that every scrape needs and that the kernel
  // makes anew for each reading: its descriptor is kept.
  absl::StatusOr<std::string> ReadKept(absl::string_view path) const;

  // Whether something stands at `path`. An error where that cannot be told.
  absl::StatusOr<bool> Exists(absl::string_view path) const;

  // What a symbolic link says, not resolved. InvalidArgument for what is none.
  absl::StatusOr<std::string> ReadLink(absl::string_view path) const;

  // A symbolic link and what it says.
  struct Link {
    std::string name;
    absl::StatusOr<std::string> target;
  };
  // All links in a directory; one that is gone meanwhile is NotFound.
  absl::StatusOr<std::vector<Link>> ReadLinks(absl::string_view path) const;

  // The names in a directory, without "." and "..", in its own order.
  absl::StatusOr<std::vector<std::string>> List(absl::string_view path) const;

  // Of those, the names of directories.
  absl::StatusOr<std::vector<std::string>> ListDirectories(
      absl::string_view path) const;

  // Opens `path` with open(2)'s `flags`; Unavailable where there is no such
  // root. Symbolic links are resolved inside
  // the root, so that an absolute one does not lead out of it.
  absl::StatusOr<FileDescriptor> Open(absl::string_view path, int flags) const;

  // True when the files are not those of the machine this program runs on, or
  // are seen through another place than "/".
  bool HasRoot() const { return !roots_.root.empty(); }

 private:
  // A directory to start from, and the path below it.
  struct Place {
    const std::string* base;
    std::string below;
  };
  Place Locate(absl::string_view path) const;
  absl::StatusOr<FileDescriptor> OpenRegular(absl::string_view path) const;
  absl::StatusOr<std::string> ReadNow(absl::string_view path,
                                      size_t max_bytes) const;

  Roots roots_;
  // Shared, so that copies know of each other's questions that hang.
  std::shared_ptr<BoundedWait<std::string>> reads_;
  // What is kept from one scrape to the next.
  struct Kept;
  std::shared_ptr<Kept> kept_;
};

}  // namespace mailcow

#endif  // COLLECTORS_FILES_H_
