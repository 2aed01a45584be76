#include "embeddings/scores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "embeddings/scores_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
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
bool ScoreRunsOf(const float* query, const RowRuns& runs, float least, float* out) {
  return plain::ScoreRuns(query, runs, least, out);
}
bool ScoreBlocksOf(const int16_t* query, float scale, const BlockRuns& runs, float least,
                   float* out, bool* found) {
  return plain::ScoreBlocks(query, scale, runs, least, out, found);
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

// A query and how rows are cut into vectors.
struct Cut {
  Cut(const float* query, size_t columns)
      : query(query),
        columns(columns),
        whole(columns / kLanes * kLanes),
        tail(hn::FirstN(F32(), columns - whole)),
        query_tail(hn::MaskedLoad(tail, F32(), query + whole)) {}

  // The products with a row, from its front to its end: what reads memory ahead follows that.
  HWY_INLINE V32 Dot(const float* row) const {
    const F32 d;
    V32 sum0 = hn::Zero(d), sum1 = sum0;
    size_t i = 0;
    for (; i + 2 * kLanes <= whole; i += 2 * kLanes) {
      sum0 = hn::MulAdd(hn::LoadU(d, query + i), hn::LoadU(d, row + i), sum0);
      sum1 = hn::MulAdd(hn::LoadU(d, query + i + kLanes), hn::LoadU(d, row + i + kLanes), sum1);
    }
    if (i < whole) sum0 = hn::MulAdd(hn::LoadU(d, query + i), hn::LoadU(d, row + i), sum0);
    return hn::Add(sum0, hn::MulAdd(query_tail, hn::MaskedLoad(tail, d, row + whole), sum1));
  }

  const float* query;
  size_t columns;
  size_t whole;
  hn::Mask<F32> tail;
  V32 query_tail;
};

HWY_INLINE void DotFour(const Cut& cut, const float* rows, float* out) {
  const V32 a = cut.Dot(rows), b = cut.Dot(rows + cut.columns);
  const V32 c = cut.Dot(rows + 2 * cut.columns), e = cut.Dot(rows + 3 * cut.columns);
  StoreSums(a, b, c, e, out);
}

// Multiplies scores by their weights; whether one is at least `least`.
HWY_INLINE bool Weigh(const float* weights, size_t count, float least, float* scores) {
  const F32 d;
  const V32 limit = hn::Set(d, least);
  auto found = hn::FirstN(d, 0);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V32 weighed = hn::Mul(hn::LoadU(d, scores + i), hn::LoadU(d, weights + i));
    hn::StoreU(weighed, d, scores + i);
    found = hn::Or(found, hn::Ge(weighed, limit));
  }
  bool any = !hn::AllFalse(d, found);
  for (; i < count; ++i) {
    scores[i] *= weights[i];
    any |= scores[i] >= least;
  }
  return any;
}

bool ScoreRowsOf(const float* query, const float* rows, const float* weights, int64_t count,
                 int64_t width, float least, float* out) {
  const Cut cut(query, static_cast<size_t>(width));
  const auto end = static_cast<size_t>(count);
  size_t row = 0;
  for (; row + 4 <= end; row += 4) DotFour(cut, rows + row * cut.columns, out + row);
  for (; row < end; ++row) {
    out[row] = Sum(cut.Dot(rows + row * cut.columns));
  }
  return Weigh(weights, end, least, out);
}

bool ScoreRunsOf(const float* query, const RowRuns& runs, float least, float* out) {
  const Cut cut(query, static_cast<size_t>(runs.width));
  const auto count = static_cast<size_t>(runs.count);
  for (size_t row = 0; row < count; row += 4) {
    for (size_t run = 0; run < kRuns; ++run) {
      DotFour(cut, runs.rows[run] + row * cut.columns, out + run * count + row);
    }
  }
  bool found = false;
  for (size_t run = 0; run < kRuns; ++run) {
    found |= Weigh(runs.weights[run], count, least, out + run * count);
  }
  return found;
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

#if HWY_ARCH_X86  // elsewhere the sums of pairs stand in another order

// The scores of one block; whether one is at least `limit`.
HWY_INLINE bool ScoreBlock(const int16_t* query, float scale, const int8_t* codes,
                           const float* scales, int64_t pairs, float limit, float* out) {
  const hn::ScalableTag<int32_t> d32;
  const hn::Repartition<int16_t, decltype(d32)> d16;
  const hn::Rebind<int8_t, decltype(d16)> d8;
  const F32 d;
  auto found = hn::FirstN(d, 0);
  for (size_t first = 0; first < kBlockRows; first += kLanes) {
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
    const V32 weights = hn::Mul(hn::LoadU(d, scales + first), hn::Set(d, scale));
    const V32 scores = hn::Mul(hn::ConvertTo(d, hn::Add(sum0, sum1)), weights);
    hn::StoreU(scores, d, out + first);
    found = hn::Or(found, hn::Ge(scores, hn::Set(d, limit)));
  }
  return !hn::AllFalse(d, found);
}

bool ScoreBlocksOf(const int16_t* query, float scale, const BlockRuns& runs, float least,
                   float* out, bool* found) {
  bool any = false;
  const int64_t block_bytes = runs.pairs * 2 * kBlockRows;
  for (int64_t block = 0; block < runs.count; ++block) {
    for (size_t run = 0; run < kRuns; ++run) {
      const int64_t at = runs.count * static_cast<int64_t>(run) + block;
      found[at] = ScoreBlock(query, scale, runs.codes[run] + block * block_bytes,
                             runs.scales[run] + block * kBlockRows, runs.pairs,
                             least - runs.errors[run][block], out + at * kBlockRows);
      any |= found[at];
    }
  }
  return any;
}

#else

bool ScoreBlocksOf(const int16_t* query, float scale, const BlockRuns& runs, float least,
                   float* out, bool* found) {
  return plain::ScoreBlocks(query, scale, runs, least, out, found);
}

#endif

#endif

}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {

HWY_EXPORT(ScoreRowsOf);
HWY_EXPORT(ScoreRunsOf);
HWY_EXPORT(PanelQueriesOf);
HWY_EXPORT(ScorePanelOf);
HWY_EXPORT(ScoreBlocksOf);

bool ScoreRows(const float* query, const float* rows, const float* weights, int64_t count,
               int64_t width, float least, float* out) {
  return HWY_DYNAMIC_DISPATCH(ScoreRowsOf)(query, rows, weights, count, width, least, out);
}

int64_t PanelQueries() { return HWY_DYNAMIC_DISPATCH(PanelQueriesOf)(); }

void ScorePanel(const float* panel, const float* rows, const float* weights, int64_t count,
                int64_t width, const float* thresholds, float* out, bool* found) {
  HWY_DYNAMIC_DISPATCH(ScorePanelOf)(panel, rows, weights, count, width, thresholds, out, found);
}

bool ScoreRuns(const float* query, const RowRuns& runs, float least, float* out) {
  return HWY_DYNAMIC_DISPATCH(ScoreRunsOf)(query, runs, least, out);
}

bool ScoreBlocks(const int16_t* query, float scale, const BlockRuns& runs, float least, float* out,
                 bool* found) {
  return HWY_DYNAMIC_DISPATCH(ScoreBlocksOf)(query, scale, runs, least, out, found);
}

}  // namespace graft
#endif  // HWY_ONCE
