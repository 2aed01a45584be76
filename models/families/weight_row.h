// The weights of a stage whose slots hang on the config.
#ifndef GRAFT_MODELS_FAMILIES_WEIGHT_ROW_H_
#define GRAFT_MODELS_FAMILIES_WEIGHT_ROW_H_

#include <ATen/core/Tensor.h>

#include <vector>

namespace graft {

// Hands them out in the order of the slots.
class WeightRow {
 public:
  explicit WeightRow(const std::vector<at::Tensor>& weights) : next_(weights.begin()) {}

  // The next one; undefined, and nothing is taken, where the config has none.
  at::Tensor Take(bool there = true) { return there ? *next_++ : at::Tensor(); }

 private:
  std::vector<at::Tensor>::const_iterator next_;
};

}  // namespace graft

#endif  // GRAFT_MODELS_FAMILIES_WEIGHT_ROW_H_
