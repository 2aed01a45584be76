#include "tokenizers/truncation.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::pair<size_t, size_t>> Windows(size_t size, size_t keep, size_t stride,
                                               TruncationSide side = TruncationSide::kRight) {
  std::vector<std::pair<size_t, size_t>> windows;
  for (const TokenWindow window : TruncationWindows(size, keep, stride, side, true)) {
    windows.emplace_back(window.begin, window.end);
  }
  return windows;
}

TEST(TruncationTest, TheStrategySaysWhichTextLoses) {
  EXPECT_THAT(TruncatedSizes(5, 3, 8, Truncation::kLongestFirst), Pair(5, 3));
  EXPECT_THAT(TruncatedSizes(9, 3, 8, Truncation::kLongestFirst), Pair(5, 3));
  EXPECT_THAT(TruncatedSizes(9, 7, 7, Truncation::kLongestFirst), Pair(4, 3));
  EXPECT_THAT(TruncatedSizes(9, 7, 8, Truncation::kOnlyFirst), Pair(1, 7));
  EXPECT_THAT(TruncatedSizes(9, 7, 5, Truncation::kOnlyFirst), Pair(0, 7));
  EXPECT_THAT(TruncatedSizes(9, 7, 12, Truncation::kOnlySecond), Pair(9, 3));
}

TEST(TruncationTest, WindowsCoverAllTokensAndOverlapByTheStride) {
  EXPECT_THAT(Windows(5, 5, 2), ElementsAre(Pair(0, 5)));
  EXPECT_THAT(Windows(7, 3, 0), ElementsAre(Pair(0, 3), Pair(3, 6), Pair(6, 7)));
  EXPECT_THAT(Windows(7, 3, 1), ElementsAre(Pair(0, 3), Pair(2, 5), Pair(4, 7)));
  EXPECT_THAT(Windows(7, 3, 1, TruncationSide::kLeft),
              ElementsAre(Pair(4, 7), Pair(2, 5), Pair(0, 3)));
  EXPECT_THAT(Windows(4, 2, 9), ElementsAre(Pair(0, 2), Pair(1, 3), Pair(2, 4)))
      << "a stride as long as the window is one less";
  EXPECT_THAT(Windows(4, 0, 0), ElementsAre(Pair(0, 0), Pair(0, 4)));
  EXPECT_EQ(TruncationWindows(7, 3, 1, TruncationSide::kRight, false).size(), 1u);
}

}  // namespace
}  // namespace graft
