#include "models/kernels/attention.h"

#include "tests/models/kernels/attention_reference.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

struct Case {
  std::vector<int> lengths;
  int64_t heads;
  int64_t width;
  double rate;
};

void CompareWithDouble(const Case& c) {
  const Segments segments = MakeSegments(c.lengths);
  const int64_t rows = segments.tokens + 3, hidden = c.heads * c.width;
  const at::Tensor qkv = Leaf(Random({rows, 3 * hidden})), bias = Leaf(Random({3 * hidden}));
  const at::Tensor qkv64 = DoubleLeaf(qkv), bias64 = DoubleLeaf(bias);
  const DropoutKey key = {.rate = c.rate, .seed = 77, .step = 5, .site = 258};
  const at::Tensor out = Attention(qkv, bias, segments, c.heads, {}, key);
  const at::Tensor out64 = ReferenceAttention(qkv64, bias64, segments, c.heads, {}, key);
  EXPECT_LT(MaxDifference(out, out64), 1e-5);
  const at::Tensor weights = Random({rows, hidden});
  out.backward(weights);
  out64.backward(weights.to(at::kDouble));
  const at::Tensor exact = qkv64.grad(), exact_bias = bias64.grad();
  EXPECT_LT(MaxDifference(qkv.grad(), exact), 1e-5 * exact.abs().max().item<double>());
  EXPECT_LT(MaxDifference(bias.grad(), exact_bias), 1e-5 * exact_bias.abs().max().item<double>());
}

TEST(AttentionTest, ValuesAndGradientsEqualThoseOfLibTorchInDouble) {
  OnEveryCodePath([&] {
    CompareWithDouble({{1, 25, 2, 7, 16, 33}, 12, 32, 0});
    CompareWithDouble({{1, 3, 6, 5, 49}, 3, 64, 0});
    CompareWithDouble({{4, 1, 31}, 2, 8, 0});
    CompareWithDouble({{4, 1, 31}, 2, 40, 0});
    CompareWithDouble({{4, 11}, 3, 5, 0});
  });
}

TEST(AttentionTest, LongTextsToo) {
  for (CodePath path : SupportedCodePaths()) {
    if (path == CodePath::kPlain) continue;
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    CompareWithDouble({{200, 96, 512}, 2, 32, 0});
    CompareWithDouble({{97, 530}, 1, 64, 0.1});
  }
}

TEST(AttentionTest, DropoutFallsOnTheSoftmaxInBothDirections) {
  OnEveryCodePath([&] {
    CompareWithDouble({{1, 25, 2, 7, 16, 33}, 4, 32, 0.1});
    CompareWithDouble({{5, 51}, 3, 24, 0.5});
  });
}

TEST(AttentionTest, LargeScoresDoNotOverflow) {
  OnEveryCodePath([&] {
    const Segments segments = MakeSegments({9, 20});
    const at::Tensor qkv = Random({32, 96}, 60), bias = at::zeros({96});
    const at::Tensor out = Attention(qkv, bias, segments, 1, {}, {});
    const at::Tensor exact =
        ReferenceAttention(qkv.to(at::kDouble), bias.to(at::kDouble), segments, 1, {}, {});
    EXPECT_TRUE(at::isfinite(out).all().item<bool>());
    // The scores are about 1e4, known to 1e-3: neighbours of a maximum weigh 0.1 % differently.
    EXPECT_LT(MaxDifference(out, exact), 0.5);
  });
}

TEST(AttentionTest, RowsOfNoTextAreNeitherReadNorGivenGradient) {
  OnEveryCodePath([&] {
    const Segments segments = MakeSegments({5, 6});
    const at::Tensor clean = Random({16, 3 * 64}), bias = Random({3 * 64});
    at::Tensor dirty = clean.clone();
    dirty.narrow(0, 11, 5).fill_(NAN);
    const at::Tensor x = Leaf(dirty);
    const at::Tensor out = Attention(x, bias, segments, 2, {}, {});
    EXPECT_TRUE(SameBits(out, Attention(clean, bias, segments, 2, {}, {})));
    EXPECT_TRUE(SameBits(out.narrow(0, 11, 5), at::zeros({5, 64})));
    out.backward(at::ones_like(out));
    EXPECT_TRUE(SameBits(x.grad().narrow(0, 11, 5), at::zeros({5, 3 * 64})));
    EXPECT_TRUE(at::isfinite(x.grad()).all().item<bool>());
  });
}

TEST(AttentionTest, AStepSplitIntoMicroBatchesHasTheSameBits) {
  const DropoutKey key = {.rate = 0.2, .seed = 1, .site = 7};
  const at::Tensor qkv = Random({20, 3 * 64}), bias = Random({3 * 64});
  const at::Tensor whole = Attention(qkv, bias, MakeSegments({7, 13}), 2, {}, key);
  const at::Tensor first = Attention(qkv.narrow(0, 0, 7), bias, MakeSegments({7}), 2, {}, key);
  const at::Tensor second =
      Attention(qkv.narrow(0, 7, 13), bias, MakeSegments({13}, {1}), 2, {}, key);
  EXPECT_TRUE(SameBits(whole, at::cat({first, second})));
}

TEST(AttentionTest, GradientsHaveTheSameBitsForEveryNumberOfThreads) {
  const Segments segments = MakeSegments({60, 1, 90, 25});
  const at::Tensor qkv = Leaf(Random({176, 3 * 96})), bias = Leaf(Random({3 * 96}));
  const at::Tensor dout = Random({176, 96});
  at::Tensor first_qkv, first_bias;
  WithThreads([&] {
    qkv.mutable_grad() = bias.mutable_grad() = at::Tensor();
    Attention(qkv, bias, segments, 3, {}, {.rate = 0.1}).backward(dout);
    if (!first_qkv.defined()) {
      first_qkv = qkv.grad().clone();
      first_bias = bias.grad().clone();
    }
    EXPECT_TRUE(SameBits(first_qkv, qkv.grad()));
    EXPECT_TRUE(SameBits(first_bias, bias.grad()));
  });
}

// The longest text says how much scratch memory there is: a wrong one must never get so far.
TEST(AttentionTest, SegmentsThatContradictThemselvesAreRefused) {
  const at::Tensor qkv = Random({8, 12}), bias = Random({12});
  const auto attend = [&](const auto& change) {
    Segments segments = MakeSegments({3, 5});
    change(segments);
    return Attention(qkv, bias, segments, 2, {}, {});
  };
  EXPECT_NO_THROW(attend([](Segments&) {}));
  EXPECT_THROW(attend([](Segments& s) { s.longest = 4; }), c10::Error);
  EXPECT_THROW(attend([](Segments& s) { s.longest = 0; }), c10::Error);
  EXPECT_THROW(attend([](Segments& s) { s.longest = 6; }), c10::Error);
  EXPECT_THROW(attend([](Segments& s) { s.tokens = 7; }), c10::Error);
  EXPECT_THROW(attend([](Segments& s) { s.starts = at::tensor({0, 9, 8}, at::kInt); }), c10::Error);
  EXPECT_THROW(attend([](Segments& s) { s.text_ids = at::tensor({0}, at::kInt); }), c10::Error);
}

TEST(AttentionTest, WithoutABiasItIsThatOfZeros) {
  OnEveryCodePath([&] {
    const Segments segments = MakeSegments({5, 40});
    const at::Tensor x = Leaf(Random({45, 3 * 64})), y = Leaf(x), zeros = at::zeros({3 * 64});
    const at::Tensor out = Attention(x, {}, segments, 2, {}, {});
    const at::Tensor expected = Attention(y, zeros, segments, 2, {}, {});
    EXPECT_TRUE(SameBits(out, expected));
    out.backward(at::ones_like(out));
    expected.backward(at::ones_like(out));
    EXPECT_TRUE(SameBits(x.grad(), y.grad()));
  });
}

}  // namespace
}  // namespace graft
