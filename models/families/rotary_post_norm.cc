#include "models/families/rotary_post_norm.h"

#include <ATen/ops/zeros.h>

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/families/weight_row.h"
#include "models/kernels/activation.h"
#include "models/kernels/attention.h"
#include "models/kernels/dropout.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"
#include "models/kernels/rotary.h"

namespace graft {
namespace {

enum DropoutPlace { kProbabilities = 0, kAttended = 1, kOutput = 2, kGated = 3 };

class RotaryPostNormEncoder final : public Architecture {
 public:
  RotaryPostNormEncoder(EncoderConfig config, HeadLayouts heads, RotaryPostNorm parts)
      : Architecture(std::move(config), std::move(heads)),
        parts_(std::move(parts)),
        frequencies_(
            RotaryFrequencies(parts_.rope.theta, parts_.rope.divisor, parts_.rotary_width)) {}

  std::vector<std::vector<SlotLayout>> Layout() const override;

  std::vector<at::Tensor> Tables(const Batch& batch) const override {
    const RotaryTables tables = MakeRotaryTables(frequencies_, batch.segments.longest);
    return {tables.cosine, tables.sine};
  }

  at::Tensor RunStage(const StageInput& in) const override;

 private:
  std::vector<SlotLayout> LayerSlots(const RotaryLayerNames& names) const;
  at::Tensor Attend(const StageInput& in, WeightRow& weights) const;
  at::Tensor Feed(const StageInput& in, const at::Tensor& x, WeightRow& weights) const;
  at::Tensor AddAndNorm(const StageInput& in, at::Tensor x, const at::Tensor& bias,
                        const at::Tensor& residual, int place, WeightRow& weights) const;

  const RotaryPostNorm parts_;
  const at::Tensor frequencies_;
};

PartLayout Part(const ModuleNames& module, std::string_view what, std::vector<int64_t> shape) {
  const auto full = [&](const std::string& name) {
    return name.empty() ? name : absl::StrCat(name, ".", what);
  };
  PartLayout part = {full(module.name), std::move(shape), full(module.other)};
  for (const std::string& piece : module.pieces) part.pieces.push_back(full(piece));
  return part;
}

std::vector<std::vector<SlotLayout>> RotaryPostNormEncoder::Layout() const {
  std::vector<std::vector<SlotLayout>> stages = {EmbeddingSlots(parts_.embeddings)};
  for (int64_t layer = 0; layer < config().layers; ++layer) {
    stages.push_back(LayerSlots(parts_.layer_names(layer)));
  }
  return stages;
}

std::vector<SlotLayout> RotaryPostNormEncoder::LayerSlots(const RotaryLayerNames& names) const {
  const int64_t h = config().hidden_size, i = config().intermediate_size;
  const int64_t inner = config().heads * parts_.head_width;
  std::vector<SlotLayout> slots;
  const auto add = [&](const ModuleNames& module, std::vector<int64_t> shape, bool bias) {
    const int64_t results = shape.front();
    slots.push_back({{Part(module, "weight", std::move(shape))}});
    if (bias) slots.push_back({{Part(module, "bias", {results})}});
  };
  add(names.qkv, {3 * inner, h}, parts_.attention_bias);
  add(names.attention_output, {h, inner}, parts_.attention_bias);
  add(names.attention_norm, {h}, true);
  SlotLayout up_gate;
  const auto modules = static_cast<int64_t>(names.up_gate.size());
  for (const ModuleNames& module : names.up_gate) {
    up_gate.parts.push_back(Part(module, "weight", {2 * i / modules, h}));
  }
  slots.push_back(std::move(up_gate));
  add(names.down, {h, i}, parts_.down_bias);
  add(names.output_norm, {h}, true);
  return slots;
}

at::Tensor RotaryPostNormEncoder::RunStage(const StageInput& in) const {
  if (in.stage == 0) return RunEmbeddings(parts_.embeddings, in, in.batch.positions);
  WeightRow weights(in.weights());
  return Feed(in, Attend(in, weights), weights);
}

at::Tensor RotaryPostNormEncoder::AddAndNorm(const StageInput& in, at::Tensor x,
                                             const at::Tensor& bias, const at::Tensor& residual,
                                             int place, WeightRow& weights) const {
  const at::Tensor gamma = weights.Take(), beta = weights.Take();
  const at::Tensor shift = bias.defined() ? bias : at::zeros({x.size(1)});
  return ResidualLayerNorm(std::move(x), shift, residual, gamma, beta, parts_.norm_eps,
                           in.batch.segments, in.dropout(config().hidden_dropout, place));
}

at::Tensor RotaryPostNormEncoder::Attend(const StageInput& in, WeightRow& weights) const {
  const at::Tensor qkv_weight = weights.Take(), qkv_bias = weights.Take(parts_.attention_bias);
  const at::Tensor out_weight = weights.Take(), out_bias = weights.Take(parts_.attention_bias);
  const at::Tensor no_bias;
  const int64_t heads = config().heads;
  const at::Tensor qkv = Rotate(Linear(in.hidden, qkv_weight, no_bias), qkv_bias,
                                in.batch.positions, in.tables[0], in.tables[1], heads);
  const at::Tensor context =
      Attention(qkv, no_bias, in.batch.segments, heads, {},
                in.dropout(config().attention_dropout, kProbabilities));  // [R, A d]
  return AddAndNorm(in, Linear(context, out_weight, no_bias), out_bias, in.hidden, kAttended,
                    weights);  // [R, H]
}

at::Tensor RotaryPostNormEncoder::Feed(const StageInput& in, const at::Tensor& x,
                                       WeightRow& weights) const {
  const at::Tensor up_gate_weight = weights.Take();
  const at::Tensor down_weight = weights.Take(), down_bias = weights.Take(parts_.down_bias);
  const at::Tensor no_bias;
  const at::Tensor gated = GatedActivation(Linear(x, up_gate_weight, no_bias), no_bias,
                                           parts_.activation, GatedHalf::kSecond);  // [R, I]
  const at::Tensor dropped =
      Dropout(gated, in.batch.segments, in.dropout(parts_.gated_dropout, kGated));
  return AddAndNorm(in, Linear(dropped, down_weight, no_bias), down_bias, x, kOutput, weights);
}

}  // namespace

RotaryPostNorm MakeRotaryPostNorm(const EncoderConfig& config, Activation activation,
                                  double norm_eps) {
  const int64_t width = config.hidden_size / config.heads;
  RotaryPostNorm parts;
  parts.embeddings = {.position = {},
                      .vocab_size = config.vocab_size,
                      .types = config.type_vocab_size,
                      .width = config.hidden_size,
                      .hidden_size = config.hidden_size,
                      .norm_eps = norm_eps,
                      .dropout = config.hidden_dropout};
  parts.head_width = parts.rotary_width = width;
  parts.activation = activation;
  parts.norm_eps = norm_eps;
  return parts;
}

std::unique_ptr<const Architecture> RotaryPostNormArchitecture(const ConfigReader& reader,
                                                               EncoderConfig config,
                                                               HeadLayouts heads,
                                                               RotaryPostNorm parts) {
  // Sizes that do not fit have no frequencies.
  if (!reader.status().ok()) return nullptr;
  return std::make_unique<RotaryPostNormEncoder>(std::move(config), std::move(heads),
                                                 std::move(parts));
}

}  // namespace graft
