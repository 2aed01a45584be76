#include "embeddings/float_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

namespace graft {
namespace {

std::string Padded(const std::string& text) { return text + std::string(kFloatTextPadding, ' '); }

// Reads as strtof does, to the last bit, and to the same end.
testing::AssertionResult ReadsAsStrtof(const std::string& text) {
  const std::string padded = Padded(text);
  const char* p = padded.c_str();
  char* end = nullptr;
  const float expected = std::strtof(padded.c_str(), &end);
  float found = 12345;
  const FloatText result = ParseFloat(p, found);
  if (std::isinf(expected)) {
    if (result == FloatText::kNotFinite) return testing::AssertionSuccess();
    return testing::AssertionFailure() << text << " overflows and is read as " << found;
  }
  if (result != FloatText::kNumber || p != end ||
      std::bit_cast<uint32_t>(expected) != std::bit_cast<uint32_t>(found)) {
    return testing::AssertionFailure() << text << " is " << expected << ", read as " << found;
  }
  return testing::AssertionSuccess();
}

TEST(FloatTextTest, NumbersOfVectorFilesReadAsStrtofReadsThem) {
  for (const char* text : {"0",
                           "-0",
                           "+1",
                           "1.",
                           ".5",
                           "-.5",
                           "0.418",
                           "-0.41242",
                           "0.0003",
                           "1e5",
                           "1E+5",
                           "1e-5",
                           "-3.2e-05",
                           "12345678",
                           "123456789.123456789",
                           "0.12345678901234567",
                           "1e22",
                           "1e23",
                           "3.4028234e38",
                           "3.4028235677973366e38",
                           "1.17549435e-38",
                           "1.1754942e-38",
                           "1e-45",
                           "7.006492321624085e-46",
                           "7.006492321624086e-46",
                           "7.1e-46",
                           "1e-46",
                           "1e-400",
                           "-1e-400",
                           "0e999999999",
                           "0.00000000000000000000000000000000000000000000000000001e60",
                           "16777217",
                           "16777219",
                           "16777217.0000000000000000000000001",
                           "9007199254740993",
                           "0.100000001490116119384765625",
                           "1.00000005960464477539062500000",
                           "1.00000005960464477539062500001",
                           "1.000000059604644775390624999",
                           "1e",
                           "1e+",
                           "2ex"}) {
    EXPECT_TRUE(ReadsAsStrtof(text));
  }
}

TEST(FloatTextTest, LongRowsOfZerosAndTheirExponentsAreOneNumber) {
  const std::string zeros(350, '0');
  for (const std::string& text :
       {"1" + zeros + "e-350", "1" + zeros + "e-1", "1" + zeros, "0." + zeros + "1e351",
        "0." + zeros + "1", "-." + zeros + "1e2", "1" + zeros + "e-420", "0." + zeros + "1e400"}) {
    EXPECT_TRUE(ReadsAsStrtof(text));
  }
}

TEST(FloatTextTest, WhatIsLargerThanAnyFloatIsRefused) {
  for (const std::string text : {"3.4028236e38", "1e39", "-1e999", "1e99999999999999999999"}) {
    const std::string padded = Padded(text);
    const char* p = padded.c_str();
    float value = 7;
    EXPECT_EQ(ParseFloat(p, value), FloatText::kNotFinite) << text;
    EXPECT_EQ(p, padded.c_str() + text.size());
    EXPECT_EQ(value, 7);
  }
}

TEST(FloatTextTest, WhatIsNoDecimalNumberIsRefused) {
  for (const std::string text : {"nan", "inf", "-inf", "", "-", ".", "e5", "--1", "- 1", "abc"}) {
    const std::string padded = Padded(text);
    const char* p = padded.c_str();
    float value = 7;
    EXPECT_EQ(ParseFloat(p, value), FloatText::kNotANumber) << text;
    EXPECT_EQ(p, padded.c_str());
  }
  const std::string hex = Padded("0x1p3");
  const char* p = hex.c_str();
  float value = 7;
  EXPECT_EQ(ParseFloat(p, value), FloatText::kNumber) << "ends at the x, which no row allows";
  EXPECT_EQ(*p, 'x');
}

// A number as files have them, near the middle of two floats, or any digits.
std::string RandomNumber(std::mt19937_64& random) {
  char text[96];
  const uint64_t bits = random();
  float value = std::bit_cast<float>(static_cast<uint32_t>(bits));
  if (!std::isfinite(value)) value = 1;
  const double wide = value;
  const double middle = (wide + static_cast<double>(std::nextafterf(value, INFINITY))) / 2;
  const double common = static_cast<double>(static_cast<int64_t>(bits) >> 20) * 0x1p-43;
  switch (bits >> 40 & 7) {
    case 0:
      std::snprintf(text, sizeof(text), "%.9g", wide);
      break;
    case 1:
      std::snprintf(text, sizeof(text), "%.17g", std::nextafter(middle, bits & 1 ? 1e39 : -1e39));
      break;
    case 2:
      std::snprintf(text, sizeof(text), "%.30g", middle);
      break;
    case 3:
      std::snprintf(text, sizeof(text), "%.*f", static_cast<int>(bits >> 50 & 31), common);
      break;
    case 4:
      std::snprintf(text, sizeof(text), "%llu.%llu", static_cast<unsigned long long>(bits >> 48),
                    static_cast<unsigned long long>(bits & 0xFFFFFFFFFF));
      break;
    case 5:
      std::snprintf(text, sizeof(text), "%llue%d", static_cast<unsigned long long>(random()),
                    static_cast<int>(bits % 120) - 65);
      break;
    case 6:
      std::snprintf(text, sizeof(text), "%.*g", static_cast<int>(bits >> 50 & 15) + 1, common);
      break;
    default:
      std::snprintf(text, sizeof(text), "%.6f", common);
      break;
  }
  return text;
}

TEST(FloatTextTest, GeneratedNumbersReadAsStrtofReadsThem) {
  const bool all = std::getenv("GRAFT_LONG_TESTS") != nullptr;
  std::mt19937_64 random(7);
  const int count = all ? 10'000'000 : 300'000;
  for (int i = 0; i < count; ++i) ASSERT_TRUE(ReadsAsStrtof(RandomNumber(random)));
}

}  // namespace
}  // namespace graft
