// MobileBERT (Sun et al. 2020, arXiv 2004.02984): narrow layers between bottlenecks, several
// feed-forward nets a layer, embeddings that see both neighbours of a token, and a scale and shift
// of each component in place of layer norm.
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"
#include "models/kernels/activation.h"
#include "models/kernels/attention.h"
#include "models/kernels/dropout.h"
#include "models/kernels/embedding.h"
#include "models/kernels/linear.h"
#include "models/kernels/normalization.h"

namespace graft {
namespace {

// Some layer norms of the reference have LibTorch's default, whatever layer_norm_eps says.
constexpr double kDefaultEps = 1e-5;

// The options of a config that EncoderConfig has no place for.
struct Options {
  bool bottleneck = true;             // use_bottleneck
  bool bottleneck_attention = false;  // use_bottleneck_attention
  bool shared_bottleneck = true;      // key_query_shared_bottleneck
  bool trigrams = true;               // trigram_input
  bool layer_norm = false;            // normalization_type
  int64_t embedding_size = 0;
  int64_t inner_size = 0;  // T: of what is between the bottlenecks, else the hidden size
  int64_t nets = 1;        // num_feedforward_networks
  Activation activation = Activation::kRelu;
  double norm_eps = 0;

  // Queries and keys come from a bottleneck of their own, and values from the hidden states.
  bool OwnQueries() const { return bottleneck && shared_bottleneck && !bottleneck_attention; }
  bool Transforms(int64_t hidden_size) const { return trigrams || embedding_size != hidden_size; }
};

enum DropoutPlace { kEmbeddings = 0, kProbabilities = 0, kAttended = 1, kOutput = 2 };

// The slots of a stage under a common name.
class SlotList {
 public:
  explicit SlotList(std::string stem) : stem_(std::move(stem)) {}

  void Add(std::string_view name, std::vector<int64_t> shape) {
    slots_.push_back({{{absl::StrCat(stem_, name), std::move(shape)}}});
  }
  void AddStack(std::vector<PartLayout> parts) {
    for (PartLayout& part : parts) part.name = absl::StrCat(stem_, part.name);
    slots_.push_back({std::move(parts)});
  }
  void AddDense(std::string_view name, int64_t in, int64_t out) {
    Add(absl::StrCat(name, ".weight"), {out, in});
    Add(absl::StrCat(name, ".bias"), {out});
  }
  void AddNorm(std::string_view name, int64_t width) {
    Add(absl::StrCat(name, ".weight"), {width});
    Add(absl::StrCat(name, ".bias"), {width});
  }
  // What Sublayer takes.
  void AddSublayer(std::string_view name, int64_t in, int64_t out) {
    AddDense(absl::StrCat(name, ".dense"), in, out);
    AddNorm(absl::StrCat(name, ".LayerNorm"), out);
  }
  std::vector<SlotLayout> Take() { return std::move(slots_); }

 private:
  const std::string stem_;
  std::vector<SlotLayout> slots_;
};

// [R, E] -> [R, 3E]: the token behind each one, itself and the one before it; zeros beyond the ends
// of its text.
at::Tensor Trigrams(const at::Tensor& words, const Segments& segments) {
  const int64_t rows = words.size(0);
  const at::Tensor first = at::zeros({rows, 1}, at::kBool), last = at::zeros({rows, 1}, at::kBool);
  const int32_t* starts = segments.starts.const_data_ptr<int32_t>();
  for (int64_t text = 0; text < segments.texts(); ++text) {
    if (starts[text] == starts[text + 1]) continue;
    first.mutable_data_ptr<bool>()[starts[text]] = true;
    last.mutable_data_ptr<bool>()[starts[text + 1] - 1] = true;
  }
  const at::Tensor zero = at::zeros({1, words.size(1)}, words.options());
  const at::Tensor behind = at::cat({words.narrow(0, 1, rows - 1), zero});
  const at::Tensor before = at::cat({zero, words.narrow(0, 0, rows - 1)});
  return at::cat({behind.masked_fill(last, 0), words, before.masked_fill(first, 0)}, 1);
}

// Goes through the slots of a stage in their order.
class StageRun {
 public:
  StageRun(const Options& options, const StageInput& input) : options_(options), input_(input) {}

  const at::Tensor& Take() { return input_.weights()[next_++]; }

  // The norm of a tensor that nothing else uses.
  at::Tensor Norm(at::Tensor x, double eps) {
    const at::Tensor &gamma = Take(), &beta = Take();
    if (options_.layer_norm) return LayerNorm(x, gamma, beta, eps);
    return c10::GradMode::is_enabled() ? x.mul(gamma).add(beta) : x.mul_(gamma).add_(beta);
  }

  at::Tensor Sublayer(const at::Tensor& x, double eps) {
    const at::Tensor &weight = Take(), &bias = Take();
    return Norm(Linear(x, weight, bias), eps);
  }

  // With `residual` added before the norm, and dropout before that.
  at::Tensor Sublayer(const at::Tensor& x, const at::Tensor& residual, double eps,
                      const DropoutKey& dropout) {
    const at::Tensor &weight = Take(), &bias = Take();
    const Segments& segments = input_.batch.segments;
    if (options_.layer_norm) {
      const at::Tensor &gamma = Take(), &beta = Take();
      return ResidualLayerNorm(Linear(x, weight, at::Tensor()), bias, residual, gamma, beta, eps,
                               segments, dropout);
    }
    const at::Tensor y = Dropout(Linear(x, weight, bias), segments, dropout);
    return Norm(c10::GradMode::is_enabled() ? y.add(residual) : y.add_(residual), eps);
  }

  // The wide layer of a feed-forward net.
  at::Tensor Up(const at::Tensor& x) {
    const at::Tensor &weight = Take(), &bias = Take();
    return BiasActivation(Linear(x, weight, at::Tensor()), bias, options_.activation);
  }

  // Queries, keys and values [R, 3T] without their bias; `shared` is undefined or what queries and
  // keys come from.
  at::Tensor Projections(const at::Tensor& x, const at::Tensor& shared) {
    const at::Tensor none;
    if (!shared.defined()) return Linear(x, Take(), none);
    const at::Tensor &queries_keys = Take(), &values = Take();
    return at::cat({Linear(shared, queries_keys, none), Linear(x, values, none)}, 1);
  }

 private:
  const Options& options_;
  const StageInput& input_;
  size_t next_ = 0;
};

class MobileBertEncoder final : public Architecture {
 public:
  MobileBertEncoder(EncoderConfig config, HeadLayouts heads, Options options)
      : Architecture(std::move(config), std::move(heads)), options_(options) {}

  std::vector<std::vector<SlotLayout>> Layout() const override {
    std::vector<std::vector<SlotLayout>> stages = {EmbeddingsSlots()};
    for (int64_t layer = 0; layer < config().layers; ++layer) stages.push_back(LayerSlots(layer));
    return stages;
  }

  at::Tensor RunStage(const StageInput& input) const override {
    return input.stage == 0 ? RunEmbeddings(input) : RunLayer(input);
  }

 private:
  std::vector<SlotLayout> EmbeddingsSlots() const;
  std::vector<SlotLayout> LayerSlots(int64_t layer) const;
  at::Tensor RunEmbeddings(const StageInput& input) const;
  at::Tensor RunLayer(const StageInput& input) const;
  at::Tensor Attend(StageRun& run, const StageInput& input, const at::Tensor& inside) const;

  const Options options_;
};

std::vector<SlotLayout> MobileBertEncoder::EmbeddingsSlots() const {
  const EncoderConfig& c = config();
  SlotList slots("embeddings.");
  slots.Add("word_embeddings.weight", {c.vocab_size, options_.embedding_size});
  slots.Add("position_embeddings.weight", {c.max_positions, c.hidden_size});
  slots.Add("token_type_embeddings.weight", {c.type_vocab_size, c.hidden_size});
  if (options_.Transforms(c.hidden_size)) {
    slots.AddDense("embedding_transformation",
                   options_.embedding_size * (options_.trigrams ? 3 : 1), c.hidden_size);
  }
  slots.AddNorm("LayerNorm", c.hidden_size);
  return slots.Take();
}

std::vector<SlotLayout> MobileBertEncoder::LayerSlots(int64_t layer) const {
  const int64_t h = config().hidden_size, t = options_.inner_size, i = config().intermediate_size;
  SlotList slots(absl::StrCat("encoder.layer.", layer, "."));
  if (options_.bottleneck) slots.AddSublayer("bottleneck.input", h, t);
  const PartLayout query = {"attention.self.query.weight", {t, t}};
  const PartLayout key = {"attention.self.key.weight", {t, t}};
  if (options_.OwnQueries()) {
    slots.AddSublayer("bottleneck.attention", h, t);
    slots.AddStack({query, key});
    slots.Add("attention.self.value.weight", {t, h});
  } else {
    slots.AddStack({query, key, {"attention.self.value.weight", {t, t}}});
  }
  slots.AddStack({{"attention.self.query.bias", {t}},
                  {"attention.self.key.bias", {t}},
                  {"attention.self.value.bias", {t}}});
  slots.AddSublayer("attention.output", t, t);
  for (int64_t net = 0; net + 1 < options_.nets; ++net) {
    slots.AddDense(absl::StrCat("ffn.", net, ".intermediate.dense"), t, i);
    slots.AddSublayer(absl::StrCat("ffn.", net, ".output"), i, t);
  }
  slots.AddDense("intermediate.dense", t, i);
  slots.AddSublayer("output", i, t);
  if (options_.bottleneck) slots.AddSublayer("output.bottleneck", t, h);
  return slots.Take();
}

at::Tensor MobileBertEncoder::RunEmbeddings(const StageInput& in) const {
  const Batch& batch = in.batch;
  const Segments& segments = batch.segments;
  const at::Tensor none;
  StageRun run(options_, in);
  const at::Tensor &word = run.Take(), &position = run.Take(), &type = run.Take();
  at::Tensor sum;
  if (options_.Transforms(config().hidden_size)) {
    const at::Tensor &weight = run.Take(), &bias = run.Take();
    at::Tensor words = EmbeddingSum(batch.ids, none, none, word, none, none, segments);  // [R, E]
    if (options_.trigrams) words = Trigrams(words, segments);
    sum = Linear(words, weight, bias)
              .add(EmbeddingSum(batch.positions, none, batch.type_ids, position, none, type,
                                segments));  // [R, H]
  } else {
    sum = EmbeddingSum(batch.ids, batch.positions, batch.type_ids, word, position, type, segments);
  }
  const at::Tensor hidden = run.Norm(sum, kDefaultEps);
  return Dropout(hidden, segments, in.dropout(config().hidden_dropout, kEmbeddings));
}

// What attention makes of the hidden states; `inside` [R, T] is what the input bottleneck made of
// them.
at::Tensor MobileBertEncoder::Attend(StageRun& run, const StageInput& in,
                                     const at::Tensor& inside) const {
  at::Tensor shared;
  if (options_.OwnQueries()) shared = run.Sublayer(in.hidden, options_.norm_eps);
  const at::Tensor projections =
      run.Projections(options_.bottleneck_attention ? inside : in.hidden, shared);
  const at::Tensor context = Attention(projections, run.Take(), in.batch.segments, config().heads,
                                       {}, in.dropout(config().attention_dropout, kProbabilities));
  const double rate = options_.bottleneck ? 0 : config().hidden_dropout;
  return run.Sublayer(context, inside, options_.norm_eps, in.dropout(rate, kAttended));  // [R, T]
}

at::Tensor MobileBertEncoder::RunLayer(const StageInput& in) const {
  StageRun run(options_, in);
  const double eps = options_.norm_eps;
  const at::Tensor inside = options_.bottleneck ? run.Sublayer(in.hidden, eps) : in.hidden;
  at::Tensor x = Attend(run, in, inside);
  for (int64_t net = 0; net + 1 < options_.nets; ++net) {
    const at::Tensor up = run.Up(x);
    x = run.Sublayer(up, x, eps, DropoutKey());
  }
  const DropoutKey dropout = in.dropout(config().hidden_dropout, kOutput);
  const at::Tensor up = run.Up(x);
  x = run.Sublayer(up, x, kDefaultEps, options_.bottleneck ? DropoutKey() : dropout);
  return options_.bottleneck ? run.Sublayer(x, in.hidden, eps, dropout) : x;
}

Options ReadOptions(ConfigReader& reader, const EncoderConfig& config) {
  Options o;
  o.bottleneck = reader.Flag("use_bottleneck", true);
  o.bottleneck_attention = reader.Flag("use_bottleneck_attention", false);
  o.shared_bottleneck = reader.Flag("key_query_shared_bottleneck", true);
  o.trigrams = reader.Flag("trigram_input", true);
  o.embedding_size = reader.Size("embedding_size", kMaxWidth, 128);
  const int64_t inner = reader.Size("intra_bottleneck_size", kMaxWidth, 128);
  o.inner_size = o.bottleneck ? inner : config.hidden_size;
  o.nets = reader.Size("num_feedforward_networks", kMaxLayers, 4);
  o.activation = reader.Function("hidden_act", "relu");
  o.norm_eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  const std::string norm = reader.Text("normalization_type", "no_norm");
  o.layer_norm = norm == "layer_norm";
  if (!o.layer_norm && norm != "no_norm") {
    reader.Uncomputed("normalization_type", absl::StrCat("expected one of: no_norm, layer_norm; "
                                                         "found ",
                                                         Quoted(norm)));
  }
  EncoderConfig inside = config;
  inside.hidden_size = o.inner_size;
  CheckHeads(reader, inside, o.bottleneck ? "intra_bottleneck_size" : "hidden_size");
  // Then queries and keys, as wide as what is inside, come from the hidden states.
  if (o.bottleneck && !o.bottleneck_attention && !o.shared_bottleneck &&
      o.inner_size != config.hidden_size) {
    reader.Fail("intra_bottleneck_size",
                absl::StrCat("expected hidden_size (", config.hidden_size,
                             "), as queries and keys have no bottleneck; found ", o.inner_size));
  }
  return o;
}

HeadLayouts ReadHeads(ConfigReader& reader, const EncoderConfig& config, const Options& options) {
  const double dropout = reader.Rate("classifier_dropout", config.hidden_dropout);
  HeadLayouts heads;
  heads.sequence = {.dropout = dropout, .output = "classifier"};
  if (reader.Flag("classifier_activation", true)) {
    heads.sequence->dense = "pooler.dense";
    heads.sequence->dense_is_pooler = true;
    heads.sequence->activation = Activation::kTanh;
  }
  heads.token = PlainTokenHead(dropout);
  const bool tied = reader.Flag("tie_word_embeddings", true);
  // The words' vectors meet the first components; a matrix of the head's own meets the others.
  const int64_t rest = config.hidden_size - options.embedding_size;
  if (rest < 0) return heads;  // no language model can be
  heads.language =
      MaskedLanguageHead("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
                         options.activation, options.norm_eps, "cls.predictions.decoder", tied);
  heads.language->output_bias_name = "cls.predictions.bias";
  if (rest > 0) heads.language->output_rest = "cls.predictions.dense";
  heads.language->output_rest_size = rest;
  return heads;
}

}  // namespace

std::unique_ptr<const Architecture> ReadMobileBert(ConfigReader& reader) {
  EncoderConfig config = ReadUncheckedConfig(reader);
  config.hidden_dropout = reader.Rate("hidden_dropout_prob", 0);
  reader.ExpectText("position_embedding_type", "absolute");
  const Options options = ReadOptions(reader, config);
  HeadLayouts heads = ReadHeads(reader, config, options);
  return std::make_unique<MobileBertEncoder>(std::move(config), std::move(heads), options);
}

}  // namespace graft
