#include "tokenizers/regex.h"

#include <chrono>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Matches(std::string_view pattern, std::string_view text) {
  auto regex = Regex::Compile(pattern);
  EXPECT_THAT(regex, testing::IsOk());
  std::vector<std::string> found;
  for (const Span match : regex->Find(text)) {
    found.emplace_back(text.substr(match.begin, match.end - match.begin));
  }
  return found;
}

TEST(RegexTest, SpansAreBytes) {
  EXPECT_THAT(Matches(R"(\p{L}+)", "é 中文\U0001F600a"), ElementsAre("é", "中文", "a"));
  EXPECT_THAT(Matches("\U0001F600", "a\U0001F600b"), ElementsAre("\U0001F600"));
}

TEST(RegexTest, RubysSyntaxIsTranslated) {
  EXPECT_THAT(Matches(R"(\h+)", "zaF0 g"), ElementsAre("aF0"));
  EXPECT_THAT(Matches(R"([^\s\W]+)", "a_b ²-c"), ElementsAre("a_b", "²", "c"));
  EXPECT_THAT(Matches("^.", "ab\ncd\u2028e"), ElementsAre("a", "c"));
  EXPECT_THAT(Matches("(?m:a.b)", "a\nb"), ElementsAre("a\nb"));
  EXPECT_THAT(Matches(R"(\p{Nd})", "\U00010D40"), ElementsAre("\U00010D40")) << "new in Unicode 16";
}

TEST(RegexTest, AnEmptyMatchWhereTheLastOneEndsIsNone) {
  EXPECT_THAT(Matches("x*", "axb"), ElementsAre("", "x", ""));
}

TEST(RegexTest, ACopySearchesByItself) {
  auto regex = Regex::Compile("a");
  ASSERT_THAT(regex, testing::IsOk());
  Regex copy = *regex;
  const std::vector<Span> found = copy.Find("ba");
  EXPECT_TRUE(regex->Find("bb").empty());
  EXPECT_THAT(found, ElementsAre(Span{1, 2}));
}

TEST(RegexTest, APatternThatExplodesEnds) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Matches("(a+)+$", "b" + std::string(100'000, 'a') + "c"), ElementsAre());
  EXPECT_THAT(Matches("b|(a|a)*c", "b" + std::string(200'000, 'a')), ElementsAre("b"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST(RegexTest, TheLimitIsOneForAllPartsOfAText) {
  const auto begin = std::chrono::steady_clock::now();
  auto regex = Regex::Compile("(a+)+$");
  ASSERT_THAT(regex, testing::IsOk());
  const std::string bad = std::string(30, 'a') + "!";
  regex->BeginText(10'000 * bad.size());
  for (int part = 0; part < 10'000; ++part) EXPECT_THAT(regex->Find(bad), ElementsAre());
  EXPECT_TRUE(regex->exhausted());
  EXPECT_THAT(regex->Find("a"), ElementsAre()) << "the rest of the text counts as without a match";
  regex->BeginText(1);
  EXPECT_FALSE(regex->exhausted());
  EXPECT_THAT(regex->Find("a"), ElementsAre(Span{0, 1}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST(RegexTest, PatternsThatDoNotExplodeFindAllInLongTexts) {
  constexpr size_t kWords = 1'000'000;
  std::string text;
  for (size_t i = 0; i < kWords; ++i) text += " word";
  auto regex = Regex::Compile(R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+)");
  ASSERT_THAT(regex, testing::IsOk());
  regex->BeginText(text.size());
  EXPECT_EQ(regex->Find(text).size(), kWords);
  EXPECT_FALSE(regex->exhausted());
}

TEST(RegexTest, BadPatternsAreRefused) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Regex::Compile("(a"),
              testing::StatusIs(kInvalid, HasSubstr("expected a regular expression, found '(a'")));
  EXPECT_THAT(Regex::Compile(std::string(5000, 'a')),
              testing::StatusIs(kInvalid, HasSubstr("at most 4096 bytes, found 5000")));
}

}  // namespace
}  // namespace graft
