#include "models/weights/float_conversion.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"

namespace graft {
namespace {

// The meaning of IEEE 754 binary16, by arithmetic.
double HalfByDefinition(uint16_t half) {
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  if (exponent == 31) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(FloatConversionTest, EveryHalfIsExact) {
  std::vector<uint16_t> halves(1 << 16);
  std::iota(halves.begin(), halves.end(), 0);
  std::vector<float> floats(halves.size());
  HalfToFloat(halves.data(), floats.data(), halves.size());
  for (const uint16_t half : halves) {
    const double expected = HalfByDefinition(half);
    if (std::isnan(expected)) {
      // The payload moves along, the sign too.
      const uint32_t bits = std::bit_cast<uint32_t>(floats[half]);
      ASSERT_EQ(bits, ((half & 0x8000u) << 16) | 0x7F800000u | ((half & 1023u) << 13)) << half;
    } else {
      ASSERT_EQ(floats[half], expected) << half;
      ASSERT_EQ(std::signbit(floats[half]), std::signbit(expected)) << half;
    }
  }
}

TEST(FloatConversionTest, EveryBFloat16IsTheUpperHalfOfAFloat) {
  std::vector<uint16_t> in(1 << 16);
  std::iota(in.begin(), in.end(), 0);
  std::vector<float> out(in.size());
  BFloat16ToFloat(in.data(), out.data(), in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), static_cast<uint32_t>(i) << 16);
  }
}

TEST(FloatConversionTest, DoublesAreRoundedToNearestAndToInfinity) {
  const std::vector<double> in = {0.1, -0.0, 1e300, -1e300, 1e-300, 16777217.0, 16777219.0};
  std::vector<float> out(in.size());
  DoubleToFloat(in.data(), out.data(), in.size());
  EXPECT_EQ(out[0], 0.1f);
  EXPECT_TRUE(std::signbit(out[1]));
  EXPECT_EQ(out[2], std::numeric_limits<float>::infinity());
  EXPECT_EQ(out[3], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(out[4], 0.0f);
  EXPECT_EQ(out[5], 16777216.0f);  // ties to even
  EXPECT_EQ(out[6], 16777220.0f);
}

}  // namespace
}  // namespace graft
