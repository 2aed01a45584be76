#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/dropout_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include <algorithm>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

void DropoutScales(const TextDropout& dropout, uint64_t first, int64_t count, float* scales) {
  plain::DropoutScales(dropout, first, count, scales);
}

#else

using U32 = hn::ScalableTag<uint32_t>;
using U64 = hn::ScalableTag<uint64_t>;
using VU32 = hn::Vec<U32>;

// The 64-bit products of all lanes with one factor, as high and low halves.
HWY_INLINE void MultiplyWide(VU32 a, uint32_t factor, VU32& high, VU32& low) {
  const U32 d;
  const U64 d64;
  const VU32 f = hn::Set(d, factor);
  const VU32 odd_lanes = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, a)));
  const auto even = hn::MulEven(a, f);
  const auto odd = hn::MulEven(odd_lanes, f);
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
}

// Scales of 4 * kLanes elements: lane i of the counters is block `block` + i.
HWY_INLINE void ScalesOfBlocks(const TextDropout& dropout, uint32_t block, float* scales) {
  const U32 d;
  const F32 df;
  VU32 c0 = hn::Iota(d, block);
  VU32 c1 = hn::Set(d, dropout.text);
  VU32 c2 = hn::Set(d, dropout.site);
  VU32 c3 = hn::Set(d, dropout.step);
  uint32_t k0 = static_cast<uint32_t>(dropout.seed);
  uint32_t k1 = static_cast<uint32_t>(dropout.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    VU32 high0, low0, high1, low1;
    MultiplyWide(c0, 0xD2511F53u, high0, low0);
    MultiplyWide(c2, 0xCD9E8D57u, high1, low1);
    c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, k0));
    c1 = low1;
    c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, k1));
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const VU32 threshold = hn::Set(d, dropout.threshold);
  const V32 scale = hn::Set(df, dropout.scale);
  // word >= threshold, as max(word, threshold) == word: AVX2 has no unsigned comparison.
  const auto kept = [&](VU32 word) HWY_ATTR {
    return hn::IfThenElseZero(hn::RebindMask(df, hn::Eq(hn::Max(word, threshold), word)), scale);
  };
  hn::StoreInterleaved4(kept(c0), kept(c1), kept(c2), kept(c3), df, scales);
}

void DropoutScales(const TextDropout& dropout, uint64_t first, int64_t count, float* scales) {
  constexpr int64_t kElements = 4 * kLanes;
  alignas(64) float part[kElements];
  uint32_t block = static_cast<uint32_t>(first / 4);
  int64_t skip = static_cast<int64_t>(first % 4);
  for (int64_t done = 0; done < count; block += kLanes) {
    const int64_t take = std::min(kElements - skip, count - done);
    if (take == kElements) {
      ScalesOfBlocks(dropout, block, scales + done);
    } else {
      ScalesOfBlocks(dropout, block, part);
      std::copy_n(part + skip, take, scales + done);
    }
    done += take;
    skip = 0;
  }
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(DropoutScales);

namespace simd {

void DropoutScales(const TextDropout& dropout, uint64_t first, int64_t count, float* scales) {
  HWY_DYNAMIC_DISPATCH(DropoutScales)(dropout, first, count, scales);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
