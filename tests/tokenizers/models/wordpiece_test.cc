#include "tokenizers/models/wordpiece.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

Vocabulary MakeVocabulary(const std::vector<std::string>& tokens) {
  std::string text;
  std::vector<Span> spans;
  for (const std::string& token : tokens) {
    const uint32_t begin = static_cast<uint32_t>(text.size());
    text += token;
    spans.push_back({begin, static_cast<uint32_t>(text.size())});
  }
  return Vocabulary(std::move(text), std::move(spans));
}

std::vector<int32_t> Pieces(const WordPiece& model, std::string_view word) {
  std::vector<int32_t> ids;
  model.AppendIds(word, ids);
  std::vector<ModelToken> tokens;
  model.Tokenize(word, tokens);
  EXPECT_EQ(tokens.size(), ids.size());
  uint32_t at = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i].id, ids[i]);
    EXPECT_EQ(tokens[i].span.begin, at);
    at = tokens[i].span.end;
  }
  EXPECT_EQ(at, word.size()) << "the spans cover the word";
  return ids;
}

TEST(VocabularyTest, FindsEveryTokenAndNoOther) {
  std::vector<std::string> tokens;
  for (int i = 0; i < 5000; ++i) tokens.push_back("t" + std::to_string(i * i));
  const Vocabulary vocabulary = MakeVocabulary(tokens);
  ASSERT_EQ(vocabulary.size(), 5000u);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_THAT(vocabulary.Find(tokens[i]), Optional(i));
    ASSERT_EQ(vocabulary.token(i), tokens[i]);
    ASSERT_EQ(vocabulary.Find(tokens[i] + "x"), std::nullopt);
  }
  EXPECT_EQ(vocabulary.Find(""), std::nullopt);
  EXPECT_EQ(vocabulary.longest(), std::string("t24990001").size());
}

TEST(VocabularyTest, NamesTheFirstDuplicate) {
  const Vocabulary vocabulary = MakeVocabulary({"a", "b", "c", "b", "a"});
  EXPECT_THAT(vocabulary.duplicate(), Optional(std::pair(1, 3)));
  EXPECT_FALSE(MakeVocabulary({"a", "b"}).duplicate().has_value());
}

TEST(WordPieceTest, TakesTheLongestPieceFirst) {
  const WordPiece model(MakeVocabulary({"[UNK]", "un", "unaff", "##able", "##aff", "##a"}), {});
  EXPECT_THAT(Pieces(model, "unaffable"), ElementsAre(2, 3));
  EXPECT_THAT(Pieces(model, "unaffa"), ElementsAre(2, 5));
}

TEST(WordPieceTest, AnEmptyWordHasNoPieces) {
  EXPECT_THAT(Pieces(WordPiece(MakeVocabulary({"[UNK]"}), {}), ""), ElementsAre());
}

TEST(WordPieceTest, AWordThatGetsStuckIsOneUnknownToken) {
  const WordPiece model(MakeVocabulary({"[UNK]", "un", "##a", "x"}), {});
  EXPECT_THAT(Pieces(model, "unax"), ElementsAre(0));  // "##x" is not there
  EXPECT_THAT(Pieces(model, "aun"), ElementsAre(0));   // nor "a"
}

TEST(WordPieceTest, LongWordsAreUnknownByCharactersNotBytes) {
  WordPiece::Options options;
  options.max_input_chars_per_word = 3;
  const WordPiece model(MakeVocabulary({"[UNK]", "é", "##é"}), options);
  EXPECT_THAT(Pieces(model, "ééé"), ElementsAre(1, 2, 2));
  EXPECT_THAT(Pieces(model, "éééé"), ElementsAre(0));
}

TEST(WordPieceTest, PiecesLongerThanTheHashedPartAreFound) {
  const std::string long_token(200, 'a');
  WordPiece::Options options;
  options.max_input_chars_per_word = 1000;
  const WordPiece model(
      MakeVocabulary({"[UNK]", long_token, "##" + long_token.substr(0, 70), "##a"}), options);
  EXPECT_THAT(Pieces(model, long_token + long_token.substr(0, 72)), ElementsAre(1, 2, 3, 3));
}

TEST(WordPieceTest, AnEmptyPrefixMakesPiecesOfWholeTokens) {
  WordPiece::Options options;
  options.continuing_subword_prefix = "";
  const WordPiece model(MakeVocabulary({"[UNK]", "a", "ab"}), options);
  EXPECT_THAT(Pieces(model, "aaba"), ElementsAre(1, 2, 1));
}

}  // namespace
}  // namespace graft
