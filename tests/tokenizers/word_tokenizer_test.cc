#include "tokenizers/word_tokenizer.h"

#include <algorithm>
#include <random>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tokenizers/case_map.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

std::vector<std::string> WordsOf(WordSplit split, std::string_view text, bool lower_case = false) {
  return WordTokenizer({.split = split, .lower_case = lower_case}).Words(text);
}

TEST(CaseMapTest, MapsAsUnicodeSaysWithoutALanguage) {
  EXPECT_EQ(LowerCase("ABC xyz 12"), "abc xyz 12");
  EXPECT_EQ(UpperCase("ABC xyz 12"), "ABC XYZ 12");
  EXPECT_EQ(LowerCase("ΟΔΟΣ ÄÖ"), "οδος äö");
  EXPECT_EQ(UpperCase("straße \u0390"), "STRASSE \u0399\u0308\u0301");
  EXPECT_EQ(LowerCase("İI"), "i̇i");
  EXPECT_EQ(LowerCase(""), "");
}

TEST(CaseMapTest, IllFormedBytesStay) {
  EXPECT_EQ(LowerCase("Ä\xFFÖ\xE2\x82"), "ä\xFFö\xE2\x82");
  EXPECT_EQ(UpperCase("ä\xE2\x82z\xF0"), "Ä\xE2\x82Z\xF0");
}

TEST(WordTokenizerTest, WhitespaceIsThatOfUnicode) {
  EXPECT_THAT(WordsOf(WordSplit::kWhitespace, " it's\tgood,\xC2\xA0yes \xC2\x85now\n"),
              ElementsAre("it's", "good,", "yes", "now"));
  EXPECT_THAT(WordsOf(WordSplit::kWhitespace, "A\xFF \xE2\x82 b"),
              ElementsAre("A\xFF", "\xE2\x82", "b"));
}

TEST(WordTokenizerTest, UnicodeBoundariesKeepPunctuation) {
  EXPECT_THAT(WordsOf(WordSplit::kUnicode, "The film isn't good, 3.5/10 (really)..."),
              ElementsAre("The", "film", "isn't", "good", ",", "3.5", "/", "10", "(", "really", ")",
                          ".", ".", "."));
  EXPECT_THAT(WordsOf(WordSplit::kUnicode, "我喜欢这部电影"),
              ElementsAre("我", "喜欢", "这", "部", "电影"));
  EXPECT_THAT(WordsOf(WordSplit::kUnicode, "a \U0001F468\u200D\U0001F469\u200D\U0001F467!"),
              ElementsAre("a", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "!"));
}

TEST(WordTokenizerTest, TreebankCutsContractionsAndKeepsWhatBelongsTogether) {
  EXPECT_THAT(WordsOf(WordSplit::kTreebank, "I can't say John's well-known U.S. film -- isn't..."),
              ElementsAre("I", "ca", "n't", "say", "John", "'s", "well-known", "U.S.", "film", "--",
                          "is", "n't", "..."));
  EXPECT_THAT(WordsOf(WordSplit::kTreebank, "They’ve DON’T we'll. it 'd cannot", true),
              ElementsAre("they", "'ve", "do", "n't", "we", "'ll", ".", "it", "'d", "cannot"));
  EXPECT_THAT(WordsOf(WordSplit::kTreebank, "'tis n't 's dogs' 'em -x- 2003-04 ``so''"),
              ElementsAre("'", "tis", "n't", "'s", "dogs", "'", "'", "em", "-", "x", "-", "2003-04",
                          "``", "so", "''"));
}

TEST(WordTokenizerTest, TextThatIsCutIntoTreebankWordsStaysSo) {
  const WordTokenizer tokenizer({.split = WordSplit::kTreebank});
  const std::string_view text =
      "it 's n't ca n't , the u.s. film -- `` well-done '' ... they 're : $ 3.5 % off 'll";
  EXPECT_THAT(tokenizer.Words(text),
              ElementsAreArray(WordTokenizer(WordTokenizerOptions()).Words(text)));
}

TEST(WordTokenizerTest, SpansAreBytesOfTheText) {
  const WordTokenizer tokenizer({.split = WordSplit::kTreebank, .lower_case = true});
  EXPECT_THAT(tokenizer.Split(" É’s x"), ElementsAre(Span{1, 3}, Span{3, 7}, Span{8, 9}));
  EXPECT_THAT(tokenizer.Words(" É’s x"), ElementsAre("é", "'s", "x"));
}

TEST(WordTokenizerTest, BlanksAndFormatCharactersAreNoWords) {
  for (const WordSplit split : {WordSplit::kUnicode, WordSplit::kTreebank}) {
    EXPECT_THAT(WordsOf(split, ""), IsEmpty());
    EXPECT_THAT(WordsOf(split, " \t\r\n\xE2\x80\xA8"), IsEmpty());
    EXPECT_THAT(WordsOf(split, "\xEF\xBB\xBFone\x01two\n"), ElementsAre("one", "two"));
  }
}

TEST(WordTokenizerTest, AnyBytesGiveSpansInOrder) {
  std::mt19937 random(7);
  const std::string_view parts[] = {
      "a",    "B",  "'",        "n't", " ",        "-",  ".",   "\xE2\x80\x99", "\xE2\x82",
      "\xFF", "中", "\xF0\x9F", "é",   "\xCC\x81", "\n", "ไทย", "1,5"};
  for (const WordSplit split :
       {WordSplit::kWhitespace, WordSplit::kUnicode, WordSplit::kTreebank}) {
    const WordTokenizer tokenizer({.split = split});
    for (int round = 0; round < 3000; ++round) {
      std::string text;
      for (size_t i = random() % 20; i > 0; --i) text += parts[random() % std::size(parts)];
      uint32_t last = 0;
      size_t bytes = 0;
      for (const Span span : tokenizer.Split(text)) {
        ASSERT_LE(last, span.begin) << text;
        ASSERT_LT(span.begin, span.end) << text;
        last = span.end;
        bytes += span.end - span.begin;
      }
      ASSERT_LE(last, text.size());
      const auto blanks = static_cast<size_t>(
          std::count_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\n'; }));
      EXPECT_EQ(bytes, text.size() - blanks) << text;
    }
  }
}

TEST(WordTokenizerTest, ThreadsShareOne) {
  const WordTokenizer tokenizer({.split = WordSplit::kTreebank});
  const std::string text = "They don't know 我喜欢这部电影 in the U.S.";
  const std::vector<std::string> expected = tokenizer.Words(text);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) EXPECT_EQ(tokenizer.Words(text), expected);
    });
  }
}

TEST(WordTokenizerTest, SplitsHaveNames) {
  for (const WordSplit split :
       {WordSplit::kWhitespace, WordSplit::kUnicode, WordSplit::kTreebank}) {
    EXPECT_EQ(WordSplitOfName(WordSplitName(split)), split);
  }
  EXPECT_EQ(WordSplitOfName("words"), std::nullopt);
}

}  // namespace
}  // namespace graft
