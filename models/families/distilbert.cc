// DistilBERT (Sanh et al. 2019, arXiv 1910.01108): BERT without token types and pooler, under names
// of its own.
#include "absl/strings/str_cat.h"
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"

namespace graft {
namespace {

constexpr double kNormEps = 1e-12;

PostNormNames LayerNames(int64_t index) {
  const auto name = [&](std::string_view rest) {
    return absl::StrCat("transformer.layer.", index, ".", rest);
  };
  return {.query = name("attention.q_lin"),
          .key = name("attention.k_lin"),
          .value = name("attention.v_lin"),
          .attention_output = name("attention.out_lin"),
          .attention_norm = name("sa_layer_norm"),
          .up = name("ffn.lin1"),
          .down = name("ffn.lin2"),
          .output_norm = name("output_layer_norm")};
}

EncoderConfig ReadSizes(ConfigReader& reader) {
  EncoderConfig config = reader.NewConfig();
  config.vocab_size = reader.Size("vocab_size", kMaxVocabulary);
  config.hidden_size = reader.Size("dim", kMaxWidth);
  config.layers = reader.Size("n_layers", kMaxLayers);
  config.heads = reader.Size("n_heads", kMaxWidth);
  config.intermediate_size = reader.Size("hidden_dim", kMaxWidth);
  config.max_positions = reader.Size("max_position_embeddings", kMaxPositions, 512);
  config.hidden_dropout = reader.Rate("dropout", 0.1);
  config.attention_dropout = reader.Rate("attention_dropout", 0.1);
  config.initializer_range = reader.Number("initializer_range", 0, 10, 0.02);
  CheckHeads(reader, config, "dim", "n_heads");
  RefusePrunedHeads(reader);
  return config;
}

}  // namespace

std::unique_ptr<const Architecture> ReadDistilBert(ConfigReader& reader) {
  const EncoderConfig config = ReadSizes(reader);
  const Activation activation = reader.Function("activation", "gelu");
  HeadLayouts heads;
  heads.sequence = {.dense = "pre_classifier",
                    .activation = Activation::kRelu,
                    .dropout = reader.Rate("seq_classif_dropout", 0.2),
                    .output = "classifier"};
  heads.token = PlainTokenHead(config.hidden_dropout);
  heads.language = MaskedLanguageHead("vocab_transform", "vocab_layer_norm", activation, kNormEps,
                                      "vocab_projector", reader.Flag("tie_word_embeddings", true));
  BertLike parts = MakeBertLike(config, activation, kNormEps);
  parts.layer_names = LayerNames;
  parts.layer.attended_dropout = 0;  // attention's output is added as it is
  return BertLikeArchitecture(config, std::move(heads), std::move(parts));
}

}  // namespace graft
