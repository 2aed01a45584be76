#include "embeddings/scores.h"

#include <algorithm>
#include <array>

namespace graft::plain {

bool ScoreRows(const float* query, const float* rows, const float* weights, int64_t count,
               int64_t width, float least, float* out) {
  bool found = false;
  for (int64_t row = 0; row < count; ++row) {
    float sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += query[i] * rows[row * width + i];
    out[row] = sum * weights[row];
    found |= out[row] >= least;
  }
  return found;
}

bool ScoreRuns(const float* query, const RowRuns& runs, float least, float* out) {
  bool found = false;
  for (size_t run = 0; run < kRuns; ++run) {
    found |= ScoreRows(query, runs.rows[run], runs.weights[run], runs.count, runs.width, least,
                       out + static_cast<int64_t>(run) * runs.count);
  }
  return found;
}

void ScorePanel(const float* panel, const float* rows, const float* weights, int64_t count,
                int64_t width, const float* thresholds, float* out, bool* found) {
  for (int64_t row = 0; row < count; ++row) {
    std::array<float, kPanelQueries> sums = {};
    for (int64_t i = 0; i < width; ++i) {
      for (size_t q = 0; q < sums.size(); ++q) {
        sums[q] += panel[i * kPanelQueries + static_cast<int64_t>(q)] * rows[row * width + i];
      }
    }
    found[row] = false;
    for (size_t q = 0; q < sums.size(); ++q) {
      sums[q] *= weights[row];
      found[row] |= sums[q] >= thresholds[q];
    }
    if (found[row]) std::copy(sums.begin(), sums.end(), out + row * kPanelQueries);
  }
}

bool ScoreBlocks(const int16_t* query, float scale, const BlockRuns& runs, float least, float* out,
                 bool* found) {
  bool any = false;
  for (int64_t i = 0; i < kRuns * runs.count; ++i, out += kBlockRows) {
    const auto run = static_cast<size_t>(i / runs.count);
    const int64_t block = i % runs.count;
    const int8_t* const codes = runs.codes[run] + block * runs.pairs * 2 * kBlockRows;
    std::array<int32_t, kBlockRows> sums = {};
    for (int64_t pair = 0; pair < runs.pairs; ++pair) {
      for (size_t row = 0; row < kBlockRows; ++row) {
        const int8_t* const two = codes + 2 * (kBlockRows * pair + static_cast<int64_t>(row));
        sums[row] += query[2 * pair] * two[0] + query[2 * pair + 1] * two[1];
      }
    }
    const float limit = least - runs.errors[run][block];
    found[i] = false;
    for (size_t row = 0; row < kBlockRows; ++row) {
      const float weight = runs.scales[run][block * kBlockRows + static_cast<int64_t>(row)] * scale;
      out[row] = static_cast<float>(sums[row]) * weight;
      found[i] |= out[row] >= limit;
    }
    any |= found[i];
  }
  return any;
}

}  // namespace graft::plain
