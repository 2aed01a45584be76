// From the weights of a model folder to tensors in memory.
#ifndef GRAFT_MODELS_CHECKPOINT_H_
#define GRAFT_MODELS_CHECKPOINT_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "models/weights/weight_files.h"
#include "models/weights_layout.h"

namespace graft {

struct EncoderFamily;

// The family's prefix of encoder tensors that names in these files begin with: of its two, the
// first one that does; the first where none does.
std::string_view PrefixIn(const WeightFiles& files, const EncoderFamily& family);

struct LoadedTensors {
  std::vector<at::Tensor> tensors;  // float32, one a slot, in the order of the slots
  std::vector<std::string> unused;  // tensors of the files that no slot asked for; sorted
  bool mapped = false;              // true when the tensors lie in mapped files
};

// What of the slots the files do not have as it should be.
struct TensorMismatch {
  std::vector<std::string> missing;      // names as the slots have them
  std::vector<std::string> other_shape;  // "NAME (expected [2, 3], found [3, 2])"
  // Of layers behind those of the slots: "layer.2.x", where the last slots are those of "layer.1.".
  std::vector<std::string> of_more_layers;
};
TensorMismatch CompareTensors(const WeightFiles& files, absl::Span<const SlotLayout> slots,
                              std::string_view prefix);

// The names that the files have for the slots' tensors, in the order of the slots: written so, they
// lie in a mapped file as they lie in memory. What is missing is left out.
std::vector<std::string> NamesInOrder(const WeightFiles& files, absl::Span<const SlotLayout> slots,
                                      std::string_view prefix);

// Reads the slots. Names are looked up as they are, with and without `prefix` ("bert."), and with
// the old names LayerNorm.gamma and LayerNorm.beta. Every name and shape is compared before
// anything is allocated: InvalidArgument lists what is missing, has another shape or belongs to
// layers behind the last. F32, F16, BF16, F64 and float8 become float32; float8 with a scale beside
// it is InvalidArgument (WeightFiles::CheckUnscaled). Files that graft wrote and that only their
// owner can write to (InputFile::OnlyOwnerWrites) are mapped, so their tensors are read-only
// memory; others are copied. Thread-safe.
absl::StatusOr<LoadedTensors> LoadTensors(const WeightFiles& files,
                                          absl::Span<const SlotLayout> slots,
                                          std::string_view prefix);

// Writes named float32 tensors in the given order (base/durable.h).
absl::Status SaveTensors(const std::string& path, absl::Span<const NamedTensor> tensors);

}  // namespace graft

#endif  // GRAFT_MODELS_CHECKPOINT_H_
