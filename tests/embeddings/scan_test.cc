#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "embeddings/norm_statistics.h"
#include "embeddings/write.h"
#include "tests/embeddings/load_test.h"

namespace graft {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ManyRows(int rows) {
  std::string text;
  for (int i = 0; i < rows; ++i) absl::StrAppend(&text, "w", i, " ", i, " 0.5\n");
  return text;
}

TEST(ScanWordVectorsTest, GivesTheRowsOfEveryFormatInOrder) {
  const std::string path = TestFile("glove", ManyRows(100'000));
  const auto loaded = LoadWordVectors(path, {});
  ASSERT_TRUE(loaded.ok());
  const std::string folder = path + ".folder", binary = path + ".bin";
  ASSERT_TRUE(WriteWordVectors(loaded->vectors, folder, {.replace = true}).ok());
  ASSERT_TRUE(
      WriteWordVectors(loaded->vectors, binary, {.format = VectorFormat::kWord2VecBinary}).ok());
  for (const std::string& file : {path, folder, binary}) {
    int64_t next = 0;
    LoadOptions options;
    options.threads = 3;
    const auto report =
        ScanWordVectors(file, options, [&](std::string_view word, absl::Span<const float> row) {
          EXPECT_EQ(word, absl::StrCat("w", next));
          EXPECT_THAT(row, ElementsAre(static_cast<float>(next), 0.5f));
          ++next;
          return absl::OkStatus();
        });
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(next, 100'000);
    EXPECT_EQ(report->rows, 100'000);
    EXPECT_EQ(report->width, 2);
  }
}

TEST(ScanWordVectorsTest, AnErrorOfTheConsumerEndsTheReading) {
  const std::string path = TestFile("glove", ManyRows(1000));
  const auto report = ScanWordVectors(path, {}, [](std::string_view word, absl::Span<const float>) {
    return word == "w7" ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_EQ(report.status().code(), absl::StatusCode::kCancelled);
}

TEST(ScanWordVectorsTest, BrokenWordsOfAFolderAreFound) {
  const std::string path = TestFile("glove", "a 1 2\n\xFF 3 4\n");
  const auto loaded = LoadWordVectors(path, {});
  ASSERT_TRUE(loaded.ok());
  ASSERT_TRUE(WriteWordVectors(loaded->vectors, path + ".folder", {.replace = true}).ok());
  const auto report =
      ScanWordVectors(path + ".folder", {},
                      [](std::string_view, absl::Span<const float>) { return absl::OkStatus(); });
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->broken_utf8, 1);
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_EQ(report->findings[0].offset, 2u);
  EXPECT_THAT(report->findings[0].text, HasSubstr("'\\xFF' is no UTF-8"));
}

TEST(LoadProgressTest, BytesOfTheFileGrowToItsSize) {
  const std::string text = ManyRows(400'000);
  const std::string path = TestFile("glove", text);
  for (const int64_t threads : {1, 3}) {
    uint64_t last = 0;
    LoadOptions options;
    options.threads = threads;
    options.progress = [&](uint64_t bytes) {
      EXPECT_GT(bytes, last);
      last = bytes;
    };
    ASSERT_TRUE(LoadWordVectors(path, options).ok());
    EXPECT_LE(last, text.size());
    EXPECT_GT(last + (uint64_t{2} << 20), text.size());
  }
}

TEST(NormStatisticsTest, FiguresAreThoseOfAllRows) {
  NormStatistics norms;
  norms.Add("a", {3, 4});
  norms.Add("zero", {0, 0});
  norms.Add("b", {0, 1});
  EXPECT_EQ(norms.rows(), 3);
  EXPECT_EQ(norms.least(), 0);
  EXPECT_EQ(norms.most(), 5);
  EXPECT_THAT(norms.mean(), DoubleNear(2, 1e-12));
  EXPECT_THAT(norms.deviation(), DoubleNear(2.1602468994692869, 1e-12));
  EXPECT_EQ(norms.zeros(), 1);
  EXPECT_THAT(norms.zero_words(), ElementsAre("zero"));
  EXPECT_EQ(NormStatistics().mean(), 0);
}

}  // namespace
}  // namespace graft
