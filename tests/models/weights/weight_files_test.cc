// Weights of every format through one reader. The formats have tests of their own.
#include "models/weights/weight_files.h"

#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using testing::TemporaryFolder;
namespace pickle = testing::pickle;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

std::string Floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// "m" [2, 3], its transpose "t", its last row "row" over the storage 1 .. 6; "h" of three halves.
std::string State(const std::string& floats, const std::string& halves) {
  return pickle::OrderedDict({pickle::Text("m"), pickle::Tensor(floats, 0, {2, 3}, {3, 1}),
                              pickle::Text("t"), pickle::Tensor(floats, 0, {3, 2}, {1, 3}),
                              pickle::Text("row"), pickle::Tensor(floats, 3, {3}, {1}),
                              pickle::Text("h"), pickle::Tensor(halves, 0, {3}, {1}),
                              pickle::Text("epoch"), pickle::Int(7)});
}
const std::string kStorage = Floats({1, 2, 3, 4, 5, 6});
const std::string kHalves = "\x01\x3C\x02\x3C\x03\x3C";

std::string ZipFile() {
  return testing::TorchZip(
      State(pickle::Storage("FloatStorage", "0", 6), pickle::Storage("HalfStorage", "1", 3)),
      {kStorage, kHalves});
}
std::string LegacyFile() {
  return testing::TorchLegacy(State(pickle::LegacyStorage("FloatStorage", "0", 6),
                                    pickle::LegacyStorage("HalfStorage", "1", 3)),
                              {{"0", 6, kStorage}, {"1", 3, kHalves}})
      .Bytes();
}

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
    ASSERT_THAT(WriteSafetensors(folder_ / name, {{"s", DType::kF32, {6}, kStorage}}, {}), IsOk());
  }

  TemporaryFolder folder_;
};

TEST_F(WeightFilesTest, TheFirstBytesTellTheFormat) {
  const auto zip = WeightFiles::Open(folder_.Write("weights", ZipFile()));
  ASSERT_THAT(zip, IsOk());
  EXPECT_EQ(zip->format(), WeightFormat::kPyTorch);
  EXPECT_EQ(WeightFiles::Open(folder_.Write("weights", LegacyFile()))->format(),
            WeightFormat::kPyTorchLegacy);
  WriteSafetensorsFile("weights");
  EXPECT_EQ(WeightFiles::Open(folder_ / "weights")->format(), WeightFormat::kSafetensors);
  // A name that promises one format is believed.
  EXPECT_THAT(WeightFiles::Open(folder_.Write("model.safetensors", ZipFile())),
              StatusIs(kDataLoss, HasSubstr("model.safetensors: byte 0: expected a header")));
}

TEST_F(WeightFilesTest, TensorsAreRowsWhateverTheirStrides) {
  for (const std::string& bytes : {ZipFile(), LegacyFile()}) {
    const auto weights = WeightFiles::Open(folder_.Write("weights", bytes));
    ASSERT_THAT(weights, IsOk());
    EXPECT_THAT(Read(*weights, "m"), ElementsAre(1, 2, 3, 4, 5, 6));
    EXPECT_THAT(Read(*weights, "t"), ElementsAre(1, 4, 2, 5, 3, 6));
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
  std::string bytes = ZipFile();
  bytes[bytes.find(kStorage) + 1] ^= 1;
  const auto weights = WeightFiles::Open(folder_.Write("weights", bytes));
  ASSERT_THAT(weights, IsOk());
  const auto damaged = AllOf(HasSubstr("/weights: byte "),
                             HasSubstr("archive/data/0: expected the "
                                       "check sum "),
                             HasSubstr("the file is damaged"));
  for (const char* name : {"m", "t", "row"}) {  // the whole, strides, a part
    const TensorInfo& tensor = *weights->Find(name);
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    EXPECT_THAT(weights->ReadAsFloat(tensor, absl::MakeSpan(values)), StatusIs(kDataLoss, damaged));
    std::string copy(tensor.bytes(), '\0');
    EXPECT_THAT(weights->ReadBytes(tensor, absl::MakeSpan(copy)), StatusIs(kDataLoss, damaged));
  }
  EXPECT_EQ(Read(*weights, "h").size(), 3);
  // Halves are converted piece by piece: their sum counts too.
  bytes = ZipFile();
  bytes[bytes.find(kHalves)] ^= 1;
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
  EXPECT_THAT(weights->ReadAsFloat(weights->tensors()[0], absl::MakeSpan(values)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'ids': expected elements of F32, F16, BF16 or F64, found I64")));
}

TEST_F(WeightFilesTest, StridesThatShareElementsAreRefused) {
  const std::string floats = pickle::Storage("FloatStorage", "0", 6);
  const auto weights = WeightFiles::Open(folder_.Write(
      "weights", testing::TorchZip(pickle::Dict({pickle::Text("windows"),
                                                 pickle::Tensor(floats, 0, {2, 3}, {1, 1})}),
                                   {kStorage})));
  EXPECT_THAT(weights, StatusIs(kDataLoss,
                                HasSubstr("'windows': expected strides under which no two elements "
                                          "share a place, found [1, 1] for F32 of shape [2, 3]")));
}

TEST_F(WeightFilesTest, WhatIsNoFileOfWeightsIsNamed) {
  EXPECT_THAT(WeightFiles::Open(folder_ / "none"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(WeightFiles::Open(folder_.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("found a folder")));
  EXPECT_THAT(WeightFiles::Open(folder_.Write("empty", "")),
              StatusIs(kDataLoss, HasSubstr("/empty: byte 0: expected 8 bytes of header length")));
  EXPECT_THAT(WeightFiles::Open(folder_.Write("p", "version https://git-lfs.github.com/spec/v1\n")),
              StatusIs(kDataLoss, HasSubstr("found a pointer of Git LFS")));
  std::string tar(512, 'x');
  tar.replace(257, 5, "ustar");
  EXPECT_THAT(WeightFiles::Open(folder_.Write("p", tar)),
              StatusIs(kDataLoss, HasSubstr("/p: byte 0: expected weights, found a tar archive")));
  std::string other = LegacyFile();
  other[1] = 4;  // protocol
  EXPECT_THAT(
      WeightFiles::Open(folder_.Write("p", other)),
      StatusIs(kDataLoss, HasSubstr("/p: byte 0: expected the magic number of torch.save")));
}

TEST_F(WeightFilesTest, AFolderIsReadInTheOrderOfTheFormats) {
  EXPECT_THAT(
      WeightFiles::OpenFolder(folder_.path()),
      StatusIs(absl::StatusCode::kNotFound,
               HasSubstr("expected model.safetensors or pytorch_model.bin, found neither")));
  folder_.Write("tf_model.h5", "");
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("found only tf_model.h5")));
  testing::CheckpointBytes checkpoint;
  checkpoint.Add("bert/pooler/dense/kernel", 1, {2, 2}, std::string(16, '\x3F'));
  folder_.Write("bert.ckpt.index", checkpoint.Index());
  for (size_t i = 0; i < checkpoint.shards.size(); ++i) {
    folder_.Write(absl::StrCat("bert.ckpt.data-0000", i, "-of-0000", checkpoint.shards.size()),
                  checkpoint.shards[i]);
  }
  const auto tensorflow = WeightFiles::OpenFolder(folder_.path());
  ASSERT_THAT(tensorflow, IsOk());
  EXPECT_EQ(tensorflow->format(), WeightFormat::kTensorFlow);
  EXPECT_EQ(tensorflow->paths().size(), 1 + checkpoint.shards.size());
  folder_.Write("other.ckpt.index", checkpoint.Index());
  EXPECT_THAT(WeightFiles::OpenFolder(folder_.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("expected one TensorFlow checkpoint, found 2")));
  EXPECT_THAT(WeightFiles::Open(folder_ / "other.ckpt.index"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("other.ckpt.data-00000-of-0000")));
  folder_.Write("pytorch_model.bin", ZipFile());
  EXPECT_EQ(WeightFiles::OpenFolder(folder_.path())->format(), WeightFormat::kPyTorch);
  WriteSafetensorsFile("model.safetensors");
  EXPECT_EQ(WeightFiles::OpenFolder(folder_.path())->format(), WeightFormat::kSafetensors);
}

}  // namespace
}  // namespace graft
