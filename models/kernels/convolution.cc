#include "models/kernels/convolution.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "models/kernels/autograd.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {

int64_t ConvolutionShape::columns() const {
  return filters * std::accumulate(widths.begin(), widths.end(), int64_t{0});
}

namespace {

// The filters of one width over one text.
struct Filters {
  int64_t width;
  int64_t count;
  int64_t tokens;
  int64_t columns;  // of a row of products

  // The places of the window that begins at token `first`, which may be below 0, that lie in the
  // text: [begin, end).
  int64_t begin(int64_t first) const { return std::max<int64_t>(0, -first); }
  int64_t end(int64_t first) const { return std::min(width, tokens - first); }
  // Column of a place's first filter, within those of the width.
  int64_t column(int64_t place) const { return place * count; }
};

// value [count] = bias + the products of one window. `x`: the text's first token, at the columns of
// the width.
void SumWindow(const Filters& f, const float* x, const float* bias, int64_t first, float* value) {
  std::copy_n(bias, f.count, value);
  for (int64_t place = f.begin(first); place < f.end(first); ++place) {
    AddTo(value, x + (first + place) * f.columns + f.column(place), f.count);
  }
}

// NaN is one, and stays: what it says of weights must not get lost.
bool IsNewMaximum(float value, float before) { return !(value <= before) && before == before; }

// y [count] = max(0, the largest of all windows); `chosen` [count], unless it is null: the first
// token of the window that has it, or INT32_MIN where that is not above 0.
void MaxOfText(const Filters& f, const float* x, const float* bias, float* value, float* y,
               int32_t* chosen) {
  std::fill_n(y, f.count, 0.0f);
  if (chosen != nullptr) std::fill_n(chosen, f.count, INT32_MIN);
  for (int64_t first = 1 - f.width; first < f.tokens; ++first) {
    SumWindow(f, x, bias, first, value);
    if (chosen == nullptr) {
      for (int64_t c = 0; c < f.count; ++c) y[c] = IsNewMaximum(value[c], y[c]) ? value[c] : y[c];
      continue;
    }
    for (int64_t c = 0; c < f.count; ++c) {
      const bool larger = IsNewMaximum(value[c], y[c]);
      y[c] = larger ? value[c] : y[c];
      chosen[c] = larger ? static_cast<int32_t>(first) : chosen[c];
    }
  }
}

// `chosen` int32 [B, outputs] may be undefined.
at::Tensor Forward(const at::Tensor& products, const at::Tensor& bias,
                   const ConvolutionShape& shape, const Segments& segments,
                   const at::Tensor& chosen) {
  const int64_t outputs = shape.outputs(), columns = shape.columns();
  at::Tensor pooled = at::empty({segments.texts(), outputs}, at::kFloat);
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  const float *x = products.const_data_ptr<float>(), *b = bias.const_data_ptr<float>();
  float* y = pooled.mutable_data_ptr<float>();
  int32_t* rows = chosen.defined() ? chosen.mutable_data_ptr<int32_t>() : nullptr;
  ParallelFor(segments.texts(), 1, [&](int64_t begin, int64_t end) {
    std::vector<float> value(shape.filters);
    for (int64_t text = begin; text < end; ++text) {
      int64_t column = 0, output = 0;
      for (const int64_t width : shape.widths) {
        const Filters filters = {width, shape.filters, starts[text + 1] - starts[text], columns};
        const int64_t place = text * outputs + output;
        MaxOfText(filters, x + starts[text] * columns + column, b + output, value.data(), y + place,
                  rows == nullptr ? nullptr : rows + place);
        column += width * shape.filters;
        output += shape.filters;
      }
    }
  });
  return pooled;
}

// Gradient of the products of one text, which are 0 before, at the columns of the width.
void MaxOfTextGradient(const Filters& f, const float* dy, const int32_t* chosen, float* dx) {
  for (int64_t c = 0; c < f.count; ++c) {
    if (chosen[c] == INT32_MIN) continue;
    for (int64_t place = f.begin(chosen[c]); place < f.end(chosen[c]); ++place) {
      dx[(chosen[c] + place) * f.columns + f.column(place) + c] += dy[c];
    }
  }
}

at::Tensor ProductsGradient(const at::Tensor& dy, const at::Tensor& chosen, int64_t rows,
                            const ConvolutionShape& shape, const Segments& segments) {
  const int64_t outputs = shape.outputs(), columns = shape.columns();
  at::Tensor dx = at::zeros({rows, columns}, dy.options());
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  float* target = dx.mutable_data_ptr<float>();
  ParallelFor(segments.texts(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t text = begin; text < end; ++text) {
      int64_t column = 0, output = 0;
      for (const int64_t width : shape.widths) {
        const Filters filters = {width, shape.filters, starts[text + 1] - starts[text], columns};
        const int64_t place = text * outputs + output;
        MaxOfTextGradient(filters, dy.const_data_ptr<float>() + place,
                          chosen.const_data_ptr<int32_t>() + place,
                          target + starts[text] * columns + column);
        column += width * shape.filters;
        output += shape.filters;
      }
    }
  });
  return dx;
}

// dy where the maximum was above 0, summed over the texts: [outputs].
at::Tensor BiasGradient(const at::Tensor& dy, const at::Tensor& chosen) {
  at::Tensor masked = at::empty(dy.sizes(), dy.options());
  const float* upstream = dy.const_data_ptr<float>();
  const int32_t* window = chosen.const_data_ptr<int32_t>();
  float* out = masked.mutable_data_ptr<float>();
  for (int64_t i = 0; i < dy.numel(); ++i) out[i] = window[i] == INT32_MIN ? 0.0f : upstream[i];
  return SumRows(masked, masked.size(0));
}

struct MaxOverWindowsFunction : torch::autograd::Function<MaxOverWindowsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& products,
                            const at::Tensor& bias, const ConvolutionShape& shape,
                            const Segments& segments) {
    at::Tensor chosen = at::empty({segments.texts(), shape.outputs()}, segments.starts.options());
    Save(context, segments, DropoutKey());
    context->saved_data["chosen"] = chosen;
    context->saved_data["rows"] = products.size(0);
    context->saved_data["filters"] = shape.filters;
    context->saved_data["widths"] = shape.widths;
    return Forward(products, bias, shape, segments, chosen);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    auto& data = context->saved_data;
    const ConvolutionShape shape = {data["filters"].toInt(), data["widths"].toIntVector()};
    const at::Tensor dy = Upstream(gradients), chosen = data["chosen"].toTensor();
    at::Tensor dx, dbias;
    if (context->needs_input_grad(0)) {
      dx = ProductsGradient(dy, chosen, data["rows"].toInt(), shape, SavedSegments(context));
    }
    if (context->needs_input_grad(1)) dbias = BiasGradient(dy, chosen);
    return {dx, dbias, {}, {}};
  }
};

}  // namespace

at::Tensor MaxOverWindows(const at::Tensor& products, const at::Tensor& bias,
                          const ConvolutionShape& shape, const Segments& segments) {
  CheckFloats(products, 2, "MaxOverWindows");
  CheckFloats(bias, 1, "MaxOverWindows' bias");
  CheckSegments(segments, products.size(0));
  TORCH_CHECK(products.size(1) == shape.columns() && bias.size(0) == shape.outputs(),
              "MaxOverWindows: ", products.size(1), " columns and a bias of ", bias.size(0),
              " for ", shape.columns(), " and ", shape.outputs());
  const at::Tensor x = products.contiguous(), b = bias.contiguous();
  if (RecordsGradient(x, b)) return MaxOverWindowsFunction::apply(x, b, shape, segments);
  return Forward(x, b, shape, segments, {});
}

}  // namespace graft
