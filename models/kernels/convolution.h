// Convolutions over the tokens of a text, and the largest value that each filter finds (Kim 2014,
// "Convolutional Neural Networks for Sentence Classification", arXiv 1408.5882).
#ifndef GRAFT_MODELS_KERNELS_CONVOLUTION_H_
#define GRAFT_MODELS_KERNELS_CONVOLUTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/kernels/segments.h"

namespace graft {

// F filters of each of some widths.
struct ConvolutionShape {
  int64_t filters = 0;
  std::vector<int64_t> widths;

  // Of the products: filters * sum of widths. Width w has the columns from ColumnsBefore on: F for
  // the first token of a window, F for the second, ...
  int64_t columns() const;
  int64_t outputs() const { return filters * static_cast<int64_t>(widths.size()); }
};

// max over the windows of relu(bias + sum over the tokens of a window): [B, outputs]. `products`
// [R, columns] are those of each token with the weights of each place in a window; bias [outputs].
// Windows reach width - 1 tokens beyond both ends of a text, where the products are 0 (as
// conv1d(padding=width - 1) does), so every text has one. Differentiable in both; a maximum's
// gradient goes to the first window that has it. A text's bits do not depend on the others.
at::Tensor MaxOverWindows(const at::Tensor& products, const at::Tensor& bias,
                          const ConvolutionShape& shape, const Segments& segments);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_CONVOLUTION_H_
