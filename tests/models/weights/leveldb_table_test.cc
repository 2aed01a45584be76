#include "models/weights/leveldb_table.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/weights/tensorflow_bytes.h"
#include "tests/support/status_matchers.h"

namespace graft {
namespace {

using graft::testing::BlockBytes;
using graft::testing::Handle;
using graft::testing::IsOk;
using graft::testing::KeysAndValues;
using graft::testing::LittleEndian32;
using graft::testing::LittleEndian64;
using graft::testing::MaskedCrc32c;
using graft::testing::StatusIs;
using graft::testing::SumRepair;
using graft::testing::TableBytes;
using graft::testing::TableLayout;
using graft::testing::TableOfBlocks;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<TableEntry>> Read(std::string_view bytes, TableLimits limits = {8, 16}) {
  static const std::string path = "m.index";
  return ReadLevelDbTable(bytes, path, limits);
}

KeysAndValues Contents(const std::vector<TableEntry>& entries) {
  KeysAndValues contents;
  for (const TableEntry& entry : entries) contents.emplace_back(entry.key, entry.value.bytes);
  return contents;
}

// Data block at 0: entries at 0 and 5, restarts at 10, their number at 14, compression at 18, sum
// at 19. Block of other things at 23. Index block at 36: entry at 36 with the key at 39 and the
// handle at 40, restarts at 42, compression at 50, sum at 51. Footer at 55: handles at 55 and 57,
// mark at 95.
std::string SmallTable() { return TableBytes({{"a", "1"}, {"b", "2"}}); }

TEST(LevelDbTable, TheSumsAreThoseOfLevelDb) {
  EXPECT_EQ(UnmaskCrc32c(MaskedCrc32c("")), 0u);
  // The value for "123456789" in the catalogue of CRCs (CRC-32/ISCSI).
  EXPECT_EQ(UnmaskCrc32c(MaskedCrc32c("123456789")), 0xE3069283u);
}

TEST(LevelDbTable, ReadsKeysAndValuesWithTheirPlaces) {
  const std::string bytes = SmallTable();
  ASSERT_EQ(bytes.size(), 103u);
  const auto entries = Read(bytes);
  ASSERT_THAT(entries, IsOk());
  EXPECT_EQ(Contents(*entries), (KeysAndValues{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ((*entries)[1].begin, 5u);
  EXPECT_EQ((*entries)[1].value.begin, 9u);
}

TEST(LevelDbTable, ReadsEveryBlockSizeAndRestartInterval) {
  KeysAndValues contents = {{"", "header"}};
  for (int i = 0; i < 60; ++i) {
    contents.emplace_back(absl::StrCat("layer_", 10 + i / 6, "/", std::string(i % 6 + 1, 'x')),
                          std::string(static_cast<size_t>(i * 7 % 40), static_cast<char>(i)));
  }
  for (const size_t block_bytes : {1, 40, 300, 100'000}) {
    for (const size_t interval : {1, 2, 5, 16, 100}) {
      const std::string bytes = TableBytes(contents, {block_bytes, interval});
      const auto entries = Read(bytes, {100, 100});
      ASSERT_THAT(entries, IsOk()) << block_bytes << " " << interval;
      EXPECT_EQ(Contents(*entries), contents);
    }
  }
}

TEST(LevelDbTable, ReadsTablesAndBlocksWithoutEntries) {
  const auto none = Read(TableOfBlocks({}));
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none->empty());
  const std::string bytes =
      TableOfBlocks({{"a", BlockBytes({}, 1)}, {"c", BlockBytes({{"b", "2"}}, 1)}});
  const auto one = Read(bytes);
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(Contents(*one), (KeysAndValues{{"b", "2"}}));
}

// LevelDB's writer shortens them: any key that is not below the last one of the block and below the
// first of the next.
TEST(LevelDbTable, KeysOfTheIndexBlockNeedNotBeKeys) {
  const std::string bytes = TableOfBlocks(
      {{"ac", BlockBytes({{"abcd", "1"}}, 1)}, {"z", BlockBytes({{"ad", "2"}, {"b", "3"}}, 1)}});
  EXPECT_THAT(Read(bytes), IsOk());
}

struct Refused {
  std::string what;
  std::string bytes;
  std::string message;  // a part of it, behind the path
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.what; }

class LevelDbTableRefusalTest : public ::testing::TestWithParam<Refused> {};

TEST_P(LevelDbTableRefusalTest, NamesThePlace) {
  EXPECT_THAT(Read(GetParam().bytes),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("m.index: byte ", GetParam().message))));
}

std::string Name(const ::testing::TestParamInfo<Refused>& info) { return info.param.what; }

// The small table with bytes put over others; the sums stay wrong.
std::string Over(size_t at, std::string_view bytes) {
  std::string table = SmallTable();
  table.replace(at, bytes.size(), bytes);
  return table;
}

// The same with right sums.
std::string Repaired(size_t at, std::string_view bytes) {
  std::string table = Over(at, bytes);
  SumRepair(table).Run();
  return table;
}

INSTANTIATE_TEST_SUITE_P(
    Layout, LevelDbTableRefusalTest,
    ::testing::Values(
        Refused{"Empty", "", "0: expected 48 bytes of footer, found a file of 0 bytes"},
        Refused{"NoMark", Over(95, "X"),
                "95: expected the mark of a table, 0xdb4775248b80fb57, found 0xdb4775248b80fb58"},
        Refused{"BlockOutsideTheFile", Over(57, Handle(36, 100)),
                "57: expected a block inside the first 55 bytes, found one of 100 bytes and its "
                "sum at 36"},
        Refused{"SumBehindTheFile", Over(57, Handle(36, 15)), "57: expected a block inside"},
        Refused{"BlockOfAllBits", Over(57, Handle(UINT64_MAX, UINT64_MAX)),
                "57: expected a block inside"},
        Refused{"SizeOfAllBits", Over(57, Handle(36, UINT64_MAX)), "57: expected a block inside"},
        Refused{"LongVarint", Over(55, std::string(11, '\xFF')),
                "55: expected a varint of at most 64 bits, found a longer one"},
        Refused{"CutVarint", Repaired(41, "\x92"),
                "41: expected a whole varint, found the end inside it"}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Blocks, LevelDbTableRefusalTest,
    ::testing::Values(
        Refused{"WrongByte", Over(4, "x"), "19: expected the CRC-32C of the block at 0, 0x"},
        Refused{"WrongSum", Over(51, "xxxx"), "51: expected the CRC-32C of the block at 36, 0x"},
        Refused{"WrongSumOfOtherThings", Over(32, "xxxx"),
                "32: expected the CRC-32C of the block at 23, 0x"},
        Refused{"Snappy", TableBytes({{"a", "1"}}, TableLayout{.compression = 1}),
                "26: expected an uncompressed block, found one compressed by snappy"},
        Refused{"UnknownCompression", Repaired(18, "\x05"),
                "18: expected an uncompressed block, found compression 5"},
        Refused{"NoRoomForRestarts", TableOfBlocks({{"a", "123"}}),
                "0: expected a block of at least 4 bytes, found 3 bytes"},
        Refused{"NoRestarts", Repaired(14, LittleEndian32(0)),
                "14: expected a number of restarts from 1 to 3, found 0"},
        Refused{"MoreRestartsThanRoom", Repaired(14, LittleEndian32(4)),
                "14: expected a number of restarts from 1 to 3, found 4"},
        Refused{"RestartsOfAllBits", Repaired(14, LittleEndian32(UINT32_MAX)),
                "14: expected a number of restarts from 1 to 3, found 4294967295"},
        Refused{"FirstRestartElsewhere", Repaired(10, LittleEndian32(5)),
                "10: expected the first restart at 0, found 5"},
        Refused{"RestartInsideAnEntry",
                TableOfBlocks({{"b", BlockBytes({{"a", "1"}, {"b", "2"}}, 16).substr(0, 14) +
                                         LittleEndian32(6) + LittleEndian32(2)}}),
                "14: expected a restart where an entry begins, found 6"},
        Refused{"SharesMoreThanThereIs", Repaired(5, "\x02"),
                "5: expected at most 1 bytes shared with the key before, found 2"},
        Refused{"FirstEntryShares", Repaired(0, "\x01"),
                "0: expected at most 0 bytes shared with the key before, found 1"},
        Refused{"KeyBehindTheBlock", Repaired(6, "\x03"), "8: expected 3 bytes, found 2 bytes"},
        Refused{"ValueBehindTheBlock", Repaired(7, "\x02"), "9: expected 2 bytes, found 1 bytes"},
        Refused{"LongKey", TableOfBlocks({{"l", BlockBytes({{std::string(17, 'k'), ""}}, 1)}}),
                "0: expected a key of at most 16 bytes, found 17"},
        Refused{"KeysDescend", TableBytes({{"b", ""}, {"a", ""}}),
                "4: expected a key above 'b', found 'a'"},
        Refused{"KeyTwice", TableBytes({{"a", ""}, {"a", ""}}),
                "4: expected a key above 'a', found 'a'"},
        Refused{"EmptyKeyTwice", TableBytes({{"", ""}, {"", ""}}),
                "3: expected a key above '', found ''"},
        Refused{
            "KeyTwiceInTwoBlocks",
            TableOfBlocks({{"a", BlockBytes({{"a", ""}}, 1)}, {"b", BlockBytes({{"a", ""}}, 1)}}),
            "17: expected a key above 'a', found 'a'"},
        Refused{"KeyAboveThatOfTheIndex", TableOfBlocks({{"a", BlockBytes({{"b", ""}}, 1)}}),
                "0: expected a key of at most 'a', found 'b'"},
        Refused{
            "KeyBelowThatOfTheIndexBefore",
            TableOfBlocks({{"c", BlockBytes({{"a", ""}}, 1)}, {"d", BlockBytes({{"b", ""}}, 1)}}),
            "17: expected a key above 'c', found 'b'"}),
    Name);

std::string ManyKeys(int count) {
  KeysAndValues contents;
  for (int i = 0; i < count; ++i)
    contents.emplace_back(std::string(1, static_cast<char>('a' + i)), "");
  return TableBytes(contents);
}

TEST(LevelDbTable, TooManyEntriesAreRefused) {
  EXPECT_THAT(Read(ManyKeys(8)), IsOk());
  EXPECT_THAT(Read(ManyKeys(9)),
              StatusIs(absl::StatusCode::kDataLoss,
                       "m.index: byte 32: expected at most 8 entries, found more"));
}

// An index block of one entry, whose handle is `handle`, in front of a footer.
std::string WithIndex(std::string data, const KeysAndValues& index) {
  const auto append = [&](std::string block) {
    const std::string handle = Handle(data.size(), block.size());
    block += '\0';
    data += block + LittleEndian32(MaskedCrc32c(block));
    return handle;
  };
  std::string footer = append(BlockBytes({}, 1));
  footer += append(BlockBytes(index, 1));
  footer.resize(40);
  return data + footer + LittleEndian64(0xDB4775248B80FB57);
}

TEST(LevelDbTable, WrongHandlesOfDataBlocksAreRefused) {
  std::string block = BlockBytes({}, 1) + '\0';
  block += LittleEndian32(MaskedCrc32c(block));  // 13 bytes; the index block is at 26
  EXPECT_THAT(Read(WithIndex(block, {{"a", Handle(0, 8)}})), IsOk());
  EXPECT_THAT(
      Read(WithIndex(block, {{"a", Handle(0, 8) + "x"}})),
      StatusIs(absl::StatusCode::kDataLoss,
               "m.index: byte 32: expected the end of a block's place, found 1 bytes more"));
  EXPECT_THAT(Read(WithIndex(block, {{"a", ""}})),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("byte 30: expected a whole varint")));
  EXPECT_THAT(Read(WithIndex(block, {{"a", Handle(0, 8)}, {"b", Handle(0, 8)}})),
              StatusIs(absl::StatusCode::kDataLoss,
                       "m.index: byte 36: expected a block behind the one before, at 13, found one "
                       "at 0"));
}

TEST(LevelDbTable, KeysThatShareTheirFrontsAreBoundedTogether) {
  const std::string table = TableBytes({{"aaaa", ""}, {"aaab", ""}, {"aaac", ""}});
  // The key of the index block counts, too.
  EXPECT_THAT(Read(table, {8, 16, 16}), IsOk());
  EXPECT_THAT(Read(table, {8, 16, 15}),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("expected at most 15 bytes of keys, found more")));
}

}  // namespace
}  // namespace graft
