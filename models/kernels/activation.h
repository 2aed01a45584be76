// Activation functions fused with the bias before them.
#ifndef GRAFT_MODELS_KERNELS_ACTIVATION_H_
#define GRAFT_MODELS_KERNELS_ACTIVATION_H_

#include <ATen/core/Tensor.h>

#include "models/kernels/activation_kind.h"

namespace graft {

// f(x + bias), x [R, M], bias [M] or undefined. Differentiable in both. Within 2e-7 * max(1, |v|)
// of double precision. Consumes x: without gradient recording the result may be x's own memory.
at::Tensor BiasActivation(at::Tensor x, const at::Tensor& bias, Activation kind);

// f(a) * b for the halves a, b of x + bias, x [R, 2M], bias [2M] or undefined: [R, M], the gated
// linear unit (Shazeer 2020, arXiv 2002.05202). a is the half that `activated` names.
// Differentiable in both.
at::Tensor GatedActivation(const at::Tensor& x, const at::Tensor& bias, Activation kind,
                           GatedHalf activated = GatedHalf::kFirst);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ACTIVATION_H_
