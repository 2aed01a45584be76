// ALBERT (Lan et al. 2020, arXiv 1909.11942): BERT with projected embeddings whose layers share
// their parameters in groups.
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"

namespace graft {
namespace {

// The layers whose parameters a stage takes. A layer of the config passes through all layers of its
// group; each pass through one of them is a stage.
struct Sharing {
  int64_t layers = 0;  // num_hidden_layers
  int64_t groups = 0;
  int64_t inner = 0;  // layers of a group

  // The group of a stage, divided as the reference does, in double precision.
  int64_t Group(int stage) const {
    const int64_t layer = (stage - 1) / inner;
    const double layers_per_group = static_cast<double>(layers) / static_cast<double>(groups);
    return static_cast<int64_t>(static_cast<double>(layer) / layers_per_group);
  }
  int64_t Inner(int stage) const { return (stage - 1) % inner; }

  // The lowest stage that takes the same parameters: they belong to it.
  int Owner(int stage) const {
    const auto step = static_cast<int>(inner);
    int owner = stage;
    while (owner > step && Group(owner - step) == Group(stage)) owner -= step;
    return owner;
  }
};

PostNormNames LayerNames(int64_t group, int64_t inner) {
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("encoder.albert_layer_groups.", group, ".albert_layers.", inner, ".", rest);
  };
  return {.query = name("attention.query"),
          .key = name("attention.key"),
          .value = name("attention.value"),
          .attention_output = name("attention.dense"),
          .attention_norm = name("attention.LayerNorm"),
          .up = name("ffn"),
          .down = name("ffn_output"),
          .output_norm = name("full_layer_layer_norm")};
}

class AlbertEncoder final : public Architecture {
 public:
  AlbertEncoder(EncoderConfig config, HeadLayouts heads, BertLike parts, Sharing sharing)
      : Architecture(std::move(config), std::move(heads)),
        parts_(std::move(parts)),
        sharing_(sharing) {}

  // A stage whose parameters belong to a lower one has no slots.
  std::vector<std::vector<SlotLayout>> Layout() const override {
    std::vector<std::vector<SlotLayout>> all = {EmbeddingSlots(parts_.embeddings)};
    for (int stage = 1; stage < stages(); ++stage) {
      all.emplace_back();
      if (sharing_.Owner(stage) != stage) continue;
      all.back() = PostNormSlots(LayerNames(sharing_.Group(stage), sharing_.Inner(stage)),
                                 config().hidden_size, config().intermediate_size);
    }
    return all;
  }

  at::Tensor RunStage(const StageInput& input) const override {
    if (input.stage == 0) return RunEmbeddings(parts_.embeddings, input, input.batch.positions);
    const Stage& owner = *input.stages[sharing_.Owner(input.stage)];
    return RunPostNorm(parts_.layer, input, owner.tensors, {});
  }

 private:
  const BertLike parts_;
  const Sharing sharing_;
};

Sharing ReadSharing(ConfigReader& reader, const EncoderConfig& config) {
  const Sharing sharing = {.layers = config.layers,
                           .groups = reader.Size("num_hidden_groups", kMaxLayers, 1),
                           .inner = reader.Size("inner_group_num", kMaxLayers, 1)};
  if (sharing.groups > sharing.layers) {
    reader.Uncomputed("num_hidden_groups",
                      absl::StrCat("expected at most num_hidden_layers (", sharing.layers,
                                   "), found ", sharing.groups));
  }
  if (sharing.layers * sharing.inner > kMaxLayers) {
    reader.Fail("inner_group_num",
                absl::StrCat("expected at most ", kMaxLayers, " layers in all, found ",
                             sharing.layers, " times ", sharing.inner));
  }
  return sharing;
}

}  // namespace

std::unique_ptr<const Architecture> ReadAlbert(ConfigReader& reader) {
  EncoderConfig config = ReadCommonConfig(reader);
  config.hidden_dropout = reader.Rate("hidden_dropout_prob", 0);
  config.attention_dropout = reader.Rate("attention_probs_dropout_prob", 0);
  const Activation activation = reader.Function("hidden_act", "gelu_new");
  const double eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  reader.ExpectText("position_embedding_type", "absolute");
  const double dropout = reader.Rate("classifier_dropout_prob", 0.1);
  const Sharing sharing = ReadSharing(reader, config);
  config.layers *= sharing.inner;
  BertLike parts = MakeBertLike(config, activation, eps);
  parts.embeddings.width = reader.Size("embedding_size", kMaxWidth, 128);
  parts.embeddings.projection = "encoder.embedding_hidden_mapping_in";
  parts.layer.hidden_dropout = 0;  // the feed-forward net's output is added as it is
  HeadLayouts heads;
  heads.sequence = {.dense = "pooler",
                    .dense_is_pooler = true,
                    .activation = Activation::kTanh,
                    .dropout = dropout,
                    .output = "classifier"};
  heads.token = PlainTokenHead(dropout);
  heads.language =
      MaskedLanguageHead("predictions.dense", "predictions.LayerNorm", activation, eps,
                         "predictions.decoder", reader.Flag("tie_word_embeddings", true));
  heads.language->dense_size = parts.embeddings.width;
  heads.language->output_bias_name = "predictions.bias";
  return std::make_unique<AlbertEncoder>(std::move(config), std::move(heads), std::move(parts),
                                         sharing);
}

}  // namespace graft
