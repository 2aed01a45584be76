#include "tasks/adamw.h"

#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "models/kernels/optimizer_step.h"

namespace graft {

double LinearSchedule(int64_t step, int64_t steps, double warmup) {
  const auto rising = static_cast<int64_t>(std::ceil(warmup * static_cast<double>(steps)));
  if (step < rising) return static_cast<double>(step) / static_cast<double>(rising);
  return std::max(0.0, static_cast<double>(steps - step) /
                           static_cast<double>(std::max<int64_t>(1, steps - rising)));
}

AdamW::AdamW(std::vector<at::Tensor> tensors, double weight_decay) {
  for (at::Tensor& tensor : tensors) {
    const double decay = tensor.dim() >= 2 ? weight_decay : 0;
    slots_.push_back({tensor, at::zeros_like(tensor), at::zeros_like(tensor), decay});
  }
}

absl::StatusOr<double> AdamW::Step(double learning_rate, double clip) {
  std::vector<at::Tensor> gradients, values;
  for (const Slot& slot : slots_) {
    const at::Tensor gradient = slot.parameter.grad();
    gradients.push_back(gradient.is_sparse() ? gradient.coalesce() : gradient);
    values.push_back(gradient.is_sparse() ? gradients.back()._values() : gradient);
  }
  const double norm = GlobalNorm(values);
  if (!std::isfinite(norm)) {
    return absl::InternalError(absl::StrCat("step ", steps_ + 1,
                                            ": expected gradients of a finite norm, found ", norm,
                                            "; a smaller --learning-rate may help"));
  }
  // torch.nn.utils.clip_grad_norm_ adds the same 1e-6.
  const double scale = clip > 0 ? std::min(1.0, clip / (norm + 1e-6)) : 1.0;
  ++steps_;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    AdamWOptions options;
    options.learning_rate = learning_rate;
    if (gradients[i].is_sparse()) {
      options.weight_decay = 0;
      AdamWStepOfRows(slot.parameter, gradients[i]._indices()[0], values[i], slot.first_moment,
                      slot.second_moment, options, scale, steps_);
    } else {
      options.weight_decay = slot.weight_decay;
      AdamWStep(slot.parameter, values[i], slot.first_moment, slot.second_moment, options, scale,
                steps_);
    }
    slot.parameter.mutable_grad() = at::Tensor();
  }
  return norm;
}

}  // namespace graft
