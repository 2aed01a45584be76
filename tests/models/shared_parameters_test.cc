// The families whose config says more than sizes: what ALBERT, MobileBERT and MPNet share between
// stages, and which of their options contradict each other or are not computed.
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/backbone.h"
#include "models/families/families.h"
#include "tests/support/golden_encoder.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::IsOk;

std::string Config(const std::string& model_type, const std::string& more) {
  return absl::StrCat(R"({"model_type": ")", model_type,
                      R"(", "vocab_size": 50, "hidden_size": 12, "num_attention_heads": 3,
                      "intermediate_size": 20, "max_position_embeddings": 40, )",
                      more, "}");
}

FamilyArchitecture Read(const std::string& json) {
  const auto read = ParseArchitecture(json, "config.json");
  EXPECT_THAT(read, IsOk());
  return *read;
}

std::string Refusal(const std::string& json, absl::StatusCode code) {
  const absl::Status status = ParseArchitecture(json, "config.json").status();
  EXPECT_EQ(status.code(), code) << status;
  return std::string(status.message());
}
std::string Invalid(const std::string& json) {
  return Refusal(json, absl::StatusCode::kInvalidArgument);
}
std::string Uncomputed(const std::string& json) {
  return Refusal(json, absl::StatusCode::kUnimplemented);
}

// The names of each stage's tensors.
std::vector<std::vector<std::string>> Names(const std::string& json) {
  std::vector<std::vector<std::string>> names;
  for (const auto& stage : Read(json).architecture->Layout()) {
    names.emplace_back();
    for (const SlotLayout& slot : stage) {
      for (const PartLayout& part : slot.parts) names.back().push_back(part.name);
    }
  }
  return names;
}

Backbone RandomBackbone(const std::string& json) {
  FamilyArchitecture architecture = Read(json);
  std::vector<at::Tensor> tensors;
  for (const SlotLayout& slot : BackboneSlots(*architecture.architecture)) {
    tensors.push_back(at::randn(slot.shape()));
  }
  return {std::move(architecture), std::move(tensors)};
}

TEST(AlbertConfig, AGroupBelongsToTheLowestStageThatUsesIt) {
  const auto names = Names(Config("albert", R"("num_hidden_layers": 5, "num_hidden_groups": 2)"));
  ASSERT_EQ(names.size(), 6U);
  const std::string ffn = ".albert_layers.0.ffn.weight";
  EXPECT_THAT(names[0], Contains("encoder.embedding_hidden_mapping_in.weight"));
  EXPECT_THAT(names[1], Contains("encoder.albert_layer_groups.0" + ffn));
  EXPECT_TRUE(names[2].empty());
  EXPECT_TRUE(names[3].empty());  // 2 / 2.5 is less than 1
  EXPECT_THAT(names[4], Contains("encoder.albert_layer_groups.1" + ffn));
  EXPECT_TRUE(names[5].empty());
}

TEST(AlbertConfig, EachInnerLayerIsAStage) {
  const auto names = Names(Config("albert", R"("num_hidden_layers": 2, "inner_group_num": 2)"));
  ASSERT_EQ(names.size(), 5U);
  EXPECT_THAT(names[1], Contains("encoder.albert_layer_groups.0.albert_layers.0.ffn.weight"));
  EXPECT_THAT(names[2], Contains("encoder.albert_layer_groups.0.albert_layers.1.ffn.weight"));
  EXPECT_TRUE(names[3].empty());
  EXPECT_TRUE(names[4].empty());
}

TEST(AlbertConfig, WithTheFirstLayerFrozenNoneTrains) {
  const Backbone backbone = RandomBackbone(Config("albert", R"("num_hidden_layers": 3)"));
  const auto trainable = [&](const char* depth) {
    return backbone.Trainable(*FreezePlan::Parse(depth, backbone.layers()))->TrainableTensors();
  };
  EXPECT_FALSE(trainable("0").empty());
  EXPECT_TRUE(trainable("1").empty());
}

TEST(AlbertConfig, RefusesMoreGroupsThanLayersAndTooManyLayers) {
  EXPECT_EQ(Uncomputed(Config("albert", R"("num_hidden_layers": 2, "num_hidden_groups": 3)")),
            "config.json: num_hidden_groups: expected at most num_hidden_layers (2), found 3");
  EXPECT_EQ(Invalid(Config("albert", R"("num_hidden_layers": 600, "inner_group_num": 2)")),
            "config.json: inner_group_num: expected at most 1000 layers in all, found 600 times 2");
  EXPECT_THAT(Invalid(Config("albert", R"("num_hidden_layers": 2, "inner_group_num": 0)")),
              HasSubstr("inner_group_num: expected an integer from 1"));
  EXPECT_THAT(Invalid(Config("albert", R"("num_hidden_layers": 2, "embedding_size": 0)")),
              HasSubstr("embedding_size: expected an integer from 1"));
  EXPECT_THAT(Uncomputed(Config("albert", R"("num_hidden_layers": 2, "hidden_act": "mish")")),
              HasSubstr("hidden_act: expected one of"));
}

TEST(MPNetConfig, TheTableOfScoresBelongsToTheFirstLayer) {
  const auto names = Names(Config("mpnet", R"("num_hidden_layers": 2)"));
  ASSERT_EQ(names.size(), 3U);
  const std::string table = "encoder.relative_attention_bias.weight";
  EXPECT_THAT(names[1], Contains(table));
  EXPECT_THAT(names[2], ::testing::Not(Contains(table)));
}

TEST(MPNetConfig, PositionsBeginBehindOneWhateverThePadding) {
  const std::string json = Config("mpnet", R"("num_hidden_layers": 2, "pad_token_id": 7)");
  EXPECT_EQ(Read(json).architecture->config().max_positions, 38);
}

TEST(MPNetConfig, RefusesTooFewBucketsAndPositions) {
  const std::string layers = R"("num_hidden_layers": 2)";
  EXPECT_EQ(Invalid(Config("mpnet", layers + R"(, "relative_attention_num_buckets": 31)")),
            "config.json: relative_attention_num_buckets: expected an integer from 32 to 65536, "
            "found 31");
  EXPECT_EQ(Invalid(R"({"model_type": "mpnet", "vocab_size": 50, "hidden_size": 12,
                        "num_attention_heads": 3, "num_hidden_layers": 1, "intermediate_size": 20,
                        "max_position_embeddings": 2})"),
            "config.json: max_position_embeddings: expected more than 2, found 2");
}

TEST(MobileBertConfig, HasNoSlotsForWhatItDoesNotUse) {
  const std::string sizes = R"("num_hidden_layers": 1, "intra_bottleneck_size": 6)";
  const std::string shared = "encoder.layer.0.bottleneck.attention.dense.weight";
  const std::string transformation = "embeddings.embedding_transformation.weight";
  const auto whole = Names(Config("mobilebert", sizes));
  EXPECT_THAT(whole[0], Contains(transformation));
  EXPECT_THAT(whole[1], Contains(shared));
  EXPECT_THAT(whole[1], Contains("encoder.layer.0.ffn.2.output.dense.weight"));
  const auto narrow = Names(
      Config("mobilebert", sizes + R"(, "use_bottleneck_attention": true, "trigram_input": false,
                              "embedding_size": 12, "num_feedforward_networks": 1)"));
  EXPECT_THAT(narrow[0], ::testing::Not(Contains(transformation)));
  EXPECT_THAT(narrow[1], ::testing::Not(Contains(shared)));
  EXPECT_THAT(narrow[1], ::testing::Not(Contains(HasSubstr("ffn."))));
}

TEST(MobileBertConfig, WithWiderEmbeddingsThanHiddenStatesHasNoLanguageHead) {
  const std::string sizes = R"("num_hidden_layers": 1, "intra_bottleneck_size": 6)";
  const auto heads = [&](const std::string& width) {
    return Read(Config("mobilebert", absl::StrCat(sizes, R"(, "embedding_size": )", width)))
        .architecture->heads();
  };
  EXPECT_TRUE(heads("12").language.has_value());
  EXPECT_FALSE(heads("13").language.has_value());
}

TEST(MobileBertConfig, RefusesWhatContradictsItself) {
  const std::string layers = R"("num_hidden_layers": 1, )";
  EXPECT_EQ(Invalid(Config("mobilebert", layers + R"("intra_bottleneck_size": 7)")),
            "config.json: intra_bottleneck_size: expected a multiple of num_attention_heads (3), "
            "found 7");
  EXPECT_EQ(Invalid(Config("mobilebert", layers + R"("intra_bottleneck_size": 6,
                                                     "key_query_shared_bottleneck": false)")),
            "config.json: intra_bottleneck_size: expected hidden_size (12), as queries and keys "
            "have no bottleneck; found 6");
  EXPECT_THAT(Invalid(Config("mobilebert", layers + R"("intra_bottleneck_size": 6,
                                                       "num_feedforward_networks": 0)")),
              HasSubstr("num_feedforward_networks: expected an integer from 1"));
  EXPECT_EQ(Uncomputed(Config("mobilebert", layers + R"("intra_bottleneck_size": 6,
                                                        "normalization_type": "rms_norm")")),
            "config.json: normalization_type: expected one of: no_norm, layer_norm; found "
            "'rms_norm'");
}

// Rows behind the texts change nothing and stay finite.
TEST(Families, RowsBehindTheTextsAreNotRead) {
  std::vector<testing::GoldenText> texts(2);
  texts[0].ids = {3, 1, 4, 1, 5};
  texts[0].type_ids = {0, 0, 0, 1, 1};
  texts[1].ids = {9, 2, 6};
  texts[1].type_ids = {0, 1, 1};
  const Batch exact = testing::PackTexts(texts, {0, 1});
  Batch roomy = exact;
  const at::Tensor tail = testing::IntTensor({7, 7, 7});
  for (at::Tensor* rows : {&roomy.ids, &roomy.positions, &roomy.type_ids}) {
    *rows = at::cat({*rows, tail});
  }
  for (const char* family : {"albert", "mobilebert", "mpnet"}) {
    const Backbone backbone =
        RandomBackbone(Config(family, R"("num_hidden_layers": 2, "intra_bottleneck_size": 6)"));
    const at::Tensor own = backbone.Run(exact, PassOptions());
    const at::Tensor with_tail = backbone.Run(roomy, PassOptions());
    EXPECT_TRUE(testing::SameBits(with_tail.narrow(0, 0, own.size(0)), own)) << family;
    EXPECT_TRUE(with_tail.isfinite().all().item<bool>()) << family;
  }
}

}  // namespace
}  // namespace graft
