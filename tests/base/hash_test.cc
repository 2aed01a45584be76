#include "base/hash.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace graft {
namespace {

using graft::testing::IsOkAndHolds;
using graft::testing::StatusIs;
using testing::TemporaryFolder;

std::string Counting(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 131 + (i >> 8));
  return bytes;
}

// The first is the seedless XXH3-128 of no bytes that the specification of xxHash lists; the second
// is what `printf abc | xxh128sum` prints.
TEST(HashTest, AgreesWithTheReference) {
  EXPECT_EQ(HashBytes(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(HashBytes("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(HashTest, PiecesHashLikeTheWhole) {
  const std::string bytes = Counting(5000);
  for (const size_t cut : {0, 1, 16, 17, 128, 129, 240, 241, 1024, 4999, 5000}) {
    Hasher hasher;
    hasher.Update(std::string_view(bytes).substr(0, cut));
    hasher.Update(std::string_view(bytes).substr(cut));
    EXPECT_EQ(hasher.Hex(), HashBytes(bytes)) << cut;
  }
}

TEST(HashTest, MoreMayFollowAfterHex) {
  Hasher hasher;
  hasher.Update("ab");
  EXPECT_EQ(hasher.Hex(), HashBytes("ab"));
  hasher.Update("c");
  EXPECT_EQ(hasher.Hex(), HashBytes("abc"));
}

TEST(HashTest, OneBitChangesTheHash) {
  std::string bytes = Counting(300);
  const std::string before = HashBytes(bytes);
  bytes[299] ^= 1;
  EXPECT_NE(HashBytes(bytes), before);
}

TEST(HashTest, AFileHashesLikeItsBytes) {
  const TemporaryFolder folder;
  for (const size_t size : {0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3'000'000}) {
    const std::string bytes = Counting(size);
    EXPECT_THAT(HashFile(folder.Write("f", bytes)), IsOkAndHolds(HashBytes(bytes))) << size;
  }
}

TEST(HashTest, AMissingFileIsNotFound) {
  const TemporaryFolder folder;
  EXPECT_THAT(HashFile(folder / "none"),
              StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("/none: cannot open")));
}

}  // namespace
}  // namespace graft
