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

}  // namespace graft
