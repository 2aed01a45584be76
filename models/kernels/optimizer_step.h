// One step of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) as torch.optim.AdamW computes
// it.
#ifndef GRAFT_MODELS_KERNELS_OPTIMIZER_STEP_H_
#define GRAFT_MODELS_KERNELS_OPTIMIZER_STEP_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace graft {

struct AdamWOptions {
  double learning_rate = 5e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  // decoupled: the parameter shrinks by learning_rate * weight_decay
};

// Updates one parameter and its moments in place, all float32, contiguous and of one size. The
// gradient is multiplied by `gradient_scale` first (clipping). `step` counts from 1 (bias
// correction). One pass over memory, all threads.
void AdamWStep(const at::Tensor& parameter, const at::Tensor& gradient,
               const at::Tensor& first_moment, const at::Tensor& second_moment,
               const AdamWOptions& options, double gradient_scale, int64_t step);

// The same for some rows of a parameter [W, D]: `rows` int64 [n], different ones, `gradient` [n,
// D]. The other rows and their moments stay as they are, though `step` counts for all, as in
// torch.optim.SparseAdam, which adds epsilon before the bias correction instead of behind it.
void AdamWStepOfRows(const at::Tensor& parameter, const at::Tensor& rows,
                     const at::Tensor& gradient, const at::Tensor& first_moment,
                     const at::Tensor& second_moment, const AdamWOptions& options,
                     double gradient_scale, int64_t step);

// sqrt of the sum of squares of all elements of all gradients, summed in double in an order that
// depends only on the sizes: the same for every thread count.
double GlobalNorm(const std::vector<at::Tensor>& gradients);

}  // namespace graft

#endif  // GRAFT_MODELS_KERNELS_OPTIMIZER_STEP_H_
