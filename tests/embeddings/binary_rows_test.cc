// word2vec's binary format: what must load and what must be refused.
#include <zlib.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/embeddings/load_test.h"

namespace graft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Row(const std::string& word, std::initializer_list<float> numbers) {
  return word + " " + Bytes<float>(numbers);
}

std::string Sound(const std::string& end_of_row) {
  return "2 3\n" + Row("one", {1, -2.5, 1e30f}) + end_of_row + Row("two", {4, 5, 6}) + end_of_row;
}

void ExpectRefused(std::string_view bytes, const std::string& place, const std::string& words) {
  for (const bool given : {false, true}) {
    LoadOptions options;
    if (given) options.format = VectorFormat::kWord2VecBinary;
    const auto loaded = LoadBytes(bytes, options);
    ASSERT_FALSE(loaded.ok()) << bytes.substr(0, 60);
    const std::string message(loaded.status().message());
    EXPECT_TRUE(absl::StrContains(message, "expected ")) << message;
    if (given) {
      EXPECT_THAT(message, HasSubstr("vectors" + place));
      EXPECT_THAT(message, HasSubstr(words));
    }
  }
}

TEST(BinaryRowsTest, RowsWithLineEndsAndWithout) {
  for (const std::string end : {"", "\n"}) {
    const auto loaded = LoadBytes(Sound(end));
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->report.format, VectorFormat::kWord2VecBinary);
    EXPECT_EQ(loaded->vectors.size(), 2);
    EXPECT_THAT(RowOf(loaded->vectors, "one"), ElementsAre(1, -2.5, 1e30f));
    EXPECT_THAT(RowOf(loaded->vectors, "two"), ElementsAre(4, 5, 6));
  }
}

TEST(BinaryRowsTest, BrokenUtf8AndDuplicatesAreKeptAndCounted) {
  const auto loaded =
      LoadBytes("3 1\n" + Row("a\xFF", {1.1f}) + Row("b", {2.1f}) + Row("b", {3.1f}));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.broken_utf8, 1);
  EXPECT_EQ(loaded->report.duplicates, 1);
  EXPECT_THAT(RowOf(loaded->vectors, "b"), ElementsAre(2.1f));
}

TEST(BinaryRowsTest, Refused) {
  const std::string sound = Sound("");
  ExpectRefused("", ":1: byte 0", "an empty file");
  ExpectRefused("2 3", ":1: byte 0", "a line end");
  ExpectRefused("-1 300\n" + sound.substr(4), ":1: byte 0", "a number of rows from 1");
  ExpectRefused("9999999999 300\n" + sound.substr(4), ":1: byte 0", "a number of rows from 1");
  ExpectRefused("999999 300\n" + sound.substr(4), ":1: byte 0", "fits a file of");
  ExpectRefused("10 0\n" + sound.substr(4), ":1: byte 0", "a number of components from 1");
  ExpectRefused("10 -5\n" + sound.substr(4), ":1: byte 0", "a number of components from 1");
  ExpectRefused("10 4294967296\n" + sound.substr(4), ":1: byte 0", "a number of components from 1");
  ExpectRefused("2 3\n", ":1: byte 0", "fits a file of 4 bytes");
  ExpectRefused(sound.substr(0, 22), ":1: byte 0", "fits a file");
  ExpectRefused("2 3\n" + Row("twenty-bytes-long-word", {1, 2, 3}) + "tw", ": byte 41",
                "row 2 of 2");
  ExpectRefused("2 3\n" + Row("twenty-bytes-long-word", {1, 2, 3}) + "two 123", ": byte 46",
                "row 2 of 2");
  ExpectRefused(sound.substr(0, sound.size() - 1), ": byte 35", "row 2 of 2");
  ExpectRefused(sound + "7 bytes", ": byte 36", "the end of the file after 2 rows");
  ExpectRefused("1 3\n" + std::string(2'000'000, 'x'), ": byte 4", "a word of at most 65536");
  ExpectRefused("1 1\n" + Row(std::string("a\0b", 3), {1.1f}), ": byte 4", "without NUL");
  ExpectRefused("1 1\n" + Row("", {1.1f}) + "\n", ": byte 4", "expected a word");
  ExpectRefused("1 2\n" + Row("a", {1.1f, 1e30f * 1e30f}), ": byte 4", "component 2");
}

// The first line says less, more, or far more than there is.
TEST(BinaryRowsTest, ACountThatLiesLoadsOnDemandAndIsReported) {
  LoadOptions options;
  options.format = VectorFormat::kWord2VecBinary;
  options.allow_count_mismatch = true;
  for (const std::string end : {"", "\n"}) {
    for (const std::string count : {"1", "3", "9999999"}) {
      const auto loaded = LoadBytes(count + " 3" + Sound(end).substr(3), options);
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      EXPECT_EQ(loaded->vectors.size(), 2);
      ASSERT_EQ(loaded->report.findings.size(), 1u);
      EXPECT_EQ(loaded->report.findings[0].kind, LoadFinding::Kind::kCount);
    }
  }
  const auto more = LoadBytes(Sound("") + "7 bytes", options);
  EXPECT_THAT(std::string(more.status().message()), HasSubstr("row 3 with 3 components"));
  options.repair = true;
  const auto repaired = LoadBytes(Sound("") + "7 bytes", options);
  ASSERT_TRUE(repaired.ok()) << repaired.status();
  EXPECT_EQ(repaired->vectors.size(), 2);
  EXPECT_EQ(repaired->report.skipped, 0);
  EXPECT_EQ(repaired->report.findings.back().kind, LoadFinding::Kind::kCut);
}

TEST(BinaryRowsTest, RepairKeepsTheRowsBeforeACut) {
  LoadOptions options;
  options.repair = true;
  const std::string sound = Sound("");
  const auto loaded = LoadBytes(sound.substr(0, sound.size() - 1), options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 1);
  EXPECT_EQ(loaded->report.skipped, 0);
  ASSERT_EQ(loaded->report.findings.back().kind, LoadFinding::Kind::kCut);
  EXPECT_THAT(loaded->report.findings.back().text, HasSubstr("byte 35: expected row 2 with 3"));
}

TEST(BinaryRowsTest, RepairFindsTheSoundRowsAmongManyWithoutWords) {
  std::string bytes = "50000 1\n";
  for (int i = 0; i < 49'999; ++i) bytes += Row("", {1.0f});
  LoadOptions options;
  options.repair = true;
  const auto loaded = LoadBytes(bytes + Row("a", {2.0f}), options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 1);
  EXPECT_THAT(RowOf(loaded->vectors, "a"), ElementsAre(2.0f));
  EXPECT_EQ(loaded->report.skipped, 49'999);
}

TEST(BinaryRowsTest, LargeFilesGiveEveryRowOnce) {
  std::string bytes = "30000 30\n";
  for (int i = 0; i < 30000; ++i) {
    absl::StrAppend(&bytes, "w", i, " ");
    for (int j = 0; j < 30; ++j) bytes += Bytes<float>({static_cast<float>(i * 100 + j)});
  }
  const auto loaded = LoadBytes(bytes);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->vectors.size(), 30000);
  for (int i = 0; i < 30000; ++i) {
    ASSERT_EQ(loaded->vectors.words()[i], absl::StrCat("w", i));
    ASSERT_EQ(loaded->vectors.floats()[i * 30 + 7], static_cast<float>(i * 100 + 7));
  }
}

// The last byte before the cut of a packed file is the line end of a row that ends with a batch.
TEST(BinaryRowsTest, ACutBehindARowIsNoEnd) {
  std::string bytes = "9999 62\n";
  for (int i = 0; i < 4097; ++i) {
    absl::StrAppend(&bytes, i + 100'000, " ");
    bytes.append(62 * sizeof(float), 'A').append("\n");  // 256 bytes a row: batches end with them
  }
  const std::string path = TestFile("cut.gz", "");
  gzFile file = gzopen(path.c_str(), "wb0");  // stored: the file is cut where the bytes are
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  LoadOptions options;
  options.format = VectorFormat::kWord2VecBinary;
  options.allow_count_mismatch = true;
  const uint64_t whole = std::filesystem::file_size(path);
  for (uint64_t cut = 9; cut < 9 + 300; ++cut) {
    std::filesystem::resize_file(path, whole - cut);
    EXPECT_FALSE(LoadWordVectors(path, options).ok()) << cut;
  }
}

TEST(BinaryRowsTest, CutsAreRefused) {
  const std::string seed = Sound("\n");
  LoadOptions options;
  options.format = VectorFormat::kWord2VecBinary;
  for (size_t size = 0; size + 1 < seed.size(); ++size) {
    EXPECT_FALSE(LoadFromMemory(seed.substr(0, size), options).ok()) << size;
  }
}

// Files of others that were met: GRAFT_DATA holds them.
TEST(DamagedFilesTest, BrokenUtf8LoadsAndALyingHeaderIsRefused) {
  const char* const data = std::getenv("GRAFT_DATA");
  if (data == nullptr) GTEST_SKIP() << "GRAFT_DATA is not set";
  const std::string folder = std::string(data) + "/vectors/damaged/";
  for (const char* name : {"utf8-incomplete.bin", "utf8-incomplete.dims", "utf8-incomplete.txt"}) {
    const auto loaded = LoadWordVectors(folder + name, {});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->vectors.size(), 3);
    EXPECT_EQ(loaded->report.broken_utf8, 1);
  }
  const std::string lying = folder + "wiki.en.lying-header.vec";
  EXPECT_FALSE(LoadWordVectors(lying, {}).ok());
  LoadOptions options;
  options.allow_count_mismatch = true;
  const auto loaded = LoadWordVectors(lying, options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 99);
}

}  // namespace
}  // namespace graft
