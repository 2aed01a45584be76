#include "base/durable.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/log/absl_check.h"
#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/temporary.h"

namespace graft {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

absl::Status UsedAfterError(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": written to after an error or after Commit"));
}

absl::Status WriteAll(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, path, "write");
    if (written == 0) return ErrnoStatus(ENOSPC, path, "write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteAllAt(int descriptor, uint64_t offset, std::string_view bytes,
                        const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, path, "write");
    if (written == 0) return ErrnoStatus(ENOSPC, path, "write");
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return absl::OkStatus();
}

// After a rename in `target.folder`.
absl::Status SyncRename(const WriteTarget& target) {
  absl::Status synced = SyncFolder(target.folder);
  if (synced.ok()) return synced;
  return absl::Status(synced.code(), absl::StrCat(target.path,
                                                  ": in place, but may be lost at a "
                                                  "power failure: ",
                                                  synced.message()));
}

// Where two folders cannot be exchanged (NFS, some FUSE): renames the old one aside, then the new
// one in. Nothing has the target's name in between; a process that ends there leaves the old one
// for the next DurableFolder::Create to put back. Returns the old one.
absl::StatusOr<Temporary> ReplaceInTwoSteps(const WriteTarget& target,
                                            const std::string& temporary) {
  ABSL_ASSIGN_OR_RETURN(Temporary old, SetAside(target));
  if (::rename(temporary.c_str(), target.resolved().c_str()) == 0) return old;
  absl::Status status = ErrnoStatus(errno, target.path, "rename its temporary");
  if (::rename(old.path.c_str(), target.resolved().c_str()) != 0) {
    status = absl::Status(
        status.code(), absl::StrCat(status.message(), "; what was to be replaced is ", old.path));
  }
  ::close(old.descriptor);
  return status;
}

// Puts the new folder where an old one is. Returns the old one; without a descriptor when it has
// the name of the temporary.
absl::StatusOr<Temporary> ReplaceFolder(const WriteTarget& target, const std::string& temporary) {
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, target.resolved().c_str(),
                  RENAME_EXCHANGE) == 0) {
    return Temporary{.path = temporary, .descriptor = -1};
  }
  if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
    return ReplaceInTwoSteps(target, temporary);
  }
  return ErrnoStatus(errno, target.path, "exchange it with its replacement");
}

// After a replacement in `target.folder`: makes it durable and removes the old folder.
absl::Status RemoveReplaced(const WriteTarget& target, const std::string& old) {
  if (const absl::Status synced = SyncRename(target); !synced.ok()) {
    // A power failure may bring the old folder back, so it must stay.
    return absl::Status(synced.code(),
                        absl::StrCat(synced.message(), "; what it replaced is kept in ", old));
  }
  std::error_code error;
  std::filesystem::remove_all(old, error);
  if (error) {
    return ErrnoStatus(error.value(), target.path,
                       absl::StrCat("remove the folder that it replaced, ", old));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DurableFile> DurableFile::Create(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const WriteTarget target, ResolveWriteTarget(path));
  if (target.mode && !S_ISREG(*target.mode)) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, ": expected a regular file or nothing, found ",
                     S_ISDIR(*target.mode) ? "a folder" : "a device, pipe or socket"));
  }
  RemoveStaleTemporaries(target);
  ABSL_ASSIGN_OR_RETURN(Temporary temporary, CreateTemporaryFile(target));
  return DurableFile(path, std::move(temporary.path), temporary.descriptor);
}

DurableFile::DurableFile(std::string path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      failed_(std::exchange(other.failed_, true)),
      buffer_(std::move(other.buffer_)) {}

DurableFile& DurableFile::operator=(DurableFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(failed_, other.failed_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

DurableFile::~DurableFile() {
  if (descriptor_ < 0) return;
  ::unlink(temporary_.c_str());  // before the lock goes with the descriptor
  ::close(descriptor_);
}

absl::Status DurableFile::Append(std::string_view bytes) {
  if (failed_) return UsedAfterError(path_);
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() < kBufferBytes) {
    buffer_.append(bytes);
    return absl::OkStatus();
  }
  ABSL_RETURN_IF_ERROR(Flush());
  const absl::Status written = WriteAll(descriptor_, bytes, path_);
  failed_ = !written.ok();
  return written;
}

absl::Status DurableFile::WriteOver(uint64_t offset, std::string_view bytes) {
  if (failed_) return UsedAfterError(path_);
  ABSL_CHECK(offset <= size_ && bytes.size() <= size_ - offset) << path_;
  ABSL_RETURN_IF_ERROR(Flush());
  const absl::Status written = WriteAllAt(descriptor_, offset, bytes, path_);
  failed_ = !written.ok();
  return written;
}

absl::Status DurableFile::Flush() {
  const absl::Status written = WriteAll(descriptor_, buffer_, path_);
  failed_ = !written.ok();
  buffer_.clear();
  return written;
}

absl::Status DurableFile::Commit() {
  if (failed_) return UsedAfterError(path_);
  ABSL_RETURN_IF_ERROR(Flush());
  failed_ = true;
  if (::fsync(descriptor_) != 0) return ErrnoStatus(errno, path_, "sync");
  ABSL_ASSIGN_OR_RETURN(const WriteTarget target, ResolveWriteTarget(path_));
  if (::rename(temporary_.c_str(), target.resolved().c_str()) != 0) {
    return ErrnoStatus(errno, path_, "rename its temporary");
  }
  // The lock was held until here, so that nobody took the temporary for a stale one.
  const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
  const int close_error = errno;
  ABSL_RETURN_IF_ERROR(SyncRename(target));
  if (!closed) return ErrnoStatus(close_error, path_, "close");
  return absl::OkStatus();
}

absl::Status WriteFileDurably(const std::string& path, std::string_view contents) {
  ABSL_ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(path));
  ABSL_RETURN_IF_ERROR(file.Append(contents));
  return file.Commit();
}

absl::Status PutBackInterruptedReplacement(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const WriteTarget target, ResolveWriteTarget(path));
  const std::optional<std::string> old = FindSetAside(target);
  if (!old || ::rename(old->c_str(), target.resolved().c_str()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, path,
                     absl::StrCat("put back what an interrupted replacement set aside, ", *old));
}

absl::StatusOr<DurableFolder> DurableFolder::Create(const std::string& path, bool replace) {
  ABSL_RETURN_IF_ERROR(PutBackInterruptedReplacement(path));
  ABSL_ASSIGN_OR_RETURN(const WriteTarget target, ResolveWriteTarget(path));
  if (target.mode && !S_ISDIR(*target.mode)) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, ": expected a folder or nothing, found a file"));
  }
  if (target.mode && !replace) {
    std::error_code error;
    const bool empty = std::filesystem::is_empty(target.resolved(), error);
    if (error) return ErrnoStatus(error.value(), path, "list");
    if (!empty) {
      return absl::AlreadyExistsError(
          absl::StrCat(path, ": expected an empty folder or nothing, found a folder with entries"));
    }
  }
  RemoveStaleTemporaries(target);
  ABSL_ASSIGN_OR_RETURN(Temporary temporary, CreateTemporaryFolder(target));
  return DurableFolder(path, std::move(temporary.path), temporary.descriptor, replace);
}

DurableFolder::DurableFolder(std::string target, std::string temporary, int descriptor,
                             bool replace)
    : target_(std::move(target)),
      temporary_(std::move(temporary)),
      descriptor_(descriptor),
      replace_(replace) {}

DurableFolder::DurableFolder(DurableFolder&& other) noexcept
    : target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      replace_(other.replace_),
      committed_(std::exchange(other.committed_, true)) {}

DurableFolder& DurableFolder::operator=(DurableFolder&& other) noexcept {
  std::swap(target_, other.target_);
  std::swap(temporary_, other.temporary_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(replace_, other.replace_);
  std::swap(committed_, other.committed_);
  return *this;
}

DurableFolder::~DurableFolder() {
  if (descriptor_ < 0) return;
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);
  ::close(descriptor_);
}

absl::Status DurableFolder::Commit() {
  if (std::exchange(committed_, true)) return UsedAfterError(target_);
  ABSL_RETURN_IF_ERROR(SyncTree(temporary_));
  ABSL_ASSIGN_OR_RETURN(const WriteTarget target, ResolveWriteTarget(target_));
  // Onto nothing or an empty folder; what is in the way otherwise is refused by the system.
  if (::rename(temporary_.c_str(), target.resolved().c_str()) == 0) {
    ::close(std::exchange(descriptor_, -1));
    return SyncRename(target);
  }
  if (!replace_ || (errno != ENOTEMPTY && errno != EEXIST)) {
    return ErrnoStatus(errno, target_, "rename its temporary");
  }
  ABSL_ASSIGN_OR_RETURN(const Temporary old, ReplaceFolder(target, temporary_));
  ::close(std::exchange(descriptor_, -1));
  absl::Status removed = RemoveReplaced(target, old.path);
  if (old.descriptor >= 0) ::close(old.descriptor);
  return removed;
}

std::optional<std::string> FindInterruptedReplacement(const std::string& path) {
  const absl::StatusOr<WriteTarget> target = ResolveWriteTarget(path);
  return target.ok() ? FindSetAside(*target) : std::nullopt;
}

}  // namespace graft
