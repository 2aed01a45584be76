// From hidden states to one vector a text, in the ways of sentence-transformers. For use alone:
// heads that train pool with models/kernels/pooling.h.
#ifndef GRAFT_TASKS_SENTENCE_POOLING_H_
#define GRAFT_TASKS_SENTENCE_POOLING_H_

#include <cstdint>

#include "absl/types/span.h"
#include "tasks/pooling_mode.h"

namespace graft {

// Rows of a packed batch: text b has hidden[starts[b] * width .. starts[b + 1] * width).
struct TokenRows {
  const float* hidden;  // [N, width]
  const int32_t* starts;
  int64_t texts;
  int64_t width;
};

// Writes [texts, modes * width]: the modes one after the other. The first `skipped` tokens of each
// text, its prompt, count for nothing; they keep their positions for kWeightedMean. Of a text that
// has no others kCls gives the first token, every other mode zeros. Every text has a token. Sums
// are in double. A text's numbers do not depend on the others. Thread-safe.
void PoolTexts(const TokenRows& rows, absl::Span<const PoolingMode> modes, int64_t skipped,
               float* out);

}  // namespace graft

#endif  // GRAFT_TASKS_SENTENCE_POOLING_H_
