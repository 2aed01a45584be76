#include "models/kernels/activation.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/kernels/autograd.h"
#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {

namespace plain {

void BiasGelu(const float* x, const float* bias, int64_t rows, int64_t width, float* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < width; ++c) {
      const double v = x[row * width + c] + bias[c];
      y[row * width + c] = static_cast<float>(v * 0.5 * (1 + std::erf(v / std::numbers::sqrt2)));
    }
  }
}

void BiasGeluGradient(const float* x, const float* bias, const float* dy, int64_t rows,
                      int64_t width, float* dx, float* dbias) {
  const double density_at_0 = 0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < width; ++c) {
      const double v = x[row * width + c] + bias[c];
      const double cdf = 0.5 * (1 + std::erf(v / std::numbers::sqrt2));
      const double slope = cdf + v * density_at_0 * std::exp(-0.5 * v * v);
      dx[row * width + c] = dy[row * width + c] * static_cast<float>(slope);
      dbias[c] += dx[row * width + c];
    }
  }
}

}  // namespace plain

namespace {

void Forward(const at::Tensor& x, const at::Tensor& bias, at::Tensor& y) {
  const int64_t width = x.size(1);
  const float* source = x.const_data_ptr<float>();
  const float* shift = bias.const_data_ptr<float>();
  float* target = y.mutable_data_ptr<float>();
  ParallelFor(x.size(0), RowGrain(width), [&](int64_t begin, int64_t end) {
    simd::BiasGelu(source + begin * width, shift, end - begin, width, target + begin * width);
  });
}

struct BiasGeluFunction : torch::autograd::Function<BiasGeluFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& bias) {
    context->save_for_backward({x, bias});
    at::Tensor y = at::empty_like(x);
    Forward(x, bias, y);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &bias = saved[1];  // [R, M], [M]
    const at::Tensor dy = Upstream(gradients);
    const int64_t rows = x.size(0), width = x.size(1), blocks = RowBlocks(rows);
    at::Tensor dx = at::empty_like(x);
    at::Tensor partial = at::zeros({blocks, width}, x.options());
    ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * kRowBlock, offset = first * width;
        simd::BiasGeluGradient(x.const_data_ptr<float>() + offset, bias.const_data_ptr<float>(),
                               dy.const_data_ptr<float>() + offset,
                               std::min(kRowBlock, rows - first), width,
                               dx.mutable_data_ptr<float>() + offset,
                               partial.mutable_data_ptr<float>() + block * width);
      }
    });
    return {dx, SumBlocks(partial)};
  }
};

}  // namespace

at::Tensor BiasGelu(at::Tensor x, const at::Tensor& bias) {
  CheckFloats(x, 2, "BiasGelu");
  CheckFloats(bias, 1, "BiasGelu's bias");
  TORCH_CHECK(bias.size(0) == x.size(1), "BiasGelu: bias of ", bias.size(0), " for width ",
              x.size(1));
  x = x.contiguous();
  if (RecordsGradient(x, bias)) return BiasGeluFunction::apply(x, bias.contiguous());
  Forward(x, bias.contiguous(), x);
  return x;
}

}  // namespace graft
