#include "embeddings/file_bytes.h"

#include <utility>

#include "absl/status/status_macros.h"
#include "embeddings/growing_memory.h"

namespace graft {

absl::StatusOr<OwnedBytes> MapOrRead(const InputFile& file) {
  if (file.OnlyOwnerWrites() && file.size() > 0) {
    ABSL_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::Map(file));
    const auto owner = std::make_shared<const MappedFile>(std::move(mapped));
    return OwnedBytes{owner->bytes(), owner, true};
  }
  ABSL_ASSIGN_OR_RETURN(GrowingMemory memory, GrowingMemory::Reserve(file.size(), file.path()));
  ABSL_RETURN_IF_ERROR(memory.Grow(file.size()));
  const absl::Span<char> bytes(reinterpret_cast<char*>(memory.data()), file.size());
  ABSL_RETURN_IF_ERROR(file.ReadAt(0, bytes));
  return OwnedBytes{bytes, std::make_shared<const GrowingMemory>(std::move(memory)), false};
}

}  // namespace graft
