#include "models/kernels/activation.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "models/kernels/autograd.h"
#include "models/kernels/loops.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {

namespace plain {
namespace {

double Sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

// A function and its slope at one place.
struct ValueAndSlope {
  double value;
  double slope;
};

// v sigmoid(u), where u has the slope du at v.
ValueAndSlope Swish(double v, double u, double du) {
  const double s = Sigmoid(u);
  return {v * s, s + v * s * (1 - s) * du};
}

ValueAndSlope Activate(Activation kind, double v) {
  switch (kind) {
    case Activation::kIdentity:
      return {v, 1};
    case Activation::kGelu: {
      const double density_at_0 = 0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
      const double cdf = 0.5 * (1 + std::erf(v / std::numbers::sqrt2));
      return {v * cdf, cdf + v * density_at_0 * std::exp(-0.5 * v * v)};
    }
    case Activation::kGeluTanh: {
      // 0.5 (1 + tanh(u)) = sigmoid(2 u)
      const double twice = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
      return Swish(v, twice * (v + 0.044715 * v * v * v), twice * (1 + 3 * 0.044715 * v * v));
    }
    case Activation::kQuickGelu:
      return Swish(v, 1.702 * v, 1.702);
    case Activation::kSilu:
      return Swish(v, v, 1);
    case Activation::kRelu:
      return {std::max(v, 0.0), v > 0 ? 1.0 : 0.0};
    case Activation::kTanh: {
      const double t = std::tanh(v);
      return {t, 1 - t * t};
    }
    case Activation::kSigmoid:
      break;
  }
  const double s = Sigmoid(v);
  return {s, s * (1 - s)};
}

float Biased(const float* x, const float* bias, int64_t c) {
  return bias == nullptr ? x[c] : x[c] + bias[c];
}

}  // namespace

void BiasActivation(Activation kind, const float* x, const float* bias, int64_t rows, int64_t width,
                    float* y) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    for (int64_t c = 0; c < width; ++c) {
      y[c] = static_cast<float>(Activate(kind, Biased(x, bias, c)).value);
    }
  }
}

void BiasActivationGradient(Activation kind, const float* x, const float* bias, const float* dy,
                            int64_t rows, int64_t width, float* dx, float* dbias) {
  for (int64_t row = 0; row < rows; ++row, x += width, dy += width, dx += width) {
    for (int64_t c = 0; c < width; ++c) {
      dx[c] = dy[c] * static_cast<float>(Activate(kind, Biased(x, bias, c)).slope);
      if (dbias != nullptr) dbias[c] += dx[c];
    }
  }
}

void GatedActivation(Activation kind, GatedHalf activated, const float* x, const float* bias,
                     int64_t rows, int64_t width, float* y) {
  const int64_t first = ActivatedHalf(activated, width), other = width - first;
  for (int64_t row = 0; row < rows; ++row, x += 2 * width, y += width) {
    for (int64_t c = 0; c < width; ++c) {
      const double f = Activate(kind, Biased(x, bias, first + c)).value;
      y[c] = static_cast<float>(f) * Biased(x, bias, other + c);
    }
  }
}

void GatedActivationGradient(Activation kind, GatedHalf activated, const float* x,
                             const float* bias, const float* dy, int64_t rows, int64_t width,
                             float* dx, float* dbias) {
  const int64_t first = ActivatedHalf(activated, width), other = width - first;
  for (int64_t row = 0; row < rows; ++row, x += 2 * width, dy += width, dx += 2 * width) {
    for (int64_t c = 0; c < width; ++c) {
      const ValueAndSlope f = Activate(kind, Biased(x, bias, first + c));
      dx[first + c] = dy[c] * Biased(x, bias, other + c) * static_cast<float>(f.slope);
      dx[other + c] = dy[c] * static_cast<float>(f.value);
    }
    if (dbias != nullptr) AddTo(dbias, dx, 2 * width);
  }
}

}  // namespace plain

namespace {

const float* DataOrNull(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<float>() : nullptr;
}

template <GatedHalf activated>
void Gated(Activation kind, const float* x, const float* bias, int64_t rows, int64_t width,
           float* y) {
  simd::GatedActivation(kind, activated, x, bias, rows, width, y);
}

template <GatedHalf activated>
void GatedGradient(Activation kind, const float* x, const float* bias, const float* dy,
                   int64_t rows, int64_t width, float* dx, float* dbias) {
  simd::GatedActivationGradient(kind, activated, x, bias, dy, rows, width, dx, dbias);
}

// One of the operations: its loops, and the columns of its result for those of x.
struct Operation {
  BiasActivationLoop* forward;
  BiasActivationGradientLoop* backward;
  int64_t halves;  // 2 when it makes one column of two
};

constexpr GatedHalf kFirst = GatedHalf::kFirst, kSecond = GatedHalf::kSecond;
constexpr Operation kOperations[] = {
    {simd::BiasActivation, simd::BiasActivationGradient, 1},
    {Gated<kFirst>, GatedGradient<kFirst>, 2},
    {Gated<kSecond>, GatedGradient<kSecond>, 2},
};

// Places in kOperations.
constexpr int64_t kBias = 0;
int64_t GatedOperation(GatedHalf activated) { return activated == kFirst ? 1 : 2; }

void Forward(const Operation& operation, Activation kind, const at::Tensor& x,
             const at::Tensor& bias, at::Tensor& y) {
  const int64_t columns = x.size(1), width = y.size(1);
  const float *source = x.const_data_ptr<float>(), *shift = DataOrNull(bias);
  float* target = y.mutable_data_ptr<float>();
  ParallelFor(x.size(0), RowGrain(columns), [&](int64_t begin, int64_t end) {
    operation.forward(kind, source + begin * columns, shift, end - begin, width,
                      target + begin * width);
  });
}

struct ActivationFunction : torch::autograd::Function<ActivationFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& bias, int64_t number,
                            Activation kind) {
    const at::Tensor shift = bias.value_or(at::Tensor());
    context->save_for_backward({x, shift});
    context->saved_data["operation"] = number;
    context->saved_data["kind"] = static_cast<int64_t>(kind);
    const Operation& operation = kOperations[number];
    at::Tensor y = at::empty({x.size(0), x.size(1) / operation.halves}, x.options());
    Forward(operation, kind, x, shift, y);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const Operation& operation = kOperations[context->saved_data["operation"].toInt()];
    const auto kind = static_cast<Activation>(context->saved_data["kind"].toInt());
    const at::Tensor &x = saved[0], &bias = saved[1];  // [R, M], [M]
    const at::Tensor dy = Upstream(gradients);
    const int64_t rows = x.size(0), columns = x.size(1), width = dy.size(1);
    const int64_t blocks = RowBlocks(rows);
    at::Tensor dx = at::empty_like(x);
    at::Tensor partial;  // [blocks, M]
    if (bias.defined()) partial = at::zeros({blocks, columns}, x.options());
    ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * kRowBlock;
        operation.backward(
            kind, x.const_data_ptr<float>() + first * columns, DataOrNull(bias),
            dy.const_data_ptr<float>() + first * width, std::min(kRowBlock, rows - first), width,
            dx.mutable_data_ptr<float>() + first * columns,
            bias.defined() ? partial.mutable_data_ptr<float>() + block * columns : nullptr);
      }
    });
    return {dx, bias.defined() ? SumBlocks(partial) : at::Tensor(), {}, {}};
  }
};

void Check(const at::Tensor& x, const at::Tensor& bias, const char* what) {
  CheckFloats(x, 2, what);
  if (!bias.defined()) return;
  CheckFloats(bias, 1, what);
  TORCH_CHECK(bias.size(0) == x.size(1), what, ": bias of ", bias.size(0), " for width ",
              x.size(1));
}

at::Tensor Contiguous(const at::Tensor& x) { return x.defined() ? x.contiguous() : x; }

}  // namespace

at::Tensor BiasActivation(at::Tensor x, const at::Tensor& bias, Activation kind) {
  Check(x, bias, "BiasActivation");
  if (kind == Activation::kIdentity && !bias.defined()) return x;
  x = x.contiguous();
  if (RecordsGradient(x, bias)) {
    return ActivationFunction::apply(x, IfDefined(Contiguous(bias)), kBias, kind);
  }
  Forward(kOperations[kBias], kind, x, Contiguous(bias), x);
  return x;
}

at::Tensor GatedActivation(const at::Tensor& x, const at::Tensor& bias, Activation kind,
                           GatedHalf activated) {
  Check(x, bias, "GatedActivation");
  TORCH_CHECK(x.size(1) % 2 == 0, "GatedActivation: an odd width, ", x.size(1));
  const int64_t number = GatedOperation(activated);
  if (RecordsGradient(x, bias)) {
    return ActivationFunction::apply(x.contiguous(), IfDefined(Contiguous(bias)), number, kind);
  }
  at::Tensor y = at::empty({x.size(0), x.size(1) / 2}, x.options());
  Forward(kOperations[number], kind, x.contiguous(), Contiguous(bias), y);
  return y;
}

}  // namespace graft
