// The one matrix product of all models.
#ifndef GRAFT_MODELS_KERNELS_LINEAR_H_
#define GRAFT_MODELS_KERNELS_LINEAR_H_

#include <ATen/core/Tensor.h>

namespace graft {

// x [R, K] times weight [M, K] transposed, plus bias [M] when it is defined: [R, M]. float32. The
// product is computed on a row count rounded up to kRowMultiple, so that the bits of a row do not
// depend on the other rows (MKL of LibTorch 2.11). Differentiable in all three; the gradients too
// are computed on rounded row counts.
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_LINEAR_H_
