#include "tokenizers/added_tokens.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

AddedToken Token(std::string content, bool lstrip = false, bool rstrip = false) {
  AddedToken token;
  token.content = content;
  token.lstrip = lstrip;
  token.rstrip = rstrip;
  token.form = std::move(content);
  return token;
}

AddedTokenMatcher Matcher(const std::vector<AddedToken>& tokens) {
  std::vector<size_t> all;
  for (size_t i = 0; i < tokens.size(); ++i) all.push_back(i);
  return {tokens, all};
}

// "token:begin-end" of each match.
std::vector<std::string> Matches(const std::vector<AddedToken>& tokens, std::string_view text) {
  std::vector<std::string> found;
  for (const auto& [token, span] : Matcher(tokens).Find(text)) {
    found.push_back(absl::StrCat(token, ":", span.begin, "-", span.end));
  }
  return found;
}

TEST(AddedTokensTest, TheLongestOfThoseAtOnePlaceIsFound) {
  const std::vector<AddedToken> tokens = {Token("<a"), Token("<a>>"), Token("<"), Token("<a")};
  EXPECT_THAT(Matches(tokens, "<a>x<a>><b"), ElementsAre("0:0-2", "1:4-8", "2:8-9"));
  EXPECT_THAT(Matches({}, "<a>"), IsEmpty());
  EXPECT_TRUE(AddedTokenMatcher().empty());
}

TEST(AddedTokensTest, WhitespaceIsTakenOnBothSides) {
  EXPECT_THAT(Matches({Token("<x>", true, true)}, "a \u3000<x>\n <x> b"),
              ElementsAre("0:1-10", "0:10-14"));
  // As in the peer: each begins in what the one before has taken.
  EXPECT_THAT(Matches({Token(" ", false, true)}, "a   b"), ElementsAre("0:1-4", "0:2-4", "0:3-4"));
}

TEST(AddedTokensTest, ATokenForWhichTheOneBeforeLeavesNothingIsLeftOut) {
  EXPECT_THAT(Matches({Token(" ", true, true)}, "a  b"), ElementsAre("0:1-3"));
  const std::vector<AddedToken> tokens = {Token("<x>", false, true), Token(" ", true)};
  EXPECT_THAT(Matches(tokens, "<x>   \n"), ElementsAre("0:0-7"));
  EXPECT_THAT(Matches(tokens, "<x>  a <x>"), ElementsAre("0:0-5", "1:6-7", "0:7-10"));
}

TEST(AddedTokensTest, LongRowsTakeTimeThatGrowsWithThem) {
  constexpr size_t kBytes = 400'000;
  const std::string spaces = absl::StrCat("a", std::string(kBytes, ' '));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Matches({Token(" ", true)}, spaces).size(), kBytes);
  EXPECT_EQ(Matches({Token(" ", false, true)}, spaces).size(), kBytes);
  EXPECT_EQ(Matches({Token(" ", true, true)}, spaces).size(), 1u);
  std::vector<AddedToken> lengths;
  for (size_t length = 1; length <= 1000; ++length) {
    lengths.push_back(Token(std::string(length, 'a') + "b"));
  }
  EXPECT_THAT(Matches(lengths, std::string(kBytes, 'a')), IsEmpty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

}  // namespace
}  // namespace graft
