// Multi-head self-attention over packed texts (Vaswani et al. 2017, arXiv 1706.03762).
#ifndef GRAFT_MODELS_KERNELS_ATTENTION_H_
#define GRAFT_MODELS_KERNELS_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>

#include "models/kernels/dropout.h"
#include "models/kernels/segments.h"

namespace graft {

// What makes the scores beside the products of queries and keys, and which keys a query sees.
struct AttentionOptions {
  static constexpr int64_t kAll = std::numeric_limits<int32_t>::max();

  double scale = 0;  // of the products; 0: 1 / sqrt(d)

  // The window of a query i (Beltagy et al. 2020, arXiv 2004.05150): the keys i - before to i +
  // after of its text. A causal model has after = 0.
  int64_t before = kAll;
  int64_t after = kAll;

  // Tables by distance (Shaw et al. 2018, arXiv 1803.02155), float32; undefined: none. Key j lies
  // at distance j - i from query i. Of 2M - 1 rows (columns), M >= segments.longest, the middle
  // one, M - 1, belongs to distance 0. Those beyond the longest text or the window are not read,
  // and their gradient is zero.
  //
  // Added to the scores of each head: [A, 2M - 1] (Raffel et al. 2020, arXiv 1910.10683; Song et
  // al. 2020, arXiv 2004.09297, whose buckets the caller lays out by distance).
  at::Tensor scores = {};
  // Disentangled attention (He et al. 2021, arXiv 2006.03654), [2M - 1, H]: adds scale * q_i .
  // keys[j - i], "content to position", and scale * queries[j - i] . k_j, "position to content".
  at::Tensor keys = {};
  at::Tensor queries = {};
};

// qkv [R, 3H] holds queries, keys and values side by side, bias [3H] is added to it (undefined:
// none). For every text and every one of the A heads of width d = H / A: softmax(scale * q k^T +
// what the tables add) v over the keys that a query sees, with dropout on the softmax when
// `dropout` is active (element (a, i, j) of a text of T tokens counts as (a * T + i) * T + j).
// Result [R, H]; rows that belong to no text are zero. A text attends to itself alone: cost is the
// sum of T * min(T, before + 1 + after), and no mask exists. Differentiable in qkv, bias and the
// tables; without options.queries the gradient of the keys' bias is zero, as it is in exact
// arithmetic. float32.
at::Tensor Attention(const at::Tensor& qkv, const at::Tensor& bias, const Segments& segments,
                     int64_t heads, const AttentionOptions& options, const DropoutKey& dropout);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ATTENTION_H_
