// TextEmbedder against vectors of sentence-transformers (tests/golden/generate_embedders.py).
#include "tasks/text_embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "models/weights/weight_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::HasSubstr;

constexpr double kTolerance = 1e-5;

std::string Golden(const std::string& name) {
  return std::string(GRAFT_SOURCE_DIR) + "/tests/golden/" + name;
}

std::vector<std::string> Texts(const std::string& folder) {
  const auto document = JsonDocument::Load(folder + "/texts.json");
  EXPECT_TRUE(document.ok()) << document.status();
  std::vector<std::string> texts;
  const auto items = document->root().AsArray();
  for (const JsonValue& item : *items) texts.emplace_back(*item.AsString());
  return texts;
}

std::vector<float> Expected(const std::string& folder, const std::string& name) {
  const auto files = WeightFiles::Open(folder + "/expected.safetensors");
  EXPECT_TRUE(files.ok()) << files.status();
  const TensorInfo* tensor = files->Find(name);
  EXPECT_NE(tensor, nullptr) << name;
  std::vector<float> values(static_cast<size_t>(tensor->elements()));
  EXPECT_TRUE(files->ReadAsFloat(*tensor, absl::MakeSpan(values)).ok());
  return values;
}

Embeddings EmbedOrDie(const std::string& folder, const EmbedderOptions& options,
                      const std::vector<std::string>& texts) {
  const auto embedder = TextEmbedder::Load(folder, options);
  EXPECT_TRUE(embedder.ok()) << embedder.status();
  auto embeddings = embedder->Embed(texts);
  EXPECT_TRUE(embeddings.ok()) << embeddings.status();
  return *std::move(embeddings);
}

void ExpectNear(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(found[i]) - expected[i]));
  }
  EXPECT_LT(largest, kTolerance);
}

TEST(TextEmbedder, GivesTheVectorsOfSentenceTransformersForEveryPrompt) {
  for (const std::string name : {"embedder-chain", "embedder-flags"}) {
    const std::string folder = Golden(name);
    const std::vector<std::string> texts = Texts(folder);
    for (const std::string prompt : {"default", "query", "passage"}) {
      SCOPED_TRACE(name + " " + prompt);
      EmbedderOptions options;
      if (prompt != "default") options.prompt_name = prompt;
      ExpectNear(EmbedOrDie(folder, options, texts).values, Expected(folder, prompt));
    }
  }
}

// What SentenceTransformer.encode, encode_query and encode_document put in front, 6.2.0.
TEST(TextEmbedder, TakesThePromptsOfSentenceTransformers) {
  const testing::TemporaryFolder folder;
  std::filesystem::copy(Golden("embedder-chain"), folder / "model",
                        std::filesystem::copy_options::recursive);
  const struct {
    const char* settings;
    const char *none, *query, *document;
  } cases[] = {
      {R"({"prompts": {"query": "q: ", "passage": "p: "}})", "", "q: ", ""},
      {R"({"prompts": {"passage": "p: "}, "default_prompt_name": "passage"})", "p: ", "", ""},
      {R"({"prompts": {"document": "d: ", "passage": "p: "}, "default_prompt_name": "passage"})",
       "p: ", "", "d: "},
      {R"({"prompts": {"corpus": "c: "}})", "", "", ""},
      {R"({"prompts": {"query": null}, "default_prompt_name": "query"})", "", "", ""},
  };
  for (const auto& one : cases) {
    folder.Write("model/config_sentence_transformers.json", one.settings);
    const auto prompt = [&](const EmbedderOptions& options) {
      const auto embedder = TextEmbedder::Load(folder / "model", options);
      EXPECT_TRUE(embedder.ok()) << embedder.status();
      return embedder->prompt();
    };
    EXPECT_EQ(prompt({}), one.none) << one.settings;
    EXPECT_EQ(prompt({.use = PromptUse::kQuery}), one.query) << one.settings;
    EXPECT_EQ(prompt({.use = PromptUse::kDocument}), one.document) << one.settings;
    EXPECT_EQ(prompt({.prompt = "own ", .use = PromptUse::kDocument}), "own ");
  }
}

TEST(TextEmbedder, SaysWhatItComputes) {
  const auto chain = TextEmbedder::Load(Golden("embedder-chain"));
  ASSERT_TRUE(chain.ok()) << chain.status();
  EXPECT_EQ(chain->dimensions(), 24);
  EXPECT_EQ(chain->max_length(), 24u);
  EXPECT_EQ(
      chain->pooling(),
      "weightedmean+cls+lasttoken+max+mean_sqrt_len_tokens+mean, Dense 192 to 24, Dense 24 to "
      "24, Normalize");
  EXPECT_EQ(chain->prompt(), "");
  EXPECT_FALSE(chain->pooling_by_default());
  const auto flags = TextEmbedder::Load(Golden("embedder-flags"));
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->dimensions(), 10);
  EXPECT_EQ(flags->similarity(), "dot");
  EXPECT_EQ(flags->prompt(), "find ");
  EXPECT_EQ(flags->pooling(), "max+mean, Dense 72 to 20, Normalize, Dense 20 to 12");
}

TEST(TextEmbedder, AVectorHasTheSameBitsInAnyCompanyAndOnAnyNumberOfThreads) {
  for (const std::string name : {"embedder-chain", "embedder-flags", "bert-tiny"}) {
    const auto embedder = TextEmbedder::Load(Golden(name));
    ASSERT_TRUE(embedder.ok()) << embedder.status();
    const std::vector<std::string> texts = Texts(Golden("embedder-chain"));
    std::vector<std::string> many;
    for (int i = 0; i < 40; ++i) many.push_back(texts[static_cast<size_t>(i * 5) % texts.size()]);
    SetThreads(2);
    const auto together = embedder->Embed(many);
    ASSERT_TRUE(together.ok()) << together.status();
    SetThreads(1);
    for (size_t i = 0; i < many.size(); ++i) {
      const auto alone = embedder->Embed(std::vector<std::string>{many[i]});
      ASSERT_TRUE(alone.ok()) << alone.status();
      EXPECT_EQ(alone->row(0), together->row(i)) << name << " text " << i;
    }
  }
}

TEST(TextEmbedder, ConcurrentCallsGiveTheSameVectors) {
  const auto embedder = TextEmbedder::Load(Golden("embedder-chain"));
  ASSERT_TRUE(embedder.ok()) << embedder.status();
  const std::vector<std::string> texts = Texts(Golden("embedder-chain"));
  const auto expected = embedder->Embed(texts);
  ASSERT_TRUE(expected.ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const auto found = embedder->Embed(texts);
      ASSERT_TRUE(found.ok());
      EXPECT_EQ(found->values, expected->values);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(TextEmbedder, DimensionsAreTheFirstNumbersAndNormalizeComesLast) {
  const std::vector<std::string> texts = {"The film is good.", "a warm heart"};
  const Embeddings whole = EmbedOrDie(Golden("bert-tiny"), {}, texts);
  const Embeddings first = EmbedOrDie(Golden("bert-tiny"), {.dimensions = 5}, texts);
  const Embeddings unit =
      EmbedOrDie(Golden("bert-tiny"), {.normalize = true, .dimensions = 5}, texts);
  ASSERT_EQ(whole.dimensions, 32);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(first.row(i), whole.row(i).first(5));
    double length = 0, sum = 0;
    for (const float v : first.row(i)) length += static_cast<double>(v) * v;
    for (size_t c = 0; c < 5; ++c) {
      EXPECT_NEAR(unit.row(i)[c], first.row(i)[c] / std::sqrt(length), 1e-6);
      sum += static_cast<double>(unit.row(i)[c]) * unit.row(i)[c];
    }
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(TextEmbedder, RefusesOptionsThatDoNotFitByName) {
  const auto error = [](const std::string& folder, const EmbedderOptions& options) {
    return std::string(TextEmbedder::Load(Golden(folder), options).status().message());
  };
  EXPECT_THAT(error("bert-tiny", {.layer = 3}), HasSubstr("layer: expected 0 to 2"));
  EXPECT_THAT(error("bert-tiny", {.dimensions = 33}), HasSubstr("dims: expected 1 to 32"));
  EXPECT_THAT(error("bert-tiny", {.max_length = 2}), HasSubstr("max_length: expected 3 to 64"));
  EXPECT_THAT(error("bert-tiny", {.max_length = 65}), HasSubstr("max_length: expected 3 to 64"));
  EXPECT_THAT(error("embedder-chain", {.pooling = PoolingMode::kCls}),
              HasSubstr("pooling: expected none"));
  EXPECT_THAT(error("embedder-chain", {.prompt_name = "other"}),
              HasSubstr("'empty', 'passage', 'query'"));
  EXPECT_THAT(error("bert-tiny", {.prompt_name = "query"}), HasSubstr("it has none"));
}

TEST(TextEmbedder, TheTokenizersFilesSayWhichEndIsCutOff) {
  const testing::TemporaryFolder folder;
  std::filesystem::copy(Golden("embedder-chain"), folder / "model",
                        std::filesystem::copy_options::recursive);
  folder.Write("model/tokenizer_config.json",
               R"({"model_max_length": 24, "truncation_side": "left"})");
  std::string bad, good;
  for (int i = 0; i < 22; ++i) good += " good";  // as many as are read
  for (int i = 0; i < 22; ++i) bad += " bad";
  const Embeddings found = EmbedOrDie(folder / "model", {}, {bad + good, good});
  EXPECT_GE(found.cut_off[0], 22u);
  EXPECT_EQ(found.row(0), found.row(1));
}

// A copy of a golden folder in which one file says something else.
class ChangedFolder : public ::testing::Test {
 protected:
  std::string ErrorWith(const std::string& file, const std::string& text) {
    const std::string folder = JoinPath(temporary_.path(), std::to_string(count_++));
    std::filesystem::copy(Golden("embedder-flags"), folder,
                          std::filesystem::copy_options::recursive);
    const std::string path = JoinPath(folder, file);
    // Of a module without files a checkout has no folder.
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    const auto embedder = TextEmbedder::Load(folder);
    return embedder.ok() ? "" : std::string(embedder.status().message());
  }

  testing::TemporaryFolder temporary_;
  int count_ = 0;
};

TEST_F(ChangedFolder, WhatIsNotUnderstoodIsRefusedWithItsFile) {
  const struct {
    const char* file;
    const char* text;
    const char* expected;
  } cases[] = {
      {"1_Pooling/config.json", R"({"pooling_mode": "median"})", "found 'median'"},
      {"1_Pooling/config.json", R"({"pooling_mode": []})", "at least one mode"},
      {"1_Pooling/config.json", R"({"pooling_mode": "cls", "weights": 1})", "found 'weights'"},
      {"1_Pooling/config.json", R"({"pooling_mode": "cls", "embedding_dimension": 35})",
       "expected 36, the hidden size, found 35"},
      {"2_Dense/config.json", R"({"in_features": 36, "out_features": 20})", "expected 72"},
      {"2_Dense/config.json",
       R"({"in_features": 72, "out_features": 20, "activation_function": "torch.nn.Mish"})",
       "found 'torch.nn.Mish'"},
      {"2_Dense/config.json", R"({"in_features": 72, "out_features": 20, "dropout": 0.1})",
       "found 'dropout'"},
      {"2_Dense/config.json",
       R"({"in_features": 72, "out_features": 20, "module_input_name": "token_embeddings"})",
       "module_input_name"},
      {"2_Dense/config.json", R"({"in_features": 72, "out_features": 20, "bias": false})",
       "linear.bias"},
      {"3_Normalize/config.json", R"({"module_output_name": "other"})", "module_output_name"},
      {"sentence_bert_config.json", R"({"query_expansion": {}})", "query_expansion"},
      {"sentence_bert_config.json", R"({"model_args": {"dtype": "float16"}})", "dtype"},
      {"sentence_bert_config.json", R"({"pad": 1})", "found 'pad'"},
      {"config_sentence_transformers.json", R"({"default_prompt_name": "x"})", "found 'x'"},
      {"config_sentence_transformers.json", R"({"model_type": "SparseEncoder"})", "SparseEncoder"},
      {"config_sentence_transformers.json", R"({"similarity_fn_name": "maxsim"})", "maxsim"},
      {"modules.json", R"([{"type": "sentence_transformers.models.Transformer", "path": ""}])",
       "Pooling"},
      {"modules.json", R"([{"type": "custom.Transformer", "path": ""}])", "custom.Transformer"},
      {"modules.json", R"([{"type": "sentence_transformers.evil.Transformer", "path": ""}])",
       "sentence_transformers.evil.Transformer"},
  };
  for (const auto& one : cases) {
    const std::string message = ErrorWith(one.file, one.text);
    EXPECT_THAT(message, HasSubstr(one.expected)) << one.file << " " << one.text;
    EXPECT_THAT(message, HasSubstr(std::string(one.file).substr(0, 8))) << one.text;
  }
}

TEST(TextEmbedder, TheFingerprintNamesEveryFileAndEveryOption) {
  const auto embedder = TextEmbedder::Load(Golden("embedder-flags"));
  ASSERT_TRUE(embedder.ok()) << embedder.status();
  const auto one = embedder->Fingerprint();
  ASSERT_TRUE(one.ok()) << one.status();
  for (const char* name :
       {"config.json", "model.safetensors", "tokenizer.json", "modules.json",
        "sentence_bert_config.json", "1_Pooling/config.json", "2_Dense/config.json",
        "2_Dense/model.safetensors", "4_Dense/pytorch_model.bin"}) {
    EXPECT_TRUE(one->files.contains(name)) << name;
  }
  const auto other = TextEmbedder::Load(Golden("embedder-flags"), {.layer = 2});
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(Differences(*one, *other->Fingerprint()), "layer (expected 3, found 2)");
  EXPECT_NE(one->Hash(), other->Fingerprint()->Hash());
  EXPECT_EQ(Differences(*one, *one), "");
}

}  // namespace
}  // namespace graft
