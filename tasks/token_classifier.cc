#include "tasks/token_classifier.h"

#include <c10/util/Exception.h>

#include <utility>

#include "models/head.h"
#include "models/kernels/dropout.h"
#include "tasks/head_weights.h"

namespace graft {

std::vector<SlotLayout> TokenClassifier::Layout(const TokenClassifierConfig& config) {
  return HeadSlots(config.layout, config.hidden_size, config.classes);
}

TokenClassifier::TokenClassifier(TokenClassifierConfig config, std::vector<at::Tensor> tensors)
    : config_(std::move(config)), tensors_(std::move(tensors)) {
  TORCH_CHECK(tensors_.size() == Layout(config_).size(), "TokenClassifier: ", tensors_.size(),
              " tensors");
}

TokenClassifier TokenClassifier::New(const TokenClassifierConfig& config, uint64_t seed) {
  return TokenClassifier(
      config, NewHeadTensors(config.layout, Layout(config), config.initializer_range, seed, {}));
}

TokenClassifier TokenClassifier::Trainable() const {
  return TokenClassifier(config_, TrainableCopies(tensors_));
}

at::Tensor TokenClassifier::Forward(const at::Tensor& hidden, const Batch& batch,
                                    const PassOptions& options) const {
  const auto dropout = [&](const at::Tensor& x, double rate, int place) {
    return Dropout(x, batch.segments, HeadDropoutKey(options, rate, place));
  };
  return RunHead(config_.layout, tensors_, hidden, at::Tensor(), dropout);  // [R, C]
}

}  // namespace graft
