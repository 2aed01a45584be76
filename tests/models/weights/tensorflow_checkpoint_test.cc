#include "models/weights/tensorflow_checkpoint.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/models/weights/tensorflow_checkpoint_files.h"
#include "tests/models/weights/weight_table_checks.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using graft::testing::BundleEntryBytes;
using graft::testing::BundleHeaderBytes;
using graft::testing::BytesField;
using graft::testing::CheckpointBytes;
using graft::testing::CheckpointFiles;
using graft::testing::FaultOf;
using graft::testing::Fixed32Field;
using graft::testing::IsOk;
using graft::testing::IsOkAndHolds;
using graft::testing::KeysAndValues;
using graft::testing::MaskedCrc32c;
using graft::testing::NumberField;
using graft::testing::ShapeBytesOf;
using graft::testing::StatusIs;
using graft::testing::TableBytes;
using graft::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kFloat = 1, kInt64 = 9, kString = 7;

WeightTable ReadOrDie(const CheckpointFiles& files, const std::string& index) {
  auto table = files.Read(index);
  EXPECT_THAT(table, IsOk());
  if (!table.ok()) return {};
  EXPECT_EQ(FaultOf(*table, files.data()), "");
  return *std::move(table);
}

TEST(TensorFlowCheckpoint, SaysWhereTensorsAre) {
  CheckpointBytes checkpoint;
  checkpoint.Add("b", kFloat, {2, 3}, std::string(24, 'b'));
  checkpoint.Add("a", kInt64, {}, std::string(8, 'a'));
  const CheckpointFiles files(checkpoint.shards);
  EXPECT_THAT(files.CountShards(checkpoint.Index()), IsOkAndHolds(1u));
  const WeightTable table = ReadOrDie(files, checkpoint.Index());
  ASSERT_THAT(table.tensors, SizeIs(2));
  EXPECT_EQ(table.tensors[0].name, "a");
  EXPECT_EQ(table.tensors[0].dtype, DType::kI64);
  EXPECT_THAT(table.tensors[0].shape, IsEmpty());
  EXPECT_EQ(table.tensors[0].begin, 24u);
  EXPECT_EQ(table.tensors[0].end, 32u);
  EXPECT_EQ(table.tensors[1].name, "b");
  EXPECT_THAT(table.tensors[1].shape, ElementsAre(2, 3));
  EXPECT_THAT(table.tensors[1].strides, IsEmpty());
  EXPECT_EQ(table.tensors[1].begin, 0u);
  EXPECT_EQ(table.tensors[1].end, 24u);
  EXPECT_THAT(table.others, IsEmpty());
}

TEST(TensorFlowCheckpoint, EveryTensorHasItsSum) {
  CheckpointBytes checkpoint;
  checkpoint.Add("a", 4, {9}, "123456789");
  checkpoint.Add("none", kFloat, {3, 0}, "");
  const CheckpointFiles files(checkpoint.shards);
  const WeightTable table = ReadOrDie(files, checkpoint.Index());
  ASSERT_THAT(table.blocks, SizeIs(2));
  EXPECT_EQ(table.tensors[0].block, 0);
  EXPECT_EQ(table.blocks[0].name, "a");
  EXPECT_EQ(table.blocks[0].kind, StoredBlock::Sum::kCrc32c);
  EXPECT_EQ(table.blocks[0].sum, 0xE3069283u);  // that of CRC-32/ISCSI
  EXPECT_EQ(table.blocks[1].sum, 0u);
  EXPECT_EQ(table.tensors[1].begin, table.tensors[1].end);
}

TEST(TensorFlowCheckpoint, ReadsEveryElementType) {
  const std::vector<std::pair<uint64_t, DType>> types = {
      {1, DType::kF32},   {2, DType::kF64},  {3, DType::kI32},  {4, DType::kU8},
      {5, DType::kI16},   {6, DType::kI8},   {9, DType::kI64},  {10, DType::kBool},
      {14, DType::kBF16}, {17, DType::kU16}, {19, DType::kF16}, {22, DType::kU32},
      {23, DType::kU64}};
  CheckpointBytes checkpoint;
  for (const auto& [number, dtype] : types) {
    checkpoint.Add(absl::StrCat("t", 100 + number), number, {2, 1},
                   std::string(2 * DTypeSize(dtype), '\1'));
  }
  const CheckpointFiles files(checkpoint.shards);
  const WeightTable table = ReadOrDie(files, checkpoint.Index());
  ASSERT_THAT(table.tensors, SizeIs(types.size()));
  for (size_t i = 0; i < types.size(); ++i) EXPECT_EQ(table.tensors[i].dtype, types[i].second);
}

TEST(TensorFlowCheckpoint, OtherTypesAreListedByName) {
  CheckpointBytes checkpoint;
  checkpoint.Add("_CHECKPOINTABLE_OBJECT_GRAPH", kString, {}, std::string(100, 'g'));
  checkpoint.Add("complex", 8, {1}, std::string(8, '\0'));
  checkpoint.Add("float8", 25, {1}, std::string(1, '\0'));
  checkpoint.Add("weight", kFloat, {1}, std::string(4, '\0'));
  const CheckpointFiles files(checkpoint.shards);
  const WeightTable table = ReadOrDie(files, checkpoint.Index());
  EXPECT_THAT(table.others, ElementsAre("_CHECKPOINTABLE_OBJECT_GRAPH", "complex", "float8"));
  EXPECT_THAT(table.tensors, SizeIs(1));
  EXPECT_THAT(table.blocks, SizeIs(1));
}

TEST(TensorFlowCheckpoint, ReadsSeveralShards) {
  CheckpointBytes checkpoint(3);
  checkpoint.Add("a", kFloat, {2}, std::string(8, 'a'), 2);
  checkpoint.Add("b", kFloat, {1}, std::string(4, 'b'), 1);
  checkpoint.Add("c", kFloat, {1}, std::string(4, 'c'), 2);
  const CheckpointFiles files(checkpoint.shards);
  EXPECT_THAT(files.CountShards(checkpoint.Index()), IsOkAndHolds(3u));
  const WeightTable table = ReadOrDie(files, checkpoint.Index());
  ASSERT_THAT(table.tensors, SizeIs(3));
  EXPECT_EQ(table.tensors[0].file, 2u);
  EXPECT_EQ(table.tensors[1].file, 1u);
  EXPECT_EQ(table.tensors[1].begin, 0u);
  EXPECT_EQ(table.blocks[1].file, 1u);
  EXPECT_EQ(table.tensors[2].begin, 8u);
}

TEST(TensorFlowCheckpoint, ReadsSeveralBlocks) {
  CheckpointBytes checkpoint;
  for (int i = 0; i < 200; ++i) {
    checkpoint.Add(absl::StrCat("bert/encoder/layer_", 100 + i, "/output/dense/bias"), kFloat, {2},
                   std::string(8, '\1'));
  }
  const CheckpointFiles files(checkpoint.shards);
  const std::string index = checkpoint.Index({.block_bytes = 500});
  const WeightTable table = ReadOrDie(files, index);
  ASSERT_THAT(table.tensors, SizeIs(200));
  EXPECT_EQ(table.tensors[199].name, "bert/encoder/layer_299/output/dense/bias");
  EXPECT_EQ(table.tensors[199].end, 1600u);
}

TEST(TensorFlowCheckpoint, ReadsACheckpointWithoutTensors) {
  const CheckpointBytes checkpoint;
  const CheckpointFiles files(checkpoint.shards);
  EXPECT_THAT(ReadOrDie(files, checkpoint.Index()).tensors, IsEmpty());
}

// data_alignment of BundleWriter leaves bytes between tensors, unknown fields are those of a later
// TensorFlow, and others write what need not be written.
TEST(TensorFlowCheckpoint, HolesAndMoreFieldsAreNoFault) {
  CheckpointBytes checkpoint;
  checkpoint.header +=  // little-endian; min_consumer
      NumberField(2, 0) + BytesField(3, NumberField(2, 1)) + NumberField(9, 1);
  checkpoint.shards[0] = "pad!";
  checkpoint.Add("a", kFloat, {1}, "1234");
  checkpoint.entries[0].second += BytesField(2, NumberField(3, 0)) +  // unknown_rank
                                  BytesField(77, "later");
  checkpoint.shards[0] += "behind";
  const CheckpointFiles files(checkpoint.shards);
  EXPECT_EQ(ReadOrDie(files, checkpoint.Index()).tensors[0].begin, 4u);
}

TEST(TensorFlowCheckpoint, NamesAndRanksGoUpToTheirBounds) {
  CheckpointBytes checkpoint;
  checkpoint.Add(std::string(1024, 'n'), kFloat, {1, 1, 1, 1, 1, 1, 1, 1}, "1234");
  checkpoint.Add("\u00E9 and a space", kFloat, {1}, "1234");
  const CheckpointFiles files(checkpoint.shards);
  EXPECT_THAT(ReadOrDie(files, checkpoint.Index()).tensors, SizeIs(2));
}

// One shard of 100 bytes.
struct Refused {
  std::string what;
  KeysAndValues entries;  // of the table, with the header
  std::string marker;     // the error's place is where these bytes begin
  std::string message;    // a part of it, behind the place
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.what; }

class TensorFlowRefusalTest : public ::testing::TestWithParam<Refused> {};

TEST_P(TensorFlowRefusalTest, NamesFileAndPlace) {
  const CheckpointFiles files({std::string(100, '\0')});
  const std::string index = TableBytes(GetParam().entries);
  const size_t place = index.find(GetParam().marker);
  ASSERT_NE(place, std::string::npos);
  EXPECT_THAT(files.Read(index),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat(files.index_path(), ": byte ", place, ": expected ",
                                              GetParam().message))));
}

std::string Name(const ::testing::TestParamInfo<Refused>& info) { return info.param.what; }

// A table of this header alone, refused at the field (or other part of it) `marker`.
Refused Header(std::string what, std::string header, std::string marker, std::string message) {
  return {std::move(what), {{"", std::move(header)}}, std::move(marker), std::move(message)};
}

// A right header and one entry, refused at the field (or other part of it) `marker`.
Refused Entry(std::string what, std::string entry, std::string marker, std::string message) {
  return {std::move(what),
          {{"", BundleHeaderBytes(1)}, {"name", std::move(entry)}},
          std::move(marker),
          std::move(message)};
}

// The same, refused as a whole.
Refused Entry(std::string what, const std::string& entry, std::string message) {
  return Entry(std::move(what), entry, entry, std::move(message));
}

// F32 of shape [2], then `field`, which is refused.
Refused Field(std::string what, const std::string& field, std::string message) {
  return Entry(std::move(what), BundleEntryBytes(kFloat, {2}, 0, 0, 8, 77) + field, field,
               std::move(message));
}

std::string Shaped(uint64_t dtype, const std::vector<int64_t>& shape, uint64_t size) {
  return BundleEntryBytes(dtype, shape, 0, 0, size, 77);
}

INSTANTIATE_TEST_SUITE_P(
    Headers, TensorFlowRefusalTest,
    ::testing::Values(
        Refused{"NoEntries", {}, "", "the entry '' with the header, found no entries"},
        Refused{"NoHeader",
                {{"name", BundleEntryBytes(kFloat, {2}, 0, 0, 8, 77)}},
                "",
                "the entry '' with the header, found 'name'"},
        Header("NoShards", BytesField(3, NumberField(1, 1)), BytesField(3, NumberField(1, 1)),
               "num_shards from 1 to 1024, found 0"),
        Header("ManyShards", NumberField(1, 1025), NumberField(1, 1025),
               "num_shards from 0 to 1024, found 1025"),
        Header("NegativeShards", NumberField(1, UINT64_MAX), NumberField(1, UINT64_MAX),
               "num_shards from 0 to 1024, found -1"),
        Header("ShardsAsString", BytesField(1, "1"), BytesField(1, "1"),
               "num_shards as wire type 0, found wire type 2"),
        Header("BigEndian", NumberField(1, 1) + NumberField(2, 1), NumberField(2, 1),
               "little-endian numbers, found big-endian ones"),
        Header("UnknownEndianness", NumberField(1, 1) + NumberField(2, 2), NumberField(2, 2),
               "endianness from 0 to 1, found 2"),
        Header("LaterVersion", NumberField(1, 1) + BytesField(3, NumberField(2, 2)),
               NumberField(2, 2), "min_consumer from 0 to 1, found 2"),
        Header("BadConsumers", NumberField(1, 1) + BytesField(3, BytesField(3, "\1")),
               BytesField(3, "\1"), "a version without bad_consumers, found some"),
        Header("NoProtocolBuffer", "\x0B", "\x0B", "a field of wire type 0, 1, 2 or 5"),
        Header("TwoShards", BundleHeaderBytes(2), "", "an index of 1 data files, found one of 2")),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Fields, TensorFlowRefusalTest,
    ::testing::Values(
        Entry("NoType", NumberField(5, 77), "dtype of 'name', found none"),
        Entry("ReferenceType", NumberField(1, 101), "dtype of 'name' from 0 to 100, found 101"),
        Entry("NegativeType", NumberField(1, UINT64_MAX), "dtype of 'name' from 0 to 100"),
        Field("ShapeAsNumber", NumberField(2, 55),
              "shape of 'name' as wire type 2, found wire type 0"),
        Field("ShardOutside", NumberField(3, 1), "shard_id of 'name' from 0 to 0, found 1"),
        Field("NegativeShard", NumberField(3, UINT64_MAX), "shard_id of 'name' from 0 to 0"),
        Field("NegativeOffset", NumberField(4, UINT64_MAX - 3),
              "offset of 'name' from 0 to 9223372036854775807, found -4"),
        Field("NegativeSize", NumberField(5, uint64_t{1} << 63),
              "size of 'name' from 0 to 9223372036854775807, found -9223372036854775808"),
        Field("SumAsNumber", NumberField(6, 1), "crc32c of 'name' as wire type 5"),
        Field("Slices", BytesField(7, ""), "'name' in one piece, found a partitioned tensor"),
        Entry("UnknownRank", NumberField(1, kFloat) + BytesField(2, NumberField(3, 1)),
              NumberField(3, 1), "unknown_rank of 'name' from 0 to 0, found 1"),
        Entry("NegativeDimension", NumberField(1, kFloat) + BytesField(2, ShapeBytesOf({-1})),
              NumberField(1, UINT64_MAX),
              "dim.size of 'name' from 0 to 9223372036854775807, found -1"),
        Entry("RankNine", Shaped(kFloat, {1, 1, 1, 1, 1, 1, 1, 1, 9}, 4),
              BytesField(2, NumberField(1, 9)), "'name' with at most 8 dimensions, found more"),
        // A shape in two parts is one shape.
        Entry("RankNineInTwoParts",
              Shaped(kFloat, {1, 1, 1, 1, 1, 1, 1, 1}, 4) + BytesField(2, ShapeBytesOf({9})),
              BytesField(2, NumberField(1, 9)), "'name' with at most 8 dimensions, found more"),
        Entry("CutField", NumberField(1, 1) + "\x12\x05x", "\x05x",
              "a length of at most 1, what is left, found 5")),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Places, TensorFlowRefusalTest,
    ::testing::Values(
        Entry("BehindTheShard", BundleEntryBytes(kFloat, {2}, 0, 93, 8, 77),
              "'name' inside the 100 bytes of "),
        Entry("FarBehindTheShard", BundleEntryBytes(kFloat, {2}, 0, INT64_MAX, 8, 77),
              "'name' inside the 100 bytes of "),
        Entry("SumOfLargeNumbers", BundleEntryBytes(kFloat, {2}, 0, INT64_MAX, INT64_MAX, 77),
              "'name' inside the 100 bytes of "),
        Entry("EmptyBehindTheShard", BundleEntryBytes(kFloat, {0}, 0, 101, 0, 77),
              "'name' inside the 100 bytes of "),
        Entry("StringBehindTheShard", BundleEntryBytes(kString, {}, 0, 0, 101, 77),
              "'name' inside the 100 bytes of "),
        Entry("ShortForItsShape", Shaped(kFloat, {2, 3}, 20),
              "24 bytes for 'name', F32 of shape [2, 3], found 20"),
        Entry("LongForItsShape", Shaped(kInt64, {}, 9),
              "8 bytes for 'name', I64 of shape [], found 9"),
        Entry(
            "ShapeOverflows", Shaped(kFloat, {4194305, 4194305, 211106198978564}, 16),
            "'name' of less than 2^63 bytes, zeros left out, found F32 of shape [4194305, 4194305, "
            "211106198978564]"),
        Entry("ShapeOfTwoToThe63", Shaped(kFloat, {2, INT64_MAX}, 16),
              "'name' of less than 2^63 bytes"),
        Entry("ShapeOverflowsBehindItsZero", Shaped(kFloat, {0, INT64_MAX, INT64_MAX}, 0),
              "'name' of less than 2^63 bytes"),
        Entry("ShapeOverflowsBeforeItsZero", Shaped(kFloat, {INT64_MAX, INT64_MAX, 0}, 0),
              "'name' of less than 2^63 bytes")),
    Name);

// Two tensors: [8, 16) and what is given.
Refused Second(std::string what, const std::string& entry, std::string message) {
  return {std::move(what),
          {{"", BundleHeaderBytes(1)},
           {"first", BundleEntryBytes(kFloat, {2}, 0, 8, 8, 66)},
           {"second", entry}},
          entry,
          std::move(message)};
}

INSTANTIATE_TEST_SUITE_P(
    Overlaps, TensorFlowRefusalTest,
    ::testing::Values(
        Second("SameBytes", BundleEntryBytes(kFloat, {2}, 0, 8, 8, 77),
               "'second' behind 'first', which ends at byte 16 of shard 0, found it at 8"),
        Second("OneByte", BundleEntryBytes(4, {3}, 0, 15, 3, 77),
               "'second' behind 'first', which ends at byte 16 of shard 0, found it at 15"),
        Second("String", BundleEntryBytes(kString, {}, 0, 15, 3, 77), "'second' behind 'first'"),
        Second("EmptyInside", BundleEntryBytes(kFloat, {0}, 0, 9, 0, 77),
               "'second' behind 'first'")),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Names, TensorFlowRefusalTest,
    ::testing::Values(
        Refused{"IllFormed",
                {{"", BundleHeaderBytes(1)}, {"a\xFF", Shaped(kFloat, {1}, 4)}},
                std::string("\0\2", 2),
                "a name in UTF-8, found 'a\\xFF'"},
        // As TensorFlow writes a part: the number 0, the name, its end, and the part's place.
        Refused{
            "Part",
            {{"", BundleHeaderBytes(1)}, {std::string("\0name\0\1", 7), Shaped(kFloat, {1}, 4)}},
            std::string("\0\7", 2),
            "tensors in one piece, found a part of a partitioned tensor"}),
    Name);

TEST(TensorFlowCheckpoint, LongNamesAreRefused) {
  const CheckpointFiles files({std::string(100, '\0')});
  EXPECT_THAT(files.Read(TableBytes(
                  {{"", BundleHeaderBytes(1)}, {std::string(1025, 'n'), Shaped(kFloat, {1}, 4)}})),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(": expected a key of at most 1024 bytes, found 1025")));
}

TEST(TensorFlowCheckpoint, TooManyTensorsAreRefused) {
  const auto index = [](size_t count) {
    KeysAndValues entries = {{"", BundleHeaderBytes(1)}};
    for (size_t i = 0; i < count; ++i) {
      entries.emplace_back(absl::StrCat("t", 100'000 + i), Shaped(kFloat, {0}, 0));
    }
    return TableBytes(entries);
  };
  const CheckpointFiles files({""});
  EXPECT_THAT(ReadOrDie(files, index(65'536)).tensors, SizeIs(65'536));
  EXPECT_THAT(files.Read(index(65'537)),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(": expected at most 65537 entries, found more")));
}

TEST(TensorFlowCheckpoint, AnIndexOfMoreThan16MegabytesIsRefusedUnread) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("m.index", "");
  std::filesystem::resize_file(path, 100'000'001);
  const auto index = InputFile::Open(path);
  ASSERT_THAT(index, IsOk());
  EXPECT_THAT(CountTensorFlowShards(*index),
              StatusIs(absl::StatusCode::kDataLoss,
                       absl::StrCat(path,
                                    ": byte 0: expected an index of at most 16000000 bytes, "
                                    "found one of 100000001")));
}

TEST(TensorFlowCheckpoint, AnIndexThatShrinksIsRefused) {
  const CheckpointBytes checkpoint;
  const TemporaryFolder folder;
  const std::string path = folder.Write("m.index", checkpoint.Index());
  const auto index = InputFile::Open(path);
  ASSERT_THAT(index, IsOk());
  std::filesystem::resize_file(path, 20);
  EXPECT_THAT(CountTensorFlowShards(*index),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("m.index: byte 20: expected ")));
}

}  // namespace
}  // namespace graft
