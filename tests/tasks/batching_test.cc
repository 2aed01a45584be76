#include "tasks/batching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Texts of 3, 1, 5 and 2 tokens, the ids counting through.
EncodedBatch FourTexts() {
  EncodedBatch texts;
  texts.ids.resize(11);
  std::iota(texts.ids.begin(), texts.ids.end(), 100);
  texts.starts = {0, 3, 4, 9, 11};
  texts.cut_off = {0, 0, 0, 0};
  return texts;
}

std::vector<int32_t> Values(const at::Tensor& tensor) {
  return {tensor.data_ptr<int32_t>(), tensor.data_ptr<int32_t>() + tensor.numel()};
}

TEST(PackBatch, LaysTextsOneAfterTheOther) {
  const std::vector<int64_t> examples = {2, 0};
  const Batch batch = PackBatch(EncodedTexts(FourTexts()), examples, 7);
  EXPECT_THAT(Values(batch.segments.starts), ElementsAre(0, 5, 8));
  EXPECT_THAT(Values(batch.segments.text_ids), ElementsAre(7, 8));
  EXPECT_EQ(batch.segments.tokens, 8);
  EXPECT_EQ(batch.segments.longest, 5);
  EXPECT_THAT(Values(batch.ids), ElementsAre(104, 105, 106, 107, 108, 100, 101, 102));
  EXPECT_THAT(Values(batch.positions), ElementsAre(0, 1, 2, 3, 4, 0, 1, 2));
  EXPECT_EQ(batch.type_ids.size(0), 8);
}

TEST(CutByTokens, FillsEachRunWithoutSplittingATextOrPassingTheLimit) {
  const std::vector<int64_t> all = {0, 1, 2, 3};
  EXPECT_THAT(CutByTokens(FourTexts(), all, 100), ElementsAre(4u));
  EXPECT_THAT(CutByTokens(FourTexts(), all, 5), ElementsAre(2u, 3u, 4u));
  EXPECT_THAT(CutByTokens(FourTexts(), all, 1), ElementsAre(1u, 2u, 3u, 4u))
      << "a long text is a run of its own";
  EXPECT_THAT(CutByTokens(FourTexts(), {}, 5), IsEmpty());
}

TEST(EpochOrder, IsAPermutationThatDependsOnSeedAndEpoch) {
  const std::vector<int64_t> order = EpochOrder(1, 0, 1000);
  std::vector<int64_t> sorted = order, all(1000);
  std::sort(sorted.begin(), sorted.end());
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(sorted, all);
  EXPECT_NE(order, all);
  EXPECT_EQ(order, EpochOrder(1, 0, 1000));
  EXPECT_NE(order, EpochOrder(1, 1, 1000));
  EXPECT_NE(order, EpochOrder(2, 0, 1000));
}

TEST(EpochOrder, EveryPlaceIsEquallyLikely) {
  // The mean place of example 0 over many epochs: uniform on 0..9 has mean 4.5 and variance 8.25.
  constexpr int kEpochs = 4000;
  double sum = 0;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<int64_t> order = EpochOrder(9, static_cast<uint32_t>(epoch), 10);
    sum += static_cast<double>(std::find(order.begin(), order.end(), 0) - order.begin());
  }
  EXPECT_NEAR(sum / kEpochs, 4.5, 5 * 2.87 / 63.2);
}

}  // namespace
}  // namespace graft
