// Weights of any format as safetensors.
#ifndef GRAFT_MODELS_WEIGHTS_CONVERT_WEIGHTS_H_
#define GRAFT_MODELS_WEIGHTS_CONVERT_WEIGHTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/weights/dtype.h"
#include "models/weights/weight_files.h"

namespace graft {

struct WeightConversion {
  // The floating-point type of the result, kF32, kF16 or kBF16: rounded to nearest, ties to even.
  // Without one, and for other tensors, every tensor keeps its type.
  std::optional<DType> dtype = std::nullopt;
  // Bytes of tensors in a file; a larger tensor has a file of its own.
  uint64_t max_shard_bytes = 2'000'000'000;
  // Names of tensors that come first, in this order.
  std::vector<std::string> first = {};
};

struct ConvertedWeights {
  std::vector<std::string> files;  // names in the folder
  size_t tensors = 0;
  uint64_t bytes = 0;  // of the tensors
  // Old names (LayerNorm.gamma) that were exchanged for today's.
  size_t renamed = 0;
};

// Writes model.safetensors into the folder, or model-00001-of-00003.safetensors and so on with
// model.safetensors.index.json. One tensor at a time is in memory, twice where its type changes.
// F64 is rounded once, from all its bits. Tensors that share their bytes are written each by
// itself. LayerNorm.gamma and .beta become .weight and .bias where these are not there.
// InvalidArgument, before anything is written, when that would be more than 1,024 files, or many
// times the bytes of the source (WeightFiles::CheckSharing); for a number that the type cannot hold
// (65,520 and more in F16), for float8 tensors with scales whose type would change
// (WeightFiles::CheckUnscaled); errors of reading and writing.
absl::StatusOr<ConvertedWeights> WriteConverted(const WeightFiles& weights,
                                                const WeightConversion& conversion,
                                                const std::string& folder);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_CONVERT_WEIGHTS_H_
