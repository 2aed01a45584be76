// Dropout whose mask is a function of its place, not of the order of computation.
#ifndef GRAFT_MODELS_KERNELS_DROPOUT_H_
#define GRAFT_MODELS_KERNELS_DROPOUT_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "models/kernels/segments.h"

namespace graft {

// Names one dropout of one step. The mask of an element is Philox4x32-10 (Salmon et al., SC'11)
// with key = seed and counter = {element / 4 within the text, text_ids[b], site, step}, word
// element % 4; kept when word >= rate * 2^32. Kept elements are scaled by 1 / (1 - rate). The same
// however a step is split, and on every device.
struct DropoutKey {
  double rate = 0;  // 0 = no dropout
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t site = 0;  // stage * 256 + place within the stage

  bool active() const { return rate > 0; }
};

// One block of Philox4x32-10.
std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, uint64_t key);

// x [R, H] -> [R, H]: element (row, h) of a text counts as (row - start) * H + h. Rows outside the
// segments pass unchanged. Differentiable.
at::Tensor Dropout(const at::Tensor& x, const Segments& segments, const DropoutKey& key);

// x [B, H] -> [B, H], one row a text: element h of text b.
at::Tensor DropoutPerText(const at::Tensor& x, const Segments& segments, const DropoutKey& key);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_DROPOUT_H_
