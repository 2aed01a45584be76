// Fine-tuning a text classifier.
#ifndef GRAFT_TASKS_TRAINING_H_
#define GRAFT_TASKS_TRAINING_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "models/backbone.h"
#include "tasks/encoded_texts.h"
#include "tasks/sequence_classifier.h"

namespace graft {

enum class SelectionMetric {
  kAccuracy,
  kF1
};  // what decides which evaluation was best; F1 is macro F1

struct TrainingOptions {
  int epochs = 3;
  std::optional<int64_t> max_steps;  // ends the training; the schedule is laid out for it
  std::optional<int64_t>
      eval_every;  // steps between evaluations; absent: at the end of every epoch
  SelectionMetric metric = SelectionMetric::kAccuracy;
  double learning_rate = 5e-5;  // Devlin et al. 2019, appendix A.3: 5e-5, 3e-5 or 2e-5
  int64_t batch_size = 32;      // texts in an optimizer step
  // Share of the steps in which the rate rises from 0; it then falls to 0, linearly both times.
  double warmup = 0.1;
  double weight_decay = 0.01;  // on tensors of two and more dimensions
  double clip = 1.0;           // largest norm of all gradients; 0 = no clipping
  // Largest length of a class's weights in the last layer, kept after every step; 0 = no limit.
  // Kim 2014 has 3.
  double max_norm = 0;
  std::optional<int64_t> patience;  // evaluations without a better one that end the training
  uint64_t seed = 1;
  // A step is split into parts of at most so many tokens: it bounds memory and changes nothing
  // else.
  int64_t part_tokens = 4096;
};

// Encoded texts and their labels.
struct EncodedExamples {
  EncodedTexts texts;
  std::vector<int32_t> labels;  // one a text

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

struct StepReport {
  int64_t step = 0;   // steps done
  int64_t steps = 0;  // steps in all
  double epoch = 0;   // epochs done
  double loss = 0;    // mean over the texts of the step
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping
  int64_t texts = 0;         // texts seen in all
};

// The state of the model at some step, measured on the dev set.
struct EvaluationReport {
  int64_t step = 0;
  double epoch = 0;
  double train_loss = 0;  // mean over the steps since the evaluation before
  double dev_loss = 0;
  double accuracy = 0;
  double macro_f1 = 0;
  bool best = false;
};

struct TrainingCallbacks {
  std::function<void(const StepReport&)> on_step;
  // Before and after the dev set is scored.
  std::function<void()> on_evaluation_start;
  std::function<void(const EvaluationReport&)> on_evaluation;
  // Called after each evaluation that is the best so far: saves the model.
  std::function<absl::Status(const Backbone&, const SequenceClassifier&)> save_best;
  // Asked after each step; true ends the training after one more evaluation, if none was made
  // since.
  std::function<bool()> stop;
};

struct TrainingResult {
  std::vector<EvaluationReport> evaluations;
  int64_t steps = 0;
  size_t best = 0;       // index into `evaluations`
  bool stopped = false;  // by the callback
  bool out_of_patience = false;
  size_t optimizer_tensors = 0;  // tensors that the optimizer held moments for
};

// Steps that the options make of `examples` texts.
int64_t CountSteps(const TrainingOptions& options, int64_t examples);

// Trains `head` and the stages of `backbone` above its frozen ones, in place: AdamW, linear warm-up
// and decay. Both must be trainable copies that nobody else uses. On the CPU the result is a
// function of data, options and thread count. Errors: a loss that is no finite number (with the
// step), what save_best gave, ResourceExhausted when memory runs out, Internal when LibTorch fails
// otherwise or a callback throws; both are then half-trained.
absl::StatusOr<TrainingResult> TrainClassifier(
    const Backbone& backbone, const SequenceClassifier& head, const EncodedExamples& train,
    const EncodedExamples& dev, const TrainingOptions& options, const TrainingCallbacks& callbacks);

}  // namespace graft

#endif  // GRAFT_TASKS_TRAINING_H_
