// Activation functions fused with the bias before them.
#ifndef GRAFT_MODELS_KERNELS_ACTIVATION_H_
#define GRAFT_MODELS_KERNELS_ACTIVATION_H_

#include <ATen/core/Tensor.h>

namespace graft {

// gelu(x + bias), x [R, M], bias [M]: BERT's own form, v * 0.5 * (1 + erf(v / sqrt 2)) (Hendrycks
// and Gimpel 2016, arXiv 1606.08415). Differentiable in both. Within 2e-7 * max(1, |v|) of double
// precision. Consumes x: without gradient recording the result may be x's own memory.
at::Tensor BiasGelu(at::Tensor x, const at::Tensor& bias);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ACTIVATION_H_
