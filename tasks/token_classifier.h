// The head that gives one label to each token.
#ifndef GRAFT_TASKS_TOKEN_CLASSIFIER_H_
#define GRAFT_TASKS_TOKEN_CLASSIFIER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/backbone.h"
#include "models/batch.h"
#include "models/head_layout.h"
#include "models/weights_layout.h"

namespace graft {

struct TokenClassifierConfig {
  HeadLayout layout;  // the family's own; its pooling is not used
  int64_t hidden_size = 0;
  int64_t classes = 0;
  double initializer_range = 0.02;
};

// The layers of the config over every token. Copies share the weights. Const methods are
// thread-safe as long as no optimizer changes the weights.
class TokenClassifier {
 public:
  // HeadSlots of the config (models/head.h): for most families `classifier.weight` [C, H] and
  // `.bias` [C].
  static std::vector<SlotLayout> Layout(const TokenClassifierConfig& config);
  // `tensors`: one a slot.
  TokenClassifier(TokenClassifierConfig config, std::vector<at::Tensor> tensors);
  // New weights: normal with standard deviation initializer_range, biases zero; a function of the
  // seed.
  static TokenClassifier New(const TokenClassifierConfig& config, uint64_t seed);

  // A copy of the weights that an optimizer can change.
  TokenClassifier Trainable() const;

  // hidden [R, H], the output of the backbone's last stage -> logits [R, C].
  at::Tensor Forward(const at::Tensor& hidden, const Batch& batch,
                     const PassOptions& options) const;

  const TokenClassifierConfig& config() const { return config_; }
  const std::vector<at::Tensor>& tensors() const { return tensors_; }
  std::vector<NamedTensor> Parameters() const { return NamedParts(Layout(config_), tensors_); }

 private:
  TokenClassifierConfig config_;
  std::vector<at::Tensor> tensors_;
};

}  // namespace graft

#endif  // GRAFT_TASKS_TOKEN_CLASSIFIER_H_
