// DeBERTa beside its golden folders (families_test.cc): what its config.json files may not say, its
// buckets, and its dropout.
#include <ATen/ops/eq.h>
#include <ATen/ops/ne.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/backbone.h"
#include "models/families/families.h"
#include "models/kernels/dropout.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using testing::GoldenText;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::PackTexts;
using testing::RowsOf;
using testing::SameBits;

// The members that both generations need, and some more.
std::string Config(const std::string& model_type, const std::string& more = "",
                   int64_t positions = 40) {
  return absl::StrCat(R"({"model_type": ")", model_type,
                      R"(", "vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 1,
                      "num_attention_heads": 3, "intermediate_size": 20,
                      "max_position_embeddings": )",
                      positions, more.empty() ? "" : ", ", more, "}");
}

absl::Status Refusal(const std::string& json) {
  return ParseArchitecture(json, "config.json").status();
}

// The one line of a refusal that begins with the member's name.
std::string Invalid(const std::string& model_type, const std::string& more) {
  const absl::Status status = Refusal(Config(model_type, more));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}
std::string Uncomputed(const std::string& model_type, const std::string& more) {
  const absl::Status status = Refusal(Config(model_type, more));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  return std::string(status.message());
}

TEST(DebertaConfig, WhatContradictsItselfIsRefused) {
  for (const char* family : {"deberta", "deberta-v2"}) {
    EXPECT_EQ(Invalid(family, R"("pooler_hidden_size": 16)"),
              "config.json: pooler_hidden_size: expected the hidden_size (12), found 16");
    EXPECT_EQ(Invalid(family, R"("legacy": false, "embedding_size": 8)"),
              "config.json: embedding_size: expected the hidden_size (12) where legacy is false, "
              "found 8");
    EXPECT_EQ(Invalid(family, R"("cls_dropout": 1)"),
              "config.json: cls_dropout: expected a number from 0 to 0.999999, found 1");
    EXPECT_EQ(Invalid(family, R"("pooler_dropout": -1)"),
              "config.json: pooler_dropout: expected a number from 0 to 0.999999, found -1");
    EXPECT_EQ(Invalid(family, R"("max_relative_positions": 1.5)"),
              "config.json: max_relative_positions: expected an integer from -1000000 to 1000000, "
              "found 1.5");
    EXPECT_EQ(Invalid(family, R"("pos_att_type": 3)"),
              "config.json: pos_att_type: expected an array, found 3");
    EXPECT_EQ(Invalid(family, R"("relative_attention": "yes")"),
              "config.json: relative_attention: expected true or false, found 'yes'");
  }
}

TEST(DebertaConfig, WhatContradictsItselfInTheSecondGenerationIsRefused) {
  const auto invalid = [](const std::string& more) { return Invalid("deberta-v2", more); };
  EXPECT_EQ(invalid(R"("attention_head_size": 6)"),
            "config.json: attention_head_size: expected hidden_size / num_attention_heads (4), "
            "found 6");
  EXPECT_EQ(invalid(R"("conv_kernel_size": 4)"),
            "config.json: conv_kernel_size: expected an odd number, found 4");
  EXPECT_EQ(invalid(R"("conv_kernel_size": 3, "conv_groups": 5)"),
            "config.json: hidden_size: expected a multiple of conv_groups (5), found 12");
  EXPECT_EQ(invalid(R"("position_buckets": 1)"),
            "config.json: position_buckets: expected at least 2 or none, found 1");
  EXPECT_EQ(
      invalid(R"("position_buckets": 32, "max_relative_positions": 17)"),
      "config.json: max_relative_positions: expected more than position_buckets / 2 + 1 (17), "
      "found 17");
  // No text is so long that it needs the logarithm.
  EXPECT_THAT(
      Refusal(Config("deberta-v2", R"("position_buckets": 80, "max_relative_positions": 17)")),
      IsOk());
}

TEST(DebertaConfig, WhatIsNotComputedIsRefusedByName) {
  for (const char* family : {"deberta", "deberta-v2"}) {
    EXPECT_EQ(Uncomputed(family, R"("pos_att_type": "c2p|p2p")"),
              "config.json: pos_att_type: expected c2p and p2c, found 'p2p'");
    EXPECT_EQ(Uncomputed(family, R"("pos_att_type": ["none"])"),
              "config.json: pos_att_type: expected c2p and p2c, found 'none'");
    EXPECT_THAT(Uncomputed(family, R"("pooler_hidden_act": "mish")"),
                HasSubstr("config.json: pooler_hidden_act: expected one of: gelu, "));
    EXPECT_EQ(Uncomputed(family, R"("is_decoder": true)"),
              "config.json: is_decoder: expected false, found true");
  }
  EXPECT_EQ(Uncomputed("deberta", R"("talking_head": true)"),
            "config.json: talking_head: expected false, found true");
  EXPECT_EQ(Uncomputed("deberta-v2", R"("norm_rel_ebd": "layer_norm|rms")"),
            "config.json: norm_rel_ebd: expected layer_norm or none, found 'rms'");
  EXPECT_THAT(Uncomputed("deberta-v2", R"("conv_kernel_size": 3, "conv_act": "mish")"),
              HasSubstr("config.json: conv_act: expected one of: gelu, "));
}

TEST(DebertaConfig, KindsOfScoresAreAListOrOneText) {
  for (const char* kinds : {R"("p2c|c2p")", R"(" C2P | p2c")", R"(["c2p", "p2c"])", "[]", "null"}) {
    EXPECT_THAT(Refusal(Config("deberta-v2", absl::StrCat(R"("pos_att_type": )", kinds))), IsOk())
        << kinds;
  }
}

// The row of the relative embeddings for each distance of a key from a query.
std::vector<int64_t> Rows(const std::string& config, const std::vector<int64_t>& distances,
                          int64_t longest) {
  const auto read = ParseArchitecture(config, "config.json");
  EXPECT_THAT(read, IsOk());
  Batch batch;
  batch.segments.longest = longest;
  const std::vector<at::Tensor> tables = read->architecture->Tables(batch);
  EXPECT_EQ(tables[0].size(0), 2 * longest - 1);
  std::vector<int64_t> rows;
  for (const int64_t distance : distances) {
    rows.push_back(tables[0][longest - 1 + distance].item<int64_t>() +
                   tables[1][0].item<int64_t>());
  }
  return rows;
}

constexpr char kRelative[] = R"("relative_attention": true, "pos_att_type": ["c2p"])";

TEST(DebertaPositions, BucketsAreThoseOfTransformers) {
  // make_log_bucket_position and the clamp of disentangled_attention_bias in transformers 5.23.0.
  const std::string published =
      Config("deberta-v2", absl::StrCat(kRelative, R"(, "position_buckets": 256)"), 512);
  const std::vector<int64_t> distances = {0,    -1,   -127, -128, -129, -130, -131, -140, -200,
                                          -300, -400, -500, -509, -510, -511, 127,  128,  129,
                                          131,  140,  200,  300,  400,  500,  510,  511};
  const std::vector<int64_t> expected = {256, 257, 383, 384, 385, 386, 387, 393, 425,
                                         463, 489, 510, 511, 511, 511, 129, 128, 127,
                                         125, 119, 87,  49,  23,  2,   1,   1};
  EXPECT_EQ(Rows(published, distances, 512), expected);
  const std::string odd = Config(
      "deberta-v2",
      absl::StrCat(kRelative, R"(, "position_buckets": 7, "max_relative_positions": 16)"), 32);
  EXPECT_EQ(Rows(odd, {0, -1, -2, -3, -4, -5, -7, -10, -15, -31, 1, 3, 4, 7, 10, 15, 31}, 32),
            (std::vector<int64_t>{7, 8, 9, 10, 11, 11, 12, 12, 12, 13, 6, 4, 3, 2, 2, 2, 1}));
}

TEST(DebertaPositions, DistancesBeyondTheTableHaveItsLastRows) {
  for (const char* family : {"deberta", "deberta-v2"}) {
    const std::string config =
        Config(family, absl::StrCat(kRelative, R"(, "max_relative_positions": 6)"));
    EXPECT_EQ(Rows(config, {0, -1, -5, -6, -9, 1, 6, 7, 9}, 10),
              (std::vector<int64_t>{6, 7, 11, 11, 11, 5, 0, 0, 0}));
  }
}

class DebertaDropout : public ::testing::TestWithParam<const char*> {
 protected:
  // All weights random; dropout at a rate of 0.5 but for that of the softmax.
  std::unique_ptr<Backbone> Make(const std::string& more) {
    auto read = ParseArchitecture(
        Config(GetParam(), absl::StrCat(R"("hidden_dropout_prob": 0.5, )", more)), "config.json");
    EXPECT_THAT(read, IsOk());
    std::vector<at::Tensor> tensors;
    for (const SlotLayout& slot : BackboneSlots(*read->architecture)) {
      tensors.push_back(at::randn(slot.shape(), at::kFloat));
    }
    const Backbone loaded(*std::move(read), std::move(tensors));
    return loaded.Trainable(*FreezePlan::Parse("none", loaded.layers()));
  }

  static std::vector<GoldenText> Texts() {
    std::vector<GoldenText> texts(3);
    texts[0].ids = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    texts[1].ids = {12};
    texts[2].ids = {7, 8, 9, 20};
    for (GoldenText& text : texts) text.type_ids.assign(text.ids.size(), 0);
    return texts;
  }
};

TEST_P(DebertaDropout, IsTheSameHoweverAStepIsSplit) {
  const auto backbone =
      Make(R"("relative_attention": true, "pos_att_type": "c2p|p2c", "conv_kernel_size": 3)");
  const PassOptions train = {.train = true, .seed = 5, .step = 3};
  const Batch together = PackTexts(Texts(), {0, 1, 2});
  const at::Tensor all = backbone->Run(together, train);
  EXPECT_FALSE(SameBits(all, backbone->Run(together, PassOptions())));
  for (const size_t text : {0, 1, 2}) {
    Batch alone = PackTexts(Texts(), {text});
    alone.segments.text_ids = at::tensor({static_cast<int32_t>(text)}, at::kInt);
    EXPECT_TRUE(
        SameBits(backbone->Run(alone, train), RowsOf(all, together, static_cast<int64_t>(text))));
  }
}

TEST_P(DebertaDropout, OfTheRelativeEmbeddingsCountsTheirTableAsOneText) {
  const auto backbone =
      Make(R"("relative_attention": true, "pos_att_type": "c2p|p2c", "max_relative_positions": 8)");
  const Batch batch = PackTexts(Texts(), {0, 1, 2});
  backbone->Run(batch, {.train = true, .seed = 5, .step = 3}).pow(3).sum().backward();
  const Stage& layer = backbone->stage(1);
  size_t slot = 0;
  while (layer.layout[slot].parts[0].name != "encoder.rel_embeddings.weight") ++slot;
  const at::Tensor gradient = layer.tensors[slot].grad();  // [16, 12]
  const Segments table = {.starts = at::tensor({0, 16}, at::kInt),
                          .text_ids = at::zeros({1}, at::kInt),
                          .tokens = 16,
                          .longest = 16};
  const DropoutKey key = {.rate = 0.5, .seed = 5, .step = 3, .site = 256 + 3};
  const at::Tensor mask = Dropout(at::ones({16, 12}), table, key);
  EXPECT_TRUE(at::eq(at::ne(gradient, 0), at::ne(mask, 0)).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Families, DebertaDropout, ::testing::Values("deberta", "deberta-v2"),
                         [](const auto& info) {
                           return info.param == std::string("deberta") ? "First" : "Second";
                         });

}  // namespace
}  // namespace graft
