// Real vocabularies and published ids, where the data folder is there.
#include <cstdlib>
#include <string>
#include <vector>

#include "base/file.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/tokenizer.h"

namespace graft {
namespace {

// GRAFT_DATA, or ../shared/data beside the checkout.
std::string DataFolder() {
  const char* named = std::getenv("GRAFT_DATA");
  return named != nullptr ? named : std::string(GRAFT_SOURCE_DIR) + "/../shared/data";
}

TEST(TokenizerDataTest, GivesThePublishedIdsOfTheSquadQuestions) {
  const std::string reference = DataFolder() + "/reference/squad-wordpiece";
  if (!IsFolder(reference)) GTEST_SKIP() << "no " << reference;
  const auto tokenizer = LoadTokenizer(DataFolder() + "/tokenizers/bert-base-uncased");
  ASSERT_THAT(tokenizer, testing::IsOk());
  const auto read = [&](const char* name) {
    return nlohmann::json::parse(testing::TemporaryFolder::Read(reference + "/" + name));
  };
  std::vector<std::string> questions;
  for (const auto& question : read("question_tokens.json")) {
    questions.push_back(question["original"]);
  }
  const std::vector<std::string_view> texts(questions.begin(), questions.end());
  const EncodedBatch batch = (*tokenizer)->EncodeBatch(texts, {.add_special_tokens = false}, 2);
  const std::vector<std::vector<int32_t>> expected = read("tokenized_questions.json");
  ASSERT_EQ(expected.size(), 10'570u);
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::vector<int32_t> ids(batch.ids.begin() + batch.starts[i],
                                   batch.ids.begin() + batch.starts[i + 1]);
    ASSERT_EQ(ids, expected[i]) << questions[i];
  }
}

TEST(TokenizerDataTest, PublishedVocabulariesLoad) {
  const struct {
    const char* name;
    size_t size;
  } kVocabularies[] = {
      {"uncased", 30522}, {"cased", 28996}, {"chinese", 21128}, {"multilingual-cased", 119547}};
  for (const auto& [name, size] : kVocabularies) {
    const std::string folder = DataFolder() + "/tokenizers/bert-base-" + name;
    if (!IsFolder(folder)) GTEST_SKIP() << "no " << folder;
    const auto tokenizer = LoadTokenizer(folder);
    ASSERT_THAT(tokenizer, testing::IsOk());
    EXPECT_EQ((*tokenizer)->vocabulary_size(), size);
  }
}

}  // namespace
}  // namespace graft
