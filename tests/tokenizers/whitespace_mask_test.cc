#include "tokenizers/whitespace_mask.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace graft {
namespace {

TEST(WhitespaceMaskTest, EveryByteValueAtEveryPlaceOfABlock) {
  for (int shift = 0; shift < 64; ++shift) {
    std::string text(320, 'x');
    for (int i = 0; i < 256; ++i) text[i + shift] = static_cast<char>(i);
    std::vector<uint64_t> masks(5, ~uint64_t{0});
    FindWhitespace(text.data(), 5, masks.data());
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool white = c == ' ' || c == '\t' || c == '\n' || c == '\r';
      ASSERT_EQ(masks[i / 64] >> i % 64 & 1, white ? 1u : 0u)
          << "byte " << i << ", shift " << shift;
    }
  }
}

}  // namespace
}  // namespace graft
