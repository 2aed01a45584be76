#include "base/code_path.h"

#include <gtest/gtest.h>

#include <vector>

#include "models/kernels/loops.h"

namespace graft {
namespace {

// Runs the loop of each *_simd.cc file in its two forms: results must be equal to the last bit.
TEST(CodePathTest, ThePlainPathRunsThePlainLoops) {
  constexpr int64_t kRows = 5, kWidth = 48;
  std::vector<float> x(kRows * kWidth), bias(kWidth);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 101) / 50.0f - 1.0f;
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i * 13 % 17) / 17.0f;
  ForceCodePath(CodePath::kPlain);
  std::vector<float> plain(x.size()), dispatched(x.size());

  plain::BiasActivation(Activation::kGelu, x.data(), bias.data(), kRows, kWidth, plain.data());
  simd::BiasActivation(Activation::kGelu, x.data(), bias.data(), kRows, kWidth, dispatched.data());
  EXPECT_EQ(plain, dispatched);

  const NormParameters norm = {
      .gamma = bias.data(), .beta = x.data(), .epsilon = 1e-6f, .width = kWidth};
  plain::NormRow(norm, x.data(), nullptr, nullptr, nullptr, plain.data(), nullptr, nullptr);
  simd::NormRow(norm, x.data(), nullptr, nullptr, nullptr, dispatched.data(), nullptr, nullptr);
  EXPECT_EQ(plain, dispatched);

  const MatrixView left = {x.data(), kWidth, 1}, right = {x.data(), 1, kWidth};
  const ProductShape shape = {.rows = kRows, .depth = kWidth, .columns = kRows};
  std::vector<float> scratch(static_cast<size_t>(ProductScratch(kWidth)) + 16);
  const size_t unaligned = reinterpret_cast<uintptr_t>(scratch.data()) % 64 / sizeof(float);
  float* const aligned = scratch.data() + (16 - unaligned) % 16;
  plain::Product(left, right, shape, aligned, plain.data(), kRows, 1);
  simd::Product(left, right, shape, aligned, dispatched.data(), kRows, 1);
  EXPECT_EQ(plain, dispatched);

  EXPECT_EQ(plain::SumOfSquares(x.data(), kRows * kWidth),
            simd::SumOfSquares(x.data(), kRows * kWidth));
  ForceCodePath(SupportedCodePaths().back());
}

}  // namespace
}  // namespace graft
