#include "tasks/sequence_classifier.h"

#include <ATen/ops/cross_entropy_loss.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/head.h"
#include "models/kernels/dropout.h"
#include "tasks/head_weights.h"

namespace graft {

HeadLayout LinearHead(Pooling pooling, double dropout) {
  return {.pooling = pooling, .dropout = dropout, .output = "classifier"};
}

std::string DescribeHead(const SequenceClassifierConfig& config) {
  if (config.composer) return DescribeComposer(*config.composer);
  std::string text = absl::StrCat(PoolingName(config.pooling()), " pooling");
  if (!config.layout.dense.empty()) {
    absl::StrAppend(&text, config.layout.dense_is_pooler ? " with pooler" : " with dense layer");
  }
  return text;
}

bool SameLayers(const SequenceClassifierConfig& a, const SequenceClassifierConfig& b) {
  return a.of_family == b.of_family && a.hidden_size == b.hidden_size && a.classes == b.classes &&
         a.pooling() == b.pooling();
}

std::vector<SlotLayout> SequenceClassifier::Layout(const SequenceClassifierConfig& config) {
  if (!config.composer) return HeadSlots(config.layout, config.hidden_size, config.classes);
  std::vector<SlotLayout> slots = ComposerSlots(*config.composer);
  for (SlotLayout& slot :
       HeadSlots(config.layout, config.composer->output_size(), config.classes)) {
    slots.push_back(std::move(slot));
  }
  return slots;
}

SequenceClassifier::SequenceClassifier(SequenceClassifierConfig config,
                                       std::vector<at::Tensor> tensors)
    : config_(std::move(config)),
      composer_slots_(config_.composer ? ComposerSlots(*config_.composer).size() : 0),
      tensors_(std::move(tensors)) {
  TORCH_CHECK(tensors_.size() == Layout(config_).size(), "SequenceClassifier: ", tensors_.size(),
              " tensors");
}

SequenceClassifier SequenceClassifier::New(const SequenceClassifierConfig& config, uint64_t seed,
                                           std::vector<at::Tensor> pooler) {
  std::vector<at::Tensor> first;
  if (config.layout.dense_is_pooler) first = std::move(pooler);
  if (config.composer) first = NewComposerTensors(*config.composer, seed);
  return SequenceClassifier(
      config, NewHeadTensors(config.layout, Layout(config), config.initializer_range, seed,
                             std::move(first)));
}

const at::Tensor& SequenceClassifier::last_weight() const {
  const auto last = std::find_if(tensors_.rbegin(), tensors_.rend(),
                                 [](const at::Tensor& tensor) { return tensor.dim() == 2; });
  return *last;
}

SequenceClassifier SequenceClassifier::Trainable() const {
  return SequenceClassifier(config_, TrainableCopies(tensors_));
}

at::Tensor SequenceClassifier::Forward(const at::Tensor& hidden, const Batch& batch,
                                       const PassOptions& options) const {
  const auto own = tensors_.begin() + static_cast<int64_t>(composer_slots_);
  const at::Tensor pooled = config_.composer
                                ? Compose(*config_.composer, {tensors_.begin(), own}, hidden, batch)
                                : Pool(hidden, batch.segments, config_.pooling());  // [B, H]
  const auto dropout = [&](const at::Tensor& x, double rate, int place) {
    return DropoutPerText(x, batch.segments, HeadDropoutKey(options, rate, place));
  };
  return RunHead(config_.layout, {own, tensors_.end()}, pooled, at::Tensor(), dropout);  // [B, C]
}

at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
}

}  // namespace graft
