#include "models/weights/convert_weights.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/compare_weights.h"
#include "models/weights/safetensors.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;

absl::Span<const char> Bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

class ConvertWeightsTest : public ::testing::Test {
 protected:
  // From these tensors, [n] each.
  absl::StatusOr<ConvertedWeights> Convert(
      const std::vector<std::pair<std::string, std::vector<float>>>& tensors,
      const WeightConversion& conversion) {
    std::vector<TensorToWrite> writes;
    for (const auto& [name, values] : tensors) {
      writes.push_back({name, DType::kF32, {static_cast<int64_t>(values.size())}, Bytes(values)});
    }
    EXPECT_THAT(WriteSafetensors(in_ / "model.safetensors", writes, {}), IsOk());
    const auto weights = WeightFiles::OpenFolder(in_.path());
    EXPECT_THAT(weights, IsOk());
    return WriteConverted(*weights, conversion, out_.path());
  }

  std::vector<float> Read(const std::string& name) {
    const auto weights = WeightFiles::OpenFolder(out_.path());
    EXPECT_THAT(weights, IsOk());
    const TensorInfo* tensor = weights->Find(name);
    if (tensor == nullptr) return {};
    std::vector<float> values(static_cast<size_t>(tensor->elements()));
    EXPECT_THAT(weights->ReadAsFloat(*tensor, absl::MakeSpan(values)), IsOk());
    return values;
  }

  // The verdict of every tensor of the two folders.
  std::vector<std::string> Verdicts() {
    std::vector<std::string> verdicts;
    EXPECT_THAT(CompareWeights(
                    *WeightFiles::OpenFolder(in_.path()), *WeightFiles::OpenFolder(out_.path()),
                    [&](const TensorComparison& c) {
                      verdicts.push_back(c.name + ": " + std::string(TensorVerdictName(c.verdict)));
                    }),
                IsOk());
    return verdicts;
  }

  TemporaryFolder in_, out_;
};

TEST_F(ConvertWeightsTest, KeepsEveryBit) {
  const auto converted = Convert({{"b", {1, -0.0f}}, {"a", {std::nanf("7"), 1e-40f}}}, {});
  ASSERT_THAT(converted, IsOk());
  EXPECT_THAT(converted->files, ElementsAre("model.safetensors"));
  EXPECT_EQ(converted->bytes, 16);
  EXPECT_THAT(Verdicts(), ElementsAre("a: equal", "b: equal"));
}

TEST_F(ConvertWeightsTest, RoundsToTheType) {
  ASSERT_THAT(Convert({{"a", {1, 0.1f, 65519}}}, {.dtype = DType::kF16}), IsOk());
  EXPECT_THAT(Read("a"), ElementsAre(1, 0.0999755859375f, 65504));
  EXPECT_THAT(Verdicts(), ElementsAre("a: other values"));
  ASSERT_THAT(Convert({{"a", {1, 0.5f}}}, {.dtype = DType::kBF16}), IsOk());
  EXPECT_THAT(Verdicts(), ElementsAre("a: other type"));
}

TEST_F(ConvertWeightsTest, OtherFloatsAreWidenedOrRounded) {
  const std::vector<double> doubles = {1, 0.1f}, tenths = {0.1};
  const std::vector<uint16_t> halves = {0x3C00, 0x2E66};
  const std::vector<int64_t> ids = {7};
  const auto bytes = [](const auto& values) {
    return absl::Span<const char>(reinterpret_cast<const char*>(values.data()),
                                  values.size() * sizeof(values[0]));
  };
  ASSERT_THAT(WriteSafetensors(in_ / "model.safetensors",
                               {{"doubles", DType::kF64, {2}, bytes(doubles)},
                                {"halves", DType::kF16, {2}, bytes(halves)},
                                {"ids", DType::kI64, {1}, bytes(ids)},
                                {"tenths", DType::kF64, {1}, bytes(tenths)}},
                               {}),
              IsOk());
  ASSERT_THAT(
      WriteConverted(*WeightFiles::OpenFolder(in_.path()), {.dtype = DType::kF32}, out_.path()),
      IsOk());
  EXPECT_THAT(Read("doubles"), ElementsAre(1, 0.1f));
  EXPECT_THAT(Read("halves"), ElementsAre(1, 0.0999755859375f));
  EXPECT_THAT(Verdicts(), ElementsAre("doubles: other type", "halves: other type", "ids: equal",
                                      "tenths: other values"));
}

TEST_F(ConvertWeightsTest, Float8KeepsItsTypeOrBecomesWider) {
  const std::string e4m3 = "\x38\xB9\x7E", e8m0 = "\x7F\x80\xFE";
  const std::vector<TensorToWrite> tensors = {{"a", DType::kF8E4M3, {3}, {e4m3.data(), 3}},
                                              {"b", DType::kF8E8M0, {2}, {e8m0.data(), 2}}};
  ASSERT_THAT(WriteSafetensors(in_ / "model.safetensors", tensors, {}), IsOk());
  const auto source = WeightFiles::OpenFolder(in_.path());
  ASSERT_THAT(source, IsOk());
  ASSERT_THAT(WriteConverted(*source, {}, out_.path()), IsOk());
  EXPECT_THAT(Verdicts(), ElementsAre("a: equal", "b: equal"));
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    ASSERT_THAT(WriteConverted(*source, {.dtype = dtype}, out_.path()), IsOk());
    EXPECT_THAT(Verdicts(), ElementsAre("a: other type", "b: other type"));
    EXPECT_THAT(Read("a"), ElementsAre(1, -1.125f, 448));
    EXPECT_THAT(Read("b"), ElementsAre(1, 2));
  }
}

// The new numbers would be those without the scale, which nothing says.
TEST_F(ConvertWeightsTest, Float8WithAScaleKeepsItsType) {
  const std::string byte(1, '\x38');
  const std::vector<TensorToWrite> tensors = {{"w", DType::kF8E4M3, {1}, {byte.data(), 1}},
                                              {"w_scale", DType::kF8E8M0, {1}, {byte.data(), 1}}};
  ASSERT_THAT(WriteSafetensors(in_ / "model.safetensors", tensors, {}), IsOk());
  const auto source = WeightFiles::OpenFolder(in_.path());
  ASSERT_THAT(source, IsOk());
  EXPECT_THAT(WriteConverted(*source, {.dtype = DType::kF32}, out_.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'w': expected numbers as")));
  ASSERT_THAT(WriteConverted(*source, {}, out_.path()), IsOk());
  EXPECT_THAT(Verdicts(), ElementsAre("w: equal", "w_scale: equal"));
}

TEST_F(ConvertWeightsTest, NumbersThatDoNotFitAreNamed) {
  EXPECT_THAT(
      Convert({{"a", {1, 70000}}}, {.dtype = DType::kF16}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("'a': element 1: expected a number that F16 can hold, found 70000")));
  const float infinity = std::numeric_limits<float>::infinity();
  ASSERT_THAT(Convert({{"a", {infinity}}}, {.dtype = DType::kF16}), IsOk());
  EXPECT_THAT(Read("a"), ElementsAre(infinity));
}

TEST_F(ConvertWeightsTest, LargeWeightsBecomeShards) {
  const auto converted =
      Convert({{"a", {1, 2}}, {"b", {3}}, {"c", {4, 5, 6, 7}}, {"d", {}}}, {.max_shard_bytes = 12});
  ASSERT_THAT(converted, IsOk());
  EXPECT_THAT(converted->files,
              ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                          "model.safetensors.index.json"));
  EXPECT_THAT(Verdicts(), ElementsAre("a: equal", "b: equal", "c: equal", "d: equal"));
  EXPECT_TRUE(WeightFiles::OpenFolder(out_.path())->written_by_graft());
}

TEST_F(ConvertWeightsTest, PutsTheFirstFirst) {
  ASSERT_THAT(Convert({{"a", {1}}, {"b", {2}}, {"c", {3}}}, {.first = {"c", "none", "b", "c"}}),
              IsOk());
  const auto weights = WeightFiles::OpenFolder(out_.path());
  ASSERT_THAT(weights, IsOk());
  EXPECT_LT(weights->Find("c")->begin, weights->Find("b")->begin);
  EXPECT_LT(weights->Find("b")->begin, weights->Find("a")->begin);
}

TEST_F(ConvertWeightsTest, OldNamesBecomeTodays) {
  const auto converted = Convert({{"x.LayerNorm.gamma", {1}},
                                  {"x.LayerNorm.beta", {2}},
                                  {"y.LayerNorm.beta", {3}},
                                  {"y.LayerNorm.bias", {4}}},
                                 {});
  ASSERT_THAT(converted, IsOk());
  EXPECT_EQ(converted->renamed, 2);
  EXPECT_THAT(Read("x.LayerNorm.weight"), ElementsAre(1));
  EXPECT_THAT(Read("x.LayerNorm.bias"), ElementsAre(2));
  EXPECT_THAT(Read("y.LayerNorm.beta"), ElementsAre(3));  // both are there
}

// Of F64, which Convert above does not write.
class ConvertDoublesTest : public ConvertWeightsTest {
 protected:
  absl::Status ConvertDoubles(const std::vector<double>& values, DType dtype) {
    const absl::Span<const char> bytes(reinterpret_cast<const char*>(values.data()),
                                       values.size() * sizeof(double));
    EXPECT_THAT(
        WriteSafetensors(in_ / "model.safetensors",
                         {{"d", DType::kF64, {static_cast<int64_t>(values.size())}, bytes}}, {}),
        IsOk());
    return WriteConverted(*WeightFiles::OpenFolder(in_.path()), {.dtype = dtype}, out_.path())
        .status();
  }
};

TEST_F(ConvertDoublesTest, NumbersBeyondTheTypeAreNamed) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    EXPECT_THAT(ConvertDoubles({1, -1e300}, dtype),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("'d': element 1: expected a number that " +
                                   std::string(DTypeName(dtype)) + " can hold, found -1e+300")));
  }
  const double infinity = std::numeric_limits<double>::infinity();
  ASSERT_THAT(ConvertDoubles({infinity}, DType::kF32), IsOk());
  EXPECT_THAT(Read("d"), ElementsAre(std::numeric_limits<float>::infinity()));
}

TEST_F(ConvertDoublesTest, TheyAreRoundedOnce) {
  // Above the middle of 1 and the next number of the type by less than float32 shows.
  ASSERT_THAT(ConvertDoubles({1 + 0x1p-11 + 0x1p-40, 0.1, 65519.999}, DType::kF16), IsOk());
  EXPECT_THAT(Read("d"), ElementsAre(1 + 0x1p-10f, 0.0999755859375f, 65504));
  ASSERT_THAT(ConvertDoubles({1 + 0x1p-8 + 0x1p-40}, DType::kBF16), IsOk());
  EXPECT_THAT(Read("d"), ElementsAre(1 + 0x1p-7f));
  ASSERT_THAT(ConvertDoubles({0.1, -0.0}, DType::kF32), IsOk());
  EXPECT_THAT(Read("d"), ElementsAre(0.1f, -0.0f));
}

TEST_F(ConvertWeightsTest, MoreFilesThanAnIndexMayHaveAreRefused) {
  std::vector<std::pair<std::string, std::vector<float>>> tensors;
  for (int i = 0; i < 1'025; ++i) tensors.push_back({std::to_string(i), {1}});
  EXPECT_THAT(Convert(tensors, {.max_shard_bytes = 4}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("expected at most 1024 files of 4 bytes of tensors, found 1025")));
  EXPECT_TRUE(std::filesystem::is_empty(out_.path()));
  tensors.pop_back();
  ASSERT_THAT(Convert(tensors, {.max_shard_bytes = 4}), IsOk());
  EXPECT_THAT(WeightFiles::OpenFolder(out_.path()), IsOk());
}

TEST_F(ConvertWeightsTest, TheIndexQuotesNames) {
  ASSERT_THAT(Convert({{"a\"\\\n", {1}}, {"b", {2}}}, {.max_shard_bytes = 4}), IsOk());
  EXPECT_THAT(Verdicts(), ElementsAre("a\"\\\n: equal", "b: equal"));
}

// A zip archive whose state gives one storage of `floats` many names, which begin with `name`.
std::string ManyNames(int names, size_t floats, const std::string& name = "") {
  namespace pickle = testing::pickle;
  const auto count = static_cast<int64_t>(floats);
  std::vector<std::string> state;
  for (int i = 0; i < names; ++i) {
    state.push_back(pickle::Text(name + std::to_string(i)));
    state.push_back(pickle::Tensor(pickle::Storage("FloatStorage", "0", count), 0, {count}, {1}));
  }
  return testing::TorchZip(pickle::Dict(state), {std::string(floats * sizeof(float), '\x3F')});
}

TEST_F(ConvertWeightsTest, OneStorageWithVeryManyNamesIsRefused) {
  in_.Write("pytorch_model.bin", ManyNames(200, 100'000));
  const auto weights = WeightFiles::OpenFolder(in_.path());
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT(
      WriteConverted(*weights, {}, out_.path()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("pytorch_model.bin: expected tensors of less than 32 times the ")));
  EXPECT_THAT(CompareWeights(*weights, *weights, [](const TensorComparison&) {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(std::filesystem::is_empty(out_.path()));
  // A layer that is used 24 times is not.
  in_.Write("pytorch_model.bin", ManyNames(24, 100'000));
  EXPECT_THAT(WriteConverted(*WeightFiles::OpenFolder(in_.path()), {}, out_.path()), IsOk());
}

TEST_F(ConvertWeightsTest, ALongerIndexThanIsReadIsRefused) {
  in_.Write("pytorch_model.bin", ManyNames(16'000, 1, std::string(1'000, 'n')));
  const auto weights = WeightFiles::OpenFolder(in_.path());
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT(WriteConverted(*weights, {.max_shard_bytes = 40'000}, out_.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("expected an index of at most 16000000 bytes, found one of ")));
  EXPECT_TRUE(std::filesystem::is_empty(out_.path()));
}

}  // namespace
}  // namespace graft
