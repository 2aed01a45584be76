#include "tokenizers/normalizers/bert_normalizer.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tokenizers/normalizers/normalizer.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr BertNormalizerOptions kNothing = {false, false, false, false};

BertNormalizerOptions Only(bool BertNormalizerOptions::* step) {
  BertNormalizerOptions options = kNothing;
  options.*step = true;
  return options;
}

std::string NormalizedForm(const BertNormalizerOptions& options, std::string_view text) {
  return graft::NormalizedForm({BertSteps{options}}, text);
}

// Words with the text that they come from.
std::vector<std::pair<std::string, std::string>> Words(const BertNormalizerOptions& options,
                                                       std::string_view text) {
  std::vector<std::pair<std::string, std::string>> words;
  auto on_word = [&](std::string_view word, const std::vector<Span>& spans) {
    ASSERT_EQ(spans.size(), word.size());
    words.emplace_back(word,
                       text.substr(spans.front().begin, spans.back().end - spans.front().begin));
  };
  BertWordSplitter<true, decltype(on_word)> splitter(on_word);
  BertNormalizer(options, splitter).Normalize(text);
  splitter.Finish();
  return words;
}

TEST(BertNormalizerTest, CleanTextRemovesControlsAndUnifiesWhitespace) {
  const auto options = Only(&BertNormalizerOptions::clean_text);
  EXPECT_EQ(NormalizedForm(options, std::string_view("a\0b\x01\x7F", 5)), "ab");
  EXPECT_EQ(NormalizedForm(options, "a\tb\nc\rd\u00A0e\u3000f\u2028g"), "a b c d e f g");
  // Vertical tab and form feed count as controls, so that their neighbours join.
  EXPECT_EQ(NormalizedForm(options,
                           "a\x0B"
                           "b\x0C"
                           "c"),
            "abc");
  EXPECT_EQ(NormalizedForm(options, "a\u200Bb\uFEFFc\uE000d\uFFFDe"), "abcde");
  EXPECT_EQ(NormalizedForm(options, "a\u0378b"), "a\u0378b") << "unassigned stays";
}

TEST(BertNormalizerTest, IllFormedPartsAreReplacementCharacters) {
  EXPECT_EQ(NormalizedForm(kNothing, "a\xFF\xE2\x82z"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(NormalizedForm(Only(&BertNormalizerOptions::clean_text), "a\xFF\xE2\x82z"), "az");
}

TEST(BertNormalizerTest, EachStepWorksAlone) {
  EXPECT_EQ(NormalizedForm(Only(&BertNormalizerOptions::handle_chinese_chars), "a中b文"),
            "a 中 b 文 ");
  EXPECT_EQ(NormalizedForm(Only(&BertNormalizerOptions::strip_accents), "Éclair e\u0301\u0323"),
            "Eclair e");
  EXPECT_EQ(NormalizedForm(Only(&BertNormalizerOptions::lowercase), "ÉΣİ"), "éσi\u0307");
}

TEST(BertNormalizerTest, SpansAreThoseOfWholeSourceCharacters) {
  const BertNormalizerOptions all;
  EXPECT_THAT(Words(all, "É\u0301x 한"),
              ElementsAre(Pair("ex", "É\u0301x"), Pair("\u1112\u1161\u11AB", "한")));
  EXPECT_THAT(Words(all, "a,b中"),
              ElementsAre(Pair("a", "a"), Pair(",", ","), Pair("b", "b"), Pair("中", "中")));
  // A mark at the end of a word is not in its span: nothing of it is left.
  EXPECT_THAT(Words(all, "e\u0301 x"), ElementsAre(Pair("e", "e"), Pair("x", "x")));
}

TEST(BertNormalizerTest, ReorderedMarksTakeTheSpansOfTheirPlaces) {
  // U+1D165 (class 216) moves before U+0345 (240), which is removed: the n-th mark keeps the n-th
  // span.
  EXPECT_THAT(Words(Only(&BertNormalizerOptions::strip_accents), "a\u0345\U0001D165"),
              ElementsAre(Pair("a\U0001D165", "a\u0345")));
}

TEST(BertNormalizerTest, PunctuationIsAWordOfItsOwnAfterNormalization) {
  // U+226E becomes '<' and a mark.
  EXPECT_THAT(Words(BertNormalizerOptions(), "a\u226Eb$¿"),
              ElementsAre(Pair("a", "a"), Pair("<", "\u226E"), Pair("b", "b"), Pair("$", "$"),
                          Pair("¿", "¿")));
}

}  // namespace
}  // namespace graft
