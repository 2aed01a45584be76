// One run of `graft train classify`, read and checked, before it trains.
#ifndef GRAFT_TOOLS_TRAIN_JOB_H_
#define GRAFT_TOOLS_TRAIN_JOB_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/backbone.h"
#include "models/freeze_plan.h"
#include "tasks/data_set.h"
#include "tasks/model_folder.h"
#include "tasks/sequence_classifier.h"
#include "tasks/training.h"
#include "tasks/word_start.h"
#include "tools/word_options.h"

namespace graft::tools {

struct TrainOptions {
  std::string model, train, dev, out;
  std::string freeze = "none";
  std::string pooling;
  std::string device = "auto";
  std::optional<int64_t> max_length;
  WordOptions words;
  // Over word vectors their own defaults count.
  std::optional<int64_t> epochs, batch_size;
  std::optional<double> learning_rate, max_norm;
  TrainingOptions training;
  int64_t seed = 1;
  int threads = 0;
  bool overwrite = false;
  bool json = false;
  DataSetOptions data;
};

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

// What the command line alone shows.
absl::Status CheckTrainOptions(const TrainOptions& o);

// Everything that can be wrong is found before anything long begins.
absl::StatusOr<Job> PrepareJob(const TrainOptions& o);

}  // namespace graft::tools

#endif  // GRAFT_TOOLS_TRAIN_JOB_H_
