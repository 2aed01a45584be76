#include "models/kernels/linear.h"

#include <cstdlib>

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

TEST(LinearTest, ValuesAndGradientsEqualThoseOfLibTorchInDouble) {
  for (int64_t rows : {1, 7, 16, 33, 160}) {
    const at::Tensor x = Leaf(Random({rows, 96})), weight = Leaf(Random({40, 96}));
    const at::Tensor bias = Leaf(Random({40})), dy = Random({rows, 40});
    const at::Tensor x64 = DoubleLeaf(x), weight64 = DoubleLeaf(weight), bias64 = DoubleLeaf(bias);
    const at::Tensor y = Linear(x, weight, bias), y64 = at::linear(x64, weight64, bias64);
    y.backward(dy);
    y64.backward(dy.to(at::kDouble));
    EXPECT_LT(MaxDifference(y, y64), 2e-5);
    EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 2e-5);
    EXPECT_LT(MaxDifference(weight.grad(), weight64.grad()), 1e-4);
    EXPECT_LT(MaxDifference(bias.grad(), bias64.grad()), 1e-4);
    EXPECT_LT(MaxDifference(Linear(x, weight, {}), at::linear(x64, weight64)), 2e-5);
  }
}

TEST(LinearTest, AWeightMayBeATransposedView) {
  for (int64_t rows : {1, 33, 160}) {
    const at::Tensor x = Leaf(Random({rows, 96})), dy = Random({rows, 40});
    const at::Tensor weight = Leaf(Random({40, 96}));
    const at::Tensor stored = Leaf(weight.detach().t().contiguous());  // [96, 40]
    const at::Tensor y = Linear(x, weight, {});
    y.backward(dy);
    const at::Tensor dx = x.grad().clone();
    x.mutable_grad().reset();
    const at::Tensor view_y = Linear(x, stored.t(), {});
    view_y.backward(dy);
    EXPECT_TRUE(SameBits(view_y.detach(), y.detach()));
    EXPECT_TRUE(SameBits(x.grad(), dx));
    EXPECT_TRUE(SameBits(stored.grad().t(), weight.grad()));
  }
}

// The promise that a text's numbers do not hang on its company stands on this. GRAFT_LONG_TESTS
// tries every row count; the short form those near multiples of 16 and a spread of others.
TEST(LinearTest, ARowHasTheSameBitsInEveryNumberOfRows) {
  const at::NoGradGuard no_grad;
  const bool all = std::getenv("GRAFT_LONG_TESTS") != nullptr;
  const std::vector<std::pair<int64_t, int64_t>> shapes = {
      {384, 384}, {384, 1152}, {384, 1536}, {1536, 384}, {384, 2}};
  for (const auto& [depth, width] : shapes) {
    const at::Tensor x = Random({304, depth}), weight = Random({width, depth});
    const at::Tensor bias = Random({width});
    WithThreads([&] {
      const at::Tensor whole = Linear(x, weight, bias);
      for (int64_t rows = 1; rows <= 300; rows += all || rows < 34 ? 1 : 11) {
        ASSERT_TRUE(SameBits(Linear(x.narrow(0, 0, rows), weight, bias), whole.narrow(0, 0, rows)))
            << depth << " x " << width << ", " << rows << " rows";
      }
      // Rows further down, at other distances from the start.
      for (int64_t first : {1, 17, 150, 291}) {
        ASSERT_TRUE(
            SameBits(Linear(x.narrow(0, first, 12), weight, bias), whole.narrow(0, first, 12)))
            << depth << " x " << width << ", from row " << first;
      }
    });
  }
}

TEST(LinearTest, LargeBatchesGiveTheBitsOfSmallOnes) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = Random({4096, 384}), weight = Random({1536, 384});
  WithThreads([&] {
    const at::Tensor whole = Linear(x, weight, {});
    for (int64_t rows : {16, 512, 1040, 2064}) {
      EXPECT_TRUE(SameBits(Linear(x.narrow(0, 0, rows), weight, {}), whole.narrow(0, 0, rows)));
      EXPECT_TRUE(SameBits(Linear(x.narrow(0, 4096 - rows, rows), weight, {}),
                           whole.narrow(0, 4096 - rows, rows)));
    }
  });
}

}  // namespace
}  // namespace graft
