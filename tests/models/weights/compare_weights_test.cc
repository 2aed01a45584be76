#include "models/weights/compare_weights.h"

#include <bit>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using testing::IsOk;
using testing::TemporaryFolder;

template <typename T>
absl::Span<const char> Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::map<std::string, TensorComparison> Compare(const std::vector<TensorToWrite>& a,
                                                const std::vector<TensorToWrite>& b) {
  const TemporaryFolder folder;
  EXPECT_THAT(WriteSafetensors(folder / "a", a, {}), IsOk());
  EXPECT_THAT(WriteSafetensors(folder / "b", b, {}), IsOk());
  std::map<std::string, TensorComparison> found;
  const auto first = WeightFiles::Open(folder / "a"), second = WeightFiles::Open(folder / "b");
  std::string last;
  EXPECT_THAT(CompareWeights(*first, *second,
                             [&](const TensorComparison& c) {
                               EXPECT_LT(last, c.name);
                               last = c.name;
                               found[c.name] = c;
                             }),
              IsOk());
  return found;
}

TEST(CompareWeightsTest, EveryVerdict) {
  const std::vector<float> one = {1, 2, 3}, other = {1, 2.5f, 3.25f}, nan = {1, std::nanf(""), 3};
  const std::vector<double> doubles = {1, 2, 3};
  const std::vector<int64_t> integers = {1, 2, 3};
  const auto found = Compare({{"equal", DType::kF32, {3}, Bytes(one)},
                              {"first", DType::kF32, {3}, Bytes(one)},
                              {"nan", DType::kF32, {3}, Bytes(one)},
                              {"nans", DType::kF32, {3}, Bytes(nan)},
                              {"integers", DType::kI64, {3}, Bytes(integers)},
                              {"shape", DType::kF32, {3}, Bytes(one)},
                              {"type", DType::kF32, {3}, Bytes(one)},
                              {"values", DType::kF32, {3}, Bytes(one)}},
                             {{"equal", DType::kF32, {3}, Bytes(one)},
                              {"nan", DType::kF32, {3}, Bytes(nan)},
                              {"nans", DType::kF32, {3}, Bytes(nan)},
                              {"integers", DType::kF64, {3}, Bytes(doubles)},
                              {"second", DType::kF32, {3}, Bytes(one)},
                              {"shape", DType::kF32, {3, 1}, Bytes(one)},
                              {"type", DType::kF64, {3}, Bytes(doubles)},
                              {"values", DType::kF32, {3}, Bytes(other)}});
  EXPECT_EQ(found.at("equal").verdict, TensorVerdict::kEqual);
  EXPECT_EQ(found.at("equal").first_sum, found.at("equal").second_sum);
  EXPECT_EQ(found.at("nans").verdict, TensorVerdict::kEqual);
  EXPECT_EQ(found.at("first").verdict, TensorVerdict::kOnlyFirst);
  EXPECT_EQ(found.at("first").second_sum, "");
  EXPECT_EQ(found.at("second").verdict, TensorVerdict::kOnlySecond);
  EXPECT_EQ(found.at("shape").verdict, TensorVerdict::kOtherShape);
  EXPECT_EQ(found.at("type").verdict, TensorVerdict::kOtherType);
  EXPECT_EQ(found.at("integers").verdict, TensorVerdict::kOtherType);
  const TensorComparison& values = found.at("values");
  EXPECT_EQ(values.verdict, TensorVerdict::kOtherValues);
  EXPECT_EQ(values.different, 2);
  EXPECT_EQ(values.first_different, 1);
  EXPECT_EQ(values.largest_difference, 0.5);
  EXPECT_NE(values.first_sum, values.second_sum);
  EXPECT_EQ(found.at("nan").different, 1);
  EXPECT_TRUE(std::isnan(found.at("nan").largest_difference.value_or(0)));
}

TEST(CompareWeightsTest, VerdictsHaveNames) {
  EXPECT_EQ(TensorVerdictName(TensorVerdict::kEqual), "equal");
  EXPECT_EQ(TensorVerdictName(TensorVerdict::kOtherType), "other type");
  EXPECT_EQ(TensorVerdictName(TensorVerdict::kOtherShape), "other shape");
  EXPECT_EQ(TensorVerdictName(TensorVerdict::kOtherValues), "other values");
  EXPECT_EQ(TensorVerdictName(TensorVerdict::kOnlyFirst), "only in the first");
  EXPECT_EQ(TensorVerdictName(TensorVerdict::kOnlySecond), "only in the second");
}

TEST(CompareWeightsTest, OneSideMayEndBeforeTheOther) {
  const std::vector<float> one = {1};
  const TensorToWrite a = {"a", DType::kF32, {1}, Bytes(one)};
  const TensorToWrite b = {"b", DType::kF32, {1}, Bytes(one)};
  EXPECT_EQ(Compare({}, {}).size(), 0);
  EXPECT_EQ(Compare({a, b}, {}).at("b").verdict, TensorVerdict::kOnlyFirst);
  EXPECT_EQ(Compare({a}, {a, b}).at("b").verdict, TensorVerdict::kOnlySecond);
}

TEST(CompareWeightsTest, BitsCountAndNotOnlyNumbers) {
  const std::vector<float> zeros = {0, 1}, negative = {-0.0f, 1};
  const auto found =
      Compare({{"t", DType::kF32, {2}, Bytes(zeros)}}, {{"t", DType::kF32, {2}, Bytes(negative)}});
  EXPECT_EQ(found.at("t").verdict, TensorVerdict::kOtherValues);
  EXPECT_EQ(found.at("t").different, 1);
  EXPECT_EQ(found.at("t").largest_difference, 0.0);
}

TEST(CompareWeightsTest, ANaNIsTheLargestDifferenceWhateverFollows) {
  const std::vector<float> a = {1, 2, 3}, b = {5, std::nanf(""), 9};
  const auto found =
      Compare({{"t", DType::kF32, {3}, Bytes(a)}}, {{"t", DType::kF32, {3}, Bytes(b)}});
  EXPECT_EQ(found.at("t").different, 3);
  EXPECT_TRUE(std::isnan(found.at("t").largest_difference.value_or(0)));
}

TEST(CompareWeightsTest, Float8IsComparedWithOtherTypes) {
  const std::vector<float> two = {1, 2}, other = {1, 2.5f};
  const std::vector<uint8_t> e4m3 = {0x38, 0x40}, e5m2 = {0x3C, 0x40}, e8m0 = {0x7F, 0x80};
  const auto found = Compare({{"a", DType::kF8E4M3, {2}, Bytes(e4m3)},
                              {"b", DType::kF8E5M2, {2}, Bytes(e5m2)},
                              {"c", DType::kF8E8M0, {2}, Bytes(e8m0)},
                              {"d", DType::kF8E4M3, {2}, Bytes(e4m3)}},
                             {{"a", DType::kF32, {2}, Bytes(two)},
                              {"b", DType::kF8E8M0, {2}, Bytes(e8m0)},
                              {"c", DType::kF8E4M3, {2}, Bytes(e4m3)},
                              {"d", DType::kF32, {2}, Bytes(other)}});
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(found.at(name).verdict, TensorVerdict::kOtherType) << name;
  }
  EXPECT_EQ(found.at("d").verdict, TensorVerdict::kOtherValues);
  EXPECT_EQ(found.at("d").largest_difference, 0.5);
}

TEST(CompareWeightsTest, OnlyFloatsAreComparedAcrossTypes) {
  const std::vector<float> floats = {1};
  const std::vector<int32_t> integers = {2};
  const auto found =
      Compare({{"t", DType::kF32, {1}, Bytes(floats)}}, {{"t", DType::kI32, {1}, Bytes(integers)}});
  EXPECT_EQ(found.at("t").verdict, TensorVerdict::kOtherType);
  EXPECT_EQ(found.at("t").largest_difference, std::nullopt);
}

TEST(CompareWeightsTest, DoublesDifferByLessThanFloatsShow) {
  const std::vector<double> a = {1.0}, b = {1.0 + 1e-12};
  const auto found =
      Compare({{"t", DType::kF64, {1}, Bytes(a)}}, {{"t", DType::kF64, {1}, Bytes(b)}});
  EXPECT_EQ(found.at("t").verdict, TensorVerdict::kOtherValues);
  EXPECT_EQ(found.at("t").different, 1);
}

TEST(CompareWeightsTest, NumbersOfTwoTypesAreComparedExactly) {
  const std::vector<double> tenth = {0.1}, half = {0.5}, nan = {std::nan("5")}, zero = {-0.0};
  const std::vector<float> tenth_float = {0.1f}, half_float = {0.5f}, nan_float = {std::nanf("")},
                           zero_float = {0.0f};
  const auto found = Compare({{"half", DType::kF64, {1}, Bytes(half)},
                              {"nan", DType::kF64, {1}, Bytes(nan)},
                              {"tenth", DType::kF64, {1}, Bytes(tenth)},
                              {"zero", DType::kF64, {1}, Bytes(zero)}},
                             {{"half", DType::kF32, {1}, Bytes(half_float)},
                              {"nan", DType::kF32, {1}, Bytes(nan_float)},
                              {"tenth", DType::kF32, {1}, Bytes(tenth_float)},
                              {"zero", DType::kF32, {1}, Bytes(zero_float)}});
  EXPECT_EQ(found.at("half").verdict, TensorVerdict::kOtherType);
  EXPECT_EQ(found.at("nan").verdict, TensorVerdict::kOtherType);
  EXPECT_EQ(found.at("tenth").verdict, TensorVerdict::kOtherValues);
  EXPECT_EQ(found.at("tenth").different, 1);
  EXPECT_EQ(found.at("tenth").largest_difference, static_cast<double>(0.1f) - 0.1);
  EXPECT_EQ(found.at("zero").verdict, TensorVerdict::kOtherValues);
  EXPECT_EQ(found.at("zero").largest_difference, 0);
}

TEST(CompareWeightsTest, LargeDoublesDifferByWhatTheyDo) {
  const std::vector<double> a = {1e300, 1}, b = {2e300, 1};
  const auto found =
      Compare({{"t", DType::kF64, {2}, Bytes(a)}}, {{"t", DType::kF64, {2}, Bytes(b)}});
  EXPECT_EQ(found.at("t").different, 1);
  EXPECT_EQ(found.at("t").largest_difference, 1e300);
}

TEST(CompareWeightsTest, TensorsOfSeveralFilesAreComparedByTheirNames) {
  const std::vector<float> one = {1};
  const TemporaryFolder folder;
  ASSERT_THAT(WriteSafetensors(folder / "a", {{"t", DType::kF32, {1}, Bytes(one)}}, {}), IsOk());
  const auto weights = WeightFiles::Open(folder / "a");
  ASSERT_THAT(weights, IsOk());
  const TensorInfo* tensor = &weights->tensors()[0];
  std::vector<std::string> found;
  ASSERT_THAT(
      CompareWeights({{"x/t", &*weights, tensor}, {"y", &*weights, tensor}},
                     {{"t", &*weights, tensor}, {"y", &*weights, tensor}},
                     [&](const TensorComparison& c) {
                       found.push_back(c.name + " " + std::string(TensorVerdictName(c.verdict)));
                     }),
      IsOk());
  EXPECT_THAT(found,
              ::testing::ElementsAre("t only in the second", "x/t only in the first", "y equal"));
}

TEST(CompareWeightsTest, IntegersHaveNoLargestDifference) {
  const std::vector<int64_t> a = {1, 2, 3}, b = {1, 5, 4};
  const auto found =
      Compare({{"t", DType::kI64, {3}, Bytes(a)}}, {{"t", DType::kI64, {3}, Bytes(b)}});
  EXPECT_EQ(found.at("t").different, 2);
  EXPECT_EQ(found.at("t").first_different, 1);
  EXPECT_EQ(found.at("t").largest_difference, std::nullopt);
}

TEST(CompareWeightsTest, NaNsOfOneTypeDifferByTheirBitsAndNotByANumber) {
  const std::vector<float> a = {std::bit_cast<float>(0x7FC00001u)},
                           b = {std::bit_cast<float>(0x7FC00002u)};
  const auto found =
      Compare({{"t", DType::kF32, {1}, Bytes(a)}}, {{"t", DType::kF32, {1}, Bytes(b)}});
  EXPECT_EQ(found.at("t").different, 1);
  EXPECT_EQ(found.at("t").largest_difference, 0);
}

TEST(CompareWeightsTest, ANaNOfAnotherTypeIsNoNumber) {
  const std::vector<float> a = {std::nanf(""), 1};
  const std::vector<double> b = {1, std::nan("")};
  const auto found =
      Compare({{"t", DType::kF32, {2}, Bytes(a)}}, {{"t", DType::kF64, {2}, Bytes(b)}});
  EXPECT_EQ(found.at("t").different, 2);
  EXPECT_TRUE(std::isnan(found.at("t").largest_difference.value_or(0)));
}

}  // namespace
}  // namespace graft
