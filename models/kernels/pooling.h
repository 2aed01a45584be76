// From one vector a token to one vector a text.
#ifndef GRAFT_MODELS_KERNELS_POOLING_H_
#define GRAFT_MODELS_KERNELS_POOLING_H_

#include <ATen/core/Tensor.h>

#include "models/kernels/segments.h"

namespace graft {

enum class Pooling {
  kCls,
  kMean,
  kMax,
  kLast
};  // first token, mean, maximum of each component, last token

// hidden [R, H] -> [B, H]. Texts have at least one token. Differentiable (the maximum's gradient
// goes to the first token that has it).
at::Tensor Pool(const at::Tensor& hidden, const Segments& segments, Pooling pooling);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_POOLING_H_
