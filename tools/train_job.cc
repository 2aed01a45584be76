#include "tools/train_job.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "tasks/encode_texts.h"
#include "tasks/threads.h"

namespace graft::tools {
namespace {

// An encoder, or word vectors.
absl::Status CheckStart(const TrainOptions& o) {
  if (!UsesWords(o.words)) {
    ABSL_RETURN_IF_ERROR(CheckNoWords(o.words));
    if (!o.model.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("--model: expected it or --vectors, found neither");
  }
  if (!o.model.empty()) {
    return absl::InvalidArgumentError(
        "--model: expected it, or --vectors and --classifier, found both");
  }
  if (!o.pooling.empty()) {
    return absl::InvalidArgumentError(
        "--pooling: expected --classifier in its place over word vectors");
  }
  return CheckWords(o.words, o.freeze);
}

// The options of the training with the defaults of what trains.
TrainingOptions MakeTrainingOptions(const TrainOptions& o) {
  TrainingOptions training = o.training;
  training.seed = static_cast<uint64_t>(o.seed);
  if (UsesWords(o.words)) {
    const TrainingDefaults defaults = WordTrainingDefaults(o.words);
    training.epochs = defaults.epochs;
    training.learning_rate = defaults.learning_rate;
    training.batch_size = defaults.batch_size;
    training.max_norm = defaults.max_norm;
  }
  if (o.epochs) training.epochs = static_cast<int>(*o.epochs);
  training.learning_rate = o.learning_rate.value_or(training.learning_rate);
  training.batch_size = o.batch_size.value_or(training.batch_size);
  training.max_norm = o.max_norm.value_or(training.max_norm);
  return training;
}

absl::Status CheckMaxLength(const TrainOptions& o, const ModelFolder& folder) {
  if (!o.max_length || *o.max_length <= folder.config.max_positions) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--max-length: expected at most ", folder.config.max_positions,
                   " tokens (the positions of ", folder.path, "), found ", *o.max_length));
}

int64_t DefaultMaxLength(const ModelFolder& folder) {
  if (folder.words) return folder.max_length;
  constexpr int64_t kOfNewModels = 128;
  return folder.max_length_is_set ? folder.max_length : std::min(kOfNewModels, folder.max_length);
}

// The head to start from: the folder's when it fits, else a new one.
absl::Status ChooseHead(const TrainOptions& o, Job& job) {
  LoadedModel& model = job.model;
  const HeadLayout& own = *model.backbone->architecture().heads().sequence;
  SequenceClassifierConfig config;
  config.hidden_size = model.folder.config.hidden_size;
  config.classes = static_cast<int64_t>(job.labels.size());
  config.initializer_range = model.folder.config.initializer_range;
  Pooling pooling = own.pooling;
  if (!o.pooling.empty()) {
    ABSL_ASSIGN_OR_RETURN(pooling, ParsePooling(o.pooling));
    config.of_family = pooling == own.pooling;
  } else if (model.folder.head) {
    pooling = model.folder.head->pooling();
    config.of_family = model.folder.head->of_family;
  } else if (model.folder.pooling) {
    pooling = *model.folder.pooling;
    config.of_family = false;
  }
  config.layout = config.of_family ? own : LinearHead(pooling, own.dropout);
  if (model.head && SameLayers(model.head->config(), config) && model.folder.labels == job.labels) {
    job.head = model.head->Trainable();
    job.head_from_folder = true;
    return absl::OkStatus();
  }
  std::vector<at::Tensor> pooler = model.pooler;
  if (model.head && model.head->config().layout.dense_is_pooler)
    pooler = {model.head->tensors()[0], model.head->tensors()[1]};
  job.head =
      SequenceClassifier::New(config, static_cast<uint64_t>(o.seed), std::move(pooler)).Trainable();
  return absl::OkStatus();
}

std::vector<std::string_view> Texts(const DataSet& data) {
  std::vector<std::string_view> texts;
  for (const LabelledText& row : data.rows) texts.push_back(row.text);
  return texts;
}

// The same with file and line of the row that it is about.
absl::Status NamePlace(const absl::Status& status, const DataSet& data, const LoadedModel& model,
                       int64_t max_length) {
  for (const LabelledText& row : data.rows) {
    const std::string_view text = row.text;
    if (EncodeTexts(model, absl::MakeConstSpan(&text, 1), max_length).ok()) continue;
    return {status.code(), absl::StrCat(data.path, ":", row.line, ": ", status.message())};
  }
  return status;
}

absl::StatusOr<EncodedExamples> Encode(const DataSet& data, const LoadedModel& model,
                                       int64_t max_length) {
  EncodedExamples examples;
  for (const LabelledText& row : data.rows) examples.labels.push_back(row.label);
  const std::vector<std::string_view> texts = Texts(data);
  absl::StatusOr<EncodedTexts> encoded = EncodeTexts(model, texts, max_length);
  if (!encoded.ok()) return NamePlace(encoded.status(), data, model, max_length);
  examples.texts = *std::move(encoded);
  return examples;
}

absl::Status CheckOut(const TrainOptions& o) {
  const absl::Status status = CheckSavePath(o.out, o.overwrite);
  if (!absl::IsAlreadyExists(status)) return status;
  return absl::AlreadyExistsError(absl::StrCat(
      status.message(), o.overwrite ? "; --overwrite replaces only a folder that graft wrote"
                                    : "; --overwrite replaces a folder that graft wrote"));
}

// The model that the training begins with, but for a head over words.
absl::Status LoadStart(const TrainOptions& o, const DataSet& train, Job& job, Composer& composer) {
  if (!UsesWords(o.words)) {
    ABSL_ASSIGN_OR_RETURN(job.model, LoadModel(o.model));
    return absl::OkStatus();
  }
  ABSL_ASSIGN_OR_RETURN(WordStart start, StartWords(o.words,
                                                    {.freeze = o.freeze,
                                                     .seed = static_cast<uint64_t>(o.seed),
                                                     .max_length = o.max_length},
                                                    Texts(train)));
  job.model = std::move(start.model);
  job.words = start.report;
  composer = std::move(start.composer);
  return absl::OkStatus();
}

void MakeWordHead(const Composer& composer, Job& job) {
  const ModelFolder& folder = job.model.folder;
  const SequenceClassifierConfig config{.of_family = false,
                                        .layout = LinearHead(Pooling::kMean, folder.words->dropout),
                                        .hidden_size = folder.config.hidden_size,
                                        .classes = static_cast<int64_t>(job.labels.size()),
                                        .initializer_range = folder.config.initializer_range,
                                        .composer = composer};
  job.head = SequenceClassifier::New(config, job.training.seed, {}).Trainable();
}

// What can be wrong with the start is found before the texts are read.
absl::Status CheckStartFolder(const TrainOptions& o, Job& job) {
  if (UsesWords(o.words)) {
    ABSL_ASSIGN_OR_RETURN(job.plan, FreezePlan::Parse(o.freeze, 0));
    return absl::OkStatus();
  }
  ABSL_ASSIGN_OR_RETURN(const ModelFolder folder, OpenModelFolder(o.model));
  if (folder.words) {
    return absl::InvalidArgumentError(
        absl::StrCat(o.model, ": expected an encoder, found a classifier over word vectors"));
  }
  ABSL_ASSIGN_OR_RETURN(job.plan,
                        FreezePlan::Parse(o.freeze, static_cast<int>(folder.config.layers)));
  return CheckMaxLength(o, folder);
}

}  // namespace

absl::Status CheckTrainOptions(const TrainOptions& o) {
  ABSL_RETURN_IF_ERROR(CheckStart(o));
  if (o.train == "-" && o.dev == "-") {
    return absl::InvalidArgumentError(
        "--dev: expected a file, found standard input, which is --train's");
  }
  return absl::OkStatus();
}

absl::StatusOr<Job> PrepareJob(const TrainOptions& o) {
  Job job;
  job.training = MakeTrainingOptions(o);
  ABSL_RETURN_IF_ERROR(CheckStartFolder(o, job));
  ABSL_RETURN_IF_ERROR(CheckOut(o));
  ABSL_ASSIGN_OR_RETURN(DataSet train, ReadTrainingSet(o.train, o.data));
  ABSL_ASSIGN_OR_RETURN(const DataSet dev, ReadDataSet(o.dev, o.data, train.labels));
  Composer composer;
  ABSL_RETURN_IF_ERROR(LoadStart(o, train, job, composer));
  job.max_length = o.max_length.value_or(DefaultMaxLength(job.model.folder));
  job.labels = std::move(train.labels);
  ABSL_ASSIGN_OR_RETURN(job.train, Encode(train, job.model, job.max_length));
  ABSL_ASSIGN_OR_RETURN(job.dev, Encode(dev, job.model, job.max_length));
  for (const uint32_t cut : job.train.texts.tokens.cut_off) {
    job.cut_texts += cut > 0;
    job.cut_tokens += cut;
  }
  job.backbone = job.model.backbone->Trainable(job.plan);
  if (job.words) {
    MakeWordHead(composer, job);
  } else {
    ABSL_RETURN_IF_ERROR(ChooseHead(o, job));
  }
  return job;
}

}  // namespace graft::tools
