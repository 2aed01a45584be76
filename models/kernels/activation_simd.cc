#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/activation_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if GRAFT_PLAIN_TARGET

void BiasGelu(const float* x, const float* bias, int64_t rows, int64_t width, float* y) {
  plain::BiasGelu(x, bias, rows, width, y);
}

void BiasGeluGradient(const float* x, const float* bias, const float* dy, int64_t rows,
                      int64_t width, float* dx, float* dbias) {
  plain::BiasGeluGradient(x, bias, dy, rows, width, dx, dbias);
}

#else

void BiasGelu(const float* x, const float* bias, int64_t rows, int64_t width, float* y) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
      const V32 v = hn::Add(place.Load(x + c), place.Load(bias + c));
      const V32 t = hn::Abs(v);
      // v Phi(v) = max(v, 0) - |v| Phi(-|v|): no cancellation on either side.
      const V32 gelu = hn::NegMulAdd(t, NormalTail(t), hn::Max(v, hn::Zero(F32())));
      place.Store(gelu, y + c);
    });
  }
}

void BiasGeluGradient(const float* x, const float* bias, const float* dy, int64_t rows,
                      int64_t width, float* dx, float* dbias) {
  const F32 d;
  for (int64_t row = 0; row < rows; ++row, x += width, dy += width, dx += width) {
    ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
      const V32 v = hn::Add(place.Load(x + c), place.Load(bias + c));
      const V32 tail = NormalTail(hn::Abs(v));
      const V32 cdf = hn::IfThenElse(hn::Ge(v, hn::Zero(d)), hn::Sub(hn::Set(d, 1.0f), tail), tail);
      // The density, 1 / sqrt(2 pi) e^(-v^2 / 2).
      const V32 half_square = hn::Mul(hn::Mul(v, hn::Set(d, -0.5f)), v);
      const V32 density = hn::Mul(Exp(half_square), hn::Set(d, 0.398942280f));
      const V32 gradient = hn::Mul(place.Load(dy + c), hn::MulAdd(v, density, cdf));
      place.Store(gradient, dx + c);
      place.Store(hn::Add(place.Load(dbias + c), gradient), dbias + c);
    });
  }
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(BiasGelu);
HWY_EXPORT(BiasGeluGradient);

namespace simd {

void BiasGelu(const float* x, const float* bias, int64_t rows, int64_t width, float* y) {
  HWY_DYNAMIC_DISPATCH(BiasGelu)(x, bias, rows, width, y);
}

void BiasGeluGradient(const float* x, const float* bias, const float* dy, int64_t rows,
                      int64_t width, float* dx, float* dbias) {
  HWY_DYNAMIC_DISPATCH(BiasGeluGradient)(x, bias, dy, rows, width, dx, dbias);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
