// Widening of stored floating-point numbers to float32. Internal: not part of the installed
// headers.
#ifndef GRAFT_MODELS_WEIGHTS_FLOAT_CONVERSION_H_
#define GRAFT_MODELS_WEIGHTS_FLOAT_CONVERSION_H_

#include <bit>
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

// `count` numbers each.
void HalfToFloat(const uint16_t* in, float* out, size_t count);
void BFloat16ToFloat(const uint16_t* in, float* out, size_t count);
void DoubleToFloat(const double* in, float* out, size_t count);

}  // namespace graft

#endif  // GRAFT_MODELS_WEIGHTS_FLOAT_CONVERSION_H_
