// Attention of one head as small matrix products. The right-hand matrix of a product lies in panels
// of kPanel columns ([depth, kPanel] each, padded with zeros), the left-hand one where it is; a
// tile of kTileRows x kPanel results stays in registers. Every result is one chain of fused
// multiply-adds in the order of the depth, whatever tile it falls into.
#include <algorithm>

#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/attention_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include "models/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  plain::Attention(head, scratch, out, out_stride);
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, float* dq, float* dk, float* dv) {
  plain::AttentionGradient(head, dout, dout_stride, scratch, dq, dk, dv);
}

#else

constexpr int64_t kVector = kLanes;
constexpr int64_t kPanel = 2 * kVector;
constexpr int64_t kTileRows = 6;
static_assert(kPanel <= kAttentionPanel && kAttentionBlock % kTileRows == 0);

constexpr int64_t RoundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Hands out aligned pieces of the caller's memory.
struct Scratch {
  float* next;

  float* Take(int64_t count) {
    float* piece = next;
    next += RoundUp(count, 16);
    return piece;
  }
};

// Element (i, k) of a left-hand matrix stands at data[i * row + k * depth].
struct Left {
  const float* data;
  int64_t row;
  int64_t depth;
};

template <int kRows>
HWY_INLINE void Tile(const Left& a, int64_t depth, const float* panel, float* c, int64_t c_row,
                     bool add) {
  const F32 d;
  V32 low[kRows], high[kRows];
  for (int r = 0; r < kRows; ++r) {
    low[r] = add ? hn::LoadU(d, c + r * c_row) : hn::Zero(d);
    high[r] = add ? hn::LoadU(d, c + r * c_row + kVector) : hn::Zero(d);
  }
  const float* left = a.data;
  for (int64_t k = 0; k < depth; ++k, left += a.depth, panel += kPanel) {
    const V32 b0 = hn::LoadU(d, panel);
    const V32 b1 = hn::LoadU(d, panel + kVector);
    for (int r = 0; r < kRows; ++r) {
      const V32 value = hn::Set(d, left[r * a.row]);
      low[r] = hn::MulAdd(value, b0, low[r]);
      high[r] = hn::MulAdd(value, b1, high[r]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    hn::StoreU(low[r], d, c + r * c_row);
    hn::StoreU(high[r], d, c + r * c_row + kVector);
  }
}

void TileOfRows(int64_t rows, const Left& a, int64_t depth, const float* panel, float* c,
                int64_t c_row, bool add) {
  switch (rows) {
    case 1:
      return Tile<1>(a, depth, panel, c, c_row, add);
    case 2:
      return Tile<2>(a, depth, panel, c, c_row, add);
    case 3:
      return Tile<3>(a, depth, panel, c, c_row, add);
    case 4:
      return Tile<4>(a, depth, panel, c, c_row, add);
    case 5:
      return Tile<5>(a, depth, panel, c, c_row, add);
    default:
      return Tile<6>(a, depth, panel, c, c_row, add);
  }
}

// c [rows, columns rounded up] = a [rows, depth] times panels, added to what c holds when `add`.
void Multiply(const Left& a, int64_t rows, int64_t depth, const float* panels, int64_t columns,
              float* c, int64_t c_row, bool add) {
  // Tiles as equal as can be: one of a single row would wait for its chain of additions.
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
  for (int64_t column = 0; column < columns; column += kPanel, panels += depth * kPanel) {
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t first = tile * rows / tiles, last = (tile + 1) * rows / tiles;
      TileOfRows(last - first, {a.data + first * a.row, a.row, a.depth}, depth, panels,
                 c + first * c_row + column, c_row, add);
    }
  }
}

// Four rows of `width` floats become columns j .. j + 3 of a panel [width, kPanel]. A null row
// stands for zeros.
void PackFourColumns(const float* const rows[4], const float* bias, int64_t width, float* panel) {
  const F32 d;
  const hn::FixedTag<float, 4> d4;
  ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
    const V32 shift = place.Load(bias + c);
    V32 v[4];
    for (int i = 0; i < 4; ++i) {
      v[i] = rows[i] == nullptr ? hn::Zero(d) : hn::Add(place.Load(rows[i] + c), shift);
    }
    alignas(64) float columns[4 * kLanes];
    hn::StoreInterleaved4(v[0], v[1], v[2], v[3], d, columns);
    const size_t count = std::min(kLanes, static_cast<size_t>(width) - c);
    for (size_t i = 0; i < count; ++i) {
      hn::StoreU(hn::Load(d4, columns + 4 * i), d4, panel + (c + i) * kPanel);
    }
  });
}

// Panels of the transpose of x + bias, x [rows, width]: [width, rows].
void PackTransposed(const float* x, int64_t stride, const float* bias, int64_t rows, int64_t width,
                    float* panels) {
  for (int64_t first = 0; first < rows; first += kPanel, panels += width * kPanel) {
    for (int64_t j = 0; j < kPanel; j += 4) {
      const float* four[4];
      for (int64_t i = 0; i < 4; ++i) {
        const int64_t row = first + j + i;
        four[i] = row < rows ? x + row * stride : nullptr;
      }
      PackFourColumns(four, bias, width, panels + j);
    }
  }
}

// Panels of (x + bias) * scale, x [rows, width]; a null bias is 0.
void Pack(const float* x, int64_t stride, const float* bias, float scale, int64_t rows,
          int64_t width, float* panels) {
  const F32 d;
  const V32 factor = hn::Set(d, scale);
  for (int64_t first = 0; first < width; first += kPanel) {
    const int64_t columns = std::min(kPanel, width - first);
    for (int64_t row = 0; row < rows; ++row, panels += kPanel) {
      if (columns < kPanel) {
        hn::StoreU(hn::Zero(d), d, panels);
        hn::StoreU(hn::Zero(d), d, panels + kVector);
      }
      const float* source = x + row * stride + first;
      ForColumns(columns, [&](auto place, size_t c) HWY_ATTR {
        V32 v = place.Load(source + c);
        if (bias != nullptr) v = hn::Add(v, place.Load(bias + first + c));
        place.Store(hn::Mul(v, factor), panels + c);
      });
    }
  }
}

// target [rows, width] = (x + bias) * scale, or x * scale without a bias.
void Copy(const float* x, int64_t stride, const float* bias, float scale, int64_t rows,
          int64_t width, float* target, int64_t target_stride) {
  const V32 factor = hn::Set(F32(), scale);
  for (int64_t row = 0; row < rows; ++row, x += stride, target += target_stride) {
    ForColumns(width, [&](auto place, size_t c) HWY_ATTR {
      V32 v = place.Load(x + c);
      if (bias != nullptr) v = hn::Add(v, place.Load(bias + c));
      place.Store(hn::Mul(v, factor), target + c);
    });
  }
}

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

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, float* dq, float* dk, float* dv) {
  const int64_t tokens = head.tokens, width = head.width, stride = head.stride;
  const int64_t score_row = RoundUp(tokens, kPanel), wide = RoundUp(width, kPanel);
  const int64_t block = std::min(kAttentionBlock, tokens);
  Scratch memory = {scratch};
  float* keys_t = memory.Take(width * score_row);
  float* values_t = memory.Take(width * score_row);
  float* keys = memory.Take(tokens * wide);
  float* key_sums = memory.Take(tokens * wide);
  float* value_sums = memory.Take(tokens * wide);
  float* queries = memory.Take(block * width);
  float* query_panels = memory.Take(block * wide);
  float* dout_panels = memory.Take(block * wide);
  float* query_sums = memory.Take(block * wide);
  float* p = memory.Take(block * score_row);
  float* dp = memory.Take(block * score_row);
  float* scales = memory.Take(block * tokens + kVector);
  PackTransposed(head.k, stride, head.k_bias, tokens, width, keys_t);
  PackTransposed(head.v, stride, head.v_bias, tokens, width, values_t);
  Pack(head.k, stride, head.k_bias, 1.0f, tokens, width, keys);
  for (int64_t first = 0; first < tokens; first += block) {
    const int64_t rows = std::min(block, tokens - first);
    const float* q = head.q + first * stride;
    const float* dout_rows = dout + first * dout_stride;
    Copy(q, stride, head.q_bias, head.scale, rows, width, queries, width);
    Pack(q, stride, head.q_bias, head.scale, rows, width, query_panels);
    Pack(dout_rows, dout_stride, nullptr, 1.0f, rows, width, dout_panels);
    Multiply({queries, width, 1}, rows, width, keys_t, tokens, p, score_row, false);
    Multiply({dout_rows, dout_stride, 1}, rows, width, values_t, tokens, dp, score_row, false);
    if (head.dropout != nullptr) RowScales(head, first, rows, scales);
    for (int64_t r = 0; r < rows; ++r) {
      float* row = p + r * score_row;
      const float sum = ExpRow(row, tokens);
      ScoreGradientRow(1.0f / sum, row, dp + r * score_row,
                       head.dropout == nullptr ? nullptr : scales + r * tokens, tokens);
    }
    const bool add = first > 0;
    Multiply({p, 1, score_row}, tokens, rows, dout_panels, width, value_sums, wide, add);
    Multiply({dp, 1, score_row}, tokens, rows, query_panels, width, key_sums, wide, add);
    Multiply({dp, score_row, 1}, rows, tokens, keys, width, query_sums, wide, false);
    Copy(query_sums, wide, nullptr, head.scale, rows, width, dq + first * stride, stride);
  }
  Copy(key_sums, wide, nullptr, 1.0f, tokens, width, dk, stride);
  Copy(value_sums, wide, nullptr, 1.0f, tokens, width, dv, stride);
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
