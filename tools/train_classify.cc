// graft train classify: fine-tunes a text classifier.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status_macros.h"
#include "absl/strings/str_format.h"
#include "models/tensor_memory.h"
#include "nlohmann/json.hpp"
#include "tools/compute.h"
#include "tools/json_text.h"
#include "tools/progress.h"
#include "tools/stop_signal.h"
#include "tools/train_job.h"
#include "tools/train_report.h"
#include "tools/verbs.h"

namespace graft::tools {
namespace {

using nlohmann::ordered_json;

void Declare(TrainOptions& o, OptionList& list) {
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
  list.Number("--max-norm", &o.max_norm, {.min = 0, .max = 1e6},
              "largest length of a class's weights in the last layer; 0 = no limit (default: 0, of "
              "cnn over word vectors 3)");
  list.Integer("--patience", &o.training.patience, 1, kMany,
               "evaluations without a better one that end the training");
  list.Seed(&o.seed);
  list.Device(&o.device);
  list.Threads(&o.threads);
  list.Flag("--json", &o.json, "print JSON lines on standard output in place of text");
  list.DataColumns(&o.data);
}

// Connects the training with progress, saving and signals.
class Session {
 public:
  Session(const TrainOptions& o, Job& job)
      : o_(o),
        job_(job),
        record_(TrainingRecord(o, job)),
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

  const TrainOptions& o_;
  Job& job_;
  const std::map<std::string, std::string> record_;
  StopSignal signal_;
  ProgressBar bar_;
  Clock::time_point running_since_ = Clock::now();
  double seconds_ = 0;  // training alone
  int64_t texts_ = 0;
  bool saved_ = false;
};

absl::StatusOr<int> Train(const TrainOptions& o) {
  ABSL_RETURN_IF_ERROR(PrepareCompute(o.device, o.threads));
  ABSL_ASSIGN_OR_RETURN(Job job, PrepareJob(o));
  PrintStart(o, job);
  ResetPeakTensorMemory();
  return Session(o, job).Train();
}

}  // namespace

Verb TrainClassifyVerb() {
  const auto options = std::make_shared<TrainOptions>();
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
      .check = [options] { return CheckTrainOptions(*options); },
      .run = [options] { return Train(*options); }};
}

}  // namespace graft::tools
