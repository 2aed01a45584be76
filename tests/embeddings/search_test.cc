#include "embeddings/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "base/code_path.h"
#include "embeddings/scores.h"
#include "models/weights/float_conversion.h"

namespace graft {
namespace {

struct Data {
  std::vector<float> floats;
  WordVectors vectors;
};

// Rows of several lengths, some equal, some zero, some close to each other.
Data MakeData(int64_t rows, int64_t width, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Data data;
  data.floats.resize(static_cast<size_t>(rows * width));
  for (int64_t row = 0; row < rows; ++row) {
    float* const out = data.floats.data() + row * width;
    const float length = std::exp(2 * normal(random));
    for (int64_t i = 0; i < width; ++i) out[i] = length * normal(random);
    if (row % 97 == 5) std::fill_n(out, width, 0.0f);
    if (row % 31 == 7) std::copy_n(data.floats.data() + row / 2 * width, width, out);
    if (row % 29 == 3) {
      std::copy_n(data.floats.data() + row / 3 * width, width, out);
      out[row % width] *= 1 + 1e-7f;
    }
  }
  WordsBuilder words;
  for (int64_t row = 0; row < rows; ++row) words.Add(absl::StrCat(row));
  data.vectors = WordVectors(
      words.Finish(), {.rows = rows, .width = width, .data = data.floats.data(), .owner = nullptr});
  return data;
}

std::vector<Neighbor> BruteForce(const WordVectors& vectors, absl::Span<const float> query,
                                 size_t k, Similarity similarity,
                                 const std::vector<int64_t>& excluded) {
  std::vector<Neighbor> all;
  std::vector<float> row(query.size());
  for (int64_t i = 0; i < vectors.size(); ++i) {
    if (std::count(excluded.begin(), excluded.end(), i) > 0) continue;
    vectors.Row(i, absl::MakeSpan(row));
    double dot = 0, length = 0, query_length = 0;
    for (size_t j = 0; j < row.size(); ++j) {
      dot += static_cast<double>(query[j]) * row[j];
      length += static_cast<double>(row[j]) * row[j];
      query_length += static_cast<double>(query[j]) * query[j];
    }
    const double norm = std::sqrt(length) * std::sqrt(query_length);
    all.push_back({i, similarity == Similarity::kDot ? dot : norm > 0 ? dot / norm : 0});
  }
  std::sort(all.begin(), all.end(), [](const Neighbor& a, const Neighbor& b) {
    return a.score != b.score ? a.score > b.score : a.row < b.row;
  });
  all.resize(std::min(all.size(), k));
  return all;
}

// Every kind of search on every path of code gives the answers of the brute force.
void ExpectExact(const Data& data, int64_t k, uint32_t seed) {
  const auto width = static_cast<size_t>(data.vectors.width());
  constexpr size_t kQueries = 37;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> queries(kQueries * width);
  for (float& value : queries) value = normal(random);
  std::vector<std::vector<int64_t>> excluded(kQueries);
  // Queries that are rows themselves; one that is zero.
  for (size_t q = 0; q < 20; ++q) {
    const int64_t row = static_cast<int64_t>(random()) % data.vectors.size();
    data.vectors.Row(row, absl::MakeSpan(queries).subspan(q * width, width));
    if (q % 2 == 0) excluded[q] = {row, (row + 1) % data.vectors.size()};
  }
  std::fill_n(queries.begin() + static_cast<std::ptrdiff_t>(25 * width), width, 0.0f);
  for (const Similarity similarity : {Similarity::kCosine, Similarity::kDot}) {
    std::vector<std::vector<Neighbor>> expected;
    for (size_t q = 0; q < kQueries; ++q) {
      expected.push_back(BruteForce(data.vectors, absl::MakeSpan(queries).subspan(q * width, width),
                                    static_cast<size_t>(k), similarity, excluded[q]));
    }
    for (const CodePath path : SupportedCodePaths()) {
      ForceCodePath(path);
      for (const int64_t threads : {1, 3}) {
        for (const bool int8 : {false, true}) {
          SCOPED_TRACE(absl::StrCat(CodePathName(path), " ", threads, int8 ? " int8" : ""));
          const VectorSearch search(data.vectors, {similarity, threads, int8});
          EXPECT_EQ(search.NearestBatch(queries, k, excluded), expected);
          for (size_t q = 0; q < kQueries; ++q) {
            ASSERT_EQ(
                search.Nearest(absl::MakeSpan(queries).subspan(q * width, width), k, excluded[q]),
                expected[q])
                << q;
          }
        }
      }
    }
    ForceCodePath(SupportedCodePaths().back());
  }
}

TEST(VectorSearchTest, AnswersAreThoseOfABruteForceInDouble) {
  ExpectExact(MakeData(3001, 50, 1), 10, 2);
  ExpectExact(MakeData(777, 33, 3), 1, 4);
  ExpectExact(MakeData(600, 1, 5), 7, 6);
  ExpectExact(MakeData(20, 5, 7), 100, 8);
  ExpectExact(MakeData(1500, 300, 9), 10, 10);
}

TEST(VectorSearchTest, ExtremeLengthsAreDoneInDouble) {
  Data data = MakeData(500, 8, 11);
  for (size_t i = 0; i < 80; ++i) data.floats[i] *= 1e30f;
  for (size_t i = 80; i < 160; ++i) data.floats[i] *= 1e-38f;
  ExpectExact(data, 10, 12);
}

TEST(VectorSearchTest, OtherStoragesAreSearchedAsTheFloatsThatTheyStandFor) {
  const Data data = MakeData(900, 20, 13);
  std::vector<uint16_t> halves;
  for (const float value : data.floats) halves.push_back(FloatToHalf(value));
  Data stored;
  stored.vectors = WordVectors(data.vectors.words(), {.storage = VectorStorage::kFloat16,
                                                      .rows = 900,
                                                      .width = 20,
                                                      .data = halves.data(),
                                                      .owner = nullptr});
  ExpectExact(stored, 10, 14);
}

TEST(VectorSearchTest, NoneAndAllRows) {
  const Data data = MakeData(10, 4, 15);
  const VectorSearch search(data.vectors, {});
  const std::vector<float> query = {1, 2, 3, 4};
  EXPECT_TRUE(search.Nearest(query, 0).empty());
  EXPECT_TRUE(search.Nearest(query, -5).empty());
  EXPECT_EQ(search.Nearest(query, 11).size(), 10u);
  EXPECT_TRUE(search.NearestBatch({}, 3).empty());
  EXPECT_TRUE(VectorSearch(WordVectors(Words(), {.width = 4, .owner = nullptr}), {})
                  .Nearest(query, 3)
                  .empty());
}

TEST(ScoresTest, EveryPathGivesEqualScoresOfCodes) {
  std::mt19937 random(16);
  constexpr int64_t kCount = 3, kBlocks = kRuns * kCount;
  for (const int64_t pairs : {1, 2, 25, 150}) {
    std::vector<int16_t> query(static_cast<size_t>(2 * pairs));
    std::vector<int8_t> codes(static_cast<size_t>(2 * pairs * kBlockRows * kBlocks));
    std::vector<float> scales(kBlocks * kBlockRows), errors(kBlocks);
    for (int16_t& value : query) {
      value = static_cast<int16_t>(static_cast<int>(random() % 65535) - 32767);
    }
    for (int8_t& value : codes) value = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
    for (float& value : scales) value = static_cast<float>(random() % 1000) * 1e-8f;
    for (float& value : errors) value = static_cast<float>(random() % 1000) * 1e-4f;
    BlockRuns runs = {{}, {}, {}, kCount, pairs};
    for (size_t run = 0; run < kRuns; ++run) {
      runs.codes[run] = codes.data() + run * kCount * static_cast<size_t>(2 * pairs * kBlockRows);
      runs.scales[run] = scales.data() + run * kCount * kBlockRows;
      runs.errors[run] = errors.data() + run * kCount;
    }
    std::array<float, kBlocks * kBlockRows> expected, found;
    std::array<bool, kBlocks> expected_hits, hits;
    const float least = static_cast<float>(pairs) * 0.02f;
    const bool any =
        plain::ScoreBlocks(query.data(), 0.5f, runs, least, expected.data(), expected_hits.data());
    EXPECT_NE(expected[20], expected[21]);
    for (const CodePath path : SupportedCodePaths()) {
      ForceCodePath(path);
      EXPECT_EQ(ScoreBlocks(query.data(), 0.5f, runs, least, found.data(), hits.data()), any);
      EXPECT_EQ(found, expected) << CodePathName(path);
      EXPECT_EQ(hits, expected_hits) << CodePathName(path);
    }
  }
  ForceCodePath(SupportedCodePaths().back());
}

// The formula for every row, in double.
std::vector<Neighbor> ProductByBruteForce(const WordVectors& vectors,
                                          const std::array<int64_t, 3>& words, size_t k) {
  const auto unit = [&](int64_t row) {
    std::vector<float> floats(static_cast<size_t>(vectors.width()));
    vectors.Row(row, absl::MakeSpan(floats));
    double sum = 0;
    for (const float value : floats) sum += static_cast<double>(value) * value;
    std::vector<double> result;
    for (const float value : floats) result.push_back(sum > 0 ? value / std::sqrt(sum) : 0);
    return result;
  };
  const std::vector<double> a = unit(words[0]), b = unit(words[1]), c = unit(words[2]);
  std::vector<Neighbor> all;
  for (int64_t row = 0; row < vectors.size(); ++row) {
    if (std::count(words.begin(), words.end(), row) > 0) continue;
    const std::vector<double> x = unit(row);
    double to_a = 0, to_b = 0, to_c = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      to_a += x[i] * a[i];
      to_b += x[i] * b[i];
      to_c += x[i] * c[i];
    }
    all.push_back({row, (1 + to_b) / 2 * ((1 + to_c) / 2) / ((1 + to_a) / 2 + 0.001)});
  }
  std::sort(all.begin(), all.end(), [](const Neighbor& x, const Neighbor& y) {
    return x.score != y.score ? x.score > y.score : x.row < y.row;
  });
  all.resize(std::min(all.size(), k));
  return all;
}

TEST(AnalogyTest, ProductsAreThoseOfABruteForceInDouble) {
  std::mt19937 random(17);
  Data extreme = MakeData(700, 6, 18);
  for (size_t i = 0; i < 60; ++i) extreme.floats[i] *= 1e30f;
  for (const Data& data :
       {MakeData(2501, 33, 19), MakeData(600, 1, 20), MakeData(9, 4, 21), std::move(extreme)}) {
    for (const CodePath path : SupportedCodePaths()) {
      ForceCodePath(path);
      for (const int64_t threads : {1, 3}) {
        const VectorSearch search(data.vectors, {.threads = threads});
        for (int i = 0; i < 20; ++i) {
          std::array<int64_t, 3> words;
          for (int64_t& word : words) word = static_cast<int64_t>(random()) % data.vectors.size();
          const auto found =
              Analogy(search, words[0], words[1], words[2], 10, AnalogyMethod::kMultiply);
          ASSERT_TRUE(found.ok());
          EXPECT_EQ(*found, ProductByBruteForce(data.vectors, words, 10)) << CodePathName(path);
        }
      }
    }
  }
  ForceCodePath(SupportedCodePaths().back());
}

TEST(AnalogyTest, TheFourthWordIsFoundByBothMethods) {
  // man, woman, king, queen, and others.
  const std::vector<float> floats = {1, 0, 0, .2f, 1, 1, 0, .2f, 1, 0, 1, .2f,
                                     1, 1, 1, .2f, 0, 1, 0, 1,   0, 0, 0, 0};
  WordsBuilder words;
  for (const char* word : {"man", "woman", "king", "queen", "other", "zero"}) words.Add(word);
  const WordVectors vectors(words.Finish(),
                            {.rows = 6, .width = 4, .data = floats.data(), .owner = nullptr});
  const VectorSearch search(vectors, {});
  for (const AnalogyMethod method : {AnalogyMethod::kAdd, AnalogyMethod::kMultiply}) {
    const auto answer = Analogy(search, 0, 1, 2, 2, method);
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->size(), 2u);
    EXPECT_EQ((*answer)[0].row, 3);
  }
  EXPECT_FALSE(Analogy(search, 0, 1, 6, 2, AnalogyMethod::kAdd).ok());
  EXPECT_FALSE(Analogy(VectorSearch(vectors, {.similarity = Similarity::kDot}), 0, 1, 2, 2,
                       AnalogyMethod::kAdd)
                   .ok());
}

}  // namespace
}  // namespace graft
