// What the tests of the kernels share.
#ifndef GRAFT_TESTS_MODELS_KERNELS_KERNEL_TEST_H_
#define GRAFT_TESTS_MODELS_KERNELS_KERNEL_TEST_H_

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "base/code_path.h"
#include "models/kernels/segments.h"

namespace graft {

// Texts of these lengths, one after another; text_ids 0, 1, ... unless given.
inline Segments MakeSegments(const std::vector<int>& lengths, std::vector<int> text_ids = {}) {
  std::vector<int> starts = {0};
  Segments segments;
  for (int length : lengths) {
    starts.push_back(starts.back() + length);
    segments.longest = std::max<int64_t>(segments.longest, length);
  }
  segments.tokens = starts.back();
  if (text_ids.empty()) {
    text_ids.resize(lengths.size());
    std::iota(text_ids.begin(), text_ids.end(), 0);
  }
  segments.starts = at::tensor(starts, at::kInt);
  segments.text_ids = at::tensor(text_ids, at::kInt);
  return segments;
}

inline at::Tensor Random(at::IntArrayRef sizes, double scale = 1) {
  return at::randn(sizes) * scale;
}

inline bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  return x.sizes() == y.sizes() &&
         std::memcmp(x.const_data_ptr(), y.const_data_ptr(), static_cast<size_t>(x.nbytes())) == 0;
}

inline double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  if (a.numel() == 0) return 0;
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

// A copy in double that records gradients.
inline at::Tensor DoubleLeaf(const at::Tensor& x) {
  return x.detach().to(at::kDouble).requires_grad_(true);
}

inline at::Tensor Leaf(const at::Tensor& x) { return x.detach().clone().requires_grad_(true); }

// Runs the body on every code path of this processor, and says in failures which one it was.
template <typename Body>
void OnEveryCodePath(const Body& body) {
  const CodePath before = ActiveCodePath();
  for (CodePath path : SupportedCodePaths()) {
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    ASSERT_EQ(ActiveCodePath(), path);
    at::manual_seed(7);
    body();
  }
  ForceCodePath(before);
}

// Runs the body with 1, 2 and 16 threads.
template <typename Body>
void WithThreads(const Body& body) {
  const int before = at::get_num_threads();
  for (int threads : {1, 2, 16}) {
    SCOPED_TRACE(threads);
    at::set_num_threads(threads);
    body();
  }
  at::set_num_threads(before);
}

}  // namespace graft

#endif  // GRAFT_TESTS_MODELS_KERNELS_KERNEL_TEST_H_
