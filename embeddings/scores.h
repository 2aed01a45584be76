// The inner loops of searches: products of queries with many rows. Internal: not part of the
// installed headers.
//
// Each is there twice: the plain loops, which run everywhere, and Highway's for AVX2 and AVX-512.
// Their results differ within the error bound that callers rely on: every score is a sum of
// rounded products in some order, fused or not.
#ifndef GRAFT_EMBEDDINGS_SCORES_H_
#define GRAFT_EMBEDDINGS_SCORES_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace graft {

// Rows of one block of the 8-bit copy.
inline constexpr int64_t kBlockRows = 16;

// Places that are read side by side: a processor reads ahead at a few at once, and one of them
// alone leaves a fifth to a third of the memory's speed unused.
inline constexpr int64_t kRuns = 4;

// out[i] = weights[i] * (query . row i), for rows [count, width]; true when one is at least
// `least`.
bool ScoreRows(const float* query, const float* rows, const float* weights, int64_t count,
               int64_t width, float least, float* out);

// Runs of as many rows each, a multiple of four.
struct RowRuns {
  std::array<const float*, kRuns> rows;     // [count, width]
  std::array<const float*, kRuns> weights;  // [count]
  int64_t count;
  int64_t width;
};
// The same for all of them: the scores of run r stand from out[r * count] on.
bool ScoreRuns(const float* query, const RowRuns& runs, float least, float* out);

// Queries side by side: entry (i, q) of panel p is component i of query p * size + q.
int64_t PanelQueries();

// One panel [width, PanelQueries()] with rows [count, width]: out[row * PanelQueries() + q] =
// weights[row] * (query q . row), and found[row] says whether any of them reaches its threshold.
// Scores are only written for rows where one does.
void ScorePanel(const float* panel, const float* rows, const float* weights, int64_t count,
                int64_t width, const float* thresholds, float* out, bool* found);

// Runs of as many blocks of the copy each. A block has 16 rows of int8, two components of each row
// side by side: pair p of row r stands at 2 * (16 * p + r).
struct BlockRuns {
  std::array<const int8_t*, kRuns> codes;  // [count, pairs, 16, 2]
  std::array<const float*, kRuns> scales;  // [count, 16]
  std::array<const float*, kRuns> errors;  // [count]
  int64_t count;
  int64_t pairs;
};
// Row i of block b of run r has, at 16 * (count * r + b) + i of `out`, the score: the sum of its
// codes times the query's, exact, times its scale times `scale`. found[count * r + b] says whether
// one of the block is at least `least` less the block's error. The caller sees to it that 32 bits
// hold the sums. `query` has 2 * pairs entries.
bool ScoreBlocks(const int16_t* query, float scale, const BlockRuns& runs, float least, float* out,
                 bool* found);

namespace plain {
bool ScoreRows(const float* query, const float* rows, const float* weights, int64_t count,
               int64_t width, float least, float* out);
bool ScoreRuns(const float* query, const RowRuns& runs, float least, float* out);
void ScorePanel(const float* panel, const float* rows, const float* weights, int64_t count,
                int64_t width, const float* thresholds, float* out, bool* found);
bool ScoreBlocks(const int16_t* query, float scale, const BlockRuns& runs, float least, float* out,
                 bool* found);
inline constexpr int64_t kPanelQueries = 8;
}  // namespace plain

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_SCORES_H_
