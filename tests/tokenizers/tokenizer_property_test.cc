// What holds for every text.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/tokenizers/random_texts.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using testing::RandomTexts;

constexpr const char* kSettings[] = {"uncased", "cased", "accents", "raw", "added"};

std::unique_ptr<const Tokenizer> Load(const char* setting) {
  auto tokenizer =
      LoadTokenizer(std::string(GRAFT_SOURCE_DIR) + "/tests/golden/tokenizers/" + setting);
  EXPECT_THAT(tokenizer, testing::IsOk());
  return *std::move(tokenizer);
}

bool IsCharStart(std::string_view text, uint32_t at) {
  return at == text.size() || (static_cast<uint8_t>(text[at]) & 0xC0) != 0x80;
}

class TokenizerPropertyTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenizerPropertyTest, OffsetsAreOrderedAndOfWholeCharacters) {
  const auto tokenizer = Load(GetParam());
  for (const std::string& text : RandomTexts(1, 500)) {
    const Encoding encoding = tokenizer->Encode(text, {.add_special_tokens = false});
    const bool valid = !FindInvalidUtf8(text).has_value();
    uint32_t begin = 0;
    int32_t word = 0;
    for (size_t i = 0; i < encoding.size(); ++i) {
      const Span span = encoding.offsets[i];
      ASSERT_LT(span.begin, span.end);
      ASSERT_LE(span.end, text.size());
      ASSERT_GE(span.begin, begin);
      if (valid) {
        ASSERT_TRUE(IsCharStart(text, span.begin) && IsCharStart(text, span.end));
      }
      ASSERT_TRUE(encoding.word_ids[i] == word || encoding.word_ids[i] == word + 1 || i == 0);
      begin = span.begin;
      word = encoding.word_ids[i];
    }
  }
}

TEST_P(TokenizerPropertyTest, LettersAreCoveredByTokens) {
  const auto tokenizer = Load(GetParam());
  for (const std::string& text : RandomTexts(2, 500)) {
    const Encoding encoding = tokenizer->Encode(text, {.add_special_tokens = false});
    std::vector<bool> covered(text.size());
    for (const Span span : encoding.offsets) {
      for (uint32_t i = span.begin; i < span.end; ++i) covered[i] = true;
    }
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] >= 'a' && text[i] <= 'z') {
        ASSERT_TRUE(covered[i]) << "byte " << i << " of " << text;
      }
    }
  }
}

TEST_P(TokenizerPropertyTest, IllFormedPartsCountAsReplacementCharacters) {
  const auto tokenizer = Load(GetParam());
  for (const std::string& text : RandomTexts(3, 500)) {
    ASSERT_EQ(tokenizer->Encode(text).ids, tokenizer->Encode(ReplaceInvalidUtf8(text)).ids);
  }
}

TEST_P(TokenizerPropertyTest, ABatchEqualsItsTextsOneByOneForEveryNumberOfThreads) {
  const auto tokenizer = Load(GetParam());
  const std::vector<std::string> texts = RandomTexts(4, 16000);
  const std::vector<std::string_view> all(texts.begin(), texts.end());
  size_t bytes = 0;
  for (const std::string_view text : all) bytes += text.size();
  ASSERT_GT(bytes, size_t{2} << 20) << "too little for several threads";
  for (const size_t max_length : {size_t{0}, size_t{16}}) {
    const auto views = absl::MakeConstSpan(all).subspan(0, max_length == 0 ? all.size() : 2000);
    EncodedBatch expected;
    for (const std::string_view text : views) {
      const Encoding encoding = tokenizer->Encode(text, {.max_length = max_length});
      expected.ids.insert(expected.ids.end(), encoding.ids.begin(), encoding.ids.end());
      expected.starts.push_back(static_cast<int32_t>(expected.ids.size()));
      expected.cut_off.push_back(static_cast<uint32_t>(encoding.cut_off));
    }
    for (const int threads : {1, 2, 5, 1}) {
      const EncodedBatch batch = tokenizer->EncodeBatch(views, {.max_length = max_length}, threads);
      ASSERT_EQ(batch.ids, expected.ids) << threads;
      ASSERT_EQ(batch.starts, expected.starts) << threads;
      ASSERT_EQ(batch.cut_off, expected.cut_off) << threads;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Settings, TokenizerPropertyTest, ::testing::ValuesIn(kSettings),
                         [](const auto& info) { return std::string(info.param); });

TEST(TokenizerThreadsTest, OneTokenizerServesManyThreads) {
  const auto tokenizer = Load("uncased");
  const std::vector<std::string> texts = RandomTexts(5, 300);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const EncodedBatch expected = tokenizer->EncodeBatch(views, {}, 1);
  std::vector<EncodedBatch> batches(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(batches.size());
    for (EncodedBatch& batch : batches) {
      threads.emplace_back([&] { batch = tokenizer->EncodeBatch(views, {}, 1); });
    }
  }
  for (const EncodedBatch& batch : batches) EXPECT_EQ(batch.ids, expected.ids);
}

}  // namespace
}  // namespace graft
