// Layer normalisation (Ba et al. 2016, arXiv 1607.06450) and what stands before it in an encoder.
#ifndef GRAFT_MODELS_KERNELS_NORMALIZATION_H_
#define GRAFT_MODELS_KERNELS_NORMALIZATION_H_

#include <ATen/core/Tensor.h>

#include "models/kernels/dropout.h"
#include "models/kernels/segments.h"

namespace graft {

// (x - mean) / sqrt(variance + eps) * gamma + beta over the last dimension; variance is the biased
// one. x [R, H], gamma and beta [H]; an undefined beta is 0. Differentiable in all three. Mean and
// variance are taken in two passes.
at::Tensor LayerNorm(const at::Tensor& x, const at::Tensor& gamma, const at::Tensor& beta,
                     double eps);

// LayerNorm(residual + dropout(x + bias)): the end of a sublayer of a post-norm encoder. x and
// residual [R, H], bias [H]. Differentiable in x, bias, residual, gamma, beta. Consumes x: without
// gradient recording the result may be x's own memory.
at::Tensor ResidualLayerNorm(at::Tensor x, const at::Tensor& bias, const at::Tensor& residual,
                             const at::Tensor& gamma, const at::Tensor& beta, double eps,
                             const Segments& segments, const DropoutKey& dropout);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_NORMALIZATION_H_
