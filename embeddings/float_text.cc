#include "embeddings/float_text.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace graft {
namespace {

// Whether a number that no float holds is too small, rather than too large: whether the digit that
// is not 0 and comes first stands, with the exponent, behind the point.
bool IsTiny(const char* begin, const char* end) {
  const char* exponent_at = std::find_if(begin, end, [](char c) { return (c | 0x20) == 'e'; });
  const char* const point = std::find(begin, exponent_at, '.');
  const char* const leading =
      std::find_if(begin, exponent_at, [](char c) { return c >= '1' && c <= '9'; });
  const int exponent = exponent_at < end ? internal::ParseExponent(exponent_at) : 0;
  return (leading < point ? point - leading - 1 : point - leading) + exponent < 0;
}

}  // namespace

FloatText ParseFloatSlowly(const char* begin, const char* end, float& value) {
  if (*begin == '+') ++begin;
  float result = 0;
  const std::errc error = std::from_chars(begin, end, result).ec;
  if (error != std::errc() && !IsTiny(begin, end)) return FloatText::kNotFinite;
  // Too small is a zero, as for strtof.
  value = error == std::errc() ? result : *begin == '-' ? -0.0f : 0.0f;
  return FloatText::kNumber;
}

}  // namespace graft
