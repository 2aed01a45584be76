// The heads that transformers folders of every family bring: token classification and language
// models, found by the class that config.json names (tests/golden/families).
#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "models/checkpoint.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using testing::AllTexts;
using testing::Expected;
using testing::GoldenFolder;
using testing::GoldenText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::MaxDifference;
using testing::PackTexts;
using testing::RowsOf;
using testing::SameBits;
using testing::StatusIs;
using testing::TemporaryFolder;

constexpr int kVocabulary = 40;  // of family_models.py

// A copy of a golden folder with a tokenizer of as many tokens as its table has rows.
class FamilyFolder {
 public:
  explicit FamilyFolder(const std::string& name) : name_(absl::StrCat("families/", name)) {
    std::filesystem::copy(GoldenFolder(name_), path());
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (int id = 5; id < kVocabulary; ++id) absl::StrAppend(&vocabulary, "w", id, "\n");
    folder_.Write("model/vocab.txt", vocabulary);
    folder_.Write("model/tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})");
  }

  std::string path() const { return folder_ / "model"; }
  std::string saved() const { return folder_ / "saved"; }
  const std::string& name() const { return name_; }

  void ReplaceInConfig(const std::string& from, const std::string& to) const {
    const std::string text = *ReadFile(path() + "/config.json", 100'000);
    const std::string changed = absl::StrReplaceAll(text, {{from, to}});
    EXPECT_NE(text, changed);
    folder_.Write("model/config.json", changed);
  }
  // The weights with more tensors, or others of the same name.
  void ChangeWeights(const std::vector<NamedTensor>& changes,
                     const std::vector<std::string>& without = {}) const {
    const std::string path = this->path() + "/model.safetensors";
    std::vector<NamedTensor> tensors;
    {
      const auto files = WeightFiles::Open(path);
      ASSERT_THAT(files, IsOk());
      for (const TensorInfo& info : files->tensors()) {
        const auto same = [&](const NamedTensor& other) { return other.name == info.name; };
        if (std::any_of(changes.begin(), changes.end(), same)) continue;
        if (std::find(without.begin(), without.end(), info.name) != without.end()) continue;
        at::Tensor value = at::empty(info.shape, at::kFloat);
        ASSERT_THAT(
            files->ReadAsFloat(info, absl::MakeSpan(value.data_ptr<float>(), value.numel())),
            IsOk());
        tensors.push_back({info.name, value});
      }
    }
    tensors.insert(tensors.end(), changes.begin(), changes.end());
    ASSERT_THAT(SaveTensors(path, tensors), IsOk());
  }

 private:
  const TemporaryFolder folder_;
  const std::string name_;
};

std::vector<GoldenText> Texts(const std::string& name) {
  const auto files = WeightFiles::Open(GoldenFolder(name) + "/expected.safetensors");
  std::vector<GoldenText> texts;
  for (int i = 0; files->Find(absl::StrCat("text", i, ".ids")) != nullptr; ++i) {
    GoldenText& text = texts.emplace_back();
    for (const auto& [suffix, values] :
         {std::pair{".ids", &text.ids}, {".type_ids", &text.type_ids}}) {
      const TensorInfo* info = files->Find(absl::StrCat("text", i, suffix));
      values->resize(info->elements());
      EXPECT_THAT(files->ReadBytes(*info, absl::MakeSpan(reinterpret_cast<char*>(values->data()),
                                                         info->bytes())),
                  IsOk());
    }
  }
  return texts;
}

// Logits of all texts of the golden folder, packed.
at::Tensor TokenLogits(const LoadedModel& model, const Batch& batch) {
  const c10::AutoGradMode no_grad(false);
  return model.token_head->Forward(model.backbone->Run(batch, {}), batch, {});
}

// The unused tensors but those of modules that MobileBERT has and passes by, with
// use_bottleneck_attention and where the embeddings are as wide as the layers.
std::vector<std::string> Unused(const LoadedModel& model) {
  std::vector<std::string> names = model.unused_tensors;
  std::erase_if(names, [](const std::string& name) {
    return absl::StrContains(name, ".bottleneck.attention.") ||
           absl::StrContains(name, ".embedding_transformation.");
  });
  return names;
}

class TokenHeads : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenHeads, OfTransformersLoadAndGiveItsLogits) {
  const FamilyFolder folder(GetParam());
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  ASSERT_TRUE(model->token_head);
  EXPECT_EQ(model->folder.labels.size(), 5u);
  EXPECT_EQ(DescribeHead(*model), "token classification, 5 labels");
  EXPECT_THAT(Unused(*model), IsEmpty());
  const std::vector<GoldenText> texts = Texts(folder.name());
  const Batch batch = PackTexts(texts, AllTexts(texts));
  const at::Tensor logits = TokenLogits(*model, batch);
  for (size_t t = 0; t < texts.size(); ++t) {
    EXPECT_LE(MaxDifference(RowsOf(logits, batch, static_cast<int64_t>(t)),
                            Expected(folder.name(), absl::StrCat("text", t, ".logits"))),
              1e-5);
  }
}

TEST_P(TokenHeads, SavedFolderGivesTheSameBits) {
  const FamilyFolder folder(GetParam());
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  const std::vector<std::string> labels = {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"};
  const TokenClassifierToSave save = {.source = &model->folder,
                                      .backbone = model->backbone.get(),
                                      .head = &*model->token_head,
                                      .labels = &labels,
                                      .max_length = 16};
  ASSERT_THAT(SaveTokenClassifier(folder.saved(), save, /*replace=*/false), IsOk());
  const auto again = LoadModel(folder.saved());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->folder.labels, labels);
  EXPECT_EQ(again->folder.max_length, 16);
  EXPECT_TRUE(again->mapped);
  EXPECT_THAT(again->unused_tensors, IsEmpty());
  const std::vector<GoldenText> texts = Texts(folder.name());
  const Batch batch = PackTexts(texts, AllTexts(texts));
  EXPECT_TRUE(SameBits(TokenLogits(*model, batch), TokenLogits(*again, batch)));
  // Its own folders are replaced on request, others never.
  EXPECT_THAT(SaveTokenClassifier(folder.saved(), save, /*replace=*/false),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(SaveTokenClassifier(folder.saved(), save, /*replace=*/true), IsOk());
  EXPECT_THAT(SaveTokenClassifier(folder.path(), save, /*replace=*/true),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

INSTANTIATE_TEST_SUITE_P(
    FolderHeads, TokenHeads,
    ::testing::Values("albert-groups", "bert-relu", "camembert", "deberta-clamped", "deberta-v2",
                      "deberta-v2-absolute", "distilbert-relu", "electra-square", "gpt2-unscaled",
                      "gte-native", "mobilebert-attention", "modernbert-biases", "mpnet-long",
                      "nomic-bert-native", "xlm-roberta"),
    [](const auto& info) { return absl::StrReplaceAll(info.param, {{"-", "_"}}); });

class SequenceHeads : public ::testing::TestWithParam<const char*> {
 protected:
  // Logits [B, C] of all texts, packed.
  static at::Tensor Logits(const LoadedModel& model, const Batch& batch) {
    const c10::AutoGradMode no_grad(false);
    return model.head->Forward(model.backbone->Run(batch, {}), batch, {});
  }
};

TEST_P(SequenceHeads, OfTransformersLoadAndGiveItsLogitsAlsoWhenSaved) {
  const FamilyFolder folder(GetParam());
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  ASSERT_TRUE(model->head);
  EXPECT_TRUE(model->head->config().of_family);
  EXPECT_THAT(Unused(*model), IsEmpty());
  const std::vector<GoldenText> texts = Texts(folder.name());
  const Batch batch = PackTexts(texts, AllTexts(texts));
  const at::Tensor logits = Logits(*model, batch);
  for (size_t t = 0; t < texts.size(); ++t) {
    EXPECT_LE(MaxDifference(logits[static_cast<int64_t>(t)],
                            Expected(folder.name(), absl::StrCat("text", t, ".logits"))),
              1e-5);
  }
  const ClassifierToSave save = {.source = &model->folder,
                                 .backbone = model->backbone.get(),
                                 .head = &*model->head,
                                 .labels = &model->folder.labels,
                                 .max_length = 16,
                                 .training = {}};
  ASSERT_THAT(SaveClassifier(folder.saved(), save, /*replace=*/false), IsOk());
  const auto again = LoadModel(folder.saved());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->folder.max_length, 16);
  EXPECT_THAT(again->unused_tensors, IsEmpty());
  EXPECT_TRUE(SameBits(logits, Logits(*again, batch)));
}

INSTANTIATE_TEST_SUITE_P(FolderHeads, SequenceHeads,
                         ::testing::Values("albert", "albert-inner", "bert-gelu-new", "deberta",
                                           "deberta-v2-clamped", "deberta-v3", "distilbert",
                                           "electra", "gpt2", "gte", "gte-release", "mobilebert",
                                           "mobilebert-plain", "modernbert", "modernbert-mean",
                                           "mpnet", "nomic-bert", "roberta"),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param, {{"-", "_"}});
                         });

class LanguageHeads : public ::testing::TestWithParam<const char*> {
 protected:
  // Largest difference to the expected logits.
  static double Difference(const LoadedModel& model, const std::string& name) {
    const c10::AutoGradMode no_grad(false);
    const std::vector<GoldenText> texts = Texts(name);
    const Batch batch = PackTexts(texts, AllTexts(texts));
    const at::Tensor logits =
        model.language_head->Forward(model.backbone->Run(batch, {}), WordTable(*model.backbone));
    double largest = 0;
    for (size_t t = 0; t < texts.size(); ++t) {
      largest =
          std::max(largest, MaxDifference(RowsOf(logits, batch, static_cast<int64_t>(t)),
                                          Expected(name, absl::StrCat("text", t, ".logits"))));
    }
    return largest;
  }
};

// The second bias of BERT's untied heads, of which transformers makes nothing.
std::vector<std::string> UnusedTensors(const HeadLayout& layout) {
  if (layout.tied || layout.output_bias_name.empty()) return {};
  return {layout.output_bias_name};
}

TEST_P(LanguageHeads, OfTransformersLoadAndGiveItsLogits) {
  const FamilyFolder folder(GetParam());
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  ASSERT_TRUE(model->language_head);
  const bool causal = model->folder.config.model_type == "gpt2";
  EXPECT_EQ(DescribeHead(*model), causal ? "causal language model" : "masked language model");
  EXPECT_EQ(model->unused_tensors, UnusedTensors(model->language_head->config().layout));
  EXPECT_LE(Difference(*model, folder.name()), 1e-5);
}

TEST_P(LanguageHeads, CopiesOfTiedTensorsAreNeitherKeptNorListed) {
  const FamilyFolder folder(GetParam());
  const auto before = LoadModel(folder.path());
  ASSERT_THAT(before, IsOk());
  const HeadLayout& layout = before->language_head->config().layout;
  if (!layout.tied) GTEST_SKIP() << "its own matrix";
  std::vector<NamedTensor> copies = {{layout.output + ".weight", WordTable(*before->backbone)}};
  if (layout.output_bias) {
    const std::vector<at::Tensor>& tensors = before->language_head->tensors();
    const at::Tensor& bias = tensors.end()[layout.output_rest.empty() ? -1 : -2];
    copies.push_back({layout.output + ".bias", bias});
    if (!layout.output_bias_name.empty()) copies.push_back({layout.output_bias_name, bias});
  }
  folder.ChangeWeights(copies);
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  EXPECT_TRUE(model->language_head->config().layout.tied);
  EXPECT_THAT(model->unused_tensors, IsEmpty());
  EXPECT_LE(Difference(*model, folder.name()), 1e-5);
}

TEST_P(LanguageHeads, AMatrixThatIsNotTheTableCountsAsInTransformers) {
  const FamilyFolder folder(GetParam());
  const auto before = LoadModel(folder.path());
  ASSERT_THAT(before, IsOk());
  const HeadLayout& layout = before->language_head->config().layout;
  folder.ChangeWeights({{layout.output + ".weight", WordTable(*before->backbone).neg()}});
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  EXPECT_FALSE(model->language_head->config().layout.tied);
  EXPECT_EQ(model->unused_tensors, UnusedTensors(layout));
  EXPECT_GT(Difference(*model, folder.name()), 1e-2);
}

INSTANTIATE_TEST_SUITE_P(
    FolderHeads, LanguageHeads,
    ::testing::Values("albert-language", "albert-untied", "bert-silu", "bert-untied",
                      "deberta-absolute", "deberta-language", "deberta-v2-language",
                      "deberta-v2-new-language", "distilbert-language", "electra-generator",
                      "gpt2-language", "gpt2-untied", "gte-language", "mobilebert-language",
                      "mobilebert-untied", "modernbert-language", "modernbert-untied",
                      "mpnet-language", "nomic-bert-language", "roberta-language"),
    [](const auto& info) { return absl::StrReplaceAll(info.param, {{"-", "_"}}); });

TEST(FolderHeads, AnEncoderUnderTheNameOfALanguageModelHasNone) {
  const FamilyFolder folder("roberta-language");
  folder.ChangeWeights({}, {"lm_head.dense.weight", "lm_head.dense.bias"});
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  EXPECT_FALSE(model->language_head);
  EXPECT_EQ(DescribeHead(*model), "none");
  EXPECT_THAT(model->unused_tensors, ::testing::Contains("lm_head.layer_norm.weight"));
}

TEST(FolderHeads, AGptMayHaveTensorsWithoutPrefix) {
  const FamilyFolder folder("gpt2-language");
  std::vector<NamedTensor> bare;
  std::vector<std::string> prefixed;
  const auto before = LoadModel(folder.path());
  ASSERT_THAT(before, IsOk());
  for (const NamedTensor& tensor : before->backbone->Parameters()) {
    bare.push_back(tensor);
    prefixed.push_back(absl::StrCat("transformer.", tensor.name));
  }
  folder.ChangeWeights(bare, prefixed);
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(DescribeHead(*model), "causal language model");
  EXPECT_THAT(model->unused_tensors, IsEmpty());
}

TEST(FolderHeads, ATokenHeadWithoutItsTensorsIsRefused) {
  const FamilyFolder folder("bert-relu");
  folder.ChangeWeights({}, {"classifier.bias"});
  EXPECT_THAT(LoadModel(folder.path()), StatusIs(absl::StatusCode::kInvalidArgument,
                                                 HasSubstr("1 missing: classifier.bias")));
}

TEST(FolderHeads, LabelsThatContradictTheTensorsAreRefused) {
  const FamilyFolder folder("bert-relu");
  folder.ReplaceInConfig("\"4\": \"LABEL_4\"", "\"4\": \"LABEL_4\", \"5\": \"LABEL_5\"");
  EXPECT_THAT(LoadModel(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("classifier.weight (expected [6, 12], found [5, 12])")));
}

TEST(FolderHeads, OtherHeadsAreNamedWhereTextsAreToBeClassified) {
  EXPECT_THAT(TextClassifier::Load(FamilyFolder("bert-relu").path()).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("found an encoder with another head (token classification, 5 "
                                 "labels)")));
  EXPECT_THAT(TextClassifier::Load(FamilyFolder("gpt2-language").path()).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("found an encoder with another head (causal language model)")));
}

TEST(TokenClassifier, NewWeightsAreAFunctionOfTheSeed) {
  const TokenClassifierConfig config = {
      .layout = {.dropout = 0.5, .output = "classifier"}, .hidden_size = 12, .classes = 5};
  const TokenClassifier a = TokenClassifier::New(config, 1), b = TokenClassifier::New(config, 1);
  const TokenClassifier c = TokenClassifier::New(config, 2);
  EXPECT_TRUE(SameBits(a.tensors()[0], b.tensors()[0]));
  EXPECT_FALSE(SameBits(a.tensors()[0], c.tensors()[0]));
  EXPECT_EQ(a.tensors()[1].abs().max().item<float>(), 0);
  EXPECT_EQ(a.Parameters()[0].name, "classifier.weight");
}

TEST(TokenClassifier, DropoutIsTheSameHoweverAStepIsSplit) {
  const auto folder = FamilyFolder("bert-relu");
  const auto model = LoadModel(folder.path());
  ASSERT_THAT(model, IsOk());
  TokenClassifierConfig config = model->token_head->config();
  config.layout.dropout = 0.5;
  const TokenClassifier head = TokenClassifier(config, model->token_head->tensors()).Trainable();
  EXPECT_TRUE(head.tensors()[0].requires_grad());
  const std::vector<GoldenText> texts = Texts(folder.name());
  const Batch all = PackTexts(texts, AllTexts(texts));
  Batch second = PackTexts(texts, {2});
  second.segments.text_ids.fill_(2);
  const PassOptions train = {.train = true, .seed = 3, .step = 4};
  const at::Tensor hidden = model->backbone->Run(all, {});
  const at::Tensor whole = head.Forward(hidden, all, train);
  const at::Tensor part = head.Forward(RowsOf(hidden, all, 2), second, train);
  EXPECT_TRUE(SameBits(RowsOf(whole.detach(), all, 2), part.detach()));
  EXPECT_GT(MaxDifference(whole, head.Forward(hidden, all, {})), 0.1);
}

}  // namespace
}  // namespace graft
