#include "models/kernels/rotary.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/pow.h>

#include <cmath>

#include "models/kernels/autograd.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {
namespace {

// The loops' view of what does not change from row to row.
struct Rotation {
  int64_t heads;
  int64_t width;    // d
  int64_t pairs;    // r / 2
  float direction;  // 1 forth, -1 back
  const int32_t* positions;
  const float* cosine;
  const float* sine;

  int64_t columns() const { return 3 * heads * width; }
};

Rotation View(const at::Tensor& positions, const RotaryTables& tables, int64_t columns,
              int64_t heads, float direction) {
  return {.heads = heads,
          .width = columns / (3 * heads),
          .pairs = tables.cosine.size(1),
          .direction = direction,
          .positions = positions.const_data_ptr<int32_t>(),
          .cosine = tables.cosine.const_data_ptr<float>(),
          .sine = tables.sine.const_data_ptr<float>()};
}

// Turns the pairs of one head.
void TurnHead(const float* cosine, const float* sine, float direction, int64_t pairs, float* x) {
  float *first = x, *second = x + pairs;
  for (int64_t c = 0; c < pairs; ++c) {
    const float a = first[c], b = second[c], s = direction * sine[c];
    first[c] = a * cosine[c] - b * s;
    second[c] = b * cosine[c] + a * s;
  }
}

// y = turned(x + bias); y may be x.
void TurnRow(const Rotation& r, int64_t row, const float* x, const float* bias, float* y) {
  for (int64_t c = 0; c < r.columns(); ++c) y[c] = bias == nullptr ? x[c] : x[c] + bias[c];
  const float* cosine = r.cosine + r.positions[row] * r.pairs;
  const float* sine = r.sine + r.positions[row] * r.pairs;
  for (int64_t head = 0; head < 2 * r.heads; ++head) {  // queries, then keys
    TurnHead(cosine, sine, r.direction, r.pairs, y + head * r.width);
  }
}

void TurnRows(const Rotation& r, const at::Tensor& x, const at::Tensor& bias, at::Tensor& y) {
  const int64_t columns = r.columns();
  const float* shift = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  float* target = y.mutable_data_ptr<float>();
  const float* source = x.const_data_ptr<float>();
  ParallelFor(x.size(0), RowGrain(columns), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      TurnRow(r, row, source + row * columns, shift, target + row * columns);
    }
  });
}

struct RotateFunction : torch::autograd::Function<RotateFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv,
                            const std::optional<at::Tensor>& bias, const at::Tensor& positions,
                            const RotaryTables& tables, int64_t heads) {
    context->save_for_backward({positions, tables.cosine, tables.sine});
    context->saved_data["heads"] = heads;
    context->saved_data["bias"] = bias.has_value();
    at::Tensor y = at::empty_like(qkv);
    TurnRows(View(positions, tables, qkv.size(1), heads, 1), qkv, bias.value_or(at::Tensor()), y);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const RotaryTables tables = {saved[1], saved[2]};
    const at::Tensor dy = Upstream(gradients);
    at::Tensor dx = at::empty_like(dy), dbias;
    const int64_t heads = context->saved_data["heads"].toInt();
    TurnRows(View(saved[0], tables, dy.size(1), heads, -1), dy, at::Tensor(), dx);
    // An absent bias has no edge in the graph, hence no number to ask for.
    const bool has_bias = context->saved_data["bias"].toBool();
    if (has_bias && context->needs_input_grad(1)) dbias = SumRows(dx, dx.size(0));
    return {dx, dbias, {}, {}, {}};
  }
};

void CheckPositions(const at::Tensor& positions, int64_t rows, int64_t below) {
  TORCH_CHECK(positions.scalar_type() == at::kInt && positions.dim() == 1 &&
                  positions.is_contiguous() && positions.size(0) == rows,
              "Rotate: expected contiguous int32 positions of ", rows, " rows");
  const int32_t* p = positions.const_data_ptr<int32_t>();
  for (int64_t row = 0; row < rows; ++row) {
    TORCH_CHECK(p[row] >= 0 && p[row] < below, "Rotate: position ", p[row], " of ", below);
  }
}

void Check(const at::Tensor& qkv, const at::Tensor& bias, const at::Tensor& positions,
           const RotaryTables& tables, int64_t heads) {
  CheckFloats(qkv, 2, "Rotate");
  CheckFloats(tables.cosine, 2, "Rotate's cosines");
  CheckFloats(tables.sine, 2, "Rotate's sines");
  const int64_t columns = qkv.size(1), pairs = tables.cosine.size(1);
  TORCH_CHECK(heads > 0 && columns % (3 * heads) == 0, "Rotate: qkv of width ", columns, ", ",
              heads, " heads");
  TORCH_CHECK(tables.cosine.sizes() == tables.sine.sizes() && tables.cosine.is_contiguous() &&
                  tables.sine.is_contiguous() && 6 * heads * pairs <= columns,
              "Rotate: ", pairs, " pairs in a head of ", columns / (3 * heads));
  if (bias.defined()) {
    CheckFloats(bias, 1, "Rotate's bias");
    TORCH_CHECK(bias.size(0) == columns, "Rotate: bias of ", bias.size(0), " for ", columns);
  }
  CheckPositions(positions, qkv.size(0), tables.cosine.size(0));
}

}  // namespace

at::Tensor RotaryFrequencies(double theta, double divisor, int64_t width) {
  TORCH_CHECK(width > 0 && width % 2 == 0, "RotaryFrequencies: width ", width);
  const at::Tensor exponents = at::arange(0, width, 2, at::kFloat).div(width);
  const at::Tensor frequencies = at::pow(at::Scalar(theta), exponents).reciprocal();
  return divisor == 1 ? frequencies : frequencies.div(divisor);
}

RotaryTables MakeRotaryTables(const at::Tensor& frequencies, int64_t positions) {
  CheckFloats(frequencies, 1, "MakeRotaryTables");
  const int64_t pairs = frequencies.size(0);
  RotaryTables tables = {at::empty({positions, pairs}, at::kFloat),
                         at::empty({positions, pairs}, at::kFloat)};
  const float* frequency = frequencies.const_data_ptr<float>();
  float* cosine = tables.cosine.mutable_data_ptr<float>();
  float* sine = tables.sine.mutable_data_ptr<float>();
  ParallelFor(positions, RowGrain(32 * pairs), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      for (int64_t c = 0; c < pairs; ++c) {
        const float angle = static_cast<float>(p) * frequency[c];
        cosine[p * pairs + c] = std::cos(angle);
        sine[p * pairs + c] = std::sin(angle);
      }
    }
  });
  return tables;
}

at::Tensor Rotate(at::Tensor qkv, const at::Tensor& bias, const at::Tensor& positions,
                  const at::Tensor& cosine, const at::Tensor& sine, int64_t heads) {
  const RotaryTables tables = {cosine, sine};
  Check(qkv, bias, positions, tables, heads);
  const at::Tensor b = bias.defined() ? bias.contiguous() : bias;
  at::Tensor x = qkv.contiguous();
  if (RecordsGradient(x, b)) {
    return RotateFunction::apply(x, IfDefined(b), positions, tables, heads);
  }
  TurnRows(View(positions, tables, x.size(1), heads, 1), x, b, x);
  return x;
}

}  // namespace graft
