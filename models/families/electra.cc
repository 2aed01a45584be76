// ELECTRA (Clark et al. 2020, arXiv 2003.10555), discriminator and generator: BERT with embeddings
// of a width of their own.
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"

namespace graft {

std::unique_ptr<const Architecture> ReadElectra(ConfigReader& reader) {
  const EncoderConfig config = ReadCommonConfig(reader);
  const Activation activation = reader.Function("hidden_act", "gelu");
  const double eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  reader.ExpectText("position_embedding_type", "absolute");
  const double dropout = reader.Rate("classifier_dropout", config.hidden_dropout);
  BertLike parts = MakeBertLike(config, activation, eps);
  parts.embeddings.width = reader.Size("embedding_size", kMaxWidth, 128);
  if (parts.embeddings.width != config.hidden_size) {
    parts.embeddings.projection = "embeddings_project";
  }
  HeadLayouts heads;
  heads.sequence = {.input_dropout = dropout,
                    .dense = "classifier.dense",
                    .activation = Activation::kGelu,
                    .dropout = dropout,
                    .output = "classifier.out_proj"};
  heads.token = PlainTokenHead(dropout);
  heads.language = MaskedLanguageHead(
      "generator_predictions.dense", "generator_predictions.LayerNorm", Activation::kGelu, eps,
      "generator_lm_head", reader.Flag("tie_word_embeddings", true));
  heads.language->dense_size = parts.embeddings.width;
  return BertLikeArchitecture(config, std::move(heads), std::move(parts));
}

}  // namespace graft
