#include "models/weights/float_conversion.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <numeric>
#include <string>
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

// A float8 number by arithmetic: a fraction of `bits` bits below an exponent with this bias.
double Float8ByDefinition(uint8_t byte, int bits, int bias) {
  const double sign = (byte & 0x80) != 0 ? -1 : 1;
  const int exponent = (byte & 0x7F) >> bits;
  const int fraction = byte & ((1 << bits) - 1);
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - bits);
  return sign * std::ldexp((1 << bits) + fraction, exponent - bias - bits);
}

TEST(FloatConversionTest, EveryFloat8IsExact) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 256; ++i) {
    const auto byte = static_cast<uint8_t>(i);
    const int magnitude = byte & 0x7F;
    if (magnitude == 0x7F) {
      EXPECT_TRUE(std::isnan(E4M3ToFloat(byte))) << i;
    } else {
      EXPECT_EQ(E4M3ToFloat(byte), Float8ByDefinition(byte, 3, 7)) << i;
    }
    if (magnitude > 0x7C) {
      EXPECT_TRUE(std::isnan(E5M2ToFloat(byte))) << i;
    } else {
      EXPECT_EQ(E5M2ToFloat(byte), magnitude < 0x7C ? Float8ByDefinition(byte, 2, 15)
                                                    : std::copysign(kInfinity, byte < 128 ? 1 : -1))
          << i;
    }
    EXPECT_EQ(std::signbit(E4M3ToFloat(byte)), byte >= 128) << i;
    EXPECT_EQ(std::signbit(E5M2ToFloat(byte)), byte >= 128) << i;
    if (byte < 255) {
      EXPECT_EQ(E8M0ToFloat(byte), std::ldexp(1.0, i - 127)) << i;
    }
  }
  EXPECT_TRUE(std::isnan(E8M0ToFloat(255)));
}

// tests/golden/float8.txt: a line for each byte, with the bits of the three numbers. Of NaNs only
// the sign is compared: PyTorch makes those of F8_E5M2 quiet, and that of F8_E8M0 not.
TEST(FloatConversionTest, EveryFloat8IsThatOfPyTorch) {
  std::vector<uint8_t> bytes(256);
  std::iota(bytes.begin(), bytes.end(), 0);
  std::vector<float> found[3];
  for (std::vector<float>& floats : found) floats.resize(bytes.size());
  E4M3ToFloat(bytes.data(), found[0].data(), bytes.size());
  E5M2ToFloat(bytes.data(), found[1].data(), bytes.size());
  E8M0ToFloat(bytes.data(), found[2].data(), bytes.size());
  std::ifstream golden(GRAFT_SOURCE_DIR "/tests/golden/float8.txt");
  golden >> std::hex;
  for (const uint8_t byte : bytes) {
    uint32_t key = 0;
    ASSERT_TRUE(golden >> key);
    ASSERT_EQ(key, byte);
    for (const std::vector<float>& floats : found) {
      uint32_t bits = 0;
      ASSERT_TRUE(golden >> bits);
      if (std::isnan(std::bit_cast<float>(bits))) {
        EXPECT_TRUE(std::isnan(floats[byte])) << key;
        EXPECT_EQ(std::signbit(floats[byte]), bits >> 31 != 0) << key;
      } else {
        EXPECT_EQ(std::bit_cast<uint32_t>(floats[byte]), bits) << key;
      }
    }
  }
}

// Of the two halves around a number the nearer one, by arithmetic in double; the even one of ties.
uint16_t NearestHalf(float value) {
  const auto distance = [&](int half) {
    // Beyond the largest number infinity stands where the next one would.
    const double number = half == 0x7C00 ? 65536.0 : HalfByDefinition(static_cast<uint16_t>(half));
    return std::abs(std::abs(static_cast<double>(value)) - number);
  };
  int best = 0;  // the positive halves rise with their bits
  for (int low = 0, high = 0x7C00; low <= high;) {
    const int middle = (low + high) / 2;
    const double number =
        middle == 0x7C00 ? 65536.0 : HalfByDefinition(static_cast<uint16_t>(middle));
    if (number <= std::abs(static_cast<double>(value))) {
      best = middle;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  const int step = std::min(best + 1, 0x7C00);
  if (distance(step) < distance(best) || (distance(step) == distance(best) && best % 2 == 1)) {
    best = step;
  }
  return static_cast<uint16_t>(best | (std::signbit(value) ? 0x8000 : 0));
}

TEST(FloatConversionTest, FloatsGoToTheNearestHalf) {
  // Every half, the middle to the next, and the floats beside both.
  for (uint32_t half = 0; half < 0x7C00; ++half) {
    const float low = HalfToFloat(static_cast<uint16_t>(half));
    const float high = half == 0x7BFF ? 65536.0f : HalfToFloat(static_cast<uint16_t>(half + 1));
    const float middle = (low + high) / 2;
    for (const float center : {low, middle}) {
      for (const float value :
           {std::nextafter(center, 0.0f), center, std::nextafter(center, 1e9f)}) {
        ASSERT_EQ(FloatToHalf(value), NearestHalf(value)) << value;
        ASSERT_EQ(FloatToHalf(-value), NearestHalf(-value)) << -value;
      }
    }
  }
  EXPECT_EQ(FloatToHalf(65519.0f), 0x7BFF);
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7C00);
  EXPECT_EQ(FloatToHalf(1e30f), 0x7C00);
  EXPECT_EQ(FloatToHalf(-std::numeric_limits<float>::infinity()), 0xFC00);
}

TEST(FloatConversionTest, FloatsGoToTheNearestBFloat16) {
  const auto to = [](uint32_t bits) { return FloatToBFloat16(std::bit_cast<float>(bits)); };
  EXPECT_EQ(to(0x3F800000), 0x3F80);
  EXPECT_EQ(to(0x3F807FFF), 0x3F80);
  EXPECT_EQ(to(0x3F808000), 0x3F80);  // ties to even
  EXPECT_EQ(to(0x3F808001), 0x3F81);
  EXPECT_EQ(to(0x3F818000), 0x3F82);
  EXPECT_EQ(to(0xBF818000), 0xBF82);
  EXPECT_EQ(to(0x7F7FFFFF), 0x7F80);  // infinity
  EXPECT_EQ(to(0x00000001), 0x0000);
  EXPECT_EQ(to(0x7F800000), 0x7F80);
  EXPECT_EQ(to(0xFF800000), 0xFF80);
}

TEST(FloatConversionTest, NansStayNans) {
  for (const uint32_t bits : {0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFC12345u}) {
    const float nan = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(nan)))) << bits;
    EXPECT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(nan)))) << bits;
    EXPECT_EQ(std::signbit(HalfToFloat(FloatToHalf(nan))), std::signbit(nan));
  }
}

TEST(FloatConversionTest, ADoubleBecomesAHalfInOneStep) {
  // Just above the middle of 1 and the next half: float32 rounds it to the middle, which is even.
  const double above = 1 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(FloatToHalf(static_cast<float>(above)), 0x3C00);
  EXPECT_EQ(FloatToHalf(DoubleToOddFloat(above)), 0x3C01);
  EXPECT_EQ(FloatToHalf(DoubleToOddFloat(-above)), 0xBC01);
  // Just below the middle of the two halves after that, whose even neighbour is above.
  const double below = 1 + 0x3p-11 - 0x1p-40;
  EXPECT_EQ(FloatToHalf(static_cast<float>(below)), 0x3C02);
  EXPECT_EQ(FloatToHalf(DoubleToOddFloat(below)), 0x3C01);
  EXPECT_EQ(FloatToBFloat16(DoubleToOddFloat(1 + 0x1p-8 + 0x1p-40)), 0x3F81);
  EXPECT_EQ(FloatToBFloat16(DoubleToOddFloat(1 + 0x1p-8)), 0x3F80);
}

TEST(FloatConversionTest, DoublesBeyondFloatStayFiniteAndSmallOnesKeepTheirSign) {
  EXPECT_EQ(DoubleToOddFloat(1e300), std::numeric_limits<float>::max());
  EXPECT_EQ(DoubleToOddFloat(-1e300), -std::numeric_limits<float>::max());
  EXPECT_EQ(DoubleToOddFloat(std::numeric_limits<double>::infinity()),
            std::numeric_limits<float>::infinity());
  EXPECT_EQ(DoubleToOddFloat(1e-300), std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(DoubleToOddFloat(-1e-300), -std::numeric_limits<float>::denorm_min());
  EXPECT_TRUE(std::isnan(DoubleToOddFloat(std::nan(""))));
  for (const double exact : {0.0, -0.0, 1.0, -2.5, 0x1p-149, 0x1.fffffep127}) {
    EXPECT_EQ(std::bit_cast<uint32_t>(DoubleToOddFloat(exact)),
              std::bit_cast<uint32_t>(static_cast<float>(exact)));
  }
}

}  // namespace
}  // namespace graft
