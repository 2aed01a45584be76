#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/tokenizers/tokenizer_files.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Json;
using testing::TemporaryFolder;
using testing::TokenizerJson;

std::unique_ptr<const Tokenizer> Make(const Json& json = TokenizerJson()) {
  const TemporaryFolder folder;
  folder.Write("tokenizer.json", json.dump());
  auto tokenizer = LoadTokenizer(folder.path());
  EXPECT_THAT(tokenizer, testing::IsOk());
  return *std::move(tokenizer);
}

Json WithAddedToken(const char* content, Json flags, Json json = TokenizerJson()) {
  flags["content"] = content;
  flags["id"] = 17 + json["added_tokens"].size() - 5;
  json["added_tokens"].push_back(flags);
  return json;
}

TEST(ComposedTokenizerTest, EncodesWithWordsOffsetsAndMasks) {
  const Encoding encoding = Make()->Encode("aab, É中");
  EXPECT_THAT(encoding.ids, ElementsAre(2, 5, 6, 8, 10, 1, 12, 3));
  EXPECT_THAT(encoding.type_ids, ElementsAre(0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(encoding.word_ids, ElementsAre(-1, 0, 0, 0, 1, 2, 3, -1));
  EXPECT_THAT(encoding.offsets, ElementsAre(Span{0, 0}, Span{0, 1}, Span{1, 2}, Span{2, 3},
                                            Span{3, 4}, Span{5, 7}, Span{7, 10}, Span{0, 0}));
  EXPECT_THAT(encoding.special_tokens_mask, ElementsAre(1, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(encoding.cut_off, 0u);
}

// The ids and spans of the peer, but for the second text, at which it panics.
TEST(ComposedTokenizerTest, AddedTokensAskForTheSameSpaces) {
  for (const bool normalized : {false, true}) {
    Json json = WithAddedToken("<x>", {{"rstrip", true}, {"normalized", normalized}});
    json = WithAddedToken(" ", {{"lstrip", true}, {"normalized", normalized}}, json);
    const auto tokenizer = Make(json);
    for (const auto& [text, ids, last] :
         {std::tuple{"<x> a", std::vector<int32_t>{17, 5}, Span{4, 5}},
          std::tuple{"<x>   \n", std::vector<int32_t>{17}, Span{0, 7}},
          std::tuple{"a  <x>", std::vector<int32_t>{5, 18, 18, 17}, Span{3, 6}}}) {
      const Encoding encoding = tokenizer->Encode(text, {.add_special_tokens = false});
      EXPECT_EQ(encoding.ids, ids) << text;
      EXPECT_EQ(encoding.offsets.back(), last) << text;
      EXPECT_EQ(tokenizer->EncodeBatch({{text}}, {.add_special_tokens = false}, 1).ids, ids);
    }
  }
}

// A pattern that takes a second for every word has one limit for the whole text.
TEST(ComposedTokenizerTest, ManyWordsThatAPatternGoesOnInEnd) {
  Json json = TokenizerJson();
  json["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "WhitespaceSplit"}},
                             {{"type", "Split"},
                              {"pattern", {{"Regex", "(a+)+$"}}},
                              {"behavior", "Isolated"},
                              {"invert", false}}}}};
  const auto tokenizer = Make(json);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::string(30, 'a') + "! ";
  const auto begin = std::chrono::steady_clock::now();
  const Encoding encoding = tokenizer->Encode(text + "aa");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_EQ(encoding.word_ids.rbegin()[1], 1000);
  EXPECT_EQ(tokenizer->Encode("aa").ids, (std::vector<int32_t>{2, 5, 6, 3}));
}

TEST(ComposedTokenizerTest, TruncationCountsSpecialTokensAndWhatItRemoves) {
  const auto tokenizer = Make();
  const Encoding encoding = tokenizer->Encode("a b a b", {.max_length = 4});
  EXPECT_THAT(encoding.ids, ElementsAre(2, 5, 7, 3));
  EXPECT_EQ(encoding.cut_off, 2u);
  const Encoding bare =
      tokenizer->Encode("a b a b", {.add_special_tokens = false, .max_length = 3});
  EXPECT_THAT(bare.ids, ElementsAre(5, 7, 5));
  EXPECT_EQ(bare.cut_off, 1u);
  EXPECT_EQ(tokenizer->Encode("a b a b", {.max_length = 6}).cut_off, 0u);
  EXPECT_THAT(tokenizer->Encode("a b", {.max_length = 1}).ids, ElementsAre(2, 3));
}

TEST(ComposedTokenizerTest, APairLosesTokensOfItsLongerTextFirst) {
  const auto tokenizer = Make();
  const Encoding all = tokenizer->EncodePair("a a a a", "b");
  EXPECT_THAT(all.ids, ElementsAre(2, 5, 5, 5, 5, 3, 7, 3));
  EXPECT_THAT(all.type_ids, ElementsAre(0, 0, 0, 0, 0, 0, 1, 1));
  EXPECT_THAT(tokenizer->EncodePair("a a a a", "b", {.max_length = 6}).ids,
              ElementsAre(2, 5, 5, 3, 7, 3));
  const Encoding both = tokenizer->EncodePair("a a a a", "b b b", {.max_length = 6});
  EXPECT_THAT(both.ids, ElementsAre(2, 5, 5, 3, 7, 3));
  EXPECT_EQ(both.cut_off, 4u);
  EXPECT_THAT(tokenizer->EncodePair("a", "b", {.add_special_tokens = false}).type_ids,
              ElementsAre(0, 1));
}

TEST(ComposedTokenizerTest, LaterWindowsOfAPairKeepTheirTypeIds) {
  const Encoding first = Make()->EncodePair(
      "a a a a", "b b",
      {.max_length = 7, .truncation = Truncation::kOnlyFirst, .overflowing = true});
  EXPECT_THAT(first.ids, ElementsAre(2, 5, 5, 3, 7, 7, 3));
  ASSERT_EQ(first.overflowing.size(), 1u);
  const Encoding& second = first.overflowing[0];
  EXPECT_EQ(second.ids, first.ids);
  EXPECT_THAT(second.type_ids, ElementsAre(0, 0, 0, 0, 1, 1, 1));
  EXPECT_EQ(second.offsets[1], (Span{4, 5}));
  EXPECT_EQ(second.offsets[4], (Span{0, 1}));
}

TEST(ComposedTokenizerTest, PreSplitWordsKeepTheirNumbersAndOwnOffsets) {
  const std::vector<std::string_view> words = {"ab,a", "", " ", "[MASK]", "b"};
  const Encoding encoding = Make()->EncodeWords(words);
  EXPECT_THAT(encoding.ids, ElementsAre(2, 5, 8, 10, 5, 4, 7, 3));
  EXPECT_THAT(encoding.word_ids, ElementsAre(-1, 0, 0, 0, 0, 3, 4, -1));
  EXPECT_EQ(encoding.offsets[4], (Span{3, 4}));
  EXPECT_EQ(encoding.offsets[6], (Span{0, 1}));
}

TEST(ComposedTokenizerTest, AddedTokensAreCutOutOfTheText) {
  Json json = WithAddedToken("<e>", {{"normalized", false}});
  json = WithAddedToken("<e>a", {{"normalized", false}}, json);
  json = WithAddedToken("<w>", {{"single_word", true}}, json);
  json = WithAddedToken("<s>", {{"lstrip", true}, {"rstrip", true}}, json);
  const auto tokenizer = Make(json);
  EXPECT_THAT(tokenizer->Encode("a<e>ab<e>").ids, ElementsAre(2, 5, 18, 7, 17, 3));
  EXPECT_THAT(tokenizer->Encode("<w> b<w> <w>,").ids, ElementsAre(2, 19, 7, 1, 1, 1, 19, 10, 3));
  const Encoding stripped = tokenizer->Encode("a \u3000<s>  b");
  EXPECT_THAT(stripped.ids, ElementsAre(2, 5, 20, 7, 3));
  EXPECT_EQ(stripped.offsets[2], (Span{1, 10}));
}

TEST(ComposedTokenizerTest, NormalizedAddedTokensAreFoundInTheNormalizedText) {
  const auto tokenizer = Make(WithAddedToken("Éb", {{"normalized", true}}));
  const Encoding encoding = tokenizer->Encode("a E\u0301B\u0301 eb");
  EXPECT_THAT(encoding.ids, ElementsAre(2, 5, 17, 17, 3));
  EXPECT_EQ(encoding.offsets[2], (Span{2, 6}));
  const std::vector<std::string_view> texts = {"a E\u0301B\u0301 eb"};
  EXPECT_EQ(tokenizer->EncodeBatch(texts, {}, 1).ids, encoding.ids);
}

TEST(ComposedTokenizerTest, DecodeJoinsPiecesAndTakesSpacesBack) {
  const auto tokenizer = Make();
  EXPECT_EQ(tokenizer->Decode({2, 5, 6, 8, 10, 7, 13, 3}, true), "aab, b.");
  EXPECT_EQ(tokenizer->Decode({2, 5, 6, 3}, false), "[CLS] aa [SEP]");
  EXPECT_EQ(tokenizer->Decode({6, 5, 99, -1, 7}, false), "##a a b") << "unknown ids are skipped";
  EXPECT_EQ(tokenizer->Decode({}, false), "");
}

TEST(ComposedTokenizerTest, ABatchIsTheTextsInARow) {
  const auto tokenizer = Make();
  const std::vector<std::string_view> texts = {"a b a b", "", "hello"};
  const EncodedBatch batch = tokenizer->EncodeBatch(texts, {.max_length = 5}, 3);
  EXPECT_THAT(batch.ids, ElementsAre(2, 5, 7, 5, 3, 2, 3, 2, 9, 3));
  EXPECT_THAT(batch.starts, ElementsAre(0, 5, 7, 10));
  EXPECT_THAT(batch.cut_off, ElementsAre(1, 0, 0));
  const EncodedBatch none = tokenizer->EncodeBatch({}, {}, 2);
  EXPECT_THAT(none.ids, IsEmpty());
  EXPECT_THAT(none.starts, ElementsAre(0));
}

}  // namespace
}  // namespace graft
