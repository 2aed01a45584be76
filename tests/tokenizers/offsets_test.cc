#include "tokenizers/offsets.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace graft {
namespace {

using ::testing::ElementsAre;

TEST(OffsetsTest, CountsCharactersAndUnits) {
  const std::string_view text = "aé\U0001F600中";
  const Span spans[] = {{0, 1}, {1, 3}, {3, 7}, {7, 10}, {0, 10}, {0, 0}};
  EXPECT_THAT(ToCodePoints(text, spans),
              ElementsAre(Span{0, 1}, Span{1, 2}, Span{2, 3}, Span{3, 4}, Span{0, 4}, Span{0, 0}));
  EXPECT_THAT(ToUtf16(text, spans),
              ElementsAre(Span{0, 1}, Span{1, 2}, Span{2, 4}, Span{4, 5}, Span{0, 5}, Span{0, 0}));
}

TEST(OffsetsTest, AnIllFormedPartIsOne) {
  const Span spans[] = {{0, 2}, {2, 3}, {1, 2}};
  EXPECT_THAT(ToCodePoints("\xE2\x82z", spans), ElementsAre(Span{0, 1}, Span{1, 2}, Span{0, 1}));
}

}  // namespace
}  // namespace graft
