#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/optimizer_step_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if GRAFT_PLAIN_TARGET

void AdamW(const AdamWCoefficients& coefficients, int64_t count, const float* gradient,
           float* parameter, float* first_moment, float* second_moment) {
  plain::AdamW(coefficients, count, gradient, parameter, first_moment, second_moment);
}

double SumOfSquares(const float* x, int64_t count) { return plain::SumOfSquares(x, count); }

#else

// The order of operations of torch.optim.AdamW (single tensor), none of them fused.
void AdamW(const AdamWCoefficients& coefficients, int64_t count, const float* gradient,
           float* parameter, float* first_moment, float* second_moment) {
  const F32 d;
  const V32 scale = hn::Set(d, coefficients.gradient_scale);
  const V32 decay = hn::Set(d, coefficients.decay);
  const V32 first_weight = hn::Set(d, coefficients.first_weight);
  const V32 beta2 = hn::Set(d, coefficients.beta2);
  const V32 second_weight = hn::Set(d, coefficients.second_weight);
  const V32 unbias = hn::Set(d, coefficients.second_unbias);
  const V32 epsilon = hn::Set(d, coefficients.epsilon);
  const V32 step = hn::Set(d, coefficients.negative_step);
  ForColumns(count, [&](auto place, size_t c) HWY_ATTR {
    const V32 g = hn::Mul(place.Load(gradient + c), scale);
    V32 m = place.Load(first_moment + c);
    m = hn::Add(m, hn::Mul(first_weight, hn::Sub(g, m)));
    V32 v = hn::Mul(place.Load(second_moment + c), beta2);
    v = hn::Add(v, hn::Mul(hn::Mul(second_weight, g), g));
    const V32 denominator = hn::Add(hn::Div(hn::Sqrt(v), unbias), epsilon);
    const V32 p = hn::Mul(place.Load(parameter + c), decay);
    place.Store(m, first_moment + c);
    place.Store(v, second_moment + c);
    place.Store(hn::Add(p, hn::Div(hn::Mul(step, m), denominator)), parameter + c);
  });
}

double SumOfSquares(const float* x, int64_t count) {
  const hn::ScalableTag<double> d;
  const hn::Half<F32> half;
  constexpr size_t kHalf = kLanes / 2;
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d);
  const size_t end = static_cast<size_t>(count);
  size_t i = 0;
  for (; i + kLanes <= end; i += kLanes) {
    const auto low = hn::PromoteTo(d, hn::LoadU(half, x + i));
    const auto high = hn::PromoteTo(d, hn::LoadU(half, x + i + kHalf));
    sum0 = hn::MulAdd(low, low, sum0);
    sum1 = hn::MulAdd(high, high, sum1);
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
  for (; i < end; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(AdamW);
HWY_EXPORT(SumOfSquares);

namespace simd {

void AdamW(const AdamWCoefficients& coefficients, int64_t count, const float* gradient,
           float* parameter, float* first_moment, float* second_moment) {
  HWY_DYNAMIC_DISPATCH(AdamW)
  (coefficients, count, gradient, parameter, first_moment, second_moment);
}

double SumOfSquares(const float* x, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(SumOfSquares)(x, count);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
