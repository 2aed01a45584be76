#include "models/kernels/convolution.h"

#include "models/kernels/linear.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

constexpr int64_t kInput = 6;

struct Case {
  ConvolutionShape shape = {.filters = 5, .widths = {1, 3, 4}};
  std::vector<int> lengths = {1, 9, 2, 4};
  at::Tensor x = Random({18, kInput});  // two rows of no text
  at::Tensor weight = Random({5 * 8, kInput});
  at::Tensor bias = Random({15});
};

// conv1d of each text by itself, in double.
at::Tensor Reference(const Case& c, const at::Tensor& x, const at::Tensor& weight,
                     const at::Tensor& bias) {
  std::vector<at::Tensor> texts;
  int64_t first = 0;
  for (const int length : c.lengths) {
    const at::Tensor text = x.narrow(0, first, length).t().unsqueeze(0);  // [1, K, T]
    first += length;
    std::vector<at::Tensor> maxima;
    int64_t row = 0, output = 0;
    for (const int64_t width : c.shape.widths) {
      const at::Tensor filters = weight.narrow(0, row, width * c.shape.filters)
                                     .view({width, c.shape.filters, kInput})
                                     .permute({1, 2, 0});  // [F, K, w]
      const at::Tensor values =
          at::conv1d(text, filters, bias.narrow(0, output, c.shape.filters), 1, width - 1);
      maxima.push_back(std::get<0>(values.relu().max(2)).squeeze(0));
      row += width * c.shape.filters;
      output += c.shape.filters;
    }
    texts.push_back(at::cat(maxima));
  }
  return at::stack(texts);
}

TEST(ConvolutionTest, ValuesAndGradientsEqualThoseOfConv1dInDouble) {
  OnEveryCodePath([] {
    const Case c;
    const at::Tensor x = Leaf(c.x), weight = Leaf(c.weight), bias = Leaf(c.bias);
    const at::Tensor y =
        MaxOverWindows(Linear(x, weight, {}), bias, c.shape, MakeSegments(c.lengths));
    const at::Tensor x64 = DoubleLeaf(c.x), weight64 = DoubleLeaf(c.weight),
                     bias64 = DoubleLeaf(c.bias), y64 = Reference(c, x64, weight64, bias64);
    EXPECT_LT(MaxDifference(y, y64), 5e-6);
    const at::Tensor dy = Random({4, 15});
    y.backward(dy);
    y64.backward(dy.to(at::kDouble));
    EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 5e-6);
    EXPECT_LT(MaxDifference(weight.grad(), weight64.grad()), 5e-6);
    EXPECT_LT(MaxDifference(bias.grad(), bias64.grad()), 5e-6);
  });
}

TEST(ConvolutionTest, ValuesWithAndWithoutGradientAndAnyThreadsAreEqual) {
  const Case c;
  const at::Tensor products = Random({18, 40});
  const at::Tensor expected = MaxOverWindows(products, c.bias, c.shape, MakeSegments(c.lengths));
  WithThreads([&] {
    EXPECT_TRUE(SameBits(MaxOverWindows(Leaf(products), c.bias, c.shape, MakeSegments(c.lengths)),
                         expected));
  });
  // Alone as in company.
  EXPECT_TRUE(
      SameBits(MaxOverWindows(products.narrow(0, 10, 2), c.bias, c.shape, MakeSegments({2})),
               expected.narrow(0, 2, 1)));
}

TEST(ConvolutionTest, AMaximumBelowZeroIsZeroWithoutGradient) {
  const ConvolutionShape shape = {.filters = 1, .widths = {2}};
  const at::Tensor products = Leaf(at::full({3, 2}, -1.0f)), bias = Leaf(at::zeros({1}));
  const at::Tensor y = MaxOverWindows(products, bias, shape, MakeSegments({3}));
  EXPECT_EQ(y.item<float>(), 0.0f);
  y.backward(at::ones({1, 1}));
  EXPECT_TRUE(SameBits(products.grad(), at::zeros({3, 2})));
  EXPECT_TRUE(SameBits(bias.grad(), at::zeros({1})));
}

TEST(ConvolutionTest, ShapesThatContradictAreABug) {
  const ConvolutionShape shape = {.filters = 2, .widths = {2}};
  EXPECT_THROW(MaxOverWindows(Random({3, 5}), Random({2}), shape, MakeSegments({3})), c10::Error);
  EXPECT_THROW(MaxOverWindows(Random({3, 4}), Random({3}), shape, MakeSegments({3})), c10::Error);
}

}  // namespace
}  // namespace graft
