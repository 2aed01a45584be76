#include "tokenizers/files/charsmap_check.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/tokenizers/sentencepiece_files.h"

namespace graft {
namespace {

using testing::Charsmap;
using testing::CharsmapBuilder;
using testing::IsOk;
using ::testing::StartsWith;
using testing::StatusIs;

// "a" -> "A", "ab" -> "X", "\u00E9" -> "e". The root's children begin at unit 256, those of "a" at
// 512, of "ab" at 768.
CharsmapBuilder Builder() {
  CharsmapBuilder builder;
  builder.Add({{"a", "A"}, {"ab", "X"}, {"\u00E9", "e"}});
  return builder;
}

void ExpectRefused(const CharsmapBuilder& builder, const std::string& message) {
  EXPECT_THAT(CheckCharsmap(builder.Bytes(), "m"),
              StatusIs(absl::StatusCode::kDataLoss, StartsWith("m: byte " + message)));
}

TEST(CharsmapCheckTest, AcceptsARightOneAndNone) {
  EXPECT_THAT(CheckCharsmap(Builder().Bytes(), "m"), IsOk());
  EXPECT_THAT(CheckCharsmap("", "m"), IsOk());
}

TEST(CharsmapCheckTest, AcceptsBranchesThatAreShared) {
  CharsmapBuilder builder = Builder();
  builder.units[256 + 'c'] = 'c' | ((256 + 'c') ^ 512) << 10 | 1 << 8;  // "c" ends as "a" does
  EXPECT_THAT(CheckCharsmap(builder.Bytes(), "m"), IsOk());
}

TEST(CharsmapCheckTest, RefusesOffsetsOutside) {
  CharsmapBuilder builder = Builder();
  const size_t units = builder.units.size();
  builder.units[256 + 'a'] = 'a' | 1 << 21 | 1 << 8;
  ExpectRefused(builder, "1416: expected children below unit " + std::to_string(units));
  builder = Builder();
  builder.units[256 + 'a'] = 'a' | uint32_t{0x1FFFFF} << 10 | 1 << 9;  // the largest there is
  ExpectRefused(builder, "1416: expected children below unit");
}

TEST(CharsmapCheckTest, RefusesCycles) {
  CharsmapBuilder builder = Builder();
  builder.units[512 + 'b'] = 'b' | ((512 + 'b') ^ 512) << 10;  // "ab" has the children of "a"
  ExpectRefused(builder, "2444: expected a trie without cycles, found unit 610 that leads back");
  builder = Builder();
  builder.units[512 + 'b'] = 'b' | ((512 + 'b') ^ 256) << 10;  // and of the root
  ExpectRefused(builder, "1416: expected a trie without cycles");
}

TEST(CharsmapCheckTest, RefusesValuesThatAreNone) {
  CharsmapBuilder builder = Builder();
  builder.units[512] = uint32_t{1} << 31 | 6;
  ExpectRefused(builder, "2052: expected a value below 6, found 6");
  builder = Builder();
  builder.units[512] = 5;
  ExpectRefused(builder, "2052: expected a leaf, found an inner node");
  builder = Builder();
  builder.replacements = std::string("A\0X\0\xC3\xA9\0", 7);
  builder.units[512] = uint32_t{1} << 31 | 5;
  ExpectRefused(builder, "2052: expected a value where a character begins, found 5");
  builder = Builder();
  builder.replacements = std::string(257, 'x') + '\0';
  ExpectRefused(builder, "2052: expected a replacement of at most 256 bytes");
}

TEST(CharsmapCheckTest, RefusesRootsThatAreNone) {
  CharsmapBuilder builder = Builder();
  builder.units[0] = 0;
  ExpectRefused(builder, "4: expected a root with children");
  builder = Builder();
  builder.units[0] |= 1 << 8;
  ExpectRefused(builder, "4: expected a root with children");
}

TEST(CharsmapCheckTest, RefusesSizesThatLie) {
  const std::string right = Builder().Bytes();
  const auto with_size = [&](uint32_t size) { return testing::Fixed32(size) + right.substr(4); };
  const uint32_t trie = static_cast<uint32_t>(4 * Builder().units.size());
  for (const uint32_t size : {0u, 4u, trie - 4, trie + 4, trie + 1024, 0xFFFFFC00u, 0xFFFFFFFFu}) {
    EXPECT_THAT(CheckCharsmap(with_size(size), "m"),
                StatusIs(absl::StatusCode::kDataLoss, StartsWith("m: byte 0: expected a trie")))
        << size;
  }
  EXPECT_THAT(CheckCharsmap(right.substr(0, 4), "m"),
              StatusIs(absl::StatusCode::kDataLoss, StartsWith("m: byte 0: ")));
}

TEST(CharsmapCheckTest, RefusesReplacementsThatAreNoText) {
  CharsmapBuilder builder = Builder();
  builder.replacements.back() = 'x';
  ExpectRefused(builder, std::to_string(builder.Bytes().size() - 1) + ": expected a NUL");
  builder = Builder();
  builder.replacements[0] = '\xFF';
  ExpectRefused(builder, std::to_string(builder.Bytes().size() - 6) + ": expected UTF-8");
}

}  // namespace
}  // namespace graft
