// Writing files so that a finished file is never half-written: temp + fsync + rename + fsync of the
// folder.
#ifndef GRAFT_BASE_DURABLE_H_
#define GRAFT_BASE_DURABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graft {

// A file that appears under its name only when it is complete. Bytes go to a temporary file beside
// the target (".NAME.graft-tmp-PID-N"); Commit() makes them durable and renames. Destroyed without
// Commit: the temporary is removed and nothing has changed. After an error the file can only be
// destroyed; fsync is never tried twice. The new file has the mode of the one that it replaces,
// else 0666 under the umask. A symbolic link under the name stays: what it points to is replaced.
// Move-only, one thread.
class DurableFile {
 public:
  // Also removes temporaries of this target that processes left behind which are no more (a lock
  // on the temporary tells). AlreadyExists when a folder, device or pipe has the name.
  static absl::StatusOr<DurableFile> Create(const std::string& path);

  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&& other) noexcept;
  ~DurableFile();

  absl::Status Append(std::string_view bytes);
  // Writes over bytes that were appended before, all of them: for a header that is known last.
  absl::Status WriteOver(uint64_t offset, std::string_view bytes);
  // After an error the target is what it was, or already the whole new file when it is only the
  // last step, the sync of the folder, that failed; the message says which.
  absl::Status Commit();
  // Bytes appended.
  uint64_t size() const { return size_; }

 private:
  DurableFile(std::string path, std::string temporary, int descriptor);
  absl::Status Flush();

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
  bool failed_ = false;
  std::string buffer_;
};

// One whole file.
absl::Status WriteFileDurably(const std::string& path, std::string_view contents);

// A folder that appears under its name only when it is complete: files are written below path(), a
// temporary folder beside the target (".NAME.graft-tmp-PID-N"), and Commit() syncs every file and
// folder below it and renames. A folder of that name that is there already is refused by Create
// (AlreadyExists) unless `replace`, or unless it is empty; with `replace` the old folder is
// exchanged with the new one in one step (renameat2 EXCHANGE) and then removed, so that a reader
// always finds one of the two whole. Where the file system knows no exchange (NFS, some FUSE), the
// old folder is renamed to ".NAME.graft-old-PID-N" before the new one gets the name: for that
// moment a reader finds none, and a process that ends then leaves it so, until the next Create of
// this target, which first puts the old folder back. The new folder has the mode of the one that it
// replaces, else 0777 under the umask. Destroyed without Commit: the temporary is removed. Symbolic
// links and stale temporaries as for DurableFile. Move-only, one thread.
class DurableFolder {
 public:
  static absl::StatusOr<DurableFolder> Create(const std::string& path, bool replace);

  DurableFolder(DurableFolder&& other) noexcept;
  DurableFolder& operator=(DurableFolder&& other) noexcept;
  ~DurableFolder();

  // Where to write the files.
  const std::string& path() const { return temporary_; }
  // The name it will have.
  const std::string& target() const { return target_; }
  // Once. After an error the target is what it was, or already the whole new folder when the sync
  // of the folder around it or the removal of the old one failed; the message says which, and where
  // the old one is.
  absl::Status Commit();

 private:
  DurableFolder(std::string target, std::string temporary, int descriptor, bool replace);

  std::string target_;
  std::string temporary_;
  int descriptor_ = -1;  // holds the lock on the temporary
  bool replace_ = false;
  bool committed_ = false;
};

// For the message of a reader that finds nothing of this name: the old folder of a replacement that
// was interrupted where folders cannot be exchanged (DurableFolder); nullopt in all other cases.
std::optional<std::string> FindInterruptedReplacement(const std::string& path);

// Gives that folder its name back; nothing to do in all other cases. DurableFolder::Create does so
// by itself: for callers who look at what is there before they say whether it may be replaced.
absl::Status PutBackInterruptedReplacement(const std::string& path);

}  // namespace graft

#endif  // GRAFT_BASE_DURABLE_H_
