// model.safetensors.index.json and pytorch_model.bin.index.json. Internal: not part of the
// installed headers.
#ifndef GRAFT_MODELS_WEIGHTS_SHARD_INDEX_H_
#define GRAFT_MODELS_WEIGHTS_SHARD_INDEX_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file.h"

namespace graft {

inline constexpr size_t kMaxShards = 1'024;

struct ShardIndex {
  std::vector<std::string> files;                   // each once
  std::vector<std::pair<std::string, size_t>> map;  // tensor, number of its file
};

// DataLoss or InvalidArgument with the place for what is no index: names of files that are not
// plain names (OpenShard), more than 1,024 files.
absl::StatusOr<ShardIndex> ReadShardIndex(const std::string& path);

// Opens a file whose name a file of `folder` gives. It must be a plain name: not empty, no '/', '\'
// or NUL, not "." or "..". What has this name must be a regular file with no other name: no link,
// but those of Hugging Face's cache, from snapshots/REVISION to ../../blobs/HASH, and no hard link.
// InvalidArgument otherwise.
absl::StatusOr<InputFile> OpenShard(const std::string& folder, const std::string& name);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_SHARD_INDEX_H_
