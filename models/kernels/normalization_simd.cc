#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/normalization_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include <cmath>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if GRAFT_PLAIN_TARGET

void NormRow(const NormParameters& parameters, const float* x, const float* bias,
             const float* residual, const float* scales, float* y, float* normalized,
             float* inverse_deviation) {
  plain::NormRow(parameters, x, bias, residual, scales, y, normalized, inverse_deviation);
}

void NormRowGradient(const NormParameters& parameters, const float* dy, const float* normalized,
                     float inverse_deviation, float* ds, float* dgamma, float* dbeta) {
  plain::NormRowGradient(parameters, dy, normalized, inverse_deviation, ds, dgamma, dbeta);
}

#else

void NormRow(const NormParameters& parameters, const float* x, const float* bias,
             const float* residual, const float* scales, float* y, float* normalized,
             float* inverse_deviation) {
  const int64_t width = parameters.width;
  const float mean = SumColumns(width,
                                [&](auto place, size_t c) HWY_ATTR {
                                  V32 s = place.Load(x + c);
                                  if (bias != nullptr) s = hn::Add(s, place.Load(bias + c));
                                  if (scales != nullptr) s = hn::Mul(s, place.Load(scales + c));
                                  if (residual != nullptr) s = hn::Add(s, place.Load(residual + c));
                                  place.Store(s, y + c);
                                  return s;
                                }) /
                     static_cast<float>(width);
  const V32 means = hn::Set(F32(), mean);
  const float variance = SumColumns(width,
                                    [&](auto place, size_t c) HWY_ATTR {
                                      const V32 centred =
                                          place.Keep(hn::Sub(place.Load(y + c), means));
                                      return hn::Mul(centred, centred);
                                    }) /
                         static_cast<float>(width);
  const float inverse = 1.0f / std::sqrt(variance + parameters.epsilon);
  if (inverse_deviation != nullptr) *inverse_deviation = inverse;
  const V32 inverses = hn::Set(F32(), inverse);
  ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
    const V32 n = hn::Mul(hn::Sub(place.Load(y + c), means), inverses);
    if (normalized != nullptr) place.Store(n, normalized + c);
    const V32 gamma = place.Load(parameters.gamma + c);
    place.Store(hn::MulAdd(n, gamma, place.Load(parameters.beta + c)), y + c);
  });
}

void NormRowGradient(const NormParameters& parameters, const float* dy, const float* normalized,
                     float inverse_deviation, float* ds, float* dgamma, float* dbeta) {
  const int64_t width = parameters.width;
  const float* gamma = parameters.gamma;
  const float mean_g = SumColumns(width,
                                  [&](auto place, size_t c) HWY_ATTR {
                                    return hn::Mul(place.Load(dy + c), place.Load(gamma + c));
                                  }) /
                       static_cast<float>(width);
  const float mean_gn = SumColumns(width,
                                   [&](auto place, size_t c) HWY_ATTR {
                                     const V32 g =
                                         hn::Mul(place.Load(dy + c), place.Load(gamma + c));
                                     return hn::Mul(g, place.Load(normalized + c));
                                   }) /
                        static_cast<float>(width);
  const V32 means_g = hn::Set(F32(), mean_g);
  const V32 means_gn = hn::Set(F32(), mean_gn);
  const V32 inverses = hn::Set(F32(), inverse_deviation);
  ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
    const V32 upstream = place.Load(dy + c);
    const V32 n = place.Load(normalized + c);
    const V32 g = hn::Mul(upstream, place.Load(gamma + c));
    const V32 gradient = hn::NegMulAdd(n, means_gn, hn::Sub(g, means_g));
    place.Store(hn::Mul(gradient, inverses), ds + c);
    place.Store(hn::MulAdd(upstream, n, place.Load(dgamma + c)), dgamma + c);
    place.Store(hn::Add(place.Load(dbeta + c), upstream), dbeta + c);
  });
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(NormRow);
HWY_EXPORT(NormRowGradient);

namespace simd {

void NormRow(const NormParameters& parameters, const float* x, const float* bias,
             const float* residual, const float* scales, float* y, float* normalized,
             float* inverse_deviation) {
  HWY_DYNAMIC_DISPATCH(NormRow)
  (parameters, x, bias, residual, scales, y, normalized, inverse_deviation);
}

void NormRowGradient(const NormParameters& parameters, const float* dy, const float* normalized,
                     float inverse_deviation, float* ds, float* dgamma, float* dbeta) {
  HWY_DYNAMIC_DISPATCH(NormRowGradient)
  (parameters, dy, normalized, inverse_deviation, ds, dgamma, dbeta);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
