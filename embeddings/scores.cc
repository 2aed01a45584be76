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

void DotBlock(const int16_t* query, const int8_t* codes, int64_t pairs, int32_t* out) {
  std::fill_n(out, kBlockRows, 0);
  for (int64_t pair = 0; pair < pairs; ++pair) {
    for (int64_t row = 0; row < kBlockRows; ++row) {
      const int8_t* const two = codes + 2 * (kBlockRows * pair + row);
      out[row] += query[2 * pair] * two[0] + query[2 * pair + 1] * two[1];
    }
  }
}

}  // namespace graft::plain
