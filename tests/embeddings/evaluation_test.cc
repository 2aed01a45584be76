#include "embeddings/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "embeddings/correlation.h"
#include "tests/embeddings/load_test.h"
#include "tests/embeddings/small_vectors.h"

namespace graft {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Unknown = EvaluationOptions::Unknown;

template <typename Set>
Set ReadAs(std::string_view text) {
  const auto set = ReadEvaluationSet(TestFile("set.txt", text));
  EXPECT_TRUE(set.ok()) << set.status();
  if (!set.ok() || !std::holds_alternative<Set>(*set)) {
    ADD_FAILURE() << "another kind: " << text;
    return {};
  }
  return std::get<Set>(*set);
}

std::string PairsText(const WordPairSet& set) {
  std::string text;
  for (const WordPair& pair : set.pairs) {
    absl::StrAppend(&text, pair.first, "|", pair.second, "|", pair.score, "\n");
  }
  return text;
}

TEST(CorrelationTest, TiesHaveTheMeanOfTheirRanks) {
  EXPECT_THAT(AverageRanks({3, 1, 3, 2, 3}), ElementsAre(4, 1, 4, 2, 4));
  EXPECT_THAT(AverageRanks({}), ElementsAre());
}

TEST(CorrelationTest, FiguresAreThoseOfTheFormulas) {
  // scipy.stats of SciPy 1.17: pearsonr and spearmanr of these lists.
  const std::vector<double> x = {1, 2, 3, 4, 5, 5}, y = {2, 1, 4, 3, 7, 5};
  EXPECT_THAT(*Pearson(x, y), DoubleNear(0.8315218406, 1e-9));
  EXPECT_THAT(*Spearman(x, y), DoubleNear(0.8696565534, 1e-9));
  EXPECT_THAT(*Spearman({1, 2, 3}, {10, 100, 1000}), DoubleNear(1, 1e-12));
  EXPECT_THAT(*Spearman({1, 2, 3}, {3, 2, 1}), DoubleNear(-1, 1e-12));
}

TEST(CorrelationTest, EqualNumbersAndSingleOnesHaveNone) {
  EXPECT_EQ(Pearson({1, 1, 1}, {1, 2, 3}), std::nullopt);
  EXPECT_EQ(Spearman({1, 2, 3}, {0, 0, 0}), std::nullopt);
  EXPECT_EQ(Pearson({1}, {1}), std::nullopt);
  EXPECT_EQ(Pearson({}, {}), std::nullopt);
}

TEST(EvaluationSetTest, PairsStandBetweenTabsCommasOrBlanks) {
  const std::string expected = "a|b c|1.5\nd|e|-2\n";
  EXPECT_EQ(PairsText(ReadAs<WordPairSet>("# note\na\tb c\t1.5\n\nd \t e\t-2\n")), expected);
  EXPECT_EQ(PairsText(ReadAs<WordPairSet>("a,b c,1.5\r\nd, e ,-2\r\n")), expected);
  EXPECT_EQ(PairsText(ReadAs<WordPairSet>("a  b 1.5\n#x\n d e -2")), "a|b|1.5\nd|e|-2\n");
}

TEST(EvaluationSetTest, TheNumberIsInTheFirstColumnThatHasOne) {
  EXPECT_EQ(PairsText(ReadAs<WordPairSet>("word1\tword2\tPOS\tSimLex999\tconc\n"
                                          "old\tnew\tA\t1.58\t2.72\n")),
            "old|new|1.58\n");
  EXPECT_EQ(PairsText(ReadAs<WordPairSet>("Word 1,Word 2,Human (mean)\nlove,sex,6.77\n")),
            "love|sex|6.77\n");
  EXPECT_EQ(PairsText(ReadAs<WordPairSet>("take\tremove\tV\t6.81\tSYNONYMS\n")),
            "take|remove|6.81\n");
  EXPECT_EQ(PairsText(ReadAs<WordPairSet>("word1 word2 POS score\nold new A 1\nbad 2 B 3\n")),
            "old|new|1\nbad|2|3\n");
}

TEST(EvaluationSetTest, AnalogiesHaveSections) {
  const AnalogySet set = ReadAs<AnalogySet>(": first one\na b c d\n\n# note\ne f g h\n:gram2 \n");
  ASSERT_EQ(set.sections.size(), 2u);
  EXPECT_EQ(set.sections[0].name, "first one");
  ASSERT_EQ(set.sections[0].questions.size(), 2u);
  EXPECT_THAT(set.sections[0].questions[1], ElementsAre("e", "f", "g", "h"));
  EXPECT_EQ(set.sections[1].name, "gram2");
  EXPECT_TRUE(set.sections[1].questions.empty());
  EXPECT_EQ(ReadAs<AnalogySet>("a\tb\tc\td\ne\tf\tg\th\n").sections[0].questions.size(), 2u);
}

TEST(EvaluationSetTest, WrongLinesAreRefusedWithTheirNumber) {
  const auto refused = [](std::string_view text) {
    const auto set = ReadEvaluationSet(TestFile("bad.txt", text));
    EXPECT_EQ(set.status().code(), absl::StatusCode::kDataLoss);
    return std::string(set.status().message());
  };
  EXPECT_THAT(refused("a\tb\t1\na\tb\tx\n"),
              HasSubstr("bad.txt:2: expected two words and a number"));
  EXPECT_THAT(refused("a\tb\t1\na\t\t2\n"), HasSubstr("bad.txt:2: "));
  EXPECT_THAT(refused("a\tb\t1\na\tb\n"), HasSubstr("bad.txt:2: "));
  EXPECT_THAT(refused("a\tb\t1\na\tb\tnan\n"), HasSubstr("bad.txt:2: "));
  EXPECT_THAT(refused("one\ntwo\n"), HasSubstr("bad.txt:1: "));
  EXPECT_THAT(refused(": a\na b c\n"), HasSubstr("bad.txt:2: expected four words"));
  EXPECT_THAT(refused("# nothing\n\n"), HasSubstr("found no lines"));
  EXPECT_THAT(refused("a b 1\n\xFF b 2\n"), HasSubstr(":2"));
}

// Cosines with x: y 0.6, z -1, w 0.8.
WordVectors PairVectors() {
  return SmallVectors({"x", "y", "z", "w", "X", "Y"}, {1, 0, 3, 4, -2, 0, 4, 3, 0, 1, 0, 1});
}

WordPairSet PairSet() {
  return {"pairs", {{"x", "y", 2}, {"x", "z", 1}, {"x", "w", 3}, {"x", "no", 9}, {"y", "No", 0}}};
}

TEST(EvaluateWordPairsTest, PairsWithUnknownWordsAreLeftOut) {
  const WordPairResult result = EvaluateWordPairs(PairVectors(), PairSet(), {});
  EXPECT_EQ(result.pairs, 5);
  EXPECT_EQ(result.unknown, 2);
  EXPECT_EQ(result.used, 3);
  EXPECT_THAT(*result.spearman, DoubleNear(1, 1e-12));
  EXPECT_THAT(*result.pearson, DoubleNear(*Pearson({2, 1, 3}, {0.6, -1, 0.8}), 1e-12));
  EXPECT_THAT(result.unknown_words, ElementsAre("no", "No"));
}

TEST(EvaluateWordPairsTest, UnknownOnesCanCountAsZero) {
  const WordPairResult result =
      EvaluateWordPairs(PairVectors(), PairSet(), {.unknown = Unknown::kZero});
  EXPECT_EQ(result.used, 5);
  EXPECT_EQ(result.unknown, 2);
  EXPECT_THAT(*result.pearson, DoubleNear(*Pearson({2, 1, 3, 9, 0}, {0.6, -1, 0.8, 0, 0}), 1e-12));
}

TEST(EvaluateWordPairsTest, TheFirstRowOfACaseCounts) {
  const WordPairSet set = {"pairs", {{"X", "Y", 2}, {"x", "z", 1}, {"x", "w", 3}}};
  EXPECT_THAT(*EvaluateWordPairs(PairVectors(), set, {}).pearson,
              DoubleNear(*Pearson({2, 1, 3}, {0.6, -1, 0.8}), 1e-12));
  EXPECT_THAT(*EvaluateWordPairs(PairVectors(), set, {.ignore_case = false}).pearson,
              DoubleNear(*Pearson({2, 1, 3}, {1, -1, 0.8}), 1e-12));
}

TEST(EvaluateWordPairsTest, RowsBehindTheRestrictionAreUnknown) {
  const WordPairResult result = EvaluateWordPairs(PairVectors(), PairSet(), {.restrict_vocab = 3});
  EXPECT_EQ(result.used, 2);
  EXPECT_EQ(result.unknown, 3);
  EXPECT_EQ(
      EvaluateWordPairs(PairVectors(), PairSet(), {.restrict_vocab = 3, .ignore_case = false}).used,
      2);
}

TEST(EvaluateWordPairsTest, SubWordsCanSpeakForUnknownWords) {
  const WordVectors vectors = SmallVectors({"abc", "bcd"}, {1, 2, 2, 1}, SmallSubWords(2));
  const WordPairSet set = {"pairs", {{"abc", "bcd", 1}, {"abc", "abcd", 2}, {"abc", "xyzz", 3}}};
  EXPECT_EQ(EvaluateWordPairs(vectors, set, {}).used, 1);
  const WordPairResult result = EvaluateWordPairs(vectors, set, {.unknown = Unknown::kEstimate});
  EXPECT_EQ(result.used, 3);
  EXPECT_EQ(result.unknown, 2);
}

// man, woman, king, queen, and others.
WordVectors Royals() {
  return SmallVectors(
      {"man", "woman", "king", "queen", "other", "Queen"},
      {1, 0, 0, .2f, 1, 1, 0, .2f, 1, 0, 1, .2f, .9f, 1, 1, .2f, 0, 1, 0, 1, .5f, 1, 1, .2f});
}

AnalogySet Questions() {
  return {"set",
          {{"family", {{"man", "woman", "king", "queen"}, {"Man", "King", "Woman", "QUEEN"}}},
           {"gram1", {{"man", "woman", "king", "other"}, {"man", "woman", "king", "none"}}}}};
}

TEST(EvaluateAnalogiesTest, SectionsAreSummedBySemanticAndSyntactic) {
  for (const AnalogyMethod method : {AnalogyMethod::kAdd, AnalogyMethod::kMultiply}) {
    const auto result = EvaluateAnalogies(Royals(), Questions(), {.method = method});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->sections[0].correct, 2);
    EXPECT_EQ(result->sections[1].correct, 0);
    EXPECT_EQ(result->sections[1].unknown, 1);
    EXPECT_EQ(result->sections[1].used, 1);
    EXPECT_EQ(result->semantic.accuracy(), 1.0);
    EXPECT_EQ(result->syntactic.accuracy(), 0.0);
    EXPECT_EQ(result->total.questions, 4);
    EXPECT_THAT(*result->total.accuracy(), DoubleNear(2.0 / 3, 1e-12));
  }
}

TEST(EvaluateAnalogiesTest, UnknownWordsCanCountAsWrong) {
  const auto result = EvaluateAnalogies(Royals(), Questions(), {.unknown = Unknown::kZero});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->total.used, 4);
  EXPECT_EQ(result->total.accuracy(), 0.5);
}

TEST(EvaluateAnalogiesTest, CaseCanMatter) {
  const auto result = EvaluateAnalogies(Royals(), Questions(), {.ignore_case = false});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->sections[0].unknown, 1);
  // "Queen" is nearer than "queen".
  EXPECT_EQ(result->sections[0].correct, 0);
}

TEST(EvaluateAnalogiesTest, RestrictedRowsAreNoAnswers) {
  const AnalogySet set = {"set", {{"", {{"man", "woman", "king", "queen"}}}}};
  EXPECT_EQ(EvaluateAnalogies(Royals(), set, {.restrict_vocab = 4})->total.correct, 1);
  EXPECT_EQ(EvaluateAnalogies(Royals(), set, {.restrict_vocab = 3})->total.used, 0);
  EXPECT_EQ(EvaluateAnalogies(Royals(), set, {.restrict_vocab = 3})->total.accuracy(),
            std::nullopt);
}

// The answers of many questions are those of each alone, on any number of threads, and those of the
// formula for all rows.
TEST(AnalogiesTest, AnswersAreThoseOfTheFormula) {
  constexpr int64_t kRows = 700, kWidth = 9;
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> floats(kRows * kWidth);
  for (float& value : floats) value = normal(random);
  std::fill_n(floats.begin() + 5 * kWidth, kWidth, 0.0f);
  std::copy_n(floats.begin() + 7 * kWidth, kWidth, floats.begin() + 600 * kWidth);
  for (int64_t i = 0; i < kWidth; ++i) floats[static_cast<size_t>(20 * kWidth + i)] *= 1e30f;
  for (int64_t i = 0; i < kWidth; ++i) floats[static_cast<size_t>(21 * kWidth + i)] *= 1e-30f;
  // Nearly opposite to another row: the denominator of 3CosMul is near its epsilon.
  for (int64_t i = 0; i < kWidth; ++i) {
    floats[static_cast<size_t>(30 * kWidth + i)] = -floats[static_cast<size_t>(31 * kWidth + i)];
  }
  std::vector<std::string> names;
  for (int64_t row = 0; row < kRows; ++row) names.push_back(absl::StrCat(row));
  const WordVectors vectors =
      SmallVectors(std::vector<std::string_view>(names.begin(), names.end()), floats);

  std::vector<AnalogyQuestion> questions;
  std::vector<std::vector<int64_t>> excluded;
  for (int i = 0; i < 200; ++i) {
    const auto draw = [&] { return static_cast<int64_t>(random()) % 60; };
    questions.push_back({draw(), draw(), draw()});
    excluded.push_back({questions.back().a, questions.back().b, questions.back().c});
  }
  const auto terms = absl::MakeConstSpan(floats).first(60 * kWidth);
  const auto unit = [&](int64_t row) {
    std::vector<double> x(floats.begin() + row * kWidth, floats.begin() + (row + 1) * kWidth);
    double sum = 0;
    for (const double value : x) sum += value * value;
    for (double& value : x) value = sum > 0 ? value / std::sqrt(sum) : 0;
    return x;
  };
  const auto dot = [](const std::vector<double>& x, const std::vector<double>& y) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
    return sum;
  };
  std::vector<std::vector<Neighbor>> expected;
  for (size_t q = 0; q < questions.size(); ++q) {
    std::vector<Neighbor> all;
    for (int64_t row = 0; row < kRows; ++row) {
      if (std::count(excluded[q].begin(), excluded[q].end(), row) > 0) continue;
      const std::vector<double> x = unit(row);
      all.push_back(
          {row, (1 + dot(x, unit(questions[q].b))) / 2 * ((1 + dot(x, unit(questions[q].c))) / 2) /
                    ((1 + dot(x, unit(questions[q].a))) / 2 + 0.001)});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Neighbor& a, const Neighbor& b) { return a.score > b.score; });
    all.resize(6);
    expected.push_back(all);
  }
  for (const int64_t threads : {1, 3}) {
    const VectorSearch search(vectors, {.threads = threads});
    EXPECT_EQ(Analogies(search, terms, questions, 6, AnalogyMethod::kMultiply, excluded).value(),
              expected);
    for (const AnalogyMethod method : {AnalogyMethod::kAdd, AnalogyMethod::kMultiply}) {
      const auto together = Analogies(search, terms, questions, 6, method, excluded);
      for (size_t q = 0; q < questions.size(); ++q) {
        EXPECT_EQ(
            Analogy(search, questions[q].a, questions[q].b, questions[q].c, 6, method).value(),
            (*together)[q]);
      }
    }
  }
}

TEST(AnalogiesTest, TermsOutsideAreRefused) {
  const VectorSearch search(Royals(), {});
  const std::vector<float> terms(8);
  const AnalogyQuestion question = {0, 1, 2};
  EXPECT_EQ(Analogies(search, terms, absl::MakeConstSpan(&question, 1), 1, AnalogyMethod::kAdd)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace graft
