#include "tasks/sequence_classifier.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/head.h"
#include "models/kernels/dropout.h"

namespace graft {
namespace {

// The head's dropouts and its initial weights: sites above those of every backbone's stages.
constexpr uint32_t kHeadSite = 0xFFFF'0000;
constexpr uint32_t kInitialWeightsSite = 0xFFFF'0001;
constexpr uint32_t kHeadInputSite = 0xFFFF'0002;

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

HeadLayout LinearHead(Pooling pooling, double dropout) {
  return {.pooling = pooling, .dropout = dropout, .output = "classifier"};
}

std::string DescribeHead(const SequenceClassifierConfig& config) {
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
  return HeadSlots(config.layout, config.hidden_size, config.classes);
}

SequenceClassifier::SequenceClassifier(SequenceClassifierConfig config,
                                       std::vector<at::Tensor> tensors)
    : config_(config), tensors_(std::move(tensors)) {
  TORCH_CHECK(tensors_.size() == Layout(config_).size(), "SequenceClassifier: ", tensors_.size(),
              " tensors");
}

SequenceClassifier SequenceClassifier::New(const SequenceClassifierConfig& config, uint64_t seed,
                                           std::vector<at::Tensor> pooler) {
  std::vector<at::Tensor> tensors;
  if (config.layout.dense_is_pooler) tensors = std::move(pooler);
  const std::vector<SlotLayout> layout = Layout(config);
  for (size_t s = tensors.size(); s < layout.size(); ++s) {
    const std::vector<int64_t> shape = layout[s].shape();
    if (shape.size() == 2) {
      tensors.push_back(
          NormalTensor(shape, config.initializer_range, seed, static_cast<uint32_t>(s)));
    } else {
      const bool gain = layout[s].parts[0].name == absl::StrCat(config.layout.norm, ".weight");
      tensors.push_back(gain ? at::ones(shape, at::kFloat) : at::zeros(shape, at::kFloat));
    }
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
  const at::Tensor pooled = Pool(hidden, batch.segments, config_.pooling());  // [B, H]
  const auto dropout = [&](const at::Tensor& x, double rate, int place) {
    const DropoutKey key{options.train ? rate : 0, options.seed, options.step,
                         place == 0 ? kHeadInputSite : kHeadSite};
    return DropoutPerText(x, batch.segments, key);
  };
  return RunHead(config_.layout, tensors_, pooled, at::Tensor(), dropout);  // [B, C]
}

at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
}

}  // namespace graft
