// Nomic BERT (Nussbaum et al. 2024, arXiv 2402.01613): BERT with rotary positions and gated
// feed-forward nets, without biases in its layers. Reads the configs of transformers and those of
// the original releases (nomic-embed-text-v1 and v1.5), which have GPT-2's names.
#include <cmath>

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
    return absl::StrCat("encoder.layers.", index, ".", rest);
  };
  const auto native = [&](std::string_view rest) {
    return absl::StrCat("layers.", index, ".", rest);
  };
  return {.qkv = {.name = release("attn.Wqkv"),
                  .pieces = {native("self_attn.q_proj"), native("self_attn.k_proj"),
                             native("self_attn.v_proj")}},
          .attention_output = {release("attn.out_proj"), native("self_attn.o_proj")},
          .attention_norm = {release("norm1"), native("post_attention_layernorm")},
          .up_gate = {{release("mlp.fc11"), native("mlp.up_proj")},
                      {release("mlp.fc12"), native("mlp.gate_proj")}},
          .down = {release("mlp.fc2"), native("mlp.down_proj")},
          .output_norm = {release("norm2"), native("post_mlp_layernorm")}};
}

RotaryPostNorm MakeParts(const EncoderConfig& config, Activation activation, double eps) {
  RotaryPostNorm parts = MakeRotaryPostNorm(config, activation, eps);
  parts.layer_names = LayerNames;
  parts.embeddings.norm = "emb_ln";
  parts.embeddings.other_norm = "embeddings.LayerNorm";
  return parts;
}

HeadLayouts MakeHeads(ConfigReader& reader, Activation activation, double eps, double dropout) {
  dropout = reader.Rate("classifier_dropout", dropout);
  HeadLayouts heads;
  heads.sequence = {.dense = "pooler.dense",
                    .dense_is_pooler = true,
                    .activation = Activation::kTanh,
                    .dropout = dropout,
                    .output = "classifier"};
  heads.token = PlainTokenHead(dropout);
  heads.language = MaskedLanguageHead(
      "cls.predictions.transform.dense", "cls.predictions.transform.layer_norm", activation, eps,
      "cls.predictions.decoder", reader.Flag("tie_word_embeddings", true));
  heads.language->output_bias_name = "cls.predictions.bias";
  return heads;
}

std::unique_ptr<const Architecture> ReadNative(ConfigReader& reader) {
  EncoderConfig config = ReadCommonConfig(reader);
  config.hidden_dropout = reader.Rate("hidden_dropout_prob", 0);
  config.attention_dropout = reader.Rate("attention_probs_dropout_prob", 0);
  const Activation activation = reader.Function("hidden_act", "silu");
  const double eps = reader.Number("layer_norm_eps", 0, 1, 1e-12);
  RotaryPostNorm parts = MakeParts(config, activation, eps);
  parts.rope = ReadRope(reader, 1000);
  parts.head_width = parts.rotary_width =
      reader.Size("head_dim", kMaxWidth, config.hidden_size / config.heads);
  CheckRotaryWidth(reader, "head_dim", parts.head_width);
  HeadLayouts heads = MakeHeads(reader, activation, eps, config.hidden_dropout);
  return RotaryPostNormArchitecture(reader, config, std::move(heads), std::move(parts));
}

EncoderConfig ReadReleaseSizes(ConfigReader& reader) {
  EncoderConfig config = reader.NewConfig();
  const int64_t multiple = reader.Size("pad_vocab_size_multiple", 1 << 16, 1);
  const int64_t vocabulary = reader.Size("vocab_size", kMaxVocabulary);
  config.vocab_size = (vocabulary + multiple - 1) / multiple * multiple;
  config.hidden_size = reader.Size("n_embd", kMaxWidth);
  config.layers = reader.Size("n_layer", kMaxLayers);
  config.heads = reader.Size("n_head", kMaxWidth);
  config.intermediate_size = reader.Size("n_inner", kMaxWidth, 4 * config.hidden_size);
  config.max_positions = reader.Size("n_positions", kMaxPositions);
  config.type_vocab_size = reader.Integer("type_vocab_size", 0, kMaxWidth, 2);
  config.hidden_dropout = reader.Rate("resid_pdrop", 0.1);
  config.attention_dropout = reader.Rate("attn_pdrop", 0.1);
  config.initializer_range = reader.Number("initializer_range", 0, 10, 0.02);
  CheckHeads(reader, config, "n_embd", "n_head");
  RefusePrunedHeads(reader);
  return config;
}

// What the releases' program can do beside, and none of the releases that are read here does.
void RefuseReleaseOptions(ConfigReader& reader, const EncoderConfig& config) {
  for (const char* key : {"prenorm", "parallel_block", "causal", "use_rms_norm",
                          "rotary_emb_interleaved", "rotary_head_dim"}) {
    reader.ExpectFlag(key, false);
  }
  for (const char* key : {"qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias"}) {
    if (reader.Flag(key, true)) reader.Uncomputed(key, "expected false, found true or nothing");
  }
  for (const char* key : {"rotary_emb_scale_base", "rotary_scaling_factor"}) {
    if (reader.Number(key, 0, 1e6, 0) != 0) reader.Uncomputed(key, "expected none, found one");
  }
  if (reader.Integer("moe_every_n_layers", 0, kMaxLayers, 0) != 0) {
    reader.Uncomputed("moe_every_n_layers", "expected no experts, found some");
  }
  if (reader.Integer("num_heads_kv", 1, kMaxWidth, config.heads) != config.heads) {
    reader.Uncomputed("num_heads_kv", "expected as many as n_head, found another");
  }
}

Activation ReadGate(ConfigReader& reader) {
  const std::string name = reader.Text("activation_function", "gelu");
  if (name == "swiglu") return Activation::kSilu;
  if (name == "geglu") return Activation::kGelu;
  if (name == "glu") return Activation::kSigmoid;
  reader.Uncomputed("activation_function",
                    absl::StrCat("expected one of: swiglu, geglu, glu; found ", Quoted(name)));
  return Activation::kSilu;
}

// Columns of a head that turn.
int64_t ReadRotaryWidth(ConfigReader& reader, int64_t head_width) {
  const double width =
      static_cast<double>(head_width) * reader.Number("rotary_emb_fraction", 0, 1, 0);
  if (width > 0 && std::fmod(width, 2) == 0) return static_cast<int64_t>(width);
  reader.Uncomputed("rotary_emb_fraction",
                    absl::StrCat("expected an even number of a head's columns (", head_width,
                                 ") that turn, found ", width));
  return 2;
}

std::unique_ptr<const Architecture> ReadRelease(ConfigReader& reader) {
  const EncoderConfig config = ReadReleaseSizes(reader);
  RefuseReleaseOptions(reader, config);
  const Activation gate = ReadGate(reader);
  const double eps = reader.Number("layer_norm_epsilon", 0, 1, 1e-5);
  RotaryPostNorm parts = MakeParts(config, gate, eps);
  parts.rope.theta = reader.Number("rotary_emb_base", 1, 1e12, 10'000);
  parts.rotary_width = ReadRotaryWidth(reader, parts.head_width);
  const Activation transform = gate == Activation::kSilu ? gate : Activation::kGelu;
  HeadLayouts heads = MakeHeads(reader, transform, eps, reader.Rate("embd_pdrop", 0.1));
  // mlp_fc1_bias stands for these too.
  heads.language->dense_bias = heads.language->output_bias = false;
  return RotaryPostNormArchitecture(reader, config, std::move(heads), std::move(parts));
}

}  // namespace

std::unique_ptr<const Architecture> ReadNomicBert(ConfigReader& reader) {
  return reader.Has("n_embd") && !reader.Has("hidden_size") ? ReadRelease(reader)
                                                            : ReadNative(reader);
}

}  // namespace graft
