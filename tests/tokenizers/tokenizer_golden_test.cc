// The peer's results of tests/golden/tokenizers (made by generate_tokenizer.py).
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

using nlohmann::json;

json ToJson(const Encoding& encoding) {
  json out = {
      {"ids", encoding.ids},           {"type_ids", encoding.type_ids},
      {"word_ids", encoding.word_ids}, {"begins", json::array()},
      {"ends", json::array()},         {"special_tokens_mask", encoding.special_tokens_mask}};
  for (const Span span : encoding.offsets) {
    out["begins"].push_back(span.begin);
    out["ends"].push_back(span.end);
  }
  return out;
}

class TokenizerGoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenizerGoldenTest, DoesWhatThePeerDoes) {
  const std::string folder =
      std::string(GRAFT_SOURCE_DIR) + "/tests/golden/tokenizers/" + GetParam();
  const auto tokenizer = LoadTokenizer(folder);
  ASSERT_THAT(tokenizer, testing::IsOk());
  std::istringstream cases(testing::TemporaryFolder::Read(folder + "/cases.jsonl"));
  std::string line;
  int count = 0;
  while (std::getline(cases, line)) {
    const json expected = json::parse(line);
    const std::string text = expected["text"];
    SCOPED_TRACE(expected["text"].dump());
    const Encoding encoding = (*tokenizer)->Encode(text);
    EXPECT_EQ(ToJson(encoding), expected["encode"]);
    const std::vector<std::string> words = expected["words"];
    const std::vector<std::string_view> views(words.begin(), words.end());
    EXPECT_EQ(ToJson((*tokenizer)->EncodeWords(views)), expected["encode_words"]);
    const std::string other = expected["other"];
    const EncodeOptions cut{.max_length = expected["max_length"]};
    EXPECT_EQ(ToJson((*tokenizer)->EncodePair(text, other, cut)), expected["encode_pair"]);
    EXPECT_EQ((*tokenizer)->Decode(encoding.ids, false), expected["decoded"].get<std::string>());
    EXPECT_EQ((*tokenizer)->Decode(encoding.ids, true),
              expected["decoded_without_special_tokens"].get<std::string>());
    const std::vector<std::string_view> texts = {text};
    EXPECT_EQ((*tokenizer)->EncodeBatch(texts, {}, 1).ids, encoding.ids);
    ++count;
  }
  EXPECT_GE(count, 30);
}

INSTANTIATE_TEST_SUITE_P(Settings, TokenizerGoldenTest,
                         ::testing::Values("uncased", "cased", "accents", "raw", "added"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace graft
