// Windows and tables by distance.
#include <functional>
#include <string>

#include "models/kernels/attention.h"
#include "models/kernels/loops.h"
#include "models/kernels/text_dropout.h"
#include "tests/models/kernels/attention_reference.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

enum Tables { kNone = 0, kScores = 1, kKeys = 2, kQueries = 4, kAllTables = 7 };

struct Case {
  std::vector<int> lengths;
  int64_t heads;
  int64_t width;
  int tables = kNone;
  int64_t before = AttentionOptions::kAll;
  int64_t after = AttentionOptions::kAll;
  double rate = 0;
  double scale = 0;
  int64_t beyond = 0;  // distances on either side that no text has
};

AttentionOptions MakeOptions(const Case& c, int64_t longest) {
  const int64_t distances = 2 * (longest + c.beyond) - 1, hidden = c.heads * c.width;
  AttentionOptions options = {.scale = c.scale, .before = c.before, .after = c.after};
  if ((c.tables & kScores) != 0) options.scores = Leaf(Random({c.heads, distances}));
  if ((c.tables & kKeys) != 0) options.keys = Leaf(Random({distances, hidden}));
  if ((c.tables & kQueries) != 0) options.queries = Leaf(Random({distances, hidden}));
  return options;
}

AttentionOptions InDouble(AttentionOptions options) {
  for (at::Tensor* table : {&options.scores, &options.keys, &options.queries}) {
    if (table->defined()) *table = DoubleLeaf(*table);
  }
  return options;
}

void ExpectNearGradient(const at::Tensor& x, const at::Tensor& exact, const char* what) {
  if (!x.defined()) return;
  const double largest = std::max(exact.grad().abs().max().item<double>(), 1e-3);
  EXPECT_LT(MaxDifference(x.grad(), exact.grad()), 1e-5 * largest) << what;
}

// On every code path, or on all but the slow one.
void CompareWithDouble(const Case& c, bool plain_too = true) {
  const Segments segments = MakeSegments(c.lengths);
  const int64_t rows = segments.tokens + 3, hidden = c.heads * c.width;
  const at::Tensor qkv = Leaf(Random({rows, 3 * hidden})), bias = Leaf(Random({3 * hidden}));
  const at::Tensor qkv64 = DoubleLeaf(qkv), bias64 = DoubleLeaf(bias);
  const AttentionOptions options = MakeOptions(c, segments.longest), exact = InDouble(options);
  const DropoutKey key = {.rate = c.rate, .seed = 77, .step = 5, .site = 258};
  const at::Tensor out64 = ReferenceAttention(qkv64, bias64, segments, c.heads, exact, key);
  const at::Tensor weights = Random({rows, hidden});
  out64.backward(weights.to(at::kDouble));
  OnEveryCodePath([&] {
    if (!plain_too && ActiveCodePath() == CodePath::kPlain) return;
    for (const at::Tensor& leaf : {qkv, bias, options.scores, options.keys, options.queries}) {
      if (leaf.defined()) leaf.mutable_grad() = at::Tensor();
    }
    const at::Tensor out = Attention(qkv, bias, segments, c.heads, options, key);
    EXPECT_LT(MaxDifference(out, out64), 1e-5);
    out.backward(weights);
    ExpectNearGradient(qkv, qkv64, "qkv");
    ExpectNearGradient(bias, bias64, "bias");
    ExpectNearGradient(options.scores, exact.scores, "scores");
    ExpectNearGradient(options.keys, exact.keys, "keys");
    ExpectNearGradient(options.queries, exact.queries, "queries");
  });
}

const std::vector<int> kLengths = {1, 25, 2, 7, 16, 33, 49};

TEST(AttentionOptionsTest, WindowsSmallerAsLargeAndLargerThanTextsEqualLibTorchInDouble) {
  for (int64_t before : {0, 1, 6, 24, 48, 400}) {
    for (int64_t after : {0, 5, 33, 48, 400}) {
      SCOPED_TRACE(std::to_string(before) + " " + std::to_string(after));
      CompareWithDouble({kLengths, 2, 16, kNone, before, after});
    }
  }
  CompareWithDouble({kLengths, 3, 5, kNone, 4, 3, 0.2});
}

TEST(AttentionOptionsTest, EachTableEqualsLibTorchInDouble) {
  for (int tables : {kScores, kKeys, kQueries}) {
    SCOPED_TRACE(tables);
    CompareWithDouble({kLengths, 3, 32, tables});
    CompareWithDouble({{4, 1, 31}, 2, 8, tables});
    CompareWithDouble({{4, 11, 53}, 3, 5, tables, 400, 400, 0.3});
    CompareWithDouble({{97, 40}, 1, 40, tables});
  }
}

TEST(AttentionOptionsTest, TablesMayReachBeyondTheLongestText) {
  for (int64_t beyond : {1, 13, 100}) {
    SCOPED_TRACE(beyond);
    CompareWithDouble(
        {.lengths = kLengths, .heads = 2, .width = 16, .tables = kAllTables, .beyond = beyond});
  }
  CompareWithDouble({.lengths = {1}, .heads = 2, .width = 5, .tables = kAllTables, .beyond = 4});
}

TEST(AttentionOptionsTest, TablesGoWithWindowsDropoutAndScale) {
  for (int tables : {kScores | kKeys, kScores | kQueries, kKeys | kQueries, int{kAllTables}}) {
    SCOPED_TRACE(tables);
    CompareWithDouble({kLengths, 2, 32, tables, 400, 400, 0.1, 0.07, 2});
    CompareWithDouble({kLengths, 2, 16, tables, 400, 0, 0.1});
    CompareWithDouble({kLengths, 2, 16, tables, 0, 3, 0});
    CompareWithDouble({{58, 9, 110}, 1, 24, tables, 12, 40, 0.1, 0, 5});
    CompareWithDouble({{58, 9, 110}, 2, 5, tables, 50, 17, 0, 0.3});
  }
}

TEST(AttentionOptionsTest, LongTextsToo) {
  CompareWithDouble({{200, 96, 512}, 2, 32, kNone, 400, 0}, false);
  CompareWithDouble({{97, 530}, 1, 64, kNone, 64, 64, 0.1}, false);
  CompareWithDouble({{200, 96, 129}, 2, 32, kAllTables}, false);
  CompareWithDouble({{97, 330}, 1, 64, kAllTables, 64, 100, 0.1, 0, 7}, false);
}

TEST(AttentionOptionsTest, AWindowThatHidesNothingHasTheBitsOfNone) {
  OnEveryCodePath([&] {
    const Segments segments = MakeSegments({49, 30});
    const at::Tensor qkv = Random({79, 3 * 64}), bias = Random({3 * 64});
    const at::Tensor expected = Attention(qkv, bias, segments, 2, {}, {});
    const AttentionOptions window = {.before = 48, .after = 48};
    EXPECT_TRUE(SameBits(Attention(qkv, bias, segments, 2, window, {}), expected));
  });
}

TEST(AttentionOptionsTest, KeysOutsideTheWindowDoNotMatter) {
  OnEveryCodePath([&] {
    const Segments segments = MakeSegments({20, 60});
    at::Tensor qkv = Random({80, 3 * 32}), bias = Random({3 * 32});
    const AttentionOptions window = {.before = 2, .after = 5};
    const DropoutKey key = {.rate = 0.1, .seed = 3};
    const at::Tensor expected = Attention(qkv, bias, segments, 1, window, key).clone();
    qkv.narrow(0, 79, 1).fill_(1e18);
    const at::Tensor found = Attention(qkv, bias, segments, 1, window, key);
    EXPECT_TRUE(SameBits(found.narrow(0, 0, 74), expected.narrow(0, 0, 74)));
  });
}

TEST(AttentionOptionsTest, TheGradientOfATextHasTheSameBitsAloneAndInCompany) {
  OnEveryCodePath([&] {
    const Case c = {.lengths = {}, .heads = 2, .width = 24, .tables = kAllTables, .before = 30};
    const AttentionOptions options = MakeOptions(c, 150);
    const at::Tensor rows = Random({50, 3 * 48}), bias = Random({3 * 48}), dout = Random({50, 48});
    const DropoutKey key = {.rate = 0.1, .seed = 3};
    const at::Tensor alone = Leaf(rows);
    Attention(alone, bias, MakeSegments({50}), 2, options, key).backward(dout);
    const at::Tensor all = Leaf(at::cat({Random({141, 3 * 48}), rows, Random({3, 3 * 48})}));
    const Segments segments = MakeSegments({141, 50, 3}, {1, 0, 2});
    const at::Tensor together = Attention(all, bias, segments, 2, options, key);
    together.backward(at::cat({Random({141, 48}), dout, Random({3, 48})}));
    EXPECT_TRUE(SameBits(alone.grad(), all.grad().narrow(0, 141, 50)));
  });
}

TEST(AttentionOptionsTest, GradientsHaveTheSameBitsForEveryNumberOfThreads) {
  const Segments segments = MakeSegments({60, 1, 90, 25});
  const Case c = {.lengths = {}, .heads = 3, .width = 32, .tables = kAllTables, .before = 70};
  const AttentionOptions options = MakeOptions(c, 95);
  const at::Tensor qkv = Leaf(Random({176, 3 * 96})), bias = Leaf(Random({3 * 96}));
  const at::Tensor dout = Random({176, 96});
  const std::vector<at::Tensor> leaves = {qkv, bias, options.scores, options.keys, options.queries};
  std::vector<at::Tensor> first;
  WithThreads([&] {
    for (const at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor();
    Attention(qkv, bias, segments, 3, options, {.rate = 0.1}).backward(dout);
    if (first.empty()) {
      for (const at::Tensor& leaf : leaves) first.push_back(leaf.grad().clone());
    }
    for (size_t i = 0; i < leaves.size(); ++i) EXPECT_TRUE(SameBits(first[i], leaves[i].grad()));
  });
}

TEST(AttentionOptionsTest, OnlyATableMayRecordAGradient) {
  const Segments segments = MakeSegments({7, 12});
  const at::Tensor qkv = Random({19, 3 * 16});
  const AttentionOptions options = {.queries = Leaf(Random({2 * 12 - 1, 16}))};
  const AttentionOptions exact = InDouble(options);
  Attention(qkv, {}, segments, 2, options, {}).sum().backward();
  ReferenceAttention(qkv.to(at::kDouble), {}, segments, 2, exact, {}).sum().backward();
  ExpectNearGradient(options.queries, exact.queries, "queries");
}

TEST(AttentionOptionsTest, NoTextsGiveNothing) {
  const Segments segments = MakeSegments({0, 0});
  const Case c = {.lengths = {}, .heads = 2, .width = 8, .tables = kAllTables};
  const AttentionOptions options = MakeOptions(c, 3);
  const at::Tensor out = Attention(Leaf(Random({4, 48})), {}, segments, 2, options, {});
  EXPECT_TRUE(SameBits(out.detach(), at::zeros({4, 16})));
  out.sum().backward();
  for (const at::Tensor& table : {options.scores, options.keys, options.queries}) {
    EXPECT_TRUE(SameBits(table.grad(), at::zeros_like(table)));
  }
}

TEST(AttentionOptionsTest, OptionsThatDoNotFitAreRefused) {
  const at::Tensor qkv = Random({8, 24});
  const auto attend = [&](const AttentionOptions& options) {
    return Attention(qkv, {}, MakeSegments({3, 5}), 2, options, {});
  };
  EXPECT_NO_THROW(attend({.scores = Random({2, 9}), .keys = Random({9, 8})}));
  EXPECT_NO_THROW(attend({.queries = Random({11, 8})}));
  EXPECT_THROW(attend({.scale = -1}), c10::Error);
  EXPECT_THROW(attend({.scale = NAN}), c10::Error);
  EXPECT_THROW(attend({.before = -1}), c10::Error);
  EXPECT_THROW(attend({.after = -1}), c10::Error);
  EXPECT_THROW(attend({.scores = Random({3, 9})}), c10::Error);
  EXPECT_THROW(attend({.scores = Random({2, 10})}), c10::Error);
  EXPECT_THROW(attend({.scores = Random({2, 7})}), c10::Error);
  EXPECT_THROW(attend({.scores = Random({2, 9}).to(at::kDouble)}), c10::Error);
  for (const at::Tensor& table : {Random({10, 8}), Random({7, 8}), Random({9, 9}), Random({9})}) {
    EXPECT_THROW(attend({.keys = table}), c10::Error);
    EXPECT_THROW(attend({.queries = table}), c10::Error);
  }
}

// One head of one text with scratch memory of exactly the size that is stated.
void RunInScratch(int64_t tokens, int64_t width, int tables, int64_t before, int64_t after) {
  const at::Tensor qkv = Random({tokens, 3 * width}), bias = Random({3 * width});
  const float *x = qkv.const_data_ptr<float>(), *b = bias.const_data_ptr<float>();
  const TextDropout dropout = ForText({.rate = 0.5}, 0);
  AttentionHead head = {.tokens = tokens,
                        .width = width,
                        .stride = 3 * width,
                        .q = x,
                        .k = x + width,
                        .v = x + 2 * width,
                        .q_bias = b,
                        .k_bias = b + width,
                        .v_bias = b + 2 * width,
                        .scale = 0.3f,
                        .before = before,
                        .after = after,
                        .dropout = &dropout,
                        .first_element = 0};
  const at::Tensor table = Random({head.distances(), width});
  const at::Tensor panels = at::full({2, DistancePanels(head.distances(), width) + 16}, 7.0f);
  const auto pack = [&](DistanceTable& t, int64_t index) {
    t = {.zero = table.const_data_ptr<float>() + before * width,
         .stride = width,
         .before = before,
         .after = after,
         .descending = index == 1};
    float* target = panels[index].mutable_data_ptr<float>();
    simd::PackDistances(t, width, true, target);
    t.panels = target;
  };
  if ((tables & kScores) != 0) head.scores = table.const_data_ptr<float>() + before;
  if ((tables & kKeys) != 0) pack(head.keys, 0);
  if ((tables & kQueries) != 0) pack(head.queries, 1);
  EXPECT_TRUE(SameBits(panels.narrow(1, panels.size(1) - 16, 16), at::full({2, 16}, 7.0f)));

  const int64_t floats = AttentionScratch(tokens, width, head.has_tables());
  at::Tensor memory = at::full({floats + 16}, NAN);
  memory.narrow(0, floats, 16).fill_(7);
  float* scratch = memory.mutable_data_ptr<float>();
  ASSERT_EQ(reinterpret_cast<uintptr_t>(scratch) % 64, 0u);
  at::Tensor out = at::empty({tokens, width}), dqkv = at::empty({tokens, 3 * width});
  at::Tensor dtables = at::zeros({3, head.distances(), width});
  float* target = dqkv.mutable_data_ptr<float>();
  simd::Attention(head, scratch, out.mutable_data_ptr<float>(), width);
  memory.narrow(0, 0, floats).fill_(NAN);
  simd::AttentionGradient(head, out.const_data_ptr<float>(), width, scratch,
                          {.q = target,
                           .k = target + width,
                           .v = target + 2 * width,
                           .scores = dtables[0].mutable_data_ptr<float>(),
                           .keys = dtables[1].mutable_data_ptr<float>(),
                           .queries = dtables[2].mutable_data_ptr<float>(),
                           .table_stride = width});
  EXPECT_TRUE(SameBits(memory.narrow(0, floats, 16), at::full({16}, 7.0f)));
  for (const at::Tensor& result : {out, dqkv, dtables}) {
    EXPECT_TRUE(at::isfinite(result).all().item<bool>());
  }
}

TEST(AttentionOptionsTest, ScratchMemoryIsNeitherOverrunNorReadBeforeItIsWritten) {
  OnEveryCodePath([&] {
    for (int64_t tokens : {1, 6, 31, 49, 130}) {
      for (int64_t width : {5, 32, 64}) {
        for (int tables = kNone; tables <= kAllTables; ++tables) {
          SCOPED_TRACE(std::to_string(tokens) + " " + std::to_string(tables));
          RunInScratch(tokens, width, tables, tokens - 1, tokens - 1);
          RunInScratch(tokens, width, tables, tokens - 1, 0);
          RunInScratch(tokens, width, tables, std::min<int64_t>(tokens - 1, 9), tokens / 2);
        }
      }
    }
  });
}

}  // namespace
}  // namespace graft
