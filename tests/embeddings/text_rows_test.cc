// word2vec text, fastText .vec and GloVe: what must load and what must be refused.
#include <zlib.h>

#include <random>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/embeddings/load_test.h"

namespace graft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LoadOptions As(VectorFormat format) {
  LoadOptions options;
  options.format = format;
  return options;
}

void ExpectRefused(std::string_view bytes, const std::string& place, const std::string& words,
                   const LoadOptions& options = {}) {
  const auto loaded = LoadBytes(bytes, options);
  ASSERT_FALSE(loaded.ok()) << bytes.substr(0, 60);
  const std::string message(loaded.status().message());
  EXPECT_TRUE(absl::StrContains(message, absl::StrCat("vectors", place))) << message;
  EXPECT_TRUE(absl::StrContains(message, "expected ")) << message;
  EXPECT_THAT(message, HasSubstr(words));
}

TEST(TextRowsTest, RowsBehindAHeaderAndWithout) {
  for (const std::string header : {"", "2 3\n", "2 3 \r\n", "\xEF\xBB\xBF"}) {
    const auto loaded = LoadBytes(header + "one 1 -2.5 3e2\ntwo 4 5 6\n");
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->report.format,
              header.starts_with("2") ? VectorFormat::kWord2VecText : VectorFormat::kGlove);
    EXPECT_EQ(loaded->vectors.size(), 2);
    EXPECT_THAT(RowOf(loaded->vectors, "one"), ElementsAre(1, -2.5, 300));
    EXPECT_THAT(RowOf(loaded->vectors, "two"), ElementsAre(4, 5, 6));
  }
}

TEST(TextRowsTest, BlanksBeforeLineEndsAndBothKindsOfLineEnds) {
  const auto loaded = LoadBytes("3 2\none 1 2 \r\ntwo\t3\t4\nthree  5   6\r\n\n\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 3);
  EXPECT_THAT(RowOf(loaded->vectors, "two"), ElementsAre(3, 4));
  EXPECT_THAT(RowOf(loaded->vectors, "three"), ElementsAre(5, 6));
}

TEST(TextRowsTest, WordsWithBlanksAreSplitFromTheRight) {
  const auto loaded = LoadBytes(
      "the 1 2\n. . . 3 4\nat name@domain.com 5 6\na\xC2\xA0"
      "b 7 8\nc\xC2\x85 9 10\n<unk> 0 0\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 6);
  EXPECT_THAT(RowOf(loaded->vectors, ". . ."), ElementsAre(3, 4));
  EXPECT_THAT(RowOf(loaded->vectors, "at name@domain.com"), ElementsAre(5, 6));
  EXPECT_THAT(RowOf(loaded->vectors,
                    "a\xC2\xA0"
                    "b"),
              ElementsAre(7, 8));
  EXPECT_THAT(RowOf(loaded->vectors, "c\xC2\x85"), ElementsAre(9, 10));
  EXPECT_EQ(loaded->report.broken_utf8, 0);
}

TEST(TextRowsTest, WordsThatAreNumbersAreWords) {
  const auto loaded = LoadBytes("the 1 2\n1.5 3 4\n-7 5 6\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(RowOf(loaded->vectors, "1.5"), ElementsAre(3, 4));
}

TEST(TextRowsTest, BrokenUtf8AndDuplicatesAreKeptAndCounted) {
  const auto loaded = LoadBytes("a\xFF 1\nb 2\nb 3\nc\xC3 4\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.broken_utf8, 2);
  EXPECT_EQ(loaded->report.duplicates, 1);
  EXPECT_EQ(loaded->vectors.size(), 3);
  EXPECT_THAT(RowOf(loaded->vectors, "b"), ElementsAre(2));
  EXPECT_THAT(RowOf(loaded->vectors, "c\xC3"), ElementsAre(4));
  ASSERT_EQ(loaded->report.findings.size(), 3u);
  EXPECT_EQ(loaded->report.findings[1].kind, LoadFinding::Kind::kDuplicate);
  EXPECT_EQ(loaded->report.findings[1].line, 3);
  EXPECT_EQ(loaded->report.findings[1].offset, 9u);
}

TEST(TextRowsTest, RefusedWithAHeader) {
  const std::string rows = "one 1 2\ntwo 3 4\n";
  for (const LoadOptions& options : {LoadOptions(), As(VectorFormat::kWord2VecText)}) {
    ExpectRefused("", ": byte 0", "empty file", options);
    ExpectRefused("3 2\n" + rows, ":4: byte 20", "3 rows, as the first line announces, found 2",
                  options);
    ExpectRefused("1 2\n" + rows, ":3: byte 12", "after the 1 rows", options);
    ExpectRefused("2 3\n" + rows, ":2: byte 4", "expected a word and 3 numbers", options);
    ExpectRefused("2 2\none 1 2\ntwo 3 4 5\n", ":3: byte 12", "expected a word and 2 numbers",
                  options);
    ExpectRefused("2 2\none 1 2\ntwo 3\n", ":3: byte 12", "expected a word and 2 numbers", options);
    ExpectRefused("2 2\none 1 2\ntwo 3 nan\n", ":3: byte 12", "component 2", options);
    ExpectRefused("2 2\none 1 2\ntwo 1e999 3\n", ":3: byte 12", "component 1", options);
    ExpectRefused("2 2\none 1 2\ntwo 0x1p3 3\n", ":3: byte 12", "found '0x1p3'", options);
    ExpectRefused("2 2\none 1 2\ntwo 0,5 3\n", ":3: byte 12", "found '0,5'", options);
    ExpectRefused("2 2\none 1 2\n 3 4\n", ":3: byte 12", "expected a word and 2 numbers", options);
    ExpectRefused("2 2\none 1 2\n3 4\n", ":3: byte 12", "expected a word and 2 numbers", options);
    ExpectRefused("3 2\none 1 2\n\ntwo 3 4\n", ":3: byte 12", "an empty line", options);
    ExpectRefused("2 2\none 1 2\n" + std::string(2'000'000, 'x') + " 3 4\n", ":3: byte 12",
                  "a word of at most 65536 bytes", options);
    ExpectRefused(std::string("2 2\none 1 2\nt\0o 3 4\n", 20), ":3: byte 12", "without NUL",
                  options);
    ExpectRefused("99999999 300\n" + rows, ":1: byte 0", "fits a file of 29 bytes", options);
    ExpectRefused("0 2\n" + rows, ":1: byte 0", "number of rows from 1", options);
    ExpectRefused("-1 2\n" + rows, ":1: byte 0", "number of rows from 1", options);
    ExpectRefused("2 0\n" + rows, ":1: byte 0", "number of components from 1", options);
    ExpectRefused("2 99999999999999999999\n" + rows, ":1: byte 0", "number of components", options);
  }
  // Three numbers are no header; found from the bytes they are a row, and a short one.
  ExpectRefused("2 3 7\none 1 2 3\ntwo 3 4 5\n", ":1: byte 0", "expected a word and 3 numbers");
  ExpectRefused(rows, ":1: byte 0", "expected the numbers of rows and of components",
                As(VectorFormat::kWord2VecText));
  ExpectRefused("2 2 2\n" + rows, ":1: byte 0", "expected the numbers of rows and of components",
                As(VectorFormat::kWord2VecText));
}

// fastText's .vec: as word2vec's text, with a blank before each line end.
TEST(TextRowsTest, RefusedOfFastTextsVec) {
  const std::string rows = "one 1 2 \ntwo 3 4 \n";
  ASSERT_TRUE(LoadBytes("2 2\n" + rows).ok());
  const auto mixed = LoadBytes("3 2\r\none 1 2 \r\ntwo 3 4 \nthree 5 6 \r\n");
  ASSERT_TRUE(mixed.ok()) << mixed.status();
  EXPECT_EQ(mixed->vectors.size(), 3);
  ExpectRefused("", ": byte 0", "empty file");
  ExpectRefused(rows, ":1: byte 0", "the numbers of rows", As(VectorFormat::kWord2VecText));
  ExpectRefused("2 2 7 \n" + rows, ":1: byte 0", "the numbers of rows",
                As(VectorFormat::kWord2VecText));
  ExpectRefused("3 2\n" + rows, ":4: byte 22", "3 rows, as the first line announces, found 2");
  ExpectRefused("1 2\n" + rows, ":3: byte 13", "after the 1 rows");
  ExpectRefused("2 2\none 1 2 \ntwo 3 4 5 \n", ":3: byte 13", "a word and 2 numbers");
  ExpectRefused("2 2\none 1 2 \ntwo 3 \n", ":3: byte 13", "a word and 2 numbers");
  for (const std::string bad : {"nan", "1e999", "0x1p3", "0,5"}) {
    ExpectRefused("2 2\none 1 2 \ntwo 3 " + bad + " \n", ":3: byte 13", "component 2");
  }
  ExpectRefused("2 2\none 1 2 \n 3 4 \n", ":3: byte 13", "a word and 2 numbers");
  ExpectRefused("2 2\none 1 2 \n" + std::string(2'000'000, 'x') + " 3 4 \n", ":3: byte 13",
                "a word of at most 65536 bytes");
  ExpectRefused(std::string("2 2\none 1 2 \nt\0o 3 4 \n", 22), ":3: byte 13", "without NUL");
}

TEST(TextRowsTest, RefusedWithoutAHeader) {
  ExpectRefused("", ": byte 0", "empty file", As(VectorFormat::kGlove));
  ExpectRefused("one 1 2\ntwo 3 4\nthree 4 5 6\n", ":3: byte 16", "expected a word and 2 numbers");
  ExpectRefused("one 1 2\ntwo 3 4\nthree 4 5 6", ":3: byte 16", "expected a word and 2 numbers");
  ExpectRefused("one\ntwo\n", ":1: byte 0", "expected a word", As(VectorFormat::kGlove));
  ExpectRefused("one 1 2\ntwo 3\nthree 4 5\n", ":2: byte 8", "expected a word and 2 numbers");
  ExpectRefused("one 1 2\ntwo 3 4 5\nthree 4 5\n", ":2: byte 8", "expected a word and 2 numbers");
  ExpectRefused("one 1 2\ntwo 3 4\nthree 4", ":3: byte 16", "expected a word and 2 numbers");
  ExpectRefused("one\n", ":1: byte 0", "expected a word");
  ExpectRefused("1 2 3\n4 5 6\n", ":1: byte 0", "numbers alone");
  ExpectRefused("one 1 2\ntwo inf 4\n", ":2: byte 8", "found 'inf'");
  ExpectRefused("one 1 2\ntwo 3 1e39\n", ":2: byte 8", "component 2");
  ExpectRefused("one 1e39 1\ntwo 1 2\n", ":1: byte 0", "component 1");
  ExpectRefused(std::string("one 1 2\nt\0o 3 4\n", 16), ":2: byte 8", "without NUL");
  ExpectRefused("\xFF\xFE" + std::string("o\0n\0e\0 \0001\0\n\0", 12), ":1: byte 0", "expected");
  LoadOptions options;
  options.max_line_bytes = 1 << 20;
  ExpectRefused("one 1 2\n" + std::string(4'000'000, '1'), ":2: byte 8",
                "a line of at most 1048576", options);
}

TEST(TextRowsTest, ALineOf64MiBIsRefusedBeforeItIsInMemory) {
  const std::string path =
      TestFile("long", "one 1 2\n" + std::string(size_t{64} << 20, '1') + "\ntwo 3 4\n");
  const auto loaded = LoadWordVectors(path, {});
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(loaded.status().message()), HasSubstr("a line of at most 16777216"));
}

// Wider than what is looked at first.
TEST(TextRowsTest, WideRowsWithoutAHeader) {
  std::string text;
  for (int row = 0; row < 3; ++row) {
    absl::StrAppend(&text, "w", row);
    for (int i = 0; i < 60'000; ++i) absl::StrAppend(&text, " ", i % 1000, ".125");
    text += "\n";
  }
  const auto loaded = LoadBytes(text);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 3);
  EXPECT_EQ(loaded->vectors.width(), 60'000);
}

// A file may end where bytes are taken; empty lines there are no rows, whatever stands before.
TEST(TextRowsTest, EmptyLinesAtTheEndWhereverBytesAreTaken) {
  constexpr size_t kTaken = size_t{512} << 10;
  for (const size_t size : {kTaken - 2, kTaken - 1, kTaken, kTaken + 1, kTaken + 2}) {
    for (const std::string end : {"\n", "\n\n\n", "\r\n\r\n\r\n", ""}) {
      std::string text = "first 1 2\n";
      for (int i = 0; text.size() + 40 < size; ++i) absl::StrAppend(&text, "w", i, " 3 4\n");
      text += "last ";
      text += std::string(size - end.size() - text.size() - 2, '5').replace(1, 1, ".") + " 6" + end;
      ASSERT_EQ(text.size(), size);
      const auto loaded = LoadBytes(text);
      ASSERT_TRUE(loaded.ok()) << loaded.status() << size;
      EXPECT_EQ(RowOf(loaded->vectors, "last")[1], 6);
      EXPECT_EQ(loaded->report.findings.size(), end.empty() ? 1u : 0u);
    }
  }
  EXPECT_FALSE(LoadBytes("a 1 2\n\n\nb 3 4\n").ok());
}

TEST(TextRowsTest, ALastLineWithoutEndIsToldOf) {
  const auto loaded = LoadBytes("one 1 2\ntwo 3 4");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_EQ(loaded->report.findings.size(), 1u);
  EXPECT_EQ(loaded->report.findings[0].line, 2);
  EXPECT_THAT(loaded->report.findings[0].text, HasSubstr("the last line has no end"));
}

TEST(TextRowsTest, AFormatThatIsGivenOverrulesTheBytes) {
  const auto glove = LoadBytes("10 5\n11 6\n", As(VectorFormat::kGlove));
  ASSERT_TRUE(glove.ok()) << glove.status();
  EXPECT_THAT(RowOf(glove->vectors, "10"), ElementsAre(5));
}

TEST(TextRowsTest, ACountThatLiesLoadsOnDemandAndIsReported) {
  LoadOptions options;
  options.allow_count_mismatch = true;
  for (const std::string header : {"99999999 2\n", "1 2\n", "3 2\n"}) {
    const auto loaded = LoadBytes(header + "one 1 2\ntwo 3 4\n", options);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->vectors.size(), 2);
    ASSERT_EQ(loaded->report.findings.size(), 1u);
    EXPECT_EQ(loaded->report.findings[0].kind, LoadFinding::Kind::kCount);
  }
}

TEST(TextRowsTest, RepairKeepsWhatIsSoundAndTellsEachDecision) {
  LoadOptions options;
  options.repair = true;
  const auto loaded =
      LoadBytes("9 2\none 1 2\ntwo 3\nthree 4 nan\n\none 5 6\nfour 7 8\nfive 9", options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), 2);
  EXPECT_THAT(RowOf(loaded->vectors, "one"), ElementsAre(1, 2));
  EXPECT_THAT(RowOf(loaded->vectors, "four"), ElementsAre(7, 8));
  EXPECT_EQ(loaded->report.skipped, 4);
  EXPECT_EQ(loaded->report.duplicates, 1);
  std::vector<int64_t> lines;
  for (const LoadFinding& finding : loaded->report.findings) lines.push_back(finding.line);
  // The last two are the missing line end and the count.
  EXPECT_THAT(lines, testing::UnorderedElementsAre(3, 4, 5, 6, 8, 8, 1));
  EXPECT_FALSE(LoadBytes("x\ny\n", options).ok());
}

TEST(TextRowsTest, NulAndBrokenUtf8AreSeenWhereverTheyStand) {
  for (size_t size = 1; size < 30; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string word(size, '\x7F');
      word[at] = '\0';
      EXPECT_FALSE(LoadFromMemory(word + " 1\n").ok()) << size << " " << at;
      word[at] = '\x80';
      const auto loaded = LoadFromMemory(word + " 1\n");
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      EXPECT_EQ(loaded->report.broken_utf8, 1) << size << " " << at;
    }
  }
}

// Many batches, several threads, gaps from duplicates and from rows that are left out.
TEST(TextRowsTest, LargeFilesGiveEveryRowOnce) {
  std::mt19937 random(3);
  std::ostringstream text;
  std::vector<std::vector<float>> rows;
  constexpr int kRows = 60'000, kWidth = 7;
  for (int i = 0; i < kRows; ++i) {
    text << "w" << i;
    rows.emplace_back();
    for (int j = 0; j < kWidth; ++j) {
      rows.back().push_back(static_cast<float>(static_cast<int>(random() % 2000000) - 1000000) /
                            65536);
      text << ' ' << std::setprecision(9) << rows.back().back();
    }
    text << '\n';
    if (i % 1000 == 500) text << "w" << i / 2 << " 1 2 3 4 5 6 7\n";
    if (i % 1000 == 700) text << "faulty 1 2 x 4 5 6 7\n";
  }
  EXPECT_FALSE(LoadBytes(text.str()).ok());
  LoadOptions options;
  options.repair = true;
  const auto loaded = LoadBytes(text.str(), options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->vectors.size(), kRows);
  EXPECT_EQ(loaded->report.duplicates, kRows / 1000);
  EXPECT_EQ(loaded->report.skipped, kRows / 1000);
  for (int i = 0; i < kRows; ++i) {
    ASSERT_EQ(loaded->vectors.words()[i], absl::StrCat("w", i));
    ASSERT_EQ(std::memcmp(loaded->vectors.floats() + i * kWidth,
                          rows[static_cast<size_t>(i)].data(), kWidth * sizeof(float)),
              0)
        << i;
  }
}

void WriteGzip(const std::string& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
}

// Every whole line that stands before the cut, however the bytes come.
TEST(TextRowsTest, RepairKeepsAllRowsBeforeTheCutOfAGzipFile) {
  for (const int rows : {300, 60'000}) {
    SCOPED_TRACE(rows);
    std::string text;
    std::mt19937 random(3);
    for (int i = 0; i < rows; ++i) absl::StrAppend(&text, "w", i, " ", random(), "\n");
    const std::string path = TestFile("cut.gz", "");
    WriteGzip(path, text);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) * 2 / 3);
    // What zlib itself makes of it.
    gzFile file = gzopen(path.c_str(), "rb");
    std::string unpacked(text.size(), '\0');
    const int got = gzread(file, unpacked.data(), static_cast<unsigned>(unpacked.size()));
    ASSERT_GT(got, 0);
    gzclose(file);
    const auto whole = std::count(unpacked.begin(), unpacked.begin() + got, '\n');
    EXPECT_FALSE(LoadWordVectors(path, {}).ok());
    LoadOptions options;
    options.repair = true;
    const auto loaded = LoadWordVectors(path, options);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->vectors.size(), whole);
    EXPECT_EQ(loaded->report.findings.back().kind, LoadFinding::Kind::kCut);
    EXPECT_THAT(loaded->report.findings.back().text, HasSubstr("; the rows before are kept"));
  }
}

// A small file that says that it unpacks to very much takes memory for what comes.
TEST(TextRowsTest, WhatPackedBytesAnnounceIsNotReserved) {
  const std::string path = TestFile("lie.gz", "");
  WriteGzip(path, "1900000 1\na 1\n" + std::string(8'000'000, '\n'));
  const auto loaded = LoadWordVectors(path, {});
  EXPECT_FALSE(loaded.ok());
}

TEST(TextRowsTest, TooManyFaultsAreCountedAndNotAllListed) {
  std::string text;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&text, "w", i, " 1\n");
  for (int i = 0; i < 150'000; ++i) text += "b\n";
  LoadOptions options = As(VectorFormat::kGlove);
  options.repair = true;
  const auto loaded = LoadFromMemory(text, options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.skipped, 150'000);
  EXPECT_EQ(loaded->report.findings.size(), 100'000u);
}

TEST(TextRowsTest, FindingsStandInTheOrderOfTheFile) {
  LoadOptions options;
  options.repair = true;
  const auto loaded = LoadBytes("9 1\na 1\na 2\nb x\n\xFF 3\nc y\na 4", options);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  std::vector<int64_t> lines;
  for (const LoadFinding& finding : loaded->report.findings) lines.push_back(finding.line);
  EXPECT_THAT(lines, ElementsAre(1, 3, 4, 5, 6, 7, 7));
}

TEST(TextRowsTest, GzipAndItsDamage) {
  const std::string text = "one 1 2\ntwo 3 4\n";
  const std::string path = TestFile("packed.txt", "");  // whatever the name says
  WriteGzip(path, text);
  const auto loaded = LoadWordVectors(path, {});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.packing, "gzip");
  EXPECT_EQ(loaded->vectors.size(), 2);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 9);
  EXPECT_FALSE(LoadWordVectors(path, {}).ok());
  EXPECT_FALSE(LoadBytes("\x1F\x8B garbage").ok());
}

// Two stored files, as APPNOTE.TXT has them.
std::string Zip(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string archive, directory;
  for (const auto& [name, contents] : files) {
    const auto crc = static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(contents.data()),
                                                 static_cast<uInt>(contents.size())));
    const auto size = static_cast<uint32_t>(contents.size());
    const auto name_size = static_cast<uint16_t>(name.size());
    const std::string common = Bytes<uint16_t>({20, 0, 0, 0, 0}) +
                               Bytes<uint32_t>({crc, size, size}) + Bytes<uint16_t>({name_size, 0});
    directory += "PK\x01\x02" + Bytes<uint16_t>({20}) + common + Bytes<uint16_t>({0, 0, 0}) +
                 Bytes<uint32_t>({0, static_cast<uint32_t>(archive.size())}) + name;
    archive += "PK\x03\x04" + common + name + contents;
  }
  const auto count = static_cast<uint16_t>(files.size());
  return archive + directory + "PK\x05\x06" + Bytes<uint16_t>({0, 0, count, count}) +
         Bytes<uint32_t>(
             {static_cast<uint32_t>(directory.size()), static_cast<uint32_t>(archive.size())}) +
         Bytes<uint16_t>({0});
}

TEST(TextRowsTest, ZipArchives) {
  const std::string one = Zip({{"a.txt", "one 1 2\n"}});
  const auto loaded = LoadBytes(one);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.packing, "zip");
  const std::string two = Zip({{"a.txt", "one 1 2\n"}, {"b.txt", "one 3 4\n"}});
  EXPECT_THAT(std::string(LoadBytes(two).status().message()), HasSubstr("2 files: a.txt, b.txt"));
  EXPECT_THAT(std::string(LoadBytes(Zip({})).status().message()), HasSubstr("found 0 files"));
  LoadOptions options;
  options.zip_entry = "b.txt";
  const auto chosen = LoadBytes(two, options);
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_THAT(RowOf(chosen->vectors, "one"), ElementsAre(3, 4));
  std::string wrong = one;
  wrong[wrong.find("one 1")] = 'x';
  EXPECT_THAT(std::string(LoadBytes(wrong).status().message()), HasSubstr("CRC-32"));
  for (size_t size = 0; size < one.size(); ++size) {
    EXPECT_FALSE(LoadFromMemory(one.substr(0, size)).ok()) << size;
  }
}

// Every cut of a small file is refused, or is a file of fewer rows; every flipped bit is one or the
// other.
TEST(TextRowsTest, CutsAndFlippedBitsAreRefusedOrLoad) {
  const std::string seed = "3 2\none 1.5 2e1\ntwo 3 -4\nt\xC3\xA9 5 6\n";
  for (size_t size = 0; size + 1 < seed.size(); ++size) {
    const auto loaded = LoadFromMemory(seed.substr(0, size));
    // Cut within the last number it is a whole file.
    EXPECT_TRUE(!loaded.ok() || size + 2 > seed.size()) << size;
  }
  for (size_t bit = 0; bit < 8 * seed.size(); ++bit) {
    std::string flipped = seed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto loaded = LoadFromMemory(flipped);
    if (loaded.ok()) {
      EXPECT_GE(loaded->vectors.size(), 1);
    } else {
      EXPECT_TRUE(absl::StrContains(loaded.status().message(), "expected ")) << loaded.status();
    }
  }
}

}  // namespace
}  // namespace graft
