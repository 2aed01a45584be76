// ModernBERT (Warner et al. 2024, arXiv 2412.13663): norms before the sublayers, rotary positions
// (Su et al. 2021, arXiv 2104.09864), gated feed-forward nets (Shazeer 2020, arXiv 2002.05202), and
// layers that see a window (Beltagy et al. 2020, arXiv 2004.05150) between layers that see all.
#include <ATen/ops/add.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "models/config_reader.h"
#include "models/families/families.h"
#include "models/families/rope_config.h"
#include "models/families/weight_row.h"
#include "models/kernels/activation.h"
#include "models/kernels/attention.h"
#include "models/kernels/dropout.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"
#include "models/kernels/rotary.h"

namespace graft {
namespace {

// The two kinds of layers; also their places in what is kept for each kind.
enum Kind { kFull, kSliding };

enum DropoutPlace { kEmbeddings = 0, kProbabilities = 0, kAttended = 1, kGated = 2 };

struct Options {
  std::vector<Kind> kinds;  // of the layers
  RopeConfig rope[2];       // by Kind
  int64_t window = 0;       // keys to either side of a query, in sliding layers
  Activation activation = Activation::kGelu;
  double norm_eps = 0;
  bool norm_bias = false, attention_bias = false, mlp_bias = false;
  double embedding_dropout = 0;
};

class ModernBertEncoder final : public Architecture {
 public:
  ModernBertEncoder(EncoderConfig config, HeadLayouts heads, Options options)
      : Architecture(std::move(config), std::move(heads)), o_(std::move(options)) {
    for (const Kind kind : {kFull, kSliding}) {
      frequencies_[kind] = RotaryFrequencies(o_.rope[kind].theta, o_.rope[kind].divisor,
                                             this->config().hidden_size / this->config().heads);
    }
  }

  std::vector<std::vector<SlotLayout>> Layout() const override;
  // Cosines and sines by Kind.
  std::vector<at::Tensor> Tables(const Batch& batch) const override;
  at::Tensor RunStage(const StageInput& input) const override;

 private:
  std::vector<SlotLayout> LayerSlots(int64_t layer) const;
  at::Tensor Embed(const StageInput& in) const;
  at::Tensor Attend(const StageInput& in, Kind kind, const at::Tensor& x, WeightRow& weights) const;
  at::Tensor Feed(const StageInput& in, const at::Tensor& x, WeightRow& weights) const;
  at::Tensor Norm(const at::Tensor& x, WeightRow& weights) const;

  const Options o_;
  at::Tensor frequencies_[2];
};

void Add(std::vector<SlotLayout>& slots, const std::string& module, std::vector<int64_t> shape,
         bool bias) {
  const int64_t results = shape.front();
  slots.push_back({{{absl::StrCat(module, ".weight"), std::move(shape)}}});
  if (bias) slots.push_back({{{absl::StrCat(module, ".bias"), {results}}}});
}

std::vector<std::vector<SlotLayout>> ModernBertEncoder::Layout() const {
  const int64_t h = config().hidden_size;
  std::vector<std::vector<SlotLayout>> stages(1);
  Add(stages[0], "embeddings.tok_embeddings", {config().vocab_size, h}, false);
  Add(stages[0], "embeddings.norm", {h}, o_.norm_bias);
  for (int64_t layer = 0; layer < config().layers; ++layer) stages.push_back(LayerSlots(layer));
  Add(stages.back(), "final_norm", {h}, o_.norm_bias);
  return stages;
}

std::vector<SlotLayout> ModernBertEncoder::LayerSlots(int64_t layer) const {
  const int64_t h = config().hidden_size, i = config().intermediate_size;
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("layers.", layer, ".", rest);
  };
  std::vector<SlotLayout> slots;
  if (layer > 0) Add(slots, name("attn_norm"), {h}, o_.norm_bias);
  Add(slots, name("attn.Wqkv"), {3 * h, h}, o_.attention_bias);
  Add(slots, name("attn.Wo"), {h, h}, o_.attention_bias);
  Add(slots, name("mlp_norm"), {h}, o_.norm_bias);
  Add(slots, name("mlp.Wi"), {2 * i, h}, o_.mlp_bias);
  Add(slots, name("mlp.Wo"), {h, i}, o_.mlp_bias);
  return slots;
}

std::vector<at::Tensor> ModernBertEncoder::Tables(const Batch& batch) const {
  std::vector<at::Tensor> tables;
  for (const at::Tensor& frequencies : frequencies_) {
    const RotaryTables made = MakeRotaryTables(frequencies, batch.segments.longest);
    tables.insert(tables.end(), {made.cosine, made.sine});
  }
  return tables;
}

at::Tensor ModernBertEncoder::RunStage(const StageInput& in) const {
  if (in.stage == 0) return Embed(in);
  WeightRow weights(in.weights());
  const int64_t layer = in.stage - 1;
  // The first layer gets what the embeddings' norm gave.
  const at::Tensor x = layer == 0 ? in.hidden : Norm(in.hidden, weights);
  const at::Tensor attended = in.hidden.add(Attend(in, o_.kinds[layer], x, weights));  // [R, H]
  const at::Tensor normed = Norm(attended, weights);
  const at::Tensor hidden = attended.add(Feed(in, normed, weights));  // [R, H]
  return layer + 1 == config().layers ? Norm(hidden, weights) : hidden;
}

at::Tensor ModernBertEncoder::Norm(const at::Tensor& x, WeightRow& weights) const {
  const at::Tensor gamma = weights.Take(), beta = weights.Take(o_.norm_bias);
  return LayerNorm(x, gamma, beta, o_.norm_eps);
}

at::Tensor ModernBertEncoder::Embed(const StageInput& in) const {
  WeightRow weights(in.weights());
  const at::Tensor none;
  const at::Tensor words =
      EmbeddingSum(in.batch.ids, none, none, weights.Take(), none, none, in.batch.segments);
  return Dropout(Norm(words, weights), in.batch.segments,
                 in.dropout(o_.embedding_dropout, kEmbeddings));  // [R, H]
}

at::Tensor ModernBertEncoder::Attend(const StageInput& in, Kind kind, const at::Tensor& x,
                                     WeightRow& weights) const {
  const Segments& segments = in.batch.segments;
  const at::Tensor qkv_weight = weights.Take(), qkv_bias = weights.Take(o_.attention_bias);
  const at::Tensor out_weight = weights.Take(), out_bias = weights.Take(o_.attention_bias);
  const at::Tensor no_bias;
  const at::Tensor qkv =
      Rotate(Linear(x, qkv_weight, no_bias), qkv_bias, in.batch.positions, in.tables[2 * kind],
             in.tables[2 * kind + 1], config().heads);  // [R, 3H]
  AttentionOptions options;
  if (kind == kSliding) options.before = options.after = o_.window;
  const double rate = config().attention_dropout;
  const at::Tensor context = Attention(qkv, no_bias, segments, config().heads, options,
                                       in.dropout(rate, kProbabilities));  // [R, H]
  return Dropout(Linear(context, out_weight, out_bias), segments, in.dropout(rate, kAttended));
}

at::Tensor ModernBertEncoder::Feed(const StageInput& in, const at::Tensor& x,
                                   WeightRow& weights) const {
  const at::Tensor in_weight = weights.Take(), in_bias = weights.Take(o_.mlp_bias);
  const at::Tensor out_weight = weights.Take(), out_bias = weights.Take(o_.mlp_bias);
  const at::Tensor gated =
      GatedActivation(Linear(x, in_weight, at::Tensor()), in_bias, o_.activation);  // [R, I]
  return Linear(Dropout(gated, in.batch.segments, in.dropout(config().hidden_dropout, kGated)),
                out_weight,
                out_bias);  // [R, H]
}

EncoderConfig ReadSizes(ConfigReader& reader) {
  EncoderConfig config = reader.NewConfig();
  config.vocab_size = reader.Size("vocab_size", kMaxVocabulary);
  config.hidden_size = reader.Size("hidden_size", kMaxWidth);
  config.layers = reader.Size("num_hidden_layers", kMaxLayers);
  config.heads = reader.Size("num_attention_heads", kMaxWidth);
  config.intermediate_size = reader.Size("intermediate_size", kMaxWidth);
  config.max_positions = reader.Size("max_position_embeddings", kMaxPositions, 8192);
  config.hidden_dropout = reader.Rate("mlp_dropout", 0);
  config.attention_dropout = reader.Rate("attention_dropout", 0);
  config.initializer_range = reader.Number("initializer_range", 0, 10, 0.02);
  CheckHeads(reader, config);
  RefusePrunedHeads(reader);
  const int64_t width = config.hidden_size / config.heads;
  CheckRotaryWidth(reader, "num_attention_heads", width);
  if (reader.Integer("head_dim", 1, kMaxWidth, width) != width) {
    reader.Uncomputed("head_dim", "expected hidden_size / num_attention_heads, found another");
  }
  return config;
}

// layer_types, or every n-th layer, beginning with the first, is a full one.
std::vector<Kind> ReadKinds(ConfigReader& reader, int64_t layers) {
  const int64_t every = reader.Size("global_attn_every_n_layers", kMaxLayers, 3);
  std::vector<Kind> kinds;
  if (!reader.Has("layer_types")) {
    for (int64_t i = 0; i < layers; ++i) kinds.push_back(i % every == 0 ? kFull : kSliding);
    return kinds;
  }
  for (const std::string& name : reader.Texts("layer_types")) {
    kinds.push_back(name == "full_attention" ? kFull : kSliding);
    if (name == "full_attention" || name == "sliding_attention") continue;
    reader.Uncomputed(
        "layer_types",
        absl::StrCat("expected 'full_attention' or 'sliding_attention', found ", Quoted(name)));
  }
  if (static_cast<int64_t>(kinds.size()) != layers) {
    reader.Fail("layer_types", absl::StrCat("expected num_hidden_layers (", layers,
                                            ") of them, found ", kinds.size()));
  }
  return kinds;
}

// transformers rounds the half of local_attention down, and counts it to both sides.
int64_t ReadWindow(ConfigReader& reader) {
  const int64_t window = reader.Size("local_attention", kMaxPositions, 128) / 2;
  if (reader.Integer("sliding_window", 0, kMaxPositions, window) != window) {
    reader.Fail("sliding_window",
                absl::StrCat("expected half of local_attention (", window, "), found another"));
  }
  return window;
}

void ReadRopes(ConfigReader& reader, Options& options) {
  constexpr double kMaxTheta = 1e12;
  constexpr std::string_view kNames[] = {"full_attention", "sliding_attention"};
  const double thetas[] = {reader.Number("global_rope_theta", 1, kMaxTheta, 160'000),
                           reader.Number("local_rope_theta", 1, kMaxTheta, 10'000)};
  if (reader.Has("rope_scaling")) reader.Uncomputed("rope_scaling", "expected none, found one");
  const auto both = reader.root().Find("rope_parameters");
  if (both) {
    const auto members = both->AsObject();
    if (!members.ok()) {
      reader.Fail(members.status());
      return;
    }
    for (const auto& [key, value] : *members) {
      if (std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames)) continue;
      reader.Uncomputed(
          "rope_parameters",
          absl::StrCat("expected 'full_attention' and 'sliding_attention', found ", Quoted(key)));
    }
  }
  for (const Kind kind : {kFull, kSliding}) {
    options.rope[kind] =
        ReadRope(reader, both ? both->Find(kNames[kind]) : std::nullopt, thetas[kind]);
  }
}

Pooling ReadPooling(ConfigReader& reader) {
  const std::string name = reader.Text("classifier_pooling", "cls");
  if (name == "mean") return Pooling::kMean;
  if (name != "cls") {
    reader.Uncomputed("classifier_pooling",
                      absl::StrCat("expected 'cls' or 'mean', found ", Quoted(name)));
  }
  return Pooling::kCls;
}

HeadLayouts ReadHeads(ConfigReader& reader, const Options& options) {
  HeadLayout head = {.dense = "head.dense",
                     .dense_bias = reader.Flag("classifier_bias", false),
                     .activation = reader.Function("classifier_activation", "gelu"),
                     .norm = "head.norm",
                     .norm_bias = options.norm_bias,
                     .norm_eps = options.norm_eps};
  HeadLayouts heads;
  heads.language = head;
  heads.language->output = "decoder";
  heads.language->output_bias = reader.Flag("decoder_bias", true);
  heads.language->tied = reader.Flag("tie_word_embeddings", true);
  head.dropout = reader.Rate("classifier_dropout", 0);
  head.output = "classifier";
  heads.token = head;
  head.pooling = ReadPooling(reader);
  heads.sequence = std::move(head);
  return heads;
}

}  // namespace

std::unique_ptr<const Architecture> ReadModernBert(ConfigReader& reader) {
  const EncoderConfig config = ReadSizes(reader);
  Options options;
  options.kinds = ReadKinds(reader, config.layers);
  ReadRopes(reader, options);
  options.window = ReadWindow(reader);
  options.activation = reader.Function("hidden_activation", "gelu");
  options.norm_eps = reader.Number("norm_eps", 0, 1, 1e-5);
  options.norm_bias = reader.Flag("norm_bias", false);
  options.attention_bias = reader.Flag("attention_bias", false);
  options.mlp_bias = reader.Flag("mlp_bias", false);
  options.embedding_dropout = reader.Rate("embedding_dropout", 0);
  HeadLayouts heads = ReadHeads(reader, options);
  // Sizes that do not fit have no frequencies.
  if (!reader.status().ok()) return nullptr;
  return std::make_unique<ModernBertEncoder>(config, std::move(heads), std::move(options));
}

}  // namespace graft
