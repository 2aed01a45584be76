// floret, NumPy, finalfusion.
#include "absl/strings/str_cat.h"
#include "embeddings/write.h"
#include "tests/embeddings/load_test.h"

namespace graft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Message(const absl::StatusOr<LoadedVectors>& loaded) {
  return std::string(loaded.status().message());
}

TEST(FloretTest, ATableGivesEveryWordAVector) {
  const std::string text = "3 2 2 3 2 2166136261 < >\n0 1 2\n1 3 4\n2 5 6\n";
  const auto loaded = LoadBytes(text);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.format, VectorFormat::kFloret);
  EXPECT_EQ(loaded->vectors.size(), 0);
  std::vector<float> out(2);
  ASSERT_TRUE(loaded->vectors.Vector("word", absl::MakeSpan(out)));
  EXPECT_GT(out[0], 0.9f);
  EXPECT_THAT(Message(LoadBytes("3 2 2 3 2 1 < >\n0 1 2\n2 3 4\n1 5 6\n")),
              HasSubstr("expected the row of number 1"));
  EXPECT_THAT(Message(LoadBytes("3 2 2 3 2 1 < >\n0 1 2\n1 3 4\n")), HasSubstr("expected 3 rows"));
  EXPECT_THAT(Message(LoadBytes("3 2 4 3 2 1 < >\n0 1 2\n1 3 4\n")), HasSubstr("minn <= maxn"));
  EXPECT_THAT(Message(LoadBytes("3 2 2 3 5 1 < >\n0 1 2\n1 3 4\n")), HasSubstr("1 to 4 hashes"));
  const std::string folder = TestFile("floret", text) + ".graft";
  ASSERT_TRUE(ConvertWordVectors(TestFile("floret", text), {}, folder, {.replace = true}).ok());
  const auto opened = LoadWordVectors(folder, {});
  ASSERT_TRUE(opened.ok()) << opened.status();
  std::vector<float> again(2);
  ASSERT_TRUE(opened->vectors.Vector("word", absl::MakeSpan(again)));
  EXPECT_EQ(out, again);
}

std::string Npy(const std::string& header, const std::string& numbers) {
  return "\x93NUMPY\x01" + std::string(1, '\0') +
         Bytes<uint16_t>({static_cast<uint16_t>(header.size())}) + header + numbers;
}

absl::StatusOr<LoadedVectors> LoadNpy(const std::string& npy, const std::string& words) {
  TestFile("matrix.txt", words);
  return LoadWordVectors(TestFile("matrix.npy", npy), {});
}

TEST(NumpyTest, MatricesInBothOrdersWithTheirWords) {
  const std::string floats = Bytes<float>({1, 2, 3, 4, 5, 6});
  const auto rows = LoadNpy(
      Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", floats), "a\nb\r\na\n");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->report.format, VectorFormat::kNumpy);
  EXPECT_EQ(rows->vectors.size(), 2);
  EXPECT_EQ(rows->report.duplicates, 1);
  EXPECT_THAT(RowOf(rows->vectors, "b"), ElementsAre(3, 4));
  const auto columns = LoadNpy(
      Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }\n", floats), "a\nb\nc");
  ASSERT_TRUE(columns.ok()) << columns.status();
  EXPECT_THAT(RowOf(columns->vectors, "b"), ElementsAre(2, 5));
}

TEST(NumpyTest, Refused) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";
  const std::string floats = Bytes<float>({1, 2});
  EXPECT_TRUE(LoadNpy(Npy(header, floats), "a\nb\n").ok());
  EXPECT_THAT(Message(LoadNpy(Npy(header, floats), "a\n")), HasSubstr("2 words, one for each row"));
  EXPECT_THAT(Message(LoadNpy(Npy(header, floats), "a\nb\nc\n")), HasSubstr("found more"));
  EXPECT_THAT(Message(LoadNpy(Npy(header, floats), "a\n\n")), HasSubstr("expected a word"));
  EXPECT_THAT(Message(LoadNpy(Npy(header, floats + "x"), "a\nb\n")),
              HasSubstr("the end of the file"));
  EXPECT_THAT(Message(LoadNpy(Npy(header, floats.substr(1)), "a\nb\n")), HasSubstr("8 bytes"));
  EXPECT_THAT(Message(LoadNpy(Npy(header, Bytes<float>({1, NAN})), "a\nb\n")),
              HasSubstr("row 1: component 1"));
  EXPECT_THAT(Message(LoadNpy(Npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }\n",
                                  Bytes<double>({1, 2, 1e300, 3})),
                              "a\nb\n")),
              HasSubstr(absl::StrCat("matrix.npy: byte ", 10 + 59 + 16, ": row 0: component 2")));
  EXPECT_THAT(Message(LoadNpy(Npy(header, floats), std::string("a\nb\0c\n", 6))),
              HasSubstr("matrix.txt:2: byte 2: expected a word without NUL"));
  for (const std::string shape :
       {"(2,)", "(2, 1, 1)", "(99999999999999999999, 2)", "(0, 2)", "(2, 0)"}) {
    EXPECT_THAT(
        Message(LoadNpy(
            Npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n", floats),
            "a\nb\n")),
        HasSubstr("shape"))
        << shape;
  }
  EXPECT_THAT(
      Message(LoadNpy(Npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }\n", floats),
                      "a\nb\n")),
      HasSubstr("expected"));
  EXPECT_FALSE(
      LoadNpy(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999, 9999), }\n", floats),
              "a\nb\n")
          .ok());
  const std::string sound = Npy(header, floats);
  for (size_t size = 0; size < sound.size(); ++size) {
    EXPECT_FALSE(LoadNpy(sound.substr(0, size), "a\nb\n").ok()) << size;
  }
}

// `whole`: the padding of a place that needs none.
std::string Fifu(const std::vector<std::pair<uint32_t, std::string>>& chunks, size_t whole = 4) {
  std::string bytes = "FiFu" + Bytes<uint32_t>({0, static_cast<uint32_t>(chunks.size())});
  for (const auto& chunk : chunks) bytes += Bytes<uint32_t>({chunk.first});
  for (const auto& [id, data] : chunks) {
    std::string padded = data;
    const size_t over = (bytes.size() + 12 + 16) % 4;
    if (id == 2) padded.insert(16, over == 0 ? whole : 4 - over, '\0');
    bytes += Bytes<uint32_t>({id}) + Bytes<uint64_t>({padded.size()}) + padded;
  }
  return bytes;
}

const std::string kWords =
    Bytes<uint64_t>({2}) + Bytes<uint32_t>({1}) + "a" + Bytes<uint32_t>({3}) + "bcd";
const std::string kMatrix =
    Bytes<uint64_t>({2}) + Bytes<uint32_t>({2, 10}) + Bytes<float>({1, 2, 3, 4});

TEST(FinalfusionTest, SimpleVocabulariesAndMatrices) {
  const std::string sound = Fifu({{5, "name = 'x'"}, {1, kWords}, {2, kMatrix}});
  const auto loaded = LoadBytes(sound);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->report.format, VectorFormat::kFinalfusion);
  EXPECT_THAT(RowOf(loaded->vectors, "bcd"), ElementsAre(3, 4));
  for (size_t size = 0; size < sound.size(); ++size) {
    EXPECT_FALSE(LoadFromMemory(sound.substr(0, size)).ok()) << size;
  }
  for (size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    std::string flipped = sound;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    LoadFromMemory(flipped).IgnoreError();
  }
}

// Wherever the matrix comes to stand.
TEST(FinalfusionTest, Paddings) {
  for (const size_t whole : {0, 4}) {
    for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
      const auto loaded = LoadBytes(Fifu({{5, text}, {1, kWords}, {2, kMatrix}}, whole));
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      EXPECT_THAT(RowOf(loaded->vectors, "bcd"), ElementsAre(3, 4));
    }
  }
  EXPECT_THAT(Message(LoadBytes(Fifu({{5, "abcd"}, {1, kWords}, {2, kMatrix}}, 8))),
              HasSubstr("behind a padding"));
}

TEST(FinalfusionTest, WhatIsNotReadIsRefusedByName) {
  EXPECT_THAT(Message(LoadBytes(Fifu({{1, kWords}, {4, ""}}))), HasSubstr("a quantized matrix"));
  EXPECT_THAT(Message(LoadBytes(Fifu({{3, ""}, {2, kMatrix}}))),
              HasSubstr("finalfusion's n-grams"));
  EXPECT_THAT(Message(LoadBytes(Fifu({{8, ""}, {2, kMatrix}}))), HasSubstr("explicit n-grams"));
  EXPECT_THAT(Message(LoadBytes(Fifu({{1, kWords}}))), HasSubstr("no matrix"));
  std::string nul = kWords;
  nul.back() = '\0';
  EXPECT_THAT(Message(LoadBytes(Fifu({{1, nul}, {2, kMatrix}}))), HasSubstr("without NUL"));
  EXPECT_THAT(Message(LoadBytes(Fifu({{2, kMatrix}}))), HasSubstr("words and a matrix"));
  EXPECT_THAT(Message(LoadBytes(Fifu({{1, kWords}, {2, kMatrix}}) + "x")), HasSubstr("more bytes"));
}

}  // namespace
}  // namespace graft
