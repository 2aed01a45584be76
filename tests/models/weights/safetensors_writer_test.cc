#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/safetensors.h"
#include "models/weights/weight_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using graft::testing::IsOk;
using graft::testing::StatusIs;
using graft::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr DType kAllTypes[] = {DType::kF64,    DType::kF32,    DType::kF16,    DType::kBF16,
                               DType::kF8E4M3, DType::kF8E5M2, DType::kF8E8M0, DType::kI64,
                               DType::kI32,    DType::kI16,    DType::kI8,     DType::kU64,
                               DType::kU32,    DType::kU16,    DType::kU8,     DType::kBool};

// A tensor that owns its bytes.
struct Made {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  std::string bytes;

  TensorToWrite view() const { return {name, dtype, shape, {bytes.data(), bytes.size()}}; }
};

Made Make(std::string name, DType dtype, std::vector<int64_t> shape) {
  size_t size = DTypeSize(dtype);
  for (const int64_t n : shape) size *= static_cast<size_t>(n);
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 37 + name.size());
  return {std::move(name), dtype, std::move(shape), std::move(bytes)};
}

std::vector<TensorToWrite> Views(const std::vector<Made>& made) {
  std::vector<TensorToWrite> views;
  for (const Made& tensor : made) views.push_back(tensor.view());
  return views;
}

std::string BytesOf(const WeightFiles& file, const std::string& name) {
  const TensorInfo* tensor = file.Find(name);
  EXPECT_NE(tensor, nullptr) << name;
  std::string bytes(tensor->end - tensor->begin, '\0');
  EXPECT_THAT(file.ReadBytes(*tensor, absl::MakeSpan(bytes)), IsOk());
  return bytes;
}

std::vector<std::string> NamesInFileOrder(const WeightFiles& file) {
  std::vector<TensorInfo> tensors = file.tensors();
  std::stable_sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::vector<std::string> names;
  for (const TensorInfo& tensor : tensors) names.push_back(tensor.name);
  return names;
}

TEST(SafetensorsWriterTest, EveryTypeAndShapeComesBack) {
  const TemporaryFolder folder;
  std::vector<Made> made;
  for (const DType dtype : kAllTypes) {
    for (const auto& shape : std::vector<std::vector<int64_t>>{
             {}, {0}, {3, 0, 2}, {1}, {7}, {64}, {16, 5}, {1, 1, 1, 1, 1, 1, 2, 3}}) {
      made.push_back(Make(absl::StrCat("t", made.size()), dtype, shape));
    }
  }
  const std::map<std::string, std::string> metadata = {{"note", "caf\xC3\xA9 \"x\"\n"}};
  ASSERT_THAT(WriteSafetensors(folder / "m", Views(made), metadata), IsOk());
  const auto file = WeightFiles::Open(folder / "m");
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(file->tensors(), SizeIs(made.size()));
  for (const Made& tensor : made) {
    ASSERT_NE(file->Find(tensor.name), nullptr);
    EXPECT_EQ(file->Find(tensor.name)->dtype, tensor.dtype);
    EXPECT_EQ(file->Find(tensor.name)->shape, tensor.shape);
    EXPECT_EQ(BytesOf(*file, tensor.name), tensor.bytes) << tensor.name;
  }
  EXPECT_THAT(file->metadata(), ElementsAre(Pair("format", "pt"), Pair("graft", "1"),
                                            Pair("note", "caf\xC3\xA9 \"x\"\n")));
  EXPECT_TRUE(file->written_by_graft());
}

TEST(SafetensorsWriterTest, AnEmptyFileIsAFile) {
  const TemporaryFolder folder;
  ASSERT_THAT(WriteSafetensors(folder / "m", {}, {}), IsOk());
  const auto file = WeightFiles::Open(folder / "m");
  ASSERT_THAT(file, IsOk());
  EXPECT_TRUE(file->tensors().empty());
  EXPECT_EQ(TemporaryFolder::Read(folder / "m").size() % 64, 0u);
}

TEST(SafetensorsWriterTest, TensorsOfWholeLinesAreAlignedTo64BytesAndTheOthersToTheirElements) {
  const TemporaryFolder folder;
  const std::vector<Made> made = {
      Make("flags", DType::kBool, {3}), Make("weight", DType::kF32, {4, 16}),
      Make("odd", DType::kF32, {312}),  Make("half", DType::kF16, {5}),
      Make("ids", DType::kI64, {1, 9}), Make("bias", DType::kF32, {32}),
      Make("norm", DType::kF32, {3})};
  ASSERT_THAT(WriteSafetensors(folder / "m", Views(made), {}), IsOk());
  const auto file = WeightFiles::Open(folder / "m");
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(NamesInFileOrder(*file),
              ElementsAre("weight", "bias", "ids", "odd", "norm", "half", "flags"));
  for (const TensorInfo& tensor : file->tensors()) {
    const uint64_t alignment = (tensor.end - tensor.begin) % 64 == 0 ? 64 : DTypeSize(tensor.dtype);
    EXPECT_EQ(tensor.begin % alignment, 0u) << tensor.name;
  }
  EXPECT_TRUE(file->written_by_graft());
}

TEST(SafetensorsWriterTest, DataBeginsAtALineWhateverTheHeader) {
  const TemporaryFolder folder(TemporaryFolder::Memory());
  for (size_t length = 1; length <= 64; ++length) {
    ASSERT_THAT(WriteSafetensors(folder / "m",
                                 Views({Make(std::string(length, 'n'), DType::kF32, {16})}), {}),
                IsOk());
    EXPECT_EQ(WeightFiles::Open(folder / "m")->tensors()[0].begin % 64, 0u) << length;
  }
}

TEST(SafetensorsWriterTest, AFileThatOnlyClaimsTheMarkIsNotMapped) {
  const TemporaryFolder folder;
  ASSERT_THAT(WriteSafetensors(folder / "m", Views({Make("a", DType::kF32, {16})}), {}), IsOk());
  std::string bytes = TemporaryFolder::Read(folder / "m");
  bytes.insert(bytes.begin() + 8 + bytes.substr(8).find('}') + 1,
               ' ');  // moves the data by one byte
  ++bytes[0];
  const auto file = WeightFiles::Open(folder.Write("m", bytes));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->metadata().at("graft"), "1");
  EXPECT_FALSE(file->written_by_graft());
}

TEST(SafetensorsWriterTest, TheMarksOfGraftWinOverTheCallers) {
  const TemporaryFolder folder;
  ASSERT_THAT(WriteSafetensors(folder / "m", {}, {{"graft", "9"}, {"format", "tf"}}), IsOk());
  EXPECT_THAT(WeightFiles::Open(folder / "m")->metadata(),
              ElementsAre(Pair("format", "pt"), Pair("graft", "1")));
}

TEST(SafetensorsWriterTest, RefusesWhatTheReaderWouldRefuseBeforeItWrites) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("m", "old");
  const std::string four(4, '\0');
  const auto refused = [&](TensorToWrite tensor, const std::string& message) {
    EXPECT_THAT(WriteSafetensors(path, {std::move(tensor)}, {}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refused({"a", DType::kF32, {2}, four}, "/m: 'a': expected 8 bytes for F32 of shape [2], found 4");
  refused({"a", DType::kF32, {-1}, four}, "expected sizes from 0 up, found -1");
  refused({"a", DType::kF32, {INT64_MAX, 4}, four}, "expected a size below 2^63 bytes");
  refused({"a", DType::kU8, {1, 1, 1, 1, 1, 1, 1, 1, 4}, four}, "at most 8 dimensions, found 9");
  refused({"\xFF", DType::kF32, {1}, four}, "'\\xFF': expected a name in UTF-8");
  refused({"__metadata__", DType::kF32, {1}, four}, "that of the metadata");
  refused({std::string(1025, 'n'), DType::kF32, {1}, four},
          "at most 1024 bytes, found one of 1025");
  EXPECT_THAT(
      WriteSafetensors(path, {{"a", DType::kF32, {1}, four}, {"a", DType::kF32, {1}, four}}, {}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'a': expected one tensor")));
  EXPECT_THAT(
      WriteSafetensors(path, {}, {{"k", "\xFF"}}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metadata 'k': expected UTF")));
  EXPECT_THAT(
      WriteSafetensors(path, {}, {{"\xFF", "v"}}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metadata '\\xFF': expected UTF")));
  EXPECT_THAT(WriteSafetensors(path, {}, {{"k", std::string(100'000'000, 'v')}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("/m: expected a header of at most 16000000 bytes, found one of "
                                 "1000000")));
  std::map<std::string, std::string> many;
  for (int i = 0; i < 131'073; ++i) many[absl::StrCat(i)] = "";
  EXPECT_THAT(WriteSafetensors(path, {}, many),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("metadata: expected at most 131070 entries, found 131073")));
  EXPECT_THAT(WriteSafetensors(path, std::vector<TensorToWrite>(65'537), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 65536 tensors")));
  EXPECT_EQ(TemporaryFolder::Read(path), "old");
}

TEST(SafetensorsWriterTest, WhatIsAskedForTensorByTensorIsCheckedToo) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("m", "old");
  const auto write = [&](const TensorHeader& tensor) {
    return WriteSafetensors(path, {tensor},
                            [](size_t) { return absl::Span<const char>("1234", 4); }, {});
  };
  EXPECT_THAT(write({"a", DType::kF32, {-1}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       path + ": 'a': expected sizes from 0 up, found -1"));
  EXPECT_THAT(write({"a", DType::kF32, {2}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       path + ": 'a': expected 8 bytes for F32 of shape [2], found 4"));
  EXPECT_EQ(TemporaryFolder::Read(path), "old");
  EXPECT_THAT(write({"a", DType::kF32, {1}}), IsOk());
}

TEST(SafetensorsWriterTest, FloatsReadBackBitByBit) {
  const TemporaryFolder folder;
  std::vector<float> values = {0.0f, -0.0f, 1.5f, std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::denorm_min()};
  values.resize(100'003, 0.25f);
  uint32_t signalling = 0x7FA12345;  // NaN with a payload
  std::memcpy(&values[5], &signalling, sizeof(signalling));
  const absl::Span<const char> bytes(reinterpret_cast<const char*>(values.data()),
                                     values.size() * sizeof(float));
  const int64_t count = static_cast<int64_t>(values.size());
  ASSERT_THAT(WriteSafetensors(folder / "m", {{"a", DType::kF32, {count}, bytes}}, {}), IsOk());
  const auto file = WeightFiles::Open(folder / "m");
  ASSERT_THAT(file, IsOk());
  std::vector<float> back(values.size());
  ASSERT_THAT(file->ReadAsFloat(*file->Find("a"), absl::MakeSpan(back)), IsOk());
  EXPECT_EQ(std::memcmp(back.data(), values.data(), bytes.size()), 0);
}

// Longer than the piece that is converted at once.
TEST(SafetensorsWriterTest, NarrowAndWideFloatsAreConverted) {
  const TemporaryFolder folder;
  constexpr size_t kCount = 300'001;
  std::vector<uint16_t> half(kCount), bfloat(kCount);
  std::vector<double> wide(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    half[i] = static_cast<uint16_t>(0x3C00 + i % 1024);   // 1 + (i % 1024) / 1024
    bfloat[i] = static_cast<uint16_t>(0x3F80 + i % 128);  // 1 + (i % 128) / 128
    wide[i] = static_cast<double>(i) / 8;
  }
  const auto view = [](const auto& values) {
    return absl::Span<const char>(reinterpret_cast<const char*>(values.data()),
                                  values.size() * sizeof(values[0]));
  };
  ASSERT_THAT(WriteSafetensors(folder / "m",
                               {{"h", DType::kF16, {kCount}, view(half)},
                                {"b", DType::kBF16, {kCount}, view(bfloat)},
                                {"d", DType::kF64, {kCount}, view(wide)}},
                               {}),
              IsOk());
  const auto file = WeightFiles::Open(folder / "m");
  ASSERT_THAT(file, IsOk());
  std::vector<float> h(kCount), b(kCount), d(kCount);
  ASSERT_THAT(file->ReadAsFloat(*file->Find("h"), absl::MakeSpan(h)), IsOk());
  ASSERT_THAT(file->ReadAsFloat(*file->Find("b"), absl::MakeSpan(b)), IsOk());
  ASSERT_THAT(file->ReadAsFloat(*file->Find("d"), absl::MakeSpan(d)), IsOk());
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(h[i], 1 + static_cast<float>(i % 1024) / 1024) << i;
    ASSERT_EQ(b[i], 1 + static_cast<float>(i % 128) / 128) << i;
    ASSERT_EQ(d[i], static_cast<float>(i) / 8) << i;
  }
}

TEST(SafetensorsMatrixTest, RowsInPiecesGiveTheFileOfAllRowsAtOnce) {
  const TemporaryFolder folder;
  std::vector<float> values(3000 * 7);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 3;
  const absl::Span<const float> all(values);
  for (const int64_t rows : {0, 1, 3000}) {
    const std::string path = folder / absl::StrCat(rows);
    auto matrix = SafetensorsMatrix::Create(path, "\"rows\"", 7);
    ASSERT_THAT(matrix, IsOk());
    for (int64_t row = 0; row < rows; ++row) {
      ASSERT_THAT(matrix->Append(all.subspan(row * 7, 7)), IsOk());
    }
    ASSERT_THAT(matrix->Append({}), IsOk());
    ASSERT_THAT(matrix->Commit(), IsOk());
    const auto file = WeightFiles::Open(path);
    ASSERT_THAT(file, IsOk());
    EXPECT_TRUE(file->written_by_graft());
    ASSERT_THAT(file->tensors(), SizeIs(1));
    const TensorInfo& tensor = file->tensors()[0];
    EXPECT_EQ(tensor.name, "\"rows\"");
    EXPECT_THAT(tensor.shape, ElementsAre(rows, 7));
    EXPECT_EQ(tensor.begin % 64, 0u);
    std::vector<float> found(static_cast<size_t>(rows) * 7);
    ASSERT_THAT(file->ReadAsFloat(tensor, absl::MakeSpan(found)), IsOk());
    EXPECT_TRUE(absl::MakeConstSpan(found) == all.first(found.size()));
  }
}

TEST(SafetensorsMatrixTest, WhatIsNoMatrixIsRefused) {
  const TemporaryFolder folder;
  EXPECT_THAT(SafetensorsMatrix::Create(folder / "f", "m", 0),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one column")));
  EXPECT_THAT(SafetensorsMatrix::Create(folder / "f", "\xFF", 3),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
  auto matrix = SafetensorsMatrix::Create(folder / "f", "m", 3);
  ASSERT_THAT(matrix, IsOk());
  EXPECT_THAT(matrix->Append({1, 2, 3, 4}), StatusIs(absl::StatusCode::kInvalidArgument,
                                                     HasSubstr("rows of 3 numbers, found 4")));
}

}  // namespace
}  // namespace graft
