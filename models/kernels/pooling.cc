#include "models/kernels/pooling.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "models/kernels/autograd.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {

namespace {

// The rows of one text.
struct Text {
  int64_t first;
  int64_t last;  // its last row itself
  int64_t tokens() const { return last - first + 1; }
};

Text TextRows(const Segments& segments, int64_t text) {
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  return {starts[text], starts[text + 1] - 1};
}

void PoolMean(const float* x, const Text& text, int64_t width, float* y) {
  std::copy_n(x + text.first * width, width, y);
  for (int64_t row = text.first + 1; row <= text.last; ++row) AddTo(y, x + row * width, width);
  const float tokens = static_cast<float>(text.tokens());
  for (int64_t c = 0; c < width; ++c) y[c] /= tokens;
}

// `chosen` [width], the row of each maximum, is written when not null.
void PoolMax(const float* x, const Text& text, int64_t width, float* y, int32_t* chosen) {
  for (int64_t c = 0; c < width; ++c) {
    int64_t best = text.first;
    for (int64_t row = text.first + 1; row <= text.last; ++row) {
      if (x[row * width + c] > x[best * width + c]) best = row;
    }
    y[c] = x[best * width + c];
    if (chosen != nullptr) chosen[c] = static_cast<int32_t>(best);
  }
}

// chosen int32 [B, H] may be undefined.
at::Tensor Forward(const at::Tensor& hidden, const Segments& segments, Pooling pooling,
                   const at::Tensor& chosen) {
  const int64_t width = hidden.size(1);
  at::Tensor pooled = at::empty({segments.texts(), width}, hidden.options().requires_grad(false));
  const float* x = hidden.const_data_ptr<float>();
  ParallelFor(segments.texts(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const Text text = TextRows(segments, b);
      float* y = pooled.mutable_data_ptr<float>() + b * width;
      int32_t* rows = chosen.defined() ? chosen.mutable_data_ptr<int32_t>() + b * width : nullptr;
      switch (pooling) {
        case Pooling::kCls:
          std::copy_n(x + text.first * width, width, y);
          break;
        case Pooling::kLast:
          std::copy_n(x + text.last * width, width, y);
          break;
        case Pooling::kMean:
          PoolMean(x, text, width, y);
          break;
        case Pooling::kMax:
          PoolMax(x, text, width, y, rows);
          break;
      }
    }
  });
  return pooled;
}

// Gradient of the rows of one text; dx points to row 0 of the batch and is 0 in these rows.
void PoolGradient(const float* dy, const Text& text, Pooling pooling, const int32_t* chosen,
                  int64_t width, float* dx) {
  const float tokens = static_cast<float>(text.tokens());
  switch (pooling) {
    case Pooling::kCls:
      std::copy_n(dy, width, dx + text.first * width);
      break;
    case Pooling::kLast:
      std::copy_n(dy, width, dx + text.last * width);
      break;
    case Pooling::kMean:
      for (int64_t row = text.first; row <= text.last; ++row) {
        for (int64_t c = 0; c < width; ++c) dx[row * width + c] = dy[c] / tokens;
      }
      break;
    case Pooling::kMax:
      for (int64_t c = 0; c < width; ++c) dx[chosen[c] * width + c] = dy[c];
      break;
  }
}

at::Tensor Backward(const at::Tensor& dy, const Segments& segments, int64_t rows, Pooling pooling,
                    const at::Tensor& chosen) {
  const int64_t width = dy.size(1);
  at::Tensor dx = at::empty({rows, width}, dy.options());
  float* target = dx.mutable_data_ptr<float>();
  ParallelFor(segments.texts(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const Text text = TextRows(segments, b);
      std::fill_n(target + text.first * width, text.tokens() * width, 0.0f);
      PoolGradient(dy.const_data_ptr<float>() + b * width, text, pooling,
                   chosen.defined() ? chosen.const_data_ptr<int32_t>() + b * width : nullptr, width,
                   target);
    }
  });
  std::fill(target + segments.tokens * width, target + rows * width, 0.0f);
  return dx;
}

struct PoolFunction : torch::autograd::Function<PoolFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden,
                            const Segments& segments, Pooling pooling) {
    at::Tensor chosen;
    if (pooling == Pooling::kMax) {
      chosen = at::empty({segments.texts(), hidden.size(1)}, segments.starts.options());
    }
    Save(context, segments, DropoutKey());
    context->save_for_backward({chosen});
    context->saved_data["rows"] = hidden.size(0);
    context->saved_data["pooling"] = static_cast<int64_t>(pooling);
    return Forward(hidden, segments, pooling, chosen);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto pooling = static_cast<Pooling>(context->saved_data["pooling"].toInt());
    const at::Tensor dx =
        Backward(Upstream(gradients), SavedSegments(context), context->saved_data["rows"].toInt(),
                 pooling, context->get_saved_variables()[0]);
    return {dx, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor Pool(const at::Tensor& hidden, const Segments& segments, Pooling pooling) {
  CheckFloats(hidden, 2, "Pool");
  CheckSegments(segments, hidden.size(0));
  for (int64_t b = 0; b < segments.texts(); ++b) {
    TORCH_CHECK(TextRows(segments, b).tokens() > 0, "Pool: text ", b, " has no tokens");
  }
  const at::Tensor x = hidden.contiguous();
  if (RecordsGradient(x)) return PoolFunction::apply(x, segments, pooling);
  return Forward(x, segments, pooling, {});
}

}  // namespace graft
