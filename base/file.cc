#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace graft {

absl::Status ErrnoStatus(int error, std::string_view path, std::string_view action) {
  absl::StatusCode code = absl::StatusCode::kInternal;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      code = absl::StatusCode::kNotFound;
      break;
    case EEXIST:
    case ENOTEMPTY:
      code = absl::StatusCode::kAlreadyExists;
      break;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG:
      code = absl::StatusCode::kResourceExhausted;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
    case EISDIR:
    case ELOOP:
      code = absl::StatusCode::kFailedPrecondition;
      break;
    default:
      break;
  }
  // ErrnoToStatus words the error number; only its text is used here.
  const absl::Status worded = absl::ErrnoToStatus(error, "");
  std::string_view reason = worded.message();
  reason = reason.substr(reason.find_first_not_of(": ") == std::string_view::npos
                             ? 0
                             : reason.find_first_not_of(": "));
  return absl::Status(code, absl::StrCat(path, ": cannot ", action, ": ", reason));
}

absl::StatusOr<InputFile> InputFile::Open(const std::string& path) {
  return OpenWith(path, path, 0, /*only_name=*/false);
}

absl::StatusOr<InputFile> InputFile::OpenOnly(const std::string& path) {
  return OpenWith(path, path, O_NOFOLLOW, /*only_name=*/true);
}

absl::StatusOr<InputFile> InputFile::OpenOnly(const std::string& path, const std::string& shown) {
  return OpenWith(path, shown, O_NOFOLLOW, /*only_name=*/true);
}

absl::StatusOr<InputFile> InputFile::OpenWith(const std::string& path, const std::string& shown,
                                              int flags, bool only_name) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
  if (descriptor < 0) return ErrnoStatus(errno, shown, "open");
  struct stat info;
  if (::fstat(descriptor, &info) != 0) {
    const int error = errno;
    ::close(descriptor);
    return ErrnoStatus(error, shown, "examine");
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(descriptor);
    return absl::InvalidArgumentError(
        absl::StrCat(shown, ": expected a regular file, found ",
                     S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe"));
  }
  if (only_name && info.st_nlink > 1) {
    ::close(descriptor);
    return absl::InvalidArgumentError(absl::StrCat(
        shown, ": expected a file with one name, found one with ", info.st_nlink, " (hard links)"));
  }
  return InputFile(shown, descriptor, static_cast<uint64_t>(info.st_size));
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool InputFile::OnlyOwnerWrites() const {
  struct stat info;
  return ::fstat(descriptor_, &info) == 0 && (info.st_uid == ::geteuid() || info.st_uid == 0) &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

absl::Status InputFile::ReadAt(uint64_t offset, absl::Span<char> out) const {
  size_t done = 0;
  while (done < out.size()) {
    // One call moves at most about 2 GiB on Linux, so large reads take several.
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, path_, absl::StrCat("read at byte ", offset + done));
    }
    if (got == 0) {
      return absl::DataLossError(
          absl::StrFormat("%s: byte %d: expected %d more bytes, found the end of the file", path_,
                          offset + done, out.size() - done));
    }
    done += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t max_bytes) {
  ABSL_ASSIGN_OR_RETURN(const InputFile file, InputFile::Open(path));
  return ReadFile(file, max_bytes);
}

absl::StatusOr<std::string> ReadFile(const InputFile& file, uint64_t max_bytes) {
  if (file.size() > max_bytes) {
    return absl::ResourceExhaustedError(absl::StrFormat("%s: expected at most %d bytes, found %d",
                                                        file.path(), max_bytes, file.size()));
  }
  std::string contents(file.size(), '\0');
  ABSL_RETURN_IF_ERROR(file.ReadAt(0, absl::MakeSpan(contents)));
  return contents;
}

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const InputFile file, InputFile::Open(path));
  return Map(file);
}

absl::StatusOr<MappedFile> MappedFile::Map(const InputFile& file) {
  struct stat info;
  if (::fstat(file.descriptor(), &info) != 0) return ErrnoStatus(errno, file.path(), "examine");
  if (static_cast<uint64_t>(info.st_size) != file.size()) {
    return absl::DataLossError(absl::StrCat(file.path(), ": expected ", file.size(),
                                            " bytes, found ", info.st_size,
                                            ": changed while it was read"));
  }
  if (file.size() == 0) return MappedFile(file.path(), nullptr, 0);
  void* data = ::mmap(nullptr, file.size(), PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, file.path(), "map");
  return MappedFile(file.path(), static_cast<const char*>(data), file.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

absl::Status ExpectFolder(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a folder, found a file"));
  }
  const int error = errno;
  if (error == ENOENT && PathExists(path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a folder, found a link that leads nowhere"));
  }
  if (error == ENOENT) return absl::NotFoundError(absl::StrCat(path, ": no such folder"));
  return ErrnoStatus(error, path, "open the folder");
}

bool PathExists(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

bool IsFolder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  while (folder.size() > 1 && folder.back() == '/') folder.remove_suffix(1);
  return absl::StrCat(folder, folder == "/" ? "" : "/", name);
}

}  // namespace graft
