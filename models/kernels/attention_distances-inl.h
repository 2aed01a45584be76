// What tables by distance and the window make of the products of queries and keys. Included once
// per Highway target.
//
// A matrix by distance becomes one by key when it is written with rows that are one float longer
// than those of the scores: distance m of query i is key i + m. So a product with a table is added
// to the scores where they lie. Products are computed in whole panels, and what falls beside the
// keys lands in margins to the left and to the right of every row, which nobody reads.
#if defined(GRAFT_MODELS_KERNELS_ATTENTION_DISTANCES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAFT_MODELS_KERNELS_ATTENTION_DISTANCES_INL_H_
#undef GRAFT_MODELS_KERNELS_ATTENTION_DISTANCES_INL_H_
#else
#define GRAFT_MODELS_KERNELS_ATTENTION_DISTANCES_INL_H_
#endif

#include <algorithm>

#include "models/kernels/attention_scores-inl.h"
#include "models/kernels/loops.h"
#include "models/kernels/simd-inl.h"
#include "models/kernels/small_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if !GRAFT_PLAIN_TARGET

// Distances first <= m < end.
struct Distances {
  int64_t first;
  int64_t end;

  int64_t count() const { return end - first; }
};

// Those between some queries and some keys that occur in the window.
HWY_INLINE Distances Between(const AttentionHead& head, int64_t row, int64_t rows,
                             const Keys& keys) {
  return {std::max(keys.first - (row + rows - 1), -head.before),
          std::min(keys.end - row, head.after + 1)};
}

// Panels of a table's transpose, [width, distances], and of the table, [distances, width].
HWY_INLINE int64_t TransposedPanels(const DistanceTable& table, int64_t width) {
  return RoundUp(table.rows(), kPanel) * width;
}

void PackDistances(const DistanceTable& table, int64_t width, bool gradient, float* panels) {
  const float* first = table.zero - table.before * table.stride;
  const float* last = table.zero + table.after * table.stride;
  PackTransposed(table.descending ? last : first, table.descending ? -table.stride : table.stride,
                 nullptr, table.rows(), width, panels);
  if (!gradient) return;
  Pack(first, table.stride, nullptr, 1.0f, table.rows(), width,
       panels + TransposedPanels(table, width));
}

// The table from distance `first` on, as the right-hand matrix of a product over distances.
HWY_INLINE Right FromDistance(const DistanceTable& table, int64_t width, int64_t first) {
  const float* panels = table.panels + TransposedPanels(table, width);
  return {panels + (first + table.before) * kPanel, table.rows() * kPanel};
}

// What a product with the transposed table computes: columns from the beginning of a panel.
struct TableColumns {
  int64_t first;
  int64_t count;
  Right panels;
};

HWY_INLINE TableColumns ColumnsOf(const DistanceTable& table, int64_t width, const Distances& m) {
  const int64_t first = table.descending ? table.after - (m.end - 1) : m.first + table.before;
  const int64_t start = first / kPanel * kPanel;
  return {start, first + m.count() - start, {table.panels + start * width, width * kPanel}};
}

// scores += queries [rows, width] times the table of keys.
void AddKeyTable(const AttentionHead& head, const float* queries, const Scores& scores) {
  for (int64_t r = 0; r < scores.rows; r += kTileRows) {
    const int64_t rows = std::min(kTileRows, scores.rows - r), row = scores.row + r;
    const Distances m = Between(head, row, rows, scores.keys);
    if (m.count() <= 0) continue;
    const TableColumns columns = ColumnsOf(head.keys, head.width, m);
    // Column c is distance c - before: key row + c - before.
    float* target = scores.Row(r) + row + columns.first - head.keys.before - scores.keys.first;
    Multiply({queries + r * head.width, head.width, 1}, rows, head.width, columns.panels,
             columns.count, target, scores.stride + 1, true);
  }
}

// v becomes its transpose.
HWY_INLINE void Transpose(V32 v[kLanes]) {
  const F32 d;
  V32 w[kLanes];
  // Each step rotates the bits of (row, lane) by one.
  for (size_t step = 1; step < kLanes; step *= 2) {
    for (size_t i = 0; i < kLanes / 2; ++i) {
      w[i] = hn::ConcatEven(d, v[2 * i + 1], v[2 * i]);
      w[i + kLanes / 2] = hn::ConcatOdd(d, v[2 * i + 1], v[2 * i]);
    }
    for (size_t i = 0; i < kLanes; ++i) v[i] = w[i];
  }
}

// scores += the transpose of x [keys, scores.rows], for keys from column `column` of the scores on.
// Both dimensions are rounded up to vectors when x is read, the keys also when scores are written.
void AddTransposed(const float* x, int64_t stride, int64_t keys, int64_t column,
                   const Scores& scores) {
  const F32 d;
  for (int64_t j = 0; j < keys; j += kVector) {
    for (int64_t r = 0; r < scores.rows; r += kVector) {
      V32 v[kLanes];
      for (int64_t l = 0; l < kVector; ++l) v[l] = hn::Load(d, x + (j + l) * stride + r);
      Transpose(v);
      const int64_t rows = std::min(kVector, scores.rows - r);
      for (int64_t l = 0; l < rows; ++l) {
        float* target = scores.Row(r + l) + column + j;
        hn::Store(hn::Add(hn::Load(d, target), v[l]), d, target);
      }
    }
  }
}

// Memory for AddQueryTable: some keys, and what the table of queries adds to their scores.
struct QueryTableMemory {
  static constexpr int64_t kStride = kQueryTableBlock + 2 * kMargin;
  float* keys = nullptr;    // [kAttentionBlock, width]
  float* scores = nullptr;  // [kAttentionBlock, kStride]

  QueryTableMemory(const AttentionHead& head, Scratch& memory) {
    if (head.queries.zero == nullptr) return;
    keys = memory.Take(kAttentionBlock * head.width);
    scores = memory.Take(kAttentionBlock * kStride);
  }
};

// scores += the table of queries times the keys. Here keys stand to the left: key j and distance m
// belong to query j - m, so the table is read in descending order.
void AddQueryTable(const AttentionHead& head, const QueryTableMemory& memory,
                   const Scores& scores) {
  constexpr int64_t kStride = QueryTableMemory::kStride;
  const Keys& all = scores.keys;
  for (int64_t first = all.first; first < all.end; first += kAttentionBlock) {
    const int64_t count = std::min(kAttentionBlock, all.end - first);
    Copy(head.k + first * head.stride, head.stride, head.k_bias, 1.0f, count, head.width,
         memory.keys, head.width);
    for (int64_t j = first; j < first + count; j += kTileRows) {
      const int64_t keys = std::min(kTileRows, first + count - j);
      const Distances m = Between(head, scores.row, scores.rows, {j, j + keys});
      if (m.count() <= 0) continue;
      const TableColumns columns = ColumnsOf(head.queries, head.width, m);
      // Column c is distance after - c: query j - after + c.
      float* target = memory.scores + (j - first) * kStride + kMargin + j - head.queries.after +
                      columns.first - scores.row;
      Multiply({memory.keys + (j - first) * head.width, head.width, 1}, keys, head.width,
               columns.panels, columns.count, target, kStride + 1, false);
    }
    AddTransposed(memory.scores + kMargin, kStride, count, first - all.first, scores);
  }
}

// row[j] += table[j].
HWY_INLINE void AddRow(const float* table, int64_t n, float* row) {
  ForColumns(n, [&](auto place, size_t j) HWY_ATTR {
    place.Store(hn::Add(place.Load(row + j), place.Load(table + j)), row + j);
  });
}

// What makes scores of the products, where head.windowed() or head.has_tables().
void AddTablesAndWindow(const AttentionHead& head, const float* queries,
                        const QueryTableMemory& memory, const Scores& scores) {
  if (head.keys.zero != nullptr) AddKeyTable(head, queries, scores);
  if (head.queries.zero != nullptr) AddQueryTable(head, memory, scores);
  for (int64_t r = 0; r < scores.rows; ++r) {
    const int64_t i = scores.row + r;
    const Keys seen = Seen(head, i, 1);
    float* row = scores.Row(r);
    float* first = row + seen.first - scores.keys.first;
    if (head.scores != nullptr) AddRow(head.scores + seen.first - i, seen.count(), first);
    std::fill(row, first, kLowest);
    std::fill(first + seen.count(), row + scores.keys.count(), kLowest);
  }
}

#endif  // !GRAFT_PLAIN_TARGET
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#endif  // toggle of GRAFT_MODELS_KERNELS_ATTENTION_DISTANCES_INL_H_
