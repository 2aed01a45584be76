// The directory of a zip archive whose entries are stored as they are. Internal: not part of the
// installed headers.
//
// Format: APPNOTE.TXT of PKWARE, 6.3.10, sections 4.3 to 4.5.
#ifndef GRAFT_MODELS_WEIGHTS_ZIP_DIRECTORY_H_
#define GRAFT_MODELS_WEIGHTS_ZIP_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/file.h"
#include "models/weights/weight_table.h"

namespace graft {

// One storage for each tensor, and what torch.save writes beside them.
inline constexpr size_t kMaxZipEntries = kMaxTensors + 64;
inline constexpr uint64_t kMaxZipDirectory = uint64_t{32} << 20;  // bytes

struct ZipEntry {
  std::string name;
  uint64_t begin = 0;  // its bytes in the file; PlaceZipEntries fills both
  uint64_t end = 0;
  uint32_t crc = 0;  // CRC-32, not compared with the bytes
  // As the directory has them.
  uint16_t flags = 0;
  uint16_t method = 0;
  uint64_t packed = 0;
  uint64_t size = 0;
  uint64_t header = 0;  // offset of the local header
};

// With zip64 or without.
struct ZipDirectory {
  uint64_t begin = 0;  // in the file
  std::vector<ZipEntry> entries;
};

// Both are stricter than readers of zip archives are, so that every byte of the file has one
// meaning: local headers, entries, data descriptors, directory and end records follow each other
// from byte 0 to the end of the file with nothing between, names differ, and what a local header or
// descriptor says of an entry is what the directory says. DataLoss for all else, and for
// compression, encryption, archives of several files, more than kMaxZipEntries or kMaxZipDirectory.

// What the end of the file says.
absl::StatusOr<ZipDirectory> ReadZipDirectory(const InputFile& file);

// Checks the entries in the file, and fills begin and end.
absl::Status PlaceZipEntries(const InputFile& file, ZipDirectory& directory);

// A name from an archive as it stands in messages, without quotes: "archive/data/0".
std::string ShownName(std::string_view name);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_ZIP_DIRECTORY_H_
