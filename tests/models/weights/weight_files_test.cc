// Weights of every format through one reader. The formats have tests of their own.
#include "models/weights/weight_files.h"

#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/sample_models.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::kSampleFloats;
using testing::kSampleHalves;
using testing::SampleLegacy;
using testing::SampleZip;
using testing::SpanOf;
using testing::StatusIs;
using testing::TemporaryFolder;
namespace pickle = testing::pickle;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

std::vector<float> Read(const WeightFiles& weights, std::string_view name) {
  const TensorInfo* tensor = weights.Find(name);
  if (tensor == nullptr) return {};
  std::vector<float> values(static_cast<size_t>(tensor->elements()));
  EXPECT_THAT(weights.ReadAsFloat(*tensor, absl::MakeSpan(values)), IsOk());
  return values;
}

class WeightFilesTest : public ::testing::Test {
 protected:
  void WriteSafetensorsFile(const std::string& name) {
    ASSERT_THAT(WriteSafetensors(folder_ / name, {{"s", DType::kF32, {6}, kSampleFloats}}, {}),
                IsOk());
  }

  TemporaryFolder folder_;
};

TEST_F(WeightFilesTest, TheFirstBytesTellTheFormat) {
  const auto zip = WeightFiles::Open(folder_.Write("weights", SampleZip()));
  ASSERT_THAT(zip, IsOk());
  EXPECT_EQ(zip->format(), WeightFormat::kPyTorch);
  EXPECT_EQ(WeightFiles::Open(folder_.Write("weights", SampleLegacy()))->format(),
            WeightFormat::kPyTorchLegacy);
  WriteSafetensorsFile("weights");
  EXPECT_EQ(WeightFiles::Open(folder_ / "weights")->format(), WeightFormat::kSafetensors);
  // A name that promises one format is believed.
  EXPECT_THAT(WeightFiles::Open(folder_.Write("model.safetensors", SampleZip())),
              StatusIs(kDataLoss, HasSubstr("expected safetensors as its name says")));
}

TEST_F(WeightFilesTest, FormatsHaveNames) {
  EXPECT_EQ(WeightFormatName(WeightFormat::kSafetensors), "safetensors");
  EXPECT_EQ(WeightFormatName(WeightFormat::kPyTorch), "PyTorch zip");
  EXPECT_EQ(WeightFormatName(WeightFormat::kPyTorchLegacy), "PyTorch legacy");
  EXPECT_EQ(WeightFormatName(WeightFormat::kTensorFlow), "TensorFlow checkpoint");
}

TEST_F(WeightFilesTest, OneFileIsItsOwnPath) {
  const std::string path = folder_.Write("weights", SampleZip());
  const auto weights = WeightFiles::Open(path);
  ASSERT_THAT(weights, IsOk());
  EXPECT_EQ(weights->path(), path);
  EXPECT_THAT(weights->paths(), ElementsAre(path));
  EXPECT_EQ(weights->size(), SampleZip().size());
}

TEST_F(WeightFilesTest, TensorsAreRowsWhateverTheirStrides) {
  for (const std::string& bytes : {SampleZip(), SampleLegacy()}) {
    const auto weights = WeightFiles::Open(folder_.Write("weights", bytes));
    ASSERT_THAT(weights, IsOk());
    EXPECT_THAT(Read(*weights, "m"), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(Read(*weights, "t"), ElementsAre(1, 4, 2, 5, 3, 6));
    EXPECT_THAT(Read(*weights, "first"), ElementsAre(1, 2, 3));
    EXPECT_THAT(Read(*weights, "row"), ElementsAre(4, 5, 6));
    EXPECT_THAT(Read(*weights, "h"),
                ElementsAre(1 + 1 / 1024.0f, 1 + 2 / 1024.0f, 1 + 3 / 1024.0f));
    EXPECT_EQ(weights->Find("none"), nullptr);
    EXPECT_THAT(weights->others(), ElementsAre("epoch"));
    EXPECT_FALSE(weights->written_by_graft());
  }
}

TEST_F(WeightFilesTest, TransposedHalvesAreWidened) {
  const std::string halves = pickle::Storage("HalfStorage", "0", 6);
  const auto weights = WeightFiles::Open(folder_.Write(
      "weights", testing::TorchZip(
                     pickle::Dict({pickle::Text("t"), pickle::Tensor(halves, 0, {2, 3}, {1, 2})}),
                     {std::string("\x00\x3C\x00\x40\x00\x42\x00\x44\x00\x45\x00\x46", 12)})));
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT(Read(*weights, "t"), ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST_F(WeightFilesTest, LongTensorsAreReadInPieces) {
  constexpr size_t kCount = 200'001;
  std::vector<double> doubles(kCount);
  std::iota(doubles.begin(), doubles.end(), 0.5);
  const absl::Span<const char> bytes(reinterpret_cast<const char*>(doubles.data()), kCount * 8);
  ASSERT_THAT(WriteSafetensors(folder_ / "d", {{"d", DType::kF64, {kCount}, bytes}}, {}), IsOk());
  const std::vector<float> values = Read(*WeightFiles::Open(folder_ / "d"), "d");
  ASSERT_EQ(values.size(), kCount);
  for (size_t i = 0; i < kCount; ++i) ASSERT_EQ(values[i], static_cast<float>(doubles[i]));
}

TEST_F(WeightFilesTest, DamagedStoragesAreFoundWhenTheyAreRead) {
  std::string bytes = SampleZip();
  bytes[bytes.find(kSampleFloats) + 1] ^= 1;
  const auto weights = WeightFiles::Open(folder_.Write("weights", bytes));
  ASSERT_THAT(weights, IsOk());
  const auto damaged = AllOf(HasSubstr("/weights: byte "),
                             HasSubstr("archive/data/0: expected the "
                                       "check sum "),
                             HasSubstr("the file is damaged"));
  for (const char* name : {"m", "t", "first", "row"}) {  // the whole, strides, parts
    const TensorInfo& tensor = *weights->Find(name);
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    EXPECT_THAT(weights->ReadAsFloat(tensor, absl::MakeSpan(values)), StatusIs(kDataLoss, damaged));
    std::string copy(tensor.bytes(), '\0');
    EXPECT_THAT(weights->ReadBytes(tensor, absl::MakeSpan(copy)), StatusIs(kDataLoss, damaged));
  }
  EXPECT_EQ(Read(*weights, "h").size(), 3);
  // Halves are converted piece by piece: their sum counts too.
  bytes = SampleZip();
  bytes[bytes.find(kSampleHalves)] ^= 1;
  const auto other = WeightFiles::Open(folder_.Write("weights", bytes));
  std::vector<float> values(3);
  EXPECT_THAT(other->ReadAsFloat(*other->Find("h"), absl::MakeSpan(values)), StatusIs(kDataLoss));
}

TEST_F(WeightFilesTest, OnlyFloatingPointNumbersBecomeFloats) {
  const std::vector<int64_t> ids = {1, 2};
  const absl::Span<const char> bytes(reinterpret_cast<const char*>(ids.data()), 16);
  ASSERT_THAT(WriteSafetensors(folder_ / "i", {{"ids", DType::kI64, {2}, bytes}}, {}), IsOk());
  const auto weights = WeightFiles::Open(folder_ / "i");
  std::vector<float> values(2);
  EXPECT_THAT(
      weights->ReadAsFloat(weights->tensors()[0], absl::MakeSpan(values)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("'ids': expected elements of F32, F16, BF16, F64 or float8, found I64")));
}

TEST_F(WeightFilesTest, Float8NumbersBecomeFloats) {
  const std::string e4m3 = "\x38\xB9\x7E", e5m2 = "\x3C\xBD\x7B", e8m0 = "\x7F\x80\x7D";
  ASSERT_THAT(WriteSafetensors(folder_ / "f",
                               {{"e4m3", DType::kF8E4M3, {3}, SpanOf(e4m3)},
                                {"e5m2", DType::kF8E5M2, {3}, SpanOf(e5m2)},
                                {"e8m0", DType::kF8E8M0, {3}, SpanOf(e8m0)}},
                               {}),
              IsOk());
  const auto weights = WeightFiles::Open(folder_ / "f");
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT(Read(*weights, "e4m3"), ElementsAre(1, -1.125f, 448));
  EXPECT_THAT(Read(*weights, "e5m2"), ElementsAre(1, -1.25f, 57344));
  EXPECT_THAT(Read(*weights, "e8m0"), ElementsAre(1, 2, 0.25f));
}

// Models with float8 weights have the scale of each matrix beside it: without it they compute
// something else.
TEST_F(WeightFilesTest, Float8WithAScaleIsNotComputedWith) {
  const std::string byte(1, '\x38');
  ASSERT_THAT(WriteSafetensors(folder_ / "f",
                               {{"a", DType::kF8E4M3, {1}, SpanOf(byte)},
                                {"a_scale", DType::kF8E8M0, {1}, SpanOf(byte)},
                                {"b", DType::kF8E5M2, {1}, SpanOf(byte)},
                                {"b_scale_inv", DType::kF8E8M0, {1}, SpanOf(byte)},
                                {"c", DType::kI8, {1}, SpanOf(byte)},
                                {"c_scale", DType::kF8E8M0, {1}, SpanOf(byte)}},
                               {}),
              IsOk());
  const auto weights = WeightFiles::Open(folder_ / "f");
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT(weights->CheckUnscaled(*weights->Find("a")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       folder_ / "f: 'a': expected numbers as they are, found F8_E4M3 to be "
                                 "multiplied by 'a_scale', which graft does not do"));
  EXPECT_THAT(weights->CheckUnscaled(*weights->Find("b")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'b_scale_inv'")));
  for (const char* name : {"a_scale", "b_scale_inv", "c", "c_scale"}) {
    EXPECT_THAT(weights->CheckUnscaled(*weights->Find(name)), IsOk()) << name;
  }
}

TEST_F(WeightFilesTest, StridesThatShareElementsAreRefused) {
  const std::string floats = pickle::Storage("FloatStorage", "0", 6);
  const auto weights = WeightFiles::Open(folder_.Write(
      "weights", testing::TorchZip(pickle::Dict({pickle::Text("windows"),
                                                 pickle::Tensor(floats, 0, {2, 3}, {1, 1})}),
                                   {kSampleFloats})));
  EXPECT_THAT(weights, StatusIs(kDataLoss,
                                HasSubstr("'windows': expected strides under which no two elements "
                                          "share a place, found [1, 1] for F32 of shape [2, 3]")));
}

// Nothing is between the entries of a dimension that has one.
TEST_F(WeightFilesTest, TheStrideOfOneEntrySaysNothing) {
  const std::string floats = pickle::Storage("FloatStorage", "0", 6);
  const auto weights = WeightFiles::Open(folder_.Write(
      "weights",
      testing::TorchZip(
          pickle::Dict({pickle::Text("column"), pickle::Tensor(floats, 1, {1, 2}, {INT64_MAX, 3})}),
          {kSampleFloats})));
  ASSERT_THAT(weights, IsOk());
  EXPECT_THAT(Read(*weights, "column"), ElementsAre(2, 5));
}

TEST_F(WeightFilesTest, TwoTensorFlowNamesOfOneTensorAreRefused) {
  testing::CheckpointBytes checkpoint;
  checkpoint.Add("norm/gamma", 1, {1}, "1234");
  checkpoint.Add("norm/kernel", 1, {1}, "1234");
  testing::WriteCheckpoint(folder_, "m", checkpoint);
  EXPECT_THAT(WeightFiles::Open(folder_ / "m.index"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       folder_ / "m.index: expected one tensor for 'norm.weight', found "
                                 "'norm/gamma' and 'norm/kernel'"));
}

TEST_F(WeightFilesTest, WhatIsNoFileOfWeightsIsNamed) {
  EXPECT_THAT(WeightFiles::Open(folder_ / "none"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(WeightFiles::Open(folder_.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("found a folder")));
  EXPECT_THAT(
      WeightFiles::Open(folder_.Write("m.bin", "")),
      StatusIs(kDataLoss, HasSubstr("/m.bin: byte 0: expected safetensors, a zip archive or "
                                    "a pickle of PyTorch, found an empty file")));
  EXPECT_THAT(WeightFiles::Open(folder_.Write("m.bin", "\xFFnumbers")),
              StatusIs(kDataLoss, HasSubstr("a pickle of PyTorch, found '\\xFFnumbers'")));
  EXPECT_THAT(WeightFiles::Open(folder_.Write("m.safetensors", "")),
              StatusIs(kDataLoss, HasSubstr("byte 0: expected 8 bytes of header length")));
  for (const std::string& bytes : {SampleZip(), SampleLegacy()}) {
    EXPECT_THAT(WeightFiles::Open(folder_.Write("m.safetensors", bytes)),
                StatusIs(kDataLoss, HasSubstr("/m.safetensors: byte 0: expected safetensors as its "
                                              "name says, found a PyTorch file")));
  }
  for (const auto& [beginning, found] : {std::pair{"<!DOCTYPE html>", "text with markup"},
                                         {"{\"error\": 404}", "JSON text"},
                                         {"#!/bin/sh\n", "a program"},
                                         {"\x1F\x8B\x08\x08gzipped", "a gzip archive: unpack it"},
                                         {"\x89HDF\r\n\x1A\n", "an HDF5 file"},
                                         {"GGUF\x03\x01\x01\x01", "a GGUF file"}}) {
    EXPECT_THAT(
        WeightFiles::Open(folder_.Write("m.bin", beginning)),
        StatusIs(kDataLoss, HasSubstr(absl::StrCat("byte 0: expected weights, found ", found))));
  }
  EXPECT_THAT(WeightFiles::Open(folder_.Write("p", "version https://git-lfs.github.com/spec/v1\n")),
              StatusIs(kDataLoss, HasSubstr("found a pointer of Git LFS")));
  std::string tar(512, 'x');
  tar.replace(257, 5, "ustar");
  EXPECT_THAT(WeightFiles::Open(folder_.Write("p", tar)),
              StatusIs(kDataLoss, HasSubstr("/p: byte 0: expected weights, found a tar archive")));
  std::string other = SampleLegacy();
  other[1] = 4;  // protocol
  EXPECT_THAT(
      WeightFiles::Open(folder_.Write("p", other)),
      StatusIs(kDataLoss, HasSubstr("/p: byte 0: expected the magic number of torch.save")));
}

TEST_F(WeightFilesTest, AFolderIsReadInTheOrderOfTheFormats) {
  EXPECT_THAT(WeightFiles::OpenFolder(folder_ / "none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none: cannot read the folder: ")));
  EXPECT_THAT(
      WeightFiles::OpenFolder(folder_.path()),
      StatusIs(absl::StatusCode::kNotFound,
               HasSubstr("expected model.safetensors or pytorch_model.bin, found neither")));
  folder_.Write("tf_model.h5", "");
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("found only tf_model.h5")));
  testing::CheckpointBytes checkpoint;
  checkpoint.Add("bert/pooler/dense/kernel", 1, {2, 2}, std::string(16, '\x3F'));
  testing::WriteCheckpoint(folder_, "bert.ckpt", checkpoint);
  const auto tensorflow = WeightFiles::OpenFolder(folder_.path());
  ASSERT_THAT(tensorflow, IsOk());
  EXPECT_EQ(tensorflow->format(), WeightFormat::kTensorFlow);
  EXPECT_EQ(tensorflow->paths().size(), 1 + checkpoint.shards.size());
  folder_.Write("faiss.index", "no data beside it");
  folder_.Write("other.ckpt.index", checkpoint.Index());
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()), IsOk());
  EXPECT_THAT(WeightFiles::Open(folder_ / "other.ckpt.index"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("other.ckpt.data-00000-of-0000")));
  testing::WriteCheckpoint(folder_, "other.ckpt", checkpoint);
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("expected one TensorFlow checkpoint, found 2")));
  folder_.Write("pytorch_model.bin", SampleZip());
  EXPECT_EQ(WeightFiles::OpenFolder(folder_.path())->format(), WeightFormat::kPyTorch);
  WriteSafetensorsFile("model.safetensors");
  EXPECT_EQ(WeightFiles::OpenFolder(folder_.path())->format(), WeightFormat::kSafetensors);
}

}  // namespace
}  // namespace graft
