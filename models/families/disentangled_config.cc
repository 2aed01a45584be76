#include "models/families/disentangled_config.h"

#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"
#include "models/families/bert_like.h"

namespace graft {
namespace {

// A list, or its members in one text: "c2p|p2c".
std::vector<std::string> ReadScoreKinds(ConfigReader& reader) {
  constexpr std::string_view kKey = "pos_att_type";
  std::vector<std::string> kinds;
  const auto member = reader.root().Find(kKey);
  if (member && member->is_string()) {
    const std::string text = absl::AsciiStrToLower(reader.Text(kKey, ""));
    for (const std::string_view kind : absl::StrSplit(text, '|')) {
      kinds.emplace_back(absl::StripAsciiWhitespace(kind));
    }
  } else {
    kinds = reader.Texts(kKey);
  }
  for (const std::string& kind : kinds) {
    if (kind == "c2p" || kind == "p2c") continue;
    reader.Uncomputed(kKey, absl::StrCat("expected c2p and p2c, found ", Quoted(kind)));
  }
  return kinds;
}

// Options of which the model itself leaves only one value.
void ExpectSize(ConfigReader& reader, std::string_view key, int64_t only, std::string_view what) {
  const int64_t found = reader.Size(key, kMaxWidth, only);
  if (found == only) return;
  reader.Fail(key, absl::StrCat("expected ", what, " (", only, "), found ", found));
}

HeadLayouts ReadHeads(ConfigReader& reader, const EncoderConfig& config,
                      const Disentangled& parts) {
  HeadLayouts heads;
  ExpectSize(reader, "pooler_hidden_size", config.hidden_size, "the hidden_size");
  heads.sequence = {.input_dropout = reader.Rate("pooler_dropout", 0),
                    .dense = "pooler.dense",
                    .activation = reader.Function("pooler_hidden_act", "gelu"),
                    .dropout = reader.Rate("cls_dropout", config.hidden_dropout),
                    .output = "classifier"};
  heads.token = PlainTokenHead(config.hidden_dropout);
  const bool tied = reader.Flag("tie_word_embeddings", true);
  const Activation activation = parts.layer.activation;
  if (reader.Flag("legacy", true)) {
    heads.language =
        MaskedLanguageHead("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
                           activation, parts.norm_eps, "cls.predictions.decoder", tied);
    heads.language->dense_size = parts.embedding_size;
    heads.language->output_bias_name = "cls.predictions.bias";
    return heads;
  }
  // The head of the original, which takes the table of the words even where nothing is tied.
  heads.language =
      MaskedLanguageHead("lm_predictions.lm_head.dense", "lm_predictions.lm_head.LayerNorm",
                         activation, parts.norm_eps, "lm_predictions.lm_head", true);
  if (parts.embedding_size != config.hidden_size) {
    reader.Fail("embedding_size",
                absl::StrCat("expected the hidden_size (", config.hidden_size,
                             ") where legacy is false, found ", parts.embedding_size));
  }
  return heads;
}

}  // namespace

bool DisentangledConfig::HasScores(std::string_view kind) const {
  return std::find(score_kinds.begin(), score_kinds.end(), kind) != score_kinds.end();
}

DisentangledConfig ReadDisentangled(ConfigReader& reader) {
  DisentangledConfig read;
  EncoderConfig& config = read.common;
  config = ReadCommonConfig(reader, 0);
  config.type_vocab_size = reader.Integer("type_vocab_size", 0, kMaxWidth, 0);
  Disentangled& parts = read.parts;
  parts.embedding_size = reader.Size("embedding_size", kMaxWidth, config.hidden_size);
  parts.absolute_positions = reader.Flag("position_biased_input", true);
  parts.norm_eps = reader.Number("layer_norm_eps", 0, 1, 1e-7);
  parts.layer = {.heads = config.heads,
                 .activation = reader.Function("hidden_act", "gelu"),
                 .norm_eps = parts.norm_eps,
                 .attention_dropout = config.attention_dropout,
                 .attended_dropout = config.hidden_dropout,
                 .hidden_dropout = config.hidden_dropout};
  read.relative_attention = reader.Flag("relative_attention", false);
  read.score_kinds = ReadScoreKinds(reader);
  parts.relative.content_to_position = read.relative_attention && read.HasScores("c2p");
  parts.relative.position_to_content = read.relative_attention && read.HasScores("p2c");
  read.max_distance = reader.Integer("max_relative_positions", -kMaxPositions, kMaxPositions, -1);
  if (read.max_distance < 1) read.max_distance = config.max_positions;
  read.heads = ReadHeads(reader, config, parts);
  return read;
}

double DisentangledScale(const EncoderConfig& config, int64_t terms) {
  const int64_t width = config.hidden_size / config.heads;
  return 1 / std::sqrt(static_cast<double>(width * terms));
}

at::Tensor DescendingDistances(int64_t max_positions) {
  return at::arange(max_positions - 1, -max_positions, -1, at::kLong);
}

void SetTable(const at::Tensor& buckets, int64_t span, RelativePositions& relative) {
  relative.table_rows = 2 * span;
  relative.rows = at::clamp(at::add(buckets, span), 0, 2 * span - 1);
}

}  // namespace graft
