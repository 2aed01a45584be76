// What config.json files of GPT-2 say, and what they may not be.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/families/families.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using testing::IsOk;

std::string Config(const std::string& more = "") {
  return absl::StrCat(R"({"model_type": "gpt2", "vocab_size": 50, "n_embd": 12, "n_layer": 2,
                      "n_head": 3, "n_positions": 40)",
                      more.empty() ? "" : ", ", more, "}");
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

absl::Status Refusal(const std::string& json) {
  return ParseArchitecture(json, "config.json").status();
}

TEST(Gpt2Config, ReadsWhatItNeeds) {
  const auto read = ParseArchitecture(Config(), "config.json");
  ASSERT_THAT(read, IsOk());
  const EncoderConfig& config = read->architecture->config();
  EXPECT_EQ(config.intermediate_size, 48) << "four times the hidden size";
  EXPECT_EQ(config.max_positions, 40);
  EXPECT_EQ(config.type_vocab_size, 0);
  EXPECT_TRUE(config.causal);
  EXPECT_EQ(config.hidden_dropout, 0.1);
  const HeadLayouts& heads = read->architecture->heads();
  EXPECT_EQ(heads.sequence->pooling, Pooling::kLast);
  EXPECT_FALSE(heads.sequence->output_bias);
  EXPECT_EQ(heads.token->dropout, 0.1);
  EXPECT_TRUE(heads.language->tied);
}

TEST(Gpt2Config, NullIsTheDefault) {
  const auto read = ParseArchitecture(
      Config(R"("n_inner": null, "classifier_dropout": null, "pad_token_id": null)"),
      "config.json");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->architecture->config().intermediate_size, 48);
}

TEST(Gpt2Config, TheTokenHeadHasADropoutOfItsOwnElseTheHiddenOne) {
  for (const auto& [more, rate] :
       {std::pair{R"("classifier_dropout": 0.3, "hidden_dropout": 0.2)", 0.3},
        {R"("hidden_dropout": 0.2)", 0.2}}) {
    const auto read = ParseArchitecture(Config(more), "config.json");
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(read->architecture->heads().token->dropout, rate);
  }
}

TEST(Gpt2Config, HeadsAreThoseOfTransformersClasses) {
  for (const auto& [name, kind] : {std::pair{"GPT2Model", HeadKind::kNone},
                                   {"GPT2LMHeadModel", HeadKind::kLanguage},
                                   {"GPT2ForSequenceClassification", HeadKind::kSequence},
                                   {"GPT2ForTokenClassification", HeadKind::kToken},
                                   {"GPT2DoubleHeadsModel", HeadKind::kNone}}) {
    const auto read = ParseArchitecture(Config(absl::StrCat(R"("architectures": [")", name, "\"]")),
                                        "config.json");
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(HeadOf(*read), kind) << name;
  }
}

TEST(Gpt2Config, SizesAreThereAndInTheirRange) {
  for (const char* key : {"vocab_size", "n_embd", "n_layer", "n_head", "n_positions"}) {
    const std::string quoted = absl::StrCat("\"", key, "\"");
    EXPECT_EQ(Message(Refusal(absl::StrReplaceAll(Config(), {{quoted, "\"other\""}}))),
              absl::StrCat("config.json: expected the key '", key, "', found no such key"));
  }
  EXPECT_EQ(Message(Refusal(Config(R"("n_inner": 0)"))),
            "config.json: n_inner: expected an integer from 1 to 65536, found 0");
  EXPECT_EQ(Message(Refusal(Config(R"("layer_norm_epsilon": -1)"))),
            "config.json: layer_norm_epsilon: expected a number from 0 to 1, found -1");
  for (const char* key : {"resid_pdrop", "attn_pdrop", "embd_pdrop", "classifier_dropout"}) {
    EXPECT_EQ(
        Message(Refusal(Config(absl::StrCat("\"", key, "\": 1")))),
        absl::StrCat("config.json: ", key, ": expected a number from 0 to 0.999999, found 1"));
  }
}

TEST(Gpt2Config, HeadsDivideTheHiddenSize) {
  const absl::Status status =
      Refusal(absl::StrReplaceAll(Config(), {{R"("n_head": 3)", R"("n_head": 5)"}}));
  EXPECT_EQ(status.message(), "config.json: n_embd: expected a multiple of n_head (5), found 12");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(Gpt2Config, RefusesWhatItDoesNotComputeByName) {
  for (const auto& [member, key] :
       {std::pair{R"("activation_function": "cosine")", "activation_function: expected one of"},
        {R"("add_cross_attention": true)", "add_cross_attention: expected false, found true"},
        {R"("is_causal": false)", "is_causal: expected true, found false"},
        {R"("pruned_heads": {"0": [1]})", "pruned_heads: expected no pruned heads, found some"}}) {
    const absl::Status status = Refusal(Config(member));
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(Message(status), ::testing::StartsWith(absl::StrCat("config.json: ", key)));
  }
  for (const char* key : {"scale_attn_weights", "scale_attn_by_inverse_layer_idx",
                          "reorder_and_upcast_attn", "tie_word_embeddings"}) {
    EXPECT_EQ(Message(Refusal(Config(absl::StrCat("\"", key, "\": 1")))),
              absl::StrCat("config.json: ", key, ": expected true or false, found 1"));
  }
}

}  // namespace
}  // namespace graft
