#include "tasks/sequence_classifier.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "models/kernels/dropout.h"
#include "models/kernels/linear.h"

namespace graft {
namespace {

// The head's dropout and its initial weights: a site above those of every backbone's stages.
constexpr uint32_t kHeadSite = 0xFFFF'0000;
constexpr uint32_t kInitialWeightsSite = 0xFFFF'0001;

// Normal with mean 0, by Box and Muller's method over Philox: the same on every machine.
at::Tensor NormalTensor(const std::vector<int64_t>& shape, double deviation, uint64_t seed,
                        uint32_t slot) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* out = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); i += 2) {
    const auto words = Philox(
        {static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), kInitialWeightsSite, slot},
        seed);
    constexpr double kUnit = 1.0 / 4294967296.0;
    const double radius = std::sqrt(-2 * std::log((words[0] + 0.5) * kUnit)) * deviation;
    const double angle = 2 * std::numbers::pi * (words[1] * kUnit);
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < tensor.numel()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return tensor;
}

}  // namespace

std::vector<SlotLayout> SequenceClassifier::Layout(const SequenceClassifierConfig& config) {
  const int64_t h = config.hidden_size;
  std::vector<SlotLayout> slots;
  if (config.pooler) {
    slots.push_back({{{"pooler.dense.weight", {h, h}}}});
    slots.push_back({{{"pooler.dense.bias", {h}}}});
  }
  slots.push_back({{{"classifier.weight", {config.classes, h}}}});
  slots.push_back({{{"classifier.bias", {config.classes}}}});
  return slots;
}

SequenceClassifier::SequenceClassifier(SequenceClassifierConfig config,
                                       std::vector<at::Tensor> tensors)
    : config_(config), tensors_(std::move(tensors)) {
  TORCH_CHECK(tensors_.size() == Layout(config_).size(), "SequenceClassifier: ", tensors_.size(),
              " tensors");
}

SequenceClassifier SequenceClassifier::New(const SequenceClassifierConfig& config, uint64_t seed,
                                           std::vector<at::Tensor> pooler) {
  std::vector<at::Tensor> tensors = config.pooler ? std::move(pooler) : std::vector<at::Tensor>();
  const std::vector<SlotLayout> layout = Layout(config);
  for (size_t s = tensors.size(); s < layout.size(); ++s) {
    const std::vector<int64_t> shape = layout[s].shape();
    const bool bias = shape.size() == 1;
    tensors.push_back(
        bias ? at::zeros(shape, at::kFloat)
             : NormalTensor(shape, config.initializer_range, seed, static_cast<uint32_t>(s)));
  }
  return SequenceClassifier(config, std::move(tensors));
}

SequenceClassifier SequenceClassifier::Trainable() const {
  std::vector<at::Tensor> copies;
  for (const at::Tensor& tensor : tensors_)
    copies.push_back(tensor.detach().clone().set_requires_grad(true));
  return SequenceClassifier(config_, std::move(copies));
}

at::Tensor SequenceClassifier::Forward(const at::Tensor& hidden, const Batch& batch,
                                       const PassOptions& options) const {
  at::Tensor pooled = Pool(hidden, batch.segments, config_.pooling);  // [B, H]
  size_t slot = 0;
  if (config_.pooler) {
    pooled = at::tanh(Linear(pooled, tensors_[0], tensors_[1]));
    slot = 2;
  }
  const DropoutKey dropout{options.train ? config_.dropout : 0, options.seed, options.step,
                           kHeadSite};
  pooled = DropoutPerText(pooled, batch.segments, dropout);
  return Linear(pooled, tensors_[slot], tensors_[slot + 1]);  // [B, C]
}

at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
}

}  // namespace graft
