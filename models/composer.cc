#include "models/composer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/kernels/linear.h"
#include "models/kernels/lstm.h"

namespace graft {
namespace {

// Places of the slots of an LSTM: weights and bias of the input stand side by side for both
// directions, as one product takes them.
enum LstmSlot : size_t { kInputWeight, kInputBias, kForth, kBack };

std::vector<SlotLayout> LstmSlots(const Composer& c) {
  const int64_t gates = 4 * c.lstm_size;
  return {{{{"lstm.weight_ih", {gates, c.input_size}},
            {"lstm.weight_ih_reverse", {gates, c.input_size}}}},
          {{{"lstm.bias", {gates}}, {"lstm.bias_reverse", {gates}}}},
          {{{"lstm.weight_hh", {gates, c.lstm_size}}}},
          {{{"lstm.weight_hh_reverse", {gates, c.lstm_size}}}}};
}

std::vector<SlotLayout> CnnSlots(const Composer& c) {
  SlotLayout weights, biases;
  for (const int64_t width : c.convolution.widths) {
    const std::string name = absl::StrCat("convolution.", width);
    weights.parts.push_back(
        {absl::StrCat(name, ".weight"), {width * c.convolution.filters, c.input_size}});
    biases.parts.push_back({absl::StrCat(name, ".bias"), {c.convolution.filters}});
  }
  return {std::move(weights), std::move(biases)};
}

// The mean of each text's rows, weighted, without what it has of the component.
at::Tensor Sif(const Composer& c, const at::Tensor& hidden, const Batch& batch) {
  const at::Tensor weights = at::index_select(batch.words.weights, 0, batch.ids);  // [R]
  const at::Tensor mean =
      Pool(hidden * weights.unsqueeze(1), batch.segments, Pooling::kMean);  // [B, H]
  if (!c.component.defined()) return mean;
  const at::Tensor share = Linear(mean, c.component, {});  // [B, 1]
  return mean - share * c.component;
}

}  // namespace

int64_t Composer::output_size() const {
  switch (kind) {
    case ComposerKind::kCnn:
      return convolution.outputs();
    case ComposerKind::kLstm:
      return 2 * lstm_size;
    case ComposerKind::kAverage:
    case ComposerKind::kSif:
      break;
  }
  return input_size;
}

std::string DescribeComposer(const Composer& c) {
  const std::string_view name = ComposerName(c.kind);
  if (c.kind == ComposerKind::kCnn) {
    return absl::StrCat(name, ", ", c.convolution.filters, " filters of width ",
                        absl::StrJoin(c.convolution.widths, ", "));
  }
  if (c.kind == ComposerKind::kLstm) return absl::StrCat(name, ", 2 x ", c.lstm_size);
  return std::string(name);
}

std::vector<SlotLayout> ComposerSlots(const Composer& composer) {
  if (composer.kind == ComposerKind::kCnn) return CnnSlots(composer);
  if (composer.kind == ComposerKind::kLstm) return LstmSlots(composer);
  return {};
}

std::vector<double> ComposerDeviations(const Composer& c) {
  if (c.kind == ComposerKind::kCnn) {
    const ConvolutionShape& shape = c.convolution;
    const auto widths = static_cast<double>(shape.widths.size());
    // All widths are one slot; its tokens are as many as a window has in the mean.
    const double tokens = static_cast<double>(shape.columns()) / static_cast<double>(shape.filters);
    return {std::sqrt(2 * widths / (tokens * static_cast<double>(c.input_size))), 0};
  }
  if (c.kind == ComposerKind::kLstm) {
    const auto size = static_cast<double>(c.lstm_size);
    const double round = 1 / std::sqrt(size);
    return {std::sqrt(2 / (size + static_cast<double>(c.input_size))), 0, round, round};
  }
  return {};
}

at::Tensor Compose(const Composer& composer, const std::vector<at::Tensor>& tensors,
                   const at::Tensor& hidden, const Batch& batch) {
  switch (composer.kind) {
    case ComposerKind::kSif:
      return Sif(composer, hidden, batch);
    case ComposerKind::kCnn:
      return MaxOverWindows(Linear(hidden, tensors[0], {}), tensors[1], composer.convolution,
                            batch.segments);
    case ComposerKind::kLstm: {
      const at::Tensor projected =
          Linear(hidden, tensors[kInputWeight], tensors[kInputBias]);  // [R, 8S]
      const at::Tensor states =
          BidirectionalLstm(projected, tensors[kForth], tensors[kBack], batch.segments);
      return Pool(states, batch.segments, composer.pooling);
    }
    case ComposerKind::kAverage:
      break;
  }
  return Pool(hidden, batch.segments, Pooling::kMean);
}

}  // namespace graft
