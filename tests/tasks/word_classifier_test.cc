// Classifiers over word vectors: start, training, folder, prediction.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/log/absl_check.h"
#include "absl/strings/str_replace.h"
#include "base/code_path.h"
#include "embeddings/vector_folder.h"
#include "embeddings/write.h"
#include "models/freeze_plan.h"
#include "tasks/encode_texts.h"
#include "tasks/inference.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"
#include "tasks/training.h"
#include "tasks/word_start.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/word_vectors.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::MakeVectors;
using testing::StatusIs;
using testing::TemporaryFolder;

const std::vector<std::string> kTexts = {
    "the film is good",    "a bright story", "dull and slow", "the plot is weak and dull",
    "good music and good", "two hours lost", "bright music",  "weak story"};
const std::vector<int32_t> kLabels = {1, 1, 0, 0, 1, 0, 1, 0};

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

WordVectors SomeVectors(int64_t width = 6) {
  const std::vector<std::string> words = {"the", "good", "dull",  "story", "is",
                                          "and", "weak", "music", "a",     "unseen"};
  std::vector<float> numbers(words.size() * static_cast<size_t>(width));
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(std::sin(static_cast<double>(3 * i + 1)));
  }
  return MakeVectors(words, std::move(numbers));
}

// n-grams alone, two components.
WordVectors FloretVectors() {
  auto rows = std::make_shared<std::vector<float>>(
      std::vector<float>{1, -1, 0.5, 2, -0.25, 0.75, -2, 0.125, 0.3f, 0.6f, -0.7f, 0.9f});
  const SubWordRules rules = {.kind = SubWordRules::Kind::kFloret,
                              .min_length = 2,
                              .max_length = 3,
                              .buckets = 6,
                              .hash_count = 2,
                              .hash_seed = 7};
  VectorMatrix none;
  none.width = 2;
  return WordVectors(Words(), none, SubWords(rules, rows->data(), 6, 2, rows));
}

WordStartOptions Options(ComposerKind kind) {
  WordStartOptions options;
  options.sets = {SomeVectors()};
  options.composer.kind = kind;
  options.composer.convolution = {.filters = 4, .widths = {2, 3}};
  options.composer.lstm_size = 5;
  options.dropout = 0.2;
  return options;
}

// A classifier as `graft train classify` makes it.
struct Trained {
  LoadedModel model;
  std::unique_ptr<Backbone> backbone;
  SequenceClassifier head;
  std::vector<std::string> labels = {"bad", "fine"};

  ClassifierToSave to_save() const {
    return {.source = &model.folder,
            .backbone = backbone.get(),
            .head = &head,
            .labels = &labels,
            .max_length = 50,
            .training = {{"seed", "1"}},
            .words = model.words.get()};
  }
};

Trained Train(const WordStartOptions& options, int epochs = 4) {
  auto start = StartWordModel(options, Views(kTexts), 1);
  ABSL_CHECK_OK(start.status());
  const SequenceClassifierConfig config{.of_family = false,
                                        .layout = LinearHead(Pooling::kMean, options.dropout),
                                        .hidden_size = start->model.folder.config.hidden_size,
                                        .classes = 2,
                                        .composer = start->composer};
  const auto plan = FreezePlan::Parse(options.frozen ? "all" : "none", 0);
  Trained trained{std::move(start->model), nullptr,
                  SequenceClassifier::New(config, 1, {}).Trainable()};
  trained.backbone = trained.model.backbone->Trainable(*plan);
  EncodedExamples data{.texts = *EncodeTexts(trained.model, Views(kTexts), 50), .labels = kLabels};
  TrainingOptions training;
  training.epochs = epochs;
  training.batch_size = 4;
  training.part_tokens = 8;  // several parts a step: sparse gradients add up
  training.learning_rate = 0.02;
  const auto result = TrainClassifier(*trained.backbone, trained.head, data, data, training, {});
  ABSL_CHECK_OK(result.status());
  return trained;
}

std::vector<float> Logits(const Trained& trained, const std::vector<std::string>& texts) {
  return ComputeLogits(*trained.backbone, trained.head,
                       *EncodeTexts(trained.model, Views(texts), 50));
}

class EveryComposer : public ::testing::TestWithParam<ComposerKind> {};

INSTANTIATE_TEST_SUITE_P(, EveryComposer,
                         ::testing::Values(ComposerKind::kAverage, ComposerKind::kSif,
                                           ComposerKind::kCnn, ComposerKind::kLstm),
                         [](const auto& info) { return std::string(ComposerName(info.param)); });

TEST_P(EveryComposer, LearnsTheTrainingTexts) {
  const Trained trained = Train(Options(GetParam()), 60);
  const std::vector<float> logits = Logits(trained, kTexts);
  for (size_t i = 0; i < kTexts.size(); ++i) {
    EXPECT_EQ(logits[2 * i + 1] > logits[2 * i], kLabels[i] == 1) << kTexts[i];
  }
}

TEST_P(EveryComposer, ASavedFolderGivesTheSameProbabilities) {
  for (const bool frozen : {false, true}) {
    SCOPED_TRACE(frozen);
    WordStartOptions options = Options(GetParam());
    options.sets.push_back(SomeVectors(2));
    // Numbers of other types, and words from n-grams.
    const TemporaryFolder stored;
    for (const VectorStorage storage : {VectorStorage::kInt8, VectorStorage::kFloat16}) {
      const std::string path = stored / VectorStorageName(storage);
      ASSERT_TRUE(WriteWordVectors(SomeVectors(3), path, {.storage = storage}).ok());
      options.sets.push_back(*OpenVectorFolder(path));
    }
    options.sets.push_back(FloretVectors());
    options.unknown.last = UnknownWordOptions::Last::kRareMean;
    options.frozen = frozen;
    options.channels = frozen ? 1 : 2;
    const Trained trained = Train(options);
    const TemporaryFolder folder;
    ASSERT_TRUE(SaveClassifier(folder / "m", trained.to_save(), false).ok());
    const auto classifier = TextClassifier::Load(folder / "m");
    ASSERT_TRUE(classifier.ok()) << classifier.status();
    EXPECT_EQ(classifier->max_length(), 50);
    std::vector<std::string> texts = kTexts;
    texts.insert(texts.end(), {"unseen words only", "nothing known here", "good"});
    const auto found = classifier->Predict(absl::MakeConstSpan(texts));
    ASSERT_TRUE(found.ok()) << found.status();
    const std::vector<float> logits = Logits(trained, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ((*found)[i].scores, Softmax(absl::MakeConstSpan(logits).subspan(2 * i, 2)))
          << texts[i];
    }
    // What is loaded can be saved again, byte for byte.
    ASSERT_TRUE(classifier->Save(folder / "again").ok());
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "m")) {
      if (!entry.is_regular_file()) continue;
      const std::string name = std::filesystem::relative(entry.path(), folder / "m").string();
      EXPECT_EQ(TemporaryFolder::Read(entry.path().string()),
                TemporaryFolder::Read(folder / "again/" + name))
          << name;
    }
  }
}

TEST_P(EveryComposer, ATextHasTheSameLogitsInAnyCompany) {
  const Trained trained = Train(Options(GetParam()));
  const int threads = at::get_num_threads();
  for (const CodePath path : SupportedCodePaths()) {
    SCOPED_TRACE(CodePathName(path));
    ForceCodePath(path);
    std::vector<float> alone;
    for (const std::string& text : kTexts) {
      const std::vector<float> logits = Logits(trained, {text});
      alone.insert(alone.end(), logits.begin(), logits.end());
    }
    for (const int count : {1, 2, 5}) {
      at::set_num_threads(count);
      EXPECT_EQ(Logits(trained, kTexts), alone);
    }
    at::set_num_threads(threads);
  }
  ForceCodePath(SupportedCodePaths().back());
}

TEST_P(EveryComposer, FrozenRowsDoNotMoveAndTheOthersDo) {
  WordStartOptions options = Options(GetParam());
  const at::Tensor tuned = Train(options).backbone->stage(0).tensors[0];
  const auto start = StartWordModel(options, Views(kTexts), 1);
  EXPECT_FALSE(tuned.equal(start->model.backbone->stage(0).tensors[0]));
  options.init = RowInit::kRandom;
  options.frozen = true;
  const auto fixed = StartWordModel(options, Views(kTexts), 1);
  EXPECT_TRUE(Train(options).backbone->stage(0).tensors[0].equal(
      fixed->model.backbone->stage(0).tensors[0]));
}

TEST(WordStartTest, RowsBeginAsTheVectorsAreAndUnknownWordsAtRandom) {
  const auto start = StartWordModel(Options(ComposerKind::kAverage), Views(kTexts), 1);
  ASSERT_TRUE(start.ok()) << start.status();
  const WordModel& words = *start->model.words;
  const at::Tensor& table = start->model.backbone->stage(0).tensors[0];
  const WordVectors vectors = SomeVectors();
  double unknown = 0;
  int64_t count = 0;
  for (int64_t i = 0; i < words.vocabulary().size(); ++i) {
    const at::Tensor row = table[i].contiguous();
    const std::vector<float> found(row.const_data_ptr<float>(), row.const_data_ptr<float>() + 6);
    std::vector<float> expected(6);
    if (vectors.Vector(words.vocabulary()[i], absl::MakeSpan(expected))) {
      EXPECT_EQ(found, expected) << words.vocabulary()[i];
    } else {
      for (const float x : found) unknown += static_cast<double>(x) * x;
      count += 6;
    }
  }
  // As wide spread as the known ones, whose components are sines.
  EXPECT_NEAR(std::sqrt(unknown / static_cast<double>(count)), std::sqrt(0.5), 0.2);
  EXPECT_EQ(start->report.words, 16);
  EXPECT_EQ(start->report.known_words, 9);
  EXPECT_EQ(start->report.tokens, 27);
}

TEST(WordStartTest, OnlyKnownWordsHaveRowsWhereThatIsAsked) {
  WordStartOptions options = Options(ComposerKind::kSif);
  options.rows = TrainRows::kKnown;
  const auto start = StartWordModel(options, Views(kTexts), 1);
  const WordModel& words = *start->model.words;
  EXPECT_EQ(words.settings().backbone.table_rows, 9);
  EXPECT_EQ(words.vocabulary().size(), 16) << "all have weights";
  for (int64_t i = 0; i < 16; ++i) {
    EXPECT_EQ(SomeVectors().Find(words.vocabulary()[i]).has_value(), i < 9);
  }
}

TEST(WordStartTest, SifWeighsWordsByTheirShareAndFindsTheCommonDirection) {
  WordStartOptions options = Options(ComposerKind::kSif);
  options.sif_a = 0.01;
  const auto start = StartWordModel(options, Views(kTexts), 1);
  const WordModel& words = *start->model.words;
  const int64_t good = *words.vocabulary().Find("good");
  EXPECT_FLOAT_EQ(words.weights()[good], static_cast<float>(0.01 / (0.01 + 3.0 / 27)));
  // The right singular vector by LibTorch's SVD of the texts' weighted means.
  Composer plain = start->composer;
  plain.component = at::Tensor();
  const EncodedTexts encoded = *EncodeTexts(start->model, Views(kTexts), 50);
  std::vector<at::Tensor> rows;
  for (size_t t = 0; t < kTexts.size(); ++t) {
    at::Tensor sum = at::zeros({6}, at::kDouble);
    const int32_t begin = encoded.tokens.starts[t], end = encoded.tokens.starts[t + 1];
    for (int32_t i = begin; i < end; ++i) {
      const int32_t id = encoded.tokens.ids[i];
      const int64_t row = encoded.words.table_rows[id].item<int64_t>();
      sum += start->model.backbone->stage(0).tensors[0][row].to(at::kDouble) *
             encoded.words.weights[id].item<double>();
    }
    rows.push_back(sum / (end - begin));
  }
  const at::Tensor vt = std::get<2>(at::linalg_svd(at::stack(rows)));
  const double cosine = (vt[0] * start->composer.component[0].to(at::kDouble)).sum().item<double>();
  EXPECT_NEAR(std::abs(cosine), 1, 1e-6);
  EXPECT_NEAR(start->composer.component.norm().item<double>(), 1, 1e-6);
}

TEST(WordStartTest, TokenizersAreGuessedFromTheWords) {
  const auto guess = [](const std::vector<std::string>& words) {
    return GuessWordTokenizer(MakeVectors(words, 1));
  };
  EXPECT_EQ(guess({"n't", "'s", "a"}).split, WordSplit::kTreebank);
  EXPECT_EQ(guess({"the", "do"}).split, WordSplit::kTreebank);
  EXPECT_EQ(guess({"the", "do", "don't"}).split, WordSplit::kUnicode);
  EXPECT_EQ(guess({"le", "la"}).split, WordSplit::kUnicode);
  EXPECT_TRUE(guess({"a", "b", "1"}).lower_case);
  EXPECT_FALSE(guess({"a", "B"}).lower_case);
}

// Damage to a saved folder.
class WordFolder : public ::testing::Test {
 protected:
  WordFolder() {
    WordStartOptions options = Options(ComposerKind::kSif);
    ABSL_CHECK_OK(SaveClassifier(path_, Train(options, 1).to_save(), false));
    json_ = TemporaryFolder::Read(path_ + "/graft.json");
  }

  absl::Status LoadWith(std::string_view from, std::string_view to) const {
    const std::string changed = absl::StrReplaceAll(json_, {{from, to}});
    EXPECT_NE(changed, json_) << from;
    folder_.Write("m/graft.json", changed);
    return TextClassifier::Load(path_).status();
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_ / "m";
  std::string json_;
};

TEST_F(WordFolder, ContradictionsInGraftJsonAreNamed) {
  const std::vector<std::vector<std::string>> cases = {
      {"\"width\": 6", "\"width\": 7", "words: width: expected 6 as the sets have, found 7"},
      {"\"width\": 6", "\"width\": 0", "words.width: expected an integer from 1"},
      {"\"unicode\"", "\"x\"", "split: expected whitespace, unicode or treebank, found 'x'"},
      {"\"kind\": \"sif\"", "\"kind\": \"gru\"",
       "kind: expected average, sif, cnn or lstm, found 'gru'"},
      {"\"kind\": \"sif\"", "\"kind\": \"cnn\"", "filters"},
      {"\"table_rows\": 16", "\"table_rows\": 17", "table_rows: expected an integer from 0 to 16"},
      {"\"vocabulary\": 16", "\"vocabulary\": 20", "sif.weights (expected [20], found [16])"},
      {"\"channels\": 1", "\"channels\": 3", "channels"},
      {"\"last\": \"none\"", "\"last\": \"x\"", "last: expected none, zero or rare, found 'x'"},
      {"\"dropout\": 0.2", "\"dropout\": 1.5", "dropout"},
      {"\"sets\": [\n      6\n    ]", "\"sets\": [7]", "width: expected 7"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one[1]);
    const absl::Status status = LoadWith(one[0], one[1]);
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path_), HasSubstr(one[2])));
  }
}

TEST_F(WordFolder, NumbersThatAreNoneAreNoAnswer) {
  const std::string file = path_ + "/model.safetensors";
  const std::string whole = TemporaryFolder::Read(file);
  // The last tensors are small ones; NaN in all floats behind the header's end.
  const float nan = std::nanf("");
  std::string damaged = whole;
  std::memcpy(damaged.data() + damaged.size() - sizeof(nan), &nan, sizeof(nan));
  folder_.Write("m/model.safetensors", damaged);
  const auto classifier = TextClassifier::Load(path_);
  const absl::Status status =
      classifier.ok() ? classifier->Predict("good").status() : classifier.status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected"));
}

TEST_F(WordFolder, MissingAndForeignFilesAreNamed) {
  std::filesystem::rename(path_ + "/words.txt", path_ + "/gone");
  EXPECT_THAT(TextClassifier::Load(path_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("words.txt")));
  std::filesystem::rename(path_ + "/gone", path_ + "/words.txt");
  std::filesystem::rename(path_ + "/vectors-1", path_ + "/gone");
  EXPECT_THAT(TextClassifier::Load(path_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("vectors-1")));
  // Sound vectors, but of another width.
  ASSERT_TRUE(WriteWordVectors(SomeVectors(7), path_ + "/vectors-1", {}).ok());
  EXPECT_THAT(TextClassifier::Load(path_).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("vectors-1: expected vectors of 6 components, as graft.json says, "
                                 "found 7")));
  // Of the same width, with the list of words of others.
  std::filesystem::remove_all(path_ + "/vectors-1");
  std::filesystem::rename(path_ + "/gone", path_ + "/vectors-1");
  std::filesystem::remove(path_ + "/vectors-1/words.txt");
  folder_.Write("m/vectors-1/words.txt", "one\ntwo\n");
  EXPECT_THAT(TextClassifier::Load(path_).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("vectors-1")));
}

TEST_F(WordFolder, IsReplacedOnlyOnDemand) {
  const Trained trained = Train(Options(ComposerKind::kAverage), 1);
  EXPECT_EQ(SaveClassifier(path_, trained.to_save(), false).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(SaveClassifier(path_, trained.to_save(), true).ok());
  const auto classifier = TextClassifier::Load(path_);
  ASSERT_TRUE(classifier.ok()) << classifier.status();
  const auto found = classifier->Predict("good dull story");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->scores, Softmax(Logits(trained, {"good dull story"})));
}

TEST_F(WordFolder, WhatGraftDidNotWriteIsNeverReplaced) {
  const Trained trained = Train(Options(ComposerKind::kAverage), 1);
  for (const char* name : {"m/notes.txt", "m/vectors-1/notes.txt"}) {
    folder_.Write(name, "mine");
    EXPECT_THAT(SaveClassifier(path_, trained.to_save(), true),
                StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("notes.txt")));
    EXPECT_EQ(TemporaryFolder::Read(folder_ / name), "mine");
    std::filesystem::remove(folder_ / name);
  }
  EXPECT_TRUE(SaveClassifier(path_, trained.to_save(), true).ok());
}

}  // namespace
}  // namespace graft
