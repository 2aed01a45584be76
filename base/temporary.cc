#include "base/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/file.h"

namespace graft {
namespace {

constexpr std::string_view kNewMark = ".graft-tmp-";
constexpr std::string_view kOldMark = ".graft-old-";
// Leaves room for the rest of the name: file systems take 255 bytes.
constexpr size_t kMaxNameBytes = 200;
constexpr int kMaxTries = 1000;

std::string Prefix(const WriteTarget& target, std::string_view mark) {
  return absl::StrCat(".", target.name.substr(0, kMaxNameBytes), mark);
}

std::string NewName(const WriteTarget& target, std::string_view mark) {
  static std::atomic<uint64_t> number{0};
  return JoinPath(target.folder, absl::StrCat(Prefix(target, mark), ::getpid(), "-", ++number));
}

// Paths that NewName gave to this target.
std::vector<std::string> FindNames(const WriteTarget& target, std::string_view mark) {
  std::vector<std::string> found;
  DIR* const folder = ::opendir(target.folder.c_str());
  if (folder == nullptr) return found;
  const std::string prefix = Prefix(target, mark);
  while (const dirent* entry = ::readdir(folder)) {
    std::string_view name = entry->d_name;
    if (!absl::ConsumePrefix(&name, prefix)) continue;
    if (name.find_first_not_of("0123456789-") == std::string_view::npos) {
      found.push_back(JoinPath(target.folder, entry->d_name));
    }
  }
  ::closedir(folder);
  return found;
}

bool SameFile(const std::string& path, int descriptor) {
  struct stat named, opened;
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

// Between creation and lock another process may have taken the temporary for a stale one.
bool Own(const Temporary& temporary) {
  const bool taken = ::flock(temporary.descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return !taken && SameFile(temporary.path, temporary.descriptor);
}

// The lock of a temporary whose owner is gone, to be closed; -1 while the owner lives.
int TakeOver(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return -1;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && SameFile(path, descriptor)) return descriptor;
  ::close(descriptor);
  return -1;
}

bool Exists(const WriteTarget& target) { return target.mode.has_value(); }

mode_t Permissions(const WriteTarget& target) { return target.mode.value_or(0) & 0777; }

absl::Status CannotCreate(const WriteTarget& target, int error) {
  return ErrnoStatus(error, target.path, "create a temporary beside it");
}

}  // namespace

std::string WriteTarget::resolved() const { return JoinPath(folder, name); }

absl::StatusOr<WriteTarget> ResolveWriteTarget(const std::string& path) {
  WriteTarget target{.path = path, .folder = "", .name = path, .mode = std::nullopt};
  // First of all: with a slash behind it the name of a link stands for what it points to.
  while (target.name.size() > 1 && target.name.ends_with('/')) target.name.pop_back();
  struct stat info;
  if (::lstat(target.name.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(target.name.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": expected a name to write to, found a symbolic link to nothing"));
    }
    target.name = real.get();
  }
  const size_t slash = target.name.rfind('/');
  target.folder = slash == std::string::npos ? "." : target.name.substr(0, slash + 1);
  if (slash != std::string::npos) target.name.erase(0, slash + 1);
  if (target.name.empty() || target.name == "." || target.name == "..") {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": expected a path that ends in a name of its own, found '", target.name, "'"));
  }
  if (::stat(target.resolved().c_str(), &info) == 0) {
    target.mode = info.st_mode;
  } else if (errno != ENOENT) {
    return ErrnoStatus(errno, path, "examine");
  }
  return target;
}

absl::StatusOr<Temporary> CreateTemporaryFile(const WriteTarget& target) {
  for (int i = 0; i < kMaxTries; ++i) {
    Temporary temporary{.path = NewName(target, kNewMark), .descriptor = -1};
    // What replaces a private file is private before its first byte.
    temporary.descriptor = ::open(temporary.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                                  Exists(target) ? 0600 : 0666);
    if (temporary.descriptor < 0 && (errno == EEXIST || errno == EINTR)) continue;
    if (temporary.descriptor < 0) return CannotCreate(target, errno);
    if (!Own(temporary)) {
      ::close(temporary.descriptor);
      continue;
    }
    if (Exists(target) && ::fchmod(temporary.descriptor, Permissions(target)) != 0) {
      absl::Status status = ErrnoStatus(errno, target.path, "keep its mode");
      ::unlink(temporary.path.c_str());
      ::close(temporary.descriptor);
      return status;
    }
    return temporary;
  }
  return CannotCreate(target, EEXIST);
}

absl::StatusOr<Temporary> CreateTemporaryFolder(const WriteTarget& target) {
  for (int i = 0; i < kMaxTries; ++i) {
    Temporary temporary{.path = NewName(target, kNewMark), .descriptor = -1};
    if (::mkdir(temporary.path.c_str(), Exists(target) ? 0700 : 0777) != 0) {
      if (errno == EEXIST) continue;
      return CannotCreate(target, errno);
    }
    temporary.descriptor =
        ::open(temporary.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (temporary.descriptor < 0 && errno == ENOENT) continue;  // taken for a stale one
    absl::Status status;
    if (temporary.descriptor < 0) {
      status = CannotCreate(target, errno);
    } else if (!Own(temporary)) {
      ::close(temporary.descriptor);
      continue;
    } else if (Exists(target) && ::fchmod(temporary.descriptor, Permissions(target)) != 0) {
      status = ErrnoStatus(errno, target.path, "keep its mode");
      ::close(temporary.descriptor);
    }
    if (status.ok()) return temporary;
    ::rmdir(temporary.path.c_str());
    return status;
  }
  return CannotCreate(target, EEXIST);
}

absl::StatusOr<Temporary> SetAside(const WriteTarget& target) {
  // A shortened name could be taken for that of another folder.
  if (target.name.size() > kMaxNameBytes) {
    return ErrnoStatus(ENAMETOOLONG, target.path, "set aside what it replaces");
  }
  Temporary old{.path = NewName(target, kOldMark), .descriptor = -1};
  old.descriptor = ::open(target.resolved().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (old.descriptor < 0) return ErrnoStatus(errno, target.path, "open what it replaces");
  // Locked before it has a name by which others may take it over.
  if (!Own({.path = target.resolved(), .descriptor = old.descriptor})) {
    ::close(old.descriptor);
    return absl::FailedPreconditionError(
        absl::StrCat(target.path, ": another process is replacing it"));
  }
  if (::rename(target.resolved().c_str(), old.path.c_str()) != 0) {
    absl::Status status = ErrnoStatus(errno, target.path, "set aside what it replaces");
    ::close(old.descriptor);
    return status;
  }
  return old;
}

std::optional<std::string> FindSetAside(const WriteTarget& target) {
  if (Exists(target) || target.name.size() > kMaxNameBytes) return std::nullopt;
  for (std::string& path : FindNames(target, kOldMark)) {
    const int descriptor = TakeOver(path);
    if (descriptor < 0) continue;
    ::close(descriptor);
    return std::move(path);
  }
  return std::nullopt;
}

void RemoveStaleTemporaries(const WriteTarget& target) {
  std::vector<std::string> candidates = FindNames(target, kNewMark);
  if (target.mode && S_ISDIR(*target.mode) && target.name.size() <= kMaxNameBytes) {
    const std::vector<std::string> old = FindNames(target, kOldMark);
    candidates.insert(candidates.end(), old.begin(), old.end());
  }
  for (const std::string& path : candidates) {
    const int descriptor = TakeOver(path);
    if (descriptor < 0) continue;
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    ::close(descriptor);
  }
}

namespace {

absl::Status SyncPath(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (descriptor < 0) return ErrnoStatus(errno, path, "open to sync");
  absl::Status status;
  if (::fsync(descriptor) != 0) {
    const bool unsupported = errno == EINVAL && (flags & O_DIRECTORY) != 0;
    if (!unsupported) status = ErrnoStatus(errno, path, "sync");
  }
  ::close(descriptor);
  return status;
}

}  // namespace

absl::Status SyncFolder(const std::string& folder) { return SyncPath(folder, O_DIRECTORY); }

absl::Status SyncTree(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string path = entry->path().string();
    const std::filesystem::file_type type = entry->symlink_status(error).type();
    if (error) break;
    if (type == std::filesystem::file_type::directory) {
      ABSL_RETURN_IF_ERROR(SyncTree(path));
    } else if (type == std::filesystem::file_type::regular) {
      ABSL_RETURN_IF_ERROR(SyncPath(path, O_NOFOLLOW));
    } else if (type != std::filesystem::file_type::symlink) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": expected a file or folder, found a pipe, socket or device"));
    }
  }
  if (error) return ErrnoStatus(error.value(), folder, "list");
  return SyncFolder(folder);
}

}  // namespace graft
