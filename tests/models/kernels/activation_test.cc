#include "models/kernels/activation.h"

#include <cmath>
#include <string>

#include "models/kernels/loops.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

struct Function {
  std::string name;
  Activation kind;
  // The definition, in LibTorch's operations.
  at::Tensor (*definition)(const at::Tensor& v);
};

const std::vector<Function>& Functions() {
  static const std::vector<Function> functions = {
      {"identity", Activation::kIdentity, [](const at::Tensor& v) { return v * 1; }},
      {"gelu", Activation::kGelu, [](const at::Tensor& v) { return at::gelu(v); }},
      {"gelu_tanh", Activation::kGeluTanh, [](const at::Tensor& v) { return at::gelu(v, "tanh"); }},
      {"quick_gelu", Activation::kQuickGelu,
       [](const at::Tensor& v) { return v * at::sigmoid(v * 1.702); }},
      {"silu", Activation::kSilu, [](const at::Tensor& v) { return at::silu(v); }},
      {"relu", Activation::kRelu, [](const at::Tensor& v) { return at::relu(v); }},
      {"tanh", Activation::kTanh, [](const at::Tensor& v) { return at::tanh(v); }},
      {"sigmoid", Activation::kSigmoid, [](const at::Tensor& v) { return at::sigmoid(v); }}};
  return functions;
}

// Everything between -12 and 12 in small steps, tiny and huge values.
at::Tensor Arguments() {
  std::vector<float> values = {0.0f,  -0.0f,  1e-30f, -1e-30f, 1e-7f, -1e-7f,
                               50.0f, -50.0f, 1e4f,   -1e4f,   1e12f, -1e12f};
  for (int i = -120000; i <= 120000; ++i) values.push_back(static_cast<float>(i) * 1e-4f);
  return at::tensor(values).view({1, -1});
}

template <typename Body>
void ForEveryFunction(const Body& body) {
  for (const Function& f : Functions()) {
    SCOPED_TRACE(f.name);
    body(f);
  }
}

TEST(BiasActivationTest, WithinTheContractOfDoublePrecisionEverywhere) {
  const at::Tensor v = Arguments(), bias = at::zeros({v.size(1)});
  OnEveryCodePath([&] {
    ForEveryFunction([&](const Function& f) {
      const at::Tensor exact = f.definition(v.to(at::kDouble));
      const at::Tensor error = BiasActivation(v.clone(), bias, f.kind).to(at::kDouble) - exact;
      EXPECT_LT((error.abs() / v.to(at::kDouble).abs().clamp_min(1)).max().item<double>(), 2e-7);
    });
  });
}

TEST(BiasActivationTest, TheSlopeIsWithinRoundingOfDoublePrecision) {
  OnEveryCodePath([&] {
    ForEveryFunction([&](const Function& f) {
      const at::Tensor v = Leaf(Arguments()), v64 = DoubleLeaf(v);
      BiasActivation(v, at::zeros({v.size(1)}), f.kind).sum().backward();
      f.definition(v64).sum().backward();
      EXPECT_TRUE(at::isfinite(v.grad()).all().item<bool>());
      EXPECT_LT(MaxDifference(v.grad(), v64.grad()), 4e-7);
    });
  });
}

TEST(BiasActivationTest, TheNegativeTailOfGeluKeepsItsRelativePrecision) {
  OnEveryCodePath([&] {
    for (float v : {-0.5f, -1.0f, -2.0f, -3.5f}) {
      float y;
      simd::BiasActivation(Activation::kGelu, &v, nullptr, 1, 1, &y);
      const double exact = v * 0.5 * std::erfc(-v / std::sqrt(2.0));
      // The plain loop forms 1 + erf(v), which cancels.
      const double tolerance = ActiveCodePath() == CodePath::kPlain ? 1e-7 : 2e-5;
      EXPECT_NEAR(y / exact, 1, tolerance) << v;
    }
  });
}

TEST(BiasActivationTest, GradientsEqualThoseOfLibTorchInDouble) {
  OnEveryCodePath([&] {
    ForEveryFunction([&](const Function& f) {
      for (int64_t width : {1, 7, 48, 385}) {
        const at::Tensor x = Leaf(Random({80, width}, 2)), bias = Leaf(Random({width}));
        const at::Tensor x64 = DoubleLeaf(x), bias64 = DoubleLeaf(bias);
        const at::Tensor weights = Random({80, width});
        const at::Tensor y = BiasActivation(x, bias, f.kind);
        const at::Tensor y64 = f.definition(x64 + bias64);
        y.backward(weights);
        y64.backward(weights.to(at::kDouble));
        EXPECT_LT(MaxDifference(y, y64), 2e-6);
        EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 4e-6);
        EXPECT_LT(MaxDifference(bias.grad(), bias64.grad()), 3e-5);
      }
    });
  });
}

TEST(GatedActivationTest, ValuesAndGradientsEqualThoseOfLibTorchInDouble) {
  OnEveryCodePath([&] {
    ForEveryFunction([&](const Function& f) {
      for (const auto& [width, biased] :
           {std::pair{1, true}, {7, false}, {96, true}, {130, false}}) {
        const at::Tensor x = Leaf(Random({80, 2 * width}, 2)), x64 = DoubleLeaf(x);
        const at::Tensor bias = Leaf(Random({2 * width})), bias64 = DoubleLeaf(bias);
        const at::Tensor weights = Random({80, width});
        const at::Tensor v64 = biased ? x64 + bias64 : x64;
        const at::Tensor y = GatedActivation(x, biased ? bias : at::Tensor(), f.kind);
        const at::Tensor y64 = f.definition(v64.narrow(1, 0, width)) * v64.narrow(1, width, width);
        y.backward(weights);
        y64.backward(weights.to(at::kDouble));
        EXPECT_LT(MaxDifference(y, y64), 5e-6);
        EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 1e-5);
        if (biased) EXPECT_LT(MaxDifference(bias.grad(), bias64.grad()), 1e-4);
      }
    });
  });
}

TEST(BiasActivationTest, BiasGradientHasTheSameBitsForEveryNumberOfThreads) {
  const at::Tensor x = Random({200, 96}), bias = Leaf(Random({96})), dy = Random({200, 48});
  at::Tensor first, first_gated;
  WithThreads([&] {
    bias.mutable_grad() = at::Tensor();
    BiasActivation(x, bias, Activation::kGelu).backward(at::cat({dy, dy}, 1));
    const at::Tensor whole = bias.grad().clone();
    bias.mutable_grad() = at::Tensor();
    GatedActivation(x, bias, Activation::kSilu).backward(dy);
    if (!first.defined()) {
      first = whole;
      first_gated = bias.grad().clone();
    }
    EXPECT_TRUE(SameBits(first, whole));
    EXPECT_TRUE(SameBits(first_gated, bias.grad()));
  });
}

TEST(BiasActivationTest, WithoutGradientsTheMemoryIsReused) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = Random({16, 32}), bias = Random({32});
  const void* memory = x.const_data_ptr();
  EXPECT_EQ(BiasActivation(x, bias, Activation::kGelu).const_data_ptr(), memory);
}

TEST(BiasActivationTest, WithGradientsTheInputStays) {
  const at::Tensor x = Random({16, 32}), before = x.clone(), bias = Leaf(Random({32}));
  BiasActivation(x, bias, Activation::kGelu);
  EXPECT_TRUE(SameBits(x, before));
}

TEST(BiasActivationTest, WithoutABiasNothingIsAdded) {
  OnEveryCodePath([&] {
    const at::Tensor x = Random({16, 33}), zero = at::zeros({33});
    EXPECT_TRUE(SameBits(BiasActivation(x.clone(), {}, Activation::kSilu),
                         BiasActivation(x.clone(), zero, Activation::kSilu)));
  });
}

TEST(GatedActivationTest, TheSecondHalfIsActivatedAsTheFirst) {
  OnEveryCodePath([&] {
    for (const int64_t width : {7, 96}) {
      const auto swapped = [&](const at::Tensor& x) { return x.roll(width, -1); };
      const at::Tensor x = Leaf(Random({80, 2 * width})), other = Leaf(swapped(x.detach()));
      const at::Tensor bias = Leaf(Random({2 * width})), other_bias = Leaf(swapped(bias.detach()));
      const at::Tensor dy = Random({80, width});
      const at::Tensor y = GatedActivation(x, bias, Activation::kGelu);
      const at::Tensor z =
          GatedActivation(other, other_bias, Activation::kGelu, GatedHalf::kSecond);
      y.backward(dy);
      z.backward(dy);
      EXPECT_TRUE(SameBits(y.detach(), z.detach()));
      EXPECT_TRUE(SameBits(swapped(x.grad()), other.grad()));
      EXPECT_TRUE(SameBits(swapped(bias.grad()), other_bias.grad()));
    }
  });
}

TEST(GatedActivationTest, AnOddWidthIsRefused) {
  EXPECT_THROW(GatedActivation(Random({2, 5}), {}, Activation::kGelu), c10::Error);
  EXPECT_THROW(GatedActivation(Random({2, 6}), Random({5}), Activation::kGelu), c10::Error);
}

}  // namespace
}  // namespace graft
