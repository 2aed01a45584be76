// The pickle machine, as the entry data.pkl of an archive drives it.
#include "models/weights/pickle_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/weights/pytorch_bytes.h"
#include "tests/models/weights/pytorch_reader.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using graft::testing::FindTensor;
using graft::testing::IsOk;
using graft::testing::Little;
using graft::testing::NameOf;
using graft::testing::ReadPyTorch;
using graft::testing::RefusedFile;
using graft::testing::StatusIs;
using graft::testing::TorchRecords;
using graft::testing::ZipBytes;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace pickle = graft::testing::pickle;

const std::string kSixFloats(24, '\x3F');
const std::string kFloats = pickle::Storage("FloatStorage", "0", 6);
const std::string kMatrix = pickle::Tensor(kFloats, 0, {2, 3}, {3, 1});

// An archive with these bytes as its pickle.
std::string Raw(const std::string& bytes) { return ZipBytes(TorchRecords(bytes, {kSixFloats})); }
std::string Value(const std::string& value) { return Raw(pickle::Whole(value)); }
// The value under the name "w".
std::string Named(const std::string& value) { return Value("}" + pickle::Text("w") + value + "s"); }

std::string Repeat(std::string_view piece, size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += piece;
  return bytes;
}

TEST(PickleReaderTest, StatesOfPython2Load) {
  const auto short_text = [](std::string_view text) {
    return "U" + Little(text.size(), 1) + std::string(text);
  };
  // Python 2 hands the pairs to OrderedDict, writes byte strings, and numbers as LONG1.
  const std::string storage =
      pickle::Tuple({short_text("storage"), pickle::Global("torch", "FloatStorage"),
                     short_text("0"), short_text("cpu"), "\x8A\1\6"}) +
      "Q";
  const std::string tensor =
      pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor"),
                   {storage, std::string("\x8A\0", 2), pickle::Tuple({"\x8A\1\2", "\x8A\1\3"}),
                    pickle::Ints({3, 1})});
  const std::string pairs = pickle::List(
      {pickle::List({short_text("a"), tensor}), pickle::List({short_text("b"), tensor})});
  const auto table =
      ReadPyTorch(Value(pickle::Call(pickle::Global("collections", "OrderedDict"), {pairs})));
  ASSERT_THAT(table, IsOk());
  ASSERT_THAT(table->tensors, SizeIs(2));
  EXPECT_THAT(FindTensor(*table, "b")->shape, ElementsAre(2, 3));
}

TEST(PickleReaderTest, TheMemoIsShared) {
  const std::string wide = "r" + Little(300, 4);
  const std::string padding = pickle::Text(std::string(400, 'p'));
  // The padding stands in front of the entry, whose number is below the bytes so far.
  const auto table = ReadPyTorch(Value("}(" + padding + "q\1h\1" + pickle::Text("a") + kMatrix +
                                       wide + pickle::Text("b") + "j" + Little(300, 4) + "u"));
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->tensors, SizeIs(2));
}

TEST(PickleReaderTest, AMemoEntryHoldsWhatWasPutLast) {
  EXPECT_THAT(
      ReadPyTorch(Value("}" + pickle::Text("a") + "q\1Ns" + pickle::Text("b") + "q\1Ns" + "h\1Ns")),
      StatusIs(absl::StatusCode::kDataLoss,
               HasSubstr("expected names that differ, found 'b' twice")));
}

TEST(PickleReaderTest, CyclesDoNoHarm) {
  // A dictionary and a list that hold themselves.
  const std::string zero("\0", 1);
  const auto cycles =
      ReadPyTorch(Value("}q" + zero + pickle::Text("self") + "h" + zero + "s" +
                        pickle::Text("list") + "]q\1h\1as" + pickle::Text("w") + kMatrix + "s"));
  ASSERT_THAT(cycles, IsOk());
  EXPECT_THAT(cycles->tensors, SizeIs(1));
  EXPECT_THAT(cycles->others, ElementsAre("self", "list"));
}

// torch.load takes any depth.
TEST(PickleReaderTest, DepthIsBounded) {
  const auto expect = [](const std::string& value, bool accepted) {
    const auto table = ReadPyTorch(Named(value));
    if (accepted) {
      EXPECT_THAT(table, IsOk());
    } else {
      EXPECT_THAT(table,
                  StatusIs(absl::StatusCode::kDataLoss,
                           AllOf(HasSubstr("archive/data.pkl: byte "),
                                 HasSubstr("expected values of at most 64 levels, found more"))));
    }
  };
  // The dictionary of the state is a level, an empty container is none.
  for (const size_t levels : {63, 64, 10'000}) {
    const bool accepted = levels == 63;
    expect(")" + Repeat("\x85", levels), accepted);
    expect(Repeat("](", levels) + "N" + Repeat("e", levels), accepted);
    expect(Repeat("(", levels) + "N" + Repeat("t", levels), accepted);
    expect(Repeat("}N", levels) + "N" + Repeat("s", levels), accepted);
    expect(Repeat("}", levels / 2) + "N" + Repeat("\x85Ns", levels / 2), accepted);
  }
  // A list that holds itself has no depth.
  expect("]q\1h\1a", true);
}

// Ten kilobytes that ask for ten million items.
TEST(PickleReaderTest, AmplificationIsBounded) {
  std::string pairs = "](";
  for (int i = 0; i < 10'000; ++i) pairs += "K\1K\1\x86";
  pairs += "eq\1" + pickle::Global("collections", "OrderedDict") + "q\2";
  EXPECT_THAT(ReadPyTorch(Named(pairs + Repeat("h\2h\1\x85R", 1000))),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("expected at most 4194304 items, found more")));
}

// One dictionary of many items under many names: items times names would take minutes.
TEST(PickleReaderTest, SharedDictionariesAreSearchedOnce) {
  std::string state = "}(" + pickle::Text("first") + "}q\1(" + Repeat("NN", 400'000) + "u";
  for (int i = 0; i < 100'000; ++i) state += pickle::Text(absl::StrCat(i)) + "h\1";
  const auto table = ReadPyTorch(Value(state + "u"));
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(table->others, SizeIs(100'001));
  for (int i = 0; i < 50'000; ++i) state += pickle::Text(absl::StrCat("more", i)) + "h\1";
  EXPECT_THAT(ReadPyTorch(Value(state + "u")),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("expected at most 131072 names, found 150001")));
}

class PickleRefusalTest : public ::testing::TestWithParam<RefusedFile> {};

TEST_P(PickleRefusalTest, NamesFileAndPlace) {
  EXPECT_THAT(ReadPyTorch(GetParam().bytes).status(),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("/m.bin: archive/data.pkl: ", GetParam().message))));
}

// The persistent id of a storage with one of its parts replaced.
std::string PersistentId(size_t index, const std::string& by) {
  pickle::Pieces parts = {pickle::Text("storage"), pickle::Global("torch", "FloatStorage"),
                          pickle::Text("0"), pickle::Text("cpu"), pickle::Int(6)};
  parts[index] = by;
  return pickle::Tuple(parts) + "Q";
}

INSTANTIATE_TEST_SUITE_P(
    Machine, PickleRefusalTest,
    ::testing::Values(
        RefusedFile{"Empty", Raw(""), "byte 0: expected 1 bytes, found 0 before the end at byte 0"},
        RefusedFile{"NoProtocol", Raw("}."),
                    "byte 0: expected the opcode PROTO, found the opcode EMPTY_DICT"},
        RefusedFile{"Protocol4", Raw("\x80\x04\x95" + Little(2, 8) + "}."),
                    "byte 0: expected pickle protocol 2, found 4"},
        RefusedFile{"Protocol5", Raw("\x80\x05}."), "byte 0: expected pickle protocol 2, found 5"},
        RefusedFile{"Protocol0", Raw("(dp0\n."),
                    "byte 0: expected the opcode PROTO, found the opcode MARK"},
        RefusedFile{"FrameOfProtocol4", Value("\x95" + Little(2, 8) + "}"),
                    "byte 2: expected an opcode of a pickled state, found the opcode FRAME"},
        RefusedFile{"GlobalPosixSystem",
                    Value(pickle::Call(pickle::Global("posix", "system"), {pickle::Text("id")})),
                    "byte 2: expected tensors and plain values, found the global 'posix.system'"},
        RefusedFile{"GlobalBuiltinsEval",
                    Value(pickle::Call(pickle::Global("builtins", "eval"), {pickle::Text("1")})),
                    "byte 2: expected tensors and plain values, found the global 'builtins.eval'"},
        // picklescan#23: the name comes from the memo.
        RefusedFile{
            "StackGlobal",
            Value(pickle::Text("posix") + "q\1" + pickle::Text("system") + "q\2h\1h\2\x93"),
            "byte 31: expected an opcode of a pickled state, found the opcode STACK_GLOBAL"},
        RefusedFile{"RebuildQTensor", Named(pickle::Global("torch._utils", "_rebuild_qtensor")),
                    "byte 9: expected tensors and plain values, found the global "
                    "'torch._utils._rebuild_qtensor'"},
        // CVE-2025-32434 came with tar files and this function.
        RefusedFile{"LoadFromBytes", Named(pickle::Global("torch.storage", "_load_from_bytes")),
                    "byte 9: expected tensors and plain values, found the global "
                    "'torch.storage._load_from_bytes'"},
        RefusedFile{"GlobalWithControlCharacters", Value(pickle::Global("a\x1B[2J", "b")),
                    "byte 2: expected tensors and plain values, found the global 'a\\x1B[2J.b'"},
        RefusedFile{"GlobalWithoutEnd", Value("c" + std::string(300, 'a')),
                    "byte 2: expected a line of at most 255 bytes, found none in 256"},
        RefusedFile{"Inst", Value("(iposix\nsystem\n"),
                    "byte 3: expected an opcode of a pickled state, found the opcode INST"},
        RefusedFile{"Obj", Value("(o"),
                    "byte 3: expected an opcode of a pickled state, found the opcode OBJ"},
        RefusedFile{"NewObj", Value(pickle::Global("collections", "OrderedDict") + ")\x81"),
                    "byte 28: expected an opcode of a pickled state, found the opcode NEWOBJ"},
        RefusedFile{"Extension", Value("\x82\1"),
                    "byte 2: expected an opcode of a pickled state, found the opcode EXT1"},
        RefusedFile{"NoOpcode", Value("\xFF"),
                    "byte 2: expected an opcode of a pickled state, found the byte 0xFF"},
        RefusedFile{"SecondProtocol", Value("\x80\x02}"),
                    "byte 2: expected an opcode of a pickled state, found the opcode PROTO"},
        RefusedFile{"MemoEntry2To31", Value("}r" + Little(0x80000000, 4)),
                    "byte 3: expected a memo entry below 8, found 2147483648"},
        RefusedFile{"MemoEntryOfAllBits", Value("}r" + Little(UINT32_MAX, 4)),
                    "byte 3: expected a memo entry below 8, found 4294967295"},
        RefusedFile{"MemoEntryNotPut", Value("}q\1h\4"),
                    "byte 5: expected a memo entry that was put, found 4"},
        RefusedFile{"MemoEntryBelowOneThatWasPut", Value("}q\2h\1"),
                    "byte 5: expected a memo entry that was put, found 1"},
        RefusedFile{"MemoOfNothing", Value("q\1"),
                    "byte 2: expected 1 values on the stack, found 0"},
        RefusedFile{"TextOf4GB", Value("X" + Little(UINT32_MAX, 4) + "text"),
                    "byte 2: expected 4294967295 bytes, found 5 before the end at byte 12"},
        RefusedFile{"ShortTextCut", Value("U\xFFtext"),
                    "byte 2: expected 255 bytes, found 5 before the end at byte 9"},
        RefusedFile{"IntegerCut", Raw("\x80\x02J\1\1"),
                    "byte 2: expected 4 bytes, found 2 before the end"},
        RefusedFile{"LongIntegerCut", Raw("\x80\x02\x8A\x08\1"),
                    "byte 2: expected 8 bytes, found 1 before the end at byte 5"},
        RefusedFile{"VeryLongIntegerCut", Raw("\x80\x02\x8A\x09\1"),
                    "byte 2: expected 9 bytes, found 1 before the end at byte 5"},
        RefusedFile{"FloatCut", Raw("\x80\x02G\1"),
                    "byte 2: expected 8 bytes, found 1 before the end at byte 4"},
        RefusedFile{"NoStop", Raw("\x80\x02}"), "byte 3: expected 1 bytes, found 0 before the end"},
        RefusedFile{"DataBehindStop", Raw("\x80\x02}.}."),
                    "byte 4: expected the end behind the opcode STOP, found more bytes"},
        RefusedFile{"TwoValuesAtStop", Value("}}"),
                    "byte 4: expected one value at the opcode STOP, found 2 and 0 marks"},
        RefusedFile{"OpenMarkAtStop", Value("}("),
                    "byte 4: expected 1 values on the stack, found 0"},
        RefusedFile{"MarkBelowTheValueAtStop", Value("(}"),
                    "byte 4: expected one value at the opcode STOP, found 1 and 1 marks"},
        RefusedFile{"NothingAtStop", Value(""), "byte 2: expected 1 values on the stack, found 0"},
        // CVE-2026-24747
        RefusedFile{"SetItemOnAList", Value("]K\1K\1s"),
                    "byte 7: expected a dictionary to set items of, found a list of 0"},
        RefusedFile{"SetItemsOnATensor", Value(kMatrix + "(K\1K\1u"),
                    "byte 136: expected a dictionary to set items of, found a tensor"},
        RefusedFile{"SetItemsWithoutMark", Value("}K\1K\1u"),
                    "byte 7: expected a mark, found none"},
        RefusedFile{"SetItemsOnNothing", Value("(K\1K\1u"),
                    "byte 7: expected a value below the mark, found none"},
        RefusedFile{"SetItemsBelowTheMark", Value("}((K\1K\1u"),
                    "byte 9: expected a value below the mark, found none"},
        RefusedFile{"SetItemsWithoutAValue", Value("}(K\1u"),
                    "byte 6: expected keys with values, found 1 of both"},
        RefusedFile{"KeyThatChanges", Value("}]K\1s"),
                    "byte 6: expected a key that does not change, found a list of 0"},
        RefusedFile{"DictionaryAsKey", Value("}}K\1s"),
                    "byte 6: expected a key that does not change, found a dictionary of 0"},
        RefusedFile{"SetItemOfTwo", Value("K\1K\1s"),
                    "byte 6: expected 3 values on the stack, found 2"},
        RefusedFile{"AppendOfOne", Value("]a"), "byte 3: expected 2 values on the stack, found 1"},
        RefusedFile{"CallOfOne", Value(")R"), "byte 3: expected 2 values on the stack, found 1"},
        RefusedFile{"BuildOfOne", Value("}b"), "byte 3: expected 2 values on the stack, found 1"},
        RefusedFile{"PersistentIdOfNothing", Value("Q"),
                    "byte 2: expected 1 values on the stack, found 0"},
        RefusedFile{"AppendToADictionary", Value("}K\1a"),
                    "byte 5: expected a list to append to, found a dictionary of 0"},
        RefusedFile{"AppendsToATuple", Value(")(K\1e"),
                    "byte 6: expected a list to append to, found a tuple of 0"},
        RefusedFile{"TupleWithoutMark", Value("K\1t"), "byte 4: expected a mark, found none"},
        RefusedFile{"Tuple3OfTwo", Value("K\1K\1\x87"),
                    "byte 6: expected 3 values on the stack, found 2"},
        RefusedFile{"TupleAcrossTheMark", Value("K\1(K\1\x86"),
                    "byte 7: expected 2 values on the stack, found 1"},
        RefusedFile{"BuildOnADictionary", Value("}}b"),
                    "byte 4: expected a collections.OrderedDict to give attributes to, found a "
                    "dictionary of 0"},
        RefusedFile{
            "BuildOnATensor", Value(kMatrix + "}b"),
            "byte 132: expected a collections.OrderedDict to give attributes to, found a tensor"},
        RefusedFile{"BuildWithATuple", Value(pickle::EmptyOrderedDict() + ")b"),
                    "byte 30: expected a dictionary of attributes, found a tuple of 0"},
        RefusedFile{"CallOfAText", Value(pickle::Call(pickle::Text("eval"), {})),
                    "byte 13: expected a function to call, found the text 'eval'"},
        RefusedFile{"CallOfAStorageClass",
                    Value(pickle::Call(pickle::Global("torch", "FloatStorage"), {})),
                    "byte 24: expected a function to call, found the global 'torch.FloatStorage'"},
        RefusedFile{
            "CallWithAList", Value(pickle::Global("collections", "OrderedDict") + "]R"),
            "byte 28: collections.OrderedDict: expected a tuple of 0 to 1, found a list of 0"},
        RefusedFile{
            "OrderedDictOfATensor",
            Value(pickle::Call(pickle::Global("collections", "OrderedDict"), {pickle::Int(1)})),
            "byte 31: collections.OrderedDict: item 0: expected a list of pairs, found the "
            "integer 1"},
        RefusedFile{"OrderedDictOfAListOfNumbers",
                    Value(pickle::Call(pickle::Global("collections", "OrderedDict"),
                                       {pickle::List({pickle::Int(1)})})),
                    "byte 34: collections.OrderedDict: item 0: expected a list of pairs with the "
                    "integer 1, found a list of 1"},
        RefusedFile{"OrderedDictOfTriples",
                    Value(pickle::Call(pickle::Global("collections", "OrderedDict"),
                                       {pickle::List({pickle::Ints({1, 2, 3})})})),
                    "byte 40: collections.OrderedDict: item 0: expected a list of pairs with a "
                    "tuple of 3, found a list of 1"},
        RefusedFile{"PersistentIdIsNoTuple", Value(pickle::Text("storage") + "Q"),
                    "byte 14: persistent id: expected a tuple of 1 to 6, found the text 'storage'"},
        RefusedFile{"PersistentIdOfAModule",
                    Value(pickle::Tuple({pickle::Text("module"), "N", "N", "N"}) + "Q"),
                    "byte 18: persistent id: item 0: expected the text 'storage', found the text "
                    "'module'"},
        RefusedFile{"PersistentIdOfALegacyFile",
                    Value(pickle::LegacyStorage("FloatStorage", "0", 6)),
                    "byte 53: persistent id: expected a tuple of 5, found a tuple of 6"},
        RefusedFile{"StorageOfNoClass",
                    Value(pickle::Tuple({pickle::Text("storage"),
                                         pickle::Global("collections", "OrderedDict"),
                                         pickle::Text("0"), pickle::Text("cpu"), pickle::Int(6)}) +
                          "Q"),
                    "byte 57: persistent id: item 1: expected the class of a storage, found the "
                    "global 'collections.OrderedDict'"},
        RefusedFile{"StorageOfAText", Value(PersistentId(1, pickle::Text("FloatStorage"))),
                    "byte 49: persistent id: item 1: expected the class of a storage, found the "
                    "text 'FloatStorage'"},
        RefusedFile{"StorageKeyIsANumber", Value(PersistentId(2, pickle::Int(0))),
                    "byte 48: persistent id: item 2: expected a key, found the integer 0"},
        RefusedFile{"LongStorageKey", Value(PersistentId(2, pickle::Text(std::string(1025, 'k')))),
                    "byte 1076: persistent id: item 2: expected a key of at most 1024 bytes, found "
                    "the text 'kkk"},
        RefusedFile{"DeviceIsNone", Value(PersistentId(3, "N")),
                    "byte 45: persistent id: item 3: expected a device, found none"},
        RefusedFile{"ElementsAreAText", Value(PersistentId(4, pickle::Text("6"))),
                    "byte 56: persistent id: item 4: expected an integer of at least 0, found the "
                    "text '6'"},
        RefusedFile{"StorageOfComplexNumbers",
                    Value(pickle::Storage("ComplexFloatStorage", "0", 6)),
                    "byte 15: expected tensors and plain values, found the global "
                    "'torch.ComplexFloatStorage'"},
        RefusedFile{"StorageOfUntypedBytes",
                    Value(pickle::Global("torch.storage", "UntypedStorage")),
                    "expected a dictionary of tensors, found the global "
                    "'torch.storage.UntypedStorage'"},
        RefusedFile{"NegativeElements", Value(pickle::Storage("FloatStorage", "0", -6)),
                    "byte 55: persistent id: item 4: expected an integer of at least 0, found the "
                    "integer -6"},
        RefusedFile{"TwoTypesOfOneStorage",
                    Named(pickle::Tuple({kFloats, pickle::Storage("IntStorage", "0", 6)})),
                    "byte 109: expected storage '0' to stay 6 elements of F32, found 6 of I32"},
        RefusedFile{"TwoSizesOfOneStorage",
                    Named(pickle::Tuple({kFloats, pickle::Storage("FloatStorage", "0", 7)})),
                    "byte 111: expected storage '0' to stay 6 elements of F32, found 7 of F32"},
        // pytorch#181310: times 4 it is 4.
        RefusedFile{
            "ElementsThatWrap", Value(pickle::Storage("FloatStorage", "0", 0x4000000000000001)),
            "byte 60: persistent id: item 4: expected a storage below 2^63 bytes, found the "
            "integer 4611686018427387905"}),
    NameOf);

std::string View(int64_t offset, const std::vector<int64_t>& shape,
                 const std::vector<int64_t>& strides) {
  return Named(pickle::Tensor(kFloats, offset, shape, strides));
}

// The arguments of _rebuild_tensor_v2 with one of them replaced.
std::string Argument(size_t index, const std::string& by) {
  pickle::Pieces arguments = {kFloats,
                              pickle::Int(0),
                              pickle::Ints({2, 3}),
                              pickle::Ints({3, 1}),
                              "\x89",
                              pickle::EmptyOrderedDict(),
                              "N"};
  arguments[index] = by;
  return Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor_v2"), arguments));
}

INSTANTIATE_TEST_SUITE_P(
    Tensors, PickleRefusalTest,
    ::testing::Values(
        RefusedFile{
            "OffsetBehindTheStorage", View(1, {2, 3}, {3, 1}),
            "byte 137: expected a tensor inside the 6 elements of storage '0', found F32 of shape "
            "[2, 3] with strides [3, 1] from element 1 on"},
        RefusedFile{"OffsetOfAllBits", View(INT64_MAX, {1}, {1}),
                    "byte 141: expected a tensor inside the 6 elements of storage '0', found F32 "
                    "of shape [1] "
                    "with strides [1] from element 9223372036854775807 on"},
        RefusedFile{"StrideBehindTheStorage", View(0, {2, 3}, {4, 1}),
                    "byte 137: expected a tensor inside the 6 elements of storage '0'"},
        RefusedFile{"StrideThatWraps", View(0, {3}, {INT64_MAX}),
                    "byte 141: expected a tensor inside the 6 elements of storage '0'"},
        RefusedFile{"StridesWhoseSumWraps", View(2, {2, 2, 3}, {INT64_MAX, INT64_MAX, 1}),
                    "byte 157: expected a tensor inside the 6 elements of storage '0'"},
        RefusedFile{"RankZeroBehindTheStorage", View(6, {}, {}),
                    "byte 129: expected a tensor inside the 6 elements of storage '0'"},
        RefusedFile{
            "NegativeSize", View(0, {-2, 3}, {3, 1}),
            "byte 140: torch._utils._rebuild_tensor_v2: item 2: expected integers of at least 0, "
            "found the integer -2"},
        RefusedFile{
            "NegativeStride", View(0, {2, 3}, {-3, 1}),
            "byte 140: torch._utils._rebuild_tensor_v2: item 3: expected integers of at least 0, "
            "found the integer -3"},
        RefusedFile{
            "NegativeOffset", View(-1, {2, 3}, {3, 1}),
            "byte 140: torch._utils._rebuild_tensor_v2: item 1: expected an integer of at least 0, "
            "found the integer -1"},
        RefusedFile{
            "ShapeThatWraps", View(0, {4194305, 4194305, 211106198978564}, {1, 1, 1}),
            "byte 155: expected a tensor below 2^63 bytes, found F32 of shape [4194305, 4194305, "
            "211106198978564]"},
        RefusedFile{"ShapeThatWrapsBeforeTheZero", View(0, {INT64_MAX, INT64_MAX, 0}, {1, 1, 1}),
                    "byte 157: expected a tensor below 2^63 bytes"},
        RefusedFile{"ExpandedTensor", View(0, {1'000'000}, {0}),
                    "byte 136: expected a tensor that repeats no element, found F32 of shape "
                    "[1000000] with "
                    "strides [0] from element 0 on"},
        RefusedFile{"OverlappingWindows", View(0, {3, 4}, {1, 1}),
                    "byte 137: expected a tensor of no more bytes than storage '0' of 6 elements, "
                    "found F32 "
                    "of shape [3, 4] with strides [1, 1] from element 0 on"},
        RefusedFile{"NineDimensions",
                    View(0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1)),
                    "byte 165: torch._utils._rebuild_tensor_v2: item 2: expected at most 8 "
                    "dimensions, found "
                    "a tuple of 9"},
        RefusedFile{"FewerStrides", View(0, {2, 3}, {3}),
                    "byte 135: torch._utils._rebuild_tensor_v2: item 3: expected a tuple of 2 "
                    "strides, found "
                    "a tuple of 1"},
        RefusedFile{"StorageIsATuple", Argument(0, ")"),
                    "byte 88: torch._utils._rebuild_tensor_v2: item 0: expected a storage, found a "
                    "tuple of "
                    "0"},
        RefusedFile{
            "OffsetIsAFloat", Argument(1, "G" + std::string(8, '\0')),
            "byte 145: torch._utils._rebuild_tensor_v2: item 1: expected an integer of at least 0, "
            "found a floating-point number"},
        RefusedFile{
            "OffsetOf10Bytes", Argument(1, "\x8A\x0A" + std::string(10, '\1')),
            "byte 148: torch._utils._rebuild_tensor_v2: item 1: expected an integer of at least 0, "
            "found an integer of 10 bytes"},
        RefusedFile{"ShapeIsAList", Argument(2, pickle::List({pickle::Int(6)})),
                    "byte 137: torch._utils._rebuild_tensor_v2: item 2: expected a tuple of "
                    "integers, found a "
                    "list of 1"},
        RefusedFile{
            "ShapeOfTexts", Argument(2, pickle::Tuple({pickle::Text("2")})),
            "byte 140: torch._utils._rebuild_tensor_v2: item 2: expected integers of at least 0, "
            "found the text '2'"},
        RefusedFile{
            "GradientIsNoBool", Argument(4, pickle::Int(1)),
            "byte 139: torch._utils._rebuild_tensor_v2: item 4: expected true or false, found the "
            "integer 1"},
        RefusedFile{"HooksAreNoDictionary", Argument(5, ")"),
                    "byte 112: torch._utils._rebuild_tensor_v2: item 5: expected a dictionary of "
                    "hooks, found "
                    "a tuple of 0"},
        // A view whose numbers torch negates when it reads them.
        RefusedFile{
            "NegatedView", Argument(6, pickle::Dict({pickle::Text("neg"), "\x88"})),
            "byte 149: torch._utils._rebuild_tensor_v2: item 6: expected no metadata, found a "
            "dictionary of 1"},
        RefusedFile{"MetadataIsANumber", Argument(6, pickle::Int(1)),
                    "byte 139: torch._utils._rebuild_tensor_v2: item 6: expected no metadata, "
                    "found the integer 1"},
        RefusedFile{"StridesAreNone", Argument(3, "N"),
                    "byte 133: torch._utils._rebuild_tensor_v2: item 3: expected a tuple of "
                    "integers, found none"},
        RefusedFile{"ThreeArgumentsOfTheOldFunction",
                    Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor"),
                                       {kFloats, pickle::Int(0), ")"})),
                    "byte 95: torch._utils._rebuild_tensor: expected a tuple of 4, found a tuple "
                    "of 3"},
        RefusedFile{"TwoArgumentsOfAParameter",
                    Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_parameter"),
                                       {kMatrix, "\x88"})),
                    "byte 174: torch._utils._rebuild_parameter: expected a tuple of 3, found a "
                    "tuple of 2"},
        RefusedFile{"ParameterWithoutGradient",
                    Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_parameter"),
                                       {kMatrix, "N", "}"})),
                    "byte 175: torch._utils._rebuild_parameter: item 1: expected true or false, "
                    "found none"},
        RefusedFile{"FiveArguments",
                    Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor_v2"),
                                       {kFloats, pickle::Int(0), ")", ")", "\x89"})),
                    "byte 100: torch._utils._rebuild_tensor_v2: expected a tuple of 6 to 7, found "
                    "a tuple of "
                    "5"},
        RefusedFile{
            "ParameterOfAText",
            Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_parameter"),
                               {pickle::Text("t"), "\x88", "}"})),
            "byte 52: torch._utils._rebuild_parameter: item 0: expected a tensor, found the text "
            "'t'"}),
    NameOf);

// The 24 bytes of the floats as a tensor with a type of its own.
std::string Typed(int64_t offset, const std::vector<int64_t>& shape,
                  const std::string& type = pickle::Global("torch", "float8_e5m2"),
                  const std::string& more = "") {
  return Named(pickle::TypedTensor(pickle::Untyped("0", 24), offset, shape, {1}, type, more));
}
std::string OtherType(std::string_view name) {
  return Typed(0, {24}, pickle::Global("torch", name));
}

INSTANTIATE_TEST_SUITE_P(
    TypedTensors, PickleRefusalTest,
    ::testing::Values(
        RefusedFile{
            "Float8BehindTheStorage", Typed(1, {24}),
            "byte 162: expected a tensor inside the 24 elements of storage '0', found F8_E5M2 of "
            "shape [24] with strides [1] from element 1 on"},
        RefusedFile{
            "NumbersOf4BytesBehindTheStorage", Typed(0, {7}, pickle::Global("torch", "uint32")),
            "byte 157: expected a tensor inside the 6 elements of storage '0', found U32 of shape "
            "[7]"},
        RefusedFile{
            "NumbersOf8BytesOverAnOddStorage",
            Named(pickle::TypedTensor(pickle::Untyped("0", 23), 0, {3}, {1},
                                      pickle::Global("torch", "uint64"))),
            "byte 157: expected a tensor inside the 2 elements of storage '0', found U64 of shape "
            "[3]"},
        RefusedFile{"TheTypeIsAText", Typed(0, {24}, pickle::Text("float8_e5m2")),
                    "byte 159: torch._utils._rebuild_tensor_v3: item 6: expected an element type, "
                    "found the "
                    "text 'float8_e5m2'"},
        RefusedFile{"TheTypeIsAStorage", Typed(0, {24}, pickle::Global("torch", "ByteStorage")),
                    "byte 162: torch._utils._rebuild_tensor_v3: item 6: expected an element type, "
                    "found the "
                    "global 'torch.ByteStorage'"},
        RefusedFile{"TypedGradientIsNoBool",
                    Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor_v3"),
                                       {pickle::Untyped("0", 24), pickle::Int(0),
                                        pickle::Ints({24}), pickle::Ints({1}), "N", "}",
                                        pickle::Global("torch", "float8_e5m2")})),
                    "byte 136: torch._utils._rebuild_tensor_v3: item 4: expected true or false, "
                    "found none"},
        RefusedFile{
            "TypedMetadata", Typed(0, {24}, pickle::Global("torch", "float8_e5m2"), pickle::Int(1)),
            "byte 164: torch._utils._rebuild_tensor_v3: item 7: expected no metadata, found the "
            "integer 1"},
        RefusedFile{
            "NoType",
            Named(pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor_v3"),
                               {kFloats, pickle::Int(0), ")", ")", "\x89", "}"})),
            "byte 101: torch._utils._rebuild_tensor_v3: expected a tuple of 7 to 8, found a tuple "
            "of 6"},
        RefusedFile{"ATypeIsCalled", Value(pickle::Call(pickle::Global("torch", "uint16"), {})),
                    "byte 18: expected a function to call, found the global 'torch.uint16'"},
        RefusedFile{"Float8WithoutNegativeZero", OtherType("float8_e4m3fnuz"),
                    "byte 142: expected tensors and plain values, found the global "
                    "'torch.float8_e4m3fnuz', whose numbers are not those of the "
                    "type without UZ"},
        RefusedFile{"OtherFloat8WithoutNegativeZero", OtherType("float8_e5m2fnuz"),
                    "byte 142: expected tensors and plain values, found the global "
                    "'torch.float8_e5m2fnuz', whose numbers are not those of the "
                    "type without UZ"},
        RefusedFile{"NumbersOf4Bits", OtherType("float4_e2m1fn_x2"),
                    "byte 142: expected tensors and plain values, found the global "
                    "'torch.float4_e2m1fn_x2', whose elements take 4 bits"},
        RefusedFile{"ComplexNumbers", Named(pickle::Storage("ComplexFloatStorage", "0", 3)),
                    "byte 22: expected tensors and plain values, found the global "
                    "'torch.ComplexFloatStorage', whose elements are pairs of "
                    "numbers"},
        RefusedFile{"ComplexNumbersOf16Bytes",
                    Named(pickle::Storage("ComplexDoubleStorage", "0", 1)),
                    "byte 22: expected tensors and plain values, found the global "
                    "'torch.ComplexDoubleStorage', whose elements are pairs of "
                    "numbers"}),
    NameOf);

// Under "0", "1" and so on a dictionary of one tensor each.
std::string ManyModels(int count) {
  pickle::Pieces items;
  for (int i = 0; i < count; ++i) {
    items.push_back(pickle::Text(absl::StrCat(i)));
    items.push_back(pickle::Dict({pickle::Text("w"), kMatrix}));
  }
  return pickle::Dict(items);
}

INSTANTIATE_TEST_SUITE_P(
    States, PickleRefusalTest,
    ::testing::Values(
        RefusedFile{"ATensor", Value(kMatrix), "expected a dictionary of tensors, found a tensor"},
        RefusedFile{"AList", Value(pickle::List({kMatrix})),
                    "expected a dictionary of tensors, found a list of 1"},
        RefusedFile{"NumbersAsKeys", Value(pickle::Dict({pickle::Int(1), kMatrix})),
                    "expected a dictionary whose keys are names, found the key the integer 1"},
        RefusedFile{"NamesTwice",
                    Value(pickle::Dict({pickle::Text("w"), kMatrix, pickle::Text("w"), kMatrix})),
                    "expected names that differ, found 'w' twice"},
        RefusedFile{"LongName",
                    Value(pickle::Dict({pickle::Text(std::string(1025, 'n')), kMatrix})),
                    "expected names of at most 1024 bytes, found "},
        RefusedFile{"NameIsNoUtf8", Value(pickle::Dict({pickle::Text("\xFF"), kMatrix})),
                    "expected names in UTF-8, found '\\xFF'"},
        RefusedFile{
            "TrainingCheckpoint",
            Value(pickle::Dict({pickle::Text("model"), pickle::Dict({pickle::Text("w"), kMatrix}),
                                pickle::Text("epoch"), pickle::Int(3), pickle::Text("ema"),
                                pickle::OrderedDict({pickle::Text("w"), kMatrix})})),
            "expected the tensors of one model, found a checkpoint of a training run: its "
            "dictionaries of tensors are 'model', 'ema'; save the one"},
        RefusedFile{"TrainingCheckpointOfManyModels", Value(ManyModels(9)),
                    "expected the tensors of one model, found a checkpoint of a training run: its "
                    "dictionaries of tensors are '0', '1', '2', '3', '4', '5', '6', '7'; save "
                    "the one"}),
    NameOf);

TEST(PickleReaderTest, WhatSaysNothingOfATensorMayBeNothing) {
  for (const std::string& bytes : {Argument(5, "N"), Argument(6, "}"), Argument(6, "N")}) {
    EXPECT_THAT(ReadPyTorch(bytes), IsOk());
  }
}

TEST(PickleReaderTest, SizesAreBounded) {
  const auto refused = [](const std::string& bytes, std::string_view message) {
    EXPECT_THAT(ReadPyTorch(bytes),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(std::string(message))));
  };
  refused(Raw(std::string(kMaxPickleBytes + 1, 'x')),
          "archive/data.pkl: byte 64: expected at most 33554432 bytes, found 33554433");
  refused(Value(std::string(kMaxPickleValues + 1, ')')),
          "archive/data.pkl: byte 2097154: expected at most 2097152 values, found more");
  refused(Value(std::string(kMaxPickleValues + 1, '(')),
          "archive/data.pkl: byte 2097154: expected at most 2097152 values on the stack");
  refused(Value("}q\1" + Repeat("h\1", kMaxPickleValues)),
          "expected at most 2097152 values on the stack, found more");
  std::string many = "}q\1" + pickle::Global("torch._utils", "_rebuild_tensor_v2") + "q\2(" +
                     kFloats + "K" + std::string("\0", 1) + "))\x89" + "}tq\3h\2h\3R";
  many += "](" + Repeat("h\2h\3R", kMaxTensors) + "e";
  refused(Value(many), "expected at most 65536 tensors, found more");
  std::string storages;
  for (size_t i = 0; i <= kMaxTensors; ++i) {
    storages += pickle::Storage("ByteStorage", absl::StrCat(i), 0);
  }
  refused(Value(storages), "expected at most 65536 storages, found more");
  // Called with all values that there may be.
  refused(Value(std::string(kMaxPickleValues - 2, ')') +
                pickle::Global("collections", "OrderedDict") + ")R"),
          "expected at most 2097152 values, found more");
}

// A list that holds itself as often as there may be items, and then one item more.
TEST(PickleReaderTest, ItemsAreBounded) {
  constexpr size_t kAtOnce = kMaxPickleItems / 4;
  std::string full = "]q\1";
  for (size_t done = 0; done < kMaxPickleItems; done += kAtOnce) {
    full += "(" + Repeat("h\1", kAtOnce) + "e";
  }
  for (const char* more : {"h\1a", "h\1\x85", "}NNs"}) {
    EXPECT_THAT(ReadPyTorch(Value(full + more)),
                StatusIs(absl::StatusCode::kDataLoss,
                         HasSubstr("expected at most 4194304 items, found more")));
  }
}

}  // namespace
}  // namespace graft
