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
#if GRAFT_PLAIN_TARGET

void DropoutScales(const TextDropout& dropout, uint64_t first, int64_t count, float* scales) {
  plain::DropoutScales(dropout, first, count, scales);
}

#else

using U32 = hn::ScalableTag<uint32_t>;
using U64 = hn::ScalableTag<uint64_t>;
using VU64 = hn::Vec<U64>;

// The four counter words of some blocks, each in the low half of a 64-bit lane; what stands in the
// high halves is not read.
struct Words {
  VU64 c[4];
};

HWY_INLINE void Round(VU64 k0, VU64 k1, Words& w) {
  const U32 d;
  const auto product = [&](VU64 word, uint32_t factor) HWY_ATTR {
    return hn::MulEven(hn::BitCast(d, word), hn::Set(d, factor));
  };
  const VU64 product0 = product(w.c[0], 0xD2511F53u);
  const VU64 product1 = product(w.c[2], 0xCD9E8D57u);
  w.c[0] = hn::Xor3(hn::ShiftRight<32>(product1), w.c[1], k0);
  w.c[1] = product1;
  w.c[2] = hn::Xor3(hn::ShiftRight<32>(product0), w.c[3], k1);
  w.c[3] = product0;
}

// Scales of 4 * kLanes elements: block + i makes the elements 4 i to 4 i + 3. Even and odd blocks
// go their ways apart, because products take every second lane.
HWY_INLINE void ScalesOfBlocks(const TextDropout& dropout, uint32_t block, float* scales) {
  const U32 d;
  const U64 d64;
  const F32 df;
  const auto blocks = hn::BitCast(d64, hn::Iota(d, block));
  Words even = {blocks, hn::Set(d64, dropout.text), hn::Set(d64, dropout.site),
                hn::Set(d64, dropout.step)};
  Words odd = even;
  odd.c[0] = hn::ShiftRight<32>(blocks);
  uint32_t k0 = static_cast<uint32_t>(dropout.seed);
  uint32_t k1 = static_cast<uint32_t>(dropout.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const VU64 key0 = hn::Set(d64, k0), key1 = hn::Set(d64, k1);
    Round(key0, key1, even);
    Round(key0, key1, odd);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const auto threshold = hn::Set(d, dropout.threshold);
  const V32 scale = hn::Set(df, dropout.scale);
  const auto kept = [&](int i) HWY_ATTR {
    const auto word =
        hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd.c[i])), hn::BitCast(d, even.c[i]));
    // word >= threshold, as max(word, threshold) == word: AVX2 has no unsigned comparison.
    return hn::IfThenElseZero(hn::RebindMask(df, hn::Eq(hn::Max(word, threshold), word)), scale);
  };
  hn::StoreInterleaved4(kept(0), kept(1), kept(2), kept(3), df, scales);
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
