#include "base/checked_size.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace graft {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(CheckedSizeTest, ComputesWhatFits) {
  EXPECT_EQ((CheckedSize(3) * 4 + 5).value(), 17u);
  EXPECT_EQ((CheckedSize(kMax - 1) + 1).value(), kMax);
  EXPECT_EQ((CheckedSize(uint64_t{1} << 32) * ((uint64_t{1} << 32) - 1)).value(),
            0xFFFFFFFF00000000u);
}

TEST(CheckedSizeTest, HasNoValueAfterAnOverflow) {
  EXPECT_EQ((CheckedSize(kMax) + 1).value(), std::nullopt);
  EXPECT_EQ((CheckedSize(uint64_t{1} << 32) * (uint64_t{1} << 32)).value(), std::nullopt);
}

TEST(CheckedSizeTest, TheProductThatWrapsToFourInOtherReadersHasNoValue) {
  const CheckedSize elements = CheckedSize(4194305) * 4194305 * 211106198978564;
  EXPECT_EQ(elements.value(), std::nullopt);
}

TEST(CheckedSizeTest, AnOverflowIsNotForgottenByLaterSteps) {
  EXPECT_EQ(((CheckedSize(kMax) + 1) * 0).value(), std::nullopt);
  EXPECT_EQ((CheckedSize(0) * (CheckedSize(kMax) * 2)).value(), std::nullopt);
  EXPECT_EQ((CheckedSize(1) + (CheckedSize(kMax) + 1)).value(), std::nullopt);
}

}  // namespace
}  // namespace graft
