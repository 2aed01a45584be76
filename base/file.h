// Reading files that come from outside.
#ifndef GRAFT_BASE_FILE_H_
#define GRAFT_BASE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace graft {

// A regular file opened for reading. The descriptor is checked, not the name, so the file cannot
// change kind between the check and the reads. Move-only. Const methods are thread-safe.
class InputFile {
 public:
  // NotFound when there is no such file, InvalidArgument for a folder, pipe or device, else the
  // system's error.
  static absl::StatusOr<InputFile> Open(const std::string& path);
  // The same for a file that is not a link (FailedPrecondition) and has no other name
  // (InvalidArgument): one whose name a stranger gave.
  static absl::StatusOr<InputFile> OpenOnly(const std::string& path);
  // The same under the name `shown`, which path() and messages then have.
  static absl::StatusOr<InputFile> OpenOnly(const std::string& path, const std::string& shown);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  const std::string& path() const { return path_; }
  // Size in bytes when the file was opened.
  uint64_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

  // True while nobody can write to the file but its owner, and this is the user of the process or
  // the superuser.
  bool OnlyOwnerWrites() const;

  // Fills `out` from byte `offset` on. DataLoss with the offset when the file ends before.
  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const;

 private:
  static absl::StatusOr<InputFile> OpenWith(const std::string& path, const std::string& shown,
                                            int flags, bool only_name);
  InputFile(std::string path, int descriptor, uint64_t size)
      : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

  std::string path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

// The whole file. ResourceExhausted when it is larger than `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t max_bytes);
absl::StatusOr<std::string> ReadFile(const InputFile& file, uint64_t max_bytes);

// A file mapped read-only, shared between processes. Only for files that graft wrote: a foreign
// file that shrinks or is rewritten while it is mapped kills the reader or changes under it.
class MappedFile {
 public:
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  // The file that was opened, whatever has its name now. DataLoss when its size has changed since.
  static absl::StatusOr<MappedFile> Map(const InputFile& file);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::string& path() const { return path_; }
  absl::Span<const char> bytes() const { return {data_, size_}; }

 private:
  MappedFile(std::string path, const char* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  const char* data_ = nullptr;
  size_t size_ = 0;
};

// Ok when the name is a folder, or a link to one. NotFound when there is nothing, else what is
// there or the system's error.
absl::Status ExpectFolder(const std::string& path);

// True when something (file, folder, anything) has this name.
bool PathExists(const std::string& path);
// True when the name is a folder.
bool IsFolder(const std::string& path);

// `folder` and `name` joined by one slash.
std::string JoinPath(std::string_view folder, std::string_view name);

// A Status for the errno of a failed system call on `path`: "PATH: cannot ACTION: reason".
// NotFound, AlreadyExists, ResourceExhausted (disk or descriptors used up) and FailedPrecondition
// keep their meaning, the rest is Internal.
absl::Status ErrnoStatus(int error, std::string_view path, std::string_view action);

}  // namespace graft

#endif  // GRAFT_BASE_FILE_H_
