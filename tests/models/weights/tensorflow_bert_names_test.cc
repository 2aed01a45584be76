// The names that transformers gives the tensors of the original BERT code.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/tensorflow_checkpoint.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using graft::testing::IsOk;
using graft::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TensorInfo Tensor(std::string_view name, std::vector<int64_t> shape = {2}) {
  TensorInfo tensor{.name = std::string(name), .dtype = DType::kF32, .shape = std::move(shape)};
  tensor.end = tensor.bytes();
  return tensor;
}

// The new name of a tensor; "" when it is one of training.
std::string Translate(std::string_view name) {
  WeightTable table;
  table.tensors.push_back(Tensor(name));
  EXPECT_THAT(TranslateBertNames("m.index", table), IsOk());
  if (table.tensors.empty()) {
    EXPECT_THAT(table.others, ElementsAre(name));
    return "";
  }
  EXPECT_THAT(table.others, IsEmpty());
  return table.tensors[0].name;
}

TEST(BertNames, OfTheEncoder) {
  const std::string layer = "bert/encoder/layer_11/", pytorch = "bert.encoder.layer.11.";
  EXPECT_EQ(Translate(layer + "attention/self/query/kernel"),
            pytorch + "attention.self.query.weight");
  EXPECT_EQ(Translate(layer + "attention/self/key/bias"), pytorch + "attention.self.key.bias");
  EXPECT_EQ(Translate(layer + "attention/output/LayerNorm/gamma"),
            pytorch + "attention.output.LayerNorm.weight");
  EXPECT_EQ(Translate(layer + "attention/output/LayerNorm/beta"),
            pytorch + "attention.output.LayerNorm.bias");
  EXPECT_EQ(Translate(layer + "intermediate/dense/kernel"), pytorch + "intermediate.dense.weight");
  EXPECT_EQ(Translate(layer + "output/dense/bias"), pytorch + "output.dense.bias");
  EXPECT_EQ(Translate("bert/pooler/dense/kernel"), "bert.pooler.dense.weight");
}

TEST(BertNames, StridesAreTransposedWithTheShape) {
  WeightTable table;
  table.tensors.push_back(Tensor("dense/kernel", {2, 3}));
  table.tensors[0].strides = {1, 2};
  EXPECT_THAT(TranslateBertNames("m.index", table), IsOk());
  EXPECT_THAT(table.tensors[0].shape, ElementsAre(3, 2));
  EXPECT_THAT(table.tensors[0].strides, ElementsAre(2, 1));
}

TEST(BertNames, OfTheEmbeddings) {
  EXPECT_EQ(Translate("bert/embeddings/word_embeddings"), "bert.embeddings.word_embeddings.weight");
  EXPECT_EQ(Translate("bert/embeddings/position_embeddings"),
            "bert.embeddings.position_embeddings.weight");
  EXPECT_EQ(Translate("bert/embeddings/token_type_embeddings"),
            "bert.embeddings.token_type_embeddings.weight");
  EXPECT_EQ(Translate("bert/embeddings/LayerNorm/gamma"), "bert.embeddings.LayerNorm.weight");
}

TEST(BertNames, OfTheHeads) {
  EXPECT_EQ(Translate("cls/predictions/output_bias"), "cls.predictions.bias");
  EXPECT_EQ(Translate("cls/predictions/transform/dense/kernel"),
            "cls.predictions.transform.dense.weight");
  EXPECT_EQ(Translate("cls/predictions/transform/LayerNorm/beta"),
            "cls.predictions.transform.LayerNorm.bias");
  EXPECT_EQ(Translate("cls/seq_relationship/output_weights"), "cls.seq_relationship.weight");
  EXPECT_EQ(Translate("cls/seq_relationship/output_bias"), "cls.seq_relationship.bias");
  EXPECT_EQ(Translate("cls/squad/output_weights"), "classifier.weight");
  EXPECT_EQ(Translate("cls/squad/output_bias"), "classifier.bias");
  EXPECT_EQ(Translate("output_weights"), "classifier.weight");
  EXPECT_EQ(Translate("output_bias"), "classifier.bias");
}

TEST(BertNames, NumbersBecomePartsOnlyBehindLetters) {
  EXPECT_EQ(Translate("layer_0"), "layer.0");
  EXPECT_EQ(Translate("a/layer_12/b"), "a.layer.12.b");
  EXPECT_EQ(Translate("layer_"), "layer_");
  EXPECT_EQ(Translate("_1"), "_1");
  EXPECT_EQ(Translate("layer_1x"), "layer_1x");
  EXPECT_EQ(Translate("layer1_1"), "layer1_1");
  EXPECT_EQ(Translate("a_b_1"), "a_b_1");
  EXPECT_EQ(Translate("layer_\u0661"), "layer_\u0661");  // a digit of another script
}

TEST(BertNames, WhatTrainingUsedMovesToOthers) {
  for (const char* name :
       {"global_step", "bert/embeddings/word_embeddings/adam_m", "output_bias/adam_v",
        "AdamWeightDecayOptimizer/x", "AdamWeightDecayOptimizer_1", "a/kernel/lamb_v",
        "a/kernel/Adam", "a/kernel/Adam_1", "beta1_power", "beta2_power", "loss_scale"}) {
    EXPECT_EQ(Translate(name), "") << name;
  }
  EXPECT_EQ(Translate("adam_map/bias"), "adam_map.bias");
}

TEST(BertNames, OddNamesStayNames) {
  EXPECT_EQ(Translate("kernel"), "weight");
  EXPECT_EQ(Translate("a//b/"), "a..b.");
  EXPECT_EQ(Translate("cls"), "cls");
}

TEST(BertNames, KernelsAreTransposedByStrides) {
  WeightTable table;
  table.tensors = {Tensor("a/kernel", {2, 3}),
                   Tensor("b/kernel", {2, 3, 5}),
                   Tensor("c/kernel", {4}),
                   Tensor("d/kernel", {}),
                   Tensor("e/output_weights", {2, 3}),
                   Tensor("f_embeddings", {2, 3})};
  ASSERT_THAT(TranslateBertNames("m.index", table), IsOk());
  ASSERT_THAT(table.tensors, SizeIs(6));
  EXPECT_THAT(table.tensors[0].shape, ElementsAre(3, 2));
  EXPECT_THAT(table.tensors[0].strides, ElementsAre(1, 3));
  EXPECT_THAT(table.tensors[1].shape, ElementsAre(5, 3, 2));
  EXPECT_THAT(table.tensors[1].strides, ElementsAre(1, 5, 15));
  for (size_t i = 2; i < 6; ++i) EXPECT_THAT(table.tensors[i].strides, IsEmpty());
  EXPECT_THAT(table.tensors[4].shape, ElementsAre(2, 3));
  EXPECT_EQ(table.tensors[0].end, 24u);
}

TEST(BertNames, KernelsWithoutElementsGetNoStrides) {
  WeightTable table;
  table.tensors = {Tensor("a/kernel", {0, 3})};
  ASSERT_THAT(TranslateBertNames("m.index", table), IsOk());
  EXPECT_THAT(table.tensors[0].shape, ElementsAre(3, 0));
  EXPECT_THAT(table.tensors[0].strides, IsEmpty());
}

TEST(BertNames, TwoTensorsOfOneNameAreRefusedAndNothingChanges) {
  WeightTable table;
  table.tensors = {Tensor("a/kernel", {2, 3}), Tensor("global_step"), Tensor("output_bias"),
                   Tensor("cls/squad/output_bias")};
  EXPECT_THAT(TranslateBertNames("m.index", table),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "m.index: expected one tensor for 'classifier.bias', found 'output_bias' "
                       "and 'cls/squad/output_bias'"));
  ASSERT_THAT(table.tensors, SizeIs(4));
  EXPECT_EQ(table.tensors[0].name, "a/kernel");
  EXPECT_THAT(table.tensors[0].strides, IsEmpty());
  EXPECT_THAT(table.others, IsEmpty());
}

}  // namespace
}  // namespace graft
