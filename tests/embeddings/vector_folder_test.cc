#include "embeddings/vector_folder.h"

#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "embeddings/search.h"
#include "embeddings/write.h"
#include "tests/embeddings/load_test.h"

namespace graft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Rows of no even length, words of any bytes.
std::string SampleText() {
  std::mt19937 random(5);
  std::string text =
      "the 1 2 3\n. . . 3 4 5\nb\xFF"
      "d -1 0 1\n\xC2\xA0 0 0 0\n";
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&text, "w", i);
    for (int j = 0; j < 3; ++j) {
      absl::StrAppend(&text, " ", static_cast<int>(random() % 20001) - 10000, "e-4");
    }
    text += '\n';
  }
  return text;
}

struct Sample {
  std::string path, folder;
  WordVectors vectors;
};

Sample MakeSample(const WriteOptions& options = {}) {
  Sample sample;
  sample.path = TestFile("sample.txt", SampleText());
  sample.folder = sample.path + ".graft";
  auto loaded = LoadWordVectors(sample.path, {});
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  sample.vectors = loaded->vectors;
  WriteOptions replacing = options;
  replacing.replace = true;
  const absl::Status written = WriteWordVectors(sample.vectors, sample.folder, replacing);
  EXPECT_TRUE(written.ok()) << written;
  return sample;
}

void ExpectEqual(const WordVectors& a, const WordVectors& b) {
  ASSERT_EQ(a.words().parts().bytes, b.words().parts().bytes);
  std::vector<float> row_a(static_cast<size_t>(a.width())), row_b(row_a.size());
  ASSERT_EQ(a.width(), b.width());
  for (int64_t i = 0; i < a.size(); ++i) {
    a.Row(i, absl::MakeSpan(row_a));
    b.Row(i, absl::MakeSpan(row_b));
    ASSERT_EQ(row_a, row_b) << i;
  }
}

TEST(VectorFolderTest, WhatIsWrittenIsReadAndMapped) {
  const Sample sample = MakeSample();
  EXPECT_TRUE(IsVectorFolder(sample.folder));
  const auto opened = OpenVectorFolder(sample.folder);
  ASSERT_TRUE(opened.ok()) << opened.status();
  ExpectEqual(*opened, sample.vectors);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(opened->matrix().data) % 64, 0u);
  EXPECT_EQ(opened->Find(". . ."), 1);
  EXPECT_EQ(opened->Find("none"), std::nullopt);
  EXPECT_EQ(opened->matrix().norms[0], std::sqrt(14.0f));
  EXPECT_TRUE(VerifyVectorFolder(sample.folder).ok()) << VerifyVectorFolder(sample.folder);
  const auto loaded = LoadWordVectors(sample.folder, {});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.format, VectorFormat::kGraft);
}

TEST(VectorFolderTest, FilesThatOthersMayWriteToAreReadIntoMemory) {
  const Sample sample = MakeSample();
  for (const char* name : {"/vectors.safetensors", "/words.txt", "/words.index"}) {
    ASSERT_EQ(chmod((sample.folder + name).c_str(), 0666), 0);
  }
  const auto opened = OpenVectorFolder(sample.folder);
  ASSERT_TRUE(opened.ok()) << opened.status();
  std::filesystem::remove_all(sample.folder);
  ExpectEqual(*opened, sample.vectors);
}

TEST(VectorFolderTest, HalvesAndInt8AreTheNearest) {
  for (const VectorStorage storage : {VectorStorage::kFloat16, VectorStorage::kInt8}) {
    const Sample sample = MakeSample({.storage = storage});
    const auto opened = OpenVectorFolder(sample.folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->matrix().storage, storage);
    EXPECT_TRUE(VerifyVectorFolder(sample.folder).ok()) << VerifyVectorFolder(sample.folder);
    std::vector<float> row(3), original(3);
    for (int64_t i = 0; i < opened->size(); ++i) {
      opened->Row(i, absl::MakeSpan(row));
      sample.vectors.Row(i, absl::MakeSpan(original));
      const float step = storage == VectorStorage::kInt8 ? RowScale(original) * 0.5001f : 0;
      for (size_t j = 0; j < 3; ++j) {
        EXPECT_NEAR(row[j], original[j], std::max(step, std::abs(original[j]) / 2048));
      }
    }
  }
}

TEST(VectorFolderTest, RowsThatStayInTheirStorageAreTheSameBytes) {
  for (const VectorStorage storage :
       {VectorStorage::kFloat32, VectorStorage::kFloat16, VectorStorage::kInt8}) {
    SCOPED_TRACE(VectorStorageName(storage));
    const Sample sample = MakeSample({.storage = storage});
    const auto opened = OpenVectorFolder(sample.folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    const std::string again = sample.folder + "-again";
    ASSERT_TRUE(WriteWordVectors(*opened, again, {.storage = storage, .replace = true}).ok());
    for (const char* name : {"/vectors.safetensors", "/words.txt", "/words.index"}) {
      const auto first = ReadFile(sample.folder + name, uint64_t{1} << 24);
      const auto second = ReadFile(again + name, uint64_t{1} << 24);
      ASSERT_TRUE(first.ok() && second.ok()) << name;
      EXPECT_TRUE(*first == *second) << name;
    }
  }
}

TEST(VectorFolderTest, SubWordsTravel) {
  const std::vector<float> rows = {1, 2, 3, 4, 5, 6};
  WordsBuilder words;
  words.Add("a");
  const std::vector<float> matrix = {7, 8};
  for (const bool pruned : {false, true}) {
    std::optional<std::unordered_map<int64_t, int64_t>> map;
    if (pruned) map = {{0, 1}, {1, 1}, {2, 2}, {3, 0}, {4, 0}};
    const SubWordRules rules = {.min_length = 2, .max_length = 3, .buckets = pruned ? 5 : 3};
    WordsBuilder builder;
    builder.Add("a");
    const WordVectors vectors(builder.Finish(),
                              {.rows = 1, .width = 2, .data = matrix.data(), .owner = nullptr},
                              SubWords(rules, rows.data(), 3, 2, nullptr, map));
    const std::string folder = TestFile("x", "") + ".folder";
    ASSERT_TRUE(WriteWordVectors(vectors, folder, {.replace = true}).ok());
    const auto opened = OpenVectorFolder(folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_NE(opened->sub_words(), nullptr);
    std::vector<float> expected(2), found(2);
    EXPECT_TRUE(vectors.Vector("unknown", absl::MakeSpan(expected)));
    EXPECT_TRUE(opened->Vector("unknown", absl::MakeSpan(found)));
    EXPECT_EQ(expected, found);
  }
}

// n-grams whose sum is larger than any float give a word no vector.
TEST(VectorFolderTest, SumsThatNoFloatHoldsAreNoVectors) {
  const std::vector<float> rows(2, 3e38f);
  const SubWordRules rules = {.min_length = 2, .max_length = 3, .buckets = 1};
  const SubWords sub_words(rules, rows.data(), 1, 2, nullptr);
  std::vector<float> out(2, 1.0f);
  EXPECT_FALSE(sub_words.Vector("unknown", absl::MakeSpan(out)));
  EXPECT_THAT(out, ElementsAre(0, 0));
}

// Replaces a part of the header by another of the same size.
void ChangeHeader(const std::string& folder, const std::string& from, const std::string& to) {
  ASSERT_EQ(from.size(), to.size());
  std::string bytes = ReadAll(folder + "/vectors.safetensors");
  const size_t at = bytes.find(from);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, from.size(), to);
  std::ofstream(folder + "/vectors.safetensors", std::ios::binary) << bytes;
}

TEST(VectorFolderTest, SubWordsThatWouldReachBeyondTheirRowsAreRefused) {
  const std::vector<float> rows = {1, 2, 3, 4, 5, 6}, matrix = {7, 8};
  WordsBuilder builder;
  builder.Add("a");
  const SubWordRules rules = {.min_length = 2, .max_length = 3, .buckets = 5};
  const WordVectors vectors(builder.Finish(),
                            {.rows = 1, .width = 2, .data = matrix.data(), .owner = nullptr},
                            SubWords(rules, rows.data(), 3, 2, nullptr,
                                     std::unordered_map<int64_t, int64_t>{{0, 1}, {1, 1}}));
  const std::vector<std::pair<std::string, std::string>> changes = {
      {R"(\"kind\":\"fasttext\",)", R"(\"kind\":\"floret\",  )"},  // nothing is pruned there
      {"[0,1,1,1]", "[0,1,1]  "},                                  // half a pair
      {"[0,1,1,1]", "[0,1,1,3]"},                                  // a row that is none
  };
  for (const auto& [from, to] : changes) {
    SCOPED_TRACE(to);
    const std::string folder = TestFile("x", "") + ".folder";
    ASSERT_TRUE(WriteWordVectors(vectors, folder, {.replace = true}).ok());
    ChangeHeader(folder, from, to);
    EXPECT_FALSE(OpenVectorFolder(folder).ok());
  }
}

// Numbers of a damaged folder, which opening does not look at, are no answers.
TEST(VectorFolderTest, RowsThatAreNoNumbersAreNoAnswers) {
  const Sample sample = MakeSample();
  std::string bytes = ReadAll(sample.folder + "/vectors.safetensors");
  const size_t matrix = bytes.size() - 12 * static_cast<size_t>(sample.vectors.size());
  const float bad[] = {std::nanf(""), std::numeric_limits<float>::infinity()};
  std::memcpy(bytes.data() + matrix + 12, bad, sizeof(bad));  // row 1
  std::memcpy(bytes.data() + matrix + 12 * 700, bad + 1, sizeof(float));
  std::ofstream(sample.folder + "/vectors.safetensors", std::ios::binary) << bytes;
  const auto opened = OpenVectorFolder(sample.folder);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const std::vector<float> query = {1, 2, -1};
  for (const bool int8 : {false, true}) {
    const VectorSearch search(*opened, {.threads = 2, .int8_filter = int8});
    const auto all = search.Nearest(query, opened->size());
    for (const Neighbor& neighbor : all) {
      EXPECT_TRUE(std::isfinite(neighbor.score));
      EXPECT_TRUE(neighbor.row != 1 && neighbor.row != 700);
    }
    EXPECT_EQ(search.Nearest(query, 5), std::vector<Neighbor>(all.begin(), all.begin() + 5));
    EXPECT_EQ(search.NearestBatch(query, 5)[0],
              std::vector<Neighbor>(all.begin(), all.begin() + 5));
    const auto products = Analogy(search, 0, 2, 3, opened->size(), AnalogyMethod::kMultiply);
    ASSERT_TRUE(products.ok()) << products.status();
    EXPECT_GT(products->size(), 900u);
    for (const Neighbor& neighbor : *products) EXPECT_TRUE(std::isfinite(neighbor.score));
  }
  EXPECT_FALSE(ConvertWordVectors(sample.folder, {}, sample.path + ".out",
                                  {.format = VectorFormat::kWord2VecText})
                   .ok())
      << "what is damaged is not written anew";
}

TEST(VectorFolderTest, Int8OfExtremesIsFiniteAndVerified) {
  std::string text = "a";
  for (int i = 0; i < 400; ++i) text += i == 0 ? " 150" : " 0.4";
  const std::string path = TestFile("x.txt", "2 2\na 3.4028235e38 1\nb 0 -3.4028235e38\n");
  const std::string wide = TestFile("wide.txt", text + "\n");
  const std::string tiny = TestFile("tiny.txt", "a 2e-45 3e-45\nb 2.7e-43 1e-45\nc 0 0\n");
  const std::string huge = TestFile("huge.txt", "a 3e38 3e38\nb 1 2\n");
  for (const std::string& from : {path, wide, tiny, huge}) {
    const auto loaded = LoadWordVectors(from, {});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    const std::string folder = from + ".folder";
    ASSERT_TRUE(WriteWordVectors(loaded->vectors, folder,
                                 {.storage = VectorStorage::kInt8, .replace = true})
                    .ok());
    EXPECT_TRUE(VerifyVectorFolder(folder).ok()) << VerifyVectorFolder(folder);
    ASSERT_TRUE(WriteWordVectors(loaded->vectors, folder, {.replace = true}).ok());
    EXPECT_TRUE(VerifyVectorFolder(folder).ok()) << VerifyVectorFolder(folder);
  }
}

TEST(VectorFolderTest, CutAndChangedHeadersAreRefused) {
  const Sample sample = MakeSample();
  for (const std::string name : {"/vectors.safetensors", "/words.txt", "/words.index"}) {
    const std::string path = sample.folder + name, whole = ReadAll(path);
    for (const size_t size :
         {size_t{0}, size_t{7}, size_t{63}, whole.size() / 2, whole.size() - 1}) {
      std::ofstream(path, std::ios::binary) << whole.substr(0, size);
      const auto opened = OpenVectorFolder(sample.folder);
      EXPECT_FALSE(opened.ok()) << name << " " << size;
      EXPECT_THAT(std::string(opened.status().message()), HasSubstr("expected"));
    }
    std::ofstream(path, std::ios::binary) << whole << 'x';
    EXPECT_FALSE(OpenVectorFolder(sample.folder).ok()) << name;
    std::filesystem::remove(path);
    EXPECT_FALSE(OpenVectorFolder(sample.folder).ok()) << name;
    std::ofstream(path, std::ios::binary) << whole;
  }
  EXPECT_TRUE(OpenVectorFolder(sample.folder).ok());
}

// A bit may be wrong without notice at opening, but never does harm, and verification finds it.
TEST(VectorFolderTest, FlippedBitsDoNoHarmAndVerificationFindsThem) {
  const Sample sample = MakeSample();
  std::mt19937 random(1);
  for (const std::string name : {"/vectors.safetensors", "/words.txt", "/words.index"}) {
    const std::string path = sample.folder + name, whole = ReadAll(path);
    for (int round = 0; round < 300; ++round) {
      std::string flipped = whole;
      const size_t bit =
          random() % (8 * (round < 150 ? whole.size() : std::min<size_t>(whole.size(), 600)));
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      std::ofstream(path, std::ios::binary) << flipped;
      const auto opened = OpenVectorFolder(sample.folder);
      const absl::Status verified = VerifyVectorFolder(sample.folder);
      if (!opened.ok()) {
        EXPECT_FALSE(verified.ok());
        continue;
      }
      std::vector<float> row(static_cast<size_t>(opened->width()));
      for (int64_t i = 0; i < opened->size(); ++i) {
        opened->Find(opened->words()[i]);
        opened->Find(absl::StrCat("w", i));
        opened->Row(i, absl::MakeSpan(row));
      }
      // A slot may change so that every word is still found.
      EXPECT_TRUE(!verified.ok() || name == "/words.index") << name << " " << bit;
      if (verified.ok()) ExpectEqual(*opened, sample.vectors);
    }
    std::ofstream(path, std::ios::binary) << whole;
  }
}

TEST(VectorFolderTest, AFolderOfOtherThingsIsNotReplaced) {
  const Sample sample = MakeSample();
  std::ofstream(sample.folder + "/notes.txt") << "mine";
  const absl::Status status = WriteWordVectors(sample.vectors, sample.folder, {.replace = true});
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'notes.txt'"));
  EXPECT_EQ(ReadAll(sample.folder + "/notes.txt"), "mine");
  std::filesystem::remove(sample.folder + "/notes.txt");
  // Names alone do not make it graft's.
  const std::string other = sample.folder + "-other";
  std::filesystem::create_directories(other);
  std::ofstream(other + "/words.txt") << "mine";
  EXPECT_EQ(WriteWordVectors(sample.vectors, other, {.replace = true}).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadAll(other + "/words.txt"), "mine");
}

TEST(VectorFolderTest, AFolderIsOnlyReplacedOnDemand) {
  const Sample sample = MakeSample();
  EXPECT_EQ(WriteWordVectors(sample.vectors, sample.folder, {}).code(),
            absl::StatusCode::kAlreadyExists);
}

TEST(WriteTest, EveryWrittenFormatReadsAsTheSame) {
  const Sample sample = MakeSample();
  for (const VectorFormat format : {VectorFormat::kWord2VecText, VectorFormat::kGlove}) {
    const std::string path = sample.path + ".out";
    const absl::Status written = WriteWordVectors(sample.vectors, path, {.format = format});
    ASSERT_TRUE(written.ok()) << written;
    const auto loaded = LoadWordVectors(path, {});
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->report.format, format);
    ExpectEqual(loaded->vectors, sample.vectors);
  }
  EXPECT_EQ(WriteWordVectors(sample.vectors, sample.path + ".bin",
                             {.format = VectorFormat::kWord2VecBinary})
                .code(),
            absl::StatusCode::kInvalidArgument)
      << "a word has blanks";
}

TEST(WriteTest, ThreadsDoNotChangeWhatIsWritten) {
  std::string text;
  for (int i = 0; i < 9'000; ++i) absl::StrAppend(&text, "w", i, " ", i % 7, " 0.", i, " -3\n");
  const auto loaded = LoadBytes(text);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::string path = TestFile("out", "");
  for (const VectorFormat format :
       {VectorFormat::kGlove, VectorFormat::kWord2VecText, VectorFormat::kWord2VecBinary}) {
    ASSERT_TRUE(WriteWordVectors(loaded->vectors, path, {.format = format}).ok());
    const std::string expected = ReadAll(path);
    ASSERT_TRUE(WriteWordVectors(loaded->vectors, path, {.format = format, .threads = 3}).ok());
    EXPECT_EQ(ReadAll(path), expected);
  }
  for (const VectorStorage storage : {VectorStorage::kFloat32, VectorStorage::kInt8}) {
    const std::string folder = path + ".graft";
    const auto write = [&](int64_t threads) {
      const absl::Status written = WriteWordVectors(
          loaded->vectors, folder, {.storage = storage, .replace = true, .threads = threads});
      EXPECT_TRUE(written.ok()) << written;
      return ReadAll(folder + "/vectors.safetensors");
    };
    EXPECT_EQ(write(1), write(3));
  }
}

TEST(WriteTest, AWordThatCannotBeWrittenLeavesTheOldFile) {
  WordsBuilder builder;
  for (int i = 0; i < 5'000; ++i)
    builder.Add(absl::StrCat(i == 4'000 ? "a " : "w", i, i == 4'000 ? " 1" : ""));
  const std::vector<float> matrix(5'000, 1.0f);
  const WordVectors vectors(builder.Finish(),
                            {.rows = 5'000, .width = 1, .data = matrix.data(), .owner = nullptr});
  const std::string path = TestFile("out", "as it was");
  for (const int64_t threads : {1, 3}) {
    const absl::Status written =
        WriteWordVectors(vectors, path, {.format = VectorFormat::kGlove, .threads = threads});
    EXPECT_THAT(std::string(written.message()), HasSubstr("found 'a 4000 1'"));
    EXPECT_EQ(ReadAll(path), "as it was");
  }
}

TEST(WriteTest, BinaryReadsAsTheSame) {
  const auto loaded = LoadBytes("one 1.1 2.2\ntwo 3.3 4.4\n");
  ASSERT_TRUE(loaded.ok());
  const std::string path = TestFile("out", "");
  ASSERT_TRUE(
      WriteWordVectors(loaded->vectors, path, {.format = VectorFormat::kWord2VecBinary}).ok());
  const auto again = LoadWordVectors(path, {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->report.format, VectorFormat::kWord2VecBinary);
  ExpectEqual(again->vectors, loaded->vectors);
}

// glove has no header: what its first lines look like is all that its readers have.
TEST(WriteTest, FirstRowsThatGloveWouldBeMistakenForAreRefused) {
  const std::vector<std::string> texts = {"2 2\n1 3 4\n2 5 6\n", "2 1\n7 3\nb 5\n",
                                          "2 2\n\xEF\xBB\xBFx 3 4\nb 5 6\n",
                                          "2 2\nFiFu 3 4\nb 5 6\n", "2 2\n5 apples 3 4\n6 5 6\n"};
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    LoadOptions load;
    load.format = VectorFormat::kWord2VecText;
    const std::string path = TestFile("x", text);
    const auto loaded = LoadWordVectors(path, load);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(
        WriteWordVectors(loaded->vectors, path + ".glove", {.format = VectorFormat::kGlove}).code(),
        absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(path + ".glove"));
    EXPECT_TRUE(
        WriteWordVectors(loaded->vectors, path + ".text", {.format = VectorFormat::kWord2VecText})
            .ok());
  }
}

TEST(WriteTest, WordsThatAFormatCannotHoldAreRefused) {
  for (const std::string word : {"", "a\nb", " a", "a ", "a 1", "a b"}) {
    WordsBuilder builder;
    builder.Add(word);
    const std::vector<float> matrix = {1};
    const WordVectors vectors(builder.Finish(),
                              {.rows = 1, .width = 1, .data = matrix.data(), .owner = nullptr});
    const std::string path = TestFile("out", "");
    const bool text = WriteWordVectors(vectors, path, {.format = VectorFormat::kGlove}).ok();
    EXPECT_EQ(text, word == "a b") << word;
    EXPECT_FALSE(WriteWordVectors(vectors, path, {.format = VectorFormat::kWord2VecBinary}).ok());
    EXPECT_TRUE(WriteWordVectors(vectors, path + ".folder", {.replace = true}).ok());
    const auto opened = OpenVectorFolder(path + ".folder");
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->words()[0], word);
  }
}

TEST(ConvertTest, AStreamedConversionIsTheOneInMemory) {
  const Sample sample = MakeSample({.storage = VectorStorage::kInt8});
  const std::string streamed = sample.path + ".streamed";
  const auto report = ConvertWordVectors(
      sample.path, {.format = {}, .threads = 2, .words_path = {}, .zip_entry = {}}, streamed,
      {.storage = VectorStorage::kInt8, .replace = true});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->rows, 1004);
  EXPECT_EQ(report->broken_utf8, 1);
  for (const std::string name : {"/vectors.safetensors", "/words.txt", "/words.index"}) {
    EXPECT_EQ(ReadAll(streamed + name), ReadAll(sample.folder + name)) << name;
  }
  const auto back = ConvertWordVectors(streamed, {}, sample.path + ".text",
                                       {.format = VectorFormat::kWord2VecText});
  ASSERT_TRUE(back.ok()) << back.status();
}

TEST(ConvertTest, DuplicatesAndSkippedRowsAreLeftOut) {
  LoadOptions load;
  load.repair = true;
  const std::string from = TestFile("from", "9 1\na 1\nb 2\na 3\nc x\nd 4\n");
  const auto report =
      ConvertWordVectors(from, load, from + ".out", {.format = VectorFormat::kGlove});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(ReadAll(from + ".out"), "a 1\nb 2\nd 4\n");
  EXPECT_EQ(report->duplicates, 1);
  EXPECT_EQ(report->skipped, 1);
  EXPECT_EQ(report->findings.size(), 3u);
}

}  // namespace
}  // namespace graft
