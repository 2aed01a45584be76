#include <algorithm>

#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/attention_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include "models/kernels/simd-inl.h"
#include "models/kernels/small_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if GRAFT_PLAIN_TARGET

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  plain::Attention(head, scratch, out, out_stride);
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, float* dq, float* dk, float* dv) {
  plain::AttentionGradient(head, dout, dout_stride, scratch, dq, dk, dv);
}

#else

static_assert(kPanel <= kAttentionPanel && kAttentionBlock % kTileRows == 0);

// Hands out aligned pieces of the caller's memory.
struct Scratch {
  float* next;

  float* Take(int64_t count) {
    float* piece = next;
    next += RoundUp(count, 16);
    return piece;
  }
};

// The last vector of a row of n scores reaches into the padding; these lanes count.
HWY_INLINE hn::Mask<F32> Inside(int64_t n, int64_t j) {
  return hn::FirstN(F32(), static_cast<size_t>(std::min(kVector, n - j)));
}

// scores[j] = e^(scores[j] - max); returns their sum. The padding of the last vector becomes 0.
float ExpRow(float* scores, int64_t n) {
  const F32 d;
  const V32 lowest = hn::Set(d, -3.402823466e38f);
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

// The dropout's scales of some rows, followed by a vector of zeros: MultiplyRow reads whole
// vectors.
void RowScales(const AttentionHead& head, int64_t row, int64_t rows, float* scales) {
  const int64_t count = rows * head.tokens;
  simd::DropoutScales(*head.dropout, head.first_element + static_cast<uint64_t>(row * head.tokens),
                      count, scales);
  hn::StoreU(hn::Zero(F32()), F32(), scales + count);
}

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  const int64_t tokens = head.tokens, width = head.width, stride = head.stride;
  const int64_t score_row = RoundUp(tokens, kPanel), result_row = RoundUp(width, kPanel);
  Scratch memory = {scratch};
  float* keys = memory.Take(width * score_row);
  float* values = memory.Take(tokens * result_row);
  float* queries = memory.Take(kTileRows * width);
  float* scores = memory.Take(kTileRows * score_row);
  float* result = memory.Take(kTileRows * result_row);
  float* scales = memory.Take(kTileRows * tokens + kVector);
  PackTransposed(head.k, stride, head.k_bias, tokens, width, keys);
  Pack(head.v, stride, head.v_bias, 1.0f, tokens, width, values);
  for (int64_t first = 0; first < tokens; first += kTileRows) {
    const int64_t rows = std::min(kTileRows, tokens - first);
    Copy(head.q + first * stride, stride, head.q_bias, head.scale, rows, width, queries, width);
    Multiply({queries, width, 1}, rows, width, keys, tokens, scores, score_row, false);
    float sums[kTileRows];
    for (int64_t r = 0; r < rows; ++r) sums[r] = ExpRow(scores + r * score_row, tokens);
    if (head.dropout != nullptr) {
      RowScales(head, first, rows, scales);
      for (int64_t r = 0; r < rows; ++r) {
        MultiplyRow(scores + r * score_row, scales + r * tokens, tokens);
      }
    }
    Multiply({scores, score_row, 1}, rows, tokens, values, width, result, result_row, false);
    for (int64_t r = 0; r < rows; ++r) {
      Copy(result + r * result_row, 0, nullptr, 1.0f / sums[r], 1, width,
           out + (first + r) * out_stride, 0);
    }
  }
}

// p times `inverse` is the softmax of a row, dp the gradient of what dropout makes of it: dp
// becomes the gradient of the scores, p what dropout makes of the softmax. scales may be null.
void ScoreGradientRow(float inverse, float* p, float* dp, const float* scales, int64_t n) {
  const F32 d;
  if (scales != nullptr) MultiplyRow(dp, scales, n);
  const V32 inverses = hn::Set(d, inverse);
  V32 sum = hn::Zero(d);
  ForScores(n, [&](int64_t j) HWY_ATTR {
    const V32 softmax = hn::Mul(hn::Load(d, p + j), inverses);
    hn::Store(softmax, d, p + j);
    sum = hn::MulAdd(softmax, hn::Load(d, dp + j), sum);
  });
  const V32 dot = hn::SumOfLanes(d, sum);
  ForScores(n, [&](int64_t j) HWY_ATTR {
    const V32 centred = hn::Sub(hn::Load(d, dp + j), dot);
    hn::Store(hn::Mul(hn::Load(d, p + j), centred), d, dp + j);
  });
  if (scales != nullptr) MultiplyRow(p, scales, n);
}

// Scratch matrices of a gradient. Panels of what stands to the right in products, sums of the
// gradients of all keys and values, and those of one block of query rows.
struct GradientMemory {
  const AttentionHead& head;
  Scratch memory;
  const int64_t score_row = RoundUp(head.tokens, kPanel);
  const int64_t wide = RoundUp(head.width, kPanel);
  const int64_t block = std::min(kAttentionBlock, head.tokens);
  float* const keys_t = memory.Take(head.width * score_row);
  float* const values_t = memory.Take(head.width * score_row);
  float* const keys = memory.Take(head.tokens * wide);
  float* const key_sums = memory.Take(head.tokens * wide);    // [T, wide]
  float* const value_sums = memory.Take(head.tokens * wide);  // [T, wide]
  float* const queries = memory.Take(block * head.width);     // [block, d]
  float* const query_panels = memory.Take(block * wide);
  float* const dout_panels = memory.Take(block * wide);
  float* const query_sums = memory.Take(block * wide);               // [block, wide]
  float* const p = memory.Take(block * score_row);                   // [block, score_row]
  float* const dp = memory.Take(block * score_row);                  // [block, score_row]
  float* const scales = memory.Take(block * head.tokens + kVector);  // [block, T]
};

// m.p and m.dp of some rows, as ScoreGradientRow says.
void ScoreGradients(const AttentionHead& head, int64_t first, int64_t rows, const float* dout,
                    int64_t dout_stride, const GradientMemory& m) {
  const int64_t tokens = head.tokens, width = head.width;
  Multiply({m.queries, width, 1}, rows, width, m.keys_t, tokens, m.p, m.score_row, false);
  Multiply({dout, dout_stride, 1}, rows, width, m.values_t, tokens, m.dp, m.score_row, false);
  if (head.dropout != nullptr) RowScales(head, first, rows, m.scales);
  for (int64_t r = 0; r < rows; ++r) {
    float* row = m.p + r * m.score_row;
    const float sum = ExpRow(row, tokens);
    ScoreGradientRow(1.0f / sum, row, m.dp + r * m.score_row,
                     head.dropout == nullptr ? nullptr : m.scales + r * tokens, tokens);
  }
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, float* dq, float* dk, float* dv) {
  const int64_t tokens = head.tokens, width = head.width, stride = head.stride;
  const GradientMemory m = {head, {scratch}};
  PackTransposed(head.k, stride, head.k_bias, tokens, width, m.keys_t);
  PackTransposed(head.v, stride, head.v_bias, tokens, width, m.values_t);
  Pack(head.k, stride, head.k_bias, 1.0f, tokens, width, m.keys);
  for (int64_t first = 0; first < tokens; first += m.block) {
    const int64_t rows = std::min(m.block, tokens - first);
    const float* q = head.q + first * stride;
    const float* dout_rows = dout + first * dout_stride;
    Copy(q, stride, head.q_bias, head.scale, rows, width, m.queries, width);
    Pack(q, stride, head.q_bias, head.scale, rows, width, m.query_panels);
    Pack(dout_rows, dout_stride, nullptr, 1.0f, rows, width, m.dout_panels);
    ScoreGradients(head, first, rows, dout_rows, dout_stride, m);
    const bool add = first > 0;
    Multiply({m.p, 1, m.score_row}, tokens, rows, m.dout_panels, width, m.value_sums, m.wide, add);
    Multiply({m.dp, 1, m.score_row}, tokens, rows, m.query_panels, width, m.key_sums, m.wide, add);
    Multiply({m.dp, m.score_row, 1}, rows, tokens, m.keys, width, m.query_sums, m.wide, false);
    Copy(m.query_sums, m.wide, nullptr, head.scale, rows, width, dq + first * stride, stride);
  }
  Copy(m.key_sums, m.wide, nullptr, 1.0f, tokens, width, dk, stride);
  Copy(m.value_sums, m.wide, nullptr, 1.0f, tokens, width, dv, stride);
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(Attention);
HWY_EXPORT(AttentionGradient);

int64_t AttentionScratch(int64_t tokens, int64_t width) {
  const int64_t row = tokens + kAttentionPanel, wide = width + kAttentionPanel;
  constexpr int64_t kPieces = 12, kAlignment = 32;
  return 2 * width * row + 3 * tokens * wide + 4 * kAttentionBlock * wide +
         3 * kAttentionBlock * row + kPieces * kAlignment;
}

namespace simd {

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(Attention)(head, scratch, out, out_stride);
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, float* dq, float* dk, float* dv) {
  HWY_DYNAMIC_DISPATCH(AttentionGradient)(head, dout, dout_stride, scratch, dq, dk, dv);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
