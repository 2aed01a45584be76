// model.safetensors.index.json and pytorch_model.bin.index.json. Internal: not part of the
// installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_SHARD_INDEX_H_
#define GRAFT_MODELS_WEIGHTS_SHARD_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file.h"

namespace graft {

inline constexpr size_t kMaxShards = 1'024;
// A name of 200 bytes and a file for each of 65,536 tensors.
inline constexpr uint64_t kMaxShardIndexBytes = 16'000'000;

struct ShardIndex {
  std::vector<std::string> files;                   // each once
  std::vector<std::pair<std::string, size_t>> map;  // tensor, number of its file
};

// DataLoss or InvalidArgument with the place for what is no index: names of files that are not
// plain names (OpenShard), more than 1,024 files or 65,536 tensors; ResourceExhausted for more than
// 16 MB.
absl::StatusOr<ShardIndex> ReadShardIndex(const InputFile& file);

// Opens a file whose name a file of `folder` gives. It must be a plain name: not empty, no '/', '\'
// or NUL, not "." or "..". What has this name must be a regular file with no other name: no link,
// but those of Hugging Face's cache, from snapshots/REVISION or a folder in it to blobs/HASH, and
// no hard link. InvalidArgument otherwise. In messages the file has the shard's name.
absl::StatusOr<InputFile> OpenShard(const std::string& folder, const std::string& name);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_SHARD_INDEX_H_
