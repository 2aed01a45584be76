// Where the texts of a packed batch lie.
#ifndef GRAFT_MODELS_KERNELS_SEGMENTS_H_
#define GRAFT_MODELS_KERNELS_SEGMENTS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace graft {

// Text b has the rows [starts[b], starts[b + 1]) of every [R, ...] tensor of its batch. R, the
// capacity, is at least the number of tokens N; the rows from N on hold finite values and belong to
// no text.
struct Segments {
  at::Tensor starts;    // int32 [B + 1], cumulative token counts
  at::Tensor text_ids;  // int32 [B], index of each text in its optimizer step: what keys dropout
  int64_t tokens = 0;   // N
  int64_t longest = 0;  // tokens of the longest text

  int64_t texts() const { return starts.size(0) - 1; }
};

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_SEGMENTS_H_
