// The activation functions that graft computes.
#ifndef GRAFT_MODELS_KERNELS_ACTIVATION_KIND_H_
#define GRAFT_MODELS_KERNELS_ACTIVATION_KIND_H_

namespace graft {

enum class Activation {
  kIdentity,
  kGelu,       // v Phi(v), by the error function (Hendrycks and Gimpel 2016, arXiv 1606.08415)
  kGeluTanh,   // its approximation 0.5 v (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3)))
  kQuickGelu,  // v sigmoid(1.702 v)
  kSilu,       // v sigmoid(v)
  kRelu,
  kTanh,
  kSigmoid,
};

// Which half of its argument a gated linear unit activates.
enum class GatedHalf { kFirst, kSecond };

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_ACTIVATION_KIND_H_
