#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/weight_files.h"
#include "tests/models/weights/safetensors_bytes.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using graft::testing::IsOk;
using graft::testing::LittleEndian64;
using graft::testing::SafetensorsBytes;
using graft::testing::StatusIs;
using graft::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

absl::Status OpenBytes(std::string_view bytes) {
  const TemporaryFolder folder;
  return WeightFiles::Open(folder.Write("m.safetensors", bytes)).status();
}

// {"a": DTYPE of SHAPE at OFFSETS} and `data` bytes.
std::string OneTensor(std::string_view dtype, std::string_view shape, std::string_view offsets,
                      size_t data) {
  return SafetensorsBytes(absl::StrCat(R"({"a":{"dtype":")", dtype, R"(","shape":)", shape,
                                       R"(,"data_offsets":)", offsets, "}}"),
                          std::string(data, '\0'));
}

std::string TwoTensors(std::string_view offsets_a, std::string_view offsets_b, size_t data) {
  return SafetensorsBytes(
      absl::StrCat(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":)", offsets_a,
                   R"(},"b":{"dtype":"F32","shape":[4],"data_offsets":)", offsets_b, "}}"),
      std::string(data, '\0'));
}

const std::string kWrongType =
    "header: a: expected an element type of F64, F32, F16, BF16, F8_E4M3, F8_E5M2, F8_E8M0, I64, "
    "I32, I16, I8, U64, U32, U16, U8, BOOL; found ";

struct Refused {
  std::string what;
  std::string bytes;
  std::string message;  // a part of it, behind the path
};

// GoogleTest prints it; the bytes would fill the screen.
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.what; }

class SafetensorsRefusalTest : public ::testing::TestWithParam<Refused> {};

TEST_P(SafetensorsRefusalTest, NamesFileAndPlace) {
  EXPECT_THAT(OpenBytes(GetParam().bytes),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("/m.safetensors: ", GetParam().message))));
}

std::string ManyTensors(int count) {
  std::string header = "{";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&header, i > 0 ? "," : "", "\"t", i,
                    R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})");
  }
  return SafetensorsBytes(header + "}");
}

INSTANTIATE_TEST_SUITE_P(
    Layout, SafetensorsRefusalTest,
    ::testing::Values(
        Refused{"Empty", "", "byte 0: expected 8 bytes of header length, found a file of 0 bytes"},
        Refused{"SevenBytes", std::string(7, '\0'), "byte 0: expected 8 bytes"},
        Refused{"LengthZero", LittleEndian64(0), "header: "},
        Refused{"LengthOfAllBits", LittleEndian64(UINT64_MAX) + "{}",
                "byte 0: expected a header of at most 16000000 bytes, found one of "
                "18446744073709551615"},
        Refused{"LengthAboveTheFile", LittleEndian64(3) + "{}",
                "byte 0: expected a header that ends in the file of 10 bytes, found one of 3"},
        Refused{"LengthAboveTheFormat", LittleEndian64(100'000'001) + "{}",
                "byte 0: expected a header of at most 16000000 bytes, found one of 100000001"},
        Refused{"LengthAboveTheBound", LittleEndian64(16'000'001) + "{}",
                "byte 0: expected a header of at most 16000000 bytes, found one of 16000001, which "
                "the format allows and graft does not read"},
        Refused{"TrailingBytes", SafetensorsBytes("{}", "PK\x05\x06"),
                "byte 10: expected the end of the file, found 4 bytes of no tensor"},
        Refused{"TrailingBytesBehindATensor", OneTensor("F32", "[1]", "[0,4]", 5),
                "byte 66: expected the end of the file, found 1 bytes of no tensor"},
        Refused{"Hole", TwoTensors("[0,16]", "[20,36]", 36),
                "header: 'b': expected tensors without holes, the next at offset 16, found it at "
                "20"},
        Refused{"HoleAtTheFront", OneTensor("F32", "[1]", "[4,8]", 8),
                "header: 'a': expected tensors without holes, the next at offset 0, found it at 4"},
        Refused{
            "SameOffsets", TwoTensors("[0,16]", "[0,16]", 16),
            "header: 'b': expected tensors without overlaps, the next at offset 16, found it at "
            "0"},
        Refused{"Overlap", TwoTensors("[0,16]", "[12,28]", 28),
                "header: 'b': expected tensors without overlaps"},
        Refused{"ZeroSizeTensorInsideAnother",
                SafetensorsBytes(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                 R"("z":{"dtype":"F32","shape":[0],"data_offsets":[2,2]}})",
                                 "1234"),
                "header: 'z': expected tensors without overlaps"},
        Refused{"OffsetsReversed", OneTensor("F32", "[4]", "[16,0]", 16),
                "header: a.data_offsets.[1]: expected an integer from 16 to 9223372036"},
        Refused{"OffsetsAboveTheFile", OneTensor("F32", "[4]", "[0,16]", 12),
                "byte 75: expected a file of 79 bytes, as its header describes, found its end: the "
                "file was cut short"},
        Refused{"HalfADownload", TwoTensors("[0,16]", "[16,32]", 15),
                "byte 133: expected a file of 150 bytes, as its header describes, found its end"},
        Refused{"OffsetsThatEndBehindEveryFile",
                OneTensor("U8", "[1]", "[9223372036854775806,9223372036854775807]", 1),
                "header: a.data_offsets.[0]: expected an integer from 0 to 922337203"},
        Refused{"OffsetsOfAllBits", OneTensor("F32", "[4]", "[0,18446744073709551615]", 16),
                "header: a.data_offsets.[1]: "},
        Refused{"NegativeOffset", OneTensor("F32", "[4]", "[-16,0]", 16),
                "header: a.data_offsets.[0]: expected an integer from 0 to 922337203"}),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Header, SafetensorsRefusalTest,
    ::testing::Values(
        Refused{"Array", SafetensorsBytes("[]"), "header: expected an object, found an array"},
        Refused{"NotUtf8", SafetensorsBytes("{\"\xFF\":1}"), "header: byte 2: expected UTF-8"},
        Refused{"ByteOrderMark", SafetensorsBytes("\xEF\xBB\xBF{}"),
                "header: byte 0: expected JSON, found a byte-order mark"},
        Refused{"TruncatedJson", SafetensorsBytes("{\"a\":{\"dtype\""),
                "header: byte 13: expected JSON"},
        Refused{"NulBytesBehind", SafetensorsBytes(std::string_view("{}\0\0", 4)), "header: "},
        Refused{"DuplicateName",
                SafetensorsBytes(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                                 R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                                 "1234"),
                "header: a: expected one such key, found a second"},
        Refused{"DuplicateMember",
                SafetensorsBytes(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],)"
                                 R"("data_offsets":[0,4]}})",
                                 "1234"),
                "header: a.dtype: expected one such key"},
        Refused{"Deep", SafetensorsBytes(std::string(200, '[')),
                "header: expected JSON nested at most 64"},
        Refused{"TooManyTensors", ManyTensors(70'000),
                "header: expected at most 65536 tensors, found 70000"},
        Refused{"OneTensorTooMany", ManyTensors(65'537),
                "header: expected at most 65536 tensors, found 65537"},
        Refused{"LongName",
                SafetensorsBytes(absl::StrCat("{\"", std::string(1025, 'n'),
                                              R"(":{"dtype":"U8","shape":[0],)"
                                              R"("data_offsets":[0,0]}})")),
                "header: 'nnn"},
        Refused{"MetadataOfNumbers", SafetensorsBytes(R"({"__metadata__":{"epoch":3}})"),
                "header: __metadata__.epoch: expected a string, found 3"},
        Refused{"LongMetadata",
                SafetensorsBytes(absl::StrCat(R"({"__metadata__":[)",
                                              absl::StrJoin(std::vector<int>(131'073), ","), "]}")),
                "header: __metadata__: expected at most 131072 entries, found 131073"},
        Refused{"MetadataNoObject", SafetensorsBytes(R"({"__metadata__":[]})"),
                "header: __metadata__: expected an object, found an array"}),
    [](const auto& info) { return info.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Tensor, SafetensorsRefusalTest,
    ::testing::Values(
        Refused{"NotAnObject", SafetensorsBytes(R"({"a":3})"),
                "header: a: expected an object, found 3"},
        Refused{"NoDtype", SafetensorsBytes(R"({"a":{"shape":[0],"data_offsets":[0,0]}})"),
                "header: a: expected the key 'dtype', found no such key"},
        Refused{"NoShape", SafetensorsBytes(R"({"a":{"dtype":"U8","data_offsets":[0,0]}})"),
                "header: a: expected the key 'shape', found no such key"},
        Refused{"NoOffsets", SafetensorsBytes(R"({"a":{"dtype":"U8","shape":[0]}})"),
                "header: a: expected the key 'data_offsets', found no such key"},
        Refused{"UnknownType", OneTensor("F33", "[1]", "[0,4]", 4), kWrongType + "'F33'"},
        Refused{"TypeOf4Bits", OneTensor("F4", "[2]", "[0,1]", 1),
                kWrongType + "'F4', whose elements take 4 bits"},
        Refused{"TypeOf6Bits", OneTensor("F6_E2M3", "[4]", "[0,3]", 3),
                kWrongType + "'F6_E2M3', whose elements take 6 bits"},
        Refused{"OtherTypeOf6Bits", OneTensor("F6_E3M2", "[4]", "[0,3]", 3),
                kWrongType + "'F6_E3M2', whose elements take 6 bits"},
        Refused{"Float8WithoutNegativeZero", OneTensor("F8_E4M3FNUZ", "[1]", "[0,1]", 1),
                kWrongType + "'F8_E4M3FNUZ', whose numbers are not those of the type without UZ"},
        Refused{"OtherFloat8WithoutNegativeZero", OneTensor("F8_E5M2FNUZ", "[1]", "[0,1]", 1),
                kWrongType + "'F8_E5M2FNUZ', whose numbers are not those of the type without UZ"},
        Refused{"ComplexNumbers", OneTensor("C64", "[1]", "[0,8]", 8),
                kWrongType + "'C64', whose elements are pairs of numbers"},
        Refused{"ShapeIsANumber", OneTensor("F32", "1", "[0,4]", 4),
                "header: a.shape: expected an array, found 1"},
        Refused{"OffsetsAreAnObject", OneTensor("F32", "[1]", "{}", 4),
                "header: a.data_offsets: expected an array, found an object"},
        Refused{"FloatShape", OneTensor("F32", "[1.0]", "[0,4]", 4),
                "header: a.shape.[0]: expected an integer from 0 to 9223372036854775807, found 1"},
        Refused{"NegativeShape", OneTensor("F32", "[-1]", "[0,4]", 4), "header: a.shape.[0]: "},
        Refused{"ShapeThatWrapsToFour",
                OneTensor("F32", "[4194305,4194305,211106198978564]", "[0,16]", 16),
                "header: a: expected a size below 2^63 bytes, found F32 of shape [4194305, "
                "4194305, 211106198978564]"},
        Refused{"ShapeThatWraps", OneTensor("F32", "[2,9223372036854775807]", "[0,16]", 16),
                "header: a: expected a size below 2^63 bytes"},
        Refused{"BytesThatWrap", OneTensor("F64", "[2305843009213693952]", "[0,0]", 0),
                "header: a: expected a size below 2^63 bytes"},
        Refused{"ShapeThatOverflowsBeforeAZero",
                OneTensor("F32", "[9223372036854775807,9223372036854775807,0]", "[0,0]", 0),
                "header: a: expected a size below 2^63 bytes"},
        Refused{"RankNine", OneTensor("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]", 1),
                "header: a.shape: expected at most 8 dimensions, found 9"},
        Refused{"LongShape",
                OneTensor("U8", absl::StrCat("[", absl::StrJoin(std::vector<int>(9'999), ","), "]"),
                          "[0,0]", 0),
                "header: a.shape: expected at most 8 dimensions, found 9999"},
        Refused{"SizeAndShapeDiffer", OneTensor("F32", "[2,2]", "[0,12]", 12),
                "header: a.data_offsets: expected 16 bytes for F32 of shape [2, 2], found 12"},
        Refused{"ThreeOffsets", OneTensor("F32", "[1]", "[0,2,4]", 4),
                "header: a.data_offsets: expected [begin, end], found 3 entries"}),
    [](const auto& info) { return info.param.what; });

TEST(SafetensorsTest, LoadsWhatTheFormatAllows) {
  EXPECT_THAT(OpenBytes(SafetensorsBytes("{}")), IsOk());
  EXPECT_THAT(OpenBytes(SafetensorsBytes("{}      ")), IsOk());
  EXPECT_THAT(OpenBytes(SafetensorsBytes(" \n{} \t")), IsOk());
  EXPECT_THAT(OpenBytes(SafetensorsBytes(R"({"__metadata__":null})")), IsOk());
  EXPECT_THAT(OpenBytes(OneTensor("F32", "[]", "[0,4]", 4)), IsOk());
  EXPECT_THAT(OpenBytes(OneTensor("F32", "[2,0]", "[0,0]", 0)), IsOk());
  EXPECT_THAT(OpenBytes(OneTensor("BF16", "[1,1,1,1,1,1,1,2]", "[0,4]", 4)), IsOk());
  EXPECT_THAT(OpenBytes(TwoTensors("[16,32]", "[0,16]", 32)), IsOk());
  EXPECT_THAT(OpenBytes(SafetensorsBytes(
                  R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":[1]}})", "x")),
              IsOk());
  EXPECT_THAT(OpenBytes(ManyTensors(65'536)), IsOk());
}

// As small files of GPT-2 have it.
TEST(SafetensorsTest, OneTensorAloneLoads) {
  const TemporaryFolder folder;
  const auto file = WeightFiles::Open(
      folder.Write("model.safetensors",
                   SafetensorsBytes(R"({"h.0.attn.c_attn.weight":{"dtype":"F32","shape":[1,2],)"
                                    R"("data_offsets":[0,8]}})",
                                    std::string_view("\0\0\x80\x3F\0\0\0\xC0", 8))));
  ASSERT_THAT(file, IsOk());
  std::vector<float> values(2);
  ASSERT_THAT(file->ReadAsFloat(file->tensors()[0], absl::MakeSpan(values)), IsOk());
  EXPECT_THAT(values, ElementsAre(1, -2));
}

TEST(SafetensorsTest, NansKeepTheirPayload) {
  const TemporaryFolder folder;
  const std::string bits = "\x45\x23\xC1\xFF";
  const auto file = WeightFiles::Open(folder.Write(
      "m", SafetensorsBytes(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", bits)));
  ASSERT_THAT(file, IsOk());
  float value = 0;
  ASSERT_THAT(file->ReadAsFloat(file->tensors()[0], absl::MakeSpan(&value, 1)), IsOk());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(&value), 4), bits);
}

TEST(SafetensorsTest, AMissingFileAndAFolderAreToldApart) {
  const TemporaryFolder folder;
  EXPECT_THAT(WeightFiles::Open(folder / "none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none: cannot open")));
  EXPECT_THAT(WeightFiles::Open(folder.path()), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SafetensorsTest, GivesTensorsSortedByName) {
  const TemporaryFolder folder;
  const auto file = WeightFiles::Open(folder.Write(
      "m", SafetensorsBytes(R"({"wte.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[2,10]},)"
                            R"("__metadata__":{"format":"pt"},)"
                            R"("h.0.attn.bias":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})",
                            "ab01234567")));
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(file->tensors(), SizeIs(2));
  const TensorInfo& first = file->tensors()[0];
  EXPECT_EQ(first.name, "h.0.attn.bias");
  EXPECT_EQ(first.dtype, DType::kBool);
  EXPECT_THAT(first.shape, ElementsAre(2));
  EXPECT_EQ(first.elements(), 2);
  EXPECT_EQ(file->Find("wte.weight"), &file->tensors()[1]);
  EXPECT_EQ(file->Find("wte"), nullptr);
  EXPECT_EQ(file->Find("zzz"), nullptr);
  EXPECT_THAT(file->metadata(), ElementsAre(Pair("format", "pt")));
  EXPECT_FALSE(file->written_by_graft());
  std::string bytes(8, ' ');
  EXPECT_THAT(file->ReadBytes(*file->Find("wte.weight"), absl::MakeSpan(bytes)), IsOk());
  EXPECT_EQ(bytes, "01234567");
}

TEST(SafetensorsTest, OnlyFloatingPointTensorsReadAsFloat) {
  const TemporaryFolder folder;
  const auto file = WeightFiles::Open(folder.Write("m", OneTensor("I64", "[1]", "[0,8]", 8)));
  ASSERT_THAT(file, IsOk());
  float out = 0;
  EXPECT_THAT(
      file->ReadAsFloat(file->tensors()[0], absl::MakeSpan(&out, 1)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               EndsWith("/m: 'a': expected elements of F32, F16, BF16, F64 or float8, found I64")));
}

TEST(SafetensorsTest, AFileThatShrinksAfterOpenIsDataLossAtItsPlace) {
  const TemporaryFolder folder;
  const std::string bytes = OneTensor("F32", "[4]", "[0,16]", 16);
  const std::string path = folder.Write("m", bytes);
  const auto file = WeightFiles::Open(path);
  ASSERT_THAT(file, IsOk());
  ASSERT_EQ(::truncate(path.c_str(), bytes.size() - 4), 0);
  std::vector<float> out(4);
  EXPECT_THAT(
      file->ReadAsFloat(file->tensors()[0], absl::MakeSpan(out)),
      StatusIs(absl::StatusCode::kDataLoss,
               HasSubstr(absl::StrCat("/m: byte ", bytes.size() - 4, ": expected 4 more"))));
}

}  // namespace
}  // namespace graft
