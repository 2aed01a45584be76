// What the differentiable operations of this folder share. Heavy (LibTorch's autograd): for .cc
// files only.
#ifndef GRAFT_MODELS_KERNELS_AUTOGRAD_H_
#define GRAFT_MODELS_KERNELS_AUTOGRAD_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "models/kernels/dropout.h"
#include "models/kernels/segments.h"

namespace graft {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Whether an operation has to record a graph; without one it saves nothing and may work in place.
template <typename... Tensors>
bool RecordsGradient(const Tensors&... tensors) {
  return at::GradMode::is_enabled() && ((tensors.defined() && tensors.requires_grad()) || ...);
}

// LibTorch's functions take no undefined tensors, but absent ones.
inline std::optional<at::Tensor> IfDefined(const at::Tensor& x) {
  return x.defined() ? std::optional<at::Tensor>(x) : std::nullopt;
}

inline void Save(AutogradContext* context, const Segments& segments, const DropoutKey& key) {
  auto& data = context->saved_data;
  data["starts"] = segments.starts;
  data["text_ids"] = segments.text_ids;
  data["tokens"] = segments.tokens;
  data["longest"] = segments.longest;
  data["rate"] = key.rate;
  data["seed"] = static_cast<int64_t>(key.seed);
  data["step"] = static_cast<int64_t>(key.step);
  data["site"] = static_cast<int64_t>(key.site);
}

inline Segments SavedSegments(AutogradContext* context) {
  auto& data = context->saved_data;
  return {.starts = data["starts"].toTensor(),
          .text_ids = data["text_ids"].toTensor(),
          .tokens = data["tokens"].toInt(),
          .longest = data["longest"].toInt()};
}

inline DropoutKey SavedDropoutKey(AutogradContext* context) {
  auto& data = context->saved_data;
  return {.rate = data["rate"].toDouble(),
          .seed = static_cast<uint64_t>(data["seed"].toInt()),
          .step = static_cast<uint32_t>(data["step"].toInt()),
          .site = static_cast<uint32_t>(data["site"].toInt())};
}

// The gradient that arrives at an operation with one result, as its loops read it.
inline at::Tensor Upstream(const variable_list& gradients) {
  TORCH_CHECK(!at::GradMode::is_enabled(), "this operation has no second derivative");
  return gradients[0].contiguous();
}

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_AUTOGRAD_H_
