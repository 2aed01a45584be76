#include "models/families/post_norm.h"

#include "absl/strings/str_cat.h"
#include "models/kernels/activation.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"

namespace graft {
namespace {

enum Slot {
  kQkvWeight,        // [3H, H]
  kQkvBias,          // [3H]
  kAttentionWeight,  // [H, H]
  kAttentionBias,
  kAttentionGamma,
  kAttentionBeta,
  kUpWeight,  // [I, H]
  kUpBias,
  kDownWeight,  // [H, I]
  kDownBias,
  kOutputGamma,
  kOutputBeta
};

enum DropoutPlace { kProbabilities = 0, kAttended = 1, kOutput = 2 };

}  // namespace

PostNormNames BertLayerNames(int64_t index) {
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("encoder.layer.", index, ".", rest);
  };
  return {.query = name("attention.self.query"),
          .key = name("attention.self.key"),
          .value = name("attention.self.value"),
          .attention_output = name("attention.output.dense"),
          .attention_norm = name("attention.output.LayerNorm"),
          .up = name("intermediate.dense"),
          .down = name("output.dense"),
          .output_norm = name("output.LayerNorm")};
}

std::vector<SlotLayout> PostNormSlots(const PostNormNames& names, int64_t h, int64_t i) {
  const auto weight = [](const std::string& name) { return absl::StrCat(name, ".weight"); };
  const auto bias = [](const std::string& name) { return absl::StrCat(name, ".bias"); };
  return {
      {{{weight(names.query), {h, h}}, {weight(names.key), {h, h}}, {weight(names.value), {h, h}}}},
      {{{bias(names.query), {h}}, {bias(names.key), {h}}, {bias(names.value), {h}}}},
      {{{weight(names.attention_output), {h, h}}}},
      {{{bias(names.attention_output), {h}}}},
      {{{weight(names.attention_norm), {h}}}},
      {{{bias(names.attention_norm), {h}}}},
      {{{weight(names.up), {i, h}}}},
      {{{bias(names.up), {i}}}},
      {{{weight(names.down), {h, i}}}},
      {{{bias(names.down), {h}}}},
      {{{weight(names.output_norm), {h}}}},
      {{{bias(names.output_norm), {h}}}}};
}

at::Tensor RunPostNorm(const PostNormLayer& layer, const StageInput& in,
                       const std::vector<at::Tensor>& w, const AttentionOptions& attention) {
  const at::Tensor no_bias;  // Attention adds it
  return RunPostNormOver(Linear(in.hidden, w[kQkvWeight], no_bias), w[kQkvBias], layer, in, w,
                         attention);
}

at::Tensor RunPostNormOver(const at::Tensor& qkv, const at::Tensor& bias,
                           const PostNormLayer& layer, const StageInput& in,
                           const std::vector<at::Tensor>& w, const AttentionOptions& attention) {
  const Segments& segments = in.batch.segments;
  // A bias belongs to the pass that follows its product, so Linear gets none.
  const at::Tensor no_bias;
  const at::Tensor context =
      Attention(qkv, bias, segments, layer.heads, attention,
                in.dropout(layer.attention_dropout, kProbabilities));  // [R, H]
  const at::Tensor attended =
      ResidualLayerNorm(Linear(context, w[kAttentionWeight], no_bias), w[kAttentionBias], in.hidden,
                        w[kAttentionGamma], w[kAttentionBeta], layer.norm_eps, segments,
                        in.dropout(layer.attended_dropout, kAttended));  // [R, H]
  const at::Tensor up = BiasActivation(Linear(attended, w[kUpWeight], no_bias), w[kUpBias],
                                       layer.activation);  // [R, I]
  return ResidualLayerNorm(Linear(up, w[kDownWeight], no_bias), w[kDownBias], attended,
                           w[kOutputGamma], w[kOutputBeta], layer.norm_eps, segments,
                           in.dropout(layer.hidden_dropout, kOutput));  // [R, H]
}

}  // namespace graft
