#include "models/head.h"

#include <ATen/ops/cat.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/kernels/activation.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"

namespace graft {

std::vector<SlotLayout> HeadSlots(const HeadLayout& l, int64_t hidden_size, int64_t outputs) {
  std::vector<SlotLayout> slots;
  const auto add = [&](const std::string& module, std::string_view what,
                       std::vector<int64_t> shape) {
    slots.push_back({{{absl::StrCat(module, ".", what), std::move(shape)}}});
  };
  int64_t width = hidden_size;
  if (!l.dense.empty()) {
    width = l.dense_size > 0 ? l.dense_size : hidden_size;
    add(l.dense, "weight", {width, hidden_size});
    if (l.dense_bias) add(l.dense, "bias", {width});
  }
  const auto add_norm = [&](std::string_view what) {
    add(l.norm, what, {width});
    if (!l.other_norm.empty()) {
      slots.back().parts[0].other_name = absl::StrCat(l.other_norm, ".", what);
    }
  };
  if (!l.norm.empty()) {
    add_norm("weight");
    if (l.norm_bias) add_norm("bias");
  }
  if (!l.tied) add(l.output, "weight", {outputs, width - l.output_rest_size});
  if (l.output_bias) {
    add(l.output, "bias", {outputs});
    // Tied biases are stored under one of their two names.
    if (!l.output_bias_name.empty()) slots.back().parts[0].other_name = l.output_bias_name;
  }
  if (!l.output_rest.empty()) add(l.output_rest, "weight", {l.output_rest_size, outputs});
  return slots;
}

at::Tensor RunHead(const HeadLayout& l, const std::vector<at::Tensor>& tensors, at::Tensor x,
                   const at::Tensor& table, const HeadDropout& dropout) {
  const at::Tensor none;
  auto next = tensors.begin();
  const auto take = [&](bool there) { return there ? *next++ : none; };
  if (!l.dense.empty()) {
    if (l.input_dropout > 0) x = dropout(x, l.input_dropout, 0);
    const at::Tensor weight = take(true), bias = take(l.dense_bias);
    x = BiasActivation(Linear(x, weight, none), bias, l.activation);
  }
  if (!l.norm.empty()) {
    const at::Tensor gamma = take(true), beta = take(l.norm_bias);
    x = LayerNorm(x, gamma, beta, l.norm_eps);
  }
  if (l.dropout > 0) x = dropout(x, l.dropout, 1);
  const at::Tensor weight = l.tied ? table : take(true), bias = take(l.output_bias);
  if (l.output_rest.empty()) return Linear(x, weight, bias);
  return Linear(x, at::cat({weight, take(true).t()}, 1), bias);
}

}  // namespace graft
