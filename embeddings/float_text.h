// Decimal numbers of text files as float32, exactly as strtof reads them in the locale "C".
// Internal: not part of the installed headers.
//
// Most numbers take the way of Clinger (1990): the digits as an integer, which a double holds,
// times or over a power of ten that a double holds, is rounded once. Eight digits become a number
// in three multiplications (SWAR, Lemire 2021, "Number parsing at a gigabyte per second"). The
// second rounding, to float, is right unless the double stands beside the middle of two floats:
// those, and what has more than 19 digits, large exponents or is subnormal, std::from_chars reads.
#ifndef GRAFT_EMBEDDINGS_FLOAT_TEXT_H_
#define GRAFT_EMBEDDINGS_FLOAT_TEXT_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace graft {

enum class FloatText {
  kNumber,
  kNotANumber,  // no decimal number: also nan, inf and 0x1p3
  kNotFinite,   // larger than any float
};

// Bytes behind the last number that must be readable and not continue it.
inline constexpr size_t kFloatTextPadding = 8;

// [begin, end) is a decimal number as ParseFloat found it. The slow and general way.
FloatText ParseFloatSlowly(const char* begin, const char* end, float& value);

namespace internal {

inline constexpr std::array<double, 23> kPowersOfTen = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
inline constexpr std::array<uint64_t, 8> kSmallPowersOfTen = {1,     10,     100,     1000,
                                                              10000, 100000, 1000000, 10000000};

// Eight characters, xor-ed with '0': digits are 0 to 9.
inline uint64_t LoadDigits(const char* p) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t bytes;
  std::memcpy(&bytes, p, sizeof(bytes));
  return bytes ^ 0x3030303030303030u;
}

// How many of the eight, from the first on, are digits.
inline int CountDigits(uint64_t digits) {
  const uint64_t others = ((digits + 0x7676767676767676u) | digits) & 0x8080808080808080u;
  return others == 0 ? 8 : std::countr_zero(others) / 8;
}

inline uint64_t EightDigits(uint64_t digits) {
  digits = digits * 10 + (digits >> 8);  // pairs
  constexpr uint64_t kMask = 0x000000FF000000FFu;
  constexpr uint64_t kHundreds = 100 + (uint64_t{1000000} << 32);
  constexpr uint64_t kOnes = 1 + (uint64_t{10000} << 32);
  return ((digits & kMask) * kHundreds + ((digits >> 16) & kMask) * kOnes) >> 32;
}

// Adds the digits from p on to the number; gives where they end.
inline const char* AppendDigits(const char* p, uint64_t& number) {
  uint64_t digits = LoadDigits(p);
  int count = CountDigits(digits);
  while (count == 8) {
    number = number * 100000000 + EightDigits(digits);
    p += 8;
    digits = LoadDigits(p);
    count = CountDigits(digits);
  }
  if (count > 0) {
    number = number * kSmallPowersOfTen[static_cast<size_t>(count)] +
             EightDigits(digits << (64 - 8 * count));
  }
  return p + count;
}

// "e-05" from its e on; without digits no exponent, and p stays.
inline int ParseExponent(const char*& p) {
  const char* at = p + 1;
  const bool negative = *at == '-';
  at += negative || *at == '+';
  int exponent = 0;
  const char* const first = at;
  for (; static_cast<unsigned>(*at - '0') < 10; ++at) {
    if (exponent < 100000) exponent = exponent * 10 + (*at - '0');
  }
  if (at == first) return 0;
  p = at;
  return negative ? -exponent : exponent;
}

// Whether the float nearest to a double within four units of this one is the float nearest to this.
inline bool RoundsSurely(double value) {
  constexpr uint64_t kLowBits = (uint64_t{1} << 29) - 1, kMiddle = uint64_t{1} << 28;
  constexpr double kSmallestNormal = 0x1p-126, kTooLarge = 0x1.FFFFFEp127;
  const uint64_t low = std::bit_cast<uint64_t>(value) & kLowBits;
  return low - kMiddle + 4 > 8 && value >= kSmallestNormal && value <= kTooLarge;
}

}  // namespace internal

// Reads the number at p and moves p behind it: [+-] digits [. digits] [e [+-] digits], with at
// least one digit before the exponent. What follows is the caller's to check. Where it is none, p
// is left as it is, and where it is none or not finite `value` is. kFloatTextPadding bytes behind
// the number must be readable.
inline FloatText ParseFloat(const char*& p, float& value) {
  const char* const begin = p;
  const bool negative = *p == '-';
  const char* at = p + (negative || *p == '+');
  const char* const first = at;
  uint64_t number = 0;
  // Before the point there is mostly one digit.
  for (; static_cast<unsigned>(*at - '0') < 10; ++at) {
    number = number * 10 + static_cast<unsigned>(*at - '0');
  }
  auto digits = at - first;
  int exponent = 0;
  if (*at == '.') {
    const char* const fraction = at + 1;
    at = internal::AppendDigits(fraction, number);
    exponent = static_cast<int>(fraction - at);
    digits += at - fraction;
  }
  if (digits == 0) return FloatText::kNotANumber;
  if ((*at | 0x20) == 'e') exponent += internal::ParseExponent(at);
  // As an unsigned number, -22..22 is below 45.
  if (digits <= 19 && static_cast<unsigned>(exponent + 22) < 45) {
    const auto power =
        internal::kPowersOfTen[static_cast<size_t>(exponent < 0 ? -exponent : exponent)];
    const auto whole = static_cast<double>(number);
    const double magnitude = exponent < 0 ? whole / power : whole * power;
    if (internal::RoundsSurely(magnitude) || number == 0) {
      p = at;
      const auto rounded = static_cast<float>(magnitude);
      value = negative ? -rounded : rounded;
      return FloatText::kNumber;
    }
  }
  const FloatText result = ParseFloatSlowly(begin, at, value);
  if (result != FloatText::kNotANumber) p = at;
  return result;
}

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_FLOAT_TEXT_H_
