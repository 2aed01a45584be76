#include "models/kernels/lstm.h"

#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

constexpr int64_t kSize = 5;

struct Case {
  std::vector<int> lengths = {3, 1, 12, 3};
  at::Tensor projected = Random({21, 8 * kSize});  // two rows of no text
  at::Tensor forth = Random({4 * kSize, kSize}, 0.5);
  at::Tensor back = Random({4 * kSize, kSize}, 0.5);

  Segments segments() const { return MakeSegments(lengths); }
};

// The hidden states of one text in one direction, by the formulas of torch.nn.LSTM.
std::vector<at::Tensor> OneWay(const at::Tensor& projected, const at::Tensor& weight,
                               bool backwards) {
  const int64_t tokens = projected.size(0);
  std::vector<at::Tensor> hidden(tokens);
  at::Tensor h = at::zeros({kSize}, projected.options()), c = h;
  for (int64_t step = 0; step < tokens; ++step) {
    const int64_t t = backwards ? tokens - 1 - step : step;
    const auto gates = (projected[t] + at::mv(weight, h)).chunk(4);
    c = gates[1].sigmoid() * c + gates[0].sigmoid() * gates[2].tanh();
    h = gates[3].sigmoid() * c.tanh();
    hidden[t] = h;
  }
  return hidden;
}

at::Tensor Reference(const Case& c, const at::Tensor& projected, const at::Tensor& forth,
                     const at::Tensor& back) {
  std::vector<at::Tensor> rows;
  int64_t first = 0;
  for (const int length : c.lengths) {
    const at::Tensor text = projected.narrow(0, first, length);
    const auto a = OneWay(text.narrow(1, 0, 4 * kSize), forth, false);
    const auto b = OneWay(text.narrow(1, 4 * kSize, 4 * kSize), back, true);
    for (int t = 0; t < length; ++t) rows.push_back(at::cat({a[t], b[t]}));
    first += length;
  }
  return at::stack(rows);
}

TEST(LstmTest, ValuesAndGradientsEqualTheFormulasInDouble) {
  OnEveryCodePath([] {
    const Case c;
    const at::Tensor x = Leaf(c.projected), forth = Leaf(c.forth), back = Leaf(c.back);
    const at::Tensor y = BidirectionalLstm(x, forth, back, c.segments());
    const at::Tensor x64 = DoubleLeaf(c.projected), forth64 = DoubleLeaf(c.forth),
                     back64 = DoubleLeaf(c.back), y64 = Reference(c, x64, forth64, back64);
    EXPECT_LT(MaxDifference(y.narrow(0, 0, 19), y64), 1e-6);
    EXPECT_TRUE(SameBits(y.narrow(0, 19, 2), at::zeros({2, 2 * kSize})));
    const at::Tensor dy = Random({21, 2 * kSize});
    y.backward(dy);
    y64.backward(dy.narrow(0, 0, 19).to(at::kDouble));
    EXPECT_LT(MaxDifference(x.grad(), x64.grad()), 2e-6);
    EXPECT_LT(MaxDifference(forth.grad(), forth64.grad()), 5e-6);
    EXPECT_LT(MaxDifference(back.grad(), back64.grad()), 5e-6);
  });
}

TEST(LstmTest, ATextAloneHasTheSameBits) {
  OnEveryCodePath([] {
    const Case c;
    const at::Tensor all = BidirectionalLstm(c.projected, c.forth, c.back, c.segments());
    int64_t first = 0;
    for (const int length : c.lengths) {
      const at::Tensor alone = BidirectionalLstm(c.projected.narrow(0, first, length), c.forth,
                                                 c.back, MakeSegments({length}));
      EXPECT_TRUE(SameBits(alone, all.narrow(0, first, length)));
      first += length;
    }
  });
}

TEST(LstmTest, BitsAreThoseOfAnyNumberOfThreads) {
  const Case c;
  const at::Tensor expected = BidirectionalLstm(c.projected, c.forth, c.back, c.segments());
  WithThreads([&] {
    EXPECT_TRUE(SameBits(BidirectionalLstm(c.projected, c.forth, c.back, c.segments()), expected));
  });
}

TEST(LstmTest, ShapesThatContradictAreABug) {
  EXPECT_THROW(
      BidirectionalLstm(Random({3, 16}), Random({8, 2}), Random({8, 3}), MakeSegments({3})),
      c10::Error);
}

}  // namespace
}  // namespace graft
