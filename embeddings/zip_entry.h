// One file in a zip archive. Internal: not part of the installed headers.
//
// Format: APPNOTE.TXT of PKWARE, 6.3.10, sections 4.3 to 4.5, with zip64. The archives in which
// word vectors are published are ordinary ones, so unlike for PyTorch's
// (models/weights/zip_directory.h) comments, folders and what stands between the entries are
// accepted.
#ifndef GRAFT_EMBEDDINGS_ZIP_ENTRY_H_
#define GRAFT_EMBEDDINGS_ZIP_ENTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file.h"

namespace graft {

struct PackedEntry {
  std::string name;
  uint16_t method = 0;  // 0 stored, 8 deflate
  uint32_t crc = 0;
  uint64_t packed = 0;  // bytes in the archive
  uint64_t size = 0;    // bytes unpacked
  uint64_t header = 0;  // place of the local header
};

// The files, without folders, in the order of the directory. DataLoss for what is no zip archive,
// more than 65,536 entries, encryption, and archives in several parts.
absl::StatusOr<std::vector<PackedEntry>> ListZipEntries(const InputFile& file);

// Where the entry's bytes begin; they end in the file. DataLoss otherwise, and for methods other
// than 0 and 8.
absl::StatusOr<uint64_t> FindZipData(const InputFile& file, const PackedEntry& entry);

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_ZIP_ENTRY_H_
