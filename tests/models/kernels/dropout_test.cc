#include "models/kernels/dropout.h"

#include "models/kernels/loops.h"
#include "models/kernels/text_dropout.h"
#include "tests/models/kernels/kernel_test.h"

namespace graft {
namespace {

using Block = std::array<uint32_t, 4>;

// kat_vectors of Random123 1.14, philox 4 x 32, 10 rounds.
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_EQ(Philox({0, 0, 0, 0}, 0), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(Philox({kOnes, kOnes, kOnes, kOnes}, 0xffffffffffffffff),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(DropoutScalesTest, EveryPathGivesTheWordsOfPhiloxFromAnyElementOn) {
  const DropoutKey key = {.rate = 0.3, .seed = 0x123456789abcdef0, .step = 11, .site = 513};
  const TextDropout dropout = ForText(key, 5);
  OnEveryCodePath([&] {
    for (uint64_t first : {0u, 1u, 2u, 3u, 4u, 63u, 64u, 1001u}) {
      for (int64_t count : {0, 1, 3, 4, 64, 65, 257}) {
        std::vector<float> scales(count + 1, -1.0f);
        simd::DropoutScales(dropout, first, count, scales.data());
        for (int64_t i = 0; i < count; ++i) {
          const auto element = static_cast<uint32_t>(first + i);
          const uint32_t word = Philox({element / 4, 5, 513, 11}, key.seed)[element % 4];
          EXPECT_EQ(scales[i], word >= 0.3 * 4294967296.0 ? static_cast<float>(1 / 0.7) : 0.0f);
        }
        EXPECT_EQ(scales[count], -1.0f) << "wrote past the end";
      }
    }
  });
}

TEST(DropoutTest, DropsAboutTheRateAndKeepsTheMean) {
  const Segments segments = MakeSegments({300, 200});
  const at::Tensor ones = at::ones({512, 384});
  for (double rate : {0.1, 0.5, 0.9}) {
    const at::Tensor y = Dropout(ones, segments, {.rate = rate, .seed = 3});
    const at::Tensor inside = y.narrow(0, 0, 500);
    EXPECT_NEAR((inside == 0).to(at::kDouble).mean().item<double>(), rate, 0.005);
    EXPECT_NEAR(inside.mean().item<double>(), 1, 0.02);
    EXPECT_TRUE(SameBits(y.narrow(0, 500, 12), ones.narrow(0, 500, 12)));
  }
}

TEST(DropoutTest, EveryPartOfTheKeyChangesTheMask) {
  const Segments segments = MakeSegments({40});
  const at::Tensor x = at::ones({48, 64});
  const DropoutKey key = {.rate = 0.5, .seed = 1, .step = 2, .site = 3};
  const at::Tensor y = Dropout(x, segments, key);
  EXPECT_TRUE(SameBits(y, Dropout(x, segments, key)));
  for (DropoutKey other : {DropoutKey{0.5, 2, 2, 3}, DropoutKey{0.5, 1ull << 32 | 1, 2, 3},
                           DropoutKey{0.5, 1, 3, 3}, DropoutKey{0.5, 1, 2, 4}}) {
    EXPECT_FALSE(SameBits(y, Dropout(x, segments, other)));
  }
  EXPECT_FALSE(SameBits(y, Dropout(x, MakeSegments({40}, {1}), key)));
}

TEST(DropoutTest, AStepSplitIntoMicroBatchesHasTheSameMasks) {
  const DropoutKey key = {.rate = 0.4, .seed = 9, .step = 1, .site = 2};
  const at::Tensor x = Random({32, 30});
  const at::Tensor whole = Dropout(x, MakeSegments({5, 17, 1, 9}), key);
  const at::Tensor first = Dropout(x.narrow(0, 0, 22), MakeSegments({5, 17}), key);
  const at::Tensor second = Dropout(x.narrow(0, 22, 10), MakeSegments({1, 9}, {2, 3}), key);
  EXPECT_TRUE(SameBits(whole, at::cat({first, second})));
  const at::Tensor pooled = Random({4, 30});
  const at::Tensor rows = DropoutPerText(pooled, MakeSegments({5, 17, 1, 9}), key);
  EXPECT_TRUE(SameBits(rows.narrow(0, 2, 2),
                       DropoutPerText(pooled.narrow(0, 2, 2), MakeSegments({1, 9}, {2, 3}), key)));
}

TEST(DropoutTest, TheGradientHasTheSameMask) {
  const Segments segments = MakeSegments({7, 20});
  const DropoutKey key = {.rate = 0.25, .seed = 4};
  const at::Tensor x = Leaf(at::ones({32, 48}));
  const at::Tensor y = Dropout(x, segments, key);
  y.backward(at::ones_like(y));
  EXPECT_TRUE(SameBits(x.grad(), y));
  const at::Tensor pooled = Leaf(at::ones({2, 48}));
  const at::Tensor z = DropoutPerText(pooled, segments, key);
  z.backward(at::ones_like(z));
  EXPECT_TRUE(SameBits(pooled.grad(), z));
}

TEST(DropoutTest, RateZeroIsTheInputItself) {
  const at::Tensor x = Random({16, 8});
  EXPECT_TRUE(Dropout(x, MakeSegments({10}), {}).is_same(x));
}

TEST(DropoutTest, ARateOfOneIsRefused) {
  EXPECT_THROW(Dropout(Random({16, 8}), MakeSegments({10}), {.rate = 1}), c10::Error);
}

}  // namespace
}  // namespace graft
