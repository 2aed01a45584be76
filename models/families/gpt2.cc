// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"): a decoder
// whose layers normalise what goes into attention and feed-forward net, not what comes out. Options
// of Mistral's training code: scale_attn_by_inverse_layer_idx, and reorder_and_upcast_attn, which
// in float32 changes nothing.
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "models/config_reader.h"
#include "models/families/families.h"
#include "models/kernels/activation.h"
#include "models/kernels/attention.h"
#include "models/kernels/dropout.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"

namespace graft {
namespace {

enum EmbeddingSlot { kWord, kPosition };

// Of a layer; the last one has the final norm behind its own. Matrices lie as transformers' Conv1D
// has them: a row an input.
enum Slot {
  kInputGamma,
  kInputBeta,
  kQkvWeight,  // [H, 3H]
  kQkvBias,
  kAttentionWeight,  // [H, H]
  kAttentionBias,
  kMiddleGamma,
  kMiddleBeta,
  kUpWeight,  // [H, I]
  kUpBias,
  kDownWeight,  // [I, H]
  kDownBias,
  kFinalGamma,
  kFinalBeta
};

enum DropoutPlace { kEmbedded = 0, kProbabilities = 0, kAttended = 1, kOutput = 2 };

struct Gpt2Options {
  Activation activation = Activation::kGeluTanh;
  double norm_eps = 1e-5;
  double embedding_dropout = 0;
  bool scale_by_width = true;           // scores / sqrt(d)
  bool scale_by_inverse_layer = false;  // and / (number of the layer)
};

class Gpt2Decoder final : public Architecture {
 public:
  Gpt2Decoder(EncoderConfig config, HeadLayouts heads, const Gpt2Options& options)
      : Architecture(std::move(config), std::move(heads)), options_(options) {}

  std::vector<std::vector<SlotLayout>> Layout() const override {
    const int64_t h = config().hidden_size, i = config().intermediate_size;
    std::vector<std::vector<SlotLayout>> stages = {
        {{{{"wte.weight", {config().vocab_size, h}}}},
         {{{"wpe.weight", {config().max_positions, h}}}}}};
    for (int64_t layer = 0; layer < config().layers; ++layer) {
      std::vector<SlotLayout>& slots = stages.emplace_back();
      const auto add = [&](std::string_view module, std::vector<int64_t> weight, int64_t bias) {
        const std::string name = absl::StrCat("h.", layer, ".", module);
        slots.push_back({{{absl::StrCat(name, ".weight"), std::move(weight)}}});
        slots.push_back({{{absl::StrCat(name, ".bias"), {bias}}}});
      };
      add("ln_1", {h}, h);
      add("attn.c_attn", {h, 3 * h}, 3 * h);
      add("attn.c_proj", {h, h}, h);
      add("ln_2", {h}, h);
      add("mlp.c_fc", {h, i}, i);
      add("mlp.c_proj", {i, h}, h);
    }
    stages.back().push_back({{{"ln_f.weight", {h}}}});
    stages.back().push_back({{{"ln_f.bias", {h}}}});
    return stages;
  }

  at::Tensor RunStage(const StageInput& in) const override {
    if (in.stage == 0) return Embeddings(in);
    const std::vector<at::Tensor>& w = in.weights();
    at::Tensor output = FeedForward(in, Attended(in));
    if (in.stage < config().layers) return output;
    return LayerNorm(output, w[kFinalGamma], w[kFinalBeta], options_.norm_eps);
  }

 private:
  at::Tensor Embeddings(const StageInput& in) const {
    const std::vector<at::Tensor>& w = in.weights();
    const Batch& batch = in.batch;
    // The types have no table of their own: transformers adds the words with their numbers, where
    // the tokenizer gives types at all.
    const at::Tensor types = batch.types_given ? w[kWord] : at::Tensor();
    const at::Tensor sum = EmbeddingSum(batch.ids, batch.positions, batch.type_ids, w[kWord],
                                        w[kPosition], types, batch.segments);  // [R, H]
    return Dropout(sum, batch.segments, in.dropout(options_.embedding_dropout, kEmbedded));
  }

  // The layer's input with what attention adds to it, [R, H].
  at::Tensor Attended(const StageInput& in) const {
    const std::vector<at::Tensor>& w = in.weights();
    const at::Tensor x = LayerNorm(in.hidden, w[kInputGamma], w[kInputBeta], options_.norm_eps);
    const at::Tensor no_bias;                                      // attention adds it
    const at::Tensor qkv = Linear(x, w[kQkvWeight].t(), no_bias);  // [R, 3H]
    const at::Tensor context =
        Attention(qkv, w[kQkvBias], in.batch.segments, config().heads, AttentionOf(in.stage),
                  in.dropout(config().attention_dropout, kProbabilities));  // [R, H]
    const at::Tensor added = Linear(context, w[kAttentionWeight].t(), w[kAttentionBias]);
    return Dropout(added, in.batch.segments, in.dropout(config().hidden_dropout, kAttended))
        .add(in.hidden);
  }

  // x [R, H] with what the feed-forward net adds to it.
  at::Tensor FeedForward(const StageInput& in, const at::Tensor& x) const {
    const std::vector<at::Tensor>& w = in.weights();
    const at::Tensor normed = LayerNorm(x, w[kMiddleGamma], w[kMiddleBeta], options_.norm_eps);
    const at::Tensor no_bias;  // it belongs to the pass that follows
    const at::Tensor up = BiasActivation(Linear(normed, w[kUpWeight].t(), no_bias), w[kUpBias],
                                         options_.activation);  // [R, I]
    const at::Tensor added = Linear(up, w[kDownWeight].t(), w[kDownBias]);
    return Dropout(added, in.batch.segments, in.dropout(config().hidden_dropout, kOutput)).add(x);
  }

  AttentionOptions AttentionOf(int layer) const {
    const int64_t width = config().hidden_size / config().heads;
    double scale = options_.scale_by_width ? 1 / std::sqrt(static_cast<double>(width)) : 1;
    if (options_.scale_by_inverse_layer) scale /= layer;
    return {.scale = scale, .after = 0};
  }

  const Gpt2Options options_;
};

EncoderConfig ReadSizes(ConfigReader& reader) {
  EncoderConfig config = reader.NewConfig();
  config.vocab_size = reader.Size("vocab_size", kMaxVocabulary);
  config.hidden_size = reader.Size("n_embd", kMaxWidth);
  config.layers = reader.Size("n_layer", kMaxLayers);
  config.heads = reader.Size("n_head", kMaxWidth);
  config.intermediate_size = reader.Size("n_inner", kMaxWidth, 4 * config.hidden_size);
  config.max_positions = reader.Size("n_positions", kMaxPositions);
  config.causal = true;
  config.hidden_dropout = reader.Rate("resid_pdrop", 0.1);
  config.attention_dropout = reader.Rate("attn_pdrop", 0.1);
  config.initializer_range = reader.Number("initializer_range", 0, 10, 0.02);
  CheckHeads(reader, config, "n_embd", "n_head");
  return config;
}

}  // namespace

std::unique_ptr<const Architecture> ReadGpt2(ConfigReader& reader) {
  const EncoderConfig config = ReadSizes(reader);
  const Gpt2Options options = {
      .activation = reader.Function("activation_function", "gelu_new"),
      .norm_eps = reader.Number("layer_norm_epsilon", 0, 1, 1e-5),
      .embedding_dropout = reader.Rate("embd_pdrop", 0.1),
      .scale_by_width = reader.Flag("scale_attn_weights", true),
      .scale_by_inverse_layer = reader.Flag("scale_attn_by_inverse_layer_idx", false)};
  reader.Flag("reorder_and_upcast_attn", false);
  reader.ExpectFlag("add_cross_attention", false);
  // transformers then gives every token the whole text, but under some of its kernels only in
  // batches with padding.
  reader.ExpectFlag("is_causal", true);
  RefusePrunedHeads(reader);
  HeadLayouts heads;
  heads.sequence = {.pooling = Pooling::kLast, .output = "score", .output_bias = false};
  heads.token = {.dropout = reader.Rate("classifier_dropout", reader.Rate("hidden_dropout", 0.1)),
                 .output = "classifier"};
  heads.language = {
      .output = "lm_head", .output_bias = false, .tied = reader.Flag("tie_word_embeddings", true)};
  return std::make_unique<Gpt2Decoder>(config, std::move(heads), options);
}

}  // namespace graft
