#include "tokenizers/models/bpe.h"

#include <chrono>
#include <map>
#include <random>
#include <set>

#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tokenizers/models/models_support.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using testing::IdsOf;
using testing::MakeVocabulary;
using testing::TokensOf;

struct Parts {
  std::vector<std::string> tokens;
  std::vector<std::pair<std::string, std::string>> merges;

  int32_t Id(const std::string& token) const {
    return static_cast<int32_t>(std::find(tokens.begin(), tokens.end(), token) - tokens.begin());
  }
};

Bpe MakeBpe(const Parts& parts, Bpe::Options options = {}) {
  MergeTable table(parts.merges.size());
  for (const auto& [left, right] : parts.merges) {
    const std::string tail = right.substr(options.continuing_subword_prefix.size());
    EXPECT_TRUE(table.Add(parts.Id(left), parts.Id(right), parts.Id(left + tail)));
  }
  return Bpe(MakeVocabulary(parts.tokens), std::move(table), std::move(options));
}

// "ab" before "bc" before "abc".
const Parts kAbc = {{"<unk>", "a", "b", "c", "ab", "bc", "abc"},
                    {{"a", "b"}, {"b", "c"}, {"ab", "c"}, {"a", "bc"}}};

TEST(BpeTest, MergesByRankAndThenFromTheLeft) {
  const Bpe bpe = MakeBpe(kAbc);
  EXPECT_THAT(TokensOf(bpe, "abc"), ElementsAre(ModelToken{6, {0, 3}}));
  EXPECT_THAT(TokensOf(bpe, "bcab"), ElementsAre(ModelToken{5, {0, 2}}, ModelToken{4, {2, 4}}));
  EXPECT_THAT(TokensOf(bpe, ""), ElementsAre());
}

TEST(BpeTest, LeavesUnknownCharactersOutWithoutAnUnknownToken) {
  // The spans of what is left close up, as in the peer.
  EXPECT_THAT(TokensOf(MakeBpe(kAbc), "azc"),
              ElementsAre(ModelToken{1, {0, 1}}, ModelToken{3, {1, 2}}));
}

TEST(BpeTest, GivesEachUnknownCharacterOrARowOfThemOneToken) {
  Bpe::Options options;
  options.unknown_id = 0;
  EXPECT_THAT(TokensOf(MakeBpe(kAbc, options), "azéc"),
              ElementsAre(ModelToken{1, {0, 1}}, ModelToken{0, {1, 2}}, ModelToken{0, {2, 4}},
                          ModelToken{3, {4, 5}}));
  options.fuse_unknown = true;
  EXPECT_THAT(TokensOf(MakeBpe(kAbc, options), "azéc"),
              ElementsAre(ModelToken{1, {0, 1}}, ModelToken{0, {1, 4}}, ModelToken{3, {4, 5}}));
}

TEST(BpeTest, FallsBackToBytesWhereAllOfThemHaveTokens) {
  Parts parts = kAbc;
  parts.tokens.insert(parts.tokens.end(), {"<0xC3>", "<0xA9>"});
  Bpe::Options options;
  options.unknown_id = 0;
  options.byte_fallback = true;
  EXPECT_THAT(TokensOf(MakeBpe(parts, options), "aé"),
              ElementsAre(ModelToken{1, {0, 1}}, ModelToken{7, {1, 2}}, ModelToken{8, {2, 3}}));
  EXPECT_THAT(IdsOf(MakeBpe(parts, options), "è"), ElementsAre(0));
}

TEST(BpeTest, SetsPrefixAndSuffix) {
  const Parts parts = {{"a", "##a", "##a</w>", "a</w>", "aa</w>"}, {{"a", "##a</w>"}}};
  Bpe::Options options;
  options.continuing_subword_prefix = "##";
  options.end_of_word_suffix = "</w>";
  const Bpe bpe = MakeBpe(parts, options);
  EXPECT_THAT(TokensOf(bpe, "aa"), ElementsAre(ModelToken{4, {0, 2}}));
  EXPECT_THAT(IdsOf(bpe, "a"), ElementsAre(3));
  EXPECT_THAT(IdsOf(bpe, "aaa"), ElementsAre(0, 1, 2));
}

TEST(BpeTest, TakesAWholeWordBeforeMergesWhenTold) {
  Parts parts = kAbc;
  parts.tokens.push_back("cab");
  EXPECT_THAT(IdsOf(MakeBpe(parts), "cab"), ElementsAre(3, 4));
  Bpe::Options options;
  options.ignore_merges = true;
  EXPECT_THAT(IdsOf(MakeBpe(parts, options), "cab"), ElementsAre(7));
}

TEST(BpeTest, ByteLevelAlphabetIsThatOfGpt2) {
  EXPECT_EQ(ByteLevelChar(' '), U'\u0120');
  EXPECT_EQ(ByteLevelChar('\n'), U'\u010A');
  EXPECT_EQ(ByteLevelChar('!'), U'!');
  EXPECT_EQ(ByteLevelChar(0xAD), U'\u0143');
  std::set<char32_t> all;
  for (int byte = 0; byte < 256; ++byte) all.insert(ByteLevelChar(static_cast<uint8_t>(byte)));
  EXPECT_EQ(all.size(), 256u);
}

// Byte-level tokens with random merges.
Parts RandomByteLevel(std::mt19937& random, const std::string& letters, size_t merges) {
  Parts parts;
  for (int byte = 0; byte < 256; ++byte) {
    std::string c;
    AppendUtf8(ByteLevelChar(static_cast<uint8_t>(byte)), c);
    parts.tokens.push_back(c);
  }
  std::vector<std::string> used;
  for (const char letter : letters) {
    used.push_back(parts.tokens[static_cast<uint8_t>(letter)]);
  }
  std::set<std::pair<std::string, std::string>> seen;
  while (parts.merges.size() < merges) {
    const std::string left = used[random() % used.size()], right = used[random() % used.size()];
    if (!seen.insert({left, right}).second || left.size() + right.size() > 40) continue;
    parts.merges.emplace_back(left, right);
    if (static_cast<size_t>(parts.Id(left + right)) < parts.tokens.size()) continue;
    parts.tokens.push_back(left + right);
    used.push_back(left + right);
  }
  return parts;
}

// The definition: look for the best pair, merge it, again and again.
std::vector<int32_t> MergeNaively(const Parts& parts, const std::vector<std::string>& characters) {
  std::vector<std::string> row = characters;
  std::map<std::pair<std::string, std::string>, size_t> ranks;
  for (size_t i = 0; i < parts.merges.size(); ++i) ranks[parts.merges[i]] = i;
  while (true) {
    size_t best = parts.merges.size(), at = 0;
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      const auto rank = ranks.find({row[i], row[i + 1]});
      if (rank != ranks.end() && rank->second < best) best = rank->second, at = i;
    }
    if (best == parts.merges.size()) break;
    row[at] += row[at + 1];
    row.erase(row.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  std::vector<int32_t> ids;
  for (const std::string& token : row) ids.push_back(parts.Id(token));
  return ids;
}

TEST(BpeTest, EveryLengthOfWordGivesWhatTheDefinitionGives) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    const std::string letters = "ab c\n";
    const Parts parts = RandomByteLevel(random, letters, 10 + random() % 60);
    const Bpe bpe = MakeBpe(parts);
    ASSERT_TRUE(bpe.has_byte_alphabet());
    for (const size_t length : {1, 2, 3, 7, 20, 63, 64, 65, 66, 130, 400}) {
      std::string bytes;
      for (size_t i = 0; i < length; ++i) bytes += letters[random() % (1 + random() % 5)];
      std::vector<std::string> characters;
      std::string word;
      for (const char byte : bytes) {
        characters.push_back(parts.tokens[static_cast<uint8_t>(byte)]);
        word += characters.back();
      }
      const std::vector<int32_t> expected = MergeNaively(parts, characters);
      ASSERT_EQ(IdsOf(bpe, word), expected) << word;
      std::vector<ModelToken> tokens;
      bpe.MergeBytes(bytes, tokens);
      ASSERT_EQ(tokens.size(), expected.size());
      for (size_t i = 0; i < tokens.size(); ++i) ASSERT_EQ(tokens[i].id, expected[i]);
      EXPECT_EQ(tokens.back().span.end, bytes.size());
      // Part by part the same.
      tokens.clear();
      for (size_t begin = 0, end = 1; begin < bytes.size(); begin = end++) {
        while (end < bytes.size() && bpe.MayJoin(bytes[end - 1], bytes[end])) ++end;
        bpe.MergeBytes(std::string_view(bytes).substr(begin, end - begin), tokens);
      }
      ASSERT_EQ(tokens.size(), expected.size());
      for (size_t i = 0; i < tokens.size(); ++i) ASSERT_EQ(tokens[i].id, expected[i]);
    }
  }
}

TEST(BpeTest, LongWordsTakeTimeInProportion) {
  const Bpe bpe = MakeBpe(kAbc);
  for (const std::string unit : {"a", "abc", "bca"}) {
    std::string word;
    while (word.size() < 300'000) word += unit;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(IdsOf(bpe, word).empty());
    // Quadratic work would take minutes.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  }
}

}  // namespace
}  // namespace graft
