// The inner loops of searches: products of queries with many rows. Internal: not part of the
// installed headers.
//
// Each is there twice: the plain loops, which run everywhere, and Highway's for AVX2 and AVX-512.
// Their results differ within the error bound that callers rely on: every score is a sum of
// rounded products in some order, fused or not.
#ifndef GRAFT_EMBEDDINGS_SCORES_H_
#define GRAFT_EMBEDDINGS_SCORES_H_

#include <cstddef>
#include <cstdint>

namespace graft {

// Rows of one block of the 8-bit copy.
inline constexpr int64_t kBlockRows = 16;

// out[i] = weights[i] * (query . row i), for rows [count, width]; true when one is at least
// `least`. What follows the rows is asked for in advance.
bool ScoreRows(const float* query, const float* rows, const float* weights, int64_t count,
               int64_t width, float least, float* out);

// Queries side by side: entry (i, q) of panel p is component i of query p * size + q.
int64_t PanelQueries();

// One panel [width, PanelQueries()] with rows [count, width]: out[row * PanelQueries() + q] =
// weights[row] * (query q . row), and found[row] says whether any of them reaches its threshold.
// Scores are only written for rows where one does.
void ScorePanel(const float* panel, const float* rows, const float* weights, int64_t count,
                int64_t width, const float* thresholds, float* out, bool* found);

// One block of the copy: 16 rows of int8, two components of each row side by side, so that pair p
// of row r stands at 2 * (16 * p + r). out[r] = sum of code times query, exact; the caller sees to
// it that 32 bits hold it. `query` has 2 * pairs entries.
void DotBlock(const int16_t* query, const int8_t* codes, int64_t pairs, int32_t* out);

namespace plain {
bool ScoreRows(const float* query, const float* rows, const float* weights, int64_t count,
               int64_t width, float least, float* out);
void ScorePanel(const float* panel, const float* rows, const float* weights, int64_t count,
                int64_t width, const float* thresholds, float* out, bool* found);
void DotBlock(const int16_t* query, const int8_t* codes, int64_t pairs, int32_t* out);
inline constexpr int64_t kPanelQueries = 8;
}  // namespace plain

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_SCORES_H_
