// Multi-head self-attention over packed texts (Vaswani et al. 2017, arXiv 1706.03762).
#ifndef GRAFT_MODELS_KERNELS_ATTENTION_H_
#define GRAFT_MODELS_KERNELS_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <limits>

#include "models/kernels/dropout.h"
#include "models/kernels/segments.h"

namespace graft {

struct AttentionOptions {
  static constexpr int64_t kAll = std::numeric_limits<int32_t>::max();
  double scale = 0;
  int64_t before = kAll;
  int64_t after = kAll;
  at::Tensor scores;
  at::Tensor keys;
  at::Tensor queries;
};

// qkv [R, 3H] holds queries, keys and values side by side, bias [3H] is added to it. For every text
// and every one of the A heads of width d = H / A: softmax(q k^T / sqrt(d)) v, with dropout on the
// softmax when `dropout` is active (element (a, i, j) of a text of T tokens counts as (a * T + i) *
// T + j). Result [R, H]; rows that belong to no text are zero. A text attends to itself alone: cost
// is the sum of T^2, and no mask exists. Differentiable in qkv and bias; the gradient of
// the keys' bias is zero, as it is in exact arithmetic. float32.
at::Tensor Attention(const at::Tensor& qkv, const at::Tensor& bias, const Segments& segments,
                     int64_t heads, const AttentionOptions& options, const DropoutKey& dropout);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ATTENTION_H_
