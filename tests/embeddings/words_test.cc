#include "embeddings/words.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace graft {
namespace {

TEST(WordsTest, EveryWordIsFoundInItsRow) {
  WordsBuilder builder;
  for (int i = 0; i < 10000; ++i) ASSERT_TRUE(builder.Add("word" + std::to_string(i)));
  const Words words = builder.Finish();
  ASSERT_EQ(words.size(), 10000);
  for (int64_t i = 0; i < 10000; ++i) {
    ASSERT_EQ(words[i], "word" + std::to_string(i));
    ASSERT_EQ(words.Find("word" + std::to_string(i)), i);
  }
  EXPECT_EQ(words.Find("word"), std::nullopt);
  EXPECT_EQ(words.Find(""), std::nullopt);
}

TEST(WordsTest, TheFirstOfDuplicatesWins) {
  WordsBuilder builder;
  EXPECT_TRUE(builder.Add("a"));
  EXPECT_TRUE(builder.Add("b"));
  EXPECT_FALSE(builder.Add("a"));
  EXPECT_EQ(builder.Finish().size(), 2);
}

// Many at once, with repetitions within and between, are as one after the other.
TEST(WordsTest, WordsAddedTogetherAreAsOneByOne) {
  WordsBuilder one, many;
  for (int batch = 0; batch < 40; ++batch) {
    std::vector<WordsBuilder::Key> keys;
    std::string bytes;
    std::vector<size_t> repeated;
    for (size_t i = 0; i < 300; ++i) {
      const std::string word = "w" + std::to_string((batch * 211 + static_cast<int>(i) * 7) % 9000);
      if (!one.Add(word)) repeated.push_back(i);
      keys.push_back({HashWord(word), static_cast<uint32_t>(word.size())});
      bytes += word + "\n";
    }
    EXPECT_EQ(many.AddAll(keys, bytes), repeated);
    ASSERT_EQ(many.size(), one.size());
  }
  const Words expected = one.Finish(), found = many.Finish();
  EXPECT_LT(expected.size(), int64_t{40} * 300);
  EXPECT_EQ(found.parts().bytes, expected.parts().bytes);
  EXPECT_EQ(found.parts().offsets, expected.parts().offsets);
  EXPECT_EQ(found.parts().slots, expected.parts().slots);
}

TEST(WordsTest, WordsAreAnyBytes) {
  const std::vector<std::string> all = {"", "\xFF\xFE", "two words", "line\nend", "\xC2\xA0"};
  WordsBuilder builder;
  builder.Reserve(5, 100);
  for (const std::string& word : all) EXPECT_TRUE(builder.Add(word));
  const Words words = builder.Finish();
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(words[static_cast<int64_t>(i)], all[i]);
    EXPECT_EQ(words.Find(all[i]), static_cast<int64_t>(i));
  }
}

TEST(WordsTest, NoWordsAreNoWords) {
  EXPECT_EQ(Words().size(), 0);
  EXPECT_EQ(Words().Find("a"), std::nullopt);
  EXPECT_EQ(WordsBuilder().Finish().size(), 0);
  EXPECT_EQ(WordsBuilder().Finish().Find("a"), std::nullopt);
}

TEST(WordsTest, DamagedPartsGiveNoReadOutsideOfThem) {
  const std::string bytes = "a\nb\n";
  const std::vector<uint64_t> offsets = {0, 99, 1};
  const std::vector<uint64_t> full(16, (HashWord("a") & 0xFFFFFFFF00000000u) | 1);
  const Words words({bytes, offsets, full}, nullptr);
  EXPECT_EQ(words[0], "");
  EXPECT_EQ(words[1], "");
  EXPECT_EQ(words.Find("a"), std::nullopt);
  const std::vector<uint64_t> far(16, HashWord("a") | 0xFFFFFFFFu);
  EXPECT_EQ(Words({bytes, offsets, far}, nullptr).Find("a"), std::nullopt);
}

}  // namespace
}  // namespace graft
