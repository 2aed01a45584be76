#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/weights/pytorch_file.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/pytorch_reader.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using graft::testing::FindTensor;
using graft::testing::IsOk;
using graft::testing::LegacyParts;
using graft::testing::Little;
using graft::testing::NameOf;
using graft::testing::ReadPyTorch;
using graft::testing::RefusedFile;
using graft::testing::StatusIs;
using graft::testing::TorchLegacy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace pickle = graft::testing::pickle;

const std::string kSixFloats(24, '\x3F');
const std::string kFourHalves(8, '\x3C');
const std::string kMatrix =
    pickle::Tensor(pickle::LegacyStorage("FloatStorage", "94211", 6), 0, {2, 3}, {3, 1});
const std::string kTransposed =
    pickle::Tensor(pickle::LegacyStorage("FloatStorage", "94211", 6), 0, {3, 2}, {1, 3});
const std::string kHalves =
    pickle::Tensor(pickle::LegacyStorage("HalfStorage", "94210", 4), 1, {3}, {1});

LegacyParts Good() {
  return TorchLegacy(pickle::OrderedDict({pickle::Text("a"), kMatrix, pickle::Text("b"), kHalves,
                                          pickle::Text("tied"), kMatrix, pickle::Text("t"),
                                          kTransposed, pickle::Text("step"), pickle::Int(3)}),
                     {{"94210", 4, kFourHalves}, {"94211", 6, kSixFloats}});
}

TEST(PyTorchLegacyTest, AStateDictionaryLoads) {
  const std::string bytes = Good().Bytes();
  const auto table = ReadPyTorch(bytes);
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->tensors, SizeIs(4));
  EXPECT_THAT(table->others, ElementsAre("step"));
  EXPECT_THAT(table->blocks, IsEmpty());
  const TensorInfo* a = FindTensor(*table, "a");
  EXPECT_EQ(a->dtype, DType::kF32);
  EXPECT_THAT(a->shape, ElementsAre(2, 3));
  EXPECT_THAT(a->strides, IsEmpty());
  EXPECT_EQ(a->begin, bytes.find(kSixFloats));
  EXPECT_EQ(a->end, bytes.size());
  EXPECT_EQ(a->block, -1);
  EXPECT_EQ(FindTensor(*table, "tied")->begin, a->begin);
  EXPECT_THAT(FindTensor(*table, "t")->strides, ElementsAre(1, 3));
  const TensorInfo* b = FindTensor(*table, "b");
  EXPECT_EQ(b->dtype, DType::kF16);
  EXPECT_EQ(b->begin, bytes.find(kFourHalves) + 2);
  EXPECT_EQ(b->end, bytes.find(kFourHalves) + 8);
}

TEST(PyTorchLegacyTest, TheMetadataOfModulesIsPassedOver) {
  const std::string metadata =
      pickle::Dict({pickle::Text("_metadata"), pickle::EmptyOrderedDict()}) + "b";
  EXPECT_THAT(ReadPyTorch(TorchLegacy(pickle::OrderedDict({pickle::Text("a"), kMatrix}) + metadata,
                                      {{"94211", 6, kSixFloats}})
                              .Bytes()),
              IsOk());
}

// Only the front of the file is pickles; they are read in pieces.
TEST(PyTorchLegacyTest, PicklesOfManyPiecesLoad) {
  pickle::Pieces items;
  for (int i = 0; i < 3000; ++i) {
    items.push_back(pickle::Text(absl::StrCat("layer.", i, ".weight")));
    items.push_back(kMatrix);
  }
  const std::string bytes =
      TorchLegacy(pickle::OrderedDict(items), {{"94211", 6, kSixFloats}}).Bytes();
  ASSERT_GT(bytes.size(), 300'000);
  const auto table = ReadPyTorch(bytes);
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->tensors, SizeIs(3000));
  EXPECT_EQ(table->tensors[2999].name, "layer.2999.weight");
}

TEST(PyTorchLegacyTest, StoragesThatOnlyOtherThingsUseLoad) {
  const auto table =
      ReadPyTorch(TorchLegacy(pickle::Dict({pickle::Text("a"), kMatrix, pickle::Text("inner"),
                                            pickle::List({kHalves})}),
                              {{"94210", 4, kFourHalves}, {"94211", 6, kSixFloats}})
                      .Bytes());
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->others, ElementsAre("inner"));
}

// torch 2.11 writes such files and cannot read them.
TEST(PyTorchLegacyTest, TypesWithoutAStorageOfTheirOwnLoad) {
  const std::string storage =
      pickle::Tuple({pickle::Text("storage"), pickle::Global("torch.storage", "UntypedStorage"),
                     pickle::Text("0"), pickle::Text("cpu"), pickle::Int(8), "N"}) +
      "Q";
  const std::string tensor =
      pickle::TypedTensor(storage, 1, {3}, {1}, pickle::Global("torch", "uint16"));
  const std::string bytes =
      TorchLegacy(pickle::Dict({pickle::Text("w"), tensor}), {{"0", 8, "ABCDEFGH"}}).Bytes();
  const auto table = ReadPyTorch(bytes);
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->tensors[0].dtype, DType::kU16);
  EXPECT_EQ(table->tensors[0].begin, bytes.find("CDEFGH"));
  EXPECT_EQ(table->tensors[0].end, bytes.size());
}

TEST(PyTorchLegacyTest, AnEmptyStateLoads) {
  EXPECT_THAT(ReadPyTorch(TorchLegacy("}", {}).Bytes()), IsOk());
}

class PyTorchLegacyRefusalTest : public ::testing::TestWithParam<RefusedFile> {};

TEST_P(PyTorchLegacyRefusalTest, NamesFileAndPlace) {
  const testing::TemporaryFolder folder(testing::TemporaryFolder::Memory());
  const auto file = InputFile::Open(folder.Write("m.bin", GetParam().bytes));
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(ReadPyTorchLegacy(*file).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("/m.bin: ", GetParam().message))));
}

// The good file with one part replaced.
std::string With(std::string LegacyParts::* part, const std::string& by) {
  LegacyParts parts = Good();
  parts.*part = by;
  return parts.Bytes();
}

std::string List(const pickle::Pieces& keys) {
  return With(&LegacyParts::list, pickle::Whole(pickle::List(keys)));
}

std::string System(const pickle::Pieces& facts) {
  return With(&LegacyParts::system, pickle::Whole(pickle::Dict(facts)));
}

std::string State(const std::string& value) {
  return TorchLegacy(value, {{"94211", 6, kSixFloats}}).Bytes();
}

const std::string kKey0 = pickle::Text("94210");
const std::string kKey1 = pickle::Text("94211");

INSTANTIATE_TEST_SUITE_P(
    Legacy, PyTorchLegacyRefusalTest,
    ::testing::Values(
        RefusedFile{"Empty", "",
                    "byte 0: expected the magic number of torch.save, found an empty file"},
        RefusedFile{"GitLfsPointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0",
                    "byte 0: expected the magic number of torch.save, found a pointer of Git LFS: "
                    "fetch the file itself"},
        RefusedFile{
            "TarArchive", std::string(257, '\0') + "ustar" + std::string(300, '\0'),
            "byte 0: expected the magic number of torch.save, found a tar archive, as torch "
            "before 0.1.10 wrote: load and save it with a newer torch"},
        RefusedFile{"OtherPickle", pickle::Whole("}"),
                    "byte 0: expected the magic number of torch.save, found '\\x80\\x02}.'"},
        RefusedFile{"BadMagicNumber",
                    With(&LegacyParts::magic, pickle::Whole("\x8A\x0A" + std::string(10, '\1'))),
                    "byte 0: expected the magic number of torch.save, found another value"},
        RefusedFile{
            "MagicNumberInATuple",
            With(&LegacyParts::magic, pickle::Whole("\x8A\x0A" + std::string(10, '\1') + "\x85")),
            "byte 0: expected the magic number of torch.save, found another value"},
        RefusedFile{"WrongProtocolNumber",
                    With(&LegacyParts::protocol, pickle::Whole(pickle::Int(1000))),
                    "byte 15: expected protocol 1001, found the integer 1000"},
        RefusedFile{"ProtocolIsAText",
                    With(&LegacyParts::protocol, pickle::Whole(pickle::Text("1001"))),
                    "byte 15: expected protocol 1001, found the text '1001'"},
        RefusedFile{"BigEndian", System({pickle::Text("little_endian"), "\x89"}),
                    "byte 23: expected little_endian true, found false"},
        RefusedFile{"EndiannessIsANumber", System({pickle::Text("little_endian"), pickle::Int(1)}),
                    "byte 23: expected little_endian true, found the integer 1"},
        RefusedFile{
            "EndiannessTwice",
            System({pickle::Text("little_endian"), "\x88", pickle::Text("little_endian"), "\x88"}),
            "byte 23: expected little_endian once, found it 2 times"},
        RefusedFile{"EndiannessMissing", System({}),
                    "byte 23: expected little_endian once, found it 0 times"},
        RefusedFile{"SystemIsAList", With(&LegacyParts::system, pickle::Whole("]")),
                    "byte 23: expected a dictionary about the system, found a list of 0"},
        RefusedFile{"SystemNamesAStorage",
                    With(&LegacyParts::system,
                         pickle::Whole(pickle::LegacyStorage("FloatStorage", "1", 1))),
                    "byte 76: expected no persistent id here, found one"},
        RefusedFile{"StorageListShort", List({kKey0}),
                    "byte 675: expected all 2 storages of the state, found 1 without '94211'"},
        RefusedFile{"StorageListEmpty", List({}),
                    "byte 675: expected all 2 storages of the state, found 0 without '94211'"},
        RefusedFile{"ExtraStorage", List({kKey0, kKey1, pickle::Text("94212")}),
                    "byte 675: expected storages that the state uses, found the text '94212'"},
        RefusedFile{"StorageTwice", List({kKey0, kKey0}),
                    "byte 675: expected each storage once, found the text '94210' twice"},
        RefusedFile{"StorageKeyIsANumber", List({pickle::Int(94210)}),
                    "byte 675: expected storages that the state uses, found the integer 94210"},
        RefusedFile{"StorageListIsATuple", With(&LegacyParts::list, pickle::Whole(")")),
                    "byte 675: expected the list of storages, found a tuple of 0"},
        RefusedFile{
            "StorageDataTruncated", Good().Bytes().substr(0, Good().Bytes().size() - 1),
            "byte 717: storage '94211': expected 8 and 24 bytes, found 31 to the end of the file"},
        RefusedFile{
            "StorageDataMissing", With(&LegacyParts::storages, ""),
            "byte 701: storage '94210': expected 8 and 8 bytes, found 0 to the end of the file"},
        RefusedFile{"DataBehindTheStorages", Good().Bytes() + "x",
                    "byte 749: expected the end of the file, found 1 bytes of no storage"},
        RefusedFile{
            "ElementsLie",
            With(&LegacyParts::storages, Little(5, 8) + kFourHalves + Little(6, 8) + kSixFloats),
            "byte 701: storage '94210': expected 4 elements as in the state, found 5"},
        RefusedFile{"NegativeElements",
                    With(&LegacyParts::storages,
                         Little(UINT64_MAX, 8) + kFourHalves + Little(6, 8) + kSixFloats),
                    "byte 701: storage '94210': expected 4 elements as in the state, found "
                    "18446744073709551615"},
        RefusedFile{
            "StorageOf2To62Bytes",
            TorchLegacy(pickle::Dict({pickle::Text("a"), pickle::LegacyStorage("FloatStorage", "1",
                                                                               int64_t{1} << 60)}),
                        {{"1", uint64_t{1} << 60, kSixFloats}})
                .Bytes(),
            "byte 158: storage '1': expected 8 and 4611686018427387904 bytes, found 32 to the end"},
        RefusedFile{"ModuleSourceTuple",
                    State(pickle::Tuple({pickle::Text("module"), pickle::EmptyOrderedDict(),
                                         pickle::Text("m.py"), pickle::Text("import os")}) +
                          "Q"),
                    "byte 139: persistent id: item 0: expected the text 'storage', found the text "
                    "'module'"},
        RefusedFile{"ModuleClass", State(pickle::Global("torch.nn.modules.linear", "Linear")),
                    "byte 76: expected tensors and plain values, found the global "
                    "'torch.nn.modules.linear.Linear'"},
        RefusedFile{
            "UnknownPersistentId", State(pickle::Tuple({pickle::Text("array")}) + "Q"),
            "byte 88: persistent id: item 0: expected the text 'storage', found the text 'array'"},
        RefusedFile{"PersistentIdOfAZipFile", State(pickle::Storage("FloatStorage", "94211", 6)),
                    "byte 130: persistent id: expected a tuple of 6, found a tuple of 5"},
        RefusedFile{"ViewOfAStorage",
                    State(pickle::LegacyStorage("FloatStorage", "94211", 6,
                                                pickle::Tuple({pickle::Text("1"), pickle::Int(0),
                                                               pickle::Int(3)}))),
                    "byte 142: persistent id: item 5: expected no view of the storage (torch "
                    "before 0.4 wrote "
                    "such), found a tuple of 3"},
        RefusedFile{"DuplicateKeys",
                    State(pickle::Dict({pickle::Text("a"), kMatrix, pickle::Text("a"), kMatrix})),
                    "byte 74: expected names that differ, found 'a' twice"},
        RefusedFile{
            "GlobalEval",
            State(pickle::Call(pickle::Global("__builtin__", "eval"), {pickle::Text("1")})),
            "byte 76: expected tensors and plain values, found the global '__builtin__.eval'"},
        RefusedFile{"TrainingCheckpoint",
                    State(pickle::Dict({pickle::Text("state_dict"),
                                        pickle::OrderedDict({pickle::Text("a"), kMatrix})})),
                    "byte 74: expected the tensors of one model, found a checkpoint of a training "
                    "run: its dictionaries of tensors are 'state_dict'; save the one"},
        RefusedFile{"PickleCutInTheState", Good().Bytes().substr(0, Good().state_begin() + 60),
                    "byte 110: expected a line of at most 255 bytes, found none in 10"}),
    NameOf);

TEST(PyTorchLegacyTest, OtherFactsOfTheSystemAreIgnored) {
  EXPECT_THAT(ReadPyTorch(System({pickle::Int(1), "N", pickle::Text("type_sizes"), "}",
                                  pickle::Text("little_endian"), "\x88"})),
              IsOk());
}

TEST(PyTorchLegacyTest, PlacesAreBytesOfTheFile) {
  LegacyParts parts = Good();
  const size_t at = parts.list_begin();
  parts.list = pickle::Whole(pickle::List({kKey0}));
  EXPECT_THAT(ReadPyTorch(parts.Bytes()).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat(": byte ", at, ": expected all 2 storages"))));
  parts = Good();
  parts.storages[0] = 5;
  EXPECT_THAT(ReadPyTorch(parts.Bytes()).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat(": byte ", parts.storages_begin(),
                                              ": storage '94210': expected 4 elements"))));
  parts = TorchLegacy(pickle::Global("posix", "system"), {});
  EXPECT_THAT(ReadPyTorch(parts.Bytes()).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat(": byte ", parts.state_begin() + 2,
                                              ": expected tensors and plain values, found the "
                                              "global 'posix.system'"))));
}

}  // namespace
}  // namespace graft
