// The door for applications: loading, predicting, saving, threads.
#include "tasks/text_classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/log/absl_check.h"
#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "tasks/model_folder.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using testing::GoldenFolder;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

std::vector<std::string> SomeTexts() {
  std::vector<std::string> texts = {"The film is good.", "", "a", "Dull, slow and never funny"};
  for (int i = 0; i < 60; ++i)
    texts.push_back("grow " + std::string(static_cast<size_t>(i), 'a') + " the film");
  return texts;
}

bool Same(const Classification& a, const Classification& b) {
  return a.label == b.label && a.scores == b.scores && a.tokens == b.tokens &&
         a.cut_off == b.cut_off;
}

TEST(TextClassifier, OpensAFolderThatTransformersSaved) {
  const auto classifier = TextClassifier::Load(GoldenFolder("bert-tiny"));
  ASSERT_THAT(classifier.status(), IsOk());
  EXPECT_THAT(classifier->labels(), ::testing::ElementsAre("negative", "neutral", "positive"));
  EXPECT_EQ(classifier->max_length(), 64u);
}

TEST(TextClassifier, TheTokenizersFilesSayWhichEndIsCutOff) {
  const TemporaryFolder folder;
  std::filesystem::copy(GoldenFolder("bert-tiny"), folder / "model",
                        std::filesystem::copy_options::recursive);
  folder.Write("model/tokenizer_config.json",
               R"({"model_max_length": 5, "truncation_side": "left"})");
  const auto classifier = TextClassifier::Load(folder / "model");
  ASSERT_THAT(classifier.status(), IsOk());
  const auto results =
      classifier->Predict(std::vector<std::string>{"the plot, a good film", "a good film"});
  ASSERT_THAT(results.status(), IsOk());
  EXPECT_GT((*results)[0].cut_off, 0u);
  EXPECT_EQ((*results)[0].scores, (*results)[1].scores);
}

TEST(TextClassifier, TextHasTheSameScoresAloneAndInCompany) {
  const auto classifier = TextClassifier::Load(GoldenFolder("bert-tiny"));
  ASSERT_THAT(classifier.status(), IsOk());
  const std::vector<std::string> texts = SomeTexts();
  const auto together = classifier->Predict(texts);
  ASSERT_THAT(together.status(), IsOk());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto alone = classifier->Predict(texts[i]);
    ASSERT_THAT(alone.status(), IsOk());
    EXPECT_TRUE(Same(*alone, (*together)[i])) << texts[i];
  }
}

TEST(TextClassifier, ConcurrentCallsGiveWhatOneGives) {
  const auto classifier = TextClassifier::Load(GoldenFolder("bert-tiny"));
  ASSERT_THAT(classifier.status(), IsOk());
  const std::vector<std::string> texts = SomeTexts();
  const auto expected = classifier->Predict(texts);
  std::vector<std::thread> threads;
  std::vector<int> differences(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 5; ++round) {
        const auto results = classifier->Predict(texts);
        for (size_t i = 0; i < texts.size(); ++i)
          differences[t] += !Same((*results)[i], (*expected)[i]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(differences, ::testing::Each(0));
}

TEST(TextClassifier, SavedFolderGivesTheSameScores) {
  const TemporaryFolder folder;
  const auto classifier = TextClassifier::Load(GoldenFolder("bert-tiny"));
  const std::string path = folder.path() + "/saved";
  ASSERT_THAT(classifier->Save(path), IsOk());
  const auto again = TextClassifier::Load(path);
  ASSERT_THAT(again.status(), IsOk());
  EXPECT_EQ(again->labels(), classifier->labels());
  EXPECT_EQ(again->max_length(), classifier->max_length());
  const std::vector<std::string> texts = SomeTexts();
  const auto before = classifier->Predict(texts), after = again->Predict(texts);
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_TRUE(Same((*before)[i], (*after)[i])) << texts[i];
  EXPECT_THAT(classifier->Save(path), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(path)));
}

TEST(TextClassifier, AnInterruptedReplacementCanBeReplacedAtOnce) {
  const TemporaryFolder folder;
  const std::string path = folder / "saved";
  ASSERT_THAT(TextClassifier::Load(GoldenFolder("bert-tiny"))->Save(path), IsOk());
  std::filesystem::rename(path, folder / ".saved.graft-old-7-1");
  EXPECT_THAT(CheckSavePath(path, /*replace=*/true), IsOk());
  EXPECT_TRUE(std::filesystem::exists(path + "/graft.json"));
  EXPECT_THAT(CheckSavePath(path, /*replace=*/false), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST(TextClassifier, SavedTokenizerConfigNamesTheStoredLength) {
  const TemporaryFolder folder;
  for (const std::string source : {"bert-tiny", "without"}) {
    const std::string encoder = folder / source;
    std::filesystem::copy(GoldenFolder("bert-tiny"), encoder);
    if (source == "without") std::filesystem::remove(encoder + "/tokenizer_config.json");
    LoadedModel model = *LoadModel(encoder);
    ASSERT_THAT(SaveClassifier(folder / "saved",
                               {.source = &model.folder,
                                .backbone = model.backbone.get(),
                                .head = &*model.head,
                                .labels = &model.folder.labels,
                                .max_length = 7,
                                .training = {}},
                               /*replace=*/true),
                IsOk());
    const auto config = JsonDocument::Load(folder / "saved/tokenizer_config.json");
    ASSERT_THAT(config, IsOk());
    EXPECT_EQ(*config->root().GetInt("model_max_length", 0, 1000), 7);
    EXPECT_EQ(config->root().Find("do_lower_case").has_value(), source == "bert-tiny")
        << "the other keys stay";
  }
}

TEST(TextClassifier, SavedFolderHasTheFilesOfAnyTokenizer) {
  const TemporaryFolder folder;
  const std::string encoder = folder / "encoder";
  std::filesystem::copy(GoldenFolder("bert-tiny"), encoder);
  for (const char* name : {"tokenizer.json", "vocab.txt"}) {
    std::filesystem::remove(encoder + "/" + name);
  }
  // One token for each row of the embedding table.
  const auto config = JsonDocument::Load(encoder + "/config.json");
  const int64_t rows = *config->root().GetInt("vocab_size", 1, 1000);
  std::string vocab = R"({"<|endoftext|>": 0)";
  for (int64_t id = 1; id < rows; ++id) {
    absl::StrAppend(
        &vocab, ", \"",
        id <= 26 ? std::string(1, static_cast<char>('a' + id - 1)) : absl::StrCat("t", id),
        "\": ", id);
  }
  folder.Write("encoder/vocab.json", vocab + "}");
  folder.Write("encoder/merges.txt", "#version: 0.2\n");
  folder.Write("encoder/tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer"})");
  const auto classifier = TextClassifier::Load(encoder);
  ASSERT_THAT(classifier.status(), IsOk());
  const std::string saved = folder / "saved";
  ASSERT_THAT(classifier->Save(saved), IsOk());
  const auto again = TextClassifier::Load(saved);
  ASSERT_THAT(again.status(), IsOk());
  EXPECT_TRUE(Same(*classifier->Predict("abc"), *again->Predict("abc")));
}

TEST(TextClassifier, FolderThatGraftWroteIsMapped) {
  constexpr mode_t kOthersMayNotWrite = 022;  // files that others may write are not mapped
  ::umask(kOthersMayNotWrite);
  const TemporaryFolder folder;
  const auto foreign = LoadModel(GoldenFolder("bert-tiny"));
  ASSERT_THAT(foreign.status(), IsOk());
  EXPECT_FALSE(foreign->mapped);
  const std::string path = folder.path() + "/saved";
  ASSERT_THAT(TextClassifier::Load(GoldenFolder("bert-tiny"))->Save(path), IsOk());
  const auto own = LoadModel(path);
  ASSERT_THAT(own.status(), IsOk());
  EXPECT_TRUE(own->mapped);
  EXPECT_TRUE(own->unused_tensors.empty());
}

TEST(TextClassifier, RefusesAnEncoderWithoutAHead) {
  EXPECT_THAT(TextClassifier::Load(GoldenFolder("bert-odd")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("bert-odd"), HasSubstr("head"))));
}

TEST(TextClassifier, ReadsIllFormedTextAsReplacementCharacters) {
  const auto classifier = TextClassifier::Load(GoldenFolder("bert-tiny"));
  const auto broken = classifier->Predict(std::string_view("a \xE2\x82 b"));
  const auto replaced = classifier->Predict(std::string_view("a \xEF\xBF\xBD b"));
  ASSERT_THAT(broken.status(), IsOk());
  EXPECT_TRUE(Same(*broken, *replaced));
}

TEST(TextClassifier, CutsLongTextsAndSaysHowMuch) {
  const auto classifier = TextClassifier::Load(GoldenFolder("bert-tiny"));
  std::string text;
  for (int i = 0; i < 100; ++i) text += "grow ";
  const auto result = classifier->Predict(std::string_view(text));
  ASSERT_THAT(result.status(), IsOk());
  EXPECT_EQ(result->tokens, 64u);
  EXPECT_EQ(result->cut_off, 100u - 62u);
}

}  // namespace
}  // namespace graft
