// The gradient of attention, included once per Highway target.
#if defined(GRAFT_MODELS_KERNELS_ATTENTION_GRADIENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAFT_MODELS_KERNELS_ATTENTION_GRADIENT_INL_H_
#undef GRAFT_MODELS_KERNELS_ATTENTION_GRADIENT_INL_H_
#else
#define GRAFT_MODELS_KERNELS_ATTENTION_GRADIENT_INL_H_
#endif

#include <algorithm>

#include "models/kernels/attention_distances-inl.h"
#include "models/kernels/attention_scores-inl.h"
#include "models/kernels/loops.h"
#include "models/kernels/simd-inl.h"
#include "models/kernels/small_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace graft {
namespace HWY_NAMESPACE {
#if !GRAFT_PLAIN_TARGET

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

// The products with tables read the gradient of the scores along diagonals, in tiles of a few rows:
// they reach beyond it by less than a tile on all sides, and have to find zeros there.
constexpr int64_t kZeros = 16;
static_assert(kTileRows <= kZeros && kZeros <= kMargin);

HWY_INLINE float* TakePaddedScores(const AttentionHead& head, int64_t rows, Scratch& memory) {
  if (!head.has_tables()) return TakeScores(head, rows, memory);
  const int64_t row = ScoreRow(head, rows);
  return memory.Take((rows + 2 * kTileRows) * row) + kTileRows * row + kMargin;
}

// Scratch matrices of a gradient. Panels of what stands to the right in products, sums of the
// gradients of all keys, values and tables, and those of one block of query rows.
struct GradientMemory {
  const AttentionHead& head;
  Scratch memory;
  const bool only_products = !head.windowed() && !head.has_tables();
  const int64_t block = BlockRows(head, std::min(kAttentionBlock, head.tokens));
  const int64_t score_row = ScoreRow(head, block);
  const int64_t key_row = RoundUp(head.tokens, kPanel);
  const int64_t wide = RoundUp(head.width, kPanel);
  float* const keys_t = memory.Take(head.width * key_row);
  float* const values_t = memory.Take(head.width * key_row);
  float* const keys = memory.Take(head.tokens * wide);
  float* const key_sums = memory.Take(head.tokens * wide);    // [T, wide]
  float* const value_sums = memory.Take(head.tokens * wide);  // [T, wide]
  float* const queries = memory.Take(block * head.width);     // [block, d]
  float* const query_panels = memory.Take(block * wide);
  float* const dout_panels = memory.Take(block * wide);
  float* const query_sums = memory.Take(block * wide);               // [block, wide]
  float* const p = TakeScores(head, block, memory);                  // [block, score_row]
  float* const dp = TakePaddedScores(head, block, memory);           // [block, score_row]
  float* const scales = memory.Take(block * head.tokens + kVector);  // [block, T]
  const QueryTableMemory query_table = {head, memory};
  // [head.distances(), wide]; null without the table.
  float* const key_table_sums = TakeSums(head.keys);
  float* const query_table_sums = TakeSums(head.queries);

  float* TakeSums(const DistanceTable& table) {
    return table.zero == nullptr ? nullptr : memory.Take(head.distances() * wide);
  }
  // Where the sums of distance m stand.
  float* TableRow(float* sums, int64_t m) const { return sums + (m + head.before) * wide; }
};

// p and dp as ScoreGradientRow says; p.data is m.p.
void ScoreGradients(const AttentionHead& head, const Scores& p, const float* dout,
                    int64_t dout_stride, const GradientMemory& m) {
  const int64_t width = head.width, count = p.keys.count();
  ComputeProducts(head, m.queries, m.keys_t, p);
  if (!m.only_products) AddTablesAndWindow(head, m.queries, m.query_table, p);
  Multiply({dout, dout_stride, 1}, p.rows, width,
           {m.values_t + p.keys.first * width, width * kPanel}, count, m.dp, p.stride, false);
  if (head.dropout != nullptr) RowScales(head, p, m.scales);
  for (int64_t r = 0; r < p.rows; ++r) {
    float* row = p.Row(r);
    const float sum = ExpRow(row, count);
    ScoreGradientRow(1.0f / sum, row, m.dp + r * p.stride,
                     head.dropout == nullptr ? nullptr : m.scales + r * count, count);
  }
}

// Zeros around the gradient of the scores.
void ClearMargins(const Scores& ds) {
  const int64_t count = ds.keys.count();
  for (int64_t r = -kTileRows; r < ds.rows + kTileRows; ++r) {
    float* row = ds.Row(r);
    const bool outside = r < 0 || r >= ds.rows;
    std::fill(row - kZeros, outside ? row + count : row, 0.0f);
    std::fill_n(row + count, kZeros, 0.0f);
  }
}

// What the table of keys passes on to the queries: dq_i += sum over m of ds[i, i + m] keys[m].
void AddToQueries(const AttentionHead& head, const Scores& ds, const GradientMemory& m) {
  for (int64_t r = 0; r < ds.rows; r += kTileRows) {
    const int64_t rows = std::min(kTileRows, ds.rows - r), row = ds.row + r;
    const Distances d = Between(head, row, rows, Seen(head, row, rows));
    const float* left = ds.Row(r) + row + d.first - ds.keys.first;
    Multiply({left, ds.stride + 1, 1}, rows, d.count(),
             FromDistance(head.keys, head.width, d.first), head.width, m.query_sums + r * m.wide,
             m.wide, true);
  }
}

// dkeys[m] += sum over i of ds[i, i + m] q_i.
void AddToKeyTable(const AttentionHead& head, const Scores& ds, const GradientMemory& m) {
  const Distances d = Between(head, ds.row, ds.rows, ds.keys);
  for (int64_t first = d.first; first < d.end; first += kTileRows) {
    const int64_t count = std::min(kTileRows, d.end - first);
    // Queries that have a key at one of these distances.
    const int64_t begin = std::max<int64_t>(0, ds.keys.first - (first + count - 1) - ds.row);
    const int64_t end = std::min(ds.rows, ds.keys.end - first - ds.row);
    const float* left = ds.Row(begin) + ds.row + begin + first - ds.keys.first;
    Multiply({left, 1, ds.stride + 1}, count, end - begin,
             {m.query_panels + begin * kPanel, ds.rows * kPanel}, head.width,
             m.TableRow(m.key_table_sums, first), m.wide, true);
  }
}

// What the table of queries passes on to the keys: dk_j += sum over m of ds[j - m, j] queries[m].
void AddToKeys(const AttentionHead& head, const Scores& ds, const GradientMemory& m) {
  for (int64_t j = ds.keys.first; j < ds.keys.end; j += kTileRows) {
    const int64_t keys = std::min(kTileRows, ds.keys.end - j);
    const Distances d = Between(head, ds.row, ds.rows, {j, j + keys});
    if (d.count() <= 0) continue;
    const float* left = ds.Row(j - d.first - ds.row) + j - ds.keys.first;
    Multiply({left, ds.stride + 1, -ds.stride}, keys, d.count(),
             FromDistance(head.queries, head.width, d.first), head.width, m.key_sums + j * m.wide,
             m.wide, true);
  }
}

// dqueries[m] += sum over j of ds[j - m, j] k_j.
void AddToQueryTable(const AttentionHead& head, const Scores& ds, const GradientMemory& m) {
  const Distances d = Between(head, ds.row, ds.rows, ds.keys);
  for (int64_t first = d.first; first < d.end; first += kTileRows) {
    const int64_t count = std::min(kTileRows, d.end - first);
    // Keys that have a query at one of these distances.
    const int64_t begin = std::max(ds.keys.first, ds.row + first);
    const int64_t end = std::min(ds.keys.end, ds.row + ds.rows + first + count - 1);
    const float* left = ds.Row(begin - first - ds.row) + begin - ds.keys.first;
    Multiply({left, -ds.stride, ds.stride + 1}, count, end - begin,
             {m.keys + begin * kPanel, head.tokens * kPanel}, head.width,
             m.TableRow(m.query_table_sums, first), m.wide, true);
  }
}

// scores[m] += sum over i of ds[i, i + m]. `sums` belongs to distance -head.before.
void AddToScoreTable(const AttentionHead& head, const Scores& ds, float* sums) {
  for (int64_t r = 0; r < ds.rows; ++r) {
    const int64_t i = ds.row + r;
    const Keys seen = Seen(head, i, 1);
    AddRow(ds.Row(r) + seen.first - ds.keys.first, seen.count(),
           sums + seen.first - i + head.before);
  }
}

void AddTableGradients(const AttentionHead& head, const Scores& ds, const GradientMemory& m,
                       const AttentionGradients& gradients) {
  if (head.scores != nullptr) AddToScoreTable(head, ds, gradients.scores);
  if (head.keys.zero == nullptr && head.queries.zero == nullptr) return;
  ClearMargins(ds);
  if (head.keys.zero != nullptr) {
    AddToQueries(head, ds, m);
    AddToKeyTable(head, ds, m);
  }
  if (head.queries.zero != nullptr) {
    AddToKeys(head, ds, m);
    AddToQueryTable(head, ds, m);
  }
}

// Sums to which blocks add that do not reach all of them.
void ClearSums(const AttentionHead& head, const GradientMemory& m,
               const AttentionGradients& gradients) {
  const int64_t distances = head.distances();
  if (head.windowed()) {
    std::fill_n(m.key_sums, head.tokens * m.wide, 0.0f);
    std::fill_n(m.value_sums, head.tokens * m.wide, 0.0f);
  }
  if (head.scores != nullptr) std::fill_n(gradients.scores, distances, 0.0f);
  for (float* sums : {m.key_table_sums, m.query_table_sums}) {
    if (sums != nullptr) std::fill_n(sums, distances * m.wide, 0.0f);
  }
}

// The gradients of one block of query rows, from p and dp.
void AddBlock(const AttentionHead& head, const Scores& p, const GradientMemory& m,
              const AttentionGradients& gradients) {
  const int64_t width = head.width, rows = p.rows, count = p.keys.count(), row = p.stride;
  const bool add = p.row > 0 || head.windowed();
  const Right dout = {m.dout_panels, rows * kPanel}, queries = {m.query_panels, rows * kPanel};
  const Right keys = {m.keys + p.keys.first * kPanel, head.tokens * kPanel};
  const int64_t first = p.keys.first * m.wide;
  Multiply({m.p, 1, row}, count, rows, dout, width, m.value_sums + first, m.wide, add);
  Multiply({m.dp, 1, row}, count, rows, queries, width, m.key_sums + first, m.wide, add);
  Multiply({m.dp, row, 1}, rows, count, keys, width, m.query_sums, m.wide, false);
  if (head.has_tables()) AddTableGradients(head, {m.dp, row, p.row, rows, p.keys}, m, gradients);
  Copy(m.query_sums, m.wide, nullptr, head.scale, rows, width, gradients.q + p.row * head.stride,
       head.stride);
}

void AttentionGradient(const AttentionHead& head, const float* dout, int64_t dout_stride,
                       float* scratch, const AttentionGradients& gradients) {
  const int64_t tokens = head.tokens, width = head.width, stride = head.stride;
  const GradientMemory m = {head, {scratch}};
  PackTransposed(head.k, stride, head.k_bias, tokens, width, m.keys_t);
  PackTransposed(head.v, stride, head.v_bias, tokens, width, m.values_t);
  Pack(head.k, stride, head.k_bias, 1.0f, tokens, width, m.keys);
  ClearSums(head, m, gradients);
  for (int64_t first = 0; first < tokens; first += m.block) {
    const int64_t rows = std::min(m.block, tokens - first);
    const float* q = head.q + first * stride;
    const float* dout_rows = dout + first * dout_stride;
    Copy(q, stride, head.q_bias, head.scale, rows, width, m.queries, width);
    Pack(q, stride, head.q_bias, head.scale, rows, width, m.query_panels);
    Pack(dout_rows, dout_stride, nullptr, 1.0f, rows, width, m.dout_panels);
    const Scores p = {m.p, m.score_row, first, rows, SeenPanels(head, first, rows)};
    ScoreGradients(head, p, dout_rows, dout_stride, m);
    AddBlock(head, p, m, gradients);
  }
  Copy(m.key_sums, m.wide, nullptr, 1.0f, tokens, width, gradients.k, stride);
  Copy(m.value_sums, m.wide, nullptr, 1.0f, tokens, width, gradients.v, stride);
  if (head.keys.zero != nullptr) {
    Copy(m.key_table_sums, m.wide, nullptr, 1.0f, head.distances(), width, gradients.keys,
         gradients.table_stride);
  }
  if (head.queries.zero != nullptr) {
    Copy(m.query_table_sums, m.wide, nullptr, 1.0f, head.distances(), width, gradients.queries,
         gradients.table_stride);
  }
}

#endif  // !GRAFT_PLAIN_TARGET
}  // namespace HWY_NAMESPACE
}  // namespace graft
HWY_AFTER_NAMESPACE();

#endif  // toggle of GRAFT_MODELS_KERNELS_ATTENTION_GRADIENT_INL_H_
