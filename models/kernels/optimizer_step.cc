#include "models/kernels/optimizer_step.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {

namespace plain {

void AdamW(const AdamWCoefficients& coefficients, int64_t count, const float* gradient,
           float* parameter, float* first_moment, float* second_moment) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * coefficients.gradient_scale;
    float& m = first_moment[i];
    float& v = second_moment[i];
    m += coefficients.first_weight * (g - m);
    v = v * coefficients.beta2 + coefficients.second_weight * g * g;
    const float denominator = std::sqrt(v) / coefficients.second_unbias + coefficients.epsilon;
    parameter[i] = parameter[i] * coefficients.decay + coefficients.negative_step * m / denominator;
  }
}

double SumOfSquares(const float* x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

}  // namespace plain

namespace {

constexpr int64_t kBlock = 16384;  // elements; fixed, because sums hang on it

AdamWCoefficients Coefficients(const AdamWOptions& options, double gradient_scale, int64_t step) {
  const double first_unbias = 1 - std::pow(options.beta1, static_cast<double>(step));
  const double second_unbias = 1 - std::pow(options.beta2, static_cast<double>(step));
  return {
      .gradient_scale = static_cast<float>(gradient_scale),
      .decay = static_cast<float>(1 - options.learning_rate * options.weight_decay),
      .first_weight = static_cast<float>(1 - options.beta1),
      .beta2 = static_cast<float>(options.beta2),
      .second_weight = static_cast<float>(1 - options.beta2),
      .second_unbias = static_cast<float>(std::sqrt(second_unbias)),
      .epsilon = static_cast<float>(options.epsilon),
      .negative_step = static_cast<float>(-options.learning_rate / first_unbias),
  };
}

void CheckStep(const std::vector<at::Tensor>& tensors, int64_t step) {
  for (const at::Tensor& x : tensors) {
    TORCH_CHECK(x.scalar_type() == at::kFloat && x.is_contiguous() && x.device().is_cpu() &&
                    x.sizes() == tensors[0].sizes(),
                "AdamWStep: expected contiguous float32 CPU tensors of one size");
  }
  TORCH_CHECK(step >= 1, "AdamWStep: step ", step, " is below 1");
}

}  // namespace

void AdamWStep(const at::Tensor& parameter, const at::Tensor& gradient,
               const at::Tensor& first_moment, const at::Tensor& second_moment,
               const AdamWOptions& options, double gradient_scale, int64_t step) {
  CheckStep({parameter, gradient, first_moment, second_moment}, step);
  const AdamWCoefficients coefficients = Coefficients(options, gradient_scale, step);
  const float* g = gradient.const_data_ptr<float>();
  float* p = parameter.mutable_data_ptr<float>();
  float* m = first_moment.mutable_data_ptr<float>();
  float* v = second_moment.mutable_data_ptr<float>();
  const int64_t count = parameter.numel(), blocks = (count + kBlock - 1) / kBlock;
  ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    const int64_t offset = begin * kBlock, last = std::min(count, end * kBlock);
    simd::AdamW(coefficients, last - offset, g + offset, p + offset, m + offset, v + offset);
  });
}

void AdamWStepOfRows(const at::Tensor& parameter, const at::Tensor& rows,
                     const at::Tensor& gradient, const at::Tensor& first_moment,
                     const at::Tensor& second_moment, const AdamWOptions& options,
                     double gradient_scale, int64_t step) {
  CheckStep({parameter, first_moment, second_moment}, step);
  CheckFloats(gradient, 2, "AdamWStepOfRows");
  const int64_t count = rows.size(0), width = parameter.size(1), size = parameter.size(0);
  TORCH_CHECK(rows.scalar_type() == at::kLong && rows.is_contiguous() && gradient.is_contiguous() &&
                  gradient.size(0) == count && gradient.size(1) == width,
              "AdamWStepOfRows: expected int64 rows and a gradient for each");
  const AdamWCoefficients coefficients = Coefficients(options, gradient_scale, step);
  const int64_t* row = rows.const_data_ptr<int64_t>();
  const float* g = gradient.const_data_ptr<float>();
  float* p = parameter.mutable_data_ptr<float>();
  float* m = first_moment.mutable_data_ptr<float>();
  float* v = second_moment.mutable_data_ptr<float>();
  ParallelFor(count, RowGrain(width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      TORCH_CHECK(row[i] >= 0 && row[i] < size, "AdamWStepOfRows: row ", row[i], " of ", size);
      const int64_t at = row[i] * width;
      simd::AdamW(coefficients, width, g + i * width, p + at, m + at, v + at);
    }
  });
}

double GlobalNorm(const std::vector<at::Tensor>& gradients) {
  struct Block {
    const float* data;
    int64_t count;
  };
  std::vector<at::Tensor> kept;
  std::vector<Block> blocks;
  for (const at::Tensor& gradient : gradients) {
    TORCH_CHECK(gradient.scalar_type() == at::kFloat && gradient.device().is_cpu(),
                "GlobalNorm: expected float32 CPU tensors");
    kept.push_back(gradient.contiguous());
    const float* data = kept.back().const_data_ptr<float>();
    for (int64_t i = 0; i < gradient.numel(); i += kBlock) {
      blocks.push_back({data + i, std::min(kBlock, gradient.numel() - i)});
    }
  }
  std::vector<double> sums(blocks.size());
  ParallelFor(static_cast<int64_t>(blocks.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      sums[i] = simd::SumOfSquares(blocks[i].data, blocks[i].count);
    }
  });
  double total = 0;
  for (double sum : sums) total += sum;
  return std::sqrt(total);
}

}  // namespace graft
