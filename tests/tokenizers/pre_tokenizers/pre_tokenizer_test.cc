#include "tokenizers/pre_tokenizers/pre_tokenizer.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using ::testing::ElementsAre;

// The pieces of a text.
std::vector<std::string> Pieces(std::vector<PreTokenizer> steps, std::string_view text) {
  NormalizedText normalized;
  normalized.Assign(text, 0);
  PreTokens tokens;
  tokens.AddText(normalized);
  tokens.AddPiece(0, normalized.size());
  PreTokenize(steps, tokens);
  std::vector<std::string> pieces;
  for (const Piece& piece : tokens.pieces()) pieces.emplace_back(tokens.Text(piece));
  return pieces;
}

PatternSplit Split(std::string_view pattern, DelimiterBehavior behavior, bool invert = false) {
  auto regex = Regex::Compile(pattern);
  EXPECT_THAT(regex, testing::IsOk());
  return PatternSplit{{*std::move(regex)}, behavior, invert};
}

TEST(PreTokenizerTest, DelimitersGoWhereTheBehaviorSays) {
  const std::string text = "--a-b--c-";
  EXPECT_THAT(Pieces({Split("-", DelimiterBehavior::kRemoved)}, text), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Pieces({Split("-", DelimiterBehavior::kIsolated)}, text),
              ElementsAre("-", "-", "a", "-", "b", "-", "-", "c", "-"));
  EXPECT_THAT(Pieces({Split("-", DelimiterBehavior::kMergedWithPrevious)}, text),
              ElementsAre("-", "-", "a-", "b-", "-", "c-"));
  EXPECT_THAT(Pieces({Split("-", DelimiterBehavior::kMergedWithNext)}, text),
              ElementsAre("-", "-a", "-b", "-", "-c", "-"));
  EXPECT_THAT(Pieces({Split("-", DelimiterBehavior::kContiguous)}, text),
              ElementsAre("--", "a", "-", "b", "--", "c", "-"));
  EXPECT_THAT(Pieces({Split("-", DelimiterBehavior::kRemoved, true)}, text),
              ElementsAre("-", "-", "-", "-", "-", "-"));
}

TEST(PreTokenizerTest, ByteLevelWritesBytesAsCharacters) {
  EXPECT_THAT(Pieces({ByteLevelSplit{true, Gpt2Words()}}, "é's  x"),
              ElementsAre("ĠÃ©", "'s", "Ġ", "Ġx"));
  EXPECT_THAT(Pieces({ByteLevelSplit{false, std::nullopt}}, "a b"), ElementsAre("aĠb"));
}

TEST(PreTokenizerTest, MetaspaceMarksTheBeginningsOfWords) {
  EXPECT_THAT(Pieces({Metaspace{}}, "a  b"), ElementsAre("▁a", "▁", "▁b"));
  EXPECT_THAT(Pieces({Metaspace{}}, " a"), ElementsAre("▁a"));
  EXPECT_THAT(Pieces({Metaspace{U'_', Metaspace::Prepend::kNever, false}}, "a b"),
              ElementsAre("a_b"));
  const PreTokenizer first = Metaspace{0x2581, Metaspace::Prepend::kFirst, true};
  EXPECT_THAT(Pieces({WhitespaceSplit{}, first}, "a b"), ElementsAre("▁a", "b"));
}

TEST(PreTokenizerTest, CharacterClasses) {
  EXPECT_THAT(Pieces({BertSplit{}}, "a,b  ¿c"), ElementsAre("a", ",", "b", "¿", "c"));
  EXPECT_THAT(Pieces({WhitespaceWords{}}, "ab_1 !? x."), ElementsAre("ab_1", "!?", "x", "."));
  EXPECT_THAT(Pieces({WhitespaceSplit{}}, " a\u3000b! "), ElementsAre("a", "b!"));
  EXPECT_THAT(Pieces({PunctuationSplit{}}, "a..b"), ElementsAre("a", ".", ".", "b"));
  EXPECT_THAT(Pieces({DigitsSplit{true}}, "a12½"), ElementsAre("a", "1", "2", "½"));
  EXPECT_THAT(Pieces({DigitsSplit{false}}, "a12b"), ElementsAre("a", "12", "b"));
  EXPECT_THAT(Pieces({CharDelimiterSplit{U'é'}}, "aébé"), ElementsAre("a", "b"));
  EXPECT_THAT(Pieces({FixedLength{2}}, "aé中x1"), ElementsAre("aé", "中x", "1"));
  EXPECT_THAT(Pieces({ScriptSplit{}}, " a中かカー b"), ElementsAre("a", "中かカー ", "b"));
  EXPECT_THAT(Pieces({ScriptSplit{}}, "  "), ElementsAre());
}

TEST(PreTokenizerTest, AStepThatWouldGrowATextPastItsLimitIsLeftOut) {
  NormalizedText text;
  text.Assign("\u00E9 a", 0);
  PreTokens tokens;
  tokens.AddText(text);
  tokens.AddPiece(0, text.size());
  std::vector<PreTokenizer> steps(64, ByteLevelSplit{});
  PreTokenize(steps, tokens);
  const size_t limit = NormalizedText::kMostGrowth * text.size() + NormalizedText::kFreeGrowth;
  EXPECT_GT(tokens.text().size(), limit / 4);
  EXPECT_LE(tokens.text().size(), limit);
  ASSERT_FALSE(tokens.pieces().empty());
  EXPECT_LE(tokens.pieces().back().end, tokens.text().size());
}

}  // namespace
}  // namespace graft
