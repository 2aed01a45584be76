// Files of every format that the packages themselves wrote, and what those give for their words:
// tests/golden/generate_vectors.py.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "embeddings/write.h"
#include "nlohmann/json.hpp"
#include "tests/embeddings/load_test.h"

namespace graft {
namespace {

const std::string kFolder = std::string(GRAFT_SOURCE_DIR) + "/tests/golden/vectors/";

LoadOptions OptionsFor(const std::string& file) {
  LoadOptions options;
  if (file.ends_with(".npy")) options.words_path = kFolder + "words.txt";
  return options;
}

void ExpectNear(const WordVectors& vectors, const std::string& word,
                const std::vector<float>& expected, float tolerance) {
  std::vector<float> found(expected.size());
  ASSERT_TRUE(vectors.Vector(word, absl::MakeSpan(found)) ||
              std::all_of(expected.begin(), expected.end(), [](float value) { return value == 0; }))
      << word;
  for (size_t i = 0; i < expected.size(); ++i) {
    const float room = tolerance * std::max(1.0f, std::abs(expected[i]));
    ASSERT_LE(std::abs(found[i] - expected[i]), room) << word << " " << i;
  }
}

void ExpectVectors(const WordVectors& vectors, const nlohmann::json& entry) {
  const auto tolerance = entry["tolerance"].get<float>();
  for (const auto& [word, expected] : entry["vectors"].items()) {
    ASSERT_TRUE(vectors.Find(word).has_value()) << word;
    ExpectNear(vectors, word, expected.get<std::vector<float>>(), tolerance);
  }
  for (const auto& [word, expected] : entry["unknown"].items()) {
    ASSERT_TRUE(!vectors.Find(word).has_value()) << word;
    ExpectNear(vectors, word, expected.get<std::vector<float>>(), tolerance);
  }
}

TEST(GoldenFilesTest, EveryFormatGivesWhatItsPackageGives) {
  const auto entries = nlohmann::json::parse(std::ifstream(kFolder + "expected.json"));
  EXPECT_GE(entries.size(), 15u);
  for (const nlohmann::json& entry : entries) {
    const auto file = entry["file"].get<std::string>();
    SCOPED_TRACE(file);
    const auto loaded = LoadWordVectors(kFolder + file, OptionsFor(file));
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(VectorFormatName(loaded->report.format), entry["format"].get<std::string>());
    EXPECT_EQ(loaded->vectors.size(), entry["rows"].get<int64_t>());
    EXPECT_EQ(loaded->vectors.width(), entry["width"].get<int64_t>());
    EXPECT_EQ(loaded->report.duplicates, 0);
    EXPECT_EQ(loaded->report.broken_utf8, 0);
    ExpectVectors(loaded->vectors, entry);
    // graft's own folder keeps all of it.
    const std::string folder = TestFile("converted", "") + ".graft";
    const auto converted =
        ConvertWordVectors(kFolder + file, OptionsFor(file), folder, {.replace = true});
    ASSERT_TRUE(converted.ok()) << converted.status();
    const auto opened = LoadWordVectors(folder, {});
    ASSERT_TRUE(opened.ok()) << opened.status();
    ExpectVectors(opened->vectors, entry);
  }
}

TEST(GoldenFilesTest, ClassifiersSayThatTheyAre) {
  const auto loaded = LoadWordVectors(kFolder + "supervised.bin", {});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->report.description,
              testing::HasSubstr("supervised, softmax, version 12, 3 "));
}

// Every cut of every file is refused, but those of text without a header between rows, and those
// within the last number, which are told of.
TEST(GoldenFilesTest, CutsAreRefused) {
  for (const auto& entry : nlohmann::json::parse(std::ifstream(kFolder + "expected.json"))) {
    const auto file = entry["file"].get<std::string>();
    SCOPED_TRACE(file);
    std::ifstream stream(kFolder + file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    const size_t step = std::max<size_t>(1, bytes.size() / 300);
    for (size_t size = 0; size + 2 < bytes.size(); size += step) {
      const auto loaded = LoadFromMemory(bytes.substr(0, size), OptionsFor(file));
      if (!loaded.ok() || entry["format"] == "glove") continue;
      ASSERT_FALSE(loaded->report.findings.empty()) << size;
      EXPECT_THAT(loaded->report.findings.back().text, testing::HasSubstr("has no end")) << size;
    }
  }
}

}  // namespace
}  // namespace graft
