// RoBERTa (Liu et al. 2019, arXiv 1907.11692), XLM-RoBERTa (Conneau et al. 2020, arXiv 1911.02116)
// and CamemBERT (Martin et al. 2020, arXiv 1911.03894): BERT whose positions begin behind the id of
// the padding.
#include "absl/strings/str_cat.h"
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"

namespace graft {

std::unique_ptr<const Architecture> ReadRoberta(ConfigReader& reader) {
  EncoderConfig config = ReadCommonConfig(reader);
  const Activation activation = reader.Function("hidden_act", "gelu");
  const double eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  reader.ExpectText("position_embedding_type", "absolute");
  const int64_t padding = reader.Integer("pad_token_id", 0, config.vocab_size - 1, 1);
  BertLike parts = MakeBertLike(config, activation, eps);
  parts.padding_id = padding;
  config.max_positions -= padding + 1;
  if (config.max_positions < 1) {
    reader.Fail("max_position_embeddings",
                absl::StrCat("expected more than pad_token_id + 1 (", padding + 1, "), found ",
                             parts.embeddings.positions));
  }
  const double dropout = reader.Rate("classifier_dropout", config.hidden_dropout);
  HeadLayouts heads;
  heads.sequence = {.input_dropout = dropout,
                    .dense = "classifier.dense",
                    .activation = Activation::kTanh,
                    .dropout = dropout,
                    .output = "classifier.out_proj"};
  heads.token = PlainTokenHead(dropout);
  heads.language = MaskedLanguageHead("lm_head.dense", "lm_head.layer_norm", Activation::kGelu, eps,
                                      "lm_head.decoder", reader.Flag("tie_word_embeddings", true));
  heads.language->output_bias_name = "lm_head.bias";
  return BertLikeArchitecture(config, std::move(heads), std::move(parts));
}

}  // namespace graft
