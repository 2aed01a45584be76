// graft as a contestant of train.py: some optimizer steps of fine-tuning from the same start. The
// requests are those of peer_train.py; a run also tells the tensor memory in bytes: "memory_before"
// (weights and data) and "memory_peak".
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status_macros.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "bench/line_protocol.h"
#include "models/freeze_plan.h"
#include "models/tensor_memory.h"
#include "tasks/model_folder.h"
#include "tasks/text_classifier.h"
#include "tasks/training.h"

namespace graft {
namespace {

using Json = nlohmann::ordered_json;

// Lines "text<TAB>class".
absl::StatusOr<EncodedExamples> ReadExamples(const std::string& path, const Tokenizer& tokenizer,
                                             int64_t max_length, int threads) {
  ABSL_ASSIGN_OR_RETURN(const std::string file, ReadFile(path, uint64_t{1} << 30));
  EncodedExamples examples;
  std::vector<std::string_view> texts;
  for (const std::string_view line : absl::StrSplit(file, '\n', absl::SkipEmpty())) {
    const size_t tab = line.rfind('\t');
    int32_t label = -1;
    if (tab == line.npos || !absl::SimpleAtoi(line.substr(tab + 1), &label) || label < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", texts.size() + 1, ": expected text, tab and class, found '", line, "'"));
    }
    texts.push_back(line.substr(0, tab));
    examples.labels.push_back(label);
  }
  examples.texts.tokens =
      tokenizer.EncodeBatch(texts, {.max_length = static_cast<size_t>(max_length)}, threads);
  return examples;
}

// The first example alone: training ends with an evaluation, which no time is taken of.
EncodedExamples FirstExample(const EncodedExamples& examples) {
  EncodedExamples first;
  const auto begin = examples.texts.tokens.ids.begin();
  first.texts.tokens.ids.assign(begin, begin + examples.texts.tokens.starts[1]);
  first.texts.tokens.starts.push_back(examples.texts.tokens.starts[1]);
  first.texts.tokens.cut_off.push_back(0);
  first.labels.push_back(examples.labels[0]);
  return first;
}

class TrainWorker {
 public:
  absl::StatusOr<Json> Load(const JsonValue& settings) {
    ABSL_ASSIGN_OR_RETURN(const int64_t threads, settings.GetInt("threads", 1, 4096));
    SetThreads(static_cast<int>(threads));
    ABSL_ASSIGN_OR_RETURN(const std::string_view folder, settings.GetString("model"));
    ABSL_ASSIGN_OR_RETURN(model_, LoadWithHead(std::string(folder)));
    ABSL_ASSIGN_OR_RETURN(const std::string_view check, settings.GetString("check_model"));
    check_folder_ = check;
    ABSL_ASSIGN_OR_RETURN(const int64_t max_length, settings.GetInt("max_length", 3, 1 << 20));
    ABSL_ASSIGN_OR_RETURN(const std::string_view path, settings.GetString("train"));
    ABSL_ASSIGN_OR_RETURN(train_, ReadExamples(std::string(path), *model_->tokenizer, max_length,
                                               static_cast<int>(threads)));
    if (train_.size() == 0) return absl::InvalidArgumentError(absl::StrCat(path, ": no rows"));
    ABSL_ASSIGN_OR_RETURN(const std::string_view freeze, settings.GetString("freeze"));
    ABSL_ASSIGN_OR_RETURN(plan_, FreezePlan::Parse(freeze, model_->backbone->layers()));
    ABSL_RETURN_IF_ERROR(ReadOptions(settings));
    return Json{{"settings", {{"frozen", plan_.Describe(model_->backbone->layers())}}}};
  }

  absl::StatusOr<Json> Run(std::string_view what) {
    if (what != "" && what != "check") {
      return absl::InvalidArgumentError(absl::StrCat("unknown run '", what, "'"));
    }
    if (model_ == nullptr) return absl::FailedPreconditionError("run before load");
    if (what.empty()) return Train(*model_);
    // Loaded for this run alone, so that it takes no part in the memory of the others.
    ABSL_ASSIGN_OR_RETURN(const std::unique_ptr<LoadedModel> check, LoadWithHead(check_folder_));
    return Train(*check);
  }

  absl::StatusOr<WorkerResult> Result() const {
    return WorkerResult{{static_cast<int64_t>(losses_.size())}, losses_};
  }

 private:
  absl::StatusOr<Json> Train(const LoadedModel& model) {
    const int64_t memory_before = CurrentTensorMemory().now;
    ResetPeakTensorMemory();
    const std::unique_ptr<Backbone> backbone = model.backbone->Trainable(plan_);
    const SequenceClassifier head = model.head->Trainable();
    losses_.clear();
    double end = 0;
    int64_t texts = 0;
    TrainingCallbacks callbacks;
    callbacks.on_step = [&](const StepReport& report) {
      end = SecondsNow();
      losses_.push_back(static_cast<float>(report.loss));
      texts = report.texts;
    };
    const double begin = SecondsNow();
    ABSL_RETURN_IF_ERROR(
        TrainClassifier(*backbone, head, train_, FirstExample(train_), options_, callbacks)
            .status());
    return Json{{"seconds", end - begin},
                {"steps", losses_.size()},
                {"texts", texts},
                {"memory_before", memory_before},
                {"memory_peak", CurrentTensorMemory().peak}};
  }

  static absl::StatusOr<std::unique_ptr<LoadedModel>> LoadWithHead(const std::string& folder) {
    ABSL_ASSIGN_OR_RETURN(LoadedModel model, LoadModel(folder));
    if (!model.head) {
      return absl::InvalidArgumentError(absl::StrCat(folder, ": expected a head, found none"));
    }
    return std::make_unique<LoadedModel>(std::move(model));
  }

  absl::Status ReadOptions(const JsonValue& settings) {
    ABSL_ASSIGN_OR_RETURN(options_.max_steps, settings.GetInt("steps", 1, int64_t{1} << 40));
    ABSL_ASSIGN_OR_RETURN(options_.batch_size, settings.GetInt("batch_size", 1, 1 << 20));
    ABSL_ASSIGN_OR_RETURN(options_.seed, settings.GetInt("seed", 0, int64_t{1} << 62));
    ABSL_ASSIGN_OR_RETURN(options_.learning_rate, settings.GetDouble("learning_rate", 0, 1, 0));
    ABSL_ASSIGN_OR_RETURN(options_.weight_decay, settings.GetDouble("weight_decay", 0, 1, 0));
    ABSL_ASSIGN_OR_RETURN(options_.warmup, settings.GetDouble("warmup", 0, 1, 0));
    ABSL_ASSIGN_OR_RETURN(options_.clip, settings.GetDouble("clip", 0, 1e9, 0));
    return absl::OkStatus();
  }

  std::unique_ptr<LoadedModel> model_;
  std::string check_folder_;
  EncodedExamples train_;
  FreezePlan plan_;
  TrainingOptions options_;
  std::vector<float> losses_;
};

}  // namespace
}  // namespace graft

int main() {
  graft::CountTensorMemory();
  graft::TrainWorker worker;
  return graft::ServeRequests(
      {.load = [&](const graft::JsonValue& settings) { return worker.Load(settings); },
       .run = [&](std::string_view what) { return worker.Run(what); },
       .result = [&] { return worker.Result(); }});
}
