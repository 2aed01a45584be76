#include "embeddings/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/embeddings/small_vectors.h"

namespace graft {
namespace {

WordCounter Counted(const std::vector<std::string_view>& words) {
  WordCounter counter;
  for (const std::string_view word : words) counter.Add(word);
  return counter;
}

void ExpectCount(const WordCount& count, int64_t types, int64_t tokens) {
  EXPECT_EQ(count.types, types);
  EXPECT_EQ(count.tokens, tokens);
}

TEST(CoverageTest, TypesAndTokensAreCounted) {
  const WordVectors vectors = SmallVectors({"the", "film", "good"}, {1, 2, 3});
  const CoverageReport report = FindCoverage(
      vectors, Counted({"the", "film", "the", "The", "xq", "xq", "xq", "Film", "zz"}), 2, 1);
  ExpectCount(report.all, 6, 9);
  ExpectCount(report.known, 2, 3);
  ExpectCount(report.lower_case, 2, 2);
  ExpectCount(report.sub_words, 0, 0);
  ExpectCount(report.left, 2, 4);
  ASSERT_EQ(report.unknown.size(), 2u);
  EXPECT_EQ(report.unknown[0].word, "xq");
  EXPECT_EQ(report.unknown[0].count, 3);
  EXPECT_EQ(report.unknown[1].word, "Film");
}

TEST(CoverageTest, SubWordsWinWhatTheModelHasNGramsFor) {
  const WordVectors vectors = SmallVectors({"film"}, {1, 2}, SmallSubWords(2));
  // "a" is too short for n-grams of 3 characters between its marks: "<a>" is one.
  const CoverageReport report =
      FindCoverage(vectors, Counted({"films", "films", "a", "", "Film"}), 10, 1);
  ExpectCount(report.sub_words, 3, 4);
  ExpectCount(report.lower_case, 1, 1);
  ExpectCount(report.left, 1, 1);
}

TEST(CoverageTest, NGramsOfKnownWordsAreCountedByCharacters) {
  const WordVectors vectors = SmallVectors({"größer", "kleiner"}, {1, 2});
  // Of the 14 n-grams of "<größe>" all but those that end in ">" stand in "<größer>": 10 of 14.
  ExpectCount(FindCoverage(vectors, Counted({"größe"}), 10, 2).n_grams, 1, 1);
  ExpectCount(FindCoverage(vectors, Counted({"xyz", "xyz"}), 10, 2).n_grams, 0, 0);
  ExpectCount(FindCoverage(vectors, Counted({"\xFF\x80g"}), 10, 2).n_grams, 0, 0);
  ExpectCount(FindCoverage(SmallVectors({}, {}, std::nullopt, 3), Counted({"a"}), 10, 2).left, 1,
              1);
}

}  // namespace
}  // namespace graft
