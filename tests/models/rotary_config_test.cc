// What the configs of encoders with rotary positions may not be: ModernBERT, Nomic BERT, GTE.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/families/families.h"
#include "models/kernels/pooling.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using testing::IsOk;
using ::testing::StartsWith;

constexpr std::string_view kSizes =
    R"("vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 3, "num_attention_heads": 3, )"
    R"("intermediate_size": 20, "max_position_embeddings": 40)";
constexpr std::string_view kRelease =
    R"("model_type": "nomic_bert", "vocab_size": 50, "n_embd": 12, "n_layer": 2, "n_head": 3, )"
    R"("n_positions": 64, "activation_function": "swiglu", "qkv_proj_bias": false, )"
    R"("mlp_fc1_bias": false, "mlp_fc2_bias": false, "rotary_emb_fraction": 1.0)";

absl::StatusOr<FamilyArchitecture> Parse(std::string_view members, const std::string& more) {
  return ParseArchitecture(absl::StrCat("{", members, more.empty() ? "" : ", ", more, "}"),
                           "config.json");
}

struct Refusal {
  std::string members;
  std::string message;
};

void ExpectRefusals(std::string_view members, absl::StatusCode code,
                    const std::vector<Refusal>& refusals) {
  EXPECT_THAT(Parse(members, ""), IsOk());
  for (const Refusal& refusal : refusals) {
    const absl::Status status = Parse(members, refusal.members).status();
    EXPECT_EQ(status.code(), code) << refusal.members;
    EXPECT_THAT(std::string(status.message()),
                StartsWith(absl::StrCat("config.json: ", refusal.message)));
  }
}

std::string Members(std::string_view family) {
  return absl::StrCat(R"("model_type": ")", family, R"(", )", kSizes);
}

// The same for the config without a member that is written there.
std::string Without(std::string_view members, std::string_view member) {
  return absl::StrReplaceAll(members, {{absl::StrCat(", ", member), ""}});
}

TEST(ModernBertConfig, WhatIsWrongIsRefused) {
  ExpectRefusals(
      Members("modernbert"), absl::StatusCode::kInvalidArgument,
      {{R"("layer_types": ["full_attention", "sliding_attention"])",
        "layer_types: expected num_hidden_layers (3) of them, found 2"},
       {R"("layer_types": "full_attention")", "layer_types: expected an array"},
       {R"("global_attn_every_n_layers": 0)", "global_attn_every_n_layers: expected an integer"},
       {R"("local_attention": 0)", "local_attention: expected an integer from 1"},
       {R"("local_attention": 8, "sliding_window": 5)",
        "sliding_window: expected half of local_attention (4), found another"},
       {R"("norm_bias": 1)", "norm_bias: expected true or false, found 1"},
       {R"("classifier_dropout": 1)", "classifier_dropout: expected a number"},
       {R"("global_rope_theta": 0)", "global_rope_theta: expected a number"},
       {R"("rope_parameters": [])", "rope_parameters: expected an object"},
       {R"("rope_parameters": {"full_attention": {"rope_theta": "x"}})",
        "rope_parameters.full_attention.rope_theta: expected a number"},
       {R"("rope_parameters": {"full_attention": {"rope_type": "linear"}})",
        "rope_parameters.full_attention: expected the key 'factor'"}});
}

TEST(ModernBertConfig, WhatIsNotComputedIsRefusedByName) {
  ExpectRefusals(
      Members("modernbert"), absl::StatusCode::kUnimplemented,
      {{R"("layer_types": ["full_attention", "chunked_attention", "full_attention"])",
        "layer_types: expected 'full_attention' or 'sliding_attention', found "
        "'chunked_attention'"},
       {R"("classifier_pooling": "max")",
        "classifier_pooling: expected 'cls' or 'mean', found 'max'"},
       {R"("hidden_activation": "cosine")", "hidden_activation: expected one of"},
       {R"("classifier_activation": "cosine")", "classifier_activation: expected one of"},
       {R"("head_dim": 6)", "head_dim: expected hidden_size / num_attention_heads"},
       {R"("rope_scaling": {"type": "linear", "factor": 2})", "rope_scaling: expected none"},
       {R"("rope_parameters": {"rope_theta": 3})", "rope_parameters: expected 'full_attention'"},
       {R"("rope_parameters": {"sliding_attention": {"rope_type": "yarn", "factor": 2}})",
        "rope_parameters.sliding_attention: rope_type: expected 'default' or 'linear', found "
        "'yarn'"},
       {R"("rope_parameters": {"full_attention": {"partial_rotary_factor": 0.5}})",
        "rope_parameters.full_attention: expected no 'partial_rotary_factor'"},
       {R"("rope_parameters": {"full_attention": {"rope_type": "default", "factor": 2}})",
        "rope_parameters.full_attention: expected no 'factor'"}});
}

TEST(ModernBertConfig, TheFormsOfOldAndNewConfigsAreRead) {
  for (
      const char* members :
      {R"("layer_types": ["sliding_attention", "full_attention", "full_attention"])",
       R"("global_attn_every_n_layers": 2, "global_rope_theta": 160000.0, "local_rope_theta": 1)",
       R"("layer_types": null, "rope_parameters": null, "rope_scaling": null)",
       R"("local_attention": 9, "sliding_window": 4, "sparse_prediction": true)",
       R"("rope_parameters": {"full_attention": null, "sliding_attention": {"type": "default"}})"}) {
    EXPECT_THAT(Parse(Members("modernbert"), members), IsOk()) << members;
  }
  const auto read = Parse(Members("modernbert"), R"("classifier_pooling": "mean")");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->architecture->heads().sequence->pooling, Pooling::kMean);
  EXPECT_EQ(read->architecture->config().type_vocab_size, 0);
}

TEST(RotaryConfig, HeadsOfAnOddWidthAreRefused) {
  for (const char* family : {"modernbert", "gte", "new"}) {
    const std::string members =
        absl::StrReplaceAll(Members(family), {{R"("hidden_size": 12)", R"("hidden_size": 9)"}});
    EXPECT_EQ(Parse(members, "").status().message(),
              "config.json: num_attention_heads: expected heads of an even width, found 3");
  }
  ExpectRefusals(Members("nomic_bert"), absl::StatusCode::kInvalidArgument,
                 {{R"("head_dim": 3)", "head_dim: expected heads of an even width, found 3"}});
}

TEST(RotaryConfig, OneRotationForAllLayersIsReadOrRefusedByName) {
  for (const char* family : {"gte", "nomic_bert"}) {
    ExpectRefusals(Members(family), absl::StatusCode::kUnimplemented,
                   {{R"("rope_parameters": {"rope_type": "yarn", "factor": 2})",
                     "rope_parameters: rope_type: expected 'default' or 'linear', found 'yarn'"},
                    {R"("rope_scaling": {"type": "dynamic", "factor": 2})",
                     "rope_scaling: rope_type: expected 'default' or 'linear', found 'dynamic'"},
                    {R"("rope_parameters": {"full_attention": {"rope_theta": 3}})",
                     "rope_parameters: expected no 'full_attention'"},
                    {R"("partial_rotary_factor": 0.5)", "partial_rotary_factor: expected 1"},
                    {R"("hidden_act": "cosine")", "hidden_act: expected one of"}});
    for (const char* members :
         {R"("rope_theta": 500000, "rope_scaling": null)", R"("rope_scaling": {})",
          R"("rope_parameters": {"rope_theta": 20000.0, "rope_type": "default"})",
          R"("rope_scaling": {"type": "linear", "factor": 2}, "rope_theta": 3)"}) {
      EXPECT_THAT(Parse(Members(family), members), IsOk()) << members;
    }
  }
}

TEST(GteConfig, TheReleasesOptionsAreReadOrRefusedByName) {
  ExpectRefusals(Members("new"), absl::StatusCode::kUnimplemented,
                 {{R"("position_embedding_type": "absolute")", "position_embedding_type: expected"},
                  {R"("layer_norm_type": "rms_norm")", "layer_norm_type: expected 'layer_norm'"},
                  {R"("logn_attention_scale": true)", "logn_attention_scale: expected false"},
                  {R"("pack_qkv": false)", "pack_qkv: expected true, found false"},
                  {R"("rope_scaling": {"type": "linear", "factor": 2})",
                   "rope_scaling: expected type 'ntk', found 'linear'"},
                  {R"("rope_scaling": {"type": "ntk", "factor": 2, "mixed_b": 0.75})",
                   "rope_scaling: expected no mixed_b"}});
  ExpectRefusals(Members("new"), absl::StatusCode::kInvalidArgument,
                 {{R"("rope_scaling": {"type": "ntk", "factor": 0})",
                   "rope_scaling.factor: expected a number"},
                  {R"("rope_scaling": {"factor": 2})", "rope_scaling: expected the key 'type'"},
                  {R"("rope_theta": -1)", "rope_theta: expected a number"}});
  EXPECT_THAT(Parse(Members("new"), R"("rope_scaling": {"type": "ntk", "factor": 8.0},
                                       "rope_theta": 20000, "type_vocab_size": 0)"),
              IsOk());
}

TEST(NomicBertConfig, TheReleasesOptionsAreReadOrRefusedByName) {
  ExpectRefusals(kRelease, absl::StatusCode::kUnimplemented,
                 {{R"("prenorm": true)", "prenorm: expected false, found true"},
                  {R"("parallel_block": true)", "parallel_block: expected false"},
                  {R"("causal": true)", "causal: expected false"},
                  {R"("use_rms_norm": true)", "use_rms_norm: expected false"},
                  {R"("rotary_emb_interleaved": true)", "rotary_emb_interleaved: expected false"},
                  {R"("rotary_scaling_factor": 2)", "rotary_scaling_factor: expected none"},
                  {R"("rotary_emb_scale_base": 512)", "rotary_emb_scale_base: expected none"},
                  {R"("moe_every_n_layers": 2)", "moe_every_n_layers: expected no experts"},
                  {R"("num_heads_kv": 1)", "num_heads_kv: expected as many as n_head"}});
  for (const auto& [member, message] : std::vector<std::pair<std::string, std::string>>{
           {R"("qkv_proj_bias": false)", "qkv_proj_bias: expected false, found true or nothing"},
           {R"("mlp_fc1_bias": false)", "mlp_fc1_bias: expected false, found true or nothing"},
           {R"("activation_function": "swiglu")",
            "activation_function: expected one of: swiglu, geglu, glu; found 'gelu'"},
           {R"("rotary_emb_fraction": 1.0)",
            "rotary_emb_fraction: expected an even number of a head's columns (4) that turn, found "
            "0"}}) {
    const absl::Status status = Parse(Without(kRelease, member), "").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << member;
    EXPECT_EQ(status.message(), absl::StrCat("config.json: ", message));
  }
}

TEST(NomicBertConfig, TheReleasesSizesAreRead) {
  const auto read = Parse(kRelease, R"("pad_vocab_size_multiple": 64)");
  ASSERT_THAT(read, IsOk());
  const EncoderConfig& config = read->architecture->config();
  EXPECT_EQ(config.vocab_size, 64);
  EXPECT_EQ(config.intermediate_size, 48);
  EXPECT_EQ(config.max_positions, 64);
  EXPECT_EQ(config.heads, 3);
}

}  // namespace
}  // namespace graft
