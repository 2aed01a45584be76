// The head that gives one label to a text.
#ifndef GRAFT_TASKS_SEQUENCE_CLASSIFIER_H_
#define GRAFT_TASKS_SEQUENCE_CLASSIFIER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/backbone.h"
#include "models/batch.h"
#include "models/kernels/pooling.h"
#include "models/weights_layout.h"
#include "tasks/pooling_name.h"

namespace graft {

struct SequenceClassifierConfig {
  Pooling pooling = Pooling::kCls;
  // After CLS pooling: BERT's own dense layer and tanh, part of the head, which trains with it.
  bool pooler = true;
  int64_t hidden_size = 0;
  int64_t classes = 0;
  double dropout = 0.1;  // on the pooled vector
  double initializer_range = 0.02;

  bool operator==(const SequenceClassifierConfig&) const = default;
};

// Pooling, pooler, dropout and a linear layer. Copies share the weights. Const methods are
// thread-safe as long as no optimizer changes the weights.
class SequenceClassifier {
 public:
  // Slots: with a pooler `pooler.dense.weight` and `.bias`, then `classifier.weight` [C, H] and
  // `.bias` [C].
  static std::vector<SlotLayout> Layout(const SequenceClassifierConfig& config);
  // `tensors`: one a slot.
  SequenceClassifier(SequenceClassifierConfig config, std::vector<at::Tensor> tensors);
  // New weights: normal with standard deviation initializer_range, biases zero; a function of the
  // seed. `pooler`, when it is not empty, holds the pretrained weight and bias of the pooler to
  // start from.
  static SequenceClassifier New(const SequenceClassifierConfig& config, uint64_t seed,
                                std::vector<at::Tensor> pooler);

  // A copy of the weights that an optimizer can change.
  SequenceClassifier Trainable() const;

  // hidden [R, H], the output of the backbone's last stage -> logits [B, C].
  at::Tensor Forward(const at::Tensor& hidden, const Batch& batch,
                     const PassOptions& options) const;

  const SequenceClassifierConfig& config() const { return config_; }
  const std::vector<at::Tensor>& tensors() const { return tensors_; }
  std::vector<NamedTensor> Parameters() const { return NamedParts(Layout(config_), tensors_); }

 private:
  SequenceClassifierConfig config_;
  std::vector<at::Tensor> tensors_;
};

// Cross-entropy of logits [B, C] with labels [B] (int64), summed over the texts: a scalar.
at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace graft

#endif  // GRAFT_TASKS_SEQUENCE_CLASSIFIER_H_
