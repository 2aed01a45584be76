#include "models/weights/float_conversion.h"

namespace graft {

void HalfToFloat(const uint16_t* __restrict in, float* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = HalfToFloat(in[i]);
}

void BFloat16ToFloat(const uint16_t* __restrict in, float* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = BFloat16ToFloat(in[i]);
}

void DoubleToFloat(const double* __restrict in, float* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]);
}

void E4M3ToFloat(const uint8_t* __restrict in, float* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = E4M3ToFloat(in[i]);
}

void E5M2ToFloat(const uint8_t* __restrict in, float* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = E5M2ToFloat(in[i]);
}

void E8M0ToFloat(const uint8_t* __restrict in, float* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = E8M0ToFloat(in[i]);
}

}  // namespace graft
