#include <cmath>

#include "embeddings/finite.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "embeddings/finite_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// As integers: the largest magnitude is that of a finite number.
bool AllFiniteOf(const float* floats, int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> bits;
  const auto magnitude = hn::Set(bits, 0x7FFFFFFF);
  auto largest0 = hn::Zero(bits), largest1 = largest0;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    const auto first = hn::BitCast(bits, hn::LoadU(d, floats + i));
    const auto second = hn::BitCast(bits, hn::LoadU(d, floats + i + lanes));
    largest0 = hn::Max(largest0, hn::And(first, magnitude));
    largest1 = hn::Max(largest1, hn::And(second, magnitude));
  }
  const auto limit = hn::Set(bits, 0x7F7FFFFF);
  bool finite = hn::AllFalse(bits, hn::Gt(hn::Max(largest0, largest1), limit));
  for (; i < count; ++i) finite &= std::isfinite(floats[i]);
  return finite;
}

}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {

HWY_EXPORT(AllFiniteOf);

bool AllFinite(const float* floats, int64_t count) {
  return HWY_DYNAMIC_DISPATCH(AllFiniteOf)(floats, count);
}

}  // namespace graft
#endif  // HWY_ONCE
