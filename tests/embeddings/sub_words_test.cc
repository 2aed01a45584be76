#include "embeddings/sub_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "embeddings/word_vectors.h"

namespace graft {
namespace {

using testing::ElementsAre;

TEST(SubWordsTest, NGramsOfFastTextAreThoseOfItsProgram) {
  const std::vector<float> rows(2000);
  SubWordRules rules = {.min_length = 3, .max_length = 3, .buckets = 2000};
  const SubWords sub_words(rules, rows.data(), 2000, 1, nullptr);
  // FNV-1a of "<ab", "ab>" modulo 2000.
  const auto fnv = [](std::string_view text) {
    uint32_t hash = 2166136261u;
    for (const char c : text)
      hash = (hash ^ static_cast<uint32_t>(static_cast<int8_t>(c))) * 16777619u;
    return static_cast<int64_t>(hash % 2000);
  };
  EXPECT_THAT(sub_words.RowsOf("ab"), ElementsAre(fnv("<ab"), fnv("ab>")));
  EXPECT_THAT(sub_words.RowsOf("\xC3\xA9"), ElementsAre(fnv("<\xC3\xA9>")));
  EXPECT_THAT(sub_words.RowsOf("</s>"), ElementsAre());
  EXPECT_THAT(sub_words.RowsOf(""), ElementsAre());
}

TEST(SubWordsTest, AMarkAloneIsNoNGram) {
  const std::vector<float> rows(7);
  const SubWords sub_words({.min_length = 1, .max_length = 1, .buckets = 7}, rows.data(), 7, 1,
                           nullptr);
  EXPECT_EQ(sub_words.RowsOf("ab").size(), 2u);
}

TEST(SubWordsTest, TheVectorIsTheMeanOfTheRows) {
  std::vector<float> rows(40);
  std::iota(rows.begin(), rows.end(), 0.0f);
  const SubWords sub_words({.min_length = 2, .max_length = 4, .buckets = 20}, rows.data(), 20, 2,
                           nullptr);
  std::array<float, 2> out;
  ASSERT_TRUE(sub_words.Vector("word", absl::MakeSpan(out)));
  double sum = 0;
  const std::vector<int64_t> used = sub_words.RowsOf("word");
  for (const int64_t row : used) sum += static_cast<double>(row);
  EXPECT_NEAR(out[0], 2 * sum / static_cast<double>(used.size()), 1e-4);
  EXPECT_NEAR(out[1], out[0] + 1, 1e-4);
}

TEST(SubWordsTest, PrunedBucketsGiveNothing) {
  const std::vector<float> rows = {5, 6};
  const SubWords sub_words({.min_length = 3, .max_length = 3, .buckets = 10}, rows.data(), 2, 1,
                           nullptr, std::unordered_map<int64_t, int64_t>());
  std::array<float, 1> out = {9};
  EXPECT_FALSE(sub_words.Vector("word", absl::MakeSpan(out)));
  EXPECT_EQ(out[0], 0);
}

TEST(WordVectorsTest, RowsOfEveryStorageAreFloats) {
  WordsBuilder builder;
  builder.Add("a");
  builder.Add("b");
  const Words words = builder.Finish();
  const std::array<uint16_t, 4> halves = {0x3C00, 0xC000, 0x0000, 0x3800};
  const std::array<int8_t, 4> codes = {127, -127, 1, 0};
  const std::array<float, 2> scales = {0.5f, 2.0f};
  std::array<float, 2> out;
  const WordVectors half(words, {.storage = VectorStorage::kFloat16,
                                 .rows = 2,
                                 .width = 2,
                                 .data = halves.data(),
                                 .owner = nullptr});
  half.Row(0, absl::MakeSpan(out));
  EXPECT_THAT(out, ElementsAre(1.0f, -2.0f));
  EXPECT_EQ(half.floats(), nullptr);
  const WordVectors int8(words, {.storage = VectorStorage::kInt8,
                                 .rows = 2,
                                 .width = 2,
                                 .data = codes.data(),
                                 .scales = scales.data(),
                                 .owner = nullptr});
  ASSERT_TRUE(int8.Vector("b", absl::MakeSpan(out)));
  EXPECT_THAT(out, ElementsAre(2.0f, 0.0f));
  EXPECT_FALSE(int8.Vector("c", absl::MakeSpan(out)));
  EXPECT_THAT(out, ElementsAre(0.0f, 0.0f));
}

}  // namespace
}  // namespace graft
