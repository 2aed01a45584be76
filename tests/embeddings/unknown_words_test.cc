#include "embeddings/unknown_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/embeddings/small_vectors.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using Last = UnknownWordOptions::Last;

struct Given {
  UnknownWords::Found found;
  std::vector<float> vector;
};

Given Ask(const UnknownWords& words, std::string_view word) {
  Given given;
  given.vector.assign(static_cast<size_t>(words.vectors().width()), -1);
  given.found = words.Vector(word, absl::MakeSpan(given.vector));
  return given;
}

TEST(UnknownWordsTest, ARowIsTakenBeforeAllElse) {
  const UnknownWords words(SmallVectors({"a", "A", "b"}, {1, 2, 3, 4, 5, 6}), {});
  const Given given = Ask(words, "A");
  EXPECT_EQ(given.found.source, VectorSource::kRow);
  EXPECT_EQ(given.found.row, 1);
  EXPECT_THAT(given.vector, ElementsAre(3, 4));
}

TEST(UnknownWordsTest, TheLowerCasedFormOfUnicodeStandsInForAWord) {
  const WordVectors vectors = SmallVectors({"äöü", "x"}, {1, 2, 3, 4});
  const Given given = Ask(UnknownWords(vectors, {}), "ÄÖÜ");
  EXPECT_EQ(given.found.source, VectorSource::kLowerCase);
  EXPECT_EQ(given.found.row, 0);
  EXPECT_THAT(given.vector, ElementsAre(1, 2));
  EXPECT_EQ(Ask(UnknownWords(vectors, {.lower_case = false}), "ÄÖÜ").found.source,
            VectorSource::kNone);
}

TEST(UnknownWordsTest, SubWordsComeBeforeTheLowerCasedForm) {
  const WordVectors vectors = SmallVectors({"abc"}, {1, 2}, SmallSubWords(2));
  const Given given = Ask(UnknownWords(vectors, {}), "ABC");
  EXPECT_EQ(given.found.source, VectorSource::kSubWords);
  EXPECT_EQ(given.found.row, std::nullopt);
  std::vector<float> expected(2);
  ASSERT_TRUE(vectors.sub_words()->Vector("ABC", absl::MakeSpan(expected)));
  EXPECT_EQ(given.vector, expected);
  EXPECT_EQ(Ask(UnknownWords(vectors, {.sub_words = false}), "ABC").found.source,
            VectorSource::kLowerCase);
}

TEST(UnknownWordsTest, TheLastChoiceIsNothingZerosOrTheMeanOfTheLastRows) {
  const WordVectors vectors = SmallVectors({"a", "b", "c"}, {9, 9, 1, 2, 3, 6});
  Given given = Ask(UnknownWords(vectors, {}), "x");
  EXPECT_EQ(given.found.source, VectorSource::kNone);
  EXPECT_THAT(given.vector, ElementsAre(0, 0));
  given = Ask(UnknownWords(vectors, {.last = Last::kZero}), "x");
  EXPECT_EQ(given.found.source, VectorSource::kZero);
  EXPECT_THAT(given.vector, ElementsAre(0, 0));
  given = Ask(UnknownWords(vectors, {.last = Last::kRareMean, .rare_rows = 2}), "x");
  EXPECT_EQ(given.found.source, VectorSource::kRareMean);
  EXPECT_THAT(given.vector, ElementsAre(2, 4));
  given = Ask(UnknownWords(vectors, {.last = Last::kRareMean}), "x");
  EXPECT_THAT(given.vector, ElementsAre(13.0f / 3, 17.0f / 3));
}

TEST(UnknownWordsTest, VectorsWithoutRowsHaveAMeanOfZeros) {
  const WordVectors none = SmallVectors({}, {}, std::nullopt, 2);
  EXPECT_THAT(Ask(UnknownWords(none, {.last = Last::kRareMean}), "x").vector, ElementsAre(0, 0));
}

}  // namespace
}  // namespace graft
