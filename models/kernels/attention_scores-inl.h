// The scores of some query rows of attention: which keys they see, products, softmax and dropout.
// Included once per Highway target.
#if defined(GRAFT_MODELS_KERNELS_ATTENTION_SCORES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAFT_MODELS_KERNELS_ATTENTION_SCORES_INL_H_
#undef GRAFT_MODELS_KERNELS_ATTENTION_SCORES_INL_H_
#else
#define GRAFT_MODELS_KERNELS_ATTENTION_SCORES_INL_H_
#endif

#include <algorithm>

#include "models/kernels/loops.h"
#include "models/kernels/simd-inl.h"
#include "models/kernels/small_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if !GRAFT_PLAIN_TARGET

// To the left and to the right of every row of scores, where there are tables by distance: see
// attention_distances-inl.h.
constexpr int64_t kMargin = 48;

static_assert(kPanel <= kAttentionPanel && kAttentionBlock % kTileRows == 0);
static_assert(kAttentionBlock % kVector == 0 && kTileRows - 1 + kPanel - 1 <= kMargin);

// Hands out aligned pieces of the caller's memory.
struct Scratch {
  float* next;

  float* Take(int64_t count) {
    float* piece = next;
    next += RoundUp(count, 16);
    return piece;
  }
};

// Some keys of a text.
struct Keys {
  int64_t first;
  int64_t end;

  int64_t count() const { return end - first; }
};

// Those that one of the queries [row, row + rows) sees.
HWY_INLINE Keys Seen(const AttentionHead& head, int64_t row, int64_t rows) {
  return {std::max<int64_t>(0, row - head.before), std::min(head.tokens, row + rows + head.after)};
}

// The same from the beginning of a panel: scores [rows, keys.count()] are computed for these.
HWY_INLINE Keys SeenPanels(const AttentionHead& head, int64_t row, int64_t rows) {
  if (!head.windowed()) return {0, head.tokens};
  const Keys keys = Seen(head, row, rows);
  return {keys.first / kPanel * kPanel, keys.end};
}

// Floats from row to row of a matrix of scores of so many query rows.
HWY_INLINE int64_t ScoreRow(const AttentionHead& head, int64_t rows) {
  const int64_t most = std::min(head.tokens, head.before + rows + head.after + kPanel - 1);
  return RoundUp(most, kPanel) + (head.has_tables() ? 2 * kMargin : 0);
}

// Rows that are computed together: many for a table of queries, because a product with it needs as
// many distances as there are rows, and a few more.
HWY_INLINE int64_t BlockRows(const AttentionHead& head, int64_t without_table) {
  return head.queries.zero == nullptr ? without_table : std::min(kQueryTableBlock, head.tokens);
}

// Memory for the scores of `rows` query rows: where the first one stands.
HWY_INLINE float* TakeScores(const AttentionHead& head, int64_t rows, Scratch& memory) {
  return memory.Take(rows * ScoreRow(head, rows)) + (head.has_tables() ? kMargin : 0);
}

// A matrix of scores: query rows from `row` on, and keys.
struct Scores {
  float* data;
  int64_t stride;
  int64_t row;
  int64_t rows;
  Keys keys;

  float* Row(int64_t r) const { return data + r * stride; }
};

// The products of queries and keys; queries [rows, width] are scaled, keys are the panels of the
// text's keys.
HWY_INLINE void ComputeProducts(const AttentionHead& head, const float* queries, const float* keys,
                                const Scores& scores) {
  const int64_t width = head.width;
  Multiply({queries, width, 1}, scores.rows, width,
           {keys + scores.keys.first * width, width * kPanel}, scores.keys.count(), scores.data,
           scores.stride, false);
}

// The score of a key that a query does not see; e^(it - the largest one) is 0.
constexpr float kLowest = -3.402823466e38f;

// The last vector of a row of n scores reaches into the padding; these lanes count.
HWY_INLINE hn::Mask<F32> Inside(int64_t n, int64_t j) {
  return hn::FirstN(F32(), static_cast<size_t>(std::min(kVector, n - j)));
}

// scores[j] = e^(scores[j] - max); returns their sum. The padding of the last vector becomes 0.
float ExpRow(float* scores, int64_t n) {
  const F32 d;
  const V32 lowest = hn::Set(d, kLowest);
  V32 largest = lowest;
  int64_t j = 0;
  for (; j + kVector <= n; j += kVector) largest = hn::Max(largest, hn::Load(d, scores + j));
  if (j < n) {
    const V32 s = hn::IfThenElse(Inside(n, j), hn::Load(d, scores + j), lowest);
    largest = hn::Max(largest, s);
  }
  largest = hn::MaxOfLanes(d, largest);
  V32 sum = hn::Zero(d);
  for (j = 0; j + kVector <= n; j += kVector) {
    const V32 e = Exp(hn::Sub(hn::Load(d, scores + j), largest));
    hn::Store(e, d, scores + j);
    sum = hn::Add(sum, e);
  }
  if (j < n) {
    const V32 e = Exp(hn::Sub(hn::Load(d, scores + j), largest));
    const V32 kept = hn::IfThenElseZero(Inside(n, j), e);
    hn::Store(kept, d, scores + j);
    sum = hn::Add(sum, kept);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// body(j) for every vector of a row of n scores, the padding of the last one included.
template <class Body>
HWY_INLINE void ForScores(int64_t n, const Body& body) {
  for (int64_t j = 0; j < n; j += kVector) body(j);
}

// x[j] *= y[j], both in scratch memory; y may be unaligned.
HWY_INLINE void MultiplyRow(float* x, const float* y, int64_t n) {
  const F32 d;
  ForScores(n, [&](int64_t j) HWY_ATTR {
    hn::Store(hn::Mul(hn::Load(d, x + j), hn::LoadU(d, y + j)), d, x + j);
  });
}

// The dropout's scales [rows, keys.count()], followed by a vector of zeros: MultiplyRow reads whole
// vectors.
void RowScales(const AttentionHead& head, const Scores& scores, float* scales) {
  const int64_t n = scores.keys.count();
  // Whole rows are one run of elements.
  const bool whole = n == head.tokens;
  const int64_t runs = whole ? 1 : scores.rows, count = whole ? scores.rows * n : n;
  for (int64_t r = 0; r < runs; ++r) {
    const int64_t element = (scores.row + r) * head.tokens + scores.keys.first;
    simd::DropoutScales(*head.dropout, head.first_element + static_cast<uint64_t>(element), count,
                        scales + r * n);
  }
  hn::StoreU(hn::Zero(F32()), F32(), scales + scores.rows * n);
}

#endif  // !GRAFT_PLAIN_TARGET
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#endif  // toggle of GRAFT_MODELS_KERNELS_ATTENTION_SCORES_INL_H_
