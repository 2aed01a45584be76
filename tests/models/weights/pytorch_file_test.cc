#include "models/weights/pytorch_file.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/zip_directory.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/pytorch_reader.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using graft::testing::Crc32;
using graft::testing::FindTensor;
using graft::testing::IsOk;
using graft::testing::Little;
using graft::testing::NameOf;
using graft::testing::ReadPyTorch;
using graft::testing::RefusedFile;
using graft::testing::StatusIs;
using graft::testing::TemporaryFolder;
using graft::testing::TorchRecords;
using graft::testing::TorchZip;
using graft::testing::ZipBytes;
using graft::testing::ZipOptions;
using graft::testing::ZipRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace pickle = graft::testing::pickle;

const std::string kSixFloats(24, '\x3F');
const std::string kFloats = pickle::Storage("FloatStorage", "0", 6);
const std::string kMatrix = pickle::Tensor(kFloats, 0, {2, 3}, {3, 1});
const std::string kState = pickle::Whole(pickle::OrderedDict({pickle::Text("w"), kMatrix}));

// The six floats as a tensor of other sizes.
std::string View(int64_t offset, const std::vector<int64_t>& shape,
                 const std::vector<int64_t>& strides) {
  return TorchZip(
      pickle::Dict({pickle::Text("w"), pickle::Tensor(kFloats, offset, shape, strides)}),
      {kSixFloats});
}

TEST(PyTorchZipTest, AStateDictionaryLoads) {
  const std::string bytes = ZipBytes(TorchRecords(kState, {kSixFloats}));
  const auto table = ReadPyTorch(bytes);
  ASSERT_THAT(table, IsOk());
  ASSERT_THAT(table->tensors, SizeIs(1));
  const TensorInfo& tensor = table->tensors[0];
  EXPECT_EQ(tensor.name, "w");
  EXPECT_EQ(tensor.dtype, DType::kF32);
  EXPECT_THAT(tensor.shape, ElementsAre(2, 3));
  EXPECT_THAT(tensor.strides, IsEmpty());
  EXPECT_EQ(tensor.begin, bytes.find(kSixFloats));
  EXPECT_EQ(tensor.begin % 64, 0);
  EXPECT_EQ(tensor.end, tensor.begin + 24);
  ASSERT_THAT(table->blocks, SizeIs(1));
  EXPECT_EQ(tensor.block, 0);
  const StoredBlock& block = table->blocks[0];
  EXPECT_EQ(block.begin, tensor.begin);
  EXPECT_EQ(block.end, tensor.end);
  EXPECT_EQ(block.kind, StoredBlock::Sum::kCrc32);
  EXPECT_EQ(block.sum, Crc32(kSixFloats));
  EXPECT_EQ(block.name, "archive/data/0");
  EXPECT_THAT(table->others, IsEmpty());
}

TEST(PyTorchZipTest, TheMetadataOfModulesIsPassedOver) {
  const std::string metadata = pickle::Dict(
      {pickle::Text("_metadata"),
       pickle::OrderedDict(
           {pickle::Text(""), pickle::Dict({pickle::Text("version"), pickle::Int(1)})})});
  const auto table = ReadPyTorch(
      TorchZip(pickle::OrderedDict({pickle::Text("w"), kMatrix}) + metadata + "b", {kSixFloats}));
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->tensors, SizeIs(1));
  EXPECT_THAT(table->others, IsEmpty());
}

TEST(PyTorchZipTest, TiedWeightsShareAStorage) {
  const auto table = ReadPyTorch(TorchZip(
      pickle::OrderedDict({pickle::Text("embeddings"), kMatrix, pickle::Text("decoder"), kMatrix}),
      {kSixFloats}));
  ASSERT_THAT(table, IsOk());
  ASSERT_THAT(table->tensors, SizeIs(2));
  EXPECT_EQ(table->tensors[0].begin, table->tensors[1].begin);
  EXPECT_EQ(table->tensors[0].block, table->tensors[1].block);
  EXPECT_THAT(table->blocks, SizeIs(1));
}

TEST(PyTorchZipTest, EveryTypeOfElementLoads) {
  struct Case {
    std::string storage;
    DType dtype;
  };
  for (const Case& c : {Case{"DoubleStorage", DType::kF64}, Case{"FloatStorage", DType::kF32},
                        Case{"HalfStorage", DType::kF16}, Case{"BFloat16Storage", DType::kBF16},
                        Case{"LongStorage", DType::kI64}, Case{"IntStorage", DType::kI32},
                        Case{"ShortStorage", DType::kI16}, Case{"CharStorage", DType::kI8},
                        Case{"ByteStorage", DType::kU8}, Case{"BoolStorage", DType::kBool}}) {
    const auto table = ReadPyTorch(
        TorchZip(pickle::Dict({pickle::Text("w"),
                               pickle::Tensor(pickle::Storage(c.storage, "0", 4), 1, {3}, {1})}),
                 {std::string(4 * DTypeSize(c.dtype), '\1')}));
    ASSERT_THAT(table, IsOk()) << c.storage;
    EXPECT_EQ(table->tensors[0].dtype, c.dtype);
    EXPECT_EQ(table->tensors[0].begin, table->blocks[0].begin + DTypeSize(c.dtype));
    EXPECT_EQ(table->tensors[0].end, table->blocks[0].end);
  }
}

TEST(PyTorchZipTest, TypesWithoutAStorageOfTheirOwnLoad) {
  struct Case {
    std::string type;
    DType dtype;
  };
  for (const Case& c : {Case{"float8_e4m3fn", DType::kF8E4M3}, Case{"float8_e5m2", DType::kF8E5M2},
                        Case{"float8_e8m0fnu", DType::kF8E8M0}, Case{"uint16", DType::kU16},
                        Case{"uint32", DType::kU32}, Case{"uint64", DType::kU64}}) {
    const auto size = static_cast<int64_t>(DTypeSize(c.dtype));
    const std::string storage = pickle::Untyped("0", 7 * size);
    const std::string type = pickle::Global("torch", c.type);
    const auto table = ReadPyTorch(TorchZip(
        pickle::Dict({pickle::Text("w"), pickle::TypedTensor(storage, 1, {2, 3}, {1, 2}, type),
                      pickle::Text("bytes"), pickle::Tensor(storage, 0, {7 * size}, {1}),
                      pickle::Text("all"), pickle::TypedTensor(storage, 0, {7}, {1}, type, "}")}),
        {std::string(static_cast<size_t>(7 * size), '\1')}));
    ASSERT_THAT(table, IsOk()) << c.type;
    const TensorInfo& tensor = *FindTensor(*table, "w");
    EXPECT_EQ(tensor.dtype, c.dtype);
    EXPECT_THAT(tensor.strides, ElementsAre(1, 2));
    EXPECT_EQ(tensor.begin, table->blocks[0].begin + DTypeSize(c.dtype));
    EXPECT_EQ(tensor.end, table->blocks[0].end);
    EXPECT_EQ(FindTensor(*table, "bytes")->dtype, DType::kU8);
    EXPECT_EQ(FindTensor(*table, "all")->dtype, c.dtype);
    EXPECT_EQ(FindTensor(*table, "all")->bytes(), FindTensor(*table, "bytes")->bytes());
  }
}

TEST(PyTorchZipTest, StridesStayWhereElementsDoNotStandRowByRow) {
  struct Case {
    int64_t offset;
    std::vector<int64_t> shape, strides, kept;
    uint64_t begin, end;  // in bytes of the storage
  };
  const Case cases[] = {
      {0, {3, 2}, {1, 3}, {1, 3}, 0, 24},    // transposed
      {1, {2, 2}, {3, 1}, {3, 1}, 4, 24},    // columns 1 and 2
      {2, {2}, {3}, {3}, 8, 24},             // one column
      {3, {1, 3}, {77, 1}, {}, 12, 24},      // a stride that is never used
      {0, {3, 1, 2}, {2, 9, 1}, {}, 0, 24},  //
      {0, {2, 3}, {3, 1}, {}, 0, 24},        //
      {5, {}, {}, {}, 20, 24},               // rank 0
      {0, {0, 5}, {5, 1}, {}, 0, 0},         // no elements
      {9, {2, 0}, {100, 100}, {}, 0, 0},     // no elements, nowhere
      {0, {1, 1, 1, 1, 1, 1, 2, 3}, {6, 6, 6, 6, 6, 6, 3, 1}, {}, 0, 24},
  };
  for (const Case& c : cases) {
    const auto table = ReadPyTorch(View(c.offset, c.shape, c.strides));
    ASSERT_THAT(table, IsOk());
    const TensorInfo& tensor = table->tensors[0];
    EXPECT_EQ(tensor.shape, c.shape);
    EXPECT_EQ(tensor.strides, c.kept);
    EXPECT_EQ(tensor.begin - table->blocks[0].begin, c.begin);
    EXPECT_EQ(tensor.end - table->blocks[0].begin, c.end);
  }
}

TEST(PyTorchZipTest, AnEmptyStorageLoads) {
  ZipRecord empty{"archive/data/0", ""};
  empty.flags = 0x0800;  // torch.save writes no descriptor for it
  std::vector<ZipRecord> records = TorchRecords(
      pickle::Whole(
          pickle::Dict({pickle::Text("w"), pickle::Tensor(pickle::Storage("FloatStorage", "0", 0),
                                                          0, {0, 4}, {4, 1})})),
      {""});
  records[2] = empty;
  const auto table = ReadPyTorch(ZipBytes(records));
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->tensors[0].elements(), 0);
  EXPECT_EQ(table->tensors[0].begin, table->tensors[0].end);
  records[2].flags = 0x0808;  // others may announce one, and write it or not
  EXPECT_THAT(ReadPyTorch(ZipBytes(records)), IsOk());
  records[2].descriptor = "";
  EXPECT_THAT(ReadPyTorch(ZipBytes(records)), IsOk());
}

TEST(PyTorchZipTest, ParametersUnwrap) {
  const std::string parameter = pickle::Call(pickle::Global("torch._utils", "_rebuild_parameter"),
                                             {kMatrix, "\x88", pickle::EmptyOrderedDict()});
  const auto table =
      ReadPyTorch(TorchZip(pickle::Dict({pickle::Text("w"), parameter}), {kSixFloats}));
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->tensors[0].shape, ElementsAre(2, 3));
}

TEST(PyTorchZipTest, WhatIsNoTensorIsNamed) {
  const std::string float_number = "G" + std::string(8, '\0');
  const auto table = ReadPyTorch(TorchZip(
      pickle::Dict({pickle::Text("w"), kMatrix, pickle::Text("step"), pickle::Int(-7),
                    pickle::Text("rate"), float_number, pickle::Text("list"),
                    pickle::List({pickle::Int(1 << 20), "N", "\x88"}), pickle::Text("pair"),
                    pickle::Int(int64_t{1} << 40) + "\x8A\x01\xFF\x86", pickle::Text("inner"),
                    pickle::Dict({pickle::Int(3), kMatrix})}),
      {kSixFloats}));
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->tensors, SizeIs(1));
  EXPECT_THAT(table->others, ElementsAre("step", "rate", "list", "pair", "inner"));
}

TEST(PyTorchZipTest, AnEmptyStateLoads) {
  const auto table = ReadPyTorch(TorchZip("}", {}));
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->tensors, IsEmpty());
}

TEST(PyTorchZipTest, ArchivesOfOtherWritersLoad) {
  std::vector<ZipRecord> records = TorchRecords(kState, {kSixFloats});
  for (ZipRecord& record : records) record.flags = 0;  // sizes in the local headers
  EXPECT_THAT(ReadPyTorch(ZipBytes(records)), IsOk());
  EXPECT_THAT(ReadPyTorch(ZipBytes(records, {.zip64 = false})), IsOk());
  records.push_back({.name = "archive/data/", .data = "", .flags = 0});  // a folder
  EXPECT_THAT(ReadPyTorch(ZipBytes(records)), IsOk());
  records.erase(records.begin() + 1);  // byteorder came with torch 2.1
  EXPECT_THAT(ReadPyTorch(ZipBytes(records)), IsOk());
  records.erase(records.begin() + 2);  // version
  EXPECT_THAT(ReadPyTorch(ZipBytes(records)), IsOk());
}

TEST(PyTorchZipTest, Zip64Loads) {
  std::vector<ZipRecord> records = TorchRecords(kState, {kSixFloats});
  for (ZipRecord& record : records) record.zip64 = true;
  const std::string bytes = ZipBytes(records);
  const auto table = ReadPyTorch(bytes);
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->tensors[0].begin, bytes.find(kSixFloats));
  for (ZipRecord& record : records) {
    record.flags = 0;
    record.local_size = UINT32_MAX;
  }
  EXPECT_THAT(ReadPyTorch(ZipBytes(records)), IsOk());
}

TEST(PyTorchZipTest, TheFirstBytesTellTheFormat) {
  EXPECT_TRUE(IsPyTorchZip("PK\x03\x04more"));
  EXPECT_FALSE(IsPyTorchZip("PK\x05\x06"));
  EXPECT_FALSE(IsPyTorchZip("PK"));
  EXPECT_TRUE(IsPyTorchLegacy("\x80\x02\x8A\x0A\x6C"));
  EXPECT_FALSE(IsPyTorchLegacy("\x80\x02"));
  EXPECT_FALSE(IsPyTorchLegacy(""));
}

class PyTorchZipRefusalTest : public ::testing::TestWithParam<RefusedFile> {};

TEST_P(PyTorchZipRefusalTest, NamesFileAndPlace) {
  EXPECT_THAT(ReadPyTorch(GetParam().bytes).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("/m.bin: ", GetParam().message))));
}

// The good archive with record number `index` changed.
std::string Changed(size_t index, const std::function<void(ZipRecord&)>& change) {
  std::vector<ZipRecord> records = TorchRecords(kState, {kSixFloats});
  change(records[index]);
  return ZipBytes(records);
}

// With one more record.
std::string WithRecord(const ZipRecord& record) {
  std::vector<ZipRecord> records = TorchRecords(kState, {kSixFloats});
  records.push_back(record);
  return ZipBytes(records);
}

std::string Good() { return ZipBytes(TorchRecords(kState, {kSixFloats})); }

std::string Cut(size_t from_end) {
  const std::string bytes = Good();
  return bytes.substr(0, bytes.size() - from_end);
}

// Ten bytes of the directory are missing.
std::string CutInDirectory() {
  std::string bytes = Good();
  return bytes.erase(bytes.find("PK\1\2") + 50, 10);
}

// The last `find` of the good archive with other bytes in it.
std::string Poked(std::string_view find, size_t offset, std::string_view by) {
  std::string bytes = Good();
  return bytes.replace(bytes.rfind(find) + offset, by.size(), by);
}

// The storage's sizes stand in its local header, and one of them is another.
std::string WithLocalSize(uint32_t size) {
  std::string bytes = Changed(2, [](ZipRecord& r) { r.flags = 0; });
  return bytes.replace(bytes.rfind("PK\3\4", bytes.find(kSixFloats)) + 22, 4, Little(size, 4));
}

INSTANTIATE_TEST_SUITE_P(
    Archive, PyTorchZipRefusalTest,
    ::testing::Values(
        RefusedFile{"Empty", "", "byte 0: expected a zip archive as torch.save writes, found ''"},
        RefusedFile{"GitLfsPointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0",
                    "byte 0: expected a zip archive as torch.save writes, found a pointer of Git "
                    "LFS: fetch the file itself"},
        RefusedFile{"TarArchive", std::string(257, '\0') + "ustar" + std::string(300, '\0'),
                    "byte 0: expected a zip archive as torch.save writes, found a tar archive, as "
                    "torch before 0.1.10 wrote"},
        RefusedFile{"FourBytes", "PK\x03\x04", "byte 0: expected a zip archive of at least 22"},
        RefusedFile{"CentralDirectoryCut", Cut(150),
                    "byte 766: expected the end record of a zip archive"},
        RefusedFile{"CentralDirectoryShorter", CutInDirectory(),
                    "byte 886: expected the zip64 end record in the 56 bytes before"},
        RefusedFile{"NoEndRecord", Cut(22), "byte 894: expected the end record of a zip archive"},
        RefusedFile{"CutByOne", Cut(1), "byte 915: expected the end record of a zip archive"},
        RefusedFile{"BytesBehindTheEndRecord", Good() + "x",
                    "byte 917: expected the end record of a zip archive as the last 22 bytes, "
                    "found others"},
        RefusedFile{"Comment", Poked("PK\5\6", 20, "\1"),
                    "byte 916: expected no comment, found one of 1"},
        RefusedFile{"Zip64LocatorAtTheFront",
                    "PK\3\4PK\6\7" + Little(0, 4) + Little(4, 8) + Little(1, 4) + "PK\5\6" +
                        std::string(18, '\0'),
                    "byte 4: expected the zip64 end record in the 56 bytes before, found it at "
                    "byte 4"},
        RefusedFile{"SeveralDisks", Poked("PK\5\6", 4, "\1"),
                    "byte 916: expected an archive of one file"},
        RefusedFile{"SeveralDisks64", Poked("PK\6\6", 16, "\1"),
                    "byte 840: expected an archive of one file"},
        RefusedFile{"SeveralDisksLocator", Poked("PK\6\7", 16, "\2"),
                    "byte 896: expected an archive of one file"},
        RefusedFile{
            "Zip64RecordElsewhere", Poked("PK\6\7", 8, "\1"),
            "byte 896: expected the zip64 end record in the 56 bytes before, found it at byte"},
        RefusedFile{"Zip64RecordLonger", Poked("PK\6\6", 4, "\x2D"),
                    "byte 840: expected a zip64 end record of 56 bytes"},
        RefusedFile{"EndRecordsDisagree", Poked("PK\5\6", 8, std::string_view("\1\0\1\0", 4)),
                    "byte 840: expected both end records to agree, found 4 and 1 entries"},
        RefusedFile{"OneEntryMore", ZipBytes(TorchRecords(kState, {kSixFloats}), {.entries = 5}),
                    "byte 840: expected 5 entries in the"},
        RefusedFile{"OneEntryLess", ZipBytes(TorchRecords(kState, {kSixFloats}), {.entries = 3}),
                    "byte 779: expected 3 entries in the"},
        RefusedFile{"DirectoryElsewhere",
                    ZipBytes(TorchRecords(kState, {kSixFloats}), {.begin = 64}),
                    "byte 840: expected the directory to end here"},
        RefusedFile{"DirectoryBehindTheFile",
                    ZipBytes(TorchRecords(kState, {kSixFloats}), {.begin = 1 << 30}),
                    "byte 840: expected the directory to end here"},
        RefusedFile{"BytesInFront",
                    ZipBytes(TorchRecords(kState, {kSixFloats}), {.front = "PK\3\4 polyglot"}),
                    "byte 0: expected the first entry, found 13 bytes before it"},
        RefusedFile{"NoEntries", "PK\3\4" + ZipBytes({}, {.zip64 = false, .begin = 4}),
                    "expected an archive with data.pkl, found an empty one"},
        // pytorch#185440: 2.2 GB in a file of 2 KB.
        RefusedFile{"RecordOf2GB", Changed(2, [](auto& r) { r.size = 2'200'000'000; }),
                    "archive/data/0: byte 342: expected an entry that ends before byte 488, found "
                    "one of 2200000000 bytes"},
        RefusedFile{"RecordOf2To63",
                    Changed(2,
                            [](auto& r) {
                              r.zip64 = true;
                              r.size = uint64_t{1} << 63;
                            }),
                    "archive/data/0: byte 342: expected an entry that ends before byte"},
        RefusedFile{
            "Deflated", Changed(2, [](auto& r) { r.method = 8; }),
            "archive/data/0: byte 342: expected a stored entry, found compression method 8"},
        RefusedFile{"Encrypted", Changed(2, [](auto& r) { r.flags |= 1; }),
                    "archive/data/0: byte 342: expected an entry without encryption, found flags "
                    "2057"},
        RefusedFile{
            "OverlappingEntries", Changed(3, [](auto& r) { r.header = 342; }),
            "archive/data/0: byte 342: expected entries without overlaps before the directory"},
        RefusedFile{"EntryInsideAnother", Changed(3, [](auto& r) { r.header = 400; }),
                    "archive/data/0: byte 342: expected an entry that ends before byte 400"},
        RefusedFile{
            "EntryBehindTheDirectory", Changed(3, [](auto& r) { r.header = 5000; }),
            "archive/data/0: byte 342: expected entries without overlaps before the directory"},
        RefusedFile{"LocalSizeIsNotCentralSize", Changed(2, [](auto& r) { r.local_size = 20; }),
                    "archive/data/0: byte 342: expected a local header of 24 bytes and CRC-32 "},
        RefusedFile{"LocalSizeWithoutDescriptor",
                    Changed(2,
                            [](auto& r) {
                              r.flags = 0;
                              r.local_size = 20;
                            }),
                    absl::StrCat("archive/data/0: byte 342: expected a local header of 24 bytes "
                                 "and CRC-32 ",
                                 Crc32(kSixFloats), " as in the directory, found 20, 20 and ",
                                 Crc32(kSixFloats))},
        RefusedFile{"LocalSizeIsNotItsPackedSize", WithLocalSize(20),
                    absl::StrCat("archive/data/0: byte 342: expected a local header of 24 bytes "
                                 "and CRC-32 ",
                                 Crc32(kSixFloats), " as in the directory, found 20, 24 and ",
                                 Crc32(kSixFloats))},
        RefusedFile{"LocalNameIsNotCentralName",
                    Changed(2, [](auto& r) { r.local_name = "archive/data/1"; }),
                    "archive/data/0: byte 342: expected the name, flags and method of the "
                    "directory, found others"},
        RefusedFile{"NoLocalHeader", Poked("PK\3\4", 0, "QK"),
                    "archive/version: byte 488: expected a local header, found other bytes"},
        RefusedFile{"DescriptorDisagrees",
                    Changed(2, [](auto& r) { r.descriptor = "PK\7\10" + std::string(12, '\1'); }),
                    "archive/data/0: byte 342: expected a descriptor at byte 472 that agrees with "
                    "the directory, found another"},
        RefusedFile{"NoDescriptor", Changed(2, [](auto& r) { r.descriptor = ""; }),
                    "archive/data/0: byte 342: expected a descriptor between the entry and byte "
                    "472, found 0 bytes"},
        RefusedFile{"BytesBetweenEntries", Changed(2, [](auto& r) { r.behind = "hidden"; }),
                    "archive/data/0: byte 342: expected a descriptor between the entry and byte"},
        RefusedFile{"BytesBetweenEntriesWithoutDescriptors",
                    Changed(2,
                            [](auto& r) {
                              r.flags = 0;
                              r.behind = "hidden";
                            }),
                    "archive/data/0: byte 342: expected nothing between the entry and byte 478, "
                    "found 6 bytes"},
        RefusedFile{"NamesTwice", WithRecord({"archive/data/0", kSixFloats}),
                    "byte 744: expected names that differ, found archive/data/0 twice"},
        RefusedFile{
            "Zip64FieldMissing", Changed(2, [](auto& r) { r.size = UINT32_MAX; }),
            "byte 719: expected a zip64 field with the sizes of archive/data/0, found none"},
        RefusedFile{"BadCrcOfThePickle", Changed(0, [](auto& r) { r.crc = 1; }),
                    "archive/data.pkl: byte 64: expected the check sum 00000001, found "},
        RefusedFile{"EntryInAnotherFolder", WithRecord({"other/x", ""}),
                    "other/x: expected every entry in archive/, found this"},
        RefusedFile{"NoFolder", Changed(0, [](auto& r) { r.name = "data.pkl"; }),
                    "data.pkl: expected every entry in data.pkl/, found this"},
        RefusedFile{"NoPickle", Changed(0, [](auto& r) { r.name = "archive/data2.pkl"; }),
                    "archive/data.pkl: expected this entry, found none"},
        RefusedFile{"TorchScriptConstants", WithRecord({"archive/constants.pkl", "x"}),
                    "archive/constants.pkl: expected a state of tensors, found TorchScript"},
        RefusedFile{"TorchScriptCode",
                    WithRecord({.name = "archive/code/m.py", .data = "x", .method = 8}),
                    "archive/code/m.py: expected a state of tensors, found TorchScript"},
        RefusedFile{"BigEndian", Changed(1, [](auto& r) { r.data = "big"; }),
                    "archive/byteorder: expected 'little', found 'big'"},
        RefusedFile{"LongByteOrder", Changed(1, [](auto& r) { r.data = std::string(17, 'l'); }),
                    "archive/byteorder: byte 320: expected at most 16 bytes, found 17"},
        RefusedFile{"VersionIsEmpty", Changed(3, [](auto& r) { r.data = ""; }),
                    "archive/version: expected a number, found ''"},
        RefusedFile{"VersionIsNoNumber", Changed(3, [](auto& r) { r.data = "new"; }),
                    "archive/version: expected a number, found 'new'"},
        RefusedFile{"StorageShorterThanItsElements", Changed(2, [](auto& r) { r.data.resize(20); }),
                    "archive/data/0: expected 24 bytes for 6 elements of F32, found 20"},
        RefusedFile{"StorageLongerThanItsElements", Changed(2, [](auto& r) { r.data += "x"; }),
                    "archive/data/0: expected 24 bytes for 6 elements of F32, found 25"},
        RefusedFile{"StorageMissing", Changed(2, [](auto& r) { r.name = "archive/data/7"; }),
                    "archive/data/0: expected 24 bytes for 6 elements of F32, found no such "
                    "entry"}),
    NameOf);

TEST(PyTorchZipTest, LongDirectoriesAreRefusedBeforeTheyAreRead) {
  const uint64_t size = kMaxZipDirectory + 1;
  const TemporaryFolder folder(TemporaryFolder::Memory());
  const std::string path = folder.Write("m.bin", "PK\3\4");
  std::filesystem::resize_file(path, 4 + size);  // takes no room
  std::ofstream(path, std::ios::binary | std::ios::app)
      << "PK\5\6" << Little(0, 8) << Little(size, 4) << Little(4, 4) << Little(0, 2);
  const auto file = InputFile::Open(path);
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(ReadPyTorchZip(*file).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       path + ": byte 4: expected a directory of at most 33554432 bytes, found "
                              "33554433"));
}

TEST(PyTorchZipTest, AnArchiveWithoutEntriesIsNothingElse) {
  const TemporaryFolder folder(TemporaryFolder::Memory());
  const auto place = [&](const std::string& bytes) {
    const auto file = InputFile::Open(folder.Write("m.bin", bytes));
    auto directory = ReadZipDirectory(*file);
    EXPECT_THAT(directory, IsOk());
    return PlaceZipEntries(*file, *directory);
  };
  EXPECT_THAT(place(ZipBytes({}, {.zip64 = false})), IsOk());
  EXPECT_THAT(place("more" + ZipBytes({}, {.zip64 = false, .begin = 4})),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(": byte 0: expected the first entry, found 4 bytes before it")));
}

// 70,000 entries of 46 bytes and more.
TEST(PyTorchZipTest, TooManyEntriesAreRefusedBeforeTheyAreRead) {
  std::vector<ZipRecord> records = TorchRecords(kState, {kSixFloats});
  const auto status = ReadPyTorch(ZipBytes(records, {.entries = 70'000})).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss,
                               HasSubstr("expected both end records to agree")));
  std::string bytes = ZipBytes(records, {.entries = 70'000});
  bytes.replace(bytes.size() - 14, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_THAT(ReadPyTorch(bytes).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("expected at most 65600 entries, found 70000")));
}

}  // namespace
}  // namespace graft
