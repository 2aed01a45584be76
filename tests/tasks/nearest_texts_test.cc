// The folder of embeddings, and exact search over it.
#include "tasks/nearest_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tasks/threads.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

constexpr int64_t kWidth = 19;

std::vector<float> RandomVectors(int64_t rows, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * kWidth);
  std::generate(values.begin(), values.end(), [&] { return normal(random); });
  return values;
}

EmbeddingIndex WriteIndex(const std::string& path, const std::vector<float>& values) {
  auto writer = EmbeddingIndexWriter::Create(path, kWidth);
  EXPECT_TRUE(writer.ok()) << writer.status();
  const auto rows = static_cast<int64_t>(values.size()) / kWidth;
  for (int64_t i = 0; i < rows; ++i) {
    EXPECT_TRUE(writer
                    ->Add(absl::StrCat("id", i), absl::StrCat("text\n\"", i),
                          absl::MakeConstSpan(values).subspan(i * kWidth, kWidth))
                    .ok());
  }
  EmbeddingSource source;
  source.model = "/models/one";
  source.options = {.pooling = PoolingMode::kLast,
                    .normalize = true,
                    .layer = 3,
                    .dimensions = 19,
                    .max_length = 7};
  source.fingerprint = {{{"config.json", "12"}}, {{"layer", "3"}}};
  source.similarity = "dot";
  EXPECT_TRUE(writer->Commit(source).ok());
  auto index = EmbeddingIndex::Open(path);
  EXPECT_TRUE(index.ok()) << index.status();
  return *std::move(index);
}

double Score(const float* a, const float* b, Similarity similarity) {
  double dot = 0, aa = 0, bb = 0;
  for (int64_t c = 0; c < kWidth; ++c) {
    dot += static_cast<double>(a[c]) * b[c];
    aa += static_cast<double>(a[c]) * a[c];
    bb += static_cast<double>(b[c]) * b[c];
  }
  return similarity == Similarity::kDot ? dot : dot / std::sqrt(aa * bb);
}

TEST(EmbeddingIndex, GivesBackWhatWasWritten) {
  const testing::TemporaryFolder folder;
  const std::vector<float> values = RandomVectors(7, 1);
  const EmbeddingIndex index = WriteIndex(folder / "index", values);
  ASSERT_EQ(index.rows(), 7);
  ASSERT_EQ(index.dimensions(), kWidth);
  EXPECT_EQ(std::vector<float>(index.vectors(), index.vectors() + 7 * kWidth), values);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(index.vectors()) % 64, 0u);
  const auto entry = index.Read(5);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->id, "id5");
  EXPECT_EQ(entry->text, "text\n\"5");
  const EmbeddingSource& source = index.source();
  EXPECT_EQ(source.model, "/models/one");
  EXPECT_EQ(source.options.pooling, PoolingMode::kLast);
  EXPECT_TRUE(source.options.normalize);
  EXPECT_EQ(source.options.layer, 3);
  EXPECT_EQ(source.options.dimensions, 19);
  EXPECT_EQ(source.options.max_length, 7);
  EXPECT_EQ(source.fingerprint.files.at("config.json"), "12");
  EXPECT_EQ(source.fingerprint.options.at("layer"), "3");
  EXPECT_EQ(source.similarity, "dot");
}

TEST(EmbeddingIndex, AWriterTakesNoVectorThatIsNotOne) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(EmbeddingIndexWriter::Create(folder / "none", 0),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected 1 to")));
  auto writer = EmbeddingIndexWriter::Create(folder / "index", kWidth);
  ASSERT_TRUE(writer.ok());
  std::vector<float> vector = RandomVectors(1, 1);
  EXPECT_THAT(writer->Add("1", "text", absl::MakeConstSpan(vector).first(kWidth - 1)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("row 0: expected a vector of 19 numbers, found 18")));
  vector[3] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(
      writer->Add("1", "text", vector),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("row 0: expected finite numbers")));
}

TEST(EmbeddingIndex, AnotherIsReplacedOnlyOnRequestAndNothingElseEver) {
  const testing::TemporaryFolder folder;
  WriteIndex(folder / "index", RandomVectors(2, 1));
  EXPECT_THAT(EmbeddingIndexWriter::Create(folder / "index", kWidth),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_TRUE(EmbeddingIndexWriter::Create(folder / "index", kWidth, true).ok());
  std::filesystem::create_directory(folder / "other");
  folder.Write("other/index.json", R"({"format": "other"})");
  EXPECT_THAT(EmbeddingIndexWriter::Create(folder / "other", kWidth, true),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST(EmbeddingIndex, RowsThatAreNotThereAreRefused) {
  const testing::TemporaryFolder folder;
  const EmbeddingIndex index = WriteIndex(folder / "index", RandomVectors(3, 1));
  for (const int64_t row : {-1, 3}) {
    EXPECT_THAT(index.Read(row),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a row from 0 to 2")));
  }
}

TEST(EmbeddingIndex, IsMappedUnlessOthersMayWriteToIt) {
  const testing::TemporaryFolder folder;
  const std::vector<float> values = RandomVectors(3, 1);
  WriteIndex(folder / "index", values);
  const std::string file = folder / "index/embeddings.safetensors";
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  EXPECT_TRUE(EmbeddingIndex::Open(folder / "index")->mapped());
  std::filesystem::permissions(file, std::filesystem::perms(0666));
  const auto index = EmbeddingIndex::Open(folder / "index");
  EXPECT_FALSE(index->mapped());
  std::filesystem::resize_file(file, 0);
  EXPECT_EQ(std::vector<float>(index->vectors(), index->vectors() + 3 * kWidth), values);
}

TEST(FindNearest, AnEmptyIndexGivesNothing) {
  const testing::TemporaryFolder folder;
  const EmbeddingIndex index = WriteIndex(folder / "index", {});
  EXPECT_EQ(index.rows(), 0);
  const auto found = FindNearest(index, RandomVectors(2, 1), 3, Similarity::kCosine);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, ::testing::ElementsAre(::testing::IsEmpty(), ::testing::IsEmpty()));
}

TEST(FindNearest, RefusesWhatItCannotAnswer) {
  const testing::TemporaryFolder folder;
  const EmbeddingIndex index = WriteIndex(folder / "index", RandomVectors(3, 1));
  const std::vector<float> query = RandomVectors(1, 2);
  for (const int64_t top : {0, -5}) {
    EXPECT_THAT(
        FindNearest(index, query, top, Similarity::kDot).status(),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("top: expected at least 1")));
  }
  EXPECT_THAT(FindNearest(index, absl::MakeConstSpan(query).first(7), 1, Similarity::kDot).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("rows of 19 numbers")));
  WriteIndex(folder / "large", std::vector<float>(2 * kWidth, 1e30f));
  EXPECT_THAT(FindNearest(*EmbeddingIndex::Open(folder / "large"),
                          std::vector<float>(kWidth, -1e30f), 1, Similarity::kDot)
                  .status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("row 0: expected numbers")));
}

TEST(EmbeddingIndex, WithoutCommitNothingIsThere) {
  const testing::TemporaryFolder folder;
  {
    auto writer = EmbeddingIndexWriter::Create(folder / "index", kWidth);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->Add("1", "text", RandomVectors(1, 1)).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(FindNearest, FindsWhatAPlainLoopFinds) {
  constexpr int64_t kRows = 20'000, kQueries = 5, kTop = 12;
  const testing::TemporaryFolder folder;
  const std::vector<float> values = RandomVectors(kRows, 2), queries = RandomVectors(kQueries, 3);
  const EmbeddingIndex index = WriteIndex(folder / "index", values);
  for (const Similarity similarity : {Similarity::kCosine, Similarity::kDot}) {
    const auto found = FindNearest(index, queries, kTop, similarity);
    ASSERT_TRUE(found.ok()) << found.status();
    for (int64_t q = 0; q < kQueries; ++q) {
      std::vector<double> scores(kRows);
      for (int64_t i = 0; i < kRows; ++i) {
        scores[i] = Score(queries.data() + q * kWidth, values.data() + i * kWidth, similarity);
      }
      std::sort(scores.begin(), scores.end(), std::greater<>());
      ASSERT_EQ((*found)[q].size(), static_cast<size_t>(kTop));
      for (int64_t k = 0; k < kTop; ++k) {
        EXPECT_NEAR((*found)[q][k].score, scores[k], 1e-5) << q << " " << k;
      }
    }
  }
}

TEST(FindNearest, AQueryAloneGivesTheSameBitsOnAnyNumberOfThreads) {
  constexpr int64_t kRows = 9'000, kQueries = 130;
  const testing::TemporaryFolder folder;
  const std::vector<float> queries = RandomVectors(kQueries, 5);
  const EmbeddingIndex index = WriteIndex(folder / "index", RandomVectors(kRows, 4));
  SetThreads(2);
  const auto together = FindNearest(index, queries, 5, Similarity::kCosine);
  ASSERT_TRUE(together.ok());
  SetThreads(1);
  for (const int64_t q : {0, 1, 64, 129}) {
    const auto alone = FindNearest(index, absl::MakeConstSpan(queries).subspan(q * kWidth, kWidth),
                                   5, Similarity::kCosine);
    ASSERT_TRUE(alone.ok());
    for (size_t k = 0; k < 5; ++k) {
      EXPECT_EQ((*alone)[0][k].row, (*together)[q][k].row);
      EXPECT_EQ((*alone)[0][k].score, (*together)[q][k].score);
    }
  }
}

TEST(FindNearest, EqualScoresGoByRowAndZerosScoreZero) {
  const testing::TemporaryFolder folder;
  std::vector<float> values(kWidth * 6, 0.0f);
  for (const int64_t row : {1, 3, 4}) std::fill_n(values.begin() + row * kWidth, kWidth, 0.5f);
  const EmbeddingIndex index = WriteIndex(folder / "index", values);
  const std::vector<float> query(kWidth, 2.0f);
  const auto found = FindNearest(index, query, 100, Similarity::kCosine);
  ASSERT_TRUE(found.ok());
  std::vector<int64_t> rows;
  for (const Neighbor& neighbor : (*found)[0]) rows.push_back(neighbor.row);
  EXPECT_THAT(rows, ::testing::ElementsAre(1, 3, 4, 0, 2, 5));
  EXPECT_EQ((*found)[0][5].score, 0);
}

}  // namespace
}  // namespace graft
