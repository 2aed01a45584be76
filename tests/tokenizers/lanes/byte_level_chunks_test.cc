#include "tokenizers/lanes/byte_level_chunks.h"

#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tokenizers/lanes/char_class.h"

namespace graft {
namespace {

using ::testing::ElementsAre;

template <typename Find>
std::vector<std::string> Split(const Find& find, const std::string& text) {
  std::string padded = text + std::string(kChunkPadding, ' ');
  std::vector<uint16_t> starts(text.size() + kSpareStarts + 1);
  const size_t count = find(std::string_view(padded).substr(0, text.size()), starts.data());
  std::vector<std::string> chunks;
  for (size_t i = 0; i < count; ++i) {
    chunks.push_back(text.substr(starts[i], starts[i + 1] - starts[i]));
  }
  return chunks;
}

std::vector<std::string> Split(const std::string& text) { return Split(FindByteLevelChunks, text); }

// Golden hash: generate_unicode_differences.class_hash() in tokenizers/.
TEST(CharClassTest, IsThatOfThePeerForEveryCharacter) {
  uint64_t hash = 0xCBF29CE484222325;
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    hash = (hash ^ static_cast<uint64_t>('0' + static_cast<int>(ClassOf(code)))) * 0x100000001B3;
  }
  EXPECT_EQ(hash, 0x22E73B6E89449E25);
}

// Expected values: tokenizers 0.23.3, pre_tokenizers.ByteLevel(add_prefix_space=False).
TEST(ByteLevelChunksTest, AreTheMatchesOfThePattern) {
  EXPECT_THAT(Split("Hello world! I'm 42nd."),
              ElementsAre("Hello", " world", "!", " I", "'m", " 42", "nd", "."));
  EXPECT_THAT(Split("a  b\n\nc \n d\t"),
              ElementsAre("a", " ", " b", "\n", "\n", "c", " \n", " d", "\t"));
  EXPECT_THAT(
      Split("we'll they've'd's 's '' 'llama"),
      ElementsAre("we", "'ll", " they", "'ve", "'d", "'s", " '", "s", " ''", " '", "llama"));
  EXPECT_THAT(Split("'sabc!'s"), ElementsAre("'s", "abc", "!'", "s"));
  EXPECT_THAT(Split("\xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82x\xC2\xB2"),
              ElementsAre("\xE4\xB8\xAD\xE6\x96\x87", "\xE3\x80\x82", "x", "\xC2\xB2"));
  EXPECT_THAT(Split("a\xE3\x80\x80\xE3\x80\x80"
                    "b"),
              ElementsAre("a", "\xE3\x80\x80", "\xE3\x80\x80", "b"));
  EXPECT_THAT(Split(""), ElementsAre());
  EXPECT_THAT(Split("   "), ElementsAre("   "));
}

TEST(ByteLevelChunksTest, BlocksGiveWhatCharactersGive) {
  std::mt19937 random(1);
  const std::vector<std::string> parts = {
      "a", "b",  "s", "t",  "'", "'", "re",       "ll",           "1",        "2",
      "!", " ",  " ", "\n", "x", ".", "\xC3\xA9", "\xE4\xB8\xAD", "\xC2\xB2", "\xE3\x80\x82",
      "_", "\t", "q", "ve", "'s"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const size_t kinds = 1 + random() % parts.size();
    const size_t length = random() % (i % 50 == 0 ? 2000 : 200);
    while (text.size() < length) text += parts[random() % kinds];
    if (i % 20 == 0) text += "\xE3\x80\x80 a";  // whitespace beyond ASCII
    ASSERT_EQ(Split(text), Split(FindByteLevelChunksPlain, text)) << Quoted(text, 400);
  }
}

}  // namespace
}  // namespace graft
