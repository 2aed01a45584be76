#include "tasks/training.h"

#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "absl/status/status_macros.h"
#include "absl/strings/str_cat.h"
#include "models/catch_errors.h"
#include "tasks/adamw.h"
#include "tasks/batching.h"
#include "tasks/inference.h"
#include "tasks/metrics.h"

namespace graft {
namespace {

at::Tensor LabelTensor(const EncodedExamples& data, absl::Span<const int64_t> examples) {
  std::vector<int64_t> labels;
  for (const int64_t example : examples) labels.push_back(data.labels[example]);
  return at::tensor(labels, at::kLong);
}

// log(sum of exp(l)) - l[label] over one text's logits [C], in double.
double CrossEntropy(absl::Span<const float> logits, int32_t label) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum) - logits[label];
}

// Shortens the rows of a matrix [C, H] that are longer than `longest`.
void LimitRows(at::Tensor matrix, double longest) {
  const c10::AutoGradMode no_grad(false);
  matrix.renorm_(/*p=*/2, /*dim=*/0, longest);
}

// One training run. The loop is in Run; everything else is a step of it.
class Run {
 public:
  Run(const Backbone& backbone, const SequenceClassifier& head, const EncodedExamples& train,
      const EncodedExamples& dev, const TrainingOptions& options,
      const TrainingCallbacks& callbacks)
      : backbone_(backbone),
        head_(head),
        train_(train),
        dev_(dev),
        options_(options),
        callbacks_(callbacks),
        steps_(CountSteps(options, train.size())),
        steps_per_epoch_((train.size() + options.batch_size - 1) / options.batch_size),
        optimizer_(AllTensors(backbone, head), options.weight_decay) {}

  absl::StatusOr<TrainingResult> Train() {
    result_.optimizer_tensors = optimizer_.tensors();
    std::vector<int64_t> order;
    for (int64_t step = 0; step < steps_ && !Ended(); ++step) {
      const int64_t in_epoch = step % steps_per_epoch_;
      if (in_epoch == 0) {
        order = EpochOrder(options_.seed, static_cast<uint32_t>(step / steps_per_epoch_),
                           train_.size());
      }
      const int64_t begin = in_epoch * options_.batch_size;
      const int64_t count = std::min(options_.batch_size, train_.size() - begin);
      ABSL_RETURN_IF_ERROR(Step(step, absl::MakeConstSpan(order).subspan(begin, count)));
      if (callbacks_.stop && callbacks_.stop()) result_.stopped = true;
      if (EvaluationDue(step + 1)) {
        ABSL_RETURN_IF_ERROR(Evaluate(step + 1));
        // A request that came while the dev set was scored needs no further step.
        if (callbacks_.stop && callbacks_.stop()) result_.stopped = true;
      }
    }
    return std::move(result_);
  }

 private:
  static std::vector<at::Tensor> AllTensors(const Backbone& backbone,
                                            const SequenceClassifier& head) {
    std::vector<at::Tensor> tensors = backbone.TrainableTensors();
    tensors.insert(tensors.end(), head.tensors().begin(), head.tensors().end());
    return tensors;
  }

  bool Ended() const { return result_.stopped || result_.out_of_patience; }

  bool EvaluationDue(int64_t done) const {
    if (done == steps_ || result_.stopped) return true;
    return done % options_.eval_every.value_or(steps_per_epoch_) == 0;
  }

  double EpochsDone(int64_t done) const {
    return static_cast<double>(done) / static_cast<double>(steps_per_epoch_);
  }

  // Gradients of the mean loss of `examples`, part by part, then one update.
  absl::Status Step(int64_t step, absl::Span<const int64_t> examples) {
    const PassOptions pass{
        .train = true, .seed = options_.seed, .step = static_cast<uint32_t>(step)};
    const auto texts = static_cast<double>(examples.size());
    double loss_sum = 0;
    size_t begin = 0;
    for (const size_t end : CutByTokens(train_.texts.tokens, examples, options_.part_tokens)) {
      const auto part = examples.subspan(begin, end - begin);
      const Batch batch = PackBatch(train_.texts, part, static_cast<int64_t>(begin));
      const at::Tensor logits = head_.Forward(backbone_.Run(batch, pass), batch, pass);
      const at::Tensor loss = CrossEntropySum(logits, LabelTensor(train_, part));
      loss.div(texts).backward();
      loss_sum += loss.item<double>();
      begin = end;
    }
    const double loss = loss_sum / texts;
    if (!std::isfinite(loss)) {
      return Diverged(step + 1, "loss", loss);
    }
    const double rate = options_.learning_rate * LinearSchedule(step, steps_, options_.warmup);
    ABSL_ASSIGN_OR_RETURN(const double norm, optimizer_.Step(rate, options_.clip));
    if (options_.max_norm > 0) LimitRows(head_.last_weight(), options_.max_norm);
    texts_seen_ += static_cast<int64_t>(examples.size());
    loss_since_evaluation_ += loss;
    ++steps_since_evaluation_;
    result_.steps = step + 1;
    if (callbacks_.on_step) {
      callbacks_.on_step({step + 1, steps_, EpochsDone(step + 1), loss, rate, norm, texts_seen_});
    }
    return absl::OkStatus();
  }

  static absl::Status Diverged(int64_t step, std::string_view what, double found) {
    return absl::InternalError(absl::StrCat("step ", step, ": expected a finite ", what, ", found ",
                                            found, "; a smaller --learning-rate may help"));
  }

  absl::Status Evaluate(int64_t done) {
    if (callbacks_.on_evaluation_start) callbacks_.on_evaluation_start();
    EvaluationReport report = Measure(backbone_, head_, dev_);
    if (!std::isfinite(report.dev_loss)) return Diverged(done, "dev loss", report.dev_loss);
    report.step = done;
    report.epoch = EpochsDone(done);
    report.train_loss = loss_since_evaluation_ / static_cast<double>(steps_since_evaluation_);
    loss_since_evaluation_ = 0;
    steps_since_evaluation_ = 0;
    report.best =
        result_.evaluations.empty() || Value(report) > Value(result_.evaluations[result_.best]);
    result_.evaluations.push_back(report);
    if (report.best) result_.best = result_.evaluations.size() - 1;
    const auto since_best = static_cast<int64_t>(result_.evaluations.size() - 1 - result_.best);
    result_.out_of_patience =
        options_.patience && since_best >= *options_.patience && done < steps_;
    if (report.best && callbacks_.save_best)
      ABSL_RETURN_IF_ERROR(callbacks_.save_best(backbone_, head_));
    if (callbacks_.on_evaluation) callbacks_.on_evaluation(report);
    return absl::OkStatus();
  }

  double Value(const EvaluationReport& report) const {
    return options_.metric == SelectionMetric::kF1 ? report.macro_f1 : report.accuracy;
  }

  static EvaluationReport Measure(const Backbone& backbone, const SequenceClassifier& head,
                                  const EncodedExamples& dev) {
    const std::vector<float> logits = ComputeLogits(backbone, head, dev.texts);
    const auto classes = static_cast<size_t>(head.config().classes);
    std::vector<int32_t> predicted;
    EvaluationReport report;
    for (int64_t i = 0; i < dev.size(); ++i) {
      const auto row = absl::MakeConstSpan(logits).subspan(i * classes, classes);
      predicted.push_back(
          static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin()));
      report.dev_loss += CrossEntropy(row, dev.labels[i]) / static_cast<double>(dev.size());
    }
    const ConfusionMatrix confusion(dev.labels, predicted, static_cast<int>(classes));
    report.accuracy = Accuracy(confusion);
    report.macro_f1 = MacroF1(confusion);
    return report;
  }

  const Backbone& backbone_;
  const SequenceClassifier& head_;
  const EncodedExamples& train_;
  const EncodedExamples& dev_;
  const TrainingOptions& options_;
  const TrainingCallbacks& callbacks_;
  const int64_t steps_;
  const int64_t steps_per_epoch_;
  AdamW optimizer_;
  TrainingResult result_;
  int64_t texts_seen_ = 0;
  double loss_since_evaluation_ = 0;
  int64_t steps_since_evaluation_ = 0;
};

}  // namespace

int64_t CountSteps(const TrainingOptions& options, int64_t examples) {
  if (options.max_steps) return *options.max_steps;
  return options.epochs * ((examples + options.batch_size - 1) / options.batch_size);
}

absl::StatusOr<TrainingResult> TrainClassifier(const Backbone& backbone,
                                               const SequenceClassifier& head,
                                               const EncodedExamples& train,
                                               const EncodedExamples& dev,
                                               const TrainingOptions& options,
                                               const TrainingCallbacks& callbacks) {
  const c10::AutoGradMode grad(true);
  return CatchErrors("training",
                     [&] { return Run(backbone, head, train, dev, options, callbacks).Train(); });
}

}  // namespace graft
