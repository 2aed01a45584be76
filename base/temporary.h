// Temporary files and folders beside their target. Internal: not part of the installed headers.
#ifndef GRAFT_BASE_TEMPORARY_H_
#define GRAFT_BASE_TEMPORARY_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graft {

// A name to write to, split. A symbolic link is followed, so that what it points to is replaced and
// not the link.
struct WriteTarget {
  std::string path;    // as the caller gave it, for messages
  std::string folder;  // what holds the target
  std::string name;    // its last component
  // File type and permission bits of what has the name now; nullopt: nothing has.
  std::optional<mode_t> mode;

  std::string resolved() const;
};

// InvalidArgument for "" and for names that end in "." or ".."; FailedPrecondition for a symbolic
// link that points to nothing.
absl::StatusOr<WriteTarget> ResolveWriteTarget(const std::string& path);

// A new temporary of this process, locked (flock) as long as the descriptor is open: a lock that
// can be had tells that the owner is gone.
struct Temporary {
  std::string path;
  int descriptor;
};

absl::StatusOr<Temporary> CreateTemporaryFile(const WriteTarget& target);
absl::StatusOr<Temporary> CreateTemporaryFolder(const WriteTarget& target);

// Renames the folder that has the target's name to one beside it, ".NAME.graft-old-PID-N", locked
// as a temporary is: the first half of a replacement where two folders cannot be exchanged.
absl::StatusOr<Temporary> SetAside(const WriteTarget& target);

// The folder that a process set aside before it ended between the two halves: nothing has the
// target's name then. nullopt: there is none, or its owner still lives.
std::optional<std::string> FindSetAside(const WriteTarget& target);

// Removes temporaries of this target whose owner is gone and, when a folder has the name, likewise
// those that were set aside. Never fails: what cannot be removed stays.
void RemoveStaleTemporaries(const WriteTarget& target);

// Makes the entries of a folder durable. A file system that cannot sync folders (EINVAL) counts as
// one that need not.
absl::Status SyncFolder(const std::string& folder);

// Makes every file and folder below `folder`, and itself, durable. FailedPrecondition for pipes and
// devices; symbolic links are entries of their folder and not followed.
absl::Status SyncTree(const std::string& folder);

}  // namespace graft

#endif  // GRAFT_BASE_TEMPORARY_H_
