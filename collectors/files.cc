#include "collectors/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "collectors/watched_file.h"

namespace mailcow {
namespace {

// An absolute link inside a root means a place inside that root. Kernels
// before 5.6 lack openat2, and seccomp profiles of that age refuse it.
int OpenInRoot(int base, const std::string& below, int flags) {
  open_how how = {};
  how.flags = static_cast<__u64>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const auto fd = static_cast<int>(
      syscall(SYS_openat2, base, below.c_str(), &how, sizeof(how)));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  return openat(base, below.c_str(), flags | O_CLOEXEC);
}

bool IsBelow(absl::string_view path, absl::string_view top) {
  return absl::ConsumePrefix(&path, top) && (path.empty() || path[0] == '/');
}

absl::StatusOr<std::vector<std::string>> ListEntries(
    const Files& files, absl::string_view path,
    bool (*is_wanted)(const dirent&)) {
  absl::StatusOr<FileDescriptor> file =
      files.Open(path, O_RDONLY | O_DIRECTORY);
  if (!file.ok()) return file.status();
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(file->get()),
                                                      &closedir);
  if (directory == nullptr) return absl::ErrnoToStatus(errno, path);
  file->release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != ".." && is_wanted(*entry)) {
      names.emplace_back(name);
    }
  }
  if (errno != 0) return absl::ErrnoToStatus(errno, path);
  return names;
}

// Of `name` in `directory`, or of `directory` itself where that is empty.
absl::StatusOr<std::string> ReadLinkAt(int directory, const std::string& name,
                                       absl::string_view path) {
  std::array<char, 4096> target;
  const ssize_t length =
      readlinkat(directory, name.c_str(), target.data(), target.size());
  if (length < 0) return absl::ErrnoToStatus(errno, path);
  return std::string(target.data(), static_cast<size_t>(length));
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

// By path.
struct Files::Kept {
  absl::Mutex mutex;
  std::map<std::string, WatchedFile, std::less<>> watched
      ABSL_GUARDED_BY(mutex);
  std::map<std::string, FileDescriptor, std::less<>> open
      ABSL_GUARDED_BY(mutex);
};

Files::Files(Roots roots)
    : roots_(std::move(roots)),
      reads_(std::make_shared<BoundedWait<std::string>>(kDiskDeadline)),
      kept_(std::make_shared<Kept>()) {
  while (absl::EndsWith(roots_.root, "/")) roots_.root.pop_back();
  if (roots_.proc.empty()) roots_.proc = roots_.root + "/proc";
  if (roots_.sys.empty()) roots_.sys = roots_.root + "/sys";
}

Files::Place Files::Locate(absl::string_view path) const {
  const std::string* base = &roots_.root;
  if (IsBelow(path, "/proc")) {
    base = &roots_.proc;
    path.remove_prefix(5);
  } else if (IsBelow(path, "/sys")) {
    base = &roots_.sys;
    path.remove_prefix(4);
  }
  absl::ConsumePrefix(&path, "/");
  return {base, path.empty() ? "." : std::string(path)};
}

absl::StatusOr<FileDescriptor> Files::Open(absl::string_view path,
                                           int flags) const {
  const Place place = Locate(path);
  int fd;
  if (place.base->empty()) {
    fd = open(absl::StrCat("/", place.below).c_str(), flags | O_CLOEXEC);
  } else {
    const FileDescriptor base(
        open(place.base->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (base.get() < 0) {
      return absl::UnavailableError(
          absl::StrCat(path, " cannot be looked up: ",
                       absl::ErrnoToStatus(errno, *place.base).message()));
    }
    fd = OpenInRoot(base.get(), place.below, flags);
  }
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  return FileDescriptor(fd);
}

absl::StatusOr<std::string> Files::Read(absl::string_view path,
                                        size_t max_bytes) const {
  // The kernel's own files answer at once, but for those that are read from a
  // process's memory, which may hang with it.
  const bool is_memory =
      absl::EndsWith(path, "/cmdline") || absl::EndsWith(path, "/environ");
  if ((IsBelow(path, "/proc") && !is_memory) || IsBelow(path, "/sys")) {
    return ReadNow(path, max_bytes);
  }
  return reads_->Ask(std::string(path),
                     [files = *this, path = std::string(path), max_bytes] {
                       return files.ReadNow(path, max_bytes);
                     });
}

absl::StatusOr<std::string> Files::ReadWatched(absl::string_view path) const {
  const WatchedFile* file;
  {
    absl::MutexLock lock(&kept_->mutex);
    auto found = kept_->watched.find(path);
    if (found == kept_->watched.end()) {
      // Not a copy of these files: their thread must not keep them.
      const Files own(roots_);
      const std::string name(path);
      const std::string directory = name.substr(0, name.rfind('/') + 1);
      found =
          kept_->watched
              .try_emplace(
                  name, name,
                  WatchedFile::Access{
                      .read = [own,
                               name] { return own.ReadNow(name, kMaxBytes); },
                      .open_directory =
                          [own, directory] {
                            return own.Open(directory, O_PATH);
                          }})
              .first;
    }
    file = &found->second;
  }
  return file->Latest();
}

absl::StatusOr<std::string> Files::ReadKept(absl::string_view path) const {
  absl::MutexLock lock(&kept_->mutex);
  auto file = kept_->open.find(path);
  if (file == kept_->open.end()) {
    absl::StatusOr<FileDescriptor> opened = OpenRegular(path);
    if (!opened.ok()) return opened.status();
    file = kept_->open.try_emplace(std::string(path), *std::move(opened)).first;
  }
  std::array<char, 16384> buffer;
  const ssize_t got =
      pread(file->second.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) {
    absl::Status failed = absl::ErrnoToStatus(errno, path);
    kept_->open.erase(file);
    return failed;
  }
  if (static_cast<size_t>(got) == buffer.size()) {
    return absl::DataLossError(
        absl::StrCat(path, " is larger than ", buffer.size() - 1, " bytes"));
  }
  return std::string(buffer.data(), static_cast<size_t>(got));
}

absl::StatusOr<FileDescriptor> Files::OpenRegular(
    absl::string_view path) const {
  // O_NONBLOCK: a FIFO without a writer must not hold us.
  absl::StatusOr<FileDescriptor> file = Open(path, O_RDONLY | O_NONBLOCK);
  if (!file.ok()) return file;
  struct stat status;
  if (fstat(file->get(), &status) != 0) {
    return absl::ErrnoToStatus(errno, path);
  }
  if (!S_ISREG(status.st_mode)) {
    return absl::DataLossError(absl::StrCat(path, " is not a regular file"));
  }
  return file;
}

absl::StatusOr<std::string> Files::ReadNow(absl::string_view path,
                                           size_t max_bytes) const {
  const absl::StatusOr<FileDescriptor> file = OpenRegular(path);
  if (!file.ok()) return file.status();
  // The size of a /proc file reads 0: only reading to the end tells.
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = read(file->get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, path);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<size_t>(got));
    if (content.size() > max_bytes) {
      return absl::DataLossError(
          absl::StrCat(path, " is larger than ", max_bytes, " bytes"));
    }
  }
}

absl::StatusOr<bool> Files::Exists(absl::string_view path) const {
  absl::StatusOr<FileDescriptor> file = Open(path, O_PATH);
  if (file.ok()) return true;
  if (absl::IsNotFound(file.status())) return false;
  return file.status();
}

absl::StatusOr<std::string> Files::ReadLink(absl::string_view path) const {
  absl::StatusOr<FileDescriptor> link = Open(path, O_PATH | O_NOFOLLOW);
  if (!link.ok()) return link.status();
  absl::StatusOr<std::string> target = ReadLinkAt(link->get(), "", path);
  // What was opened is there: it is no link.
  if (!absl::IsNotFound(target.status())) return target;
  return absl::InvalidArgumentError(absl::StrCat(path, " is no symbolic link"));
}

absl::StatusOr<std::vector<Files::Link>> Files::ReadLinks(
    absl::string_view path) const {
  absl::StatusOr<FileDescriptor> directory = Open(path, O_PATH | O_DIRECTORY);
  if (!directory.ok()) return directory.status();
  const auto names = ListEntries(
      *this, path, [](const dirent& entry) { return entry.d_type == DT_LNK; });
  if (!names.ok()) return names.status();
  std::vector<Link> links;
  for (const std::string& name : *names) {
    links.push_back({name, ReadLinkAt(directory->get(), name, path)});
  }
  return links;
}

absl::StatusOr<std::vector<std::string>> Files::List(
    absl::string_view path) const {
  return ListEntries(*this, path, [](const dirent&) { return true; });
}

absl::StatusOr<std::vector<std::string>> Files::ListDirectories(
    absl::string_view path) const {
  return ListEntries(
      *this, path, [](const dirent& entry) { return entry.d_type == DT_DIR; });
}

}  // namespace mailcow
