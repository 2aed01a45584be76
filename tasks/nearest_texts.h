// The vectors of an index that are nearest to others.
#ifndef GRAFT_TASKS_NEAREST_TEXTS_H_
#define GRAFT_TASKS_NEAREST_TEXTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "embeddings/neighbor.h"
#include "tasks/embedding_index.h"

namespace graft {

// For each query, rows of `queries` [n, index.dimensions()], its `top` most similar rows, or all
// when there are fewer: the most similar first, the lower row among equals. Every row is looked at:
// the result is exact, and a query's does not depend on the other queries, bit for bit (CPU with
// AVX2). InvalidArgument for a `top` below 1, queries of another width and numbers whose
// products are not finite; ResourceExhausted when memory runs out. Thread-safe; calls take turns as
// those of TextEmbedder::Embed do.
absl::StatusOr<std::vector<std::vector<Neighbor>>> FindNearest(const EmbeddingIndex& index,
                                                               absl::Span<const float> queries,
                                                               int64_t top, Similarity similarity);

}  // namespace graft

#endif  // GRAFT_TASKS_NEAREST_TEXTS_H_
