#include "models/kernels/attention.h"

#include "models/kernels/loops.h"
#include "models/kernels/text_dropout.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

// The factors of the dropout of one text: [A, T, T].
at::Tensor AttentionMask(const DropoutKey& key, int32_t text_id, int64_t heads, int64_t tokens) {
  at::Tensor mask = at::ones({heads, tokens, tokens});
  if (key.active()) {
    plain::DropoutScales(ForText(key, text_id), 0, mask.numel(), mask.mutable_data_ptr<float>());
  }
  return mask.to(at::kDouble);
}

// The definition, text by text, in LibTorch's own operations.
at::Tensor Reference(const at::Tensor& qkv, const at::Tensor& bias, const Segments& segments,
                     int64_t heads, const DropoutKey& key) {
  const int64_t hidden = qkv.size(1) / 3, width = hidden / heads;
  const int* starts = segments.starts.const_data_ptr<int>();
  std::vector<at::Tensor> rows;
  for (int64_t b = 0; b < segments.texts(); ++b) {
    const int64_t tokens = starts[b + 1] - starts[b];
    const at::Tensor x = (qkv.narrow(0, starts[b], tokens) + bias)
                             .view({tokens, 3, heads, width})
                             .permute({1, 2, 0, 3});  // [3, A, T, d]
    at::Tensor p = at::softmax(at::matmul(x[0], x[1].transpose(1, 2)) / std::sqrt(1.0 * width), -1);
    p = p * AttentionMask(key, segments.text_ids[b].item<int>(), heads, tokens);
    rows.push_back(at::matmul(p, x[2]).permute({1, 0, 2}).reshape({tokens, hidden}));
  }
  rows.push_back(at::zeros({qkv.size(0) - segments.tokens, hidden}, qkv.options()));
  return at::cat(rows);
}

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
  const at::Tensor out64 = Reference(qkv64, bias64, segments, c.heads, key);
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
    const at::Tensor exact = Reference(qkv.to(at::kDouble), bias.to(at::kDouble), segments, 1, {});
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

TEST(AttentionTest, ScratchMemoryIsNeitherOverrunNorReadBeforeItIsWritten) {
  OnEveryCodePath([&] {
    for (int64_t tokens : {1, 6, 31, 49, 130}) {
      for (int64_t width : {5, 32, 64}) {
        const int64_t floats = AttentionScratch(tokens, width);
        at::Tensor memory = at::full({floats + 16}, NAN);
        memory.narrow(0, floats, 16).fill_(7);
        const at::Tensor qkv = Random({tokens, 3 * width}), bias = Random({3 * width});
        at::Tensor out = at::empty({tokens, width}), dqkv = at::empty({tokens, 3 * width});
        const float *x = qkv.const_data_ptr<float>(), *b = bias.const_data_ptr<float>();
        const TextDropout dropout = ForText({.rate = 0.5}, 0);
        const AttentionHead head = {tokens,        width,         3 * width, x,
                                    x + width,     x + 2 * width, b,         b + width,
                                    b + 2 * width, 0.3f,          &dropout,  0};
        float* scratch = memory.mutable_data_ptr<float>();
        ASSERT_EQ(reinterpret_cast<uintptr_t>(scratch) % 64, 0u);
        float* target = dqkv.mutable_data_ptr<float>();
        simd::Attention(head, scratch, out.mutable_data_ptr<float>(), width);
        memory.narrow(0, 0, floats).fill_(NAN);
        simd::AttentionGradient(head, out.const_data_ptr<float>(), width, scratch, target,
                                target + width, target + 2 * width);
        EXPECT_TRUE(SameBits(memory.narrow(0, floats, 16), at::full({16}, 7.0f)));
        EXPECT_TRUE(at::isfinite(out).all().item<bool>());
        EXPECT_TRUE(at::isfinite(dqkv).all().item<bool>());
      }
    }
  });
}

}  // namespace
}  // namespace graft
