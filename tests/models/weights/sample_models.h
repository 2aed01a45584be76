// A small model in every format that is read.
#ifndef GRAFT_TESTS_MODELS_WEIGHTS_SAMPLE_MODELS_H_
#define GRAFT_TESTS_MODELS_WEIGHTS_SAMPLE_MODELS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft::testing {

// The elements as they stand in a file.
template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
inline absl::Span<const char> SpanOf(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

inline const std::string kSampleFloats = BytesOf<float>({1, 2, 3, 4, 5, 6});
// 1, 2 and 3 parts of 1024 above 1.
inline const std::string kSampleHalves = BytesOf<uint16_t>({0x3C01, 0x3C02, 0x3C03});

// "m" [2, 3], its transpose "t", its rows "first" and "row" over six floats; "h" of three halves
// and the outer two of them, "ends"; the number "epoch".
inline std::string SampleState(const std::string& floats, const std::string& halves) {
  return pickle::OrderedDict({pickle::Text("m"), pickle::Tensor(floats, 0, {2, 3}, {3, 1}),
                              pickle::Text("t"), pickle::Tensor(floats, 0, {3, 2}, {1, 3}),
                              pickle::Text("first"), pickle::Tensor(floats, 0, {3}, {1}),
                              pickle::Text("row"), pickle::Tensor(floats, 3, {3}, {1}),
                              pickle::Text("h"), pickle::Tensor(halves, 0, {3}, {1}),
                              pickle::Text("ends"), pickle::Tensor(halves, 0, {2}, {2}),
                              pickle::Text("epoch"), pickle::Int(7)});
}

inline std::string SampleZip() {
  return TorchZip(
      SampleState(pickle::Storage("FloatStorage", "0", 6), pickle::Storage("HalfStorage", "1", 3)),
      {kSampleFloats, kSampleHalves});
}

inline std::string SampleLegacy() {
  return TorchLegacy(SampleState(pickle::LegacyStorage("FloatStorage", "0", 6),
                                 pickle::LegacyStorage("HalfStorage", "1", 3)),
                     {{"0", 6, kSampleFloats}, {"1", 3, kSampleHalves}})
      .Bytes();
}

inline void WriteCheckpoint(const TemporaryFolder& folder, std::string_view stem,
                            const CheckpointBytes& checkpoint) {
  folder.Write(absl::StrCat(stem, ".index"), checkpoint.Index());
  for (size_t i = 0; i < checkpoint.shards.size(); ++i) {
    folder.Write(absl::StrFormat("%s.data-%05d-of-%05d", stem, i, checkpoint.shards.size()),
                 checkpoint.shards[i]);
  }
}

// A folder of one model, as OpenFolder finds it.
struct SampleModel {
  std::string format;
  void (*write)(const TemporaryFolder& folder);
};
inline void PrintTo(const SampleModel& model, std::ostream* out) { *out << model.format; }
inline std::string FormatOf(const ::testing::TestParamInfo<SampleModel>& info) {
  return info.param.format;
}

inline std::vector<SampleModel> SampleModels() {
  const auto safetensors = [](const TemporaryFolder& folder) {
    const std::string doubles = BytesOf<double>({0.5, 1.5});
    const std::string ids = BytesOf<int64_t>({1, 2});
    EXPECT_THAT(WriteSafetensors(folder / "model.safetensors",
                                 {{"d", DType::kF64, {2}, SpanOf(doubles)},
                                  {"h", DType::kF16, {3}, SpanOf(kSampleHalves)},
                                  {"ids", DType::kI64, {2}, SpanOf(ids)},
                                  {"m", DType::kF32, {2, 3}, SpanOf(kSampleFloats)}},
                                 {}),
                IsOk());
  };
  const auto shards = [](const TemporaryFolder& folder) {
    EXPECT_THAT(WriteSafetensors(folder / "1.safetensors",
                                 {{"m", DType::kF32, {2, 3}, SpanOf(kSampleFloats)}}, {}),
                IsOk());
    EXPECT_THAT(WriteSafetensors(folder / "2.safetensors",
                                 {{"h", DType::kF16, {3}, SpanOf(kSampleHalves)}}, {}),
                IsOk());
    folder.Write("model.safetensors.index.json",
                 R"({"weight_map": {"m": "1.safetensors", "h": "2.safetensors"}})");
  };
  const auto zip = [](const TemporaryFolder& folder) {
    folder.Write("pytorch_model.bin", SampleZip());
  };
  const auto legacy = [](const TemporaryFolder& folder) {
    folder.Write("pytorch_model.bin", SampleLegacy());
  };
  const auto tensorflow = [](const TemporaryFolder& folder) {
    CheckpointBytes checkpoint(2);
    checkpoint.Add("bert/pooler/dense/bias", 19, {3}, kSampleHalves, 1);
    checkpoint.Add("bert/pooler/dense/kernel", 1, {2, 3}, kSampleFloats);
    WriteCheckpoint(folder, "bert_model.ckpt", checkpoint);
  };
  return {{"Safetensors", safetensors},
          {"Shards", shards},
          {"Zip", zip},
          {"Legacy", legacy},
          {"TensorFlow", tensorflow}};
}

}  // namespace graft::testing

#endif  // GRAFT_TESTS_MODELS_WEIGHTS_SAMPLE_MODELS_H_
