// How the tensors of a checkpoint lie in the tensors that the mathematics uses.
#ifndef GRAFT_MODELS_WEIGHTS_LAYOUT_H_
#define GRAFT_MODELS_WEIGHTS_LAYOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace graft {

// A tensor of a checkpoint: published name and shape.
struct PartLayout {
  std::string name;
  std::vector<int64_t> shape;
  std::string other_name = {};  // under which some checkpoints have it; may be empty
  // Names of tensors with equal shares of its rows, in order, which others have in its place.
  std::vector<std::string> pieces = {};
};

// One tensor in memory: its parts stacked along dimension 0 (query, key and value weights make one
// [3H, H] matrix).
struct SlotLayout {
  std::vector<PartLayout> parts;

  // Shape of the whole: that of the first part, with the rows of all.
  std::vector<int64_t> shape() const;
};

// A named view into a slot's tensor.
struct NamedTensor {
  std::string name;
  at::Tensor value;
};

// The parts of `slots` as views of `tensors`, which has one tensor a slot.
std::vector<NamedTensor> NamedParts(const std::vector<SlotLayout>& slots,
                                    const std::vector<at::Tensor>& tensors);

// Number of elements of all slots.
int64_t CountParameters(const std::vector<SlotLayout>& slots);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_LAYOUT_H_
