// The bytes of a file that graft wrote. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_FILE_BYTES_H_
#define GRAFT_EMBEDDINGS_FILE_BYTES_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/file.h"

namespace graft {

struct OwnedBytes {
  absl::Span<const char> bytes;  // begins at a page
  std::shared_ptr<const void> owner;
  bool mapped = false;
};

// Maps the file while nobody but its owner can write to it, and reads it into memory otherwise.
absl::StatusOr<OwnedBytes> MapOrRead(const InputFile& file);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_FILE_BYTES_H_
