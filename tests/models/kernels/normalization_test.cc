#include "models/kernels/normalization.h"

#include "models/kernels/loops.h"
#include "models/kernels/text_dropout.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

constexpr double kEps = 1e-12;

// The factors of a dropout as a tensor; 1 in the rows of no text.
at::Tensor Mask(at::IntArrayRef sizes, const Segments& segments, const DropoutKey& key) {
  return Dropout(at::ones(sizes), segments, key);
}

struct Leaves {
  at::Tensor x, bias, residual, gamma, beta;

  std::vector<at::Tensor> all() const { return {x, bias, residual, gamma, beta}; }
};

Leaves RandomLeaves(int64_t rows, int64_t width) {
  return {Leaf(Random({rows, width})), Leaf(Random({width})), Leaf(Random({rows, width}, 2)),
          Leaf(Random({width}) + 1), Leaf(Random({width}))};
}

void CompareWithDouble(const Leaves& leaves, const Segments& segments, const DropoutKey& key) {
  const at::Tensor y = ResidualLayerNorm(leaves.x, leaves.bias, leaves.residual, leaves.gamma,
                                         leaves.beta, kEps, segments, key);
  Leaves exact = {DoubleLeaf(leaves.x), DoubleLeaf(leaves.bias), DoubleLeaf(leaves.residual),
                  DoubleLeaf(leaves.gamma), DoubleLeaf(leaves.beta)};
  const at::Tensor mask = Mask(leaves.x.sizes(), segments, key);
  const int64_t width = leaves.x.size(1);
  const at::Tensor y64 = at::layer_norm(exact.residual + (exact.x + exact.bias) * mask, {width},
                                        exact.gamma, exact.beta, kEps);
  EXPECT_LT(MaxDifference(y, y64), 3e-6);
  const at::Tensor weights = Random(y.sizes());
  y.backward(weights);
  y64.backward(weights.to(at::kDouble));
  for (size_t i = 0; i < 5; ++i) {
    const at::Tensor gradient = exact.all()[i].grad();
    EXPECT_LT(MaxDifference(leaves.all()[i].grad(), gradient),
              2e-6 * std::max(1.0, gradient.abs().max().item<double>()))
        << "gradient " << i;
  }
}

TEST(ResidualLayerNormTest, ValuesAndGradientsEqualThoseOfLibTorchInDouble) {
  OnEveryCodePath([&] {
    for (int64_t width : {5, 32, 61, 384}) {
      const Segments segments = MakeSegments({1, 30, 7, 2});
      CompareWithDouble(RandomLeaves(48, width), segments, {});
      CompareWithDouble(RandomLeaves(48, width), segments, {.rate = 0.3, .seed = 5, .site = 1});
    }
  });
}

TEST(ResidualLayerNormTest, ManyRowsSumTheirGradientsByBlocks) {
  at::manual_seed(1);
  CompareWithDouble(RandomLeaves(1008, 40), MakeSegments({500, 1, 499}), {.rate = 0.1});
}

TEST(LayerNormTest, ValuesAndGradientsEqualThoseOfLibTorchInDouble) {
  OnEveryCodePath([&] {
    for (int64_t width : {1, 33, 384}) {
      const at::Tensor x = Leaf(Random({20, width}, 3)), gamma = Leaf(Random({width}));
      const at::Tensor beta = Leaf(Random({width})), weights = Random({20, width});
      const at::Tensor x64 = DoubleLeaf(x), gamma64 = DoubleLeaf(gamma), beta64 = DoubleLeaf(beta);
      const at::Tensor y = LayerNorm(x, gamma, beta, 1e-5);
      const at::Tensor y64 = at::layer_norm(x64, {width}, gamma64, beta64, 1e-5);
      y.backward(weights);
      y64.backward(weights.to(at::kDouble));
      EXPECT_LT(MaxDifference(y, y64), 3e-6);
      EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 3e-6);
      EXPECT_LT(MaxDifference(gamma.grad(), gamma64.grad()), 1e-5);
      EXPECT_LT(MaxDifference(beta.grad(), beta64.grad()), 1e-5);
    }
  });
}

TEST(LayerNormTest, ALargeMeanCostsNoMoreThanItsOwnRounding) {
  OnEveryCodePath([&] {
    const at::Tensor x = Random({8, 384}) + 1000, gamma = at::ones({384}), beta = at::zeros({384});
    const at::Tensor x64 = x.to(at::kDouble);
    const at::Tensor exact =
        at::layer_norm(x64, {384}, gamma.to(at::kDouble), beta.to(at::kDouble), kEps);
    EXPECT_LT(MaxDifference(LayerNorm(x, gamma, beta, kEps), exact), 2e-4);
  });
}

TEST(LayerNormTest, AConstantRowBecomesBeta) {
  OnEveryCodePath([&] {
    const at::Tensor beta = Random({40});
    const at::Tensor y = LayerNorm(at::zeros({3, 40}), Random({40}), beta, kEps);
    EXPECT_TRUE(SameBits(y, beta.expand({3, 40})));
  });
}

TEST(ResidualLayerNormTest, GradientsHaveTheSameBitsForEveryNumberOfThreads) {
  const Segments segments = MakeSegments({100, 80, 3});
  const Leaves leaves = RandomLeaves(192, 96);
  const at::Tensor dy = Random({192, 96});
  std::vector<at::Tensor> first;
  WithThreads([&] {
    for (at::Tensor leaf : leaves.all()) leaf.mutable_grad() = at::Tensor();
    ResidualLayerNorm(leaves.x, leaves.bias, leaves.residual, leaves.gamma, leaves.beta, kEps,
                      segments, {.rate = 0.2, .seed = 3})
        .backward(dy);
    if (first.empty()) {
      for (const at::Tensor& leaf : leaves.all()) first.push_back(leaf.grad().clone());
    }
    for (size_t i = 0; i < 5; ++i) EXPECT_TRUE(SameBits(first[i], leaves.all()[i].grad())) << i;
  });
}

TEST(ResidualLayerNormTest, AStepSplitIntoMicroBatchesHasTheSameBits) {
  const at::NoGradGuard no_grad;
  const DropoutKey key = {.rate = 0.3, .seed = 5};
  const at::Tensor x = Random({20, 64}), bias = Random({64}), residual = Random({20, 64});
  const at::Tensor gamma = Random({64}), beta = Random({64});
  const auto part = [&](int64_t first, int64_t rows, const Segments& segments) {
    return ResidualLayerNorm(x.narrow(0, first, rows).clone(), bias,
                             residual.narrow(0, first, rows), gamma, beta, kEps, segments, key);
  };
  const at::Tensor whole = part(0, 20, MakeSegments({7, 13}));
  const at::Tensor parts =
      at::cat({part(0, 7, MakeSegments({7})), part(7, 13, MakeSegments({13}, {1}))});
  EXPECT_TRUE(SameBits(whole, parts));
}

TEST(ResidualLayerNormTest, WithoutGradientsTheMemoryIsReused) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = Random({16, 32}), v = Random({32});
  const void* memory = x.const_data_ptr();
  const at::Tensor y =
      ResidualLayerNorm(x, v, Random({16, 32}), v, v, kEps, MakeSegments({16}), {});
  EXPECT_EQ(y.const_data_ptr(), memory);
}

}  // namespace
}  // namespace graft
