// A copy of rows in 8 bits with a bound of its error. Internal: not part of the installed headers.
#ifndef GRAFT_EMBEDDINGS_INT8_ROWS_H_
#define GRAFT_EMBEDDINGS_INT8_ROWS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "embeddings/candidates.h"
#include "embeddings/word_vectors.h"

namespace graft {

// Rows times a weight each, in blocks of 16 (scores.h, DotBlock). Row r is about scales[r] times
// its codes; the rest has at most the length errors[block], and no row a length above `longest`.
// Immutable.
class Int8Rows {
 public:
  Int8Rows(const VectorMatrix& matrix, absl::Span<const float> weights, int64_t threads);

  // Rows [begin, end), whole blocks but for the last, that may be near a query of length one.
  void Scan(absl::Span<const float> query, int64_t begin, int64_t end,
            absl::Span<const int64_t> excluded, Candidates& candidates) const;

 private:
  int64_t rows_;
  int64_t width_;
  int64_t pairs_;
  std::vector<int8_t> codes_;  // [blocks, pairs, 16, 2]
  std::vector<float> scales_;  // [blocks * 16]
  std::vector<float> errors_;  // [blocks]
  float longest_ = 0;
};

}  // namespace graft

#endif  // GRAFT_EMBEDDINGS_INT8_ROWS_H_
