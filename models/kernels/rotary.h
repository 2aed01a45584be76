// Rotary positions (Su et al. 2021, arXiv 2104.09864): queries and keys are turned by angles that
// grow with their positions, so that their products depend on distances alone.
#ifndef GRAFT_MODELS_KERNELS_ROTARY_H_
#define GRAFT_MODELS_KERNELS_ROTARY_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace graft {

// Cosines and sines, float32 [P, r / 2]: a row a position, a column a pair.
struct RotaryTables {
  at::Tensor cosine;
  at::Tensor sine;
};

// What the pairs of `width` r, which is even, turn by from one position to the next: theta^(-2c /
// r) / divisor for c < r / 2. float32, by the operations of transformers, so that long texts turn
// by the same angles.
at::Tensor RotaryFrequencies(double theta, double divisor, int64_t width);

// Of the angles p * frequencies[c], each rounded to float32, for 0 <= p < positions. A row does not
// depend on how many there are.
RotaryTables MakeRotaryTables(const at::Tensor& frequencies, int64_t positions);

// qkv [R, 3H] holds queries, keys and values of A heads of width d = H / A side by side, bias [3H]
// (undefined: none) is added to it. Then the pairs (c, c + r / 2), c < r / 2 <= d / 2, of each head
// of queries and keys turn by the angle of the row's position, int32 [R] below P; the rest passes.
// cosine and sine are RotaryTables. Differentiable in qkv and bias. Consumes qkv: without gradient
// recording the result may be its own memory.
at::Tensor Rotate(at::Tensor qkv, const at::Tensor& bias, const at::Tensor& positions,
                  const at::Tensor& cosine, const at::Tensor& sine, int64_t heads);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ROTARY_H_
