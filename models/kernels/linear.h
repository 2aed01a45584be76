// The one matrix product of all models.
#ifndef GRAFT_MODELS_KERNELS_LINEAR_H_
#define GRAFT_MODELS_KERNELS_LINEAR_H_

#include <ATen/core/Tensor.h>

namespace graft {

// x [R, K] times weight [M, K] transposed, plus bias [M] when it is defined: [R, M]. float32. The
// bits of a row depend neither on the other rows nor on the number of threads (see product.h).
// Differentiable in all three. The weight may be a transposed view.
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_LINEAR_H_
