// The whole classifier against transformers: logits, loss and the gradient of every parameter.
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tasks/model_folder.h"
#include "tasks/sequence_classifier.h"
#include "tests/support/golden_encoder.h"

namespace graft {
namespace {

using testing::AllTexts;
using testing::Expected;
using testing::GoldenFolder;
using testing::GoldenText;
using testing::GoldenTexts;
using testing::MaxDifference;
using testing::PackTexts;

class GoldenClassifier : public ::testing::Test {
 protected:
  GoldenClassifier() : model_(*LoadModel(GoldenFolder("bert-tiny"))) {}

  at::Tensor Labels(const std::vector<size_t>& order) const {
    std::vector<int64_t> labels;
    for (const size_t t : order) labels.push_back(texts_[t].label);
    return at::tensor(labels, at::kLong);
  }

  // Largest |g| of all parameters: some gradients are zero but for rounding (the key's bias), and
  // only this tells how much that is.
  double LargestExpectedGradient() const {
    double largest = 0;
    const auto file = WeightFiles::Open(GoldenFolder("bert-tiny") + "/expected.safetensors");
    for (const TensorInfo& tensor : file->tensors()) {
      if (!tensor.name.starts_with("grad.")) continue;
      largest = std::max(largest, Expected("bert-tiny", tensor.name).abs().max().item<double>());
    }
    return largest;
  }

  const std::vector<GoldenText> texts_ = GoldenTexts("bert-tiny");
  const LoadedModel model_;
};

TEST_F(GoldenClassifier, LogitsEqualTransformers) {
  const c10::AutoGradMode no_grad(false);
  const Batch batch = PackTexts(texts_, AllTexts(texts_));
  const at::Tensor logits = model_.head->Forward(model_.backbone->Run(batch, {}), batch, {});
  for (size_t t = 0; t < texts_.size(); ++t) {
    const at::Tensor expected = Expected("bert-tiny", absl::StrCat("text", t, ".logits"));
    EXPECT_LE(MaxDifference(logits[static_cast<int64_t>(t)], expected), 1e-5) << "text " << t;
  }
}

// Gradients of the mean loss over all texts by name, accumulated over the parts of a step.
std::vector<NamedTensor> Gradients(const Backbone& backbone, const SequenceClassifier& head,
                                   const std::vector<Batch>& parts,
                                   const std::vector<at::Tensor>& labels, int64_t texts,
                                   double* loss_sum) {
  *loss_sum = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Batch& batch = parts[i];
    const at::Tensor loss =
        CrossEntropySum(head.Forward(backbone.Run(batch, {}), batch, {}), labels[i]);
    loss.div(static_cast<double>(texts)).backward();
    *loss_sum += loss.item<double>();
  }
  std::vector<NamedTensor> gradients;
  for (int s = backbone.frozen_stages(); s < backbone.stages(); ++s) {
    std::vector<at::Tensor> grads;
    for (const at::Tensor& tensor : backbone.stage(s).tensors) grads.push_back(tensor.grad());
    for (NamedTensor& named : NamedParts(backbone.stage(s).layout, grads)) {
      gradients.push_back({"grad.bert." + named.name, named.value});
    }
  }
  std::vector<at::Tensor> grads;
  for (const at::Tensor& tensor : head.tensors()) grads.push_back(tensor.grad());
  for (NamedTensor& named : NamedParts(SequenceClassifier::Layout(head.config()), grads)) {
    const bool pooler = named.name.starts_with("pooler.");
    gradients.push_back({(pooler ? "grad.bert." : "grad.") + named.name, named.value});
  }
  return gradients;
}

TEST_F(GoldenClassifier, GradientsOfAllParametersEqualTransformersAtEveryFreezeDepth) {
  const std::vector<size_t> order = AllTexts(texts_);
  const double largest = LargestExpectedGradient();
  for (const std::string freeze : {"none", "0", "1", "2"}) {
    const auto backbone = model_.backbone->Trainable(*FreezePlan::Parse(freeze, 2));
    const SequenceClassifier head = model_.head->Trainable();
    double loss = 0;
    const auto gradients = Gradients(*backbone, head, {PackTexts(texts_, order)}, {Labels(order)},
                                     static_cast<int64_t>(texts_.size()), &loss);
    EXPECT_NEAR(loss / static_cast<double>(texts_.size()),
                Expected("bert-tiny", "loss").item<double>(), 1e-6);
    size_t compared = 0;
    for (const NamedTensor& gradient : gradients) {
      const at::Tensor expected = Expected("bert-tiny", gradient.name);
      const double scale = std::max(expected.abs().max().item<double>(), 1e-3 * largest);
      EXPECT_LE(MaxDifference(gradient.value, expected), 1e-4 * scale)
          << gradient.name << " freeze " << freeze;
      ++compared;
    }
    EXPECT_EQ(compared, gradients.size());
    if (freeze == "none") {
      EXPECT_EQ(compared, 5u + 2u * 16u + 4u);
    }
  }
}

TEST_F(GoldenClassifier, SplittingAStepGivesTheSameGradients) {
  const std::vector<size_t> order = AllTexts(texts_);
  std::vector<std::vector<NamedTensor>> results;
  for (const size_t cut : {order.size(), size_t{3}, size_t{1}}) {
    std::vector<Batch> parts;
    std::vector<at::Tensor> labels;
    for (size_t begin = 0; begin < order.size(); begin += cut) {
      const std::vector<size_t> part(order.begin() + begin,
                                     order.begin() + std::min(begin + cut, order.size()));
      parts.push_back(PackTexts(texts_, part));
      labels.push_back(Labels(part));
    }
    const auto backbone = model_.backbone->Trainable(FreezePlan());
    const SequenceClassifier head = model_.head->Trainable();
    double loss = 0;
    results.push_back(
        Gradients(*backbone, head, parts, labels, static_cast<int64_t>(texts_.size()), &loss));
  }
  for (size_t r = 1; r < results.size(); ++r) {
    for (size_t i = 0; i < results[0].size(); ++i) {
      const double scale = std::max(1e-3 * LargestExpectedGradient(),
                                    results[0][i].value.abs().max().item<double>());
      EXPECT_LE(MaxDifference(results[0][i].value, results[r][i].value), 1e-5 * scale)
          << results[0][i].name;
    }
  }
}

}  // namespace
}  // namespace graft
