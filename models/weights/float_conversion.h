// Stored floating-point numbers to float32 and back. Internal: not part of the installed
// headers.
#ifndef GRAFT_MODELS_WEIGHTS_FLOAT_CONVERSION_H_
#define GRAFT_MODELS_WEIGHTS_FLOAT_CONVERSION_H_

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace graft {

// IEEE 754 binary16. Exact for all 65,536 values, NaN payloads included; no branch, so that loops
// over it become vector code.
inline float HalfToFloat(uint16_t half) {
  constexpr uint32_t kExponent = 0x7C00u << 13;     // exponent of binary16, moved
  constexpr uint32_t kRebias = (127u - 15u) << 23;  // from its bias to that of binary32
  constexpr float kSmallestNormal = 0x1p-14f;       // of binary16
  const uint32_t moved = (half & 0x7FFFu) << 13;
  const uint32_t exponent = moved & kExponent;
  const uint32_t is_special =
      0u - static_cast<uint32_t>(exponent == kExponent);  // all bits or none
  const uint32_t is_subnormal = 0u - static_cast<uint32_t>(exponent == 0);
  // Infinity and NaN keep all exponent bits.
  const uint32_t normal = moved + kRebias + (kRebias & is_special);
  // A subnormal: its bits under the exponent of the smallest normal number, less that number.
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(std::bit_cast<float>(moved + kRebias + (1u << 23)) - kSmallestNormal);
  const uint32_t magnitude = (normal & ~is_subnormal) | (subnormal & is_subnormal);
  return std::bit_cast<float>(magnitude | (half & 0x8000u) << 16);
}

// The upper half of a binary32.
inline float BFloat16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// Of the float8 types (Micikevicius et al. 2022, arXiv 2209.05433, and the Microscaling formats of
// the Open Compute Project, v1.0) every number is one of binary32.

// 4 bits of exponent with bias 7, 3 of fraction. No infinity: all bits but the sign are the NaN.
inline float E4M3ToFloat(uint8_t bits) {
  constexpr uint32_t kRebias = (127u - 7u) << 23;
  constexpr float kSmallestNormal = 0x1p-6f;
  const uint32_t moved = (bits & 0x7Fu) << 20;
  if (moved == 0x7Fu << 20) return std::bit_cast<float>(moved | 255u << 23 | (bits & 0x80u) << 24);
  const bool is_subnormal = moved < 1u << 23;
  // As in HalfToFloat.
  const uint32_t magnitude =
      is_subnormal ? std::bit_cast<uint32_t>(std::bit_cast<float>(moved + kRebias + (1u << 23)) -
                                             kSmallestNormal)
                   : moved + kRebias;
  return std::bit_cast<float>(magnitude | (bits & 0x80u) << 24);
}

// The upper half of a binary16.
inline float E5M2ToFloat(uint8_t bits) { return HalfToFloat(static_cast<uint16_t>(bits << 8)); }

// The exponent of a binary32, which is that of a subnormal number for 0 and that of the NaN for
// 255.
inline float E8M0ToFloat(uint8_t bits) {
  constexpr uint32_t kQuietNan = 0x7FC00000u, kSmallest = 1u << 22;  // 2^-127
  if (bits == 255) return std::bit_cast<float>(kQuietNan);
  return std::bit_cast<float>(bits == 0 ? kSmallest : static_cast<uint32_t>(bits) << 23);
}

// `count` numbers each.
void HalfToFloat(const uint16_t* in, float* out, size_t count);
void BFloat16ToFloat(const uint16_t* in, float* out, size_t count);
void DoubleToFloat(const double* in, float* out, size_t count);
void E4M3ToFloat(const uint8_t* in, float* out, size_t count);
void E5M2ToFloat(const uint8_t* in, float* out, size_t count);
void E8M0ToFloat(const uint8_t* in, float* out, size_t count);

// The binary32 from which a double becomes a narrower type as if in one step: where the two differ,
// the neighbour whose last bit is set ("round to odd", Boldo and Melquiond 2008). Not infinite for
// a finite number.
inline float DoubleToOddFloat(double value) {
  const float nearest = static_cast<float>(value);
  const auto bits = std::bit_cast<uint32_t>(nearest);
  const double back = nearest;
  if (back == value || std::isnan(value) || (bits & 1u) != 0) return nearest;
  const bool away = back > 0 || (back == 0 && value > 0) ? back > value : back < value;
  return std::bit_cast<float>(away ? bits - 1 : bits + 1);
}

// The nearest binary16, ties to even, infinity from 65,520 on; NaNs stay NaNs and are quiet.
inline uint16_t FloatToHalf(float value) {
  constexpr uint32_t kInfinity = 255u << 23, kHalfInfinity = 0x7C00u;
  constexpr uint32_t kSmallestNormal = (127u - 14u) << 23;  // of binary16
  constexpr uint32_t kTooLarge = (127u + 16u) << 23;        // 65,536
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > kInfinity) {
    return static_cast<uint16_t>(sign | kHalfInfinity | 0x200u | (magnitude >> 13 & 0x3FFu));
  }
  if (magnitude >= kTooLarge) return static_cast<uint16_t>(sign | kHalfInfinity);
  if (magnitude < kSmallestNormal) {
    // Adding 0.5 rounds at 2^-24, the step of subnormal numbers.
    const uint32_t moved =
        std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - (126u << 23);
    return static_cast<uint16_t>(sign | moved);
  }
  // Half of the last place, less one where it is even, carries into it; and so into infinity.
  const uint32_t rounded = magnitude - ((127u - 15u) << 23) + 0xFFFu + (magnitude >> 13 & 1u);
  return static_cast<uint16_t>(sign | rounded >> 13);
}

// The nearest number of the upper half of binary32, ties to even; NaNs stay NaNs and are quiet.
inline uint16_t FloatToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > (255u << 23)) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_FLOAT_CONVERSION_H_
