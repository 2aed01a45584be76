// From the weight file of a model folder to tensors in memory.
#ifndef GRAFT_MODELS_CHECKPOINT_H_
#define GRAFT_MODELS_CHECKPOINT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "models/weights_layout.h"

namespace graft {

struct LoadedTensors {
  std::vector<at::Tensor> tensors;  // float32, one a slot, in the order of the slots
  std::vector<std::string> unused;  // tensors of the file that no slot asked for
  uint64_t file_bytes = 0;
  bool mapped = false;  // true when the tensors lie in the mapped file
};

// Reads the slots from a safetensors file. Names are looked up as they are, with and without
// `prefix` ("bert."), and with the old names LayerNorm.gamma and LayerNorm.beta. Every name and
// shape is compared before anything is allocated: InvalidArgument lists what is missing and what
// has another shape. F32, F16, BF16 and F64 become float32. A file that graft wrote is mapped, so
// its tensors are read-only memory; another is copied. Thread-safe.
absl::StatusOr<LoadedTensors> LoadTensors(const std::string& path,
                                          absl::Span<const SlotLayout> slots,
                                          std::string_view prefix);

// Writes named float32 tensors in the given order (base/durable.h).
absl::Status SaveTensors(const std::string& path, absl::Span<const NamedTensor> tensors);

}  // namespace graft

#endif  // GRAFT_MODELS_CHECKPOINT_H_
