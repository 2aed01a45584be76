#include "tasks/head_weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"

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

std::vector<at::Tensor> NewHeadTensors(const HeadLayout& layout,
                                       const std::vector<SlotLayout>& slots, double deviation,
                                       uint64_t seed, std::vector<at::Tensor> first) {
  std::vector<at::Tensor> tensors = std::move(first);
  for (size_t s = tensors.size(); s < slots.size(); ++s) {
    const std::vector<int64_t> shape = slots[s].shape();
    if (shape.size() == 2) {
      tensors.push_back(NormalTensor(shape, deviation, seed, static_cast<uint32_t>(s)));
    } else {
      const bool gain = slots[s].parts[0].name == absl::StrCat(layout.norm, ".weight");
      tensors.push_back(gain ? at::ones(shape, at::kFloat) : at::zeros(shape, at::kFloat));
    }
  }
  return tensors;
}

std::vector<at::Tensor> NewComposerTensors(const Composer& composer, uint64_t seed) {
  const std::vector<SlotLayout> slots = ComposerSlots(composer);
  const std::vector<double> deviations = ComposerDeviations(composer);
  std::vector<at::Tensor> tensors;
  for (size_t s = 0; s < slots.size(); ++s) {
    const std::vector<int64_t> shape = slots[s].shape();
    tensors.push_back(deviations[s] > 0
                          ? NormalTensor(shape, deviations[s], seed, static_cast<uint32_t>(s))
                          : at::zeros(shape, at::kFloat));
  }
  return tensors;
}

at::Tensor NewTable(int64_t rows, int64_t width, double deviation, uint64_t seed) {
  constexpr uint32_t kTableSlot = 0xFFFF;  // no head has so many
  return NormalTensor({rows, width}, deviation, seed, kTableSlot);
}

std::vector<at::Tensor> TrainableCopies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> copies;
  for (const at::Tensor& tensor : tensors)
    copies.push_back(tensor.detach().clone().set_requires_grad(true));
  return copies;
}

DropoutKey HeadDropoutKey(const PassOptions& options, double rate, int place) {
  return {options.train ? rate : 0, options.seed, options.step,
          place == 0 ? kHeadInputSite : kHeadSite};
}

}  // namespace graft
