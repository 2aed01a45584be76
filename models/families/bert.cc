// BERT (Devlin et al. 2019, arXiv 1810.04805).
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"

namespace graft {

std::unique_ptr<const Architecture> ReadBert(ConfigReader& reader) {
  const EncoderConfig config = ReadCommonConfig(reader);
  const Activation activation = reader.Function("hidden_act", "gelu");
  const double eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  reader.ExpectText("position_embedding_type", "absolute");
  const double dropout = reader.Rate("classifier_dropout", config.hidden_dropout);
  HeadLayouts heads;
  heads.sequence = {.dense = "pooler.dense",
                    .dense_is_pooler = true,
                    .activation = Activation::kTanh,
                    .dropout = dropout,
                    .output = "classifier"};
  heads.token = PlainTokenHead(dropout);
  heads.language = MaskedLanguageHead(
      "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", activation, eps,
      "cls.predictions.decoder", reader.Flag("tie_word_embeddings", true));
  heads.language->output_bias_name = "cls.predictions.bias";
  return BertLikeArchitecture(config, std::move(heads), MakeBertLike(config, activation, eps));
}

}  // namespace graft
