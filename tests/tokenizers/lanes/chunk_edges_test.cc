#include "tokenizers/lanes/chunk_edges.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

// Edges of a text, filled up with spaces.
std::vector<uint16_t> Edges(std::string text) {
  const size_t blocks = text.size() / kEdgeBlock + 1;
  text.resize(blocks * kEdgeBlock, ' ');
  std::vector<uint16_t> edges(text.size() + kSpareEdges);
  edges.resize(FindChunkEdges(text.data(), blocks, edges.data()));
  return edges;
}

// The same byte by byte.
std::vector<uint16_t> PlainEdges(const std::string& text) {
  std::vector<uint16_t> edges;
  bool inside = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    const bool white =
        i == text.size() || text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r';
    if (white == inside) edges.push_back(static_cast<uint16_t>(i));
    inside = !white;
  }
  return edges;
}

TEST(ChunkEdgesTest, EveryByteValueAtEveryPlaceOfABlock) {
  for (size_t shift = 0; shift < kEdgeBlock; ++shift) {
    std::string text(320 + shift, 'x');
    for (size_t i = 0; i < 256; ++i) text[i + shift] = static_cast<char>(i);
    ASSERT_THAT(Edges(text), ElementsAreArray(PlainEdges(text))) << shift;
  }
}

TEST(ChunkEdgesTest, AnyMixtureOfChunksAndWhitespace) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 400, 'x');
    const uint32_t one_in = 1 + random() % 12;
    for (char& c : text) {
      if (random() % one_in == 0) c = " \t\n\r\x0B"[random() % 5];
    }
    ASSERT_THAT(Edges(text), ElementsAreArray(PlainEdges(text))) << text;
  }
}

TEST(ChunkEdgesTest, WhitespaceAloneHasNoChunks) {
  EXPECT_THAT(Edges(""), IsEmpty());
  EXPECT_THAT(Edges(std::string(1000, ' ')), IsEmpty());
}

}  // namespace
}  // namespace graft
