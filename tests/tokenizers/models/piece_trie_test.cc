#include "tokenizers/models/piece_trie.h"

#include <map>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tokenizers/models/models_support.h"

namespace graft {
namespace {

using Found = std::vector<std::pair<size_t, uint32_t>>;

Found PrefixesIn(const PieceTrie& trie, std::string_view text) {
  Found found;
  trie.ForEachPrefix(text, [&](size_t length, uint32_t id) { found.emplace_back(length, id); });
  return found;
}

Found PrefixesIn(const std::map<std::string, uint32_t>& pieces, std::string_view text) {
  Found found;
  for (size_t length = 1; length <= text.size(); ++length) {
    const auto piece = pieces.find(std::string(text.substr(0, length)));
    if (piece != pieces.end()) found.emplace_back(length, piece->second);
  }
  return found;
}

PieceTrie MakeTrie(const std::map<std::string, uint32_t>& pieces) {
  return PieceTrie(
      std::vector<std::pair<std::string_view, uint32_t>>(pieces.begin(), pieces.end()));
}

TEST(PieceTrieTest, FindsAllPrefixesShortestFirst) {
  const std::map<std::string, uint32_t> pieces = {{"a", 7}, {"ab", 0}, {"abcd", 3}, {"b", 1}};
  EXPECT_EQ(PrefixesIn(MakeTrie(pieces), "abcde"), (Found{{1, 7}, {2, 0}, {4, 3}}));
  EXPECT_EQ(PrefixesIn(MakeTrie(pieces), "c"), Found());
  EXPECT_EQ(PrefixesIn(MakeTrie(pieces), ""), Found());
}

TEST(PieceTrieTest, HoldsEveryByte) {
  std::map<std::string, uint32_t> pieces;
  for (int byte = 0; byte < 256; ++byte) {
    pieces[std::string(1, static_cast<char>(byte))] = static_cast<uint32_t>(byte);
    pieces[std::string(3, static_cast<char>(byte))] = static_cast<uint32_t>(256 + byte);
  }
  const PieceTrie trie = MakeTrie(pieces);
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(4, static_cast<char>(byte));
    EXPECT_EQ(PrefixesIn(trie, text), PrefixesIn(pieces, text)) << byte;
  }
}

TEST(PieceTrieTest, FindsWhatAMapFinds) {
  std::mt19937 random(1);
  const std::vector<std::string> letters = {
      "a", "b", "\xFF", std::string(1, '\0'), "\xE4\xB8\xAD", "\xE4\xB8\xAE"};
  for (const size_t size : {1, 5, 300, 20'000}) {
    std::map<std::string, uint32_t> pieces;
    for (size_t i = 0; i < size; ++i) {
      std::string piece = testing::RandomWord(random, letters, 1 + random() % 9);
      if (i % 3 == 0) piece += static_cast<char>(random());
      pieces.emplace(std::move(piece), static_cast<uint32_t>(i));
    }
    const PieceTrie trie = MakeTrie(pieces);
    for (int i = 0; i < 5000; ++i) {
      const std::string text = testing::RandomWord(random, letters, random() % 12);
      ASSERT_EQ(PrefixesIn(trie, text), PrefixesIn(pieces, text));
    }
  }
}

TEST(PieceTrieTest, StaysCompact) {
  std::mt19937 random(2);
  std::map<std::string, uint32_t> pieces;
  size_t nodes = 0;  // at most
  while (pieces.size() < 50'000) {
    std::string piece;
    for (size_t i = 0; i < 6; ++i) piece += static_cast<char>('a' + random() % 26);
    if (pieces.emplace(piece, pieces.size()).second) nodes += piece.size();
  }
  EXPECT_LT(MakeTrie(pieces).bytes(), nodes * 8);
}

}  // namespace
}  // namespace graft
