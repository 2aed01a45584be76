// The head that gives one label to a text.
#ifndef GRAFT_TASKS_SEQUENCE_CLASSIFIER_H_
#define GRAFT_TASKS_SEQUENCE_CLASSIFIER_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/backbone.h"
#include "models/batch.h"
#include "models/composer.h"
#include "models/head_layout.h"
#include "models/kernels/pooling.h"
#include "models/weights_layout.h"
#include "tasks/pooling_name.h"

namespace graft {

struct SequenceClassifierConfig {
  // The head of the family's own checkpoints, which transformers opens. Else what LinearHead says.
  bool of_family = true;
  HeadLayout layout;
  int64_t hidden_size = 0;
  int64_t classes = 0;
  double initializer_range = 0.02;
  // Of models over word vectors: what makes one vector of a text's, in place of the pooling.
  std::optional<Composer> composer = {};

  Pooling pooling() const { return layout.pooling; }
};

// Dropout and a linear layer over what the pooling makes.
HeadLayout LinearHead(Pooling pooling, double dropout);

// For people: "cls pooling with pooler", "cnn, 100 filters of width 3, 4, 5".
std::string DescribeHead(const SequenceClassifierConfig& config);

// What a head of an encoder trained for one may take over from another: all but the dropouts and
// the deviation of new weights are the same.
bool SameLayers(const SequenceClassifierConfig& a, const SequenceClassifierConfig& b);

// Pooling, or the composer, and the layers of the config. Copies share the weights. Const methods
// are thread-safe as long as no optimizer changes the weights.
class SequenceClassifier {
 public:
  // HeadSlots of the config (models/head.h): for BERT's own head `pooler.dense.weight` and `.bias`,
  // then `classifier.weight` [C, H] and `.bias` [C]; in front those of the composer.
  static std::vector<SlotLayout> Layout(const SequenceClassifierConfig& config);
  // `tensors`: one a slot.
  SequenceClassifier(SequenceClassifierConfig config, std::vector<at::Tensor> tensors);
  // New weights: normal with standard deviation initializer_range (of a composer
  // ComposerDeviations), biases zero; a function of the seed. `pooler`, when it is not empty, holds
  // the pretrained weight and bias of the dense layer to start from, where that is the encoder's
  // own pooler.
  static SequenceClassifier New(const SequenceClassifierConfig& config, uint64_t seed,
                                std::vector<at::Tensor> pooler);

  // A copy of the weights that an optimizer can change.
  SequenceClassifier Trainable() const;

  // hidden [R, H], the output of the backbone's last stage -> logits [B, C].
  at::Tensor Forward(const at::Tensor& hidden, const Batch& batch,
                     const PassOptions& options) const;

  const SequenceClassifierConfig& config() const { return config_; }
  const std::vector<at::Tensor>& tensors() const { return tensors_; }
  // The weight [C, H] of the last layer.
  const at::Tensor& last_weight() const;
  std::vector<NamedTensor> Parameters() const { return NamedParts(Layout(config_), tensors_); }

 private:
  SequenceClassifierConfig config_;
  size_t composer_slots_;  // of the tensors
  std::vector<at::Tensor> tensors_;
};

// Cross-entropy of logits [B, C] with labels [B] (int64), summed over the texts: a scalar.
at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace graft

#endif  // GRAFT_TASKS_SEQUENCE_CLASSIFIER_H_
