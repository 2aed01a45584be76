#include "embeddings/scores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "embeddings/scores_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {

// Without vectors of the processor the plain loops run.
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

bool ScoreRowsOf(const float* query, const float* rows, const float* weights, int64_t count,
                 int64_t width, float least, float* out) {
  return plain::ScoreRows(query, rows, weights, count, width, least, out);
}
int64_t PanelQueriesOf() { return plain::kPanelQueries; }
void ScorePanelOf(const float* panel, const float* rows, const float* weights, int64_t count,
                  int64_t width, const float* thresholds, float* out, bool* found) {
  plain::ScorePanel(panel, rows, weights, count, width, thresholds, out, found);
}
void DotBlockOf(const int16_t* query, const int8_t* codes, int64_t pairs, int32_t* out) {
  plain::DotBlock(query, codes, pairs, out);
}

#else

namespace hn = hwy::HWY_NAMESPACE;
using F32 = hn::ScalableTag<float>;
using V32 = hn::Vec<F32>;
constexpr size_t kLanes = hn::MaxLanes(F32());

HWY_INLINE float Sum(V32 v) { return hn::GetLane(hn::SumOfLanes(F32(), v)); }

// The sums of four vectors, side by side.
HWY_INLINE void StoreSums(V32 a, V32 b, V32 c, V32 e, float* out) {
  const F32 d;
  const hn::Repartition<double, F32> d64;
  const auto ab =
      hn::BitCast(d64, hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b)));
  const auto ce =
      hn::BitCast(d64, hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e)));
  // In every block of 128 bits: what it adds to the four sums.
  const V32 blocks = hn::Add(hn::BitCast(d, hn::InterleaveLower(d64, ab, ce)),
                             hn::BitCast(d, hn::InterleaveUpper(d64, ab, ce)));
  const hn::Half<F32> half;
  const auto pair = hn::Add(hn::LowerHalf(half, blocks), hn::UpperHalf(half, blocks));
#if HWY_MAX_BYTES >= 64
  const hn::Half<decltype(half)> quarter;
  hn::StoreU(hn::Add(hn::LowerHalf(quarter, pair), hn::UpperHalf(quarter, pair)), quarter, out);
#else
  hn::StoreU(pair, half, out);
#endif
}

// Bytes in advance: memory answers in the time in which so many are summed up. The processor's own
// looking ahead ends with each page.
constexpr size_t kAhead = 2048;

HWY_INLINE void AskFor(const float* begin, size_t floats) {
  const auto* const bytes = reinterpret_cast<const char*>(begin) + kAhead;
  for (size_t at = 0; at < floats * sizeof(float); at += 64) hwy::Prefetch(bytes + at);
}

// Four rows at once: their sums do not wait for each other.
HWY_INLINE void DotRows(const float* query, const float* rows, size_t count, size_t columns,
                        float* out) {
  const F32 d;
  const size_t whole = columns / kLanes * kLanes;
  const auto tail = hn::FirstN(d, columns - whole);
  const V32 query_tail = hn::MaskedLoad(tail, d, query + whole);
  const auto dot = [&](const float* row) {
    V32 sum = hn::Mul(query_tail, hn::MaskedLoad(tail, d, row + whole));
    for (size_t i = 0; i < whole; i += kLanes) {
      sum = hn::MulAdd(hn::LoadU(d, query + i), hn::LoadU(d, row + i), sum);
    }
    return Sum(sum);
  };
  size_t row = 0;
  for (; row + 4 <= count; row += 4) {
    const float* const a = rows + row * columns;
    const float* const b = a + columns;
    const float* const c = b + columns;
    const float* const e = c + columns;
    AskFor(a, 4 * columns);
    V32 sum_a = hn::Mul(query_tail, hn::MaskedLoad(tail, d, a + whole));
    V32 sum_b = hn::Mul(query_tail, hn::MaskedLoad(tail, d, b + whole));
    V32 sum_c = hn::Mul(query_tail, hn::MaskedLoad(tail, d, c + whole));
    V32 sum_e = hn::Mul(query_tail, hn::MaskedLoad(tail, d, e + whole));
    for (size_t i = 0; i < whole; i += kLanes) {
      const V32 q = hn::LoadU(d, query + i);
      sum_a = hn::MulAdd(q, hn::LoadU(d, a + i), sum_a);
      sum_b = hn::MulAdd(q, hn::LoadU(d, b + i), sum_b);
      sum_c = hn::MulAdd(q, hn::LoadU(d, c + i), sum_c);
      sum_e = hn::MulAdd(q, hn::LoadU(d, e + i), sum_e);
    }
    StoreSums(sum_a, sum_b, sum_c, sum_e, out + row);
  }
  for (; row < count; ++row) out[row] = dot(rows + row * columns);
}

bool ScoreRowsOf(const float* query, const float* rows, const float* weights, int64_t count,
                 int64_t width, float least, float* out) {
  const F32 d;
  const auto end = static_cast<size_t>(count);
  DotRows(query, rows, end, static_cast<size_t>(width), out);
  const V32 limit = hn::Set(d, least);
  auto found = hn::FirstN(d, 0);
  size_t i = 0;
  for (; i + kLanes <= end; i += kLanes) {
    const V32 scores = hn::Mul(hn::LoadU(d, out + i), hn::LoadU(d, weights + i));
    hn::StoreU(scores, d, out + i);
    found = hn::Or(found, hn::Ge(scores, limit));
  }
  bool any = !hn::AllFalse(d, found);
  for (; i < end; ++i) {
    out[i] *= weights[i];
    any |= out[i] >= least;
  }
  return any;
}

int64_t PanelQueriesOf() { return 2 * kLanes; }

// `R` rows with a panel: 2 R sums stay in registers.
template <size_t R>
HWY_INLINE void ScoreTile(const float* panel, const float* rows, const float* weights, size_t width,
                          const float* thresholds, float* out, bool* found) {
  const F32 d;
  V32 sums0[R], sums1[R];
  for (size_t r = 0; r < R; ++r) sums0[r] = sums1[r] = hn::Zero(d);
  for (size_t i = 0; i < width; ++i) {
    const V32 queries0 = hn::LoadU(d, panel + 2 * kLanes * i);
    const V32 queries1 = hn::LoadU(d, panel + 2 * kLanes * i + kLanes);
    for (size_t r = 0; r < R; ++r) {
      const V32 component = hn::Set(d, rows[r * width + i]);
      sums0[r] = hn::MulAdd(component, queries0, sums0[r]);
      sums1[r] = hn::MulAdd(component, queries1, sums1[r]);
    }
  }
  const V32 least0 = hn::LoadU(d, thresholds), least1 = hn::LoadU(d, thresholds + kLanes);
  for (size_t r = 0; r < R; ++r) {
    const V32 weight = hn::Set(d, weights[r]);
    const V32 scores0 = hn::Mul(sums0[r], weight), scores1 = hn::Mul(sums1[r], weight);
    found[r] = !hn::AllFalse(d, hn::Or(hn::Ge(scores0, least0), hn::Ge(scores1, least1)));
    if (found[r]) {
      hn::StoreU(scores0, d, out + 2 * kLanes * r);
      hn::StoreU(scores1, d, out + 2 * kLanes * r + kLanes);
    }
  }
}

void ScorePanelOf(const float* panel, const float* rows, const float* weights, int64_t count,
                  int64_t width, const float* thresholds, float* out, bool* found) {
  // As many as registers hold beside the queries: AVX-512 has 32, AVX2 has 16.
  constexpr int64_t kRows = kLanes >= 16 ? 12 : 6;
  const auto columns = static_cast<size_t>(width);
  int64_t row = 0;
  for (; row + kRows <= count; row += kRows) {
    ScoreTile<kRows>(panel, rows + row * width, weights + row, columns, thresholds,
                     out + row * PanelQueriesOf(), found + row);
  }
  for (; row < count; ++row) {
    ScoreTile<1>(panel, rows + row * width, weights + row, columns, thresholds,
                 out + row * PanelQueriesOf(), found + row);
  }
}

void DotBlockOf(const int16_t* query, const int8_t* codes, int64_t pairs, int32_t* out) {
#if HWY_ARCH_X86  // elsewhere the sums of pairs stand in another order
  const hn::ScalableTag<int32_t> d32;
  const hn::Repartition<int16_t, decltype(d32)> d16;
  const hn::Rebind<int8_t, decltype(d16)> d8;
  constexpr size_t kRows = hn::MaxLanes(d32);
  for (size_t first = 0; first < kBlockRows; first += kRows) {
    auto sum0 = hn::Zero(d32), sum1 = sum0, unused = sum0;
    const int8_t* at = codes + 2 * first;
    const auto step = [&](int64_t pair, auto sum) {
      int32_t two;
      hwy::CopyBytes<sizeof(two)>(query + 2 * pair, &two);
      const auto numbers = hn::PromoteTo(d16, hn::LoadU(d8, at + 2 * kBlockRows * pair));
      return hn::ReorderWidenMulAccumulate(d32, numbers, hn::BitCast(d16, hn::Set(d32, two)), sum,
                                           unused);
    };
    int64_t pair = 0;
    for (; pair + 2 <= pairs; pair += 2) {
      sum0 = step(pair, sum0);
      sum1 = step(pair + 1, sum1);
    }
    if (pair < pairs) sum0 = step(pair, sum0);
    hn::StoreU(hn::Add(sum0, sum1), d32, out + first);
  }
#else
  plain::DotBlock(query, codes, pairs, out);
#endif
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {

HWY_EXPORT(ScoreRowsOf);
HWY_EXPORT(PanelQueriesOf);
HWY_EXPORT(ScorePanelOf);
HWY_EXPORT(DotBlockOf);

bool ScoreRows(const float* query, const float* rows, const float* weights, int64_t count,
               int64_t width, float least, float* out) {
  return HWY_DYNAMIC_DISPATCH(ScoreRowsOf)(query, rows, weights, count, width, least, out);
}

int64_t PanelQueries() { return HWY_DYNAMIC_DISPATCH(PanelQueriesOf)(); }

void ScorePanel(const float* panel, const float* rows, const float* weights, int64_t count,
                int64_t width, const float* thresholds, float* out, bool* found) {
  HWY_DYNAMIC_DISPATCH(ScorePanelOf)(panel, rows, weights, count, width, thresholds, out, found);
}

void DotBlock(const int16_t* query, const int8_t* codes, int64_t pairs, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotBlockOf)(query, codes, pairs, out);
}

}  // namespace graft
#endif  // HWY_ONCE
