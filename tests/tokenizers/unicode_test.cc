#include "tokenizers/unicode.h"

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using testing::TemporaryFolder;

std::vector<uint32_t> Decomposed(char32_t code) {
  std::array<char32_t, kMaxDecomposition> out;
  const int count = DecomposeCanonically(code, out);
  return {out.begin(), out.begin() + count};
}

// The line that generate_unicode_differences.py hashes for a code point.
std::string Properties(char32_t code) {
  const CharInfo& info = LookUpChar(code);
  std::vector<uint32_t> parts = Decomposed(code);
  std::array<char32_t, kMaxCompatibilityDecomposition> compatible;
  parts.insert(parts.end(), compatible.begin(),
               compatible.begin() + DecomposeCompatibly(code, compatible));
  uint16_t flags = info.flags;
  // The peer asks for marks after decomposition only, so it has no answer for the others.
  if ((flags & kDecomposes) != 0) flags &= ~kNonspacingMark;
  const int combining_class = (flags & kDecomposes) != 0 ? 0 : info.combining_class;
  std::string line = absl::StrFormat("%X %X %X %X", static_cast<uint32_t>(code), flags,
                                     combining_class, static_cast<uint32_t>(info.lower));
  for (const uint32_t part : parts) absl::StrAppendFormat(&line, " %X", part);
  return line + "\n";
}

TEST(UnicodeTest, EveryCodePointIsAsThePeerSeesIt) {
  std::istringstream expected(TemporaryFolder::Read(
      std::string(GRAFT_SOURCE_DIR) + "/tests/golden/tokenizers/unicode_properties.txt"));
  int planes = 0;
  uint32_t plane;
  std::string hash;
  while (expected >> plane >> hash) {
    uint64_t value = 0xCBF29CE484222325;
    for (char32_t code = plane << 16; code < (plane + 1) << 16; ++code) {
      if (code >= 0xD800 && code < 0xE000) continue;
      for (const char byte : Properties(code)) {
        value = (value ^ static_cast<uint8_t>(byte)) * 0x100000001B3;
      }
    }
    EXPECT_EQ(absl::StrFormat("%016X", value), hash) << "plane " << plane;
    ++planes;
  }
  EXPECT_EQ(planes, 17);
}

TEST(UnicodeTest, DecomposesHangulAndChainsOfDecompositions) {
  EXPECT_THAT(Decomposed(U'한'), ElementsAre(0x1112, 0x1161, 0x11AB));
  EXPECT_THAT(Decomposed(U'가'), ElementsAre(0x1100, 0x1161));
  EXPECT_THAT(Decomposed(0x1F82), ElementsAre(0x3B1, 0x313, 0x300, 0x345));
  EXPECT_THAT(Decomposed(U'a'), ElementsAre('a'));
}

TEST(UnicodeTest, ComposesWhatItDecomposesButExclusions) {
  EXPECT_EQ(Compose('e', 0x301), char32_t{0xE9});
  EXPECT_EQ(Compose(0x1112, 0x1161), char32_t{0xD558});
  EXPECT_EQ(Compose(0x915, 0x93C), char32_t{0}) << "U+0958 is excluded from composition";
  EXPECT_EQ(Compose(0x11935, 0x11930), char32_t{0}) << "U+11938 is too new for the peer";
}

TEST(UnicodeTest, PatternsSeeNewCharactersAsOldOnesOfTheirCategory) {
  EXPECT_EQ(PatternStandIn('a'), char32_t{'a'});
  EXPECT_EQ(PatternStandIn(0x10D40), char32_t{0x104A0}) << "a digit";
  EXPECT_EQ(PatternStandIn(0x2EBF0), char32_t{0x20000}) << "a Han character";
  EXPECT_EQ(PatternStandIn(0x10FFFF), char32_t{0x10FFFF});
}

TEST(UnicodeTest, ThreadsMayAskForTheSamePageFirst) {
  // Pages of plane 14: no other test of this program needs them.
  std::vector<const CharInfo*> seen(8);
  {
    std::vector<std::jthread> threads;
    threads.reserve(seen.size());
    for (const CharInfo*& place : seen) {
      threads.emplace_back([&place] { place = &LookUpChar(0xE0100); });
    }
  }
  for (const CharInfo* info : seen) EXPECT_EQ(info, seen[0]);
  EXPECT_NE(seen[0]->flags & kNonspacingMark, 0);
}

}  // namespace
}  // namespace graft
