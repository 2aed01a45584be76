// graft train classify: fine-tunes a text classifier.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "models/freeze_plan.h"
#include "models/tensor_memory.h"
#include "nlohmann/json.hpp"
#include "tasks/batching.h"
#include "tasks/data_set.h"
#include "tasks/encode_texts.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"
#include "tasks/training.h"
#include "tools/compute.h"
#include "tools/json_text.h"
#include "tools/progress.h"
#include "tools/stop_signal.h"
#include "tools/table.h"
#include "tools/verbs.h"
#include "tools/word_options.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string model, train, dev, out;
  std::string freeze = "none";
  std::string pooling;
  std::string device = "auto";
  std::optional<int64_t> max_length;
  WordOptions words;
  // Over word vectors their own defaults count.
  std::optional<int64_t> epochs, batch_size;
  std::optional<double> learning_rate;
  TrainingOptions training;
  int64_t seed = 1;
  int threads = 0;
  bool overwrite = false;
  bool json = false;
  DataSetOptions data;
};

void Declare(Options& o, OptionList& list) {
  constexpr int64_t kMany = 1'000'000'000;
  list.Text("--model", &o.model, "DIR",
            "the pretrained encoder: a Hugging Face or sentence-transformers folder");
  list.Text("--train", &o.train, "FILE",
            "labelled texts to train on: TSV, CSV or JSON lines, plain or gzip", Need::kRequired);
  list.Text("--dev", &o.dev, "FILE", "labelled texts that choose the best state", Need::kRequired);
  list.Text("--out", &o.out, "DIR", "the folder to write", Need::kRequired);
  list.Flag("--overwrite", &o.overwrite, "replace the folder of --out when it is there");
  list.Freeze(&o.freeze);
  DeclareWords(o.words, list);
  list.Choice(
      "--pooling", &o.pooling, {"cls", "mean", "max", "last"},
      "how tokens become one vector (default: what the model's pooling file says, else as in "
      "the heads of its family: cls with the pooler for BERT)");
  list.Integer("--epochs", &o.epochs, 1, 100'000,
               "passes over the training texts (default: 3, over word vectors 10)");
  list.Integer("--max-steps", &o.training.max_steps, 1, kMany,
               "optimizer steps in all, in place of --epochs");
  list.Integer("--eval-every", &o.training.eval_every, 1, kMany,
               "steps between evaluations (default: an epoch)");
  list.Choice("--metric", &o.training.metric,
              {{"accuracy", SelectionMetric::kAccuracy}, {"f1", SelectionMetric::kF1}},
              "what decides which evaluation is best; f1 is macro F1");
  list.Number("--learning-rate", &o.learning_rate, {.min = 0, .max = 10, .min_excluded = true},
              "largest rate of the schedule (default: 5e-05; over word vectors cnn and lstm 0.001, "
              "else 0.01)");
  list.Integer("--batch-size", &o.batch_size, 1, 1'000'000,
               "texts in an optimizer step (default: 32; over word vectors cnn 50, average and sif "
               "64)");
  list.Integer("--max-length", &o.max_length, 3, 1'000'000,
               "longest text in tokens, special tokens counted; the rest is cut off (default: what "
               "graft stored with the model, else 128; over word vectors 1000000)");
  list.Number("--warmup", &o.training.warmup, {.min = 0, .max = 1},
              "share of the steps in which the rate rises");
  list.Number("--weight-decay", &o.training.weight_decay, {.min = 0, .max = 10},
              "AdamW's, on matrices only");
  list.Number("--clip", &o.training.clip, {.min = 0, .max = 1e6},
              "largest norm of the gradients; 0 = no clipping");
  list.Integer("--patience", &o.training.patience, 1, kMany,
               "evaluations without a better one that end the training");
  list.Seed(&o.seed);
  list.Device(&o.device);
  list.Threads(&o.threads);
  list.Flag("--json", &o.json, "print JSON lines on standard output in place of text");
  list.DataColumns(&o.data);
}

// An encoder, or word vectors.
absl::Status CheckStart(const Options& o) {
  if (!UsesWords(o.words)) {
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
TrainingOptions MakeTrainingOptions(const Options& o) {
  TrainingOptions training = o.training;
  training.seed = static_cast<uint64_t>(o.seed);
  if (UsesWords(o.words)) {
    const TrainingDefaults defaults = WordTrainingDefaults(o.words);
    training.epochs = defaults.epochs;
    training.learning_rate = defaults.learning_rate;
    training.batch_size = defaults.batch_size;
  }
  if (o.epochs) training.epochs = static_cast<int>(*o.epochs);
  training.learning_rate = o.learning_rate.value_or(training.learning_rate);
  training.batch_size = o.batch_size.value_or(training.batch_size);
  return training;
}

// What the command line alone shows.
absl::Status CheckInputs(const Options& o) {
  ABSL_RETURN_IF_ERROR(CheckStart(o));
  if (o.train == "-" && o.dev == "-") {
    return absl::InvalidArgumentError(
        "--dev: expected a file, found standard input, which is --train's");
  }
  return absl::OkStatus();
}

// Everything that a run needs, read and checked.
struct Job {
  TrainingOptions training;
  std::optional<WordStartReport> words;
  LoadedModel model;
  std::unique_ptr<Backbone> backbone;
  std::optional<SequenceClassifier> head;
  FreezePlan plan;
  std::vector<std::string> labels;
  int64_t max_length = 0;
  bool head_from_folder = false;
  EncodedExamples train, dev;
  int64_t cut_texts = 0, cut_tokens = 0;  // of the training texts
};

absl::Status CheckMaxLength(const Options& o, const ModelFolder& folder) {
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
absl::Status ChooseHead(const Options& o, Job& job) {
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

absl::StatusOr<EncodedExamples> Encode(const DataSet& data, const LoadedModel& model,
                                       int64_t max_length) {
  EncodedExamples examples;
  for (const LabelledText& row : data.rows) examples.labels.push_back(row.label);
  ABSL_ASSIGN_OR_RETURN(examples.texts, EncodeTexts(model, Texts(data), max_length));
  return examples;
}

absl::Status CheckOut(const Options& o) {
  const absl::Status status = CheckSavePath(o.out, o.overwrite);
  if (!absl::IsAlreadyExists(status)) return status;
  return absl::AlreadyExistsError(absl::StrCat(
      status.message(), o.overwrite ? "; --overwrite replaces only a folder that graft wrote"
                                    : "; --overwrite replaces a folder that graft wrote"));
}

// The model that the training begins with, but for a head over words.
absl::Status LoadStart(const Options& o, const DataSet& train, Job& job, Composer& composer) {
  if (!UsesWords(o.words)) {
    ABSL_ASSIGN_OR_RETURN(job.model, LoadModel(o.model));
    return absl::OkStatus();
  }
  ABSL_ASSIGN_OR_RETURN(WordStart start,
                        StartWords(o.words, o.freeze, static_cast<uint64_t>(o.seed), Texts(train)));
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
absl::Status CheckStartFolder(const Options& o, Job& job) {
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

// Everything that can be wrong is found before anything long begins.
absl::StatusOr<Job> Prepare(const Options& o) {
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

int64_t Count(const std::vector<at::Tensor>& tensors) {
  int64_t count = 0;
  for (const at::Tensor& tensor : tensors) count += tensor.numel();
  return count;
}

// "10,215 of 14,828 (68.9 %), of all tokens 95.2 %"
std::string DescribeKnown(const WordStartReport& words) {
  const auto percent = [](int64_t part, int64_t all) {
    return absl::StrFormat("%.1f %%", 100.0 * static_cast<double>(part) / static_cast<double>(all));
  };
  return absl::StrCat(WithThousands(words.known_words), " of ", WithThousands(words.words), " (",
                      percent(words.known_words, words.words), "), of all tokens ",
                      percent(words.known_tokens, words.tokens));
}

ordered_json WordsJson(const Options& o, const Job& job) {
  const WordModelSettings& s = job.model.words->settings();
  return {{"files", o.words.vectors},
          {"split", WordSplitName(s.tokenizer.split)},
          {"lower_case", s.tokenizer.lower_case},
          {"width", s.backbone.width},
          {"channels", s.backbone.channels},
          {"rows", s.backbone.table_rows},
          {"init", o.words.init},
          {"classifier", ComposerName(s.composer.kind)},
          {"words", job.words->words},
          {"known_words", job.words->known_words},
          {"tokens", job.words->tokens},
          {"known_tokens", job.words->known_tokens}};
}

void PrintStart(const Options& o, const Job& job) {
  const int layers = job.backbone->layers();
  const int64_t in_head = Count(job.head->tensors());
  const int64_t training = Count(job.backbone->TrainableTensors()) + in_head;
  int64_t all = in_head;
  for (const NamedTensor& tensor : job.backbone->Parameters()) all += tensor.value.numel();
  if (o.json) {
    std::cout << JsonText(ordered_json{{"event", "start"},
                                       {"format", "graft train"},
                                       {"version", 1},
                                       {"model", o.model},
                                       {"frozen", job.plan.ToString(layers)},
                                       {"frozen_stages", job.plan.frozen_stages()},
                                       {"training_parameters", training},
                                       {"parameters", all},
                                       {"pooling", PoolingName(job.head->config().pooling())},
                                       {"pooler", job.head->config().of_family},
                                       {"head", job.head_from_folder ? "folder" : "new"},
                                       {"found_head", DescribeHead(job.model)},
                                       {"labels", job.labels},
                                       {"train_texts", job.train.size()},
                                       {"dev_texts", job.dev.size()},
                                       {"max_length", job.max_length},
                                       {"cut_off_texts", job.cut_texts},
                                       {"cut_off_tokens", job.cut_tokens},
                                       {"threads", Threads()},
                                       {"vectors", job.words ? WordsJson(o, job) : nullptr}})
              << std::endl;
    return;
  }
  Table table({{""}, {""}});
  if (job.words) {
    table.AddRow({"vectors", o.words.vectors.empty() ? "none" : Printable(o.words.vectors)});
    table.AddRow({"words", job.model.words->Describe()});
    table.AddRow({"known words", DescribeKnown(*job.words)});
  } else {
    table.AddRow({"model", Printable(o.model)});
  }
  if (!job.head_from_folder && DescribeHead(job.model) != "none") {
    table.AddRow({"its own head", absl::StrCat(DescribeHead(job.model), "; not used")});
  }
  table.AddRow({"frozen", job.plan.Describe(layers)});
  table.AddRow({"training",
                absl::StrCat(WithThousands(training), " of ", WithThousands(all), " parameters")});
  table.AddRow({"head", absl::StrCat(job.head_from_folder ? "of the folder, " : "new, ",
                                     DescribeHead(job.head->config()))});
  constexpr size_t kShownLabels = 10;
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(kShownLabels, job.labels.size()); ++i)
    shown.push_back(Printable(job.labels[i]));
  if (job.labels.size() > kShownLabels)
    shown.push_back(absl::StrCat(job.labels.size() - kShownLabels, " more"));
  table.AddRow({"labels", absl::StrJoin(shown, ", ")});
  table.AddRow({"texts", absl::StrCat(WithThousands(job.train.size()), " train, ",
                                      WithThousands(job.dev.size()), " dev")});
  table.AddRow(
      {"longest text",
       absl::StrCat(job.max_length, " tokens (", WithThousands(job.cut_texts),
                    " training texts cut off, ", WithThousands(job.cut_tokens), " tokens lost)")});
  table.AddRow({"threads", absl::StrCat(Threads())});
  std::cout << table.ToString() << std::endl;
}

void PrintResult(const Options& o, const TrainingResult& result, double seconds, int64_t texts) {
  const int64_t peak = CurrentTensorMemory().peak;
  if (o.json) {
    std::cout << JsonText(ordered_json{{"event", "end"},
                                       {"steps", result.steps},
                                       {"stopped", result.stopped},
                                       {"out_of_patience", result.out_of_patience},
                                       {"best_step", result.evaluations[result.best].step},
                                       {"best_accuracy", result.evaluations[result.best].accuracy},
                                       {"best_macro_f1", result.evaluations[result.best].macro_f1},
                                       {"training_seconds", seconds},
                                       {"texts_per_second", texts / seconds},
                                       {"peak_tensor_bytes", peak},
                                       {"out", o.out}})
              << std::endl;
    return;
  }
  Table table({{"epoch", Align::kRight},
               {"step", Align::kRight},
               {"train loss", Align::kRight},
               {"dev loss", Align::kRight},
               {"accuracy", Align::kRight},
               {"macro F1", Align::kRight},
               {""}});
  for (size_t i = 0; i < result.evaluations.size(); ++i) {
    const EvaluationReport& e = result.evaluations[i];
    table.AddRow({absl::StrFormat("%.2f", e.epoch), absl::StrCat(e.step),
                  absl::StrFormat("%.4f", e.train_loss), absl::StrFormat("%.4f", e.dev_loss),
                  absl::StrFormat("%.4f", e.accuracy), absl::StrFormat("%.4f", e.macro_f1),
                  i == result.best ? "best, saved" : ""});
  }
  std::cout << "\n" << table.ToString() << "\n";
  if (result.stopped) std::cout << "stopped by a signal after step " << result.steps << "\n";
  if (result.out_of_patience)
    std::cout << "stopped early: no better evaluation for --patience evaluations\n";
  constexpr double kMegabyte = 1e6;
  std::cout << absl::StrFormat(
                   "%d steps in %.1f s (%.0f texts/s), tensors at most %.0f MB\nsaved %s\n",
                   result.steps, seconds, texts / seconds, peak / kMegabyte, Printable(o.out))
            << std::flush;
}

// Numbers that stand in graft.json beside the model.
std::map<std::string, std::string> TrainingRecord(const Job& job) {
  const TrainingOptions& t = job.training;
  return {{"graft", GRAFT_VERSION},
          {"freeze", job.plan.ToString(job.backbone->layers())},
          {"epochs", absl::StrCat(t.epochs)},
          {"max_steps", t.max_steps ? absl::StrCat(*t.max_steps) : ""},
          {"batch_size", absl::StrCat(t.batch_size)},
          {"learning_rate", absl::StrCat(t.learning_rate)},
          {"warmup", absl::StrCat(t.warmup)},
          {"weight_decay", absl::StrCat(t.weight_decay)},
          {"clip", absl::StrCat(t.clip)},
          {"seed", absl::StrCat(t.seed)},
          {"threads", absl::StrCat(Threads())}};
}

// Connects the training with progress, saving and signals.
class Session {
 public:
  Session(const Options& o, Job& job)
      : o_(o),
        job_(job),
        record_(TrainingRecord(job)),
        bar_("training", std::max<int64_t>(1, TextsInAll())) {}

  absl::StatusOr<int> Train() {
    TrainingCallbacks callbacks;
    callbacks.on_step = [this](const StepReport& report) { OnStep(report); };
    callbacks.on_evaluation_start = [this] { PauseClock(); };
    callbacks.on_evaluation = [this](const EvaluationReport& report) { OnEvaluation(report); };
    callbacks.save_best = [this](const Backbone& backbone, const SequenceClassifier& head) {
      return Save(backbone, head);
    };
    callbacks.stop = [this] { return signal_.requested(); };
    ABSL_ASSIGN_OR_RETURN(const TrainingResult result,
                          TrainClassifier(*job_.backbone, *job_.head, job_.train, job_.dev,
                                          job_.training, callbacks));
    bar_.Finish();
    PrintResult(o_, result, seconds_, texts_);
    return signal_.exit_status();
  }

 private:
  using Clock = std::chrono::steady_clock;

  int64_t TextsInAll() const {
    const TrainingOptions& training = job_.training;
    if (!training.max_steps) return training.epochs * job_.train.size();
    const int64_t batch = training.batch_size, size = job_.train.size();
    const int64_t steps_per_epoch = (size + batch - 1) / batch;
    const int64_t rest = *training.max_steps % steps_per_epoch;
    return *training.max_steps / steps_per_epoch * size + std::min(size, rest * batch);
  }

  void PauseClock() {
    seconds_ += std::chrono::duration<double>(Clock::now() - running_since_).count();
    bar_.Pause();
  }

  void OnStep(const StepReport& report) {
    texts_ = report.texts;
    bar_.SetTitle(absl::StrFormat(
        "epoch %d/%d", static_cast<int>(std::ceil(report.epoch - 1e-9)),
        static_cast<int>(std::ceil(report.epoch * report.steps / report.step - 1e-9))));
    bar_.Update(report.texts, report.loss);
  }

  void OnEvaluation(const EvaluationReport& e) {
    if (o_.json) {
      std::cout << JsonText(ordered_json{{"event", "evaluation"},
                                         {"step", e.step},
                                         {"epoch", e.epoch},
                                         {"train_loss", e.train_loss},
                                         {"dev_loss", e.dev_loss},
                                         {"accuracy", e.accuracy},
                                         {"macro_f1", e.macro_f1},
                                         {"best", e.best}})
                << std::endl;
    } else {
      bar_.PrintLine(absl::StrFormat("step %d: dev accuracy %.4f, macro F1 %.4f, loss %.4f%s",
                                     e.step, e.accuracy, e.macro_f1, e.dev_loss,
                                     e.best ? " (best so far, saved)" : ""));
    }
    bar_.Resume();
    running_since_ = Clock::now();
  }

  absl::Status Save(const Backbone& backbone, const SequenceClassifier& head) {
    const ClassifierToSave model{.source = &job_.model.folder,
                                 .backbone = &backbone,
                                 .head = &head,
                                 .labels = &job_.labels,
                                 .max_length = job_.max_length,
                                 .training = record_,
                                 .words = job_.model.words.get()};
    // What stands there now is either what --overwrite allows to replace or this run's own earlier
    // state.
    ABSL_RETURN_IF_ERROR(SaveClassifier(o_.out, model, o_.overwrite || saved_));
    saved_ = true;
    return absl::OkStatus();
  }

  const Options& o_;
  Job& job_;
  const std::map<std::string, std::string> record_;
  StopSignal signal_;
  ProgressBar bar_;
  Clock::time_point running_since_ = Clock::now();
  double seconds_ = 0;  // training alone
  int64_t texts_ = 0;
  bool saved_ = false;
};

absl::StatusOr<int> Train(const Options& o) {
  ABSL_RETURN_IF_ERROR(PrepareCompute(o.device, o.threads));
  ABSL_ASSIGN_OR_RETURN(Job job, Prepare(o));
  PrintStart(o, job);
  ResetPeakTensorMemory();
  return Session(o, job).Train();
}

}  // namespace

Verb TrainClassifyVerb() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "train classify",
      .summary =
          "Fine-tune a text classifier on a pretrained encoder, frozen to a chosen depth, or on "
          "word vectors",
      .example =
          "graft train classify --model minilm --train train.tsv --dev dev.tsv --freeze 3 --out "
          "my-model\n"
          "graft train classify --vectors glove.txt --classifier cnn --train train.tsv --dev "
          "dev.tsv --out my-cnn",
      .declare = [options](OptionList& list) { Declare(*options, list); },
      .check = [options] { return CheckInputs(*options); },
      .run = [options] { return Train(*options); }};
}

}  // namespace graft::tools
