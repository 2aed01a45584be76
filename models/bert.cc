#include "models/bert.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "models/kernels/activation.h"
#include "models/kernels/attention.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"

namespace graft {
namespace {

// Slots of stage 0. V words, P positions, K types.
enum EmbeddingSlot { kWord, kPosition, kType, kEmbeddingGamma, kEmbeddingBeta };

// Slots of a layer.
enum LayerSlot {
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

// Places of dropout within a stage.
enum DropoutPlace {
  kEmbeddingOutput = 0,
  kAttentionProbabilities = 0,
  kAttentionOutput = 1,
  kLayerOutput = 2
};

std::vector<SlotLayout> EmbeddingLayout(const EncoderConfig& c) {
  const int64_t h = c.hidden_size;
  return {{{{"embeddings.word_embeddings.weight", {c.vocab_size, h}}}},
          {{{"embeddings.position_embeddings.weight", {c.max_positions, h}}}},
          {{{"embeddings.token_type_embeddings.weight", {c.type_vocab_size, h}}}},
          {{{"embeddings.LayerNorm.weight", {h}}}},
          {{{"embeddings.LayerNorm.bias", {h}}}}};
}

std::vector<SlotLayout> LayerLayout(const EncoderConfig& c, int64_t layer) {
  const int64_t h = c.hidden_size, i = c.intermediate_size;
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("encoder.layer.", layer, ".", rest);
  };
  return {{{{name("attention.self.query.weight"), {h, h}},
            {name("attention.self.key.weight"), {h, h}},
            {name("attention.self.value.weight"), {h, h}}}},
          {{{name("attention.self.query.bias"), {h}},
            {name("attention.self.key.bias"), {h}},
            {name("attention.self.value.bias"), {h}}}},
          {{{name("attention.output.dense.weight"), {h, h}}}},
          {{{name("attention.output.dense.bias"), {h}}}},
          {{{name("attention.output.LayerNorm.weight"), {h}}}},
          {{{name("attention.output.LayerNorm.bias"), {h}}}},
          {{{name("intermediate.dense.weight"), {i, h}}}},
          {{{name("intermediate.dense.bias"), {i}}}},
          {{{name("output.dense.weight"), {h, i}}}},
          {{{name("output.dense.bias"), {h}}}},
          {{{name("output.LayerNorm.weight"), {h}}}},
          {{{name("output.LayerNorm.bias"), {h}}}}};
}

class Bert final : public Backbone {
 public:
  Bert(EncoderConfig config, std::vector<std::shared_ptr<const Stage>> stages)
      : Backbone(std::move(config), std::move(stages)) {}

 protected:
  at::Tensor RunStage(int stage, const Batch& batch, const at::Tensor& hidden,
                      const DropoutAt& dropout) const override {
    return stage == 0 ? Embed(batch, dropout) : Layer(stage, batch, hidden, dropout);
  }

  std::unique_ptr<Backbone> WithStages(
      std::vector<std::shared_ptr<const Stage>> stages) const override {
    return std::make_unique<Bert>(config(), std::move(stages));
  }

 private:
  at::Tensor Embed(const Batch& batch, const DropoutAt& dropout) const {
    const std::vector<at::Tensor>& w = stage(0).tensors;
    const at::Tensor sum =
        EmbeddingSum(batch.ids, batch.positions, batch.type_ids, w[kWord], w[kPosition], w[kType],
                     batch.segments);  // [R, H]
    const at::Tensor normed =
        LayerNorm(sum, w[kEmbeddingGamma], w[kEmbeddingBeta], config().layer_norm_eps);
    return Dropout(normed, batch.segments, dropout(config().hidden_dropout, kEmbeddingOutput));
  }

  at::Tensor Layer(int index, const Batch& batch, const at::Tensor& hidden,
                   const DropoutAt& dropout) const {
    const std::vector<at::Tensor>& w = stage(index).tensors;
    const EncoderConfig& c = config();
    const Segments& segments = batch.segments;
    // A bias belongs to the pass that follows its product, so Linear gets none.
    const at::Tensor no_bias;
    const at::Tensor qkv = Linear(hidden, w[kQkvWeight], no_bias);  // [R, 3H]
    const at::Tensor context =
        Attention(qkv, w[kQkvBias], segments, c.heads, {},
                  dropout(c.attention_dropout, kAttentionProbabilities));  // [R, H]
    const at::Tensor attended =
        ResidualLayerNorm(Linear(context, w[kAttentionWeight], no_bias), w[kAttentionBias], hidden,
                          w[kAttentionGamma], w[kAttentionBeta], c.layer_norm_eps, segments,
                          dropout(c.hidden_dropout, kAttentionOutput));                   // [R, H]
    const at::Tensor up = BiasGelu(Linear(attended, w[kUpWeight], no_bias), w[kUpBias]);  // [R, I]
    return ResidualLayerNorm(Linear(up, w[kDownWeight], no_bias), w[kDownBias], attended,
                             w[kOutputGamma], w[kOutputBeta], c.layer_norm_eps, segments,
                             dropout(c.hidden_dropout, kLayerOutput));  // [R, H]
  }
};

}  // namespace

std::vector<std::vector<SlotLayout>> BertLayout(const EncoderConfig& config) {
  std::vector<std::vector<SlotLayout>> stages = {EmbeddingLayout(config)};
  for (int64_t layer = 0; layer < config.layers; ++layer)
    stages.push_back(LayerLayout(config, layer));
  return stages;
}

std::unique_ptr<Backbone> MakeBert(const EncoderConfig& config,
                                   std::vector<std::shared_ptr<const Stage>> stages) {
  return std::make_unique<Bert>(config, std::move(stages));
}

}  // namespace graft
