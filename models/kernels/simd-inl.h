// Vector building blocks of the *_simd.cc files, included once per Highway target.
#if defined(GRAFT_MODELS_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAFT_MODELS_KERNELS_SIMD_INL_H_
#undef GRAFT_MODELS_KERNELS_SIMD_INL_H_
#else
#define GRAFT_MODELS_KERNELS_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

// Whether the target being compiled is Highway's fall-back, which has no vectors of the processor:
// the plain loops run then. Which of the two it is hangs on the compiler.
#define GRAFT_PLAIN_TARGET (HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128)

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if !GRAFT_PLAIN_TARGET

namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using V32 = hn::Vec<F32>;
inline constexpr size_t kLanes = hn::MaxLanes(F32());

// Where a whole vector lies, or the last `count` elements of a row. Both kinds run the same
// operations, so an element's bits do not hang on the column it stands in.
struct Whole {
  HWY_INLINE V32 Load(const float* p) const { return hn::LoadU(F32(), p); }
  HWY_INLINE void Store(V32 v, float* p) const { hn::StoreU(v, F32(), p); }
  HWY_INLINE V32 Keep(V32 v) const { return v; }
};

struct Part {
  size_t count;

  // Lanes outside the row are neither read nor written.
  HWY_INLINE V32 Load(const float* p) const { return hn::MaskedLoad(Inside(), F32(), p); }
  HWY_INLINE void Store(V32 v, float* p) const { hn::BlendedStore(v, Inside(), F32(), p); }
  HWY_INLINE V32 Keep(V32 v) const { return hn::IfThenElseZero(Inside(), v); }
  HWY_INLINE hn::Mask<F32> Inside() const { return hn::FirstN(F32(), count); }
};

// body(place, column) for every vector of a row.
template <class Body>
HWY_INLINE void ForColumns(int64_t width, const Body& body) {
  const size_t end = static_cast<size_t>(width);
  size_t column = 0;
  for (; column + kLanes <= end; column += kLanes) body(Whole(), column);
  if (column < end) body(Part{end - column}, column);
}

// Sum over a row of term(place, column), whose lanes outside the row must be 0. Four partial sums:
// one would wait for each addition.
template <class Term>
HWY_INLINE float SumColumns(int64_t width, const Term& term) {
  const size_t end = static_cast<size_t>(width);
  V32 sum0 = hn::Zero(F32()), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t column = 0;
  for (; column + 4 * kLanes <= end; column += 4 * kLanes) {
    sum0 = hn::Add(sum0, term(Whole(), column));
    sum1 = hn::Add(sum1, term(Whole(), column + kLanes));
    sum2 = hn::Add(sum2, term(Whole(), column + 2 * kLanes));
    sum3 = hn::Add(sum3, term(Whole(), column + 3 * kLanes));
  }
  for (; column + kLanes <= end; column += kLanes) sum0 = hn::Add(sum0, term(Whole(), column));
  if (column < end) sum1 = hn::Add(sum1, term(Part{end - column}, column));
  return hn::GetLane(hn::SumOfLanes(F32(), hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

// e^x for x <= 0, within 2 ulp; 0 where the result would be subnormal. x = n ln 2 + r; the
// polynomial for e^r comes from fit_polynomials.py.
HWY_INLINE V32 Exp(V32 x) {
  const F32 d;
  const hn::Rebind<int32_t, F32> di;
  const V32 lowest = hn::Set(d, -87.3365478515625f);  // 126 ln 2, rounded towards 0
  const V32 clamped = hn::Max(x, lowest);
  const V32 n = hn::Round(hn::Mul(clamped, hn::Set(d, 1.44269504f)));
  // ln 2 in two parts, the first of so few bits that its product with n is exact.
  V32 r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), clamped);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  V32 p = hn::Set(d, 0.00138436526f);
  p = hn::MulAdd(p, r, hn::Set(d, 0.0083741555f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.0416680016f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.166664317f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.49999994f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::IfThenElseZero(hn::Ge(x, lowest), hn::Mul(p, hn::BitCast(d, exponent)));
}

// Phi(-t) of the normal distribution for t >= 0: e to a polynomial from fit_polynomials.py. The
// error of t * Phi(-t) is below 8e-8.
HWY_INLINE V32 NormalTail(V32 t) {
  const F32 d;
  V32 p = hn::Set(d, -1.35404116e-06f);
  p = hn::MulAdd(p, t, hn::Set(d, 1.9933108e-05f));
  p = hn::MulAdd(p, t, hn::Set(d, -9.38000085e-05f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.000180959876f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.00501000695f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.0364680365f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.318271637f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.797888577f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.693147182f));
  return Exp(p);
}

#endif  // !GRAFT_PLAIN_TARGET
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#endif  // toggle of GRAFT_MODELS_KERNELS_SIMD_INL_H_
