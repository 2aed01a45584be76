// Tables of LevelDB, as TensorFlow writes the index of a checkpoint: keys and values, ascending by
// key, in blocks with check sums
// (https://github.com/google/leveldb/blob/main/doc/table_format.md). Internal: not part of the
// installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_LEVELDB_TABLE_H_
#define GRAFT_MODELS_WEIGHTS_LEVELDB_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/wire_format.h"

namespace graft {

struct TableLimits {
  size_t entries;
  size_t key_bytes;
  // Of all keys together: a key that shares its front with the one before takes few bytes of the
  // file, and all of its own in memory.
  size_t all_key_bytes = SIZE_MAX;
};

struct TableEntry {
  std::string key;   // blocks store it without what it shares with the key before
  FileBytes value;   // part of the file's bytes
  size_t begin = 0;  // of the entry in the file
};

// The entries of a table. `bytes` is the whole file and outlives them; `path` names it in messages.
// DataLoss: no footer, wrong sums, compressed blocks, blocks outside the file or not one behind the
// other, entries outside their block, restarts that are none, keys that do not ascend strictly or
// contradict the index block, more or longer keys than `limits` allows, or more bytes of keys.
absl::StatusOr<std::vector<TableEntry>> ReadLevelDbTable(std::string_view bytes,
                                                         const std::string& path,
                                                         TableLimits limits);

// The CRC-32C of a stored number: LevelDB and TensorFlow store sums turned and moved, because the
// sum of bytes with their own sum among them says little.
uint32_t UnmaskCrc32c(uint32_t masked);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_LEVELDB_TABLE_H_
