#include "models/kernels/pooling.h"

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

at::Tensor PoolText(const at::Tensor& rows, Pooling pooling) {
  switch (pooling) {
    case Pooling::kCls:
      return rows[0];
    case Pooling::kMean:
      return rows.mean(0);
    case Pooling::kMax:
      return std::get<0>(rows.max(0));
    case Pooling::kLast:
      return rows[rows.size(0) - 1];
  }
  return {};
}

constexpr Pooling kAll[] = {Pooling::kCls, Pooling::kMean, Pooling::kMax, Pooling::kLast};

TEST(PoolTest, ValuesAndGradientsEqualThoseOfLibTorchInDouble) {
  const std::vector<int> lengths = {1, 9, 30, 2};
  const Segments segments = MakeSegments(lengths);
  for (Pooling pooling : kAll) {
    SCOPED_TRACE(static_cast<int>(pooling));
    const at::Tensor x = Leaf(Random({48, 20})), x64 = DoubleLeaf(x), dy = Random({4, 20});
    std::vector<at::Tensor> expected;
    int64_t first = 0;
    for (int length : lengths) {
      expected.push_back(PoolText(x64.narrow(0, first, length), pooling));
      first += length;
    }
    const at::Tensor y = Pool(x, segments, pooling), y64 = at::stack(expected);
    EXPECT_LT(MaxDifference(y, y64), 1e-6);
    y.backward(dy);
    y64.backward(dy.to(at::kDouble));
    EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 1e-6);
    EXPECT_TRUE(SameBits(x.grad().narrow(0, 42, 6), at::zeros({6, 20})));
  }
}

TEST(PoolTest, TheGradientOfATieGoesToTheFirstToken) {
  const at::Tensor x = Leaf(at::ones({3, 2}));
  Pool(x, MakeSegments({3}), Pooling::kMax).backward(at::ones({1, 2}));
  EXPECT_TRUE(SameBits(x.grad(), at::tensor({1.0f, 1.0f, 0.0f, 0.0f, 0.0f, 0.0f}).view({3, 2})));
}

TEST(PoolTest, AnEmptyTextIsABug) {
  EXPECT_THROW(Pool(Random({8, 4}), MakeSegments({3, 0, 5}), Pooling::kMean), c10::Error);
}

}  // namespace
}  // namespace graft
