#include <algorithm>

#include "models/kernels/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/attention_simd.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include "models/kernels/attention_distances-inl.h"
#include "models/kernels/attention_gradient-inl.h"
#include "models/kernels/attention_scores-inl.h"
#include "models/kernels/simd-inl.h"
#include "models/kernels/small_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if GRAFT_PLAIN_TARGET

void PackDistances(const DistanceTable& table, int64_t width, bool gradient, float* panels) {
  plain::PackDistances(table, width, gradient, panels);
}

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  plain::Attention(head, scratch, out, out_stride);
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, const AttentionGradients& gradients) {
  plain::AttentionGradient(head, dout, dout_stride, scratch, gradients);
}

#else

// Scratch matrices: panels of what stands to the right in products, and those of one block of query
// rows.
struct ForwardMemory {
  const AttentionHead& head;
  Scratch memory;
  const bool only_products = !head.windowed() && !head.has_tables();
  const int64_t block = BlockRows(head, kTileRows);
  const int64_t score_row = ScoreRow(head, block);
  const int64_t wide = RoundUp(head.width, kPanel);
  float* const keys = memory.Take(head.width * RoundUp(head.tokens, kPanel));
  float* const values = memory.Take(head.tokens * wide);
  float* const queries = memory.Take(block * head.width);            // [block, d]
  float* const scores = TakeScores(head, block, memory);             // [block, score_row]
  float* const result = memory.Take(block * wide);                   // [block, wide]
  float* const scales = memory.Take(block * head.tokens + kVector);  // [block, T]
  const QueryTableMemory query_table = {head, memory};
};

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  const int64_t tokens = head.tokens, width = head.width, stride = head.stride;
  const ForwardMemory m = {head, {scratch}};
  PackTransposed(head.k, stride, head.k_bias, tokens, width, m.keys);
  Pack(head.v, stride, head.v_bias, 1.0f, tokens, width, m.values);
  for (int64_t first = 0; first < tokens; first += m.block) {
    const int64_t rows = std::min(m.block, tokens - first);
    const Scores scores = {m.scores, m.score_row, first, rows, SeenPanels(head, first, rows)};
    const int64_t count = scores.keys.count();
    Copy(head.q + first * stride, stride, head.q_bias, head.scale, rows, width, m.queries, width);
    ComputeProducts(head, m.queries, m.keys, scores);
    if (!m.only_products) AddTablesAndWindow(head, m.queries, m.query_table, scores);
    float sums[kQueryTableBlock];
    for (int64_t r = 0; r < rows; ++r) sums[r] = ExpRow(scores.Row(r), count);
    if (head.dropout != nullptr) {
      RowScales(head, scores, m.scales);
      for (int64_t r = 0; r < rows; ++r) MultiplyRow(scores.Row(r), m.scales + r * count, count);
    }
    Multiply({scores.data, scores.stride, 1}, rows, count,
             {m.values + scores.keys.first * kPanel, tokens * kPanel}, width, m.result, m.wide,
             false);
    for (int64_t r = 0; r < rows; ++r) {
      Copy(m.result + r * m.wide, 0, nullptr, 1.0f / sums[r], 1, width,
           out + (first + r) * out_stride, 0);
    }
  }
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace graft {
HWY_EXPORT(PackDistances);
HWY_EXPORT(Attention);
HWY_EXPORT(AttentionGradient);

int64_t AttentionScratch(int64_t tokens, int64_t width, bool has_tables) {
  const int64_t block = has_tables ? kQueryTableBlock : kAttentionBlock;
  const int64_t wide = width + kAttentionPanel;
  const int64_t row = tokens + (has_tables ? 4 : 1) * kAttentionPanel;  // with margins
  constexpr int64_t kPieces = 20, kAlignment = 32;
  const int64_t floats = 2 * width * (tokens + kAttentionPanel) + 3 * tokens * wide +
                         4 * block * wide + 3 * block * row + kPieces * kAlignment;
  if (!has_tables) return floats;
  // Gradients of two tables, rows of zeros above and below the gradient of the scores, and what the
  // table of queries needs.
  return floats + 2 * (2 * tokens - 1) * wide + kAttentionPanel * row +
         kAttentionBlock * (wide + 2 * kQueryTableBlock);
}

int64_t DistancePanels(int64_t rows, int64_t width) {
  return (rows + kAttentionPanel) * width + rows * (width + kAttentionPanel);
}

namespace simd {

void PackDistances(const DistanceTable& table, int64_t width, bool gradient, float* panels) {
  HWY_DYNAMIC_DISPATCH(PackDistances)(table, width, gradient, panels);
}

void Attention(const AttentionHead& head, float* scratch, float* out, int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(Attention)(head, scratch, out, out_stride);
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, const AttentionGradients& gradients) {
  HWY_DYNAMIC_DISPATCH(AttentionGradient)(head, dout, dout_stride, scratch, gradients);
}

}  // namespace simd
}  // namespace graft
#endif  // HWY_ONCE
