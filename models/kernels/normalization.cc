#include "models/kernels/normalization.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "models/kernels/autograd.h"
#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"
#include "models/kernels/text_dropout.h"

namespace graft {

namespace plain {

void NormRow(const NormParameters& parameters, const float* x, const float* bias,
             const float* residual, const float* scales, float* y, float* normalized,
             float* inverse_deviation) {
  const int64_t width = parameters.width;
  double sum = 0;
  for (int64_t c = 0; c < width; ++c) {
    float s = x[c];
    if (bias != nullptr) s += bias[c];
    if (scales != nullptr) s *= scales[c];
    if (residual != nullptr) s += residual[c];
    y[c] = s;
    sum += s;
  }
  const double mean = sum / static_cast<double>(width);
  double squares = 0;
  for (int64_t c = 0; c < width; ++c) squares += (y[c] - mean) * (y[c] - mean);
  const double variance = squares / static_cast<double>(width);
  const double inverse = 1 / std::sqrt(variance + parameters.epsilon);
  if (inverse_deviation != nullptr) *inverse_deviation = static_cast<float>(inverse);
  for (int64_t c = 0; c < width; ++c) {
    const double n = (y[c] - mean) * inverse;
    if (normalized != nullptr) normalized[c] = static_cast<float>(n);
    y[c] = static_cast<float>(n * parameters.gamma[c] + parameters.beta[c]);
  }
}

// With g = dy * gamma and n the normalised row: ds = (g - mean(g) - n * mean(g * n)) / deviation.
void NormRowGradient(const NormParameters& parameters, const float* dy, const float* normalized,
                     float inverse_deviation, float* ds, float* dgamma, float* dbeta) {
  const int64_t width = parameters.width;
  double mean_g = 0, mean_gn = 0;
  for (int64_t c = 0; c < width; ++c) {
    const double g = static_cast<double>(dy[c]) * parameters.gamma[c];
    mean_g += g / static_cast<double>(width);
    mean_gn += g * normalized[c] / static_cast<double>(width);
  }
  for (int64_t c = 0; c < width; ++c) {
    const double g = static_cast<double>(dy[c]) * parameters.gamma[c];
    dgamma[c] += dy[c] * normalized[c];
    dbeta[c] += dy[c];
    ds[c] = static_cast<float>((g - mean_g - normalized[c] * mean_gn) * inverse_deviation);
  }
}

}  // namespace plain

namespace {

// The tensors of one call; bias and residual are undefined for a bare LayerNorm.
struct Inputs {
  at::Tensor x;         // [R, H]
  at::Tensor bias;      // [H]
  at::Tensor residual;  // [R, H]
  at::Tensor gamma;     // [H]
  at::Tensor beta;      // [H]
  float epsilon;

  NormParameters parameters() const {
    return {gamma.const_data_ptr<float>(), beta.const_data_ptr<float>(), epsilon, gamma.size(0)};
  }
};

const float* DataOrNull(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<float>() : nullptr;
}

// Fills the dropout scales of one row after another; gives null for rows without dropout.
class RowScales {
 public:
  RowScales(const Segments& segments, const DropoutKey& key, int64_t width, int64_t first_row)
      : segments_(segments), key_(key), width_(width), scales_(key.active() ? width : 0) {
    if (!key.active()) return;
    starts_ = segments.starts.const_data_ptr<int32_t>();
    text_ = TextOfRow(starts_, segments.texts(), std::min(first_row, segments.tokens));
  }

  const float* Row(int64_t row) {
    if (!key_.active() || row >= segments_.tokens) return nullptr;
    while (row >= starts_[text_ + 1]) ++text_;
    const int32_t text_id = segments_.text_ids.const_data_ptr<int32_t>()[text_];
    simd::DropoutScales(ForText(key_, text_id),
                        static_cast<uint64_t>((row - starts_[text_]) * width_), width_,
                        scales_.data());
    return scales_.data();
  }

 private:
  const Segments& segments_;
  const DropoutKey& key_;
  const int64_t width_;
  const int32_t* starts_ = nullptr;
  int64_t text_ = 0;
  std::vector<float> scales_;
};

// normalized [R, H] and inverse_deviation [R] may be undefined.
void Forward(const Inputs& in, const Segments& segments, const DropoutKey& dropout, at::Tensor& y,
             const at::Tensor& normalized, const at::Tensor& inverse_deviation) {
  const int64_t rows = in.x.size(0), width = in.x.size(1);
  const NormParameters parameters = in.parameters();
  const float *x = in.x.const_data_ptr<float>(), *residual = DataOrNull(in.residual);
  const float* bias = DataOrNull(in.bias);
  float* target = y.mutable_data_ptr<float>();
  const bool keeps = normalized.defined();
  float* kept = keeps ? normalized.mutable_data_ptr<float>() : nullptr;
  float* inverse = keeps ? inverse_deviation.mutable_data_ptr<float>() : nullptr;
  ParallelFor(rows, RowGrain(width), [&](int64_t begin, int64_t end) {
    RowScales scales(segments, dropout, width, begin);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t offset = row * width;
      simd::NormRow(parameters, x + offset, bias, residual == nullptr ? nullptr : residual + offset,
                    scales.Row(row), target + offset, keeps ? kept + offset : nullptr,
                    keeps ? inverse + row : nullptr);
    }
  });
}

struct Gradients {
  at::Tensor sum;                // [R, H], of what is normalised
  at::Tensor x;                  // [R, H], behind the dropout: `sum` itself without one
  at::Tensor bias, gamma, beta;  // [H]
};

// What dropout leaves of the gradient of a row, and its share of the bias gradient.
void DropGradientRow(const float* ds, const float* scales, int64_t width, float* dx, float* dbias) {
  for (int64_t c = 0; c < width; ++c) dx[c] = scales == nullptr ? ds[c] : ds[c] * scales[c];
  AddTo(dbias, dx, width);
}

Gradients Backward(const Inputs& in, const at::Tensor& dy, const at::Tensor& normalized,
                   const at::Tensor& inverse_deviation, const Segments& segments,
                   const DropoutKey& dropout) {
  const int64_t rows = dy.size(0), width = dy.size(1), blocks = RowBlocks(rows);
  const NormParameters parameters = in.parameters();
  Gradients gradients;
  gradients.sum = at::empty_like(dy);
  gradients.x = dropout.active() ? at::empty_like(dy) : gradients.sum;
  at::Tensor partial = at::zeros({blocks, 3 * width}, dy.options());  // of gamma, beta, bias
  const float* upstream = dy.const_data_ptr<float>();
  const float* n = normalized.const_data_ptr<float>();
  const float* inverse = inverse_deviation.const_data_ptr<float>();
  float* ds = gradients.sum.mutable_data_ptr<float>();
  float* dx = gradients.x.mutable_data_ptr<float>();
  ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    RowScales scales(segments, dropout, width, begin * kRowBlock);
    for (int64_t row = begin * kRowBlock; row < std::min(rows, end * kRowBlock); ++row) {
      const int64_t offset = row * width;
      float* sums = partial.mutable_data_ptr<float>() + row / kRowBlock * 3 * width;
      simd::NormRowGradient(parameters, upstream + offset, n + offset, inverse[row], ds + offset,
                            sums, sums + width);
      if (!in.bias.defined()) continue;
      if (dropout.active()) {
        DropGradientRow(ds + offset, scales.Row(row), width, dx + offset, sums + 2 * width);
      } else {
        AddTo(sums + 2 * width, ds + offset, width);
      }
    }
  });
  const at::Tensor sums = SumBlocks(partial);
  gradients.gamma = sums.narrow(0, 0, width);
  gradients.beta = sums.narrow(0, width, width);
  gradients.bias = sums.narrow(0, 2 * width, width);
  return gradients;
}

struct NormFunction : torch::autograd::Function<NormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& bias,
                            const std::optional<at::Tensor>& residual, const at::Tensor& gamma,
                            const at::Tensor& beta, double eps, const Segments& segments,
                            const DropoutKey& dropout) {
    const Inputs in = {x,    bias.value_or(at::Tensor()), residual.value_or(at::Tensor()), gamma,
                       beta, static_cast<float>(eps)};
    at::Tensor y = at::empty_like(x), normalized = at::empty_like(x);
    const at::Tensor inverse_deviation = at::empty({x.size(0)}, x.options());
    Forward(in, segments, dropout, y, normalized, inverse_deviation);
    context->save_for_backward({in.bias, gamma, beta, normalized, inverse_deviation});
    context->saved_data["eps"] = eps;
    Save(context, segments, dropout);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Inputs in = {.x = {},
                       .bias = saved[0],
                       .residual = {},
                       .gamma = saved[1],
                       .beta = saved[2],
                       .epsilon = static_cast<float>(context->saved_data["eps"].toDouble())};
    const Gradients result = Backward(in, Upstream(gradients), saved[3], saved[4],
                                      SavedSegments(context), SavedDropoutKey(context));
    const at::Tensor none;
    const bool fused = in.bias.defined();
    return {result.x,
            fused ? result.bias : none,
            fused ? result.sum : none,
            result.gamma,
            result.beta,
            none,
            none,
            none};
  }
};

void Check(const Inputs& in) {
  CheckFloats(in.x, 2, "LayerNorm");
  for (const at::Tensor& vector : {in.bias, in.gamma, in.beta}) {
    if (!vector.defined()) continue;
    CheckFloats(vector, 1, "LayerNorm's vectors");
    TORCH_CHECK(vector.size(0) == in.x.size(1), "LayerNorm: vector of ", vector.size(0),
                " for width ", in.x.size(1));
  }
  TORCH_CHECK(!in.residual.defined() || in.residual.sizes() == in.x.sizes(),
              "ResidualLayerNorm: residual and x differ in shape");
}

at::Tensor Norm(Inputs in, double eps, const Segments& segments, const DropoutKey& dropout,
                bool may_overwrite) {
  if (!in.beta.defined()) in.beta = at::zeros_like(in.gamma);
  Check(in);
  for (at::Tensor* tensor : {&in.x, &in.bias, &in.residual, &in.gamma, &in.beta}) {
    if (tensor->defined()) *tensor = tensor->contiguous();
  }
  if (RecordsGradient(in.x, in.bias, in.residual, in.gamma, in.beta)) {
    return NormFunction::apply(in.x, IfDefined(in.bias), IfDefined(in.residual), in.gamma, in.beta,
                               eps, segments, dropout);
  }
  at::Tensor y = may_overwrite ? in.x : at::empty_like(in.x);
  Forward(in, segments, dropout, y, {}, {});
  return y;
}

}  // namespace

at::Tensor LayerNorm(const at::Tensor& x, const at::Tensor& gamma, const at::Tensor& beta,
                     double eps) {
  return Norm({x, {}, {}, gamma, beta, static_cast<float>(eps)}, eps, Segments(), DropoutKey(),
              false);
}

at::Tensor ResidualLayerNorm(at::Tensor x, const at::Tensor& bias, const at::Tensor& residual,
                             const at::Tensor& gamma, const at::Tensor& beta, double eps,
                             const Segments& segments, const DropoutKey& dropout) {
  TORCH_CHECK(bias.defined() && residual.defined(), "ResidualLayerNorm: bias or residual missing");
  if (dropout.active()) CheckSegments(segments, x.size(0));
  return Norm({std::move(x), bias, residual, gamma, beta, static_cast<float>(eps)}, eps, segments,
              dropout, true);
}

}  // namespace graft
