#include "models/kernels/lstm.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "models/kernels/autograd.h"
#include "models/kernels/loops.h"
#include "models/kernels/product.h"
#include "models/kernels/rows.h"
#include "models/kernels/tasks.h"

namespace graft {
namespace {

// The texts of a batch, longest first, so that those which a step still meets are the first.
class Steps {
 public:
  Steps(const Segments& segments, bool backwards)
      : starts_(segments.starts.const_data_ptr<int32_t>()),
        backwards_(backwards),
        order_(segments.texts()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(),
                     [this](int64_t a, int64_t b) { return Length(a) > Length(b); });
  }

  int64_t count() const { return order_.empty() ? 0 : Length(order_[0]); }
  // How many texts have a token at a step.
  int64_t Active(int64_t step) const {
    const auto end = std::partition_point(order_.begin(), order_.end(),
                                          [&](int64_t text) { return Length(text) > step; });
    return end - order_.begin();
  }
  // The row that the i-th of them has then.
  int64_t Row(int64_t i, int64_t step) const {
    const int64_t text = order_[i];
    return backwards_ ? starts_[text + 1] - 1 - step : starts_[text] + step;
  }

 private:
  int64_t Length(int64_t text) const { return starts_[text + 1] - starts_[text]; }

  const int32_t* starts_;
  bool backwards_;
  std::vector<int64_t> order_;
};

// What a direction keeps for its gradient: rows as the texts have them.
struct States {
  at::Tensor gates;   // [R, 4H], behind their functions
  at::Tensor cells;   // [R, H]
  at::Tensor before;  // [R, H]: the hidden state before each token
};

// One direction: `first` is its first column among those of the hidden states.
struct Direction {
  int64_t size;   // H
  int64_t first;  // 0 or H
  const Steps& steps;
  at::Tensor weight;  // [4H, H]
};

// gates [4H] from their sums, in place.
void Gates(int64_t size, float* gates) {
  simd::BiasActivation(Activation::kSigmoid, gates, nullptr, 1, 2 * size, gates);
  simd::BiasActivation(Activation::kTanh, gates + 2 * size, nullptr, 1, size, gates + 2 * size);
  simd::BiasActivation(Activation::kSigmoid, gates + 3 * size, nullptr, 1, size, gates + 3 * size);
}

// cell = forget * before + input * new; hidden = output * tanh(cell). `before` may be null: 0.
void Cell(int64_t size, const float* gates, const float* before, float* cell, float* hidden) {
  for (int64_t c = 0; c < size; ++c) cell[c] = gates[c] * gates[2 * size + c];
  if (before != nullptr) {
    for (int64_t c = 0; c < size; ++c) cell[c] += gates[size + c] * before[c];
  }
  simd::BiasActivation(Activation::kTanh, cell, nullptr, 1, size, hidden);
  for (int64_t c = 0; c < size; ++c) hidden[c] *= gates[3 * size + c];
}

// Writes the direction's columns of `hidden` [R, 2H].
States RunForward(const Direction& d, const at::Tensor& projected, const at::Tensor& hidden) {
  const int64_t rows = projected.size(0), size = d.size, wide = 4 * size;
  States states = {at::empty({rows, wide}, at::kFloat), at::empty({rows, size}, at::kFloat),
                   at::zeros({rows, size}, at::kFloat)};
  const float* x = projected.const_data_ptr<float>() + 4 * d.first;
  float *gates = states.gates.mutable_data_ptr<float>(),
        *cells = states.cells.mutable_data_ptr<float>(),
        *before = states.before.mutable_data_ptr<float>(),
        *y = hidden.mutable_data_ptr<float>() + d.first;
  at::Tensor last = at::empty({d.steps.Active(0), size}, at::kFloat);  // hidden states, by text
  for (int64_t step = 0; step < d.steps.count(); ++step) {
    const int64_t active = d.steps.Active(step);
    at::Tensor sums;  // [active, 4H]
    if (step > 0) sums = MatrixProduct(last.narrow(0, 0, active), d.weight.t());
    ParallelFor(active, RowGrain(wide), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = d.steps.Row(i, step);
        float* state = last.mutable_data_ptr<float>() + i * size;
        float* gate = gates + row * wide;
        std::copy_n(x + row * 2 * wide, wide, gate);
        const float* cell_before = nullptr;
        if (step > 0) {
          AddTo(gate, sums.const_data_ptr<float>() + i * wide, wide);
          cell_before = cells + d.steps.Row(i, step - 1) * size;
          std::copy_n(state, size, before + row * size);
        }
        Gates(size, gate);
        Cell(size, gate, cell_before, cells + row * size, state);
        std::copy_n(state, size, y + row * 2 * size);
      }
    });
  }
  return states;
}

// What flows back through one step of one text.
struct StepGradient {
  const float* gates;    // [4H]
  const float* cell;     // [H]
  const float* before;   // [H], the cell before; null: 0
  const float* dhidden;  // [H]
  float* dcell;          // [H]: of the cell, from the step behind; becomes that for the step before
  float* dgates;         // [4H], of the sums
};

void CellGradient(int64_t size, const StepGradient& g, float* tanh_cell) {
  simd::BiasActivation(Activation::kTanh, g.cell, nullptr, 1, size, tanh_cell);
  for (int64_t c = 0; c < size; ++c) {
    const float in = g.gates[c], forget = g.gates[size + c], fresh = g.gates[2 * size + c],
                out = g.gates[3 * size + c], t = tanh_cell[c];
    const float dcell = g.dcell[c] + g.dhidden[c] * out * (1 - t * t);
    const float before = g.before == nullptr ? 0 : g.before[c];
    g.dgates[c] = dcell * fresh * in * (1 - in);
    g.dgates[size + c] = dcell * before * forget * (1 - forget);
    g.dgates[2 * size + c] = dcell * in * (1 - fresh * fresh);
    g.dgates[3 * size + c] = g.dhidden[c] * t * out * (1 - out);
    g.dcell[c] = dcell * forget;
  }
}

// Writes the direction's columns of the gradient of `projected`.
void RunBackward(const Direction& d, const States& states, const at::Tensor& dy,
                 const at::Tensor& dprojected) {
  const int64_t size = d.size, wide = 4 * size, texts = d.steps.Active(0);
  const float *gates = states.gates.const_data_ptr<float>(),
              *cells = states.cells.const_data_ptr<float>(),
              *upstream = dy.const_data_ptr<float>() + d.first;
  float* target = dprojected.mutable_data_ptr<float>() + 4 * d.first;
  const at::Tensor dcell = at::zeros({texts, size}, at::kFloat);
  at::Tensor dlast;    // [.., H] of the hidden states, from the step behind
  int64_t behind = 0;  // its rows
  for (int64_t step = d.steps.count() - 1; step >= 0; --step) {
    const int64_t active = d.steps.Active(step);
    const at::Tensor dgates = at::empty({active, wide}, at::kFloat);
    ParallelFor(active, RowGrain(wide), [&](int64_t begin, int64_t end) {
      std::vector<float> dhidden(size), scratch(size);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = d.steps.Row(i, step);
        std::copy_n(upstream + row * 2 * size, size, dhidden.data());
        if (i < behind) AddTo(dhidden.data(), dlast.const_data_ptr<float>() + i * size, size);
        const float* before = step == 0 ? nullptr : cells + d.steps.Row(i, step - 1) * size;
        float* out = dgates.mutable_data_ptr<float>() + i * wide;
        CellGradient(size,
                     {gates + row * wide, cells + row * size, before, dhidden.data(),
                      dcell.mutable_data_ptr<float>() + i * size, out},
                     scratch.data());
        std::copy_n(out, wide, target + row * 2 * wide);
      }
    });
    if (step > 0) dlast = MatrixProduct(dgates, d.weight);  // [active, H]
    behind = active;
  }
}

struct LstmFunction : torch::autograd::Function<LstmFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& projected,
                            const at::Tensor& forth, const at::Tensor& back,
                            const Segments& segments) {
    const at::Tensor hidden =
        at::zeros({projected.size(0), 2 * forth.size(1)}, at::kFloat);  // [R, 2H]
    Save(context, segments, DropoutKey());
    std::vector<at::Tensor> kept;
    for (const at::Tensor& weight : {forth, back}) {
      const bool backwards = !kept.empty();
      const Steps steps(segments, backwards);
      const int64_t size = weight.size(1);
      const States states =
          RunForward({size, backwards ? size : 0, steps, weight}, projected, hidden);
      kept.insert(kept.end(), {weight, states.gates, states.cells, states.before});
    }
    context->save_for_backward(kept);
    return hidden;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list kept = context->get_saved_variables();
    const Segments segments = SavedSegments(context);
    const at::Tensor dy = Upstream(gradients);  // [R, 2H]
    const int64_t size = dy.size(1) / 2;
    const at::Tensor dprojected = at::zeros({dy.size(0), 8 * size}, at::kFloat);
    variable_list result(4);
    for (int64_t way = 0; way < 2; ++way) {
      const Steps steps(segments, way == 1);
      const Direction d = {size, way * size, steps, kept[4 * way]};
      const States states = {kept[4 * way + 1], kept[4 * way + 2], kept[4 * way + 3]};
      RunBackward(d, states, dy, dprojected);
      const at::Tensor dsums = dprojected.narrow(1, 4 * d.first, 4 * size);  // [R, 4H]
      result[1 + way] = MatrixProduct(dsums.t(), states.before);             // [4H, H]
    }
    result[0] = dprojected;
    return result;
  }
};

}  // namespace

at::Tensor BidirectionalLstm(const at::Tensor& projected, const at::Tensor& forth,
                             const at::Tensor& back, const Segments& segments) {
  CheckFloats(projected, 2, "BidirectionalLstm");
  CheckSegments(segments, projected.size(0));
  const int64_t size = projected.size(1) / 8;
  for (const at::Tensor& weight : {forth, back}) {
    CheckFloats(weight, 2, "BidirectionalLstm's weight");
    TORCH_CHECK(
        projected.size(1) == 8 * size && weight.size(0) == 4 * size && weight.size(1) == size,
        "BidirectionalLstm: ", projected.size(1), " columns for a weight of ", weight.sizes());
  }
  const at::Tensor x = projected.contiguous(), f = forth.contiguous(), b = back.contiguous();
  if (RecordsGradient(x, f, b)) return LstmFunction::apply(x, f, b, segments);
  const at::Tensor hidden = at::zeros({x.size(0), 2 * size}, at::kFloat);  // [R, 2H]
  RunForward({size, 0, Steps(segments, false), f}, x, hidden);
  RunForward({size, size, Steps(segments, true), b}, x, hidden);
  return hidden;
}

}  // namespace graft
