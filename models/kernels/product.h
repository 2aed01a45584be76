// The matrix product under Linear().
#ifndef GRAFT_MODELS_KERNELS_PRODUCT_H_
#define GRAFT_MODELS_KERNELS_PRODUCT_H_

#include <ATen/core/Tensor.h>

namespace graft {

// a [I, K] times b [K, J]: [I, J], float32 on the CPU. Either may be a transposed view: one of its
// strides is 1, else it is copied. On a processor with AVX2 a result is a sum of fused
// multiply-adds in a fixed order over K, so it has the same bits whatever the other rows and
// columns are and however many threads share the work. Records no gradients.
at::Tensor MatrixProduct(const at::Tensor& a, const at::Tensor& b);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_PRODUCT_H_
