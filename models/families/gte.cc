// GTE (Zhang et al. 2024, arXiv 2407.19669): BERT with rotary positions and gated feed-forward
// nets. Reads the configs of transformers (gte) and those of the original releases (new:
// gte-base-en-v1.5, gte-multilingual-base).
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "models/config_reader.h"
#include "models/families/bert_like.h"
#include "models/families/families.h"
#include "models/families/rope_config.h"
#include "models/families/rotary_post_norm.h"

namespace graft {
namespace {

// Checkpoints have the names of the original release, also those that transformers writes; the
// others are those of its modules.
RotaryLayerNames LayerNames(int64_t index) {
  const auto release = [&](std::string_view rest) {
    return absl::StrCat("encoder.layer.", index, ".", rest);
  };
  const auto native = [&](std::string_view rest) {
    return absl::StrCat("layers.", index, ".", rest);
  };
  return {.qkv = {.name = release("attention.qkv_proj"),
                  .pieces = {native("self_attn.q_proj"), native("self_attn.k_proj"),
                             native("self_attn.v_proj")}},
          .attention_output = {release("attention.o_proj"), native("self_attn.o_proj")},
          .attention_norm = {release("attn_ln"), native("post_attention_layernorm")},
          .up_gate = {{.name = release("mlp.up_gate_proj"),
                       .pieces = {native("mlp.up_proj"), native("mlp.gate_proj")}}},
          .down = {release("mlp.down_proj"), native("mlp.down_proj")},
          .output_norm = {release("mlp_ln"), native("post_mlp_layernorm")}};
}

struct Common {
  EncoderConfig config;
  Activation activation;
  double eps;
  RotaryPostNorm parts;
  HeadLayouts heads;
};

HeadLayouts MakeHeads(ConfigReader& reader, double dropout, double eps) {
  dropout = reader.Rate("classifier_dropout", dropout);
  HeadLayouts heads;
  heads.sequence = {.dense = "pooler.dense",
                    .dense_is_pooler = true,
                    .activation = Activation::kTanh,
                    .dropout = dropout,
                    .output = "classifier"};
  heads.token = PlainTokenHead(dropout);
  heads.language = MaskedLanguageHead("lm_head.dense", "lm_head.norm", Activation::kGelu, eps,
                                      "lm_head.decoder", reader.Flag("tie_word_embeddings", true));
  heads.language->other_norm = "lm_head.layer_norm";
  return heads;
}

Common ReadCommon(ConfigReader& reader) {
  Common c = {.config = ReadCommonConfig(reader, 0),
              .activation = reader.Function("hidden_act", "gelu"),
              .eps = reader.Number("layer_norm_eps", 0, 1, 1e-12),
              .parts = {},
              .heads = {}};
  c.config.attention_dropout = reader.Rate("attention_probs_dropout_prob", 0);
  c.config.type_vocab_size = reader.Integer("type_vocab_size", 0, kMaxWidth, 1);
  c.parts = MakeRotaryPostNorm(c.config, c.activation, c.eps);
  c.parts.layer_names = LayerNames;
  c.parts.attention_bias = c.parts.down_bias = true;
  c.parts.gated_dropout = c.config.hidden_dropout;
  c.heads = MakeHeads(reader, c.config.hidden_dropout, c.eps);
  return c;
}

std::unique_ptr<const Architecture> Make(ConfigReader& reader, Common c) {
  CheckRotaryWidth(reader, "num_attention_heads", c.parts.head_width);
  return RotaryPostNormArchitecture(reader, c.config, std::move(c.heads), std::move(c.parts));
}

// rope_theta, and rope_scaling of type "ntk": frequencies of factor * theta, all divided by
// factor^(2 / d) (Su 2023, kexue.fm/archives/9706).
RopeConfig ReadReleaseRope(ConfigReader& reader, int64_t head_width) {
  RopeConfig rope = {.theta = reader.Number("rope_theta", 1, 1e12, 10'000)};
  const auto scaling = reader.root().Find("rope_scaling");
  if (!scaling) return rope;
  const auto type = scaling->GetString("type");
  const auto factor = scaling->GetDouble("factor", 1, 1e6, 1);
  if (!type.ok() || !factor.ok()) {
    reader.Fail(type.ok() ? factor.status() : type.status());
  } else if (*type != "ntk") {
    reader.Uncomputed("rope_scaling", absl::StrCat("expected type 'ntk', found ", Quoted(*type)));
  } else if (scaling->Find("mixed_b")) {
    reader.Uncomputed("rope_scaling", "expected no mixed_b, found one");
  } else {
    rope.theta *= *factor;
    rope.divisor = std::pow(*factor, 2.0 / static_cast<double>(head_width));
  }
  return rope;
}

}  // namespace

std::unique_ptr<const Architecture> ReadGte(ConfigReader& reader) {
  Common c = ReadCommon(reader);
  c.parts.rope = ReadRope(reader, 160'000);
  const int64_t width = reader.Size("head_dim", kMaxWidth, c.parts.head_width);
  c.parts.head_width = c.parts.rotary_width = width;
  return Make(reader, std::move(c));
}

std::unique_ptr<const Architecture> ReadNew(ConfigReader& reader) {
  Common c = ReadCommon(reader);
  c.parts.rope = ReadReleaseRope(reader, c.parts.head_width);
  reader.ExpectText("position_embedding_type", "rope");
  reader.ExpectText("layer_norm_type", "layer_norm");
  reader.ExpectFlag("logn_attention_scale", false);
  reader.ExpectFlag("pack_qkv", true);
  c.heads.language->activation = c.activation;
  return Make(reader, std::move(c));
}

}  // namespace graft
