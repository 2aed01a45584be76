#include "models/kernels/activation.h"

#include <cmath>

#include "models/kernels/loops.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

double Cdf(double v) { return 0.5 * std::erfc(-v / std::sqrt(2.0)); }
double Density(double v) { return std::exp(-0.5 * v * v) / std::sqrt(2 * M_PI); }

// Everything between -12 and 12 in small steps, tiny and huge values.
std::vector<float> Arguments() {
  std::vector<float> values = {0.0f, -0.0f, 1e-30f, -1e-30f, 1e-7f, 50.0f, -50.0f, 1e30f, -1e30f};
  for (int i = -120000; i <= 120000; ++i) values.push_back(static_cast<float>(i) * 1e-4f);
  return values;
}

TEST(BiasGeluTest, WithinTheContractOfDoublePrecisionEverywhere) {
  const std::vector<float> v = Arguments();
  const int64_t width = static_cast<int64_t>(v.size());
  const std::vector<float> bias(v.size(), 0.0f);
  OnEveryCodePath([&] {
    std::vector<float> y(v.size());
    simd::BiasGelu(v.data(), bias.data(), 1, width, y.data());
    double worst = 0;
    for (size_t i = 0; i < v.size(); ++i) {
      const double error = std::abs(y[i] - v[i] * Cdf(v[i])) / std::max(1.0, std::abs(1.0 * v[i]));
      worst = std::max(worst, error);
    }
    EXPECT_LT(worst, 1e-7);
  });
}

TEST(BiasGeluTest, TheNegativeTailKeepsItsRelativePrecision) {
  OnEveryCodePath([&] {
    for (float v : {-0.5f, -1.0f, -2.0f, -3.5f}) {
      const float zero = 0;
      float y;
      simd::BiasGelu(&v, &zero, 1, 1, &y);
      const double exact = v * Cdf(v);
      // The plain loop forms 1 + erf(v), which cancels.
      const double tolerance = ActiveCodePath() == CodePath::kPlain ? 1e-7 : 2e-5;
      EXPECT_NEAR(y / exact, 1, tolerance) << v;
    }
  });
}

TEST(BiasGeluTest, TheSlopeIsWithinRoundingOfDoublePrecision) {
  const std::vector<float> v = Arguments();
  const std::vector<float> bias(v.size(), 0.0f), dy(v.size(), 1.0f);
  OnEveryCodePath([&] {
    std::vector<float> dx(v.size()), dbias(v.size(), 0.0f);
    simd::BiasGeluGradient(v.data(), bias.data(), dy.data(), 1, static_cast<int64_t>(v.size()),
                           dx.data(), dbias.data());
    for (size_t i = 0; i < v.size(); ++i) {
      const double slope = Cdf(v[i]) + v[i] * Density(v[i]);
      ASSERT_NEAR(dx[i], slope, 4e-7) << v[i];
      ASSERT_EQ(dbias[i], dx[i]);
    }
  });
}

TEST(BiasGeluTest, GradientsEqualThoseOfLibTorchInDouble) {
  OnEveryCodePath([&] {
    for (int64_t width : {1, 7, 48, 385}) {
      const at::Tensor x = Leaf(Random({80, width}, 2)), bias = Leaf(Random({width}));
      const at::Tensor x64 = DoubleLeaf(x), bias64 = DoubleLeaf(bias);
      const at::Tensor weights = Random({80, width});
      const at::Tensor y = BiasGelu(x, bias), y64 = at::gelu(x64 + bias64);
      y.backward(weights);
      y64.backward(weights.to(at::kDouble));
      EXPECT_LT(MaxDifference(y, y64), 1e-6);
      EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 3e-6);
      EXPECT_LT(MaxDifference(bias.grad(), bias64.grad()), 3e-5);
    }
  });
}

TEST(BiasGeluTest, BiasGradientHasTheSameBitsForEveryNumberOfThreads) {
  const at::Tensor x = Random({200, 96}), bias = Leaf(Random({96})), dy = Random({200, 96});
  at::Tensor first;
  WithThreads([&] {
    bias.mutable_grad() = at::Tensor();
    BiasGelu(x, bias).backward(dy);
    if (!first.defined()) first = bias.grad().clone();
    EXPECT_TRUE(SameBits(first, bias.grad()));
  });
}

TEST(BiasGeluTest, WithoutGradientsTheMemoryIsReused) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = Random({16, 32}), bias = Random({32});
  const void* memory = x.const_data_ptr();
  EXPECT_EQ(BiasGelu(x, bias).const_data_ptr(), memory);
}

TEST(BiasGeluTest, WithGradientsTheInputStays) {
  const at::Tensor x = Random({16, 32}), before = x.clone(), bias = Leaf(Random({32}));
  BiasGelu(x, bias);
  EXPECT_TRUE(SameBits(x, before));
}

}  // namespace
}  // namespace graft
